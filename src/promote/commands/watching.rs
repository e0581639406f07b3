//! Watches what is live: the applications and the analyses side by side, until the first breach or the end of the time.

use std::cell::RefCell;
use std::time::Duration;

use crate::assess::source::Besides;
use crate::delivery::{Problem, Reader, Refresh};
use crate::model::{AppSnapshot, CommitSha, Event, Health, Milestone, Outcome, RefName, SyncState, in_words};
use crate::report::{ApplicationRow, End, Report, SupersededBy};

use crate::promote::analyses::{self, Breach, Measuring, Rows, Verification};
use crate::promote::cancel::signal;
use crate::promote::followee::Followee;
use crate::promote::lineage::Lineage;
use crate::promote::ports::{Ports, Reading};
use crate::promote::prepare::live::is_live;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::verification::announced;
use crate::promote::underway::{Underway, all};

/// The stage in which something is verified.
const VERIFYING: &str = "Verify";
/// How often applications are looked at. A thousand of them are not looked at more than a hundred times a second.
const OFTEN: Duration = Duration::from_secs(2);
const EACH: Duration = Duration::from_millis(10);
/// How long an application can be on its way, as it is while it scales, before that counts as a breach.
const MOVING: Duration = Duration::from_secs(30);
/// How long it can be broken: a pod that is replaced makes it so for a moment.
const BROKEN: Duration = Duration::from_secs(10);
/// How long Argo CD can give no answer.
const SILENT: Duration = Duration::from_secs(90);
/// How often the head of the branch is looked at.
const SELDOM: Duration = Duration::from_secs(60);
/// How often in a row somebody else can answer in Argo CD's place.
const FOREIGN: u32 = 3;

/// How a watch ended.
pub(in crate::promote) enum Watched {
    /// Nothing was wrong, with the reason.
    Good(String),
    /// Something was.
    Ended(End),
}

/// An application that is watched, with what was seen of it last.
struct Subject<'a> {
    followee: &'a Followee,
    lineage: Lineage<'a>,
    seen: RefCell<Seen>,
}

/// What was seen of an application.
#[derive(Default)]
struct Seen {
    app: Option<AppSnapshot>,
    /// Why it is not live, and since when.
    bad: Option<(String, Duration)>,
    /// What is not as it should be although it is live.
    besides: Vec<String>,
    silent: Option<Duration>,
    foreign: u32,
}

/// Why a watch ends.
enum Stop {
    Breach(Breach),
    Superseded(SupersededBy, String),
}

/// Watches until all verifications are done or something is wrong. What was seen and measured is put into the report.
pub(in crate::promote) async fn watch(
    reading: Reading<'_>,
    observe: &dyn Reader,
    planned: &Planned,
    followees: &[Followee],
    commit: &CommitSha,
    verifications: &[Verification],
    report: &mut Report,
) -> Watched {
    let Ports { clock, journal, cancel } = reading.ports;
    journal.tell(Event::Stage(VERIFYING.to_owned()));
    for verification in verifications {
        journal.progress(announced(verification));
    }
    let begun = clock.now();
    let rows = Rows::default();
    let pins = &planned.plan.pins;
    let subjects: Vec<Subject<'_>> = (followees.iter())
        .filter(|followee| verifications.iter().any(|one| one.environment == followee.environment))
        .map(|followee| Subject {
            followee,
            lineage: Lineage::new(
                reading.repo,
                commit,
                (pins.iter()).filter(|pin| followee.carries(pin)).collect(),
            ),
            seen: RefCell::default(),
        })
        .collect();
    let watching = Watching {
        reading,
        observe,
        subjects,
        branch: planned.snapshot.tip.branch.reference(),
    };
    let measuring = Measuring {
        measure: reading.measure,
        clock,
        journal,
        rows: &rows,
    };
    let end = tokio::select! {
        biased;
        signal = signal(cancel.clone()) => Watched::Ended(cancelled(signal)),
        stopped = watching.run(measuring, verifications) => match stopped {
            Ok(()) => Watched::Good(good(verifications, rows.borrow().len(), clock.now().saturating_sub(begun))),
            Err(stop) => Watched::Ended(ended(stop)),
        },
    };
    report.measurements.extend(rows.take());
    for row in watching.subjects.iter().map(|subject| row(subject, observe)) {
        match report.applications.iter_mut().find(|known| known.name == row.name) {
            Some(known) => *known = row,
            None => report.applications.push(row),
        }
    }
    if let Watched::Good(reason) = &end {
        for Subject { followee, seen, .. } in &watching.subjects {
            for said in &seen.borrow().besides {
                journal.warn(format!("{} {said}", followee.id));
            }
        }
        journal.tell(Event::Reached(Milestone::Verified, reason.clone()));
    }
    end
}

struct Watching<'a> {
    reading: Reading<'a>,
    observe: &'a dyn Reader,
    subjects: Vec<Subject<'a>>,
    /// The branch that the pins are on.
    branch: RefName,
}

impl Watching<'_> {
    /// Runs the analyses beside the applications.
    async fn run(&self, measuring: Measuring<'_>, verifications: &[Verification]) -> Result<(), Stop> {
        self.look(true).await?;
        let mut underway = Underway::at_once(usize::MAX);
        for one in verifications {
            underway.add(analyses::watch(measuring, &one.analyses, one.lasts));
        }
        let analysed = async {
            for _ in verifications {
                underway.next().await.map_err(Stop::Breach)?;
            }
            Ok(())
        };
        tokio::select! {
            biased;
            stop = self.applications() => return Err(stop),
            analysed = analysed => analysed?,
        }
        // What was tolerated for a moment does not count as good at the end.
        self.look(false).await?;
        let bad = self.subjects.iter().find_map(|subject| {
            let seen = subject.seen.borrow();
            let (why, _) = seen.bad.as_ref()?;
            Some(breach(subject, why))
        });
        match bad {
            Some(breach) => Err(self.stop(breach).await),
            None => self.replaced().await.map_or(Ok(()), Err),
        }
    }

    /// Looks at all applications again and again, until one is wrong.
    async fn applications(&self) -> Stop {
        let clock = self.reading.ports.clock;
        let many = u32::try_from(self.subjects.len()).unwrap_or(u32::MAX);
        let pause = OFTEN.max(EACH.saturating_mul(many));
        let mut head = clock.now();
        loop {
            clock.sleep(pause).await;
            if let Err(stop) = self.look(false).await {
                return stop;
            }
            let now = clock.now();
            let late = self.subjects.iter().find_map(|subject| late(subject, now));
            if let Some(breach) = late {
                return self.stop(breach).await;
            }
            if now.saturating_sub(head) >= SELDOM {
                head = now;
                if let Some(stop) = self.replaced().await {
                    return stop;
                }
            }
        }
    }

    /// Looks at each application once.
    async fn look(&self, refresh: bool) -> Result<(), Stop> {
        let clock = self.reading.ports.clock;
        let looks = self.subjects.iter().map(|Subject { followee, .. }| async move {
            let read = if refresh {
                match self.observe.refresh(&followee.id, Refresh::Normal).await {
                    Err(Problem::Slow(_)) => self.observe.application(&followee.id).await,
                    read => read,
                }
            } else {
                self.observe.application(&followee.id).await
            };
            match read {
                Ok(app) => {
                    let live = is_live(self.observe, clock, &followee.id, &app, &followee.images).await;
                    Ok((app, live))
                }
                Err(problem) => Err(problem),
            }
        });
        let looks = all(looks).await;
        let now = clock.now();
        for (subject, look) in self.subjects.iter().zip(looks) {
            take(subject, look, now)?;
        }
        Ok(())
    }

    /// Returns the end if a pin is another one at the head of the branch.
    async fn replaced(&self) -> Option<Stop> {
        let head = self.reading.repo.reference(&self.branch).await.ok()??;
        for subject in (self.subjects.iter()).filter(|subject| *subject.lineage.commit() != head) {
            if subject.lineage.stands_at(&head).await == Ok(false) {
                let by = subject.lineage.replaced_by(&head).await;
                let what = format!("{} in {}", subject.followee.app, subject.followee.environment);
                return Some(Stop::Superseded(by, what));
            }
        }
        None
    }

    /// Returns what a breach is, once it is known whether somebody has promoted something else meanwhile.
    async fn stop(&self, breach: Breach) -> Stop {
        match self.replaced().await {
            Some(stop) => stop,
            None => Stop::Breach(breach),
        }
    }
}

/// Takes a look in: the application, and why it is not live.
fn take(
    subject: &Subject<'_>,
    look: Result<(AppSnapshot, Result<Besides, String>), Problem>,
    now: Duration,
) -> Result<(), Stop> {
    let mut seen = subject.seen.borrow_mut();
    match look {
        Ok((app, live)) => {
            seen.silent = None;
            seen.foreign = 0;
            seen.app = Some(app);
            let since = seen.bad.as_ref().map_or(now, |(_, since)| *since);
            seen.bad = match live {
                Ok(besides) => {
                    seen.besides = besides;
                    None
                }
                Err(why) => Some((why, since)),
            };
            Ok(())
        }
        Err(problem @ (Problem::Forbidden(_) | Problem::Missing(_))) => {
            let since = seen.bad.as_ref().map_or(now, |(_, since)| *since);
            seen.app = None;
            seen.bad = Some((format!("cannot be read: {}", problem.why()), since));
            Ok(())
        }
        Err(problem) => {
            let since = *seen.silent.get_or_insert(now);
            if matches!(problem, Problem::Foreign(_)) {
                seen.foreign += 1;
            }
            let over = now.saturating_sub(since) >= SILENT || seen.foreign >= FOREIGN;
            if over || matches!(problem, Problem::Token(_)) {
                let fault = problem.fault(&format!("watch application {}", subject.followee.id));
                return Err(Stop::Breach(Breach {
                    outcome: fault.outcome,
                    reason: fault.to_string(),
                    hints: fault.hints,
                }));
            }
            Ok(())
        }
    }
}

/// Returns the breach of an application that has been wrong for too long.
fn late(subject: &Subject<'_>, now: Duration) -> Option<Breach> {
    let seen = subject.seen.borrow();
    let (why, since) = seen.bad.as_ref()?;
    let broken = |app: &AppSnapshot| matches!(app.health, Health::Degraded | Health::Missing | Health::Unknown);
    let patience = if seen.app.as_ref().is_none_or(broken) {
        BROKEN
    } else {
        MOVING
    };
    (now.saturating_sub(*since) >= patience).then(|| breach(subject, why))
}

fn breach(subject: &Subject<'_>, why: &str) -> Breach {
    Breach {
        outcome: Outcome::Breached,
        reason: format!("{} {why}", subject.followee.id),
        hints: Vec::new(),
    }
}

fn ended(stop: Stop) -> End {
    match stop {
        Stop::Breach(breach) => {
            let mut end = End::new(breach.outcome, breach.reason);
            end.hints = breach.hints;
            end
        }
        Stop::Superseded(by, what) => {
            let author = if by.author.is_empty() {
                String::new()
            } else {
                format!(" by {}", by.author)
            };
            let reason = format!(
                "a newer commit changed the pin of {what} during the verification: {}{author}",
                by.commit.short()
            );
            End::new(Outcome::Superseded, reason).by(by)
        }
    }
}

fn cancelled(signal: u8) -> End {
    let mut end = End::new(Outcome::Cancelled { signal }, "cancelled during the verification");
    end.hints = vec!["run it again: the verification begins again".to_owned()];
    end
}

fn good(verifications: &[Verification], measurements: usize, took: Duration) -> String {
    let mut names: Vec<&str> = (verifications.iter())
        .flat_map(|one| one.analyses.iter().map(|analysis| analysis.name.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup();
    let time = in_words(Duration::from_secs(took.as_secs()));
    let stayed = format!("every application stayed live and healthy for {time}");
    match names.as_slice() {
        [] => stayed,
        [one] => format!("{stayed}, and analysis {one} succeeded with {measurements} measurements"),
        many => format!(
            "{stayed}, and the analyses {} succeeded with {measurements} measurements",
            many.join(", ")
        ),
    }
}

fn row(subject: &Subject<'_>, observe: &dyn Reader) -> ApplicationRow {
    let Subject { followee, seen, .. } = subject;
    let seen = seen.borrow();
    let Seen { app, bad, .. } = &*seen;
    let app = app.as_ref().or(followee.baseline.as_ref());
    let name = followee.id.to_string();
    ApplicationRow {
        reason: match bad {
            Some((why, _)) => format!("{name} {why}"),
            None => format!("{name} runs what is pinned"),
        },
        live: bad.is_none() && seen.app.is_some(),
        app: followee.app.to_string(),
        environment: followee.environment.to_string(),
        url: observe.page(&followee.id),
        sync: app.map_or(SyncState::Unknown, |app| app.sync),
        health: app.map_or(Health::Unknown, |app| app.health),
        revision: app.and_then(|app| app.revisions.first().cloned()),
        rollout: None,
        pods: Vec::new(),
        name,
    }
}
