//! Whether an edit would change nothing of what runs, because the application, or a file that Argo CD reads beside the pin's, sets the image
//! itself. Argo CD lets `kustomize.images`, `helm.parameters` and inline values of a source win over what the repository says; so does
//! `.argocd-source.yaml` and `.argocd-source-APPLICATION.yaml` in the source's folder.

use crate::infrarepo::InfraRepo;
use crate::manifest::{Format as _, ImageKeys, Options, argocd, kustomize, values};
use crate::model::{AppSnapshot, CommitSha, Fault, Parts, Pin, PinChange, RepoPath, Syntax};
use crate::plan::{Overlay, Place};

use crate::assess::rollout::Origin;
use crate::promote::followee::Followee;
use crate::promote::prepare::applications::origin;
use crate::promote::prepare::plan::Planned;

/// What can set an image in the repository's place.
struct Override {
    /// Where: an object or a file, for people.
    place: String,
    /// How to get rid of it.
    remedy: String,
    /// What it says: the part of a source that is about kustomize and Helm.
    text: String,
}

/// Returns what forbids to write: each change that something hides, naming both places.
///
/// # Errors
/// The infra-repo cannot be read.
pub(super) async fn look(
    repo: &dyn InfraRepo,
    planned: &Planned,
    followees: &[Followee],
) -> Result<Option<Fault>, Fault> {
    let origin = origin(repo, planned);
    let (mut why, mut hints) = (Vec::new(), Vec::new());
    for followee in followees {
        let Some(app) = &followee.baseline else { continue };
        let mut places = planned.snapshot.places.iter();
        let here = places.find(|(place, _)| followee.deploys(place));
        let changes = planned.plan.changes.iter();
        let mut changes = changes.filter(|change| followee.carries(change));
        let Some((place, overlay)) = here.filter(|(place, _)| place.syntax.format.name() != argocd::ArgoCd.name())
        else {
            continue;
        };
        let changes: Vec<(&PinChange, Syntax)> = changes
            .by_ref()
            .map(|change| (change, reader(change, place, overlay)))
            .collect();
        if changes.is_empty() {
            continue;
        }
        let outer = match &followee.through {
            Some(folder) => own_pins(repo, &planned.snapshot.tip.commit, folder).await?,
            None => Vec::new(),
        };
        for (change, _) in &changes {
            for (file, pin) in outer.iter().filter(|(_, pin)| wins(pin, change)) {
                why.push(format!(
                    "{}:{} would have no effect on {}: {file}:{} sets {}",
                    change.file,
                    change.after.line,
                    followee.id,
                    pin.line,
                    pin.reference()
                ));
                hints.push(format!("promote in {file}, or remove its entry {}", pin.name));
            }
        }
        for over in overrides(repo, &planned.snapshot.tip.commit, app, &origin).await? {
            for (change, reader) in &changes {
                let Some(pin) = hidden_by(change, reader, &over.text) else {
                    continue;
                };
                why.push(format!(
                    "{}:{} would have no effect on {}: `{}` in {} sets {}",
                    change.file,
                    change.after.line,
                    followee.id,
                    pin.name,
                    over.place,
                    pin.reference()
                ));
                hints.push(over.remedy.clone());
            }
        }
    }
    hints.dedup();
    let fault = Fault::refused(why.join("; "));
    let fault = hints.into_iter().fold(fault, Fault::hint);
    Ok((!why.is_empty()).then_some(fault))
}

/// Returns what the kustomization of a folder pins itself.
///
/// # Errors
/// The infra-repo cannot be read.
async fn own_pins(repo: &dyn InfraRepo, at: &CommitSha, folder: &RepoPath) -> Result<Vec<(RepoPath, Pin)>, Fault> {
    let entries = repo.list(at, folder).await?.unwrap_or_default();
    let is_there = |name: &&&str| entries.iter().any(|entry| entry.name == **name);
    let name = kustomize::FILE_NAMES.iter().find(is_there);
    let Some(file) = name.and_then(|name| folder.join(name).ok()) else {
        return Ok(Vec::new());
    };
    let texts = repo.read(at, std::slice::from_ref(&file)).await?;
    let text = texts.into_iter().flatten().next().unwrap_or_default();
    let pins = Syntax::default().pins(&text).unwrap_or_default();
    Ok(pins.into_iter().map(|pin| (file.clone(), pin)).collect())
}

/// Whether an entry of an overlay sets the image that a change writes in what the overlay includes: it names what comes out there.
fn wins(outer: &Pin, change: &PinChange) -> bool {
    let after = &change.after;
    let same = Parts::of(&outer.name).same_repository(&Parts::of(after.repository()));
    let other = (&outer.new_tag, &outer.digest) != (&after.new_tag, &after.digest);
    same && outer.is_pinned() && other
}

/// Returns how the images of an override are read that are about a change: by the keys that the change's own pin has.
fn reader(change: &PinChange, place: &Place, overlay: &Overlay) -> Syntax {
    let options = &place.syntax.options;
    let text = overlay
        .files
        .iter()
        .find(|file| file.path == change.file)
        .map(|file| &file.text);
    let with = |keys: Vec<ImageKeys>| Options {
        keys,
        images: vec![change.after.repository().to_owned()],
        applications: Vec::new(),
    };
    let is_its = |keys: &&ImageKeys| {
        let alone = Syntax {
            format: place.syntax.format,
            options: Options {
                images: options.images.clone(),
                ..with(vec![(*keys).clone()])
            },
        };
        let pins = text.and_then(|text| alone.pins(text).ok()).unwrap_or_default();
        pins.iter().any(|pin| pin.name == change.name())
    };
    Syntax {
        format: &argocd::ArgoCd,
        options: with(options.keys.iter().filter(is_its).cloned().collect()),
    }
}

/// Returns the image that a part of a source sets instead of what a change writes. The name of the pin is its path in the source.
fn hidden_by(change: &PinChange, reader: &Syntax, source: &str) -> Option<Pin> {
    let lines: Vec<&str> = source.lines().collect();
    let object = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    {}\n",
        lines.join("\n    ")
    );
    let of_helm = change.syntax.format.name() == values::Values.name();
    let after = change.after.reference();
    reader
        .pins(object.as_bytes())
        .unwrap_or_default()
        .into_iter()
        .find(|pin| {
            let same = Parts::of(&pin.reference()).same_repository(&Parts::of(&after));
            let other = (&pin.new_tag, &pin.digest) != (&change.after.new_tag, &change.after.digest);
            pin.name.starts_with("helm.") == of_helm && same && pin.is_pinned() && other
        })
}

async fn overrides(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    app: &AppSnapshot,
    origin: &Origin,
) -> Result<Vec<Override>, Fault> {
    let mut found = Vec::new();
    for source in &app.sources {
        if !source.overrides.is_empty() {
            found.push(Override {
                place: format!("application {}", app.name),
                remedy: format!(
                    "remove it from application {}, or promote it there with `format: argocd`",
                    app.name
                ),
                text: source.overrides.clone(),
            });
        }
        let folder = RepoPath::parse(&source.path).ok().filter(|_| origin.feeds(source));
        let Some(folder) = folder else { continue };
        for entry in repo.list(at, &folder).await?.unwrap_or_default() {
            let (true, Ok(file)) = (is_read_for(app, &entry.name), folder.join(&entry.name)) else {
                continue;
            };
            let texts = repo.read(at, std::slice::from_ref(&file)).await?;
            let text = texts.into_iter().flatten().next().unwrap_or_default();
            found.push(Override {
                remedy: format!("remove the image from {file}"),
                place: file.to_string(),
                text: String::from_utf8_lossy(&text).into_owned(),
            });
        }
    }
    Ok(found)
}

/// Whether Argo CD reads a file of that name as part of an application's source.
fn is_read_for(app: &AppSnapshot, name: &str) -> bool {
    let rest = name
        .strip_prefix(".argocd-source")
        .and_then(|rest| rest.strip_suffix(".yaml"));
    let elsewhere = format!("{}_{}", app.namespace, app.name);
    rest.is_some_and(|rest| {
        rest.is_empty()
            || [&app.name, &elsewhere]
                .into_iter()
                .any(|name| rest.strip_prefix('-') == Some(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AppName, EnvironmentName};
    use crate::plan::{Allow, Config, Layout, OverlayFile, Select};

    #[test]
    fn what_helm_is_given_wins_over_the_values_file() {
        let config = Config::parse(
            b"version: 1\nlayout: {path: \"{app}/{environment}.yaml\", format: values, keys: [{repository: a.image, tag: a.tag}, {repository: b.image, tag: b.tag}]}\nenvironments: [{name: dev}]\n",
        )
        .unwrap();
        let select = Select {
            apps: vec![AppName::parse("api").unwrap()],
            ..Select::default()
        };
        let layout = Layout {
            select: &select,
            allow: Allow::default(),
            config: Some(&config),
        };
        let place = layout
            .targets(&[EnvironmentName::parse("dev").unwrap()])
            .unwrap()
            .remove(0);
        let text = b"a: {image: myorg/a, tag: v1}\nb: {image: myorg/b, tag: v1}\n".to_vec();
        let before = place.syntax.pins(&text).unwrap().remove(0);
        let overlay = Overlay {
            files: vec![OverlayFile {
                path: place.folder.clone(),
                text,
            }],
            included: Vec::new(),
        };
        let change = PinChange {
            cluster: None,
            app: place.app.clone(),
            environment: place.environment.clone(),
            file: place.folder.clone(),
            syntax: place.syntax.clone(),
            after: Pin {
                new_tag: Some("v2".to_owned()),
                ..before.clone()
            },
            before,
        };
        let reader = reader(&change, &place, &overlay);
        for (source, hides) in [
            (r#"{"helm": {"parameters": [{"name": "a.tag", "value": "v0"}]}}"#, true),
            (r#"{"helm": {"parameters": [{"name": "a.tag", "value": "v2"}]}}"#, false),
            (r#"{"helm": {"parameters": [{"name": "b.tag", "value": "v0"}]}}"#, false),
            (r#"{"helm": {"values": "a:\n  tag: v0\n"}}"#, true),
            (r#"{"helm": {"valuesObject": {"a": {"tag": "v0"}}}}"#, true),
            (r#"{"helm": {"valueFiles": ["dev.yaml"]}}"#, false),
            (r#"{"kustomize": {"images": ["myorg/a:v0"]}}"#, false),
            ("helm:\n  parameters:\n    - name: a.tag\n      value: v0\n", true),
            ("", false),
        ] {
            assert_eq!(hidden_by(&change, &reader, source).is_some(), hides, "{source}");
        }
    }
}
