//! How a wait ends: the outcome, the reason in one sentence, and what can be done. Reads what the applications came to; waits for nothing.

use std::time::Duration;

use crate::assess::rollout::Verdict;
use crate::delivery::Problem;
use crate::model::Outcome;
use crate::plan::OnPause;
use crate::report::SupersededBy;

use crate::promote::follow::progress::length;
use crate::promote::follow::track::Track;

/// How a wait ended; the rows are made afterwards.
pub(in crate::promote) struct End {
    pub(in crate::promote) outcome: Outcome,
    pub(in crate::promote) reason: String,
    pub(in crate::promote) hints: Vec<String>,
    pub(in crate::promote) superseded_by: Option<SupersededBy>,
}

impl End {
    /// The wait was cancelled by a signal.
    pub(in crate::promote) fn cancelled(signal: u8, tracks: &[Track<'_>]) -> Self {
        let reason = format!("cancelled while waiting: {}", waiting_for(tracks));
        let hint = "run it again: it goes on from what is committed".to_owned();
        ended(Outcome::Cancelled { signal }, &reason, &[hint])
    }
}

fn waiting_for(tracks: &[Track<'_>]) -> String {
    let open: Vec<&Track<'_>> = tracks.iter().filter(|track| !track.is_live()).collect();
    match open.as_slice() {
        [] => "everything was live".to_owned(),
        [one] => one.why(),
        [first, ..] => format!(
            "{} of {} applications are not live, such as {}",
            open.len(),
            tracks.len(),
            first.why()
        ),
    }
}

/// Returns the end if there is one: the first that failed, all live or paused, or time over.
pub(in crate::promote) async fn end(tracks: &[Track<'_>], now: Duration) -> Option<End> {
    if let Some(track) = tracks.iter().find(|track| track.is_final() && !track.is_live()) {
        match &track.verdict {
            Some(Verdict::Failed { why, hints, .. }) => return Some(ended(Outcome::RolloutFailed, why, hints)),
            Some(Verdict::Superseded { revision, why }) => {
                let by = track.lineage.replaced_by(revision).await;
                let why = format!("{why}: {} by {} ({})", by.commit.short(), by.author, by.subject);
                let mut end = ended(Outcome::Superseded, &why, &[]);
                end.superseded_by = Some(by);
                return Some(end);
            }
            Some(Verdict::Paused { why }) if track.target.policy.on_pause == OnPause::Fail => {
                let hint = "resume or abort it with `kubectl argo rollouts promote` or `abort`".to_owned();
                return Some(ended(
                    Outcome::RolloutFailed,
                    &format!("{why}, and `on-pause` is `fail`"),
                    &[hint],
                ));
            }
            _ => {}
        }
    }
    if tracks.iter().all(Track::is_final) {
        let paused = tracks.iter().find(|track| !track.is_live());
        return Some(match (paused, tracks) {
            (Some(track), _) => ended(Outcome::Paused, &track.why(), &[]),
            (None, [one]) => ended(Outcome::Live, &one.why(), &[]),
            (None, many) => ended(Outcome::Live, &format!("all {} applications are live", many.len()), &[]),
        });
    }
    tracks
        .iter()
        .find(|track| !track.is_final() && track.is_late(now))
        .map(|track| late(track, now))
}

fn ended(outcome: Outcome, reason: &str, hints: &[String]) -> End {
    End {
        outcome,
        reason: reason.to_owned(),
        hints: hints.to_vec(),
        superseded_by: None,
    }
}

fn late(track: &Track<'_>, now: Duration) -> End {
    let policy = &track.target.policy;
    let limit = if track.paused_since.is_some() {
        format!(
            "it has paused longer than `pause-timeout` ({})",
            length(policy.pause_timeout)
        )
    } else {
        format!("not live within {}", length(track.limit()))
    };
    let since = length(now.saturating_sub(track.silent_since.unwrap_or(track.state_since)));
    let next = match track.verdict.as_ref().and_then(Verdict::state) {
        Some(state) => format!("; next would have been: {}", state.next()),
        None => String::new(),
    };
    let silent = track.silent_since.is_some_and(|at| now >= at + Duration::from_secs(60));
    if silent {
        let reason = format!("{}: Argo CD has given no answer for {since}; {limit}", track.name());
        let hint = "check that `argocd-server` is reachable from here, then run `promote wait`".to_owned();
        return ended(Outcome::Unreachable, &reason, &[hint]);
    }
    let (name, why) = (track.name(), track.why());
    // Some reasons begin with the name themselves.
    let why = why.strip_prefix(&format!("{name}: ")).unwrap_or(&why);
    let reason = format!("{name}: {limit}: {why} (for {since}){next}");
    let hint = format!(
        "look at {}; `promote wait` goes on waiting for the same commit",
        track.page
    );
    ended(Outcome::TimedOut, &reason, &[hint])
}

/// A problem ends the whole wait.
pub(in crate::promote) fn fatal(track: &Track<'_>, problem: &Problem) -> End {
    let fault = problem.fault(&format!("follow application {}", track.name()));
    ended(fault.outcome, &fault.to_string(), &fault.hints)
}
