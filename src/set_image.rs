//! `set-image`: does in a folder what `kustomize edit set image` does, to the bytes of the pins only.
//! Decides nothing about the text; finds the file, and replaces it atomically or not at all.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::manifest::kustomize::{FILE_NAMES, Kustomize, parse_arguments, set_images};
use crate::manifest::{ChangedPin, Format as _, ManifestFault, Options};
use crate::model::{Fault, Parts, Tag, nearest};
use crate::report::ChangeRow;

/// What was done to a file.
#[derive(Debug, Default)]
pub struct Done {
    /// One line for each changed entry, or that nothing changed.
    pub words: Vec<String>,
    /// The changed entries.
    pub changes: Vec<ChangeRow>,
    /// What can be other than it was meant.
    pub warnings: Vec<String>,
}

/// Edits the kustomization file in `dir`.
///
/// # Errors
/// An argument says nothing, there is no file or more than one, the file cannot be edited, or it cannot be written.
/// The file is untouched then.
pub fn run(dir: &Path, arguments: &[String]) -> Result<Done, Fault> {
    let edits = parse_arguments(arguments).map_err(|fault| invalid(None, fault))?;
    let found = Kustomization::find(dir)?;
    let old = found.read()?;
    let (edited, without_suffix) = set_images(&old, &edits).map_err(|fault| invalid(Some(&found.name), fault))?;
    if edited.changed.is_empty() {
        return Ok(Done {
            words: vec![format!("{}: unchanged", found.name)],
            ..Done::default()
        });
    }
    found.write(&edited.bytes)?;
    let mut done = Done::default();
    for changed in &edited.changed {
        done.add(&found.name, changed);
        let lost_suffix = without_suffix.contains(&changed.after.name);
        done.warnings.extend(warnings(changed, lost_suffix));
        done.warnings.extend(mistyped(&old, changed));
    }
    Ok(done)
}

impl Done {
    fn add(&mut self, file: &str, ChangedPin { before, after }: &ChangedPin) {
        let is_new = before.line == 0;
        let was = if is_new { String::new() } else { before.reference() };
        let shown = if is_new { "(no entry)" } else { was.as_str() };
        self.words
            .push(format!("{file}:{}: {shown} -> {}", after.line, after.reference()));
        self.changes.push(ChangeRow {
            app: String::new(),
            environment: String::new(),
            file: file.to_owned(),
            name: after.name.clone(),
            line: after.line,
            before: was,
            after: after.reference(),
        });
    }
}

/// Says what went with a change.
fn warnings(ChangedPin { before, after }: &ChangedPin, lost_suffix: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let name = &after.name;
    if let (Some(lost), None) = (&before.new_name, &after.new_name) {
        lines.push(format!(
            "`newName: {lost}` is gone from `{name}`; `{name}=*:TAG` would keep it"
        ));
    }
    if let (Some(lost), None) = (before.version().1, after.version().1) {
        lines.push(format!("`digest: {lost}` is gone from `{name}`"));
    }
    let held = after.new_name.as_deref().map(Parts::of).filter(|_| after.is_pinned());
    if held.is_some_and(|held| held.tag.is_some() || held.digest.is_some()) {
        lines.push(format!(
            "`newName` of `{name}` holds a tag or digest, so the image becomes `{}`; no registry holds such an image",
            after.reference()
        ));
    }
    if lost_suffix {
        lines.push(format!(
            "`tagSuffix` is gone from `{name}`, as kustomize takes it from every entry that it edits"
        ));
    }
    let tag = after.new_tag.as_ref();
    if let Some(tag) = tag.filter(|tag| before.new_tag.as_ref() != Some(tag)) {
        let wrong = Tag::parse(tag).err();
        lines.extend(wrong.map(|why| format!("the tag `{tag}` {why}; no registry holds such an image")));
    }
    lines
}

/// Asks about a new entry whose name is nearly that of one that was there.
fn mistyped(old: &[u8], ChangedPin { before, after }: &ChangedPin) -> Option<String> {
    if before.line != 0 {
        return None;
    }
    let pins = Kustomize.pins(old, &Options::default()).ok()?;
    let near = nearest(&after.name, pins.iter().map(|pin| pin.name.as_str()))?;
    Some(format!("`{}` is a new entry: did you mean `{near}`?", after.name))
}

fn invalid(file: Option<&str>, fault: ManifestFault) -> Fault {
    let place = match (file, fault.line) {
        (Some(file), Some(line)) => format!("{file}, line {line}: "),
        (Some(file), None) => format!("{file}: "),
        (None, _) => String::new(),
    };
    let told = Fault::invalid(format!("{place}{}", fault.message));
    match fault.hint {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

/// A kustomization file on disk.
struct Kustomization {
    name: String,
    /// The file itself, symbolic links followed.
    path: PathBuf,
    metadata: Metadata,
}

impl Kustomization {
    /// Finds the one kustomization file of a folder, by kustomize's rules.
    fn find(dir: &Path) -> Result<Self, Fault> {
        let present: Vec<&str> = FILE_NAMES.into_iter().filter(|name| dir.join(name).exists()).collect();
        let name = match present.as_slice() {
            [] => {
                return Err(
                    Fault::invalid(format!("there is no kustomization file in {}", dir.display()))
                        .hint("set `--dir` to the folder that holds `kustomization.yaml`"),
                );
            }
            [name] => (*name).to_owned(),
            several => {
                let names = several.join(", ");
                return Err(Fault::invalid(format!(
                    "there are several kustomization files in {}: {names}",
                    dir.display()
                ))
                .hint("remove all but one"));
            }
        };
        let unreadable = |error| Fault::invalid(format!("read {name}")).because(anyhow::Error::from(error));
        let mut path = dir.join(&name);
        let mut metadata = path.symlink_metadata().map_err(unreadable)?;
        // Only a link leads anywhere else.
        if metadata.is_symlink() {
            path = path.canonicalize().map_err(unreadable)?;
            if !path.starts_with(dir.canonicalize().map_err(unreadable)?) {
                return Err(
                    Fault::invalid(format!("{name} is a symbolic link to a file outside of the folder"))
                        .hint("set `--dir` to the folder of that file"),
                );
            }
            metadata = path.metadata().map_err(unreadable)?;
        }
        if !metadata.is_file() {
            return Err(Fault::invalid(format!("{name} is not a file")).hint("remove it or rename it"));
        }
        Ok(Self { name, path, metadata })
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this command edits a file of the folder it is given"
    )]
    fn read(&self) -> Result<Vec<u8>, Fault> {
        let size = self.metadata.len().min(READ_LIMIT) + 1;
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let read = File::open(&self.path).and_then(|file| file.take(READ_LIMIT).read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(bytes),
            Err(error) => Err(Fault::invalid(format!("read {}", self.name)).because(anyhow::Error::from(error))),
        }
    }

    /// Puts new content in the file's place in one step, with the same mode and owner.
    fn write(&self, bytes: &[u8]) -> Result<(), Fault> {
        let (mut file, temporary) = self.create_beside().map_err(|error| self.unwritten(error))?;
        let written = self
            .fill(&mut file, bytes)
            .and_then(|()| fs::rename(&temporary, &self.path));
        written.map_err(|error| {
            // What went wrong is told; that the temporary file stays is the smaller harm.
            let _ = fs::remove_file(&temporary);
            self.unwritten(error)
        })
    }

    fn fill(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)?;
        let fresh = file.metadata()?;
        let (user, group) = (self.metadata.uid(), self.metadata.gid());
        if (fresh.uid(), fresh.gid()) != (user, group) {
            std::os::unix::fs::fchown(&*file, Some(user), Some(group))?;
        }
        // After the owner: a change of owner takes the special bits away.
        file.set_permissions(Permissions::from_mode(self.metadata.mode() & 0o7777))
    }

    /// Makes an empty file in the same folder that nobody else can read.
    #[expect(
        clippy::disallowed_methods,
        reason = "this command edits a file of the folder it is given"
    )]
    fn create_beside(&self) -> io::Result<(File, PathBuf)> {
        let id = std::process::id();
        let mut attempt = 0;
        loop {
            let path = self.path.with_file_name(format!(".{}.{id}.{attempt}.tmp", self.name));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok((file, path)),
                // A process with our number was killed here once.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn unwritten(&self, error: io::Error) -> Fault {
        Fault::invalid(format!("write {}; it is as it was", self.name)).because(anyhow::Error::from(error))
    }
}

/// More than any file that can be edited, so that a huge one is refused by its size and not read whole.
const READ_LIMIT: u64 = 16_000_000;
