//! Whether an edit would change nothing of what runs, because the application, or a file that Argo CD reads beside the pin's, sets the image
//! itself. Argo CD lets `kustomize.images`, `helm.parameters` and inline values of a source win over what the repository says; so does
//! `.argocd-source.yaml` and `.argocd-source-APPLICATION.yaml` in the source's folder.

use crate::infrarepo::InfraRepo;
use crate::manifest::{Format as _, ImageKeys, Options, argocd, kustomize, values};
use crate::model::{AppSnapshot, CommitSha, Fault, Parts, Pin, PinChange, RepoPath, Syntax};
use crate::plan::{Applications, Overlay, Place};

use crate::assess::rollout::Origin;
use crate::promote::followee::Followee;
use crate::promote::prepare::applications::origin;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::value_files;

/// What can set an image in the repository's place.
struct Override {
    /// Where: an object or a file, for people.
    place: String,
    /// How to get rid of it.
    remedy: String,
    /// What it says: the part of a source that is about kustomize and Helm.
    text: String,
}

/// What was found, for people.
#[derive(Default)]
struct Found {
    why: Vec<String>,
    hints: Vec<String>,
}

impl Found {
    /// Notes what an override hides of the changes of a place; `whom` it is about.
    fn hidden(&mut self, changes: &[(&PinChange, Syntax)], over: &Override, whom: &str) {
        for (change, reader) in changes {
            if let Some(pin) = hidden_by(change, reader, &over.text) {
                let sets = format!("`{}` in {} sets {}", pin.name, over.place, pin.reference());
                self.no_effect(change, whom, &sets, over.remedy.clone());
            }
        }
    }

    fn no_effect(&mut self, change: &PinChange, whom: &str, sets: &str, remedy: String) {
        let (file, line) = (&change.file, change.after.line);
        self.why
            .push(format!("{file}:{line} would have no effect on {whom}: {sets}"));
        self.hints.push(remedy);
    }

    fn fault(mut self) -> Option<Fault> {
        self.hints.dedup();
        let fault = Fault::refused(self.why.join("; "));
        (!self.why.is_empty()).then(|| self.hints.into_iter().fold(fault, Fault::hint))
    }
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
    let at = &planned.snapshot.tip.commit;
    let mut found = Found::default();
    for followee in followees {
        let Some(app) = &followee.baseline else { continue };
        let mut places = planned.snapshot.places.iter();
        let Some(here) = places.find(|(place, _)| followee.deploys(place)) else {
            continue;
        };
        let changes = changes(planned, here);
        if changes.is_empty() {
            continue;
        }
        let whom = followee.id.to_string();
        let outer = match &followee.through {
            Some(folder) => own_pins(repo, at, folder).await?,
            None => Vec::new(),
        };
        for (change, _) in &changes {
            for (file, pin) in outer.iter().filter(|(_, pin)| wins(pin, change)) {
                let sets = format!("{file}:{} sets {}", pin.line, pin.reference());
                let remedy = format!("promote in {file}, or remove its entry {}", pin.name);
                found.no_effect(change, &whom, &sets, remedy);
            }
        }
        for over in overrides(repo, at, app, &origin).await? {
            found.hidden(&changes, &over, &whom);
        }
        for source in &app.sources {
            for (change, _) in &changes {
                let hiding = value_files::hiding(repo, at, (source, origin.feeds(source)), change).await?;
                if let Some((file, pin)) = hiding {
                    let sets = format!("{file}:{}, a later value file, sets {}", pin.line, pin.reference());
                    let remedy = format!("promote in {file}, or list it before {} in `valueFiles`", change.file);
                    found.no_effect(change, &whom, &sets, remedy);
                }
            }
        }
    }
    Ok(found.fault())
}

/// The same where no server can be asked: by the files beside the pins, and by the names that the layout gives the applications.
///
/// # Errors
/// The infra-repo cannot be read.
pub(super) async fn look_at_files(repo: &dyn InfraRepo, planned: &Planned) -> Result<Option<Fault>, Fault> {
    let mut found = Found::default();
    for here in &planned.snapshot.places {
        let place = &here.0;
        let changes = changes(planned, here);
        let is_read = |name: &str| match &place.applications {
            Applications::Named(all) => all.iter().any(|one| is_read_for(&written(&one.name), name)),
            Applications::BySource { .. } => name.starts_with(SOURCE_FILE),
        };
        let mut folders: Vec<RepoPath> = changes.iter().map(|(change, _)| change.file.split().0).collect();
        folders.dedup();
        for folder in folders {
            for over in in_folder(repo, &planned.snapshot.tip.commit, &folder, is_read).await? {
                found.hidden(&changes, &over, &format!("{} in {}", place.app, place.environment));
            }
        }
    }
    Ok(found.fault())
}

/// Returns the changes of a place, with how an override of each is read. What an Application sets itself is changed there.
fn changes<'a>(planned: &'a Planned, (place, overlay): &(Place, Overlay)) -> Vec<(&'a PinChange, Syntax)> {
    let all = planned.plan.changes.iter();
    all.filter(|change| place.has(change) && place.syntax.format.name() != argocd::ArgoCd.name())
        .map(|change| (change, reader(change, place, overlay)))
        .collect()
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
        if let Some(folder) = RepoPath::parse(&source.path).ok().filter(|_| origin.feeds(source)) {
            let names = [app.name.clone(), format!("{}_{}", app.namespace, app.name)];
            found.extend(in_folder(repo, at, &folder, |name| is_read_for(&names, name)).await?);
        }
    }
    Ok(found)
}

/// Returns the files of a folder that Argo CD reads as part of a source.
async fn in_folder(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    folder: &RepoPath,
    is_read: impl Fn(&str) -> bool,
) -> Result<Vec<Override>, Fault> {
    let entries = repo.list(at, folder).await?.unwrap_or_default();
    let is_read = |name: &String| is_read(name.as_str());
    let names = entries.into_iter().map(|entry| entry.name).filter(is_read);
    let files: Vec<RepoPath> = names.filter_map(|name| folder.join(&name).ok()).collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let texts = repo.read(at, &files).await?;
    let over = |(file, text): (RepoPath, Option<Vec<u8>>)| Override {
        remedy: format!("remove the image from {file}"),
        place: file.to_string(),
        text: String::from_utf8_lossy(&text.unwrap_or_default()).into_owned(),
    };
    Ok(files.into_iter().zip(texts).map(over).collect())
}

/// How the files begin that Argo CD reads as part of a source.
const SOURCE_FILE: &str = ".argocd-source";

/// Whether Argo CD reads a file of that name as part of the source of an application that is written so in the names of such files.
fn is_read_for(application: &[String], name: &str) -> bool {
    let rest = name
        .strip_prefix(SOURCE_FILE)
        .and_then(|rest| rest.strip_suffix(".yaml"));
    rest.is_some_and(|rest| rest.is_empty() || application.iter().any(|name| rest.strip_prefix('-') == Some(name)))
}

/// Returns how an application, given as `[namespace/]name`, may be written in the names of such files.
fn written(application: &str) -> Vec<String> {
    let name = application.rsplit('/').next().unwrap_or(application);
    vec![name.to_owned(), application.replace('/', "_")]
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
