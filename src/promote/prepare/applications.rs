//! Which applications a plan is about, and the look at them before anything is written; also at those of `from`.

use crate::assess::rollout::Origin;
use crate::delivery::{Observe, Refresh};
use crate::infrarepo::InfraRepo;
use crate::model::{AppName, ApplicationId, Clock, EnvironmentName, Fault, Outcome, Pin, PinChange, RepoIdentity};
use crate::plan::{self, Applications, Config, SyncMode};

use crate::promote::followee::{Candidate, Followee, Which};
use crate::promote::prepare::fresh::Kept;
use crate::promote::prepare::included::is_kustomize;
use crate::promote::prepare::live::is_live;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::precheck::precheck;
use crate::promote::prepare::shared::Tree;

/// What was asked of Argo CD before writing, and found right, with the question: on another tip the same question is not
/// asked again while the answer is fresh.
#[derive(Default)]
pub(in crate::promote) struct Evidence {
    followees: Option<Kept<Question, Vec<Followee>>>,
    sources: Option<Kept<Question, ()>>,
    /// What is not as it should be in the environment of `from`, and says nothing about what is promoted.
    pub(in crate::promote) besides: Vec<String>,
}

/// Which applications, of which repository and branch; with what they must run, where that is asked.
type Question = (Origin, Vec<Candidate>);

impl Evidence {
    /// Whether anything was asked yet.
    pub(in crate::promote) const fn is_there(&self) -> bool {
        self.followees.is_some()
    }
}

/// Returns which repository the infra-repo is, by every address that the inputs and promote.yaml name.
pub(in crate::promote) fn identity(repo: &dyn InfraRepo, config: Option<&Config>) -> RepoIdentity {
    let more = config.map(|config| config.aliases.as_slice()).unwrap_or_default();
    repo.identity().with_aliases(more.iter().map(String::as_str))
}

/// Where the commit of a plan goes to.
pub(in crate::promote) fn origin(repo: &dyn InfraRepo, planned: &Planned) -> Origin {
    Origin {
        repository: identity(repo, planned.snapshot.config.as_ref()),
        branch: planned.snapshot.tip.branch.clone(),
        default: planned.snapshot.tip.default.clone(),
    }
}

/// Looks at every application of the plan, and at those of `from`, which must be live and healthy.
///
/// # Errors
/// As [`precheck`]; `refused` when the environment of `from` does not run what it pins.
pub(in crate::promote) async fn look(
    observe: &dyn Observe,
    repo: &dyn InfraRepo,
    clock: &dyn Clock,
    planned: &Planned,
    evidence: &mut Evidence,
) -> Result<Vec<Followee>, Fault> {
    let origin = origin(repo, planned);
    let mut candidates = Vec::new();
    for (place, _) in &planned.snapshot.places {
        candidates.extend(candidates_of(place, &[])?);
    }
    let question = (origin.clone(), candidates);
    let tree = Tree::new(repo, &planned.snapshot.tip.commit);
    let followees = if let Some(followees) = Kept::fresh(evidence.followees.as_ref(), clock, &question) {
        followees
    } else {
        let followees = precheck(observe, clock, &origin, Some(&tree), question.1.clone()).await?;
        evidence.followees = Some(Kept::new(clock, question, followees.clone()));
        followees
    };
    let of_source = Origin {
        branch: planned.snapshot.source_tip.branch.clone(),
        ..origin.clone()
    };
    let question = (of_source, sources(planned)?);
    if !question.1.is_empty() && Kept::fresh(evidence.sources.as_ref(), clock, &question).is_none() {
        let tree = Tree::new(repo, &planned.snapshot.source_tip.commit);
        let sources = precheck(observe, clock, &question.0, Some(&tree), question.1.clone())
            .await
            .map_err(|fault| match fault.outcome {
                Outcome::Denied | Outcome::Refused => fault.hint(ELSEWHERE),
                _ => fault,
            })?;
        evidence.besides = must_be_live(observe, clock, &sources).await?;
        evidence.sources = Some(Kept::new(clock, question, ()));
    }
    let now = |followee: Followee| Followee {
        images: distinct((planned.plan.pins.iter()).filter(|pin| followee.carries(pin))),
        ..followee
    };
    Ok(followees.into_iter().map(now).collect())
}

/// Returns the applications of the environment of `from`, each with what is promoted from there: what its overlay pins at this tip.
fn sources(planned: &Planned) -> Result<Vec<Candidate>, Fault> {
    let mut sources = Vec::new();
    for (target, overlay) in &planned.snapshot.sources {
        let mut reading = target.clone();
        reading.policy.sync = SyncMode::Never;
        sources.extend(candidates_of(&reading, &promoted_of(target, overlay, planned))?);
    }
    Ok(sources)
}

/// Returns the references that an overlay of `from` pins and that the plan copies.
pub(in crate::promote) fn promoted_of(target: &plan::Place, overlay: &plan::Overlay, planned: &Planned) -> Vec<String> {
    let pins = overlay
        .files
        .iter()
        .flat_map(|file| target.syntax.pins(&file.text).unwrap_or_default());
    pins.filter(|pin| is_promoted(pin, target, planned))
        .map(|pin| pin.reference())
        .collect()
}

/// Returns the references that an app runs in an environment after the plan.
pub(in crate::promote) fn images(planned: &Planned, app: &AppName, environment: &EnvironmentName) -> Vec<String> {
    let pins = planned.plan.pins.iter();
    distinct(pins.filter(|pin| pin.app == *app && pin.environment == *environment))
}

/// Returns what pins become, each reference once.
fn distinct<'a>(pins: impl Iterator<Item = &'a PinChange>) -> Vec<String> {
    let mut images = Vec::new();
    for image in pins.map(|pin| pin.after.reference()) {
        if !images.contains(&image) {
            images.push(image);
        }
    }
    images
}

/// Whether an entry of the environment of `from` is one that the plan copies.
fn is_promoted(pin: &Pin, target: &plan::Place, planned: &Planned) -> bool {
    pin.is_pinned()
        && planned
            .plan
            .pins
            .iter()
            .any(|promoted| promoted.app == target.app && promoted.name() == pin.name)
}

/// Returns what has to become live for a target: the applications that its templates name.
pub(in crate::promote) fn candidates_of(target: &plan::Place, images: &[String]) -> Result<Vec<Candidate>, Fault> {
    let named = |one: &plan::Named| {
        let id = ApplicationId::parse(&one.name)?;
        Ok((Which::Named(id.within(target.environment.as_str())), one.wave))
    };
    let which = match &target.applications {
        Applications::BySource { wave } => vec![(Which::BySource, *wave)],
        Applications::Named(all) => (all.iter().map(named).collect::<Result<_, String>>())
            .map_err(|why| Fault::invalid(format!("`application` of {} {why}", target.app)))?,
    };
    Ok(which
        .into_iter()
        .map(|(which, wave)| Candidate {
            which,
            wave,
            app: target.app.clone(),
            environment: target.environment.clone(),
            cluster: target.cluster.clone(),
            folder: target.folder.clone(),
            is_file: !is_kustomize(target),
            reached: target.reached.clone(),
            policy: target.policy,
            images: images.to_vec(),
        })
        .collect())
}

/// What to do when the server does not have the applications of `from`, now or once a promotion from there is wanted.
pub(in crate::promote) const ELSEWHERE: &str = "if the environment is on another Argo CD server, add its line `ENVIRONMENT=URL` to `argocd-server`; or promote with `tag` and `digest` instead of `from`, without this check";

/// Asks Argo CD to look again, and holds what it sees against what is pinned. Returns what is not as it should be all the same.
async fn must_be_live(observe: &dyn Observe, clock: &dyn Clock, sources: &[Followee]) -> Result<Vec<String>, Fault> {
    let (mut why, mut said) = (Vec::new(), Vec::new());
    let missing: Vec<&Followee> = sources.iter().filter(|source| source.baseline.is_none()).collect();
    if let [first, ..] = missing.as_slice() {
        let names: Vec<String> = missing.iter().map(|source| source.id.to_string()).collect();
        return Err(Fault::refused(format!(
            "cannot promote from {}: {} has no application {}",
            first.environment,
            observe.server(),
            names.join(", ")
        ))
        .hint(ELSEWHERE));
    }
    for target in sources {
        let app = match observe.refresh(&target.id, Refresh::Normal).await {
            Ok(app) => app,
            Err(problem) => return Err(problem.fault(&format!("refresh application {}", target.id))),
        };
        match is_live(observe, clock, &target.id, &app, &target.images).await {
            Ok(besides) => said.extend(besides.into_iter().map(|beside| format!("{} {beside}", target.id))),
            Err(reason) => why.push(format!("{} {reason}", target.id)),
        }
    }
    let Some(first) = sources.first().filter(|_| !why.is_empty()) else {
        return Ok(said);
    };
    let from = &first.environment;
    Err(
        Fault::refused(format!("cannot promote from {from}: {}", why.join("; "))).hint(format!(
            "wait until {from} is live and healthy, or promote a version with `tag` and `digest`"
        )),
    )
}
