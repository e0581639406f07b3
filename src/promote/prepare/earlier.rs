//! Reads how an app is in the environments that a promotion must have passed: what they pin at this tip, what the record says, and what runs.

use crate::assess::gate::{Earlier, Seen, Standing, same};
use crate::delivery::{Observe, Reader, Refresh};
use crate::infrarepo::{InfraRepo, Tip};
use crate::model::{AppName, ApplicationId, Clock, CommitSha, EnvironmentName, Pin, RepoPath};
use crate::plan::{self, Allow, Config, Layout, OverlayFile, Select, SyncMode};

use crate::promote::followee::Which;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::{candidates_of, origin};
use crate::promote::prepare::branches::Tips;
use crate::promote::prepare::live::is_live;
use crate::promote::prepare::overlays::{find, read};
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::precheck::look_at;
use crate::promote::prepare::record::{self, Records};
use crate::promote::prepare::shared::Tree;
use crate::promote::underway::all;

/// An app that goes to an environment, and another environment that it must have passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::promote) struct Step {
    pub(in crate::promote) app: AppName,
    pub(in crate::promote) to: EnvironmentName,
    pub(in crate::promote) from: EnvironmentName,
}

/// What an environment pins of what is promoted: the references there, how they differ, or why that could not be read.
pub(in crate::promote) type Pinned = Seen<Result<Vec<String>, String>>;

/// Reads what each step's environment pins at the tip of the plan, with its places there: one, or one for each cluster.
pub(in crate::promote) async fn pinned(
    repo: &dyn InfraRepo,
    select: &Select,
    planned: &Planned,
    steps: &[Step],
) -> Vec<(Pinned, Vec<plan::Place>)> {
    let pinned = |(step, overlays): (&Step, Overlays)| {
        let overlays = match overlays {
            Ok(overlays) => overlays,
            Err(why) => return (Err(why), Vec::new()),
        };
        let here = |pin: &&crate::model::PinChange| pin.app == step.app && pin.environment == step.to;
        let promoted: Vec<Pin> = (planned.plan.pins.iter().filter(here))
            .map(|pin| pin.after.clone())
            .collect();
        let each = overlays.iter().map(|overlay| same(&promoted, &pins_of(overlay)));
        let images = each.collect::<Result<Vec<_>, String>>().map(|images| {
            let mut all = images.concat();
            all.sort();
            all.dedup();
            all
        });
        (Ok(images), overlays.into_iter().map(|(place, _)| place).collect())
    };
    let found = overlays(repo, select, planned, steps).await;
    steps.iter().zip(found).map(pinned).collect()
}

fn pins_of((place, files): &(plan::Place, Vec<OverlayFile>)) -> Vec<Pin> {
    let pins = |file: &OverlayFile| place.syntax.pins(&file.text).unwrap_or_default();
    files.iter().flat_map(pins).collect()
}

/// Reads the pins of each step's app in its other environment, or why they cannot be read.
pub(in crate::promote) async fn pins(
    repo: &dyn InfraRepo,
    select: &Select,
    planned: &Planned,
    steps: &[Step],
) -> Vec<Seen<Vec<Pin>>> {
    let all = overlays(repo, select, planned, steps).await.into_iter();
    all.map(|found| found.map(|overlays| overlays.iter().flat_map(pins_of).collect()))
        .collect()
}

/// The places of an app in another environment with their files, or why these cannot be read.
type Overlays = Seen<Vec<(plan::Place, Vec<OverlayFile>)>>;

/// Where the files of a step's other environment are.
struct Found {
    tip: Tip,
    places: Vec<plan::Place>,
    files: Vec<Vec<RepoPath>>,
}

/// Reads the files of each step's app in its other environment: those at one commit together.
async fn overlays(repo: &dyn InfraRepo, select: &Select, planned: &Planned, steps: &[Step]) -> Vec<Overlays> {
    let tips = Tips::new(repo, &planned.snapshot.base);
    let mut found = Vec::new();
    for step in steps {
        found.push(locate(&tips, select, planned, step).await);
    }
    let mut commits: Vec<CommitSha> = found.iter().flatten().map(|found| found.tip.commit.clone()).collect();
    commits.sort();
    commits.dedup();
    let mut texts = Vec::new();
    for commit in commits {
        let there = found.iter().flatten().filter(|found| found.tip.commit == commit);
        let files = there.flat_map(|found| found.files.clone()).collect();
        let overlays = read(repo, &commit, files).await.map(Vec::into_iter);
        texts.push((commit, overlays.map_err(|fault| fault.to_string())));
    }
    let mut overlays = |found: Found| {
        let here = texts.iter_mut().find(|(commit, _)| *commit == found.tip.commit);
        let texts = match here {
            Some((_, Ok(texts))) => texts,
            Some((_, Err(why))) => return Err(why.clone()),
            None => return Ok(Vec::new()),
        };
        let overlays = texts.by_ref().map(|overlay| overlay.files);
        Ok(found.places.into_iter().zip(overlays).collect())
    };
    found.into_iter().map(|found| found.and_then(&mut overlays)).collect()
}

async fn locate(tips: &Tips<'_>, select: &Select, planned: &Planned, step: &Step) -> Seen<Found> {
    let layout = Layout {
        select,
        allow: Allow::default(),
        config: planned.snapshot.config.as_ref(),
    };
    let places = layout.targets(std::slice::from_ref(&step.from));
    let mut places = places.map_err(|mistakes| mistakes.join("; "))?;
    places.retain(|place| place.app == step.app);
    if places.is_empty() {
        return Err(format!("{} has no place there", step.app));
    }
    let tip = tips.of(&layout, &step.from).await.map_err(|fault| fault.to_string())?;
    let mut files = Vec::new();
    for place in &places {
        let there = find(tips.repo(), &tip, &layout, place).await;
        files.push(there.map_err(|fault| fault.to_string())??);
    }
    Ok(Found { tip, places, files })
}

/// Reads the record of each step's environment.
pub(in crate::promote) async fn recorded(
    repo: &dyn InfraRepo,
    planned: &Planned,
    steps: &[Step],
    pinned: &[(Pinned, Vec<plan::Place>)],
) -> Vec<Seen<Standing>> {
    if steps.is_empty() {
        return Vec::new();
    }
    let records: Result<Records, String> = match Config::record(planned.snapshot.config.as_ref()) {
        None => Err("promote.yaml has `record: none`".to_owned()),
        Some(name) => {
            let mut pairs = Vec::new();
            for step in steps {
                let pair = (step.app.clone(), step.from.clone());
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
            let records = record::read(repo, &name, &pairs).await;
            records.map_err(|fault| fault.to_string())
        }
    };
    let standing = |(step, (pinned, _)): (&Step, &(Pinned, Vec<plan::Place>))| {
        let records = records.as_ref().map_err(Clone::clone)?;
        let Ok(Ok(images)) = pinned else {
            return Ok(Standing::default());
        };
        let Some(record) = records.of(&step.app, &step.from) else {
            return Ok(Standing::default());
        };
        if record.is_in_doubt(images) {
            return Err(format!(
                "a line of the record of {} in {} cannot be read, and it is newer than what the record says of this version",
                step.app, step.from
            ));
        }
        Ok(Standing {
            known_good: record.known_good(images).is_some(),
            live_since: record.live_since(images),
            verified: record.is_verified(images),
        })
    };
    steps.iter().zip(pinned).map(standing).collect()
}

/// Which applications of one place are asked about, and for which images.
pub(in crate::promote) type Question = Vec<(plan::Place, Vec<String>)>;

/// Asks Argo CD to look again at the applications of each place, and returns whether each runs the images of its place, synced and healthy.
pub(in crate::promote) async fn live(
    reading: Reading<'_>,
    planned: &Planned,
    question: &Question,
) -> Vec<Seen<Result<(), String>>> {
    let Some(observe) = reading.observe else {
        let none = || Err("no `argocd-server` is set".to_owned());
        return question.iter().map(|_| none()).collect();
    };
    let asked = question.iter().map(|(place, images)| async move {
        let ids = match applications(reading, observe, planned, place).await {
            Ok(ids) => ids,
            Err(why) => return Err(why),
        };
        let looked = ids.iter().map(|id| one(observe, reading.ports.clock, id, images));
        let answers: Vec<Result<(), String>> = all(looked).await.into_iter().collect::<Result<_, _>>()?;
        let missing: Vec<String> = answers.into_iter().filter_map(Result::err).collect();
        Ok(if missing.is_empty() {
            Ok(())
        } else {
            Err(missing.join("; "))
        })
    });
    all(asked).await
}

async fn one(
    observe: &dyn Reader,
    clock: &dyn Clock,
    id: &ApplicationId,
    images: &[String],
) -> Seen<Result<(), String>> {
    let app = observe.refresh(id, Refresh::Normal).await;
    let app = app.map_err(|problem| problem.fault(&format!("read application {id}")).to_string())?;
    let live = is_live(observe, clock, id, &app, images).await;
    Ok(live.map(|_| ()).map_err(|why| format!("{id} {why}")))
}

/// Returns the applications that deploy a place.
async fn applications(
    reading: Reading<'_>,
    observe: &dyn Observe,
    planned: &Planned,
    place: &plan::Place,
) -> Seen<Vec<ApplicationId>> {
    let mut place = place.clone();
    place.policy.sync = SyncMode::Never;
    let candidates = candidates_of(&place, &[]).map_err(|fault| fault.to_string())?;
    let mut ids = Vec::new();
    for candidate in candidates {
        if let Which::Named(id) = candidate.which {
            ids.push(id);
            continue;
        }
        let origin = origin(reading.repo, planned);
        let tree = Tree::new(reading.repo, &planned.snapshot.tip.commit);
        for looked in look_at(observe, reading.ports.clock, &origin, Some(&tree), vec![candidate]).await {
            match (looked.id, looked.against.first()) {
                (Some(id), _) => ids.push(id),
                (None, Some(fault)) => return Err(fault.to_string()),
                (None, None) => {}
            }
        }
    }
    Ok(ids)
}

/// Joins what was read of one step.
pub(in crate::promote) fn joined(
    step: &Step,
    pinned: &Pinned,
    record: Seen<Standing>,
    live: Option<Seen<Result<(), String>>>,
) -> Earlier {
    Earlier {
        environment: step.from.clone(),
        pinned: pinned.clone().map(|same| same.map(|_| ())),
        record,
        live: live.unwrap_or_else(|| Err("it was not asked about".to_owned())),
    }
}
