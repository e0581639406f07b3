//! Says what a later revision is to our commit: does it contain it, and do our pins still stand in its tree?
//! Asks git through the seam of `infrarepo` and remembers what cannot change. A question to git is one of the requests under way: nothing
//! waits for its answer.

use std::rc::Rc;
use std::time::Duration;

use crate::assess::rollout::{Standing, Standings};
use crate::infrarepo::{CommitInfo, Containment, InfraRepo};
use crate::model::{CommitSha, PinChange, RepoPath};
use crate::report::SupersededBy;

/// How many commits are looked through for the one that changed our pin.
const LOOK_BACK: usize = 100;
/// How long git is left alone after it gave no answer.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a verdict waits for git: usually it answers at once, and a verdict without it would be shown for a moment only.
const PATIENCE: Duration = Duration::from_secs(2);

/// Our commit and pins, and where to ask about them.
#[derive(Clone)]
struct Ours<'a> {
    repo: &'a dyn InfraRepo,
    commit: &'a CommitSha,
    pins: Rc<[&'a PinChange]>,
}

/// What git answered.
pub(in crate::promote) struct Learned {
    standings: Vec<(CommitSha, Standing)>,
    pending: Option<(CommitSha, Vec<String>)>,
}

/// What is known of the revisions that one application has shown.
pub(in crate::promote) struct Lineage<'a> {
    ours: Ours<'a>,
    known: Standings,
    /// Of the tip that was looked at last: the commits that are not deployed yet, as people read them.
    pending: Option<(CommitSha, Vec<String>)>,
    /// Since when git is being asked.
    asked: Option<Duration>,
    /// When it may be asked again.
    again: Duration,
    /// Whether the application has shown something that was not looked through for a question yet.
    shown: bool,
}

impl<'a> Lineage<'a> {
    /// Begins with our commit alone. `pins` are those of this application.
    pub(in crate::promote) fn new(repo: &'a dyn InfraRepo, commit: &'a CommitSha, pins: Vec<&'a PinChange>) -> Self {
        Self {
            ours: Ours {
                repo,
                commit,
                pins: pins.into(),
            },
            known: Standings::from([(commit.clone(), Standing::Ours)]),
            pending: None,
            asked: None,
            again: Duration::ZERO,
            shown: true,
        }
    }

    /// The application shows something new.
    pub(in crate::promote) const fn show(&mut self) {
        self.shown = true;
    }

    /// Whether there can be a question. It is cheap: the wait asks it of each application whenever one of them answers.
    pub(in crate::promote) fn can_ask(&self, now: Duration) -> bool {
        self.shown && self.asked.is_none() && now >= self.again
    }

    /// Returns our commit.
    pub(in crate::promote) const fn commit(&self) -> &CommitSha {
        self.ours.commit
    }

    pub(in crate::promote) const fn known(&self) -> &Standings {
        &self.known
    }

    /// Returns until when a verdict waits for an answer of git.
    pub(in crate::promote) fn patience(&self) -> Option<Duration> {
        self.asked.map(|asked| asked.saturating_add(PATIENCE))
    }

    /// Returns why git could not say what a revision is to our commit, while that is so.
    pub(in crate::promote) fn doubt(&self) -> Option<&str> {
        self.known.values().find_map(|standing| match standing {
            Standing::Unknown(why) => Some(why.as_str()),
            _ => None,
        })
    }

    /// Returns the commits of the branch that are not deployed yet, the newest first.
    pub(in crate::promote) fn pending(&self) -> &[String] {
        self.pending.as_ref().map_or(&[], |(_, commits)| commits.as_slice())
    }

    /// Returns the question about `revisions`, and about the commits between what is deployed and the tip, as far as the answers are not
    /// known for certain; `None` when all are, or git is being asked already.
    pub(in crate::promote) fn due(
        &mut self,
        mut revisions: Vec<CommitSha>,
        behind: Option<(CommitSha, CommitSha)>,
        now: Duration,
    ) -> Option<impl Future<Output = Learned> + use<'a>> {
        revisions.retain(|revision| !self.known.get(revision).is_some_and(is_certain));
        let behind = behind.filter(|(_, tip)| self.pending.as_ref().is_none_or(|(known, _)| known != tip));
        if !self.can_ask(now) {
            return None;
        }
        self.shown = false;
        if revisions.is_empty() && behind.is_none() {
            return None;
        }
        self.asked = Some(now);
        let ours = self.ours.clone();
        Some(async move {
            let mut standings = Vec::new();
            for revision in revisions {
                let standing = ours.standing(&revision).await;
                standings.push((revision, standing));
            }
            let pending = match behind {
                Some((deployed, tip)) => Some(ours.between(&deployed, tip).await),
                None => None,
            };
            Learned { standings, pending }
        })
    }

    /// Takes an answer of git in.
    pub(in crate::promote) fn take(&mut self, learned: Learned, now: Duration) {
        self.asked = None;
        if !learned.standings.iter().all(|(_, standing)| is_certain(standing)) {
            self.again = now.saturating_add(AGAIN);
            self.shown = true;
        }
        self.known.extend(learned.standings);
        self.pending = learned.pending.or_else(|| self.pending.take());
    }

    /// Whether each pin is at `revision` what our commit has.
    ///
    /// # Errors
    /// Git could not be asked, with the reason.
    pub(in crate::promote) async fn stands_at(&self, revision: &CommitSha) -> Result<bool, String> {
        self.ours.pins_stand(revision).await
    }

    /// Finds the commit that changed our pin, on the way from ours to `revision`.
    pub(in crate::promote) async fn replaced_by(&self, revision: &CommitSha) -> SupersededBy {
        self.ours.replaced_by(revision).await
    }
}

impl Ours<'_> {
    async fn standing(&self, revision: &CommitSha) -> Standing {
        match self.repo.contains(revision, self.commit).await {
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

    /// Whether each of our pins is at `revision` what we made it.
    async fn pins_stand(&self, revision: &CommitSha) -> Result<bool, String> {
        let mut files: Vec<RepoPath> = self.pins.iter().map(|pin| pin.file.clone()).collect();
        files.sort();
        files.dedup();
        let texts = (self.repo.read(revision, &files).await)
            .map_err(|fault| format!("{} could not be read: {fault}", revision.short()))?;
        for pin in self.pins.iter() {
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

    /// Returns the commits between what is deployed and the tip, as people read them.
    async fn between(&self, deployed: &CommitSha, tip: CommitSha) -> (CommitSha, Vec<String>) {
        let history = self.repo.history(&tip, LOOK_BACK).await.unwrap_or_default();
        let since = history.iter().take_while(|commit| commit.commit != *deployed);
        let commits = since.map(|commit| {
            let subject = commit.message.lines().next().unwrap_or_default();
            format!("{} by {} ({subject})", commit.commit.short(), commit.author)
        });
        (tip, commits.collect())
    }

    async fn replaced_by(&self, revision: &CommitSha) -> SupersededBy {
        let mut found = None;
        if let Ok(commits) = self.repo.history(revision, LOOK_BACK).await {
            let since: Vec<&CommitInfo> = (commits.iter())
                .take_while(|commit| commit.commit != *self.commit)
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
            || unnamed(revision),
            |commit| SupersededBy {
                commit: commit.commit,
                author: commit.author,
                subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            },
        )
    }
}

/// Names the commit that replaced our pin, or came after it, when git does not say whose it is.
pub(in crate::promote) fn unnamed(revision: &CommitSha) -> SupersededBy {
    SupersededBy {
        commit: revision.clone(),
        author: String::new(),
        subject: String::new(),
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
