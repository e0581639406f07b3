//! Brings a commit to the branch by the way that `via` names: written to it, or by a pull request. Commands that change the infra-repo
//! come through here.

use std::cell::RefCell;

use crate::githost::{Pull, Pulls};
use crate::infrarepo::Land;
use crate::model::{CommitSha, Event, Fault, Outcome, PinChange, limits};
use crate::plan::Description;
use crate::report::{End, PullRequestRow};

use crate::promote::cancel::signal;
use crate::promote::job::{Landing, Via};
use crate::promote::land::propose::{Ended, Told, Validity, Way, propose};
use crate::promote::land::{Landed, Unlanded, land};
use crate::promote::lineage::Lineage;
use crate::promote::ports::Ports;
use crate::promote::proposal::Proposal;

/// What a commit can be brought to the branch with.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Ways<'a> {
    /// The infra-repo.
    pub(in crate::promote) repo: &'a dyn Land,
    /// Its pull requests, where the run is to make one.
    pub(in crate::promote) pulls: Option<&'a dyn Pulls>,
}

/// What a pull request says, and whether it may be merged.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Story<'a, T> {
    /// Describes it.
    pub(in crate::promote) describe: &'a dyn Fn(&Proposal<T>) -> Option<Description>,
    /// Says why it may be proposed and not merged; `None`: it may be merged.
    pub(in crate::promote) held: &'a dyn Fn(&T) -> Option<String>,
    /// Returns the head whose reviews were counted as approvals, where they were.
    pub(in crate::promote) reviewed: &'a dyn Fn(&T) -> Option<CommitSha>,
    /// Says how long what was judged can be relied on.
    pub(in crate::promote) validity: &'a dyn Fn(&T) -> Validity,
    /// Has servers asked again at the next judgment, whatever they answered before.
    pub(in crate::promote) afresh: &'a dyn Fn(),
    /// Returns the pins that the commit on the branch must have.
    pub(in crate::promote) pins: &'a dyn Fn(&T) -> &[PinChange],
}

impl<'a, T: 'static> Story<'a, T> {
    /// Nothing keeps it from being merged: going back, and holds.
    pub(in crate::promote) const fn free(
        describe: &'a dyn Fn(&Proposal<T>) -> Option<Description>,
        pins: &'a dyn Fn(&T) -> &[PinChange],
    ) -> Self {
        Self {
            describe,
            held: &|_| None,
            reviewed: &|_| None,
            validity: &|_| Validity::default(),
            afresh: &|| (),
            pins,
        }
    }
}

/// What did not come to the branch: why, with the pull request if there is one.
pub(in crate::promote) type Unbrought = (Unlanded, Option<PullRequestRow>);

/// What did not come to the branch, and is not there.
const fn unlanded(fault: Fault, attempts: u32) -> Unlanded {
    Unlanded {
        fault,
        attempts,
        in_doubt: None,
    }
}

/// Where it ended.
pub(in crate::promote) struct Brought<T> {
    /// What was prepared last, and the commit.
    pub(in crate::promote) landed: Landed<T>,
    /// The pull request, if there is one.
    pub(in crate::promote) pull_request: Option<PullRequestRow>,
    /// How the run ends without a commit on the branch; `None`: it goes on.
    pub(in crate::promote) end: Option<End>,
}

/// Brings `first`, and on newer tips what `again` makes of it, to the branch.
///
/// # Errors
/// As landing, or as the pull request; with what is known of the pull request.
#[expect(clippy::too_many_lines, reason = "one arm for each way to land, each a call")]
pub(in crate::promote) async fn bring<T>(
    ways: Ways<'_>,
    landing: &Landing,
    ports: &Ports<'_>,
    story: Story<'_, T>,
    first: Proposal<T>,
    again: impl AsyncFnMut() -> Result<Proposal<T>, Fault>,
) -> Result<Brought<T>, Unbrought> {
    let (how, pulls) = match (&landing.via, ways.pulls) {
        (Via::PullRequest(how), Some(pulls)) => (how, pulls),
        (Via::PullRequest(_), None) => {
            let fault = Fault::bug("open the pull requests of the infra-repo");
            return Err((unlanded(fault, 0), None));
        }
        (Via::Branch, _) => {
            let landed = land(ways.repo, landing, ports, first, again).await;
            return landed.map_err(|unlanded| (unlanded, None)).map(|landed| Brought {
                landed,
                pull_request: None,
                end: None,
            });
        }
    };
    let way = Way {
        repo: ways.repo,
        pulls,
        how,
        landing,
        ports: *ports,
    };
    let known: RefCell<Option<PullRequestRow>> = RefCell::default();
    let branch: RefCell<String> = RefCell::default();
    let described = |proposal: &Proposal<T>| {
        let described = (story.describe)(proposal)?;
        branch.replace(described.branch.to_string());
        Some(described)
    };
    let opened = |pull: &Pull| {
        if (known.borrow().as_ref()).is_some_and(|row| row.number == pull.number) {
            return;
        }
        for (name, value) in [
            ("pull-request-number", pull.number.to_string()),
            ("pull-request-url", pull.url.clone()),
        ] {
            ports.journal.tell(Event::Output { name, value });
        }
        known.replace(Some(PullRequestRow {
            number: pull.number,
            url: pull.url.clone(),
            branch: branch.borrow().clone(),
        }));
    };
    let told = Told {
        describe: &described,
        held: story.held,
        reviewed: story.reviewed,
        validity: story.validity,
        afresh: story.afresh,
        opened: &opened,
    };
    let proposed = propose(way, told, first, again).await;
    let pull_request = known.into_inner();
    let proposed = match proposed {
        Ok(proposed) => proposed,
        Err(fault) => {
            let number = pull_request.as_ref().map(|row| row.number).unwrap_or_default();
            let merge = || format!("the merge of pull request #{number}");
            let unlanded = Unlanded {
                in_doubt: pulls.merge_in_doubt().then(merge),
                ..unlanded(fault, 1)
            };
            return Err((unlanded, pull_request));
        }
    };
    let attempts = proposed.attempts;
    let (commit, end) = match proposed.end {
        Ended::Nothing => (None, None),
        Ended::Merged(commit) => match other(ways.repo, ports, (story.pins)(&proposed.of), &commit).await {
            Some(end) => (None, Some(end)),
            None => (Some(commit), None),
        },
        Ended::Open(why) => (None, Some(End::new(Outcome::Proposed, why))),
        Ended::Superseded(by) => {
            let reason = format!(
                "a newer promotion took the pull request over: {} \"{}\" by {}",
                by.commit.short(),
                by.subject,
                by.author
            );
            (None, Some(End::new(Outcome::Superseded, reason).by(by)))
        }
        Ended::TimedOut(why) => {
            let mut end = End::new(Outcome::TimedOut, why);
            end.hints
                .push("set a longer `merge-timeout`, or run the step again: it finds the pull request".to_owned());
            (None, Some(end))
        }
    };
    Ok(Brought {
        landed: Landed {
            of: proposed.of,
            commit,
            attempts,
        },
        pull_request,
        end,
    })
}

/// Returns the end of a run whose pull request was merged with other pins than it proposed: a person can push to its branch, and edit the merge.
async fn other(repo: &dyn Land, ports: &Ports<'_>, pins: &[PinChange], commit: &CommitSha) -> Option<End> {
    let lineage = Lineage::new(repo, commit, pins.iter().collect());
    let looked = tokio::select! {
        biased;
        looked = lineage.stands_at(commit) => looked,
        _ = signal(ports.cancel.clone()) => return None,
        () = ports.clock.sleep(limits::CONFIRMING.time()) => Err("no answer in time".to_owned()),
    };
    match looked {
        Ok(true) => None,
        Ok(false) => {
            let by = lineage.replaced_by(commit).await;
            let reason = format!(
                "the pull request was merged with another change: {} \"{}\" by {} does not pin what this run proposed",
                commit.short(),
                by.subject,
                by.author
            );
            Some(End::new(Outcome::Superseded, reason).by(by))
        }
        Err(why) => {
            let short = commit.short();
            ports
                .journal
                .warn(format!("commit {short} was merged; its pins are not confirmed: {why}"));
            None
        }
    }
}
