//! Folders that other kustomizations include: a Component, or a base. What is pinned there goes to every application whose folder includes it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::infrarepo::{self, Entry, EntryKind, InfraRepo};
use crate::manifest::kustomize;
use crate::model::{AppSnapshot, CommitSha, Fault, RepoIdentity, RepoPath, limits};

use crate::assess::rollout::Origin;
use crate::promote::followee::Followee;

/// How many folders are read to find out what one includes.
const FOLDERS: usize = limits::INCLUDED_FOLDERS.things();

/// What is known of whether a folder includes another.
pub(in crate::promote) enum Included {
    /// It does, or is that folder.
    Yes,
    /// It does not.
    No,
    /// What it includes cannot be followed to its end: why.
    Unknown(String),
}

/// The files of one commit, read to see what a folder includes. What was read is kept.
pub struct Tree<'a> {
    repo: &'a dyn InfraRepo,
    at: &'a CommitSha,
    known: RefCell<BTreeMap<RepoPath, Found>>,
}

/// A folder without the links on the way to it, and the folders and files that its kustomization names; or why they are not known.
type Found = Result<(RepoPath, Vec<RepoPath>), String>;

impl<'a> Tree<'a> {
    /// The files of a commit.
    #[must_use]
    pub const fn new(repo: &'a dyn InfraRepo, at: &'a CommitSha) -> Self {
        Self {
            repo,
            at,
            known: RefCell::new(BTreeMap::new()),
        }
    }

    /// Returns the folder of an application's source that includes `folder`, if one does.
    pub(in crate::promote) async fn through(
        &self,
        app: &AppSnapshot,
        origin: &Origin,
        folder: &RepoPath,
    ) -> Option<RepoPath> {
        for source in app.sources.iter().filter(|source| origin.feeds(source)) {
            let Ok(own) = RepoPath::parse(&source.path) else {
                continue;
            };
            if own != *folder && matches!(self.includes(&own, folder).await, Ok(Included::Yes)) {
                return Some(own);
            }
        }
        None
    }

    /// Says whether the kustomization of a folder includes another folder, or includes one that does. Links are followed.
    ///
    /// # Errors
    /// The infra-repo cannot be read.
    pub(in crate::promote) async fn includes(&self, outer: &RepoPath, inner: &RepoPath) -> Result<Included, Fault> {
        let goal = infrarepo::resolve(self.repo, self.at, inner).await?;
        let goal = goal.unwrap_or_else(|_| inner.clone());
        let mut open = vec![outer.clone()];
        let mut looked = Vec::new();
        let mut unknown = None;
        while let Some(folder) = open.pop() {
            if looked.contains(&folder) {
                continue;
            }
            if looked.len() == FOLDERS {
                unknown = Some(format!("{outer} includes more than {FOLDERS} folders and files"));
                break;
            }
            match self.found(&folder).await? {
                Ok((real, named)) => {
                    if real == goal || named.contains(inner) {
                        return Ok(Included::Yes);
                    }
                    open.extend(named);
                }
                Err(why) => unknown = Some(why),
            }
            looked.push(folder);
        }
        Ok(unknown.map_or(Included::No, Included::Unknown))
    }

    /// Returns what a folder is and names. A file names nothing.
    async fn found(&self, folder: &RepoPath) -> Result<Found, Fault> {
        if let Some(known) = self.known.borrow().get(folder) {
            return Ok(known.clone());
        }
        let found = self.look(folder).await?;
        self.known.borrow_mut().insert(folder.clone(), found.clone());
        Ok(found)
    }

    async fn look(&self, folder: &RepoPath) -> Result<Found, Fault> {
        let real = match infrarepo::resolve(self.repo, self.at, folder).await? {
            Ok(real) => real,
            Err(why) => return Ok(Err(format!("{folder} {why}"))),
        };
        let Some(entries) = self.repo.list(self.at, &real).await? else {
            return Ok(Ok((real, Vec::new())));
        };
        let is_there = |name: &&&str| entries.iter().any(|entry| entry.name == **name);
        let Some(name) = kustomize::FILE_NAMES.iter().find(is_there) else {
            return Ok(Ok((real, Vec::new())));
        };
        let file = real
            .join(name)
            .map_err(|why| Fault::bug(format!("{real}/{name} {why}")))?;
        let is_file = |entry: &Entry| entry.name == *name && entry.kind == EntryKind::File;
        if !entries.iter().any(is_file) {
            return Ok(Err(format!("{file} is not a regular file")));
        }
        let text = self
            .repo
            .read(self.at, std::slice::from_ref(&file))
            .await?
            .into_iter()
            .next();
        let includes = match kustomize::includes(&text.flatten().unwrap_or_default()) {
            Ok(includes) => includes,
            Err(why) => return Ok(Err(format!("{file} cannot be read: {why}"))),
        };
        let local = includes
            .paths
            .iter()
            .filter_map(|path| kustomize::join(real.as_str(), path));
        let own = RepoIdentity::of(&self.repo.url());
        let remote = includes.remotes.iter().filter_map(|address| within(address, &own));
        let named = local
            .chain(remote)
            .filter_map(|path| RepoPath::parse(&path).ok())
            .collect();
        Ok(Ok((real, named)))
    }
}

/// Returns the folder that an address names in a repository; `None` where it is in another one. A branch or tag makes no difference: that
/// what is included there can be this pin is enough.
fn within(address: &str, own: &RepoIdentity) -> Option<String> {
    let address = address.split('?').next().unwrap_or(address);
    let scheme = address.find("://").map_or(0, |at| at + "://".len());
    let at = address.get(scheme..)?.find("//")? + scheme;
    let (repository, folder) = address.split_at_checked(at)?;
    let folder = folder.trim_start_matches('/');
    own.is(&RepoIdentity::of(repository)).then(|| folder.to_owned())
}

/// Says which applications get what is pinned in folders that theirs include; `None` where there is no such folder.
pub(in crate::promote) fn announced(followees: &[Followee]) -> Option<String> {
    let each: Vec<String> = (followees.iter())
        .filter_map(|followee| Some(format!("{} ({})", followee.id, followee.through.as_ref()?)))
        .collect();
    (!each.is_empty()).then(|| {
        format!(
            "what is pinned here is included by other folders, so the promotion changes and follows {}",
            each.join(", ")
        )
    })
}
