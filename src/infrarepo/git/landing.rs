//! Landing on a server: pushes a pack with the old value of the reference, and looks where the reference is unless the answer is `ok`.

use std::time::Duration;

use async_trait::async_trait;
use git2::Oid;

use super::carrier::CallError;
use super::push::{self, Verdict};
use super::rejection::{self, Refusal};
use super::remote::Remote;
use super::tree::{self, oid, sha};
use crate::infrarepo::{Attempt, Containment, FileEdit, InfraRepo, Land, Update, given_up};
use crate::model::{CommitSha, Fault, RepoPath};

/// How often the same commit is sent while its answers are lost and the branch has not moved.
const SENDS: u32 = 4;

/// What came back for a push that was not done, as far as the server says.
enum Answer {
    /// Somebody else was faster.
    LostRace(String),
    /// Nothing that could be read, or a server that is not well: with the wait that it wants.
    Again(Fault, Option<Duration>),
    /// A rule, a status, a redirect: sending it again cannot help.
    Refused(Fault),
}

/// Where the reference is after a push.
enum Found {
    /// At our commit, or at one that stands on it.
    Ours,
    /// Where it was.
    Unmoved,
    /// At a commit without ours.
    Other(CommitSha),
}

fn not_written(mut fault: Fault) -> Fault {
    if !fault.message.contains("nothing was written") {
        fault.message.push_str("; nothing was written");
    }
    fault
}

impl Remote {
    /// Sends the same commit until it is known what became of it. Sending it again is no second commit: it has the same name.
    ///
    /// Whatever the answer to a push is, unless it is `ok`, the reference has the last word: a proxy or a hook can answer for a push that was
    /// done.
    async fn push(&self, update: &Update, new: Oid, pack: &[u8]) -> Result<Attempt, Fault> {
        let reference = &update.reference;
        let old = update.expected.as_ref().map_or(Ok(Oid::ZERO_SHA1), oid)?;
        let place = self.talk.place();
        let mut sent = false;
        for attempt in 1.. {
            if self.halted.get() {
                return Err(given_up(&place));
            }
            self.pushed.replace(Some(sha(new)));
            let request = push::request(reference.as_str(), old, new, pack);
            let answer = match self.talk.push(request, reference.as_str()).await {
                Ok(report) => match report.verdict {
                    Verdict::Done => return Ok(self.known(Attempt::Landed(sha(new)))),
                    Verdict::Refused(why) => match rejection::classify(&why, &report.words, reference, &place) {
                        Refusal::LostRace => Answer::LostRace(why),
                        Refusal::Passing(fault) => Answer::Again(fault, None),
                        Refusal::Rule(fault) => Answer::Refused(fault),
                    },
                },
                Err(CallError::Lost { fault, after }) => Answer::Again(fault, after),
                Err(CallError::Unsent(fault)) if !sent => {
                    if attempt == SENDS {
                        return Err(self.unwritten(fault));
                    }
                    self.talk.pause(attempt, None, &fault).await;
                    continue;
                }
                Err(CallError::Untouched(fault)) if !sent => return Err(self.unwritten(fault)),
                Err(CallError::Unsent(fault)) => Answer::Again(fault, None),
                Err(error) => Answer::Refused(error.into_fault(&place)),
            };
            sent = true;
            if let Answer::Again(fault, after) = &answer {
                self.talk.pause(attempt, *after, fault).await;
            }
            let found = self.look(update, new, &answer).await?;
            match (found, answer) {
                (Found::Ours, _) => return Ok(self.known(Attempt::Landed(sha(new)))),
                (_, Answer::Refused(fault)) => return Err(self.unwritten(fault)),
                (_, Answer::LostRace(why)) => return Ok(self.known(Attempt::LostRace { why })),
                (Found::Other(tip), Answer::Again(..)) => {
                    let why = format!(
                        "the response was lost, and {} is at {} without this commit",
                        reference.short(),
                        tip.short()
                    );
                    return Ok(self.known(Attempt::LostRace { why }));
                }
                (Found::Unmoved, Answer::Again(fault, _)) if attempt >= SENDS => return Err(self.unwritten(fault)),
                (Found::Unmoved, Answer::Again(..)) => {}
            }
        }
        Err(given_up(&place))
    }

    /// Notes that it is known what became of the push.
    fn known(&self, attempt: Attempt) -> Attempt {
        self.pushed.replace(None);
        attempt
    }

    /// Notes that nothing came of the push, and says so in the fault.
    fn unwritten(&self, fault: Fault) -> Fault {
        self.pushed.replace(None);
        not_written(fault)
    }

    /// Looks where the reference is after a push that was not answered with `ok`.
    async fn look(&self, update: &Update, new: Oid, answer: &Answer) -> Result<Found, Fault> {
        let reference = update.reference.short();
        let place = self.talk.place();
        let unknown = |why: &dyn std::fmt::Display| {
            let said = match answer {
                Answer::LostRace(said) => format!("the push was answered with {said:?}"),
                Answer::Refused(fault) => format!("the push was refused ({fault})"),
                Answer::Again(fault, _) => format!("the answer to the push was lost ({fault})"),
            };
            Fault::unreachable(format!(
                "it is not known whether commit {new} is on {reference} of {place}: {said}, and {reference} cannot be read: {why}"
            ))
            .hint(format!("run the step again: promote looks for commit {new}, and lands only what is missing"))
        };
        let tip = self
            .reference_at(&update.reference)
            .await
            .map_err(|fault| unknown(&fault))?;
        if tip == update.expected {
            return Ok(Found::Unmoved);
        }
        let Some(tip) = tip else {
            return Err(unknown(&"it is gone"));
        };
        match self.contains(&tip, &sha(new)).await {
            Containment::Contains => {
                self.talk
                    .journal()
                    .progress(format!("the push had arrived: {reference} is at {}", tip.short()));
                Ok(Found::Ours)
            }
            Containment::Lacks => Ok(Found::Other(tip)),
            Containment::Unknown(why) => Err(unknown(&why)),
        }
    }
}

#[async_trait(?Send)]
impl Land for Remote {
    async fn land(&self, update: &Update) -> Result<Attempt, Fault> {
        for (n, parent) in update.parents.iter().enumerate() {
            let parent = self.snapshot(parent).await?;
            if n == 0 {
                let paths: Vec<&RepoPath> = update.edits.iter().map(FileEdit::path).collect();
                self.find(parent, &paths).await?;
            }
        }
        let (made, pack) = {
            let store = self.store.borrow();
            let made = tree::commit(store.repo(), update)?;
            let pack = store.pack(&made.objects);
            (
                made.commit,
                pack.map_err(|error| Fault::bug("write the pack").because(error))?,
            )
        };
        self.talk.journal().debug(format!(
            "pushing {made} to {} in {} bytes",
            update.reference.short(),
            pack.len()
        ));
        // Its folders are here, or those of what it stands on.
        self.snapshots.borrow_mut().insert(made);
        self.push(update, made, &pack).await
    }

    fn halt(&self) {
        self.halted.set(true);
    }

    fn in_doubt(&self) -> Option<String> {
        self.pushed.borrow().as_ref().map(|commit| format!("commit {commit}"))
    }
}
