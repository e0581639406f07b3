//! Where the files of a place are at a commit: the folder or file that its path names, or what there is instead.

use crate::infrarepo::{self, Entry, EntryKind, InfraRepo, Tip};
use crate::manifest::Named;
use crate::model::{AppName, CommitSha, EnvironmentName, Fault, RepoPath, nearest};
use crate::plan::{Layout, Overlay, OverlayFile, Place};

use crate::promote::prepare::existing::{Folder, existing};
use crate::promote::prepare::included::is_kustomize;

/// How many overlays that exist are named when one does not.
const NAMED: usize = 20;

fn path(text: &str) -> Result<RepoPath, Fault> {
    RepoPath::parse(text).map_err(|why| Fault::bug(format!("the path {text:?} {why}")))
}

/// Reads the files of several overlays at once.
///
/// # Errors
/// The repository cannot be read.
pub(in crate::promote) async fn read(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    overlays: Vec<Vec<RepoPath>>,
) -> Result<Vec<Overlay>, Fault> {
    let paths: Vec<RepoPath> = overlays.iter().flatten().cloned().collect();
    let mut texts = repo.read(at, &paths).await?.into_iter();
    let mut read = Vec::new();
    for paths in overlays {
        let mut files = Vec::new();
        for path in paths {
            let text = texts.next().flatten();
            let text = text.ok_or_else(|| Fault::bug(format!("{path} was listed but cannot be read")))?;
            files.push(OverlayFile { path, text });
        }
        read.push(Overlay {
            files,
            included: Vec::new(),
        });
    }
    Ok(read)
}

/// Finds the files that hold a target's pins. The inner error is a mistake for people.
pub(in crate::promote) async fn find(
    repo: &dyn InfraRepo,
    tip: &Tip,
    layout: &Layout<'_>,
    target: &Place,
) -> Result<Result<Vec<RepoPath>, String>, Fault> {
    let place = &target.folder;
    if let Some(entries) = repo.list(&tip.commit, place).await? {
        return Ok(claimed(target, place, &entries));
    }
    // A link is followed as kustomize does, and only inside the repository.
    let real = match infrarepo::resolve(repo, &tip.commit, place).await? {
        Ok(real) => real,
        Err(why) => return Ok(Err(format!("{place} {why}"))),
    };
    match repo.list(&tip.commit, &real).await? {
        Some(entries) => Ok(claimed(target, &real, &entries)),
        None => file(repo, tip, layout, target).await,
    }
}

/// Returns the files of a folder that hold a target's pins.
fn claimed(target: &Place, place: &RepoPath, entries: &[Entry]) -> Result<Vec<RepoPath>, String> {
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let claimed = match target.syntax.claims(Named::Folder(&names)) {
        Ok(claimed) => claimed,
        Err(why) => return Err(format!("{place} {why}")),
    };
    let mut files = Vec::new();
    for name in claimed {
        let found = entries.iter().find(|entry| entry.name == name);
        match found.map(|entry| &entry.kind) {
            Some(EntryKind::Folder) => return Err(format!("{place}/{name} is a folder: it must be a file")),
            Some(EntryKind::Other) | None => {
                return Err(format!(
                    "{place}/{name} is a symbolic link or a submodule: it must be a file"
                ));
            }
            Some(EntryKind::File) => match place.join(&name) {
                Ok(file) => files.push(file),
                Err(why) => return Err(format!("{place}/{name} {why}")),
            },
        }
    }
    Ok(files)
}

/// Finds the file that a target's path names, which is no folder.
async fn file(
    repo: &dyn InfraRepo,
    tip: &Tip,
    layout: &Layout<'_>,
    target: &Place,
) -> Result<Result<Vec<RepoPath>, String>, Fault> {
    let place = &target.folder;
    let (folder, name) = place.split();
    let entries = repo.list(&tip.commit, &folder).await?.unwrap_or_default();
    Ok(match entries.iter().find(|entry| entry.name == name) {
        Some(entry) if entry.kind == EntryKind::File => match target.syntax.claims(Named::File(name)) {
            Ok(_) => Ok(vec![place.clone()]),
            Err(why) => Err(format!("{place} {why}")),
        },
        Some(_) => Err(format!(
            "{place} is a symbolic link or a submodule: it must be a file or a folder"
        )),
        None => Err(missing(repo, tip, layout, target).await?),
    })
}

/// Says that a target's folder is not there, with those that are, and the nearest name.
async fn missing(repo: &dyn InfraRepo, tip: &Tip, layout: &Layout<'_>, target: &Place) -> Result<String, Fault> {
    let (app, environment) = (&target.app, &target.environment);
    let mut template = layout.path(app, environment).to_owned();
    if let Some(cluster) = &target.cluster {
        template = template.replace("{cluster}", cluster.as_str());
    }
    let there = existing(repo, &tip.commit, &template, !is_kustomize(target)).await?;
    let mut said = format!(
        "{} does not exist at {} ({})",
        first_missing(repo, tip, &target.folder).await?,
        tip.branch,
        tip.commit.short()
    );
    if there.is_empty() {
        said.push_str(": check `path`, or promote.yaml");
        return Ok(said);
    }
    let same_app = |place: &&Folder| place.app.as_ref() == Some(app);
    let environments = there
        .iter()
        .filter(same_app)
        .filter_map(|place| place.environment.as_ref());
    let apps = there.iter().filter_map(|place| place.app.as_ref());
    let known_app = there.iter().any(|place| same_app(&place));
    let meant = if known_app {
        nearest(environment.as_str(), environments.map(EnvironmentName::as_str)).map(|name| ("environment", name))
    } else {
        nearest(app.as_str(), apps.map(AppName::as_str)).map(|name| ("app", name))
    };
    let mut paths: Vec<&str> = there.iter().map(|place| place.path.as_str()).collect();
    paths.sort_by_key(|path| (!path.contains(app.as_str()), *path));
    let more = paths.len().saturating_sub(NAMED);
    paths.truncate(NAMED);
    let others = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let meant = meant.map(|(what, name)| format!(": did you mean the {what} {name}?"));
    Ok(format!(
        "{said}{} There are {}{others}",
        meant.unwrap_or_else(|| ".".to_owned()),
        paths.join(", ")
    ))
}

/// Returns the part of a path that is the first not to be there: what was mistyped.
async fn first_missing(repo: &dyn InfraRepo, tip: &Tip, whole: &RepoPath) -> Result<RepoPath, Fault> {
    let text = whole.as_str();
    for (end, _) in text.match_indices('/') {
        let part = path(text.get(..end).unwrap_or(text))?;
        if repo.list(&tip.commit, &part).await?.is_none() {
            return Ok(part);
        }
    }
    Ok(whole.clone())
}
