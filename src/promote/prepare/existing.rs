//! The folders and files that fit a template: which apps and environments there are.

use crate::infrarepo::{self, EntryKind, InfraRepo};
use crate::model::{AppName, CommitSha, EnvironmentName, Fault, RepoPath};

/// How many folders are looked into.
const LOOKED_INTO: usize = 200;

fn path(text: &str) -> Result<RepoPath, Fault> {
    RepoPath::parse(text).map_err(|why| Fault::bug(format!("the path {text:?} {why}")))
}

/// A folder that fits a template, with what its placeholders stand for there.
pub(in crate::promote) struct Folder {
    pub(in crate::promote) path: String,
    pub(in crate::promote) app: Option<AppName>,
    pub(in crate::promote) environment: Option<EnvironmentName>,
}

/// Returns the folders that fit a template, in order; with `files` what fits its last part can be a file.
pub(in crate::promote) async fn existing(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    template: &str,
    files: bool,
) -> Result<Vec<Folder>, Fault> {
    let mut places = vec![Folder {
        path: String::new(),
        app: None,
        environment: None,
    }];
    let mut looked = 0;
    let mut parts = template.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
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
                let is_last = parts.peek().is_none();
                let is_folder = match entry.kind {
                    EntryKind::Folder => true,
                    EntryKind::File => files && is_last,
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

/// Whether a symbolic link leads to a folder of the repository.
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
