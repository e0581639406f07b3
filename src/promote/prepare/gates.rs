//! Gathers what the configured gates of each environment need, side by side, and judges them. Asks for nothing that no gate needs.

use crate::assess::gate::{self, Evidence, Settings};
use crate::delivery::Observe;
use crate::model::EnvironmentName;
use crate::plan::Request;
use crate::report::GateState;

use crate::promote::analyses::{Analysis, Verification};
use crate::promote::followee::Followee;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::images;
use crate::promote::prepare::approvals::{KeptApprovals, approvals};
use crate::promote::prepare::fresh::Kept;
use crate::promote::prepare::judged::{Judged, row};
use crate::promote::prepare::kept::{compare, measure, pull};
use crate::promote::prepare::measured::Answers;
use crate::promote::prepare::passed::{KeptLive, passed};
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::sync_windows::{KeptWindows, deployed};
use crate::promote::prepare::{pulled, released};

/// What servers were asked for gates, with their answers.
#[derive(Default)]
pub(in crate::promote) struct Asked {
    windows: Option<KeptWindows>,
    live: Option<KeptLive>,
    analyses: Option<Kept<Vec<Analysis>, Answers>>,
    approvals: Option<KeptApprovals>,
    images: Option<Kept<Vec<pulled::Wish>, Vec<pulled::Answer>>>,
    released: Option<Kept<Vec<released::Wish>, Vec<released::Answer>>>,
}

/// What is judged besides the plan.
#[derive(Clone, Copy)]
pub(in crate::promote) struct About<'a> {
    /// The applications that will be followed.
    pub(in crate::promote) followees: &'a [Followee],
    /// The analyses that are gates.
    pub(in crate::promote) analyses: &'a [Verification],
    /// Whether source commits are listed that no gate needs.
    pub(in crate::promote) lists: bool,
}

/// Judges every gate of the environments that are promoted to.
#[expect(clippy::too_many_lines, reason = "a line or two for the evidence of each gate")]
pub(in crate::promote) async fn judge(
    reading: Reading<'_>,
    request: &Request,
    planned: &Planned,
    about: About<'_>,
    asked: &mut Asked,
) -> Judged {
    let environments = environments(planned);
    let Asked {
        windows,
        live,
        analyses: kept,
        approvals: approved,
        images: kept_images,
        released: kept_released,
    } = asked;
    let About {
        followees,
        analyses,
        lists,
    } = about;
    let observe = reading.observe.map(|observe| -> &dyn Observe { observe });
    let (deployed, earlier, measured, approvals, pulled, released) = tokio::join!(
        deployed(observe, reading.ports.clock, &environments, followees, windows),
        passed(reading, &request.select, planned, &environments, live),
        measure(reading, analyses, kept),
        approvals(reading, planned, &environments, approved),
        pull(reading, &request.select, planned, &environments, kept_images),
        compare(reading, planned, &environments, lists, kept_released),
    );
    let now = reading.now();
    let mut judged = Judged {
        measurements: measured.rows.clone(),
        released: released.iter().filter_map(released::Answer::row).collect(),
        reviewed: (approvals.iter()).find_map(|(_, seen)| seen.as_ref()?.as_ref().ok()?.reviewed.clone()),
        ..Judged::default()
    };
    let mut seen = Vec::new();
    for (environment, settings) in &environments {
        let here = planned
            .snapshot
            .apps()
            .filter(|place| place.environment == *environment);
        let evidence = Evidence {
            environment: environment.clone(),
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
                    replaced: (released.iter())
                        .filter(|one| one.app == place.app && one.environment == *environment)
                        .filter_map(released::Answer::replaced)
                        .collect(),
                    deployed: deployed.as_ref().map(|all| {
                        let of_app = |(followee, _): &&(&Followee, gate::Deployed)| {
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
        if let Some(at) = gate::closes_at(&evidence, settings).filter(|_| !skips.has("windows")) {
            let pause = at.since(now);
            judged.closes_in = Some(judged.closes_in.map_or(pause, |known| known.min(pause)));
        }
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
        seen.push((evidence, settings));
    }
    let skips = request.allow.skip;
    let opens = gate::opens_at(&seen, &|name| skips.has(name)).or(Some(now).filter(|_| seen.is_empty()));
    let shut = judged.rows.iter().any(|row| !row.passes());
    judged.opens_at = opens.filter(|_| shut);
    judged
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
