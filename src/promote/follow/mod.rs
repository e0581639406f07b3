//! Follows applications until all run exactly our commit, one cannot, or time is over. The one place that waits for them.
//! Decides nothing about an application: `assess::rollout` does.
//!
//! Cancel-safe: at the signal everything under way is dropped, and no request is sent after it.

mod canaries;
mod diagnose;
mod ending;
mod judging;
mod ports;
mod progress;
mod requests;
mod said;
mod streams;
mod track;
mod waves;

use std::time::Duration;

use crate::assess::diagnosis::Promoted;
use crate::model::{AppSnapshot, ApplicationId, Event, Outcome};
use crate::report::{ApplicationRow, MeasurementRow, SupersededBy};

use crate::promote::cancel::signal;
use crate::promote::follow::diagnose::diagnose;
use crate::promote::follow::ending::{End, end, fatal};
use crate::promote::follow::judging::{Judged, Judging};
use crate::promote::follow::progress::Telling;
use crate::promote::follow::requests::Asking;
use crate::promote::follow::streams::{Heard, Listening};
use crate::promote::follow::track::Track;
use crate::promote::followee::FollowRequest;
use crate::promote::lineage::{Learned, Lineage, unnamed};
use crate::promote::ports::Cancel;
use crate::promote::underway::{Underway, next_look};

pub(in crate::promote) use crate::promote::follow::judging::Judge;
pub use crate::promote::follow::ports::FollowPorts;
pub(in crate::promote) use crate::promote::follow::waves::follow_waves;

/// How long it may take to say why an end is bad.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// What was measured in the pauses of canaries.
    pub measurements: Vec<MeasurementRow>,
}

/// Follows all applications of `request` to an end. The time of their policies begins now.
pub async fn follow(ports: FollowPorts<'_>, cancel: &Cancel, request: FollowRequest<'_>) -> Followed {
    let now = ports.clock.now();
    let mut tracks: Vec<Track<'_>> = (request.targets.iter())
        .map(|target| {
            let pins = request.pins.iter().filter(|pin| target.carries(pin)).collect();
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
        measurements: Vec::new(),
    }
}

/// Waits for answers and time until there is an end. Every request is one of many that are under way, those to git as well: none of them
/// holds up the others, nor the deadline.
async fn run<'a>(ports: FollowPorts<'a>, tracks: &mut [Track<'a>], nonce: &'a str) -> End {
    let clock = ports.clock;
    let mut asking = Asking::new(ports, nonce);
    let mut judging = Judging::new(ports.judge);
    // One question after the other: git's host is one for all.
    let mut questions: Underway<'_, (usize, Learned)> = Underway::at_once(1);
    let mut telling = Telling::new(ports.journal, tracks.len());
    let ids: Vec<ApplicationId> = tracks.iter().map(|track| track.target.id.clone()).collect();
    let mut listening = Listening::new(ports.observe, &ids, clock.now());
    let mut doubted = false;
    loop {
        let now = clock.now();
        listening.tend(now);
        let cadence = next_look(tracks.len(), listening.is_live());
        let mut wake = now + Duration::from_secs(1);
        for (at, track) in tracks.iter_mut().enumerate() {
            if let Some(question) = track.question(now) {
                questions.add(async move { (at, question.await) });
            }
            if now >= track.requests.judge_at {
                if let Some(ask) = track.judge(now) {
                    asking.send(ask, track, at);
                }
                telling.one(track, now);
            }
            asking.tend(track, at, cadence, now);
            judging.tend(track, at);
            wake = wake.min(track.requests.judge_at.max(now));
        }
        telling.all(tracks, now);
        if let Some(end) = end(tracks, now) {
            return end;
        }
        let pause = wake.saturating_sub(now).max(Duration::from_millis(10));
        tokio::select! {
            biased;
            (at, answer) = asking.next() => {
                let Some(track) = tracks.get_mut(at) else { continue };
                if let Some(problem) = track.take(answer, clock.now(), clock.wall()) {
                    return fatal(&format!("follow application {}", track.name()), &problem);
                }
            }
            (at, learned) = questions.next() => {
                let Some(track) = tracks.get_mut(at) else { continue };
                track.learned(learned, clock.now());
                doubt(ports, track, &mut doubted);
            }
            (at, judged) = judging.next() => match judged {
                Judged::Ended(end) => return *end,
                Judged::Passed => tracks.iter_mut().skip(at).take(1).for_each(|track| track.hurry(clock.now())),
            },
            heard = listening.next(clock) => {
                if let Some(end) = hear(ports, tracks, heard) {
                    return end;
                }
            }
            () = clock.sleep(pause) => {}
        }
    }
}

/// Takes in what a stream brought. Returns the end if it is one.
fn hear(ports: FollowPorts<'_>, tracks: &mut [Track<'_>], heard: Heard) -> Option<End> {
    let clock = ports.clock;
    match heard {
        Heard::Seen(app) => {
            if let Some(track) = tracks.iter_mut().find(|track| track.is(&app)) {
                track.saw(*app, clock.now(), clock.wall());
            }
        }
        Heard::Look(of) => look_again(tracks, of.as_deref(), clock.now()),
        Heard::Denied(problem) => return Some(fatal("follow the applications", &problem)),
    }
    None
}

/// Says once that git gives no answer.
fn doubt(ports: FollowPorts<'_>, track: &Track<'_>, doubted: &mut bool) {
    if let Some(why) = track.lineage.doubt().filter(|_| !*doubted) {
        *doubted = true;
        ports.journal.warn(format!(
            "{why}; while that is so, only exactly the commit of this promotion counts"
        ));
    }
}

/// Adds to a bad end what led to it: who replaced the pin, why the applications are not healthy. That is welcome, not necessary: it has ten
/// seconds in all.
async fn explained(ports: FollowPorts<'_>, tracks: &mut [Track<'_>], mut end: End) -> End {
    let until = ports.clock.now().saturating_add(PATIENCE);
    if let Some((revision, why)) = end.replaced.take() {
        let lineage = tracks
            .iter()
            .find(|track| track.is_superseded())
            .map(|track| &track.lineage);
        let by = tokio::select! {
            biased;
            by = async {
                match lineage {
                    Some(lineage) => lineage.replaced_by(&revision).await,
                    None => unnamed(&revision),
                }
            } => by,
            () = ports.clock.sleep(PATIENCE) => unnamed(&revision),
        };
        return end.superseded(&why, by);
    }
    if !matches!(end.outcome, Outcome::RolloutFailed | Outcome::TimedOut) {
        return end;
    }
    let any_failed = tracks.iter().any(|track| track.is_final() && !track.is_live());
    let mut explained = false;
    let bad = (tracks.iter_mut()).filter(|track| !track.is_live() && (track.is_final() || !any_failed));
    for track in bad.take(3) {
        let promoted = Promoted {
            images: &track.target.images,
            operation: track.our_operation(),
            baseline: track.target.baseline.as_ref(),
        };
        let (found, pods) = diagnose(ports, &track.target.id, promoted, until).await;
        if !found.lines.is_empty() && !std::mem::replace(&mut explained, true) {
            ports.journal.tell(Event::Stage("Why".to_owned()));
        }
        for line in &found.lines {
            ports.journal.progress(format!("{}: {line}", track.name()));
        }
        if let Some(first) = found
            .cause
            .filter(|cause| !names(cause).any(|name| named_in(&end.reason, name)))
        {
            end.reason = caused(&end.reason, &track.name(), &first);
        }
        (track.found, track.pods) = (found.lines, pods);
    }
    end
}

/// Puts the cause before what followed from it, where the sentence is about this application; else behind it, with its name.
fn caused(sentence: &str, name: &str, cause: &str) -> String {
    match sentence.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")) {
        Some(symptom) => format!("{name}: {cause}; {symptom}"),
        None if sentence.starts_with(name) => format!("{name}: {cause}; {sentence}"),
        None => format!("{sentence}; {name}: {cause}"),
    }
}

/// Returns the name of the resource that a cause is about, where it begins with that (`Pod api-1 …`) or ends with it (`… (Pod api-1, …)`).
fn names(cause: &str) -> impl Iterator<Item = &str> {
    let last = cause.rsplit_once(" (").map_or("", |(_, resource)| resource);
    let second = |text: &'_ str| -> Option<usize> { text.find(' ').map(|at| at + 1) };
    [cause, last].into_iter().filter_map(move |text| {
        let rest = text.get(second(text)?..)?;
        rest.split([' ', ',', ')']).next().filter(|name| !name.is_empty())
    })
}

/// Whether a resource is named in a sentence.
fn named_in(sentence: &str, name: &str) -> bool {
    sentence
        .split_whitespace()
        .any(|word| word.trim_end_matches([':', ',', ';']) == name)
}

/// Makes those that a stream lost, or all when it broke, be looked at now.
fn look_again(tracks: &mut [Track<'_>], of: Option<&AppSnapshot>, now: Duration) {
    for track in tracks.iter_mut().filter(|track| of.is_none_or(|app| track.is(app))) {
        track.requests.look_at = now;
    }
}
