//! Kustomization files: reads the `images` list and edits its entries in place.
//!
//! Two callers with two tempers: a promotion changes tag and digest of an entry and minds nothing else in the file; `set-image`
//! refuses whatever `kustomize edit set image` refuses.

mod append;
mod argument;
mod block;
mod change;
mod draft;
mod edited;
mod entry;
mod flow;
mod images;
mod includes;
mod merge;
mod nodes;
mod overlay;
mod read;
mod schema;
mod strict;
mod unfold;

use std::collections::{HashMap, HashSet};

use append::NewEntry;
use draft::Draft;
use entry::{Entry, FieldName};
use overlay::{List, Overlay};

pub use argument::parse_arguments;
pub use includes::{Chart, Includes, includes, join};

use super::yaml::{admit, prove};
use super::{Edited, Field, Format, ManifestFault, Named, Options, PinEdit, listed};
use crate::Pin;

/// The format of `kustomization.yaml`.
#[derive(Clone, Copy, Debug)]
pub struct Kustomize;

/// The names that kustomize looks for, in its order.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

impl Format for Kustomize {
    fn name(&self) -> &'static str {
        "kustomize"
    }

    fn claims(&self, place: Named<'_>) -> Result<Vec<String>, String> {
        let names = match place {
            Named::Folder(names) => names,
            Named::File(name) if FILE_NAMES.contains(&name) => return Ok(vec![name.to_owned()]),
            Named::File(_) => {
                return Err(
                    "is a file: set `format` to `values`, `manifests` or `argocd`, or name a folder with a kustomization"
                        .to_owned(),
                );
            }
        };
        let found: Vec<&str> = FILE_NAMES.into_iter().filter(|name| names.contains(name)).collect();
        match found.as_slice() {
            [one] => Ok(vec![(*one).to_owned()]),
            [] => Err(format!(
                "has no kustomization file ({}); there is {}{}",
                FILE_NAMES.join(", "),
                listed(names),
                other_format(names)
            )),
            more => Err(format!(
                "has several kustomization files ({}): remove all but one",
                more.join(", ")
            )),
        }
    }

    fn pins(&self, text: &[u8], _: &Options) -> Result<Vec<Pin>, ManifestFault> {
        let overlay = read::read(admit(text)?, false, &|_| true)?;
        let entries = overlay.lists.iter().flat_map(|list| &list.kept);
        Ok(entries.filter_map(Entry::pin).collect())
    }

    fn edit(&self, text: &[u8], edits: &[PinEdit], _: &Options) -> Result<Edited, ManifestFault> {
        let edits: Vec<EntryEdit> = edits.iter().map(EntryEdit::from).collect();
        edit(text, &edits, false).map(|(edited, _)| edited)
    }

    fn sets_every_pin(&self) -> bool {
        false
    }

    fn advice(&self) -> &'static str {
        "to add an entry, set `allow: new-entry`"
    }
}

/// Says which format a folder without a kustomization seems to be, as the end of a sentence.
fn other_format(names: &[&str]) -> &'static str {
    let is_yaml = |name: &&str| name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
    if names.contains(&"Chart.yaml") || names.iter().any(|name| name.starts_with("values") && is_yaml(name)) {
        "; for a Helm values file, set `format: values` and name the file with `path`"
    } else if names.iter().any(is_yaml) {
        "; for Kubernetes manifests, set `format: manifests`"
    } else {
        ""
    }
}

/// Does what `kustomize edit set image` does, and refuses the files that it refuses. Also returns the names of the entries that
/// lost a `tagSuffix`, as kustomize takes it from every entry that it edits.
///
/// # Errors
/// The text cannot be read, kustomize would refuse it, or the edit cannot be made without touching something else.
pub fn set_images(text: &[u8], edits: &[EntryEdit]) -> Result<(Edited, Vec<String>), ManifestFault> {
    edit(text, edits, true)
}

/// What shall become of all fields of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryEdit {
    /// The `name` of the entry.
    pub name: String,
    /// Another repository.
    pub new_name: Field,
    /// The tag.
    pub new_tag: Field,
    /// The digest.
    pub digest: Field,
    /// What is appended to the tag that the manifests have.
    pub tag_suffix: Field,
    /// Whether an entry is added when there is none.
    pub create: bool,
}

impl EntryEdit {
    fn field(&self, name: FieldName) -> &Field {
        match name {
            FieldName::NewName => &self.new_name,
            FieldName::NewTag => &self.new_tag,
            FieldName::Digest => &self.digest,
            FieldName::TagSuffix => &self.tag_suffix,
            FieldName::Name => &Field::Keep,
        }
    }

    fn new_entry(&self) -> NewEntry {
        let set = FieldName::EDITABLE
            .into_iter()
            .filter_map(|name| match self.field(name) {
                Field::Set(value) if !value.is_empty() => Some((name, value.clone())),
                _ => None,
            });
        std::iter::once((FieldName::Name, self.name.clone()))
            .chain(set)
            .collect()
    }
}

impl From<&PinEdit> for EntryEdit {
    fn from(edit: &PinEdit) -> Self {
        Self {
            name: edit.name.clone(),
            new_name: Field::Keep,
            new_tag: edit.new_tag.clone(),
            digest: edit.digest.clone(),
            tag_suffix: Field::Keep,
            create: edit.create,
        }
    }
}

/// Edits entries, all or none. With `strict`, a file that kustomize refuses is refused.
fn edit(bytes: &[u8], edits: &[EntryEdit], strict: bool) -> Result<(Edited, Vec<String>), ManifestFault> {
    let text = admit(bytes)?;
    let order = in_order(edits)?;
    let wanted: HashSet<&str> = order.iter().map(|edit| edit.name.as_str()).collect();
    let overlay = read::read(text, strict, &|name| wanted.contains(name))?;
    let (draft, before) = draft(text, &overlay, &order)?;
    let changes = draft.changes;
    let touching = || ManifestFault::new("two of the changes overlap").hint("make one change at a time");
    let (new, splices) = draft.splices.apply(text).ok_or_else(touching)?;
    if splices.is_empty() {
        return Ok((Edited::unchanged(bytes), Vec::new()));
    }
    prove(&overlay.prints, text, &new, changes)?;
    let without_suffix = before.iter().filter(|before| before.loses_suffix);
    let without_suffix = without_suffix.map(|before| before.pin.name.clone()).collect();
    let edited = Edited {
        changed: edited::changed(&new, &splices, before, &order),
        bytes: new.into_bytes(),
        spans: splices.into_iter().map(|splice| splice.range).collect(),
        warnings: draft.warnings,
    };
    Ok((edited, without_suffix))
}

/// Returns one edit for each name. The later of two counts, as in kustomize; its place in the order is the first one's.
fn in_order(edits: &[EntryEdit]) -> Result<Vec<&EntryEdit>, ManifestFault> {
    let mut order: Vec<&EntryEdit> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for edit in edits {
        if edit.name.is_empty() {
            return Err(ManifestFault::new("the name of the image is empty").hint("write NAME before the `=`"));
        }
        let place = *places.entry(&edit.name).or_insert(order.len());
        match order.get_mut(place) {
            Some(known) => *known = edit,
            None => order.push(edit),
        }
    }
    Ok(order)
}

/// An entry before its edit is made.
struct Before {
    /// The number of the edit.
    owner: usize,
    pin: Pin,
    loses_suffix: bool,
}

fn draft<'t>(
    text: &'t str,
    overlay: &Overlay<'t>,
    edits: &[&EntryEdit],
) -> Result<(Draft<'t>, Vec<Before>), ManifestFault> {
    let mut entries: HashMap<&str, Vec<(&List<'t>, &Entry<'t>)>> = HashMap::new();
    for list in &overlay.lists {
        for entry in &list.kept {
            for name in entry.names() {
                entries.entry(name).or_default().push((list, entry));
            }
        }
    }
    let mut draft = Draft::new(text);
    let (mut before, mut new) = (Vec::new(), Vec::new());
    for (owner, edit) in edits.iter().enumerate() {
        draft.splices.owner = owner;
        let name = edit.name.clone();
        let unset = Pin { name, ..Pin::default() };
        match entries.get(edit.name.as_str()).map(Vec::as_slice) {
            None | Some([]) if edit.create => {
                new.push((owner, edit.new_entry()));
                before.push(Before {
                    owner,
                    pin: unset,
                    loses_suffix: false,
                });
            }
            None | Some([]) => {
                return Err(ManifestFault::new(format!("`images` has no entry `{}`", edit.name))
                    .hint("add the entry to the file, or set `allow: new-entry`"));
            }
            Some([(list, entry)]) => {
                if change_entry(&mut draft, overlay, list, entry, edit)? {
                    let has_suffix = entry.get(FieldName::TagSuffix).is_some();
                    before.push(Before {
                        owner,
                        pin: entry.pin().unwrap_or(unset),
                        loses_suffix: has_suffix && edit.tag_suffix == Field::Remove,
                    });
                }
            }
            Some([_, (_, second), ..]) => {
                return Err(ManifestFault::new(format!(
                    "two entries are named `{}` (kustomize silently drops the second)",
                    edit.name
                ))
                .at(second.line)
                .hint("remove one of them"));
            }
        }
    }
    append::apply(&mut draft, overlay, &new)?;
    Ok((draft, before))
}

/// Makes one edit in one entry; returns whether anything had to be done.
fn change_entry<'t>(
    draft: &mut Draft<'t>,
    overlay: &Overlay<'t>,
    list: &List<'t>,
    entry: &Entry<'t>,
    edit: &EntryEdit,
) -> Result<bool, ManifestFault> {
    let steps = change::steps(entry, edit, &overlay.aliased)?;
    if steps.is_empty() {
        return Ok(false);
    }
    if overlay.aliased.contains(&list.anchor) {
        return Err(ManifestFault::new(
            "the list of images has an anchor, and an alias elsewhere in the file would change with it",
        )
        .at(entry.line)
        .hint("replace the alias with a copy of the list"));
    }
    if entry.flow {
        flow::apply(draft, list, entry, &steps)?;
    } else {
        block::apply(draft, list, entry, &steps)?;
    }
    Ok(true)
}
