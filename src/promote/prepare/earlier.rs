//! Reads how an app is in the environments that a promotion must have passed: what they pin at this tip, what the record says, and what runs.

use crate::assess::gate::{Earlier, Seen, Standing, same};
use crate::delivery::{Observe, Reader, Refresh};
use crate::infrarepo::InfraRepo;
use crate::model::{AppName, ApplicationId, Clock, EnvironmentName, Fault, Pin};
use crate::plan::{self, Allow, Config, Layout, OverlayFile, Select, SyncMode};

use crate::promote::followee::Which;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::{candidates_of, origin};
use crate::promote::prepare::branches::tip_of;
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
    let mut found = Vec::new();
    for step in steps {
        let here = |pin: &&crate::model::PinChange| pin.app == step.app && pin.environment == step.to;
        let promoted: Vec<Pin> = (planned.plan.pins.iter().filter(here))
            .map(|pin| pin.after.clone())
            .collect();
        found.push(match overlays(repo, select, planned, step).await {
            Ok(overlays) => {
                let mut all = Vec::new();
                let differs = overlays
                    .iter()
                    .find_map(|overlay| match same(&promoted, &pins_of(overlay)) {
                        Ok(images) => {
                            all.extend(images);
                            None
                        }
                        Err(how) => Some(how),
                    });
                all.sort();
                all.dedup();
                let places = overlays.into_iter().map(|(place, _)| place).collect();
                (Ok(differs.map_or(Ok(all), Err)), places)
            }
            Err(why) => (Err(why), Vec::new()),
        });
    }
    found
}

fn pins_of((place, files): &(plan::Place, Vec<OverlayFile>)) -> Vec<Pin> {
    let pins = |file: &OverlayFile| place.syntax.pins(&file.text).unwrap_or_default();
    files.iter().flat_map(pins).collect()
}

/// Reads the pins of an app in another environment.
///
/// # Errors
/// They cannot be read, with the reason.
pub(in crate::promote) async fn pins(
    repo: &dyn InfraRepo,
    select: &Select,
    planned: &Planned,
    step: &Step,
) -> Result<Vec<Pin>, String> {
    let overlays = overlays(repo, select, planned, step).await?;
    Ok(overlays.iter().flat_map(pins_of).collect())
}

/// Reads the files of an app in another environment.
async fn overlays(
    repo: &dyn InfraRepo,
    select: &Select,
    planned: &Planned,
    step: &Step,
) -> Result<Vec<(plan::Place, Vec<OverlayFile>)>, String> {
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
    let words = |fault: Fault| fault.to_string();
    let snapshot = &planned.snapshot;
    let tip = tip_of(repo, &snapshot.base, &layout, &step.from).await.map_err(words)?;
    let tip = &tip;
    let mut files = Vec::new();
    for place in &places {
        files.push(find(repo, tip, &layout, place).await.map_err(words)??);
    }
    let overlays = read(repo, &tip.commit, files).await.map_err(words)?;
    Ok((places.into_iter())
        .zip(overlays.into_iter().map(|overlay| overlay.files))
        .collect())
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
        Ok(records
            .of(&step.app, &step.from)
            .map_or_else(Standing::default, |record| Standing {
                known_good: record.known_good(images).is_some(),
                live_since: record.live_since(images),
                verified: record.is_verified(images),
            }))
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
