//! The environments that a change reaches without being asked for: their folder is the same, or includes it. Their gates, holds and
//! policies hold as those of the environments that were asked for.

use crate::infrarepo::{self, InfraRepo};
use crate::model::{CommitSha, Fault, RepoPath};
use crate::plan::{self, Layout, Place};

use crate::promote::prepare::included::is_kustomize;
use crate::promote::prepare::shared::{Included, Tree};

/// A place that a change reaches.
pub(in crate::promote) struct Reached {
    /// The place, with the folder of the change and all else its own.
    pub(in crate::promote) place: Place,
    /// Which of the places that were asked for has the change.
    pub(in crate::promote) of: usize,
}

/// Finds the environments of promote.yaml that a change of each target reaches. `real` are the folders of the targets without links.
///
/// # Errors
/// The infra-repo cannot be read; every exception of `allow` that such an environment does not list, or folder that is another app's; or,
/// `refused`, an environment whose overlay cannot be followed: its gates would not be asked.
pub(in crate::promote) async fn find(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    layout: &Layout<'_>,
    targets: &[Place],
    real: &[RepoPath],
) -> Result<Vec<Reached>, Fault> {
    let tree = Tree::new(repo, at);
    let (mut found, mut mistakes) = (Vec::new(), Vec::new());
    for (of, (target, real)) in targets.iter().zip(real).enumerate() {
        mistakes.extend(plan::foreign(layout, target, real));
        // An overlay of one environment is not a part of another one's.
        let common = !layout.path(&target.app, &target.environment).contains("{environment}") && is_kustomize(target);
        for other in plan::others(layout, target) {
            let is_same = other.folder == target.folder || without_links(repo, at, &other.folder).await? == *real;
            if is_same || (common && is_kustomize(&other) && is_part(&tree, target, &other).await?) {
                match plan::reached(layout, target, &other) {
                    Ok(place) => found.push(Reached { place, of }),
                    Err(why) => mistakes.extend(why),
                }
            }
        }
    }
    if mistakes.is_empty() {
        Ok(found)
    } else {
        Err(Fault::mistakes(&mistakes))
    }
}

/// Whether the folder of a target is a part of another environment's overlay. What is not known closes.
async fn is_part(tree: &Tree<'_>, target: &Place, other: &Place) -> Result<bool, Fault> {
    match tree.includes(&other.folder, &target.folder).await? {
        Included::Yes => Ok(true),
        Included::No => Ok(false),
        Included::Unknown(why) => Err(Fault::refused(format!(
            "it is not known whether {} of {} includes {}: {why}. If it does, the gates of {} apply",
            other.folder, other.environment, target.folder, other.environment
        ))
        .hint(format!("correct {} first", other.folder))),
    }
}

/// Returns a folder without the links on the way to it; as it is where they lead nowhere.
///
/// # Errors
/// The infra-repo cannot be read.
pub(in crate::promote) async fn without_links(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    folder: &RepoPath,
) -> Result<RepoPath, Fault> {
    let real = infrarepo::resolve(repo, at, folder).await?;
    Ok(real.unwrap_or_else(|_| folder.clone()))
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
