//! Looks back from a commit: commits only, no folder and no file. Verdicts on what contains what are kept, for they cannot change.

use std::collections::HashSet;

use git2::Oid;

use super::carrier::CallError;
use super::remote::Remote;
use super::request::{Fetch, Filter};
use super::tree::{self, oid, sha, too_long};
use crate::infrarepo::{CommitInfo, Containment, MOST_COMMITS};
use crate::model::{CommitSha, Fault, limits};

/// How much the commits that are looked through may weigh, in bytes.
const MOST_BYTES: usize = limits::GIT_HISTORY.bytes();
/// How many times fewer commits are asked for where they weigh more.
const FEWER: usize = 8;

impl Remote {
    /// Whether `ours` is in the history of `revision`.
    pub(super) async fn ancestry(&self, revision: &CommitSha, ours: &CommitSha) -> Containment {
        if revision == ours {
            return Containment::Contains;
        }
        let (Ok(from), Ok(to)) = (oid(revision), oid(ours)) else {
            return Containment::Unknown(format!("{revision} is not a commit of this repository"));
        };
        if let Some(verdict) = self.verdicts.borrow().get(&(from, to)) {
            return verdict.clone();
        }
        let verdict = self
            .judge(from, to)
            .await
            .unwrap_or_else(|fault| Containment::Unknown(fault.to_string()));
        if !matches!(verdict, Containment::Unknown(_)) {
            self.verdicts.borrow_mut().insert((from, to), verdict.clone());
        }
        verdict
    }

    async fn judge(&self, from: Oid, to: Oid) -> Result<Containment, Fault> {
        // What ours was made on lacks it, and that is what an application shows until it syncs: no need to ask.
        if self.has(to) && self.objects(|repo| Ok(repo.find_commit(to)?.parent_ids().any(|id| id == from)))? {
            return Ok(Containment::Lacks);
        }
        // `have` leaves out all that ours stands on: what comes is what lies between, whatever the length of the history.
        let mut fetch = Fetch::of(vec![from], Filter::NoTrees);
        fetch.haves = vec![to];
        if self.has(to) {
            // The server may not have ours at all: then what it stands on keeps the answer short.
            fetch
                .haves
                .extend(self.objects(|repo| Ok(repo.find_commit(to)?.parent_ids().collect::<Vec<_>>()))?);
        }
        fetch.depth = Some(MOST_COMMITS);
        let cut = self.fetch(&fetch, MOST_BYTES).await;
        let cut: HashSet<Oid> = cut
            .map_err(|error| error.into_fault(&self.talk.place()))?
            .into_iter()
            .collect();
        if !self.has(from) {
            // The server has it below ours, or the answer is to another question: it must be able to send it.
            let mut alone = Fetch::of(vec![from], Filter::NoTrees);
            alone.depth = Some(1);
            let fetched = self.fetch(&alone, MOST_BYTES).await;
            fetched.map_err(|error| error.into_fault(&self.talk.place()))?;
            self.require(&[from])?;
        }
        let (mut next, mut seen, mut bounded) = (vec![from], HashSet::new(), false);
        while let Some(commit) = next.pop() {
            if !seen.insert(commit) || !self.has(commit) {
                continue;
            }
            let parents: Vec<Oid> = self.objects(|repo| Ok(repo.find_commit(commit)?.parent_ids().collect()))?;
            if parents.contains(&to) {
                return Ok(Containment::Contains);
            }
            bounded |= cut.contains(&commit);
            next.extend(parents);
        }
        Ok(if bounded {
            let ours = sha(to);
            let from = sha(from);
            Containment::Unknown(format!(
                "{} is not among the {MOST_COMMITS} commits before {}",
                ours.short(),
                from.short()
            ))
        } else {
            Containment::Lacks
        })
    }

    /// Returns up to `most` commits back along first parents, the newest first.
    pub(super) async fn look_back(&self, from: &CommitSha, most: usize) -> Result<Vec<CommitInfo>, Fault> {
        let most = most.min(MOST_COMMITS);
        let first = oid(from)?;
        let (out, whole) = self.first_parents(first, most)?;
        if whole {
            return Ok(out);
        }
        let mut depth = most;
        loop {
            let mut fetch = Fetch::of(vec![first], Filter::NoTrees);
            fetch.depth = Some(depth);
            match self.fetch(&fetch, MOST_BYTES).await {
                Ok(_) => break,
                Err(error @ CallError::TooLarge(_)) => {
                    // What came before it was too much is here, as a rule the newest commits.
                    depth /= FEWER;
                    if depth == 0 {
                        return Err(error.into_fault(&self.talk.place()));
                    }
                    if self.first_parents(first, most)?.0.len() >= depth {
                        break;
                    }
                }
                Err(error) => return Err(error.into_fault(&self.talk.place())),
            }
        }
        let out = self.first_parents(first, most)?.0;
        if depth < most {
            self.talk.journal().tell(too_long(out.len(), from));
        }
        Ok(out)
    }

    /// Returns what is here, and whether that is all there is to return.
    fn first_parents(&self, first: Oid, most: usize) -> Result<(Vec<CommitInfo>, bool), Fault> {
        let mut out = Vec::new();
        let mut next = Some(first);
        while let Some(commit) = next {
            if out.len() == most {
                break;
            }
            if !self.has(commit) {
                return Ok((out, false));
            }
            let info = self.objects(|repo| tree::info(repo, commit))?;
            next = info.parent.as_ref().map(oid).transpose()?;
            out.push(info);
        }
        Ok((out, true))
    }
}
