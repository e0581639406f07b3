//! Reads what a plan needs at one commit: promote.yaml, and each target's kustomization file.

use crate::infrarepo::{self, Entry, EntryKind, InfraRepo, Tip};
use crate::manifest::{Named, kustomize};
use crate::model::{AppName, BranchName, CommitSha, EnvironmentName, Fault, RepoPath, Syntax, nearest};
use crate::plan::holds::Holds;
use crate::plan::{Allow, CONFIG_FILE, Config, Layout, Overlay, OverlayFile, Place, Select, overlaps, shared};

use crate::promote::prepare::holds::holds;

/// What was read, all of it at `tip`.
pub(in crate::promote) struct Snapshot {
    /// Where the branch was.
    pub(in crate::promote) tip: Tip,
    /// promote.yaml, if there is one.
    pub(in crate::promote) config: Option<Config>,
    /// The apps in the environments that were asked for, with their files.
    pub(in crate::promote) places: Vec<(Place, Overlay)>,
    /// What `from` names, with its files.
    pub(in crate::promote) sources: Vec<(Place, Overlay)>,
    /// Where the branch of `from` was: the same, or another one.
    pub(in crate::promote) source_tip: Tip,
    /// What is held.
    pub(in crate::promote) holds: Holds,
    /// What is worth a warning before anything is written.
    pub(in crate::promote) warnings: Vec<String>,
}

/// What a snapshot is about.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Asked<'a> {
    /// Which apps in which environments.
    pub(in crate::promote) select: &'a Select,
    /// The environment whose pins are copied.
    pub(in crate::promote) from: Option<&'a EnvironmentName>,
    /// The branch that these stand on, if it is another one.
    pub(in crate::promote) from_branch: Option<&'a BranchName>,
    /// The exceptions that are asked for.
    pub(in crate::promote) allow: Allow,
}

impl<'a> Asked<'a> {
    /// Asks for what was selected, without exceptions and without another environment's pins.
    pub(in crate::promote) fn all_of(select: &'a Select) -> Self {
        Self {
            select,
            from: None,
            from_branch: None,
            allow: Allow::default(),
        }
    }
}

/// How many overlays that exist are named when one does not.
const NAMED: usize = 20;
/// How many folders are looked into for that.
const LOOKED_INTO: usize = 200;

/// Reads the snapshot at the branch's tip.
///
/// # Errors
/// The repository cannot be read, or every mistake in what was found.
pub(in crate::promote) async fn snapshot(repo: &dyn InfraRepo, asked: Asked<'_>) -> Result<Snapshot, Fault> {
    let tip = repo.tip().await?;
    let config = config(repo, &tip.commit).await?;
    let layout = Layout {
        select: asked.select,
        allow: asked.allow,
        config: config.as_ref(),
    };
    let from: Vec<EnvironmentName> = asked.from.into_iter().cloned().collect();
    let (targets, sources) = match (layout.targets(&asked.select.environments), layout.targets(&from)) {
        (Ok(targets), Ok(sources)) => (targets, sources),
        (targets, sources) => {
            let mut mistakes = targets.err().unwrap_or_default();
            mistakes.extend(sources.err().unwrap_or_default());
            mistakes.dedup();
            return Err(Fault::mistakes(&mistakes));
        }
    };
    let mut files = Vec::new();
    let mut mistakes = overlaps(&targets, &sources, asked.select.own_branch);
    let warnings: Vec<String> = targets.iter().filter_map(|place| shared(&layout, place)).collect();
    let source_tip = source_tip(repo, &tip, asked.from_branch).await?;
    let mut files_from = Vec::new();
    for (places, at, files) in [(&targets, &tip, &mut files), (&sources, &source_tip, &mut files_from)] {
        for place in places {
            match find(repo, at, &layout, place).await? {
                Ok(found) => files.push(found),
                Err(why) => mistakes.push(why),
            }
        }
    }
    if !mistakes.is_empty() {
        return Err(Fault::mistakes(&mistakes));
    }
    let holds = holds(repo, &tip.commit).await?;
    let one_branch = source_tip.commit == tip.commit;
    if one_branch {
        files.append(&mut files_from);
    }
    let mut overlays = read(repo, &tip.commit, files).await?;
    let sources_from = if one_branch {
        overlays.split_off(targets.len().min(overlays.len()))
    } else {
        read(repo, &source_tip.commit, files_from).await?
    };
    Ok(Snapshot {
        tip,
        places: targets.into_iter().zip(overlays).collect(),
        sources: sources.into_iter().zip(sources_from).collect(),
        source_tip,
        config,
        holds,
        warnings,
    })
}

/// Returns where the branch of `from` is.
async fn source_tip(repo: &dyn InfraRepo, tip: &Tip, branch: Option<&BranchName>) -> Result<Tip, Fault> {
    let Some(branch) = branch.filter(|branch| **branch != tip.branch) else {
        return Ok(tip.clone());
    };
    let commit = repo.reference(&branch.reference()).await?;
    let commit = commit.ok_or_else(|| {
        Fault::invalid(format!(
            "{} has no branch {branch}, which `from` would read",
            repo.url()
        ))
        .hint("check `from`, and the template in `branch`")
    })?;
    Ok(Tip {
        branch: branch.clone(),
        commit,
        default: tip.default.clone(),
    })
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

pub(in crate::promote) async fn config(repo: &dyn InfraRepo, at: &CommitSha) -> Result<Option<Config>, Fault> {
    let root = path("")?;
    let entries = repo.list(at, &root).await?.unwrap_or_default();
    let Some(entry) = entries.iter().find(|entry| entry.name == CONFIG_FILE) else {
        return Ok(None);
    };
    if entry.kind != EntryKind::File {
        return Err(Fault::invalid(format!(
            "{CONFIG_FILE} in the infra-repo is no regular file"
        )));
    }
    let texts = repo.read(at, &[path(CONFIG_FILE)?]).await?;
    match texts.into_iter().next().flatten() {
        Some(text) => Config::parse(&text)
            .map(Some)
            .map_err(|mistakes| Fault::mistakes(&mistakes)),
        None => Ok(None),
    }
}

fn path(text: &str) -> Result<RepoPath, Fault> {
    RepoPath::parse(text).map_err(|why| Fault::bug(format!("the path {text:?} {why}")))
}

/// Whether a place is a kustomization.
pub(in crate::promote) fn is_kustomize(place: &Place) -> bool {
    place.syntax.format.name() == Syntax::default().format.name()
}

/// How many included folders are looked into.
const INCLUDED: usize = 30;

/// Reads the kustomizations that an overlay includes, and the values files of the charts that it renders, for a message about an
/// image that it has no entry for. What cannot be read is left out.
pub(in crate::promote) async fn included(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    place: &Place,
    overlay: &Overlay,
) -> Vec<OverlayFile> {
    let mut found: Vec<OverlayFile> = Vec::new();
    let mut open: Vec<(String, Vec<u8>)> = (overlay.files.iter())
        .map(|file| (place.folder.to_string(), file.text.clone()))
        .collect();
    let mut looked = 0;
    while let Some((folder, text)) = open.pop() {
        let includes = kustomize::includes(&text).unwrap_or_default();
        let values = includes.charts.into_iter().filter_map(|chart| chart.values_file);
        for file in values.filter_map(|file| kustomize::join(&folder, &file)) {
            found.extend(one(repo, at, &file).await);
        }
        for inner in includes.paths.iter().filter_map(|path| kustomize::join(&folder, path)) {
            looked += 1;
            if looked > INCLUDED {
                return found;
            }
            let Ok(path) = RepoPath::parse(&inner) else { continue };
            let entries = repo.list(at, &path).await.ok().flatten().unwrap_or_default();
            let name = kustomize::FILE_NAMES
                .iter()
                .find(|name| entries.iter().any(|entry| entry.name == **name));
            let Some(name) = name else { continue };
            let Some(file) = one(repo, at, &format!("{inner}/{name}")).await else {
                continue;
            };
            if found.iter().all(|known| known.path != file.path) {
                open.push((inner, file.text.clone()));
                found.push(file);
            }
        }
    }
    found
}

/// Reads one file, if it is there.
async fn one(repo: &dyn InfraRepo, at: &CommitSha, path: &str) -> Option<OverlayFile> {
    let path = RepoPath::parse(path).ok()?;
    let texts = repo.read(at, std::slice::from_ref(&path)).await.ok()?;
    let text = texts.into_iter().flatten().next()?;
    Some(OverlayFile { path, text })
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
    let (parent, name) = place.as_str().rsplit_once('/').unwrap_or(("", place.as_str()));
    let entries = repo.list(&tip.commit, &path(parent)?).await?.unwrap_or_default();
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

/// Tells that a target's folder is not there, with those that are, and the nearest name.
async fn missing(repo: &dyn InfraRepo, tip: &Tip, layout: &Layout<'_>, target: &Place) -> Result<String, Fault> {
    let (app, environment) = (&target.app, &target.environment);
    let there = existing(repo, &tip.commit, layout.path(app, environment)).await?;
    let mut said = format!(
        "{} is not in the infra-repo at {} ({})",
        target.folder,
        tip.branch,
        tip.commit.short()
    );
    if there.is_empty() {
        said.push_str("; no folder of that layout is: check `path`, or promote.yaml");
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
    let meant = meant.map(|(what, name)| format!("; did you mean the {what} {name}?"));
    Ok(format!(
        "{said}; there are {}{others}{}",
        paths.join(", "),
        meant.unwrap_or_default()
    ))
}

/// A folder that fits a template, with what its placeholders stand for there.
pub(in crate::promote) struct Folder {
    path: String,
    pub(in crate::promote) app: Option<AppName>,
    pub(in crate::promote) environment: Option<EnvironmentName>,
}

/// Returns the folders that fit a template, in order.
pub(in crate::promote) async fn existing(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    template: &str,
) -> Result<Vec<Folder>, Fault> {
    let mut places = vec![Folder {
        path: String::new(),
        app: None,
        environment: None,
    }];
    let mut looked = 0;
    for part in template.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for place in &places {
            looked += 1;
            if looked > LOOKED_INTO {
                return Ok(Vec::new());
            }
            let folder = path(&place.path)?;
            for entry in repo.list(at, &folder).await?.unwrap_or_default() {
                let Some(fits) = fit(part, &entry.name, place) else {
                    continue;
                };
                let is_folder = match entry.kind {
                    EntryKind::Folder => true,
                    EntryKind::File => false,
                    EntryKind::Other => leads_to_a_folder(repo, at, &fits.path).await?,
                };
                if is_folder {
                    next.push(fits);
                }
            }
        }
        places = next;
    }
    Ok(places)
}

/// Tells whether a symbolic link leads to a folder of the repository.
async fn leads_to_a_folder(repo: &dyn InfraRepo, at: &CommitSha, link: &str) -> Result<bool, Fault> {
    match infrarepo::resolve(repo, at, &path(link)?).await? {
        Ok(real) => Ok(repo.list(at, &real).await?.is_some()),
        Err(_) => Ok(false),
    }
}

/// Holds one name against one part of a template.
fn fit(part: &str, name: &str, place: &Folder) -> Option<Folder> {
    let between = |placeholder: &str| {
        let (before, after) = part.split_once(placeholder)?;
        name.strip_prefix(before)?.strip_suffix(after)
    };
    let mut next = Folder {
        path: format!("{}/{name}", place.path).trim_start_matches('/').to_owned(),
        app: place.app.clone(),
        environment: place.environment.clone(),
    };
    match (part.contains("{app}"), part.contains("{environment}")) {
        (true, false) => next.app = Some(AppName::parse(between("{app}")?).ok()?),
        (false, true) => next.environment = Some(EnvironmentName::parse(between("{environment}")?).ok()?),
        // Both in one part cannot be told apart; such a folder is only named.
        (true, true) => {}
        (false, false) if part == name => {}
        (false, false) => return None,
    }
    Some(next)
}
