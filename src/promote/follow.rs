//! Follows applications until all run exactly our commit, one cannot, or time is over. The one place that waits for them.
//! Decides nothing about an application: `assess::rollout` does.
//!
//! Cancel-safe: at the signal everything under way is dropped, and no request is sent after it.

use std::time::Duration;

use crate::assess::rollout::{Ask, Verdict};
use crate::delivery::{Drive, Observe, Problem, Refresh};
use crate::infrarepo::InfraRepo;
use crate::journal::Journal;
use crate::model::{AppSnapshot, ApplicationId, Clock, Outcome, PinChange, Resource};
use crate::plan::OnPause;
use crate::report::{ApplicationRow, SupersededBy};

use super::Cancel;
use super::carries::Lineage;
use super::diagnose::diagnose;
use super::listen::{Heard, Listening};
use super::poll::{Underway, next_look};
use super::target::FollowRequest;
use super::telling::{FEW, length, tell, tell_all};
use super::track::{Answer, Track};

/// How a wait ended.
#[derive(Clone, Debug)]
pub struct Followed {
    /// `live` when all are; the caller knows whether that is `promoted` or `no-change`.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub reason: String,
    /// What to do, at most three.
    pub hints: Vec<String>,
    /// All of them, those that failed first.
    pub applications: Vec<ApplicationRow>,
    /// The commit that replaced our pin, if one did.
    pub superseded_by: Option<SupersededBy>,
}

/// How the loop ended; the rows are made afterwards.
struct End {
    outcome: Outcome,
    reason: String,
    hints: Vec<String>,
    superseded_by: Option<SupersededBy>,
}

/// The ports of a wait.
#[derive(Clone, Copy)]
pub struct FollowPorts<'a> {
    /// Reads applications.
    pub observe: &'a dyn Observe,
    /// Starts syncs; `None` = nothing may be started.
    pub drive: Option<&'a dyn Drive>,
    /// Tells what later revisions are to ours.
    pub repo: &'a dyn InfraRepo,
    /// Is told what is waited for.
    pub journal: &'a dyn Journal,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// Follows all applications of `request` to an end. The time of their policies begins now.
pub async fn follow(ports: FollowPorts<'_>, cancel: &Cancel, request: FollowRequest<'_>) -> Followed {
    let now = ports.clock.now();
    let mut tracks: Vec<Track<'_>> = (request.targets.iter())
        .map(|target| {
            let pins = request.pins.iter().filter(|pin| belongs(pin, target)).collect();
            let lineage = Lineage::new(ports.repo, request.commit, pins);
            let page = ports.observe.page(&target.id);
            Track::new(target.clone(), page, lineage, &request, ports.drive.is_some(), now)
        })
        .collect();
    let mut signal = cancel.clone();
    let cancelled = async {
        match signal.wait_for(Option::is_some).await {
            Ok(number) => number.unwrap_or(15),
            // Nobody can send a signal any more.
            Err(_) => std::future::pending().await,
        }
    };
    let end = tokio::select! {
        biased;
        signal = cancelled => End {
            outcome: Outcome::Cancelled { signal },
            reason: format!("cancelled while waiting: {}", waiting_for(&tracks)),
            hints: vec!["run it again: it goes on from what is committed".to_owned()],
            superseded_by: None,
        },
        end = async {
            let end = run(ports, &mut tracks, &request.nonce).await;
            explained(ports, &mut tracks, end).await
        } => end,
    };
    tracks.sort_by_key(|track| (track.is_live(), !track.is_final()));
    Followed {
        outcome: end.outcome,
        reason: end.reason,
        hints: end.hints.into_iter().take(3).collect(),
        applications: tracks.iter().map(Track::row).collect(),
        superseded_by: end.superseded_by,
    }
}

fn belongs(pin: &PinChange, target: &super::target::Target) -> bool {
    pin.app == target.app && pin.environment == target.environment
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

/// Waits for answers and time until there is an end.
async fn run<'a>(ports: FollowPorts<'a>, tracks: &mut [Track<'a>], nonce: &'a str) -> End {
    let mut underway: Underway<'a, (usize, Answer)> = Underway::new();
    let ids: Vec<ApplicationId> = tracks.iter().map(|track| track.target.id.clone()).collect();
    let mut listening = Listening::new(ports.observe, &ids, ports.clock.now());
    let mut doubted = false;
    for track in tracks.iter_mut() {
        learn(ports, track, &mut doubted).await;
    }
    let mut said = (ports.clock.now(), String::new());
    loop {
        let now = ports.clock.now();
        listening.tend(now);
        let cadence = next_look(tracks.len(), listening.is_live());
        let mut wake = now + Duration::from_secs(1);
        for (at, track) in tracks.iter_mut().enumerate() {
            step(ports, track, at, (ids.len(), cadence), nonce, &mut underway);
            wake = wake.min(track.judge_at.max(now));
        }
        if ids.len() > FEW {
            tell_all(ports, tracks, &mut said, now);
        }
        if let Some(end) = end(tracks, now).await {
            return end;
        }
        let pause = wake.saturating_sub(now).max(Duration::from_millis(10));
        let (of, answer) = tokio::select! {
            biased;
            (at, answer) = underway.next() => (tracks.get_mut(at), answer),
            came = listening.next() => match listening.take(came, ports.clock.now()) {
                Heard::Seen(app) => (tracks.iter_mut().find(|track| track.is(&app)), Answer::Told(Ok(*app))),
                Heard::Denied(problem) => (tracks.first_mut(), Answer::Told(Err(problem))),
                Heard::Look(of) => {
                    look_again(tracks, of.as_deref(), ports.clock.now());
                    continue;
                }
                Heard::Nothing => continue,
            },
            () = ports.clock.sleep(pause) => continue,
        };
        let Some(track) = of else { continue };
        if let Some(problem) = take(ports, track, answer, &mut doubted).await {
            return fatal(track, &problem);
        }
    }
}

/// Adds to a bad end why the applications that led to it are not healthy.
async fn explained(ports: FollowPorts<'_>, tracks: &mut [Track<'_>], mut end: End) -> End {
    if !matches!(end.outcome, Outcome::RolloutFailed | Outcome::TimedOut) {
        return end;
    }
    let any_failed = tracks.iter().any(|track| track.is_final() && !track.is_live());
    let bad = (tracks.iter_mut()).filter(|track| !track.is_live() && (track.is_final() || !any_failed));
    for track in bad.take(3) {
        let found = diagnose(ports.observe, ports.clock, &track.target.id, &track.target.images).await;
        for line in &found {
            ports.journal.progress(format!("{}: {line}", track.name()));
        }
        if let Some(first) = found.first().filter(|first| !named_in(&end.reason, first)) {
            end.reason = format!("{}; {first}", end.reason);
        }
        track.found = found;
    }
    end
}

/// Tells whether the resource that a line begins with (`Pod api-1 …`) is named in a sentence already.
fn named_in(sentence: &str, line: &str) -> bool {
    line.split_whitespace()
        .nth(1)
        .is_some_and(|name| sentence.split_whitespace().any(|word| word == name))
}

/// Makes those that a stream lost, or all when it broke, be looked at now.
fn look_again(tracks: &mut [Track<'_>], of: Option<&AppSnapshot>, now: Duration) {
    for track in tracks.iter_mut().filter(|track| of.is_none_or(|app| track.is(app))) {
        track.look_at = now;
    }
}

/// Takes an answer in, and asks git about revisions that are new.
async fn take(ports: FollowPorts<'_>, track: &mut Track<'_>, answer: Answer, doubted: &mut bool) -> Option<Problem> {
    let problem = track.take(answer, ports.clock.now(), ports.clock.wall());
    if problem.is_none() {
        learn(ports, track, doubted).await;
    }
    problem
}

/// Asks git about the revisions that an application shows, as far as they are not known. That git gives no answer is said once.
async fn learn(ports: FollowPorts<'_>, track: &mut Track<'_>, doubted: &mut bool) {
    let revisions = (track.app.as_ref())
        .map(|app| track.origin.revisions(app))
        .unwrap_or_default();
    if track.lineage.lacks(&revisions) {
        track.lineage.learn(&revisions).await;
    }
    if let Some(why) = track.lineage.doubt().filter(|_| !*doubted) {
        *doubted = true;
        ports.journal.warn(format!(
            "{why}; while that is so, only exactly our commit counts as ours"
        ));
    }
}

/// Judges one application if it is due, sends what its verdict asks for, and tells what changed.
fn step<'a>(
    ports: FollowPorts<'a>,
    track: &mut Track<'a>,
    at: usize,
    (many, cadence): (usize, Duration),
    nonce: &'a str,
    underway: &mut Underway<'a, (usize, Answer)>,
) {
    let now = ports.clock.now();
    let observe = ports.observe;
    if now >= track.judge_at {
        if let Some(ask) = track.judge(now) {
            send(ports, ask, track.target.id.clone(), at, nonce, underway);
        }
        tell(ports, track, many > FEW, now);
    }
    if now >= track.look_at && !track.looking && !track.is_final() {
        track.looking = true;
        track.look_at = now + cadence;
        let id = track.target.id.clone();
        underway.add(async move { (at, Answer::Look(observe.application(&id).await)) });
    }
    if track.wants_canaries(now) {
        track.reading_canaries = true;
        let id = track.target.id.clone();
        let rollouts: Vec<Resource> = (track.app.iter())
            .flat_map(|app| app.resources.iter().filter(|resource| resource.is_rollout()).cloned())
            .collect();
        underway.add(async move {
            let mut canaries = Vec::new();
            for rollout in &rollouts {
                match observe.rollout(&id, rollout).await {
                    Ok(canary) => canaries.push(canary),
                    Err(problem) => return (at, Answer::Canaries(Err(problem))),
                }
            }
            (at, Answer::Canaries(Ok(canaries)))
        });
    }
}

fn send<'a>(
    ports: FollowPorts<'a>,
    ask: Ask,
    id: ApplicationId,
    at: usize,
    nonce: &'a str,
    underway: &mut Underway<'a, (usize, Answer)>,
) {
    let observe = ports.observe;
    ports.journal.debug(format!("{id}: asking for {ask:?}"));
    match ask {
        Ask::Refresh => {
            underway.add(async move { (at, Answer::Refreshed(observe.refresh(&id, Refresh::Normal).await)) });
        }
        Ask::HardRefresh => {
            underway.add(async move { (at, Answer::HardRefreshed(observe.refresh(&id, Refresh::Hard).await)) });
        }
        Ask::Sync => {
            if let Some(drive) = ports.drive {
                ports.journal.progress(format!("{id}: asking Argo CD to sync it"));
                underway.add(async move { (at, Answer::Synced(drive.sync(&id, nonce).await)) });
            }
        }
        Ask::Targets => underway.add(async move { (at, Answer::Targets(observe.target_images(&id).await)) }),
        Ask::Windows => underway.add(async move { (at, Answer::Windows(observe.windows(&id).await)) }),
        Ask::Tree => underway.add(async move { (at, Answer::Tree(observe.tree(&id).await)) }),
    }
}

/// Returns the end if there is one: the first that failed, all live or paused, or time over.
async fn end(tracks: &[Track<'_>], now: Duration) -> Option<End> {
    if let Some(track) = tracks.iter().find(|track| track.is_final() && !track.is_live()) {
        match &track.verdict {
            Some(Verdict::Failed { why, hints, .. }) => return Some(ended(Outcome::RolloutFailed, why, hints)),
            Some(Verdict::Superseded { revision, why }) => {
                let by = track.lineage.replaced_by(revision).await;
                let why = format!("{why}: {} by {} ({})", short(&by.commit), by.author, by.subject);
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

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
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
        format!(
            "not live within {}",
            length(policy.timeout.saturating_add(track.own_pauses()))
        )
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
    let reason = format!("{}: {limit}: {} (for {since}){next}", track.name(), track.why());
    let hint = format!(
        "look at {}; `promote wait` goes on waiting for the same commit",
        track.page
    );
    ended(Outcome::TimedOut, &reason, &[hint])
}

fn fatal(track: &Track<'_>, problem: &Problem) -> End {
    let fault = problem.fault(&format!("follow application {}", track.name()));
    ended(fault.outcome, &fault.to_string(), &fault.hints)
}
