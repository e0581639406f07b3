//! The environments that a change reaches without being asked for: their folder is the same, or includes it. Their gates, holds and
//! policies hold as those of the environments that were asked for.

use crate::infrarepo::InfraRepo;
use crate::model::CommitSha;
use crate::plan::{self, Layout, Place};

use crate::promote::prepare::included::is_kustomize;
use crate::promote::prepare::shared::Tree;

/// A place that a change reaches.
pub(in crate::promote) struct Reached {
    /// The place, with the folder of the change and all else its own.
    pub(in crate::promote) place: Place,
    /// Which of the places that were asked for has the change.
    pub(in crate::promote) of: usize,
}

/// Finds the environments of promote.yaml that a change of each target reaches.
///
/// # Errors
/// Every exception of `allow` that such an environment does not list.
pub(in crate::promote) async fn find(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    layout: &Layout<'_>,
    targets: &[Place],
) -> Result<Vec<Reached>, Vec<String>> {
    let tree = Tree::new(repo, at);
    let (mut found, mut mistakes) = (Vec::new(), Vec::new());
    for (of, target) in targets.iter().enumerate() {
        // An overlay of one environment is not a part of another one's.
        let common = !layout.path(&target.app, &target.environment).contains("{environment}");
        for other in plan::others(layout, target) {
            let included = common
                && is_kustomize(target)
                && is_kustomize(&other)
                && tree.includes(&other.folder, &target.folder).await;
            if other.folder != target.folder && !included {
                continue;
            }
            match plan::reached(layout, target, &other) {
                Ok(place) => found.push(Reached { place, of }),
                Err(why) => mistakes.extend(why),
            }
        }
    }
    if mistakes.is_empty() { Ok(found) } else { Err(mistakes) }
}

/// Returns a warning for each target whose change reaches other environments.
pub(in crate::promote) fn warnings(layout: &Layout<'_>, targets: &[Place], reached: &[Reached]) -> Vec<String> {
    let said = targets.iter().enumerate().filter_map(|(at, target)| {
        let there = reached.iter().filter(|one| one.of == at);
        let there: Vec<&Place> = there.map(|one| &one.place).collect();
        plan::shared(layout, target, &there)
    });
    said.collect()
}
