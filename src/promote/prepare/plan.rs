//! Snapshot and plan together: what is done at the start, and again on every new tip.

use crate::infrarepo::InfraRepo;
use crate::model::Fault;
use crate::plan::{self, DEFAULT_MESSAGE, Identity, NoPlan, OnSuperseded, Plan, Request};

use crate::promote::prepare::snapshot::{Asked, Snapshot, included, is_kustomize, snapshot};

/// A plan with the snapshot it was made from.
pub(in crate::promote) struct Planned {
    /// What was read.
    pub(in crate::promote) snapshot: Snapshot,
    /// What follows from it.
    pub(in crate::promote) plan: Plan,
}

impl Planned {
    /// Tells whether `on-superseded` is `succeed` wherever this is promoted to.
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
    let plan = plan.map_err(|no| match no {
        NoPlan::Mistakes(mistakes) => Fault::mistakes(&mistakes),
        NoPlan::Contradicted(why) => {
            Fault::refused(why).hint("run the pipeline of the newer build, or drop what was asserted")
        }
    })?;
    Ok(Planned { snapshot, plan })
}
