//! Gathers what the configured gates of each environment need, side by side, and judges them. Asks for nothing that no gate needs.

use crate::assess::gate::{self, Approvals, Closed, Deployed, Earlier, Evidence, Reading as Read, Settings};
use crate::delivery::Observe;
use crate::githost::Approvers;
use crate::model::{ApplicationId, Clock, EnvironmentName, Fault, SyncWindows, Timestamp};
use crate::plan::{Request, Select, SyncMode};
use crate::report::{GateRow, GateState, MeasurementRow};

use crate::promote::analyses::{Analysis, Verification};
use crate::promote::followee::Followee;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::images;
use crate::promote::prepare::earlier::{self, Step};
use crate::promote::prepare::kept::{Kept, measure, pull};
use crate::promote::prepare::measured::Answers;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::precheck::patiently;
use crate::promote::prepare::pulled::{Answer, Wish};
use crate::promote::underway::all;

/// The gates of a promotion, judged.
#[derive(Clone, Debug, Default)]
pub(in crate::promote) struct Judged {
    /// Every gate of every environment.
    pub(in crate::promote) rows: Vec<GateRow>,
    /// The words of `allow` that skip a gate and that its environment lists.
    listed: Vec<&'static str>,
    /// The earliest moment at which all of them could be open, if some are not, and if that is known.
    pub(in crate::promote) opens_at: Option<Timestamp>,
    /// What the analyses among them measured.
    pub(in crate::promote) measurements: Vec<MeasurementRow>,
}

/// What servers were asked for gates, with their answers.
#[derive(Default)]
pub(in crate::promote) struct Asked {
    windows: Option<Kept<Vec<ApplicationId>, Vec<gate::Seen<SyncWindows>>>>,
    live: Option<KeptLive>,
    analyses: Option<Kept<Vec<Analysis>, Answers>>,
    approvals: Option<KeptApprovals>,
    images: Option<Kept<Vec<Wish>, Vec<Answer>>>,
}

/// Whether each application of the environments before is live and healthy.
type KeptLive = Kept<earlier::Question, Vec<gate::Seen<Result<(), String>>>>;

/// Who approved each environment that was asked about.
type KeptApprovals = Kept<Vec<EnvironmentName>, Vec<Option<gate::Seen<Approvals>>>>;

/// Judges every gate of the environments that are promoted to.
#[expect(clippy::too_many_lines, reason = "a line or two for the evidence of each gate")]
pub(in crate::promote) async fn judge(
    reading: Reading<'_>,
    request: &Request,
    planned: &Planned,
    followees: &[Followee],
    analyses: &[Verification],
    asked: &mut Asked,
) -> Judged {
    let environments = environments(planned);
    let Asked {
        windows,
        live,
        analyses: kept,
        approvals: approved,
        images: kept_images,
    } = asked;
    let observe = reading.observe.map(|observe| -> &dyn Observe { observe });
    let (deployed, earlier, measured, approvals, pulled) = tokio::join!(
        deployed(observe, reading.ports.clock, &environments, followees, windows),
        passed(reading, &request.select, planned, &environments, live),
        measure(reading, analyses, kept),
        approvals(reading, planned, &environments, approved),
        pull(reading, &request.select, planned, &environments, kept_images),
    );
    let now = reading.now();
    let mut judged = Judged {
        measurements: measured.rows.clone(),
        ..Judged::default()
    };
    let mut opens = Some(now);
    for (environment, settings) in &environments {
        let here = planned
            .snapshot
            .apps()
            .filter(|place| place.environment == *environment);
        let evidence = Evidence {
            now,
            // An answer that is still fresh holds now.
            at: now,
            places: here
                .map(|place| gate::Place {
                    app: place.app.clone(),
                    images: images(planned, &place.app, environment),
                    earlier: (earlier.iter())
                        .filter(|(step, _)| step.app == place.app && step.to == *environment)
                        .map(|(_, earlier)| earlier.clone())
                        .collect(),
                    analyses: measured.of(&place.app, environment),
                    pulled: (pulled.iter())
                        .filter(|(app, at, _)| *app == place.app && at == environment)
                        .map(|(_, _, pulled)| pulled.clone())
                        .collect(),
                    deployed: deployed.as_ref().map(|all| {
                        let of_app = |(followee, _): &&(&Followee, Deployed)| {
                            followee.app == place.app && followee.environment == *environment
                        };
                        all.iter()
                            .filter(of_app)
                            .map(|(_, deployed)| deployed.clone())
                            .collect()
                    }),
                })
                .collect(),
            approvals: approvals
                .iter()
                .find(|(name, _)| name == environment)
                .and_then(|(_, seen)| seen.clone()),
        };
        let readings = gate::judge(&evidence, settings);
        let skips = request.allow.skip;
        let config = planned.snapshot.config.as_ref();
        let listed = config
            .and_then(|config| config.environment(environment))
            .map(|here| here.allow.skip);
        judged.listed.extend(listed.unwrap_or_default().without(skips));
        let rows = readings.into_iter().map(|(gate, read)| {
            let mut row = row(gate.name, environment, read);
            if row.state != GateState::Open && skips.has(gate.name) {
                row.skipped = Some(request.reason.clone().unwrap_or_default());
            }
            row
        });
        judged.rows.extend(rows);
        opens = match (opens, gate::opens_at(&evidence, settings, &|name| skips.has(name))) {
            (Some(one), Some(other)) => Some(one.max(other)),
            _ => None,
        };
    }
    let shut = judged.rows.iter().any(|row| !row.passes());
    judged.opens_at = opens.filter(|_| shut);
    judged
}

/// Asks who approved the promotion to each environment that wants that.
async fn approvals(
    reading: Reading<'_>,
    planned: &Planned,
    environments: &[(EnvironmentName, Settings)],
    asked: &mut Option<KeptApprovals>,
) -> Vec<(EnvironmentName, Option<gate::Seen<Approvals>>)> {
    let wanted = environments.iter().filter(|(_, settings)| settings.approvals.is_some());
    let question: Vec<EnvironmentName> = wanted.map(|(name, _)| name.clone()).collect();
    let Some(approvers) = reading.approvers.filter(|_| !question.is_empty()) else {
        return Vec::new();
    };
    let clock = reading.ports.clock;
    // Where a pull request waits for its reviews, each look is a new one.
    let kept = asked.as_ref().filter(|_| !reading.common.proposes);
    let answer = if let Some(answer) = Kept::fresh(kept, clock, &question) {
        answer
    } else {
        let requests = question.iter().map(|name| approved(reading, approvers, planned, name));
        let answer = all(requests).await;
        *asked = Some(Kept::new(clock, question.clone(), answer.clone()));
        answer
    };
    question.into_iter().zip(answer).collect()
}

/// Asks who approved the promotion to one environment: in this run, or on its pull request.
async fn approved(
    reading: Reading<'_>,
    approvers: &dyn Approvers,
    planned: &Planned,
    environment: &EnvironmentName,
) -> Option<gate::Seen<Approvals>> {
    let run = reading.common.run.as_ref();
    let mut excluded: Vec<(String, String)> = Vec::new();
    for actor in run.iter().flat_map(|run| &run.actors) {
        excluded.push((actor.clone(), "triggered the run".to_owned()));
    }
    if run.is_some_and(|run| run.exclude_authors) {
        match authors(reading, approvers, planned, environment).await {
            Ok(authors) => excluded.extend(authors),
            Err(why) => return Some(Err(why)),
        }
    }
    let mut seen = Vec::new();
    if let Some(run) = run {
        let name = run.environment.as_deref().unwrap_or(environment.as_str());
        seen.push(match approvers.of_run(name).await {
            Ok(by) => Ok(Approvals {
                by,
                excluded: excluded.clone(),
                from: format!("environment {name} of this run"),
            }),
            Err(fault) => Err(fault.to_string()),
        });
    }
    let select = planned.snapshot.places.iter().map(|(place, _)| place);
    let (apps, environments): (Vec<_>, Vec<_>) = select
        .map(|place| (place.app.clone(), place.environment.clone()))
        .unzip();
    if let Some(head) = crate::plan::pull_request_branch(&apps, &environments).filter(|_| reading.common.proposes) {
        match approvers.of_pull(&head, &planned.snapshot.tip.branch).await {
            Ok(None) => {}
            Ok(Some(by)) => seen.push(Ok(Approvals {
                by,
                excluded,
                from: "reviews of the pull request's head".to_owned(),
            })),
            Err(fault) => seen.push(Err(fault.to_string())),
        }
    }
    gate::approvals::join(seen)
}

/// Returns who wrote what is released to an environment.
async fn authors(
    reading: Reading<'_>,
    approvers: &dyn Approvers,
    planned: &Planned,
    environment: &EnvironmentName,
) -> Result<Vec<(String, String)>, String> {
    let own = reading
        .common
        .run
        .as_ref()
        .map(|run| run.place.repository())
        .unwrap_or_default();
    let is_commit = |tag: &str| (7..=40).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_hexdigit());
    let mut found = Vec::new();
    for change in planned
        .plan
        .changes
        .iter()
        .filter(|change| change.environment == *environment)
    {
        let source = &own;
        let tags = (change.before.new_tag.as_deref(), change.after.new_tag.as_deref());
        let (Some(before), Some(after)) = tags else {
            return Err(format!(
                "`approvals-exclude-authors`: {} has no tag that names a commit",
                change.name()
            ));
        };
        if !is_commit(before) || !is_commit(after) {
            return Err(format!(
                "`approvals-exclude-authors`: {before} or {after} is not a commit of {source}, so its authors are not known"
            ));
        }
        let authors = approvers
            .authors(source, before, after)
            .await
            .map_err(|fault| fault.to_string())?;
        found.extend(
            authors
                .into_iter()
                .map(|login| (login, "wrote a released commit".to_owned())),
        );
    }
    Ok(found)
}

/// Returns the environments that are promoted to, each once, with the gates that promote.yaml gives them.
fn environments(planned: &Planned) -> Vec<(EnvironmentName, Settings)> {
    let mut found: Vec<(EnvironmentName, Settings)> = Vec::new();
    for (place, _) in &planned.snapshot.places {
        if found.iter().all(|(known, _)| *known != place.environment) {
            let config = planned.snapshot.config.as_ref();
            let here = config.and_then(|config| config.environment(&place.environment));
            let settings = here.map(|here| here.gates.clone()).unwrap_or_default();
            found.push((place.environment.clone(), settings));
        }
    }
    found
}

/// Asks for the sync windows of the applications whose environment has that gate. `None` without a server.
async fn deployed<'f>(
    observe: Option<&dyn Observe>,
    clock: &dyn Clock,
    environments: &[(EnvironmentName, Settings)],
    followees: &'f [Followee],
    kept: &mut Option<Kept<Vec<ApplicationId>, Vec<gate::Seen<SyncWindows>>>>,
) -> Option<Vec<(&'f Followee, Deployed)>> {
    let observe = observe?;
    let wanted = |followee: &&Followee| {
        let mut here = environments.iter().filter(|(name, _)| *name == followee.environment);
        here.any(|(_, settings)| settings.sync_window != Some(false))
    };
    let is_asked = |followee: &&Followee| followee.baseline.is_some() && followee.policy.sync != SyncMode::Never;
    let question: Vec<ApplicationId> = (followees.iter().filter(wanted).filter(is_asked))
        .map(|followee| followee.id.clone())
        .collect();
    let answer = if let Some(answer) = Kept::fresh(kept.as_ref(), clock, &question) {
        answer
    } else {
        let requests = question.iter().map(|id| patiently(clock, || observe.windows(id)));
        let answers = all(requests).await.into_iter();
        let answers: Vec<gate::Seen<SyncWindows>> = answers
            .map(|answer| answer.map_err(|problem| problem.fault("read them").to_string()))
            .collect();
        *kept = Some(Kept::new(clock, question.clone(), answers.clone()));
        answers
    };
    let windows: std::collections::BTreeMap<_, _> = question.into_iter().zip(answer).collect();
    let found = followees.iter().filter(wanted).map(|followee| {
        let deployed = Deployed {
            name: followee.id.to_string(),
            automated: followee.baseline.as_ref().is_some_and(|app| app.automated),
            left_alone: followee.policy.sync == SyncMode::Never,
            windows: windows.get(&followee.id).cloned(),
        };
        (followee, deployed)
    });
    Some(found.collect())
}

/// Reads how each app is in the environments that it must have passed. Record and Argo CD are read side by side.
async fn passed(
    reading: Reading<'_>,
    select: &Select,
    planned: &Planned,
    environments: &[(EnvironmentName, Settings)],
    kept: &mut Option<KeptLive>,
) -> Vec<(Step, Earlier)> {
    let mut steps = Vec::new();
    for (to, settings) in environments {
        for place in planned.snapshot.apps().filter(|place| place.environment == *to) {
            steps.extend(settings.after.iter().map(|from| Step {
                app: place.app.clone(),
                to: to.clone(),
                from: from.clone(),
            }));
        }
    }
    let pinned = earlier::pinned(reading.repo, select, planned, &steps).await;
    let mut question = earlier::Question::new();
    for (pinned, places) in &pinned {
        let Ok(Ok(images)) = pinned else { continue };
        for place in places {
            if !question.iter().any(|(known, of)| known == place && of == images) {
                question.push((place.clone(), images.clone()));
            }
        }
    }
    let live = async {
        if let Some(answer) = Kept::fresh(kept.as_ref(), reading.ports.clock, &question) {
            return answer;
        }
        let answer = earlier::live(reading, planned, &question).await;
        *kept = Some(Kept::new(reading.ports.clock, question.clone(), answer.clone()));
        answer
    };
    let (records, live) = tokio::join!(earlier::recorded(reading.repo, planned, &steps, &pinned), live);
    let mut passed = Vec::new();
    for ((step, (pinned, places)), record) in steps.into_iter().zip(&pinned).zip(records) {
        let of_step = |(known, _): &(&(crate::plan::Place, Vec<String>), _)| {
            places.contains(&known.0) && matches!(pinned, Ok(Ok(images)) if *images == known.1)
        };
        let live = question.iter().zip(&live).filter(of_step).map(|(_, live)| live.clone());
        let live = live.reduce(|one, other| Ok(one?.and(other?)));
        let joined = earlier::joined(&step, pinned, record, live);
        passed.push((step, joined));
    }
    passed
}

/// Returns the row of a gate that was judged.
pub(in crate::promote) fn row(name: &str, environment: &EnvironmentName, read: Read) -> GateRow {
    let (state, reason, until, opens) = match read {
        Read::Open(why) => (GateState::Open, why, None, None),
        Read::Closed(Closed { why, until, opens }) => (GateState::Closed, why, until, Some(opens)),
        Read::Unknown(why) => (
            GateState::Unknown,
            why,
            None,
            Some(
                "correct what the reason names and run promote again: until it can be read, the gate counts as closed"
                    .to_owned(),
            ),
        ),
    };
    GateRow {
        name: name.to_owned(),
        environment: environment.to_string(),
        state,
        reason,
        until,
        opens,
        skipped: None,
    }
}

impl Judged {
    /// Returns the word of each gate that is closed and skipped.
    pub(in crate::promote) fn skipped(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for row in self.rows.iter().filter(|row| row.skipped.is_some()) {
            let word = format!("skip-{}", row.name);
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    /// Adds to a reason which gates were skipped and why, for the record.
    pub(in crate::promote) fn noted(&self, reason: &str) -> String {
        match (
            self.skipped().as_slice(),
            self.rows.iter().find_map(|row| row.skipped.as_ref()),
        ) {
            ([], _) | (_, None) => reason.to_owned(),
            (words, Some(why)) => format!("{reason} ({}: {why})", words.join(", ")),
        }
    }

    /// Returns a warning for each gate that is closed and skipped.
    pub(in crate::promote) fn warnings(&self) -> Vec<String> {
        let skipped = self.rows.iter().filter_map(|row| Some((row, row.skipped.as_ref()?)));
        let said = skipped.map(|(row, reason)| {
            let GateRow { name, environment, .. } = row;
            format!(
                "gate `{name}` of {environment} is {} and skipped ({reason}): {}",
                row.state.name(),
                row.reason
            )
        });
        said.collect()
    }

    /// Returns the names of the gates that are not open, each with its environment.
    pub(in crate::promote) fn shut(&self) -> Vec<String> {
        let shut = self.rows.iter().filter(|row| !row.passes());
        shut.map(|row| format!("`{}` of {}", row.name, row.environment))
            .collect()
    }

    /// Returns why the gate `approvals` is not open, where it is the only one.
    pub(in crate::promote) fn only_approvals(&self) -> Option<String> {
        let shut: Vec<&GateRow> = self.rows.iter().filter(|row| !row.passes()).collect();
        let all = !shut.is_empty() && shut.iter().all(|row| row.name == gate::approvals::NAME);
        all.then(|| shut.iter().map(|row| sentence(row)).collect::<Vec<_>>().join("; "))
    }

    /// Returns what forbids to write: every gate that is not open.
    pub(in crate::promote) fn fault(&self) -> Option<Fault> {
        let shut: Vec<&GateRow> = self.rows.iter().filter(|row| !row.passes()).collect();
        let said: Vec<String> = shut.iter().map(|row| sentence(row)).collect();
        let message = match said.as_slice() {
            [] => return None,
            [one] => one.clone(),
            many => format!("{} gates are not open:\n- {}", many.len(), many.join("\n- ")),
        };
        let mut hints: Vec<String> = Vec::new();
        if let Some(at) = self.opens_at {
            hints.push(format!("run the step again after {at}"));
        }
        for opens in shut
            .iter()
            .filter(|row| row.until.is_none())
            .filter_map(|row| row.opens.as_ref())
        {
            if !hints.contains(opens) {
                hints.push(opens.clone());
            }
        }
        let skip = |row: &&GateRow| self.listed.iter().find(|word| **word == format!("skip-{}", row.name));
        let words: Option<Vec<&str>> = shut.iter().map(|row| skip(row).copied()).collect();
        hints.truncate(2);
        if let Some(words) = words {
            hints.push(format!(
                "in an emergency, set `allow: {}` and a `reason`",
                words.join(",")
            ));
        }
        Some(hints.into_iter().take(3).fold(Fault::refused(message), Fault::hint))
    }
}

fn sentence(row: &GateRow) -> String {
    let GateRow {
        name,
        environment,
        reason,
        ..
    } = row;
    match (row.state, row.until) {
        (GateState::Unknown, _) => {
            format!("gate `{name}` of {environment} is unknown, which counts as closed: {reason}")
        }
        (_, Some(until)) => format!("gate `{name}` of {environment} is closed until {until}: {reason}"),
        _ => format!("gate `{name}` of {environment} is closed: {reason}"),
    }
}
