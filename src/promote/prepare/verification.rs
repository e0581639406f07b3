//! What is verified after a promotion: read with the plan, so that a mistake in an analysis ends the run before anything is written.

use std::time::Duration;

use crate::model::Fault;
use crate::plan::{Config, OnPause, Place as Target};

use crate::promote::analyses::{Place, Sources, Verification, load};
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::images;
use crate::promote::prepare::plan::Planned;

/// What a run asks to verify, besides what the environments say.
#[derive(Clone, Copy, Default)]
pub(in crate::promote) struct Wish<'a> {
    /// The analyses; empty = those of each environment.
    pub(in crate::promote) analyses: &'a [String],
    /// How long; `None` = what the environment says.
    pub(in crate::promote) lasts: Option<Duration>,
}

/// Reads what is verified in every environment of a plan: nothing where the environment has no `verify`. Warns of what the templates let pass.
///
/// # Errors
/// As [`load`]; and `on-pause: verify` without analyses.
pub(in crate::promote) async fn verifications(
    reading: Reading<'_>,
    planned: &Planned,
    wish: Wish<'_>,
) -> Result<Vec<Verification>, Fault> {
    let none = Config::default();
    let config = planned.snapshot.config.as_ref().unwrap_or(&none);
    let targets: Vec<&Target> = planned.snapshot.apps().collect();
    let mut mistakes: Vec<String> = Vec::new();
    for target in &targets {
        let verify = config
            .environment(&target.environment)
            .and_then(|said| said.verify.as_ref());
        if target.policy.on_pause == OnPause::Verify && verify.is_none_or(|verify| verify.analyses.is_empty()) {
            let name = &target.environment;
            let why = format!(
                "`on-pause` is `verify`, but {name} has no analyses that could judge a pause: add `verify: {{analysis: […]}}` to {name} in promote.yaml"
            );
            if !mistakes.contains(&why) {
                mistakes.push(why);
            }
        }
    }
    if !mistakes.is_empty() {
        return Err(Fault::mistakes(&mistakes));
    }
    let places = targets.iter().filter_map(|target| place(config, planned, target, wish));
    read(reading, planned, places.collect()).await
}

/// Reads what judges the pauses of canaries: nothing, unless `on-pause` is `verify` somewhere in the plan.
///
/// # Errors
/// As [`verifications`].
pub(in crate::promote) async fn of_pauses(reading: Reading<'_>, planned: &Planned) -> Result<Vec<Verification>, Fault> {
    let mut places = planned.snapshot.places.iter();
    if places.any(|(place, _)| place.policy.on_pause == OnPause::Verify) {
        verifications(reading, planned, Wish::default()).await
    } else {
        Ok(Vec::new())
    }
}

/// Reads the analyses that are gates of the environments of a plan.
///
/// # Errors
/// As [`load`].
pub(in crate::promote) async fn gates(reading: Reading<'_>, planned: &Planned) -> Result<Vec<Verification>, Fault> {
    let config = planned.snapshot.config.as_ref();
    let places = planned.snapshot.apps().filter_map(|target| {
        let gates = &config?.environment(&target.environment)?.gates;
        (!gates.analysis.is_empty()).then(|| Place {
            app: &target.app,
            environment: &target.environment,
            image: images(planned, &target.app, &target.environment).into_iter().next(),
            analyses: gates.analysis.iter().map(|(name, _)| name.clone()).collect(),
            lasts: None,
            once: true,
        })
    });
    read(reading, planned, places.collect()).await
}

async fn read(reading: Reading<'_>, planned: &Planned, places: Vec<Place<'_>>) -> Result<Vec<Verification>, Fault> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let none = Config::default();
    let config = planned.snapshot.config.as_ref().unwrap_or(&none);
    let sources = Sources {
        repo: reading.repo,
        at: &planned.snapshot.tip.commit,
        config,
        settings: &reading.common.metrics,
    };
    let read = load(sources, &places).await?;
    for warning in read.warnings {
        reading.ports.journal.warn(warning);
    }
    Ok(read.verifications)
}

fn place<'a>(config: &Config, planned: &Planned, target: &'a Target, wish: Wish<'_>) -> Option<Place<'a>> {
    let said = config
        .environment(&target.environment)
        .and_then(|said| said.verify.as_ref());
    if said.is_none() && wish.analyses.is_empty() && wish.lasts.is_none() {
        return None;
    }
    let own = || said.map(|verify| verify.analyses.iter().map(|(name, _)| name.clone()).collect());
    let analyses = if wish.analyses.is_empty() {
        own().unwrap_or_default()
    } else {
        wish.analyses.to_vec()
    };
    // An input that names other analyses is about other times, too.
    let lasts = wish.lasts.or_else(|| said.and_then(|verify| verify.lasts));
    Some(Place {
        app: &target.app,
        environment: &target.environment,
        image: images(planned, &target.app, &target.environment).into_iter().next(),
        analyses,
        lasts,
        once: false,
    })
}

/// Says what is verified, for the log.
pub(in crate::promote) fn announced(verification: &Verification) -> String {
    let mut names: Vec<&str> = verification
        .analyses
        .iter()
        .map(|analysis| analysis.name.as_str())
        .collect();
    names.dedup();
    let what = if names.is_empty() {
        "that every application stays live and healthy".to_owned()
    } else {
        names.join(", ")
    };
    let time = crate::promote::analyses::forecast(&verification.analyses, verification.lasts);
    format!("{}: verifying {what} {time}", verification.environment)
}
