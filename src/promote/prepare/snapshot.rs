//! Reads what a plan needs at one commit: promote.yaml, and each target's files.

use crate::infrarepo::{InfraRepo, Tip};
use crate::model::{EnvironmentName, Fault, PinChange};
use crate::plan::holds::Holds;
use crate::plan::{Allow, Config, Layout, Overlay, Place, Plan, Select, overlaps};

use crate::promote::prepare::branches::{Start, start, tip_of};
use crate::promote::prepare::holds::holds;
use crate::promote::prepare::overlays::{find, read};
use crate::promote::prepare::reached::{self, Reached};

/// What was read, all of it at `tip`.
pub(in crate::promote) struct Snapshot {
    /// Where the branch was.
    pub(in crate::promote) tip: Tip,
    /// promote.yaml, if there is one.
    pub(in crate::promote) config: Option<Config>,
    /// The apps in the environments that were asked for, with their files.
    pub(in crate::promote) places: Vec<(Place, Overlay)>,
    /// The other environments that a change of these reaches, until [`Snapshot::join`] puts them among the places.
    pub(in crate::promote) reached: Vec<Reached>,
    /// What `from` names, with its files.
    pub(in crate::promote) sources: Vec<(Place, Overlay)>,
    /// Where the branch of `from` was: the same, or another one.
    pub(in crate::promote) source_tip: Tip,
    /// Where the branch was that the run began with, which has the environments that name none.
    pub(in crate::promote) base: Tip,
    /// What is held.
    pub(in crate::promote) holds: Holds,
    /// What is worth a warning before anything is written.
    pub(in crate::promote) warnings: Vec<String>,
}

impl Snapshot {
    /// Returns each app in each environment once, by its first place: it can have one for each cluster.
    pub(in crate::promote) fn apps(&self) -> impl Iterator<Item = &Place> {
        let places = self.places.iter().enumerate();
        places.filter_map(|(at, (place, _))| {
            let mut before = self.places.iter().take(at);
            let is_first = !before.any(|(other, _)| other.app == place.app && other.environment == place.environment);
            is_first.then_some(place)
        })
    }
}

impl Snapshot {
    /// Returns an environment with those that its changes reach.
    pub(in crate::promote) fn reach<'a>(
        &'a self,
        environment: &'a EnvironmentName,
    ) -> impl Iterator<Item = &'a EnvironmentName> {
        let of = |one: &&Reached| {
            let place = self.places.get(one.of).map(|(place, _)| place);
            place.is_some_and(|place| place.environment == *environment)
        };
        let there = self.reached.iter().filter(of).map(|one| &one.place.environment);
        std::iter::once(environment).chain(there)
    }

    /// Puts what is reached among the places and pins of a plan. The files and the message are those of the environments that were asked for.
    pub(in crate::promote) fn join(&mut self, plan: &mut Plan) {
        let reached = std::mem::take(&mut self.reached);
        for Reached { place, of } in reached {
            let Some((origin, overlay)) = self.places.get(of) else {
                continue;
            };
            let overlay = overlay.clone();
            for pins in [&mut plan.pins, &mut plan.changes] {
                let here = pins.iter().filter(|pin| origin.has(pin)).cloned();
                let there: Vec<PinChange> = here
                    .map(|pin| PinChange {
                        environment: place.environment.clone(),
                        cluster: place.cluster.clone(),
                        ..pin
                    })
                    .collect();
                pins.extend(there);
            }
            self.places.push((place, overlay));
        }
    }
}

/// What a snapshot is about.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Asked<'a> {
    /// Which apps in which environments.
    pub(in crate::promote) select: &'a Select,
    /// The environment whose pins are copied.
    pub(in crate::promote) from: Option<&'a EnvironmentName>,
    /// The exceptions that are asked for.
    pub(in crate::promote) allow: Allow,
}

impl<'a> Asked<'a> {
    /// Asks for what was selected, without exceptions and without another environment's pins.
    pub(in crate::promote) fn all_of(select: &'a Select) -> Self {
        Self {
            select,
            from: None,
            allow: Allow::default(),
        }
    }
}

/// Returns the places that are promoted to and from, or the mistakes of both.
fn both<T>(targets: Result<T, Vec<String>>, sources: Result<T, Vec<String>>) -> Result<(T, T), Fault> {
    match (targets, sources) {
        (Ok(targets), Ok(sources)) => Ok((targets, sources)),
        (targets, sources) => {
            let mut mistakes = targets.err().unwrap_or_default();
            mistakes.extend(sources.err().unwrap_or_default());
            Err(Fault::mistakes(&mistakes))
        }
    }
}

/// Reads what is held on a branch: there, and on the branch that the run began with and the default branch.
async fn held(repo: &dyn InfraRepo, tip: &Tip, others: impl Iterator<Item = &Tip>) -> Result<Holds, Fault> {
    let mut held = holds(repo, &tip.commit).await?;
    for other in others.filter(|other| other.branch != tip.branch) {
        held = held.and(holds(repo, &other.commit).await?);
    }
    Ok(held)
}

/// Reads the snapshot at the branch's tip.
///
/// # Errors
/// The repository cannot be read, or every mistake in what was found.
#[expect(
    clippy::too_many_lines,
    reason = "one row for each thing that is read, in the order of reading"
)]
pub(in crate::promote) async fn snapshot(repo: &dyn InfraRepo, asked: Asked<'_>) -> Result<Snapshot, Fault> {
    let Start {
        tip,
        base,
        default,
        config,
    } = start(repo, asked.select, &asked.select.environments).await?;
    let layout = Layout {
        select: asked.select,
        allow: asked.allow,
        config: config.as_ref(),
    };
    // Exceptions are about what is promoted to.
    let of_source = Layout {
        allow: Allow::default(),
        ..layout
    };
    let from: Vec<EnvironmentName> = asked.from.into_iter().cloned().collect();
    let targets = layout.targets(&asked.select.environments);
    let (targets, sources) = both(targets, of_source.targets(&from))?;
    let mut files = Vec::new();
    let mut mistakes = overlaps(&targets, &sources, asked.select.own_branch);
    let mut real = Vec::new();
    for target in &targets {
        real.push(reached::without_links(repo, &tip.commit, &target.folder).await?);
    }
    let reached = reached::find(repo, &tip.commit, &layout, &targets, &real).await?;
    let warnings = reached::warnings(&layout, &targets, &reached);
    let source_tip = match asked.from {
        Some(from) => tip_of(repo, &base, &layout, from).await?,
        None => tip.clone(),
    };
    let mut files_from = Vec::new();
    for (places, at, files) in [(&targets, &tip, &mut files), (&sources, &source_tip, &mut files_from)] {
        for place in places {
            match find(repo, at, &layout, place).await? {
                Ok(found) => files.push(found),
                Err(why) => mistakes.push(why),
            }
        }
    }
    if !mistakes.is_empty() {
        return Err(Fault::mistakes(&mistakes));
    }
    let there = targets.iter().zip(real).map(|(target, folder)| Place {
        folder,
        ..target.clone()
    });
    let holds = held(repo, &tip, std::iter::once(&base).chain(&default)).await?;
    let holds = holds.reaching(&layout, &there.collect::<Vec<_>>());
    let one_branch = source_tip.commit == tip.commit;
    if one_branch {
        files.append(&mut files_from);
    }
    let mut overlays = read(repo, &tip.commit, files).await?;
    let sources_from = if one_branch {
        overlays.split_off(targets.len().min(overlays.len()))
    } else {
        read(repo, &source_tip.commit, files_from).await?
    };
    Ok(Snapshot {
        tip,
        places: targets.into_iter().zip(overlays).collect(),
        reached,
        sources: sources.into_iter().zip(sources_from).collect(),
        source_tip,
        base,
        config,
        holds,
        warnings,
    })
}
