//! Tells what a later revision is to our commit: does it contain it, and do our pins still stand in its tree?
//! Asks git through the seam of `infrarepo` and remembers what cannot change.

use crate::assess::rollout::{Standing, Standings};
use crate::infrarepo::{CommitInfo, Containment, InfraRepo};
use crate::model::{CommitSha, PinChange, RepoPath};
use crate::report::SupersededBy;

/// How many commits are looked through for the one that changed our pin.
const LOOK_BACK: usize = 100;

/// What is known of the revisions that one application has shown.
pub(in crate::promote) struct Lineage<'a> {
    repo: &'a dyn InfraRepo,
    ours: &'a CommitSha,
    pins: Vec<&'a PinChange>,
    known: Standings,
    /// Of the tip that was looked at last: the commits that are not deployed yet, as people read them.
    pending: Option<(CommitSha, Vec<String>)>,
}

impl<'a> Lineage<'a> {
    /// Begins with our commit alone. `pins` are those of this application.
    pub(in crate::promote) fn new(repo: &'a dyn InfraRepo, ours: &'a CommitSha, pins: Vec<&'a PinChange>) -> Self {
        Self {
            repo,
            ours,
            pins,
            known: Standings::from([(ours.clone(), Standing::Ours)]),
            pending: None,
        }
    }

    pub(in crate::promote) const fn known(&self) -> &Standings {
        &self.known
    }

    /// Tells whether one of `revisions` has to be asked about, also again.
    pub(in crate::promote) fn lacks(&self, revisions: &[CommitSha]) -> bool {
        (revisions.iter()).any(|revision| !matches!(self.known.get(revision), Some(known) if is_certain(known)))
    }

    /// Returns why git could not tell what a revision is to our commit, while that is so.
    pub(in crate::promote) fn doubt(&self) -> Option<&str> {
        self.known.values().find_map(|standing| match standing {
            Standing::Unknown(why) => Some(why.as_str()),
            _ => None,
        })
    }

    /// Asks git about those that are not known for certain.
    pub(in crate::promote) async fn learn(&mut self, revisions: &[CommitSha]) {
        for revision in revisions {
            if !self.known.get(revision).is_some_and(is_certain) {
                let standing = self.standing(revision).await;
                self.known.insert(revision.clone(), standing);
            }
        }
    }

    async fn standing(&self, revision: &CommitSha) -> Standing {
        match self.repo.contains(revision, self.ours).await {
            Containment::Lacks => Standing::Lacks,
            Containment::Unknown(why) => {
                Standing::Unknown(format!("git could not be asked about {}: {why}", revision.short()))
            }
            Containment::Contains => match self.pins_stand(revision).await {
                Ok(true) => Standing::Carries,
                Ok(false) => Standing::Replaced,
                Err(why) => Standing::Unknown(why),
            },
        }
    }

    /// Tells whether each of our pins is at `revision` what we made it.
    async fn pins_stand(&self, revision: &CommitSha) -> Result<bool, String> {
        let mut files: Vec<RepoPath> = self.pins.iter().map(|pin| pin.file.clone()).collect();
        files.sort();
        files.dedup();
        let texts = (self.repo.read(revision, &files).await)
            .map_err(|fault| format!("{} could not be read: {fault}", revision.short()))?;
        for pin in &self.pins {
            let text = (files.iter().zip(&texts)).find(|(file, _)| **file == pin.file);
            let Some(text) = text.and_then(|(_, text)| text.as_deref()) else {
                return Ok(false);
            };
            if reference_in(pin, text) != Some(pin.after.reference()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns the commits of the branch that are not deployed yet, the newest first.
    pub(in crate::promote) fn pending(&self) -> &[String] {
        self.pending.as_ref().map_or(&[], |(_, commits)| commits.as_slice())
    }

    /// Finds the commits between what is deployed and the tip.
    pub(in crate::promote) async fn learn_pending(&mut self, deployed: &CommitSha, tip: &CommitSha) {
        if self.pending.as_ref().is_some_and(|(known, _)| known == tip) {
            return;
        }
        let history = self.repo.history(tip, LOOK_BACK).await.unwrap_or_default();
        let since = history.iter().take_while(|commit| commit.commit != *deployed);
        let commits = since.map(|commit| {
            let subject = commit.message.lines().next().unwrap_or_default();
            format!("{} by {} ({subject})", commit.commit.short(), commit.author)
        });
        self.pending = Some((tip.clone(), commits.collect()));
    }

    /// Finds the commit that changed our pin, on the way from ours to `revision`.
    pub(in crate::promote) async fn replaced_by(&self, revision: &CommitSha) -> SupersededBy {
        let mut found = None;
        if let Ok(commits) = self.repo.history(revision, LOOK_BACK).await {
            let since: Vec<&CommitInfo> = (commits.iter())
                .take_while(|commit| commit.commit != *self.ours)
                .collect();
            for commit in since.iter().rev() {
                if self.pins_stand(&commit.commit).await == Ok(false) {
                    found = Some((*commit).clone());
                    break;
                }
            }
            found = found.or_else(|| commits.first().cloned());
        }
        found.map_or_else(
            || SupersededBy {
                commit: revision.clone(),
                author: String::new(),
                subject: String::new(),
            },
            |commit| SupersededBy {
                commit: commit.commit,
                author: commit.author,
                subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            },
        )
    }
}

const fn is_certain(standing: &Standing) -> bool {
    !matches!(standing, Standing::Unknown(_))
}

/// Returns the reference of a pin in a text of its file; `None` when it cannot be read or has none.
fn reference_in(change: &PinChange, text: &[u8]) -> Option<String> {
    let pins = change.syntax.pins(text).ok()?;
    pins.iter()
        .find(|pin| pin.name == change.name())
        .map(crate::model::Pin::reference)
}
