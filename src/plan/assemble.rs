//! The way from targets and their files to one planned commit.

use crate::manifest::{Edited, ManifestFault, PinEdit};
use crate::model::{EnvironmentName, Pin, PinChange, Reference, RepoPath, Syntax};

use super::{Identity, Overlay, OverlayFile, Place, Placed, Plan, PlannedFile, Read, Request, diff, message, select};

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlan {
    /// The request and the files do not fit: every mistake.
    Mistakes(Vec<String>),
    /// They fit, but what the run asserts is not so.
    Contradicted(String),
}

/// Plans one commit. `targets` and `sources` (what `from` names) come with their files.
///
/// # Errors
/// Every mistake at once, or what contradicts the run.
pub fn plan(
    request: &Request,
    template: &str,
    targets: &[(Place, Overlay)],
    sources: &[(Place, Overlay)],
    identity: &Identity,
) -> Result<Plan, NoPlan> {
    let mut mistakes = Vec::new();
    let reads = read(targets, &mut mistakes);
    let from = read(sources, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(NoPlan::Mistakes(mistakes));
    }
    let mut plan = Plan::default();
    let wanted = select::select(request, &reads, &from, &mut plan.notices).map_err(NoPlan::Mistakes)?;
    if let Some(why) = select::contradiction(request, &wanted, &reads) {
        return Err(NoPlan::Contradicted(why));
    }
    edit(&mut plan, &reads, &wanted).map_err(NoPlan::Mistakes)?;
    plan.schema.clone_from(&request.schema);
    plan.message = message::message(template, &plan.changes, request, identity);
    plan.diff = diff::diff(&plan.files);
    Ok(plan)
}

/// Returns the references of tags alone that a plan would write, with the environments that they go to.
#[must_use]
pub fn without_digest(
    request: &Request,
    targets: &[(Place, Overlay)],
    sources: &[(Place, Overlay)],
) -> Vec<(EnvironmentName, Reference)> {
    let (reads, from) = (read(targets, &mut Vec::new()), read(sources, &mut Vec::new()));
    select::without_digest(request, &reads, &from)
}

pub(super) fn read<'a>(overlays: &'a [(Place, Overlay)], mistakes: &mut Vec<String>) -> Vec<Read<'a>> {
    let mut reads = Vec::new();
    for (target, overlay) in overlays {
        let mut pins = Vec::new();
        for file in &overlay.files {
            match target.syntax.pins(&file.text) {
                Ok(found) => pins.extend(found.into_iter().map(|pin| Placed { file, pin })),
                Err(fault) => mistakes.push(told(&file.path, &fault)),
            }
        }
        let files = overlay.files.as_slice();
        let included = overlay.included.as_slice();
        reads.push(Read {
            target,
            files,
            included,
            pins,
        });
    }
    reads
}

/// What several targets want of one file that they share.
struct Here<'a> {
    file: &'a OverlayFile,
    syntax: &'a Syntax,
    wanted: Vec<(&'a Read<'a>, &'a select::Wanted)>,
}

/// Makes the edits, one file at a time: several targets may share one.
pub(super) fn edit(plan: &mut Plan, reads: &[Read<'_>], wanted: &[Vec<select::Wanted>]) -> Result<(), Vec<String>> {
    let mut mistakes = Vec::new();
    for here in by_file(reads, wanted) {
        let path = &here.file.path;
        let edits = edits(path, here.wanted.iter().map(|(_, wanted)| *wanted), &mut mistakes);
        let edited = match here.syntax.edit(&here.file.text, &edits) {
            Ok(edited) => edited,
            Err(fault) => {
                mistakes.push(told(path, &fault));
                continue;
            }
        };
        let warnings = edited.warnings.iter();
        plan.warnings
            .extend(warnings.map(|warning| format!("{path}: {warning}")));
        for (read, wanted) in &here.wanted {
            let Some((change, is_new)) = pin_change(read, path, &wanted.name, &edited) else {
                continue;
            };
            plan.changes.extend(is_new.then(|| change.clone()));
            plan.pins.push(change);
        }
        if edited.bytes != here.file.text {
            plan.files.push(PlannedFile {
                path: path.clone(),
                before: here.file.text.clone(),
                after: edited.bytes,
            });
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

/// Sorts what is wanted by file, in the order in which the files are first named.
fn by_file<'a>(reads: &'a [Read<'a>], wanted: &'a [Vec<select::Wanted>]) -> Vec<Here<'a>> {
    let mut files: Vec<Here<'a>> = Vec::new();
    for (read, wanted) in reads.iter().zip(wanted) {
        for one in wanted {
            let Some(file) = read.files.iter().find(|file| file.path == one.file) else {
                continue;
            };
            if let Some(here) = files.iter_mut().find(|here| here.file.path == file.path) {
                here.wanted.push((read, one));
            } else {
                files.push(Here {
                    file,
                    syntax: &read.target.syntax,
                    wanted: vec![(read, one)],
                });
            }
        }
    }
    files
}

/// Returns the edits of one file, each entry once.
fn edits<'a>(
    file: &RepoPath,
    wanted: impl Iterator<Item = &'a select::Wanted>,
    mistakes: &mut Vec<String>,
) -> Vec<PinEdit> {
    let mut edits: Vec<PinEdit> = Vec::new();
    for edit in wanted.map(select::Wanted::edit) {
        match edits.iter().find(|other| other.name == edit.name) {
            Some(other) if *other == edit => {}
            Some(_) => mistakes.push(format!(
                "{file}: two different tags or digests are asked for {}",
                edit.name
            )),
            None => edits.push(edit),
        }
    }
    edits
}

/// Returns what the edit made of one entry, also when that is what stood there, and whether the file changes there.
fn pin_change(read: &Read<'_>, file: &RepoPath, name: &str, edited: &Edited) -> Option<(PinChange, bool)> {
    let changed = edited.changed.iter().find(|changed| changed.before.name == name);
    let (before, after): (&Pin, &Pin) = if let Some(changed) = changed {
        (&changed.before, &changed.after)
    } else {
        let pin = read
            .pins
            .iter()
            .find(|pin| pin.name == name && pin.file.path == *file)?;
        (pin, pin)
    };
    let change = PinChange {
        app: read.target.app.clone(),
        environment: read.target.environment.clone(),
        cluster: read.target.cluster.clone(),
        file: file.clone(),
        syntax: read.target.syntax.clone(),
        before: before.clone(),
        after: after.clone(),
    };
    Some((change, changed.is_some()))
}

fn told(file: &RepoPath, fault: &ManifestFault) -> String {
    let hint = fault.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{file}: {fault}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AppName, Digest, EnvironmentName, Reference, Tag};
    use crate::plan::{Allow, Layout, Select};

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn file(images: &str) -> Vec<u8> {
        format!("kind: Kustomization\nimages:  # pins\n{images}").into_bytes()
    }

    fn one(name: &str, tag: &str) -> String {
        format!("- name: {name}\n  newTag: {tag}  # kept\n")
    }

    fn request() -> Request {
        Request {
            select: Select {
                apps: vec![AppName::parse("api").unwrap()],
                environments: vec![EnvironmentName::parse("staging").unwrap()],
                ..Select::default()
            },
            ..Request::default()
        }
    }

    /// The targets in some environments, with the overlays' contents given as `images` lists, by environment.
    fn with_files(
        request: &Request,
        environments: &[EnvironmentName],
        overlays: &[(&str, String)],
    ) -> Vec<(Place, Overlay)> {
        let layout = Layout {
            select: &request.select,
            allow: request.allow,
            config: None,
        };
        let targets = layout.targets(environments).unwrap();
        targets
            .into_iter()
            .map(|target| {
                let (_, images) = overlays
                    .iter()
                    .find(|(name, _)| *name == target.environment.as_str())
                    .unwrap();
                let path = target.folder.join("kustomization.yaml").unwrap();
                let text = self::file(images);
                let overlay = Overlay {
                    files: vec![OverlayFile { path, text }],
                    included: Vec::new(),
                };
                (target, overlay)
            })
            .collect()
    }

    fn identity() -> Identity {
        Identity {
            by: "octo".to_owned(),
            run: "1".to_owned(),
            action: "x".to_owned(),
            source: None,
        }
    }

    /// Plans with the overlays' contents given as `images` lists, by environment.
    fn planned(request: &Request, overlays: &[(&str, String)]) -> Result<Plan, NoPlan> {
        let from: Vec<EnvironmentName> = request.from.iter().cloned().collect();
        plan(
            request,
            "promote {app}",
            &with_files(request, &request.select.environments, overlays),
            &with_files(request, &from, overlays),
            &identity(),
        )
    }

    fn mistakes(request: &Request, overlays: &[(&str, String)]) -> String {
        match planned(request, overlays) {
            Err(NoPlan::Mistakes(mistakes)) => mistakes.join("\n"),
            other => panic!("{other:?}"),
        }
    }

    fn tag(tag: &str) -> Request {
        Request {
            tag: Some(Tag::parse(tag).unwrap()),
            ..request()
        }
    }

    fn images(lines: &[&str]) -> Request {
        Request {
            images: lines.iter().map(|line| Reference::named(line).unwrap()).collect(),
            ..request()
        }
    }

    #[test]
    fn a_tag_changes_its_bytes_and_nothing_else() {
        let plan = planned(&tag("v2"), &[("staging", one("myorg/api", "v1"))]).unwrap();
        assert_eq!(plan.files[0].after, file(&one("myorg/api", "v2")));
        assert_eq!(
            (
                plan.changes[0].before.reference().as_str(),
                plan.changes[0].after.reference().as_str()
            ),
            ("myorg/api:v1", "myorg/api:v2")
        );
        assert!(
            plan.diff.contains("-  newTag: v1  # kept\n+  newTag: v2  # kept\n"),
            "{}",
            plan.diff
        );
    }

    #[test]
    fn the_same_pin_again_changes_nothing() {
        let plan = planned(&tag("v1"), &[("staging", one("myorg/api", "v1"))]).unwrap();
        assert!(plan.changes.is_empty() && plan.files.is_empty() && plan.diff.is_empty());
        assert_eq!(plan.pins[0].after.reference(), "myorg/api:v1");
    }

    #[test]
    fn several_images_to_choose_from_are_listed_with_what_they_run() {
        let two = one("a/api", "v1") + "- name: b/api\n  newName: c/api\n  newTag: v3\n";
        let said = mistakes(&tag("v2"), &[("staging", two)]);
        assert!(
            said.contains("2 images") && said.contains("b/api (runs c/api:v3)"),
            "{said}"
        );
    }

    #[test]
    fn an_image_matches_what_runs_before_what_it_is_named() {
        let two = one("a/api", "v1") + "- name: x\n  newName: docker.io/a/api\n  newTag: v1\n";
        let said = mistakes(&images(&["a/api:v2"]), &[("staging", two)]);
        assert!(said.contains("2 entries for a/api"), "{said}");
        let renamed = "- name: x\n  newName: docker.io/a/api\n  newTag: v1\n".to_owned() + &one("y", "v1");
        let plan = planned(&images(&["a/api:v2"]), &[("staging", renamed)]).unwrap();
        assert_eq!(plan.changes[0].name(), "x");
    }

    #[test]
    fn a_missing_entry_is_added_only_when_allowed() {
        let asked = images(&["myorg/new:v2"]);
        let said = mistakes(&asked, &[("staging", one("myorg/api", "v1"))]);
        assert!(
            said.contains("no entry for myorg/new") && said.contains("allow: new-entry"),
            "{said}"
        );
        let allowed = Request {
            allow: Allow {
                new_entry: true,
                ..Allow::default()
            },
            ..asked
        };
        let plan = planned(&allowed, &[("staging", one("myorg/api", "v1"))]).unwrap();
        assert_eq!(
            (
                plan.changes[0].before.reference().as_str(),
                plan.changes[0].after.reference().as_str()
            ),
            ("myorg/new", "myorg/new:v2")
        );
    }

    #[test]
    fn of_several_lines_for_one_repository_the_moving_ones_are_dropped() {
        let overlay = [("staging", one("myorg/api", "v1"))];
        let plan = planned(&images(&["myorg/api:main", "myorg/api:sha-a3f1c8b"]), &overlay).unwrap();
        assert_eq!(plan.changes[0].after.reference(), "myorg/api:sha-a3f1c8b");
        assert_eq!(plan.notices.len(), 1);
        let said = mistakes(&images(&["myorg/api:v2", "myorg/api:v3"]), &overlay);
        assert!(said.contains("exactly one must remain"), "{said}");
    }

    #[test]
    fn a_moving_tag_is_refused_with_the_way_out() {
        let overlay = [("staging", one("myorg/api", "v1"))];
        let said = mistakes(&images(&["myorg/api:latest"]), &overlay);
        assert!(
            said.contains("myorg/api:latest@${{ steps.build.outputs.digest }}"),
            "{said}"
        );
        assert!(planned(&images(&[&format!("myorg/api:latest@{DIGEST}")]), &overlay).is_ok());
    }

    #[test]
    fn a_tag_alone_for_an_entry_with_a_digest_is_refused() {
        let entry = format!("- name: a/api\n  newTag: v1\n  digest: {DIGEST}\n");
        let said = mistakes(&tag("v2"), &[("staging", entry.clone())]);
        assert!(said.contains("would still decide"), "{said}");
        let alone = Request {
            digest: Some(Digest::parse(DIGEST).unwrap()),
            ..request()
        };
        let plan = planned(&alone, &[("staging", entry)]).unwrap();
        assert_eq!(plan.changes[0].after.reference(), format!("a/api@{DIGEST}"));
    }

    #[test]
    fn a_digest_behind_the_tag_is_a_digest() {
        let held = format!("- name: api\n  newTag: \"v1@{DIGEST}\"\n");
        let said = mistakes(&tag("v2"), &[("staging", held.clone())]);
        assert!(said.contains(DIGEST) && said.contains("image: api:v2@sha256"), "{said}");
        let both = planned(&images(&[&format!("api:v2@{DIGEST}")]), &[("staging", held.clone())]).unwrap();
        assert_eq!(both.changes[0].after.reference(), format!("api:v2@{DIGEST}"));
        let request = Request {
            from: Some(EnvironmentName::parse("dev").unwrap()),
            ..request()
        };
        let plan = planned(&request, &[("dev", held), ("staging", one("api", "v0"))]).unwrap();
        assert_eq!(plan.changes[0].after.reference(), format!("api:v1@{DIGEST}"));
    }

    #[test]
    fn a_new_name_that_holds_a_version_takes_no_second_one() {
        for (new_name, what) in [
            ("reg.io/api:v1".to_owned(), "a tag"),
            (format!("reg.io/api@{DIGEST}"), "a digest"),
        ] {
            let entry = format!("- name: api\n  newName: \"{new_name}\"\n");
            let said = mistakes(&tag("v2"), &[("staging", entry)]);
            assert!(said.contains(&format!("{what} in `newName`")), "{said}");
        }
        let port = "- name: api\n  newName: localhost:5000/api\n  newTag: v1\n".to_owned();
        assert!(planned(&tag("v2"), &[("staging", port)]).is_ok());
    }

    #[test]
    fn from_copies_tag_and_digest_and_keeps_the_new_name() {
        let request = Request {
            from: Some(EnvironmentName::parse("dev").unwrap()),
            ..request()
        };
        let dev = format!("- name: api\n  newTag: v2\n  digest: {DIGEST}\n");
        let staging = "- name: api\n  newName: mirror/api\n  newTag: v1\n".to_owned();
        let plan = planned(&request, &[("dev", dev), ("staging", staging)]).unwrap();
        assert_eq!(plan.changes[0].after.reference(), format!("mirror/api:v2@{DIGEST}"));
    }

    #[test]
    fn from_removes_a_digest_that_the_source_does_not_have() {
        let request = Request {
            from: Some(EnvironmentName::parse("dev").unwrap()),
            ..request()
        };
        let staging = format!("- name: api\n  newTag: v1\n  digest: {DIGEST}\n");
        let plan = planned(&request, &[("dev", one("api", "v2")), ("staging", staging)]).unwrap();
        assert_eq!(plan.changes[0].after.reference(), "api:v2");
    }

    #[test]
    fn entries_of_one_repository_are_set_by_their_names() {
        let entries = "- {name: WEB_IMAGE, newName: ghcr.io/acme/shop, newTag: v1}\n- {name: JOB_IMAGE, newName: ghcr.io/acme/shop, newTag: v1}\n";
        let with = |lines: &[&str]| Request {
            images: lines.iter().map(|line| Reference::parse(line).unwrap()).collect(),
            ..request()
        };
        let overlays = [("staging", entries.to_owned())];
        let Err(NoPlan::Mistakes(mistakes)) = planned(&with(&["ghcr.io/acme/shop:v2"]), &overlays) else {
            panic!("two entries match");
        };
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(
            mistakes[0].contains("WEB_IMAGE") && mistakes[0].contains("JOB_IMAGE"),
            "{mistakes:?}"
        );
        let one = planned(&with(&["WEB_IMAGE:v2"]), &overlays).unwrap();
        assert_eq!(one.changes.len(), 1);
        let both = planned(&with(&["WEB_IMAGE:v2", "JOB_IMAGE:v2"]), &overlays).unwrap();
        assert_eq!(both.changes.len(), 2);
    }

    #[test]
    fn an_entry_named_with_a_tag_is_what_kustomize_renders() {
        let overlays = [("staging", "- {name: \"alpine:latest\", newTag: v1}\n".to_owned())];
        let request = Request {
            images: vec![Reference::parse("alpine:v2").unwrap()],
            ..request()
        };
        let plan = planned(&request, &overlays).unwrap();
        assert_eq!(plan.changes.len(), 1);
        let overlays = [("staging", "- {name: \"(.*)/alpine\", newTag: v1}\n".to_owned())];
        let request = Request {
            tag: Some(Tag::parse("v2").unwrap()),
            images: Vec::new(),
            ..request
        };
        let Err(NoPlan::Mistakes(mistakes)) = planned(&request, &overlays) else {
            panic!("what will run is not known");
        };
        assert!(mistakes[0].contains("newName"), "{mistakes:?}");
    }

    fn included(path: &str, text: &str) -> OverlayFile {
        OverlayFile {
            path: RepoPath::parse(path).unwrap(),
            text: text.as_bytes().to_vec(),
        }
    }

    /// Returns the mistakes of a request whose overlay in staging has these entries and includes this file.
    fn lacks(request: &Request, own: &str, file: OverlayFile) -> Vec<String> {
        let environments = request.select.environments.clone();
        let mut overlays = with_files(request, &environments, &[("staging", own.to_owned())]);
        overlays[0].1.included = vec![file];
        let Err(NoPlan::Mistakes(mistakes)) = plan(request, "x", &overlays, &[], &identity()) else {
            panic!("the overlay has no such entry");
        };
        mistakes
    }

    #[test]
    fn an_image_that_is_pinned_in_what_is_included_is_not_to_be_added() {
        let by_name = Request {
            images: vec![Reference::parse("myorg/web:v2").unwrap()],
            ..request()
        };
        for (file, words) in [
            (
                included(
                    "apps/api/pins/kustomization.yaml",
                    "images:\n- {name: myorg/web, newTag: v1}\n",
                ),
                "apps/api/pins/kustomization.yaml pins it as myorg/web:v1 (line 2)",
            ),
            (
                included("apps/api/web.yaml", "image:\n  repository: myorg/web\n  tag: v1\n"),
                "`format: values`",
            ),
            (
                included(
                    "apps/api/base/kustomization.yaml",
                    "helmCharts:\n- name: web\n  valuesInline:\n    image: {repository: myorg/web, tag: v1}\n",
                ),
                "apps/api/base/kustomization.yaml sets it in `valuesInline` of a chart",
            ),
            (
                included(
                    "apps/api/tags.yaml",
                    "kind: ImageTagTransformer\nimageTag:\n  name: myorg/web\n  newTag: v1\n",
                ),
                "apps/api/tags.yaml, which this overlay names in `transformers`",
            ),
        ] {
            // A tag alone is for the only image, wherever that is pinned.
            let own = one("myorg/api", "v1");
            for (request, own) in [(&by_name, own.as_str()), (&tag("v2"), "")] {
                let mistakes = lacks(request, own, file.clone());
                assert!(mistakes[0].contains(words), "{mistakes:?}");
                assert!(!mistakes[0].contains("new-entry"), "{mistakes:?}");
            }
        }
        let nowhere = lacks(&tag("v2"), "", included("apps/api/base/kustomization.yaml", ""));
        assert!(
            nowhere[0].contains("name the image, as in `image: NAME:v2`; to add an entry, set `allow: new-entry`"),
            "{nowhere:?}"
        );
    }

    #[test]
    fn an_entry_is_named_by_the_tag_in_its_name_and_a_tag_in_new_name_is_to_be_moved() {
        let two = "- {name: \"agent:node\", newTag: v1}\n- {name: \"agent:cluster\", newTag: v1}\n";
        let named = |image: &str| Request {
            images: vec![Reference::parse(image).unwrap()],
            ..request()
        };
        let found = planned(&named("agent:node:v2"), &[("staging", two.to_owned())]);
        let changes = found.unwrap().changes;
        assert_eq!((changes.len(), changes[0].before.name.as_str()), (1, "agent:node"));
        let held = "- {name: web, newName: \"myorg/web:v1\"}\n";
        let Err(NoPlan::Mistakes(mistakes)) = planned(&named("myorg/web:v2"), &[("staging", held.to_owned())]) else {
            panic!("the entry has no `newTag`");
        };
        assert!(
            mistakes[0].contains("the entry web has the tag or digest in `newName`")
                && !mistakes[0].contains("new-entry"),
            "{mistakes:?}"
        );
    }

    #[test]
    fn what_from_asserts_must_be_pinned_there() {
        let from = Some(EnvironmentName::parse("dev").unwrap());
        let overlays = [("dev", one("api", "v2")), ("staging", one("api", "v1"))];
        assert!(
            planned(
                &Request {
                    from: from.clone(),
                    ..tag("v2")
                },
                &overlays
            )
            .is_ok()
        );
        let other = planned(&Request { from, ..tag("v3") }, &overlays);
        assert!(
            matches!(&other, Err(NoPlan::Contradicted(why)) if why.contains("v2, not v3")),
            "{other:?}"
        );
    }
}
