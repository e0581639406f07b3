//! Follows applications until all run exactly our commit, one cannot, or time is over. The one place that waits for them.
//! Decides nothing about an application: `assess::rollout` does.
//!
//! Cancel-safe: at the signal everything under way is dropped, and no request is sent after it.

mod canaries;
mod diagnose;
mod ending;
mod progress;
mod requests;
mod streams;
mod track;

use std::time::Duration;

use crate::delivery::{Drive, Reader};
use crate::infrarepo::InfraRepo;
use crate::journal::Journal;
use crate::model::{AppSnapshot, ApplicationId, Clock, Event, Outcome, PinChange};
use crate::report::{ApplicationRow, SupersededBy};

use crate::promote::cancel::signal;
use crate::promote::follow::diagnose::diagnose;
use crate::promote::follow::ending::{End, end, fatal};
use crate::promote::follow::progress::Telling;
use crate::promote::follow::requests::Asking;
use crate::promote::follow::streams::{Heard, Listening};
use crate::promote::follow::track::{Answer, Track};
use crate::promote::followee::{FollowRequest, Followee};
use crate::promote::lineage::Lineage;
use crate::promote::ports::Cancel;
use crate::promote::underway::next_look;

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

/// The ports of a wait.
#[derive(Clone, Copy)]
pub struct FollowPorts<'a> {
    /// Reads applications.
    pub observe: &'a dyn Reader,
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
    let end = tokio::select! {
        biased;
        signal = signal(cancel.clone()) => End::cancelled(signal, &tracks),
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

fn belongs(pin: &PinChange, target: &Followee) -> bool {
    pin.app == target.app && pin.environment == target.environment
}

/// Waits for answers and time until there is an end.
async fn run<'a>(ports: FollowPorts<'a>, tracks: &mut [Track<'a>], nonce: &'a str) -> End {
    let mut asking = Asking::new(ports, nonce);
    let mut telling = Telling::new(ports.journal, tracks.len());
    let ids: Vec<ApplicationId> = tracks.iter().map(|track| track.target.id.clone()).collect();
    let mut listening = Listening::new(ports.observe, &ids, ports.clock.now());
    let mut doubted = false;
    for track in tracks.iter_mut() {
        learn(ports, track, &mut doubted).await;
    }
    loop {
        let now = ports.clock.now();
        listening.tend(now);
        let cadence = next_look(tracks.len(), listening.is_live());
        let mut wake = now + Duration::from_secs(1);
        for (at, track) in tracks.iter_mut().enumerate() {
            if now >= track.judge_at {
                if let Some(ask) = track.judge(now) {
                    asking.send(ask, track.target.id.clone(), at);
                }
                telling.one(track, now);
            }
            asking.tend(track, at, cadence, now);
            wake = wake.min(track.judge_at.max(now));
        }
        telling.all(tracks, now);
        if let Some(end) = end(tracks, now).await {
            return end;
        }
        let pause = wake.saturating_sub(now).max(Duration::from_millis(10));
        let (of, answer) = tokio::select! {
            biased;
            (at, answer) = asking.next() => (tracks.get_mut(at), answer),
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
        if let Some(problem) = track.take(answer, ports.clock.now(), ports.clock.wall()) {
            return fatal(track, &problem);
        }
        learn(ports, track, &mut doubted).await;
    }
}

/// Adds to a bad end why the applications that led to it are not healthy.
async fn explained(ports: FollowPorts<'_>, tracks: &mut [Track<'_>], mut end: End) -> End {
    if !matches!(end.outcome, Outcome::RolloutFailed | Outcome::TimedOut) {
        return end;
    }
    let any_failed = tracks.iter().any(|track| track.is_final() && !track.is_live());
    let mut explained = false;
    let bad = (tracks.iter_mut()).filter(|track| !track.is_live() && (track.is_final() || !any_failed));
    for track in bad.take(3) {
        let found = diagnose(ports, &track.target.id, &track.target.images).await;
        if !found.is_empty() && !std::mem::replace(&mut explained, true) {
            ports.journal.tell(Event::Stage("Why".to_owned()));
        }
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

/// Asks git about the revisions that an application shows, as far as they are not known. That git gives no answer is said once.
async fn learn(ports: FollowPorts<'_>, track: &mut Track<'_>, doubted: &mut bool) {
    let Some(app) = &track.app else { return };
    let revisions = track.origin.revisions(app);
    if track.lineage.lacks(&revisions) {
        track.lineage.learn(&revisions).await;
    }
    if let Some((deployed, tip)) = track.origin.behind(app) {
        track.lineage.learn_pending(&deployed, &tip).await;
    }
    if let Some(why) = track.lineage.doubt().filter(|_| !*doubted) {
        *doubted = true;
        ports.journal.warn(format!(
            "{why}; while that is so, only exactly our commit counts as ours"
        ));
    }
}
