//! How a wait ends: the outcome, the reason in one sentence, and what can be done. Reads what the applications came to; waits for nothing.

use std::time::Duration;

use crate::assess::rollout::Verdict;
use crate::delivery::Problem;
use crate::inputs::about;
use crate::model::{CommitSha, Outcome, in_words};
use crate::plan::{OnPause, SyncMode};
use crate::report::SupersededBy;

use crate::promote::follow::track::Track;

/// How a wait ended; the rows are made afterwards.
pub(in crate::promote) struct End {
    pub(in crate::promote) outcome: Outcome,
    pub(in crate::promote) reason: String,
    pub(in crate::promote) hints: Vec<String>,
    pub(in crate::promote) superseded_by: Option<SupersededBy>,
    /// The revision in which the pin is another one, and where that is seen; who changed it is not known yet.
    pub(in crate::promote) replaced: Option<(CommitSha, String)>,
}

impl End {
    /// The wait was cancelled by a signal.
    pub(in crate::promote) fn cancelled(signal: u8, tracks: &[Track<'_>]) -> Self {
        let reason = format!("the run was cancelled while it waited: {}", waiting_for(tracks));
        let open = tracks.iter().find(|track| !track.is_live());
        let hint = open.map(|track| format!("continue to wait for this commit: `{}`", again(track, tracks)));
        ended(Outcome::Cancelled { signal }, &reason, hint.as_slice())
    }

    /// Adds who changed the pin.
    pub(in crate::promote) fn superseded(mut self, why: &str, by: SupersededBy) -> Self {
        let author = if by.author.is_empty() {
            String::new()
        } else {
            format!(" by {}", by.author)
        };
        let subject = if by.subject.is_empty() {
            String::new()
        } else {
            format!(" ({})", by.subject)
        };
        self.reason = format!("{why}: {}{author}{subject}", by.commit.short());
        self.superseded_by = Some(by);
        self
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
pub(in crate::promote) fn end(tracks: &[Track<'_>], now: Duration) -> Option<End> {
    if let Some(track) = tracks.iter().find(|track| track.is_final() && !track.is_live()) {
        match &track.verdict {
            Some(Verdict::Failed { why, hints, .. }) => return Some(ended(Outcome::RolloutFailed, why, hints)),
            Some(Verdict::Superseded { revision, why }) => {
                let hint = format!("show what runs now: `{}`", command("status", track));
                let mut end = ended(Outcome::Superseded, why, &[hint]);
                end.replaced = Some((revision.clone(), why.clone()));
                return Some(end);
            }
            Some(Verdict::Paused { why }) if track.target.policy.on_pause == OnPause::Fail => {
                return Some(ended(
                    Outcome::RolloutFailed,
                    &format!("{why}, and `on-pause` is `fail`"),
                    &at_a_pause(track),
                ));
            }
            _ => {}
        }
    }
    if tracks.iter().all(Track::is_final) {
        let paused = tracks.iter().find(|track| !track.is_live());
        return Some(match (paused, tracks) {
            (Some(track), _) => ended(Outcome::Paused, &track.why(), &at_a_pause(track)),
            (None, [one]) => ended(Outcome::Live, &one.why(), &[]),
            (None, many) => ended(Outcome::Live, &format!("all {} applications are live", many.len()), &[]),
        });
    }
    tracks
        .iter()
        .find(|track| !track.is_final() && track.is_late(now))
        .map(|track| late(track, tracks, now))
}

/// Makes an end without a later commit.
pub(in crate::promote) fn ended(outcome: Outcome, reason: &str, hints: &[String]) -> End {
    End {
        outcome,
        reason: reason.to_owned(),
        hints: hints.to_vec(),
        superseded_by: None,
        replaced: None,
    }
}

fn late(track: &Track<'_>, tracks: &[Track<'_>], now: Duration) -> End {
    let policy = &track.target.policy;
    let limit = if track.pauses.since.is_some() {
        format!(
            "it has paused longer than `pause-timeout` ({})",
            in_words(policy.pause_timeout)
        )
    } else {
        format!("not live within {}", in_words(track.limit()))
    };
    let since = in_words(now.saturating_sub(track.requests.silent_since.unwrap_or(track.state_since)));
    let next = match track.verdict.as_ref().and_then(Verdict::state) {
        Some(state) => format!("; promote was waiting until {}", state.next()),
        None => String::new(),
    };
    let silent = track
        .requests
        .silent_since
        .is_some_and(|at| now >= at + Duration::from_secs(60));
    if silent {
        let reason = format!("{}: Argo CD has given no answer for {since}; {limit}", track.name());
        let hint = format!(
            "check that `argocd-server` is reachable from here, then run `{}`",
            again(track, tracks)
        );
        return ended(Outcome::Unreachable, &reason, &[hint]);
    }
    let (name, why) = (track.name(), track.why());
    // Some reasons begin with the name themselves.
    let why = why.strip_prefix(&format!("{name}: ")).unwrap_or(&why);
    let reason = format!("{name}: {limit}: {why} (for {since}){next}");
    let mut hints = Vec::new();
    if track.pauses.since.is_some() {
        hints.extend(at_a_pause(track));
    }
    hints.push(format!("continue to wait for this commit: `{}`", again(track, tracks)));
    ended(Outcome::TimedOut, &reason, &hints)
}

/// Returns the command that goes on waiting for the same commit. The report completes it, as every command, with the flags of the run.
fn again(track: &Track<'_>, tracks: &[Track<'_>]) -> String {
    let target = &track.target;
    let automated = track.known.app.as_ref().is_some_and(|app| app.automated);
    let sync = match target.policy.sync {
        SyncMode::Never => "",
        _ if automated => "",
        SyncMode::Auto => " --sync auto",
        SyncMode::Trigger => " --sync trigger",
    };
    let targets = || tracks.iter().map(|track| &track.target);
    format!(
        "promote wait {} --commit {}{sync}",
        about(
            &once(targets().map(|target| &target.app)),
            &once(targets().map(|target| &target.environment))
        ),
        track.lineage.commit(),
    )
}

/// Returns each name once, in the order in which they come.
fn once<T: ToString>(names: impl Iterator<Item = T>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in names.map(|name| name.to_string()) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// Returns what a person can do with a canary that waits for one.
fn at_a_pause(track: &Track<'_>) -> [String; 2] {
    [
        format!("pass the pause: `{}`", command("resume", track)),
        format!("stop the canary: `{}`", command("abort", track)),
    ]
}

/// Returns a command for the app and environment of an application. The report completes it.
fn command(name: &str, track: &Track<'_>) -> String {
    format!(
        "promote {name} {}",
        about(&[&track.target.app], &[&track.target.environment])
    )
}

/// A problem ends the whole wait; `doing` says what was asked.
pub(in crate::promote) fn fatal(doing: &str, problem: &Problem) -> End {
    let fault = problem.fault(doing);
    ended(fault.outcome, &fault.to_string(), &fault.hints)
}
