//! Folders that other kustomizations include: a Component, or a base. What is pinned there goes to every application whose folder includes it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::infrarepo::InfraRepo;
use crate::manifest::kustomize;
use crate::model::{AppSnapshot, CommitSha, RepoPath};

use crate::assess::rollout::Origin;
use crate::promote::followee::Followee;

/// How many folders are read to find out what one includes.
const FOLDERS: usize = 30;

/// The files of one commit, read to see what a folder includes. What was read is kept.
pub struct Tree<'a> {
    repo: &'a dyn InfraRepo,
    at: &'a CommitSha,
    known: RefCell<BTreeMap<RepoPath, Vec<RepoPath>>>,
}

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
            if own != *folder && self.includes(&own, folder).await {
                return Some(own);
            }
        }
        None
    }

    /// Whether the kustomization of a folder includes another folder, or includes one that does.
    pub(in crate::promote) async fn includes(&self, outer: &RepoPath, inner: &RepoPath) -> bool {
        let mut open = vec![outer.clone()];
        let mut looked = Vec::new();
        while let Some(folder) = open.pop() {
            if looked.len() == FOLDERS || looked.contains(&folder) {
                continue;
            }
            let named = self.named(&folder).await;
            if named.contains(inner) {
                return true;
            }
            looked.push(folder);
            open.extend(named);
        }
        false
    }

    /// Returns the folders and files that the kustomization of a folder names; none where it has no kustomization.
    async fn named(&self, folder: &RepoPath) -> Vec<RepoPath> {
        if let Some(known) = self.known.borrow().get(folder) {
            return known.clone();
        }
        let text = self.kustomization(folder).await.unwrap_or_default();
        let includes = kustomize::includes(&text).unwrap_or_default();
        let named: Vec<RepoPath> = (includes.paths.iter())
            .filter_map(|path| RepoPath::parse(&kustomize::join(folder.as_str(), path)?).ok())
            .collect();
        self.known.borrow_mut().insert(folder.clone(), named.clone());
        named
    }

    async fn kustomization(&self, folder: &RepoPath) -> Option<Vec<u8>> {
        let entries = self.repo.list(self.at, folder).await.ok()??;
        let is_there = |name: &&&str| entries.iter().any(|entry| entry.name == **name);
        let file = folder.join(kustomize::FILE_NAMES.iter().find(is_there)?).ok()?;
        let texts = self.repo.read(self.at, &[file]).await.ok()?;
        texts.into_iter().next()?
    }
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
