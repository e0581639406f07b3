//! Snapshot and plan together: what is done at the start, and again on every new tip.

use crate::infrarepo::{InfraRepo, MOST_COMMITS};
use crate::model::{EnvironmentName, Fault, Pin, Reference};
use crate::plan::{self, DEFAULT_MESSAGE, Identity, NoPlan, OnSuperseded, Plan, Request, Trailers};
use crate::registry::Images;

use crate::promote::cancel::heard;
use crate::promote::prepare::included::{included, is_kustomize};
use crate::promote::prepare::snapshot::{Asked, Snapshot, snapshot};
use crate::promote::underway::all;

/// A plan with the snapshot it was made from.
pub(in crate::promote) struct Planned {
    /// What was read.
    pub(in crate::promote) snapshot: Snapshot,
    /// What follows from it.
    pub(in crate::promote) plan: Plan,
}

impl Planned {
    /// Whether `on-superseded` is `succeed` wherever this is promoted to.
    pub(in crate::promote) fn accepts_superseded(&self) -> bool {
        let mut policies = self.snapshot.places.iter().map(|(place, _)| place.policy.on_superseded);
        policies.all(|policy| policy == OnSuperseded::Succeed)
    }
}

/// Reads the tip and plans against it.
///
/// # Errors
/// As [`snapshot`]; or the request and the files do not fit (`invalid`), or what the run asserts is not so (`refused`).
pub(in crate::promote) async fn planned(
    repo: &dyn InfraRepo,
    images: &dyn Images,
    request: &Request,
    identity: &Identity,
) -> Result<Planned, Fault> {
    let asked = Asked {
        from: request.from.as_ref(),
        allow: request.allow,
        ..Asked::all_of(&request.select)
    };
    let mut snapshot = snapshot(repo, asked).await?;
    let configured = snapshot.config.as_ref().and_then(|config| config.message.as_deref());
    let template = request.message.as_deref().or(configured).unwrap_or(DEFAULT_MESSAGE);
    let copied = with_what_is_known_there(repo, request, &snapshot).await?;
    let request = copied.as_ref().unwrap_or(request);
    let resolved = with_digests(images, request, &snapshot).await?;
    let request = resolved.as_ref().unwrap_or(request);
    let mut plan = plan::plan(request, template, &snapshot.places, &snapshot.sources, identity);
    if matches!(plan, Err(NoPlan::Mistakes(_))) {
        // An image that is missing may be pinned in what the overlays include.
        for (place, overlay) in snapshot.places.iter_mut().chain(&mut snapshot.sources) {
            if is_kustomize(place) {
                overlay.included = included(repo, &snapshot.tip.commit, place, overlay).await;
            }
        }
        plan = plan::plan(request, template, &snapshot.places, &snapshot.sources, identity);
    }
    // Large files take their time.
    heard().await;
    let mut plan = plan.map_err(|no| match no {
        NoPlan::Mistakes(mistakes) => Fault::mistakes(&mistakes),
        NoPlan::Contradicted(why) => {
            Fault::refused(why).hint("run the pipeline of the newer build, or drop what was asserted")
        }
    })?;
    snapshot.join(&mut plan);
    Ok(Planned { snapshot, plan })
}

/// Returns the request with the digest of each tag that comes without one, where an environment requires digests; `None` if none does.
///
/// A registry that does not answer is the concern of the gate `image`, which asks it again and is not open then. Only a run that skips
/// that gate stops here: nothing else would keep it from writing a tag without its digest.
async fn with_digests(images: &dyn Images, request: &Request, snapshot: &Snapshot) -> Result<Option<Request>, Fault> {
    let config = snapshot.config.as_ref();
    let says = |environment: &EnvironmentName| {
        let said = config.and_then(|config| config.environment(environment));
        said.and_then(|said| said.gates.image.as_ref())
            .is_some_and(|image| image.digest)
    };
    let required = |environment: &EnvironmentName| snapshot.reach(environment).any(says);
    if !snapshot.places.iter().any(|(place, _)| required(&place.environment)) {
        return Ok(None);
    }
    let mut asked: Vec<Reference> = Vec::new();
    for (environment, image) in plan::without_digest(request, &snapshot.places, &snapshot.sources) {
        if required(&environment) && !asked.contains(&image) {
            asked.push(image);
        }
    }
    let found = all(asked.iter().map(|image| images.digest(image))).await;
    let mut resolved = request.clone();
    for (image, found) in asked.into_iter().zip(found) {
        let digest = match found {
            Ok(digest) => Some(digest),
            Err(problem) if request.allow.skip.has("image") => return Err(problem.fault()),
            Err(_) => None,
        };
        resolved.resolved.push((image, digest));
    }
    Ok(Some(resolved))
}

/// Returns the request with what is known of what `from` copies: the schema, unless the request has one, and the source commit, by the newest
/// commit that pinned it there. `None` where the request copies nothing, or no such commit says anything.
async fn with_what_is_known_there(
    repo: &dyn InfraRepo,
    request: &Request,
    snapshot: &Snapshot,
) -> Result<Option<Request>, Fault> {
    if request.from.is_none() {
        return Ok(None);
    }
    let mut pins: Vec<(&str, Pin)> = Vec::new();
    for (place, overlay) in &snapshot.sources {
        for file in &overlay.files {
            let found = place.syntax.pins(&file.text).unwrap_or_default();
            pins.extend(found.into_iter().map(|pin| (file.path.as_str(), pin)));
        }
    }
    let commits = repo.history(&snapshot.source_tip.commit, MOST_COMMITS).await?;
    let known = commits.iter().find_map(|commit| {
        let trailers = Trailers::read(&commit.message)?;
        let set = |(file, pin): &(&str, Pin)| trailers.pins.iter().any(|one| one.made(file, pin));
        pins.iter().any(set).then_some(trailers)
    });
    Ok(known.map(|known| Request {
        schema: request.schema.clone().or(known.schema),
        source: known.source.map(Box::new),
        ..request.clone()
    }))
}
