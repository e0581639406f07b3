//! Whether waves can be kept: only an application that promote syncs can wait for its turn. Of what was seen alone; asks nobody.

use crate::model::Fault;
use crate::plan::SyncMode;

use crate::promote::followee::Followee;

/// Returns what forbids it: each application of a later wave that somebody else syncs. With `sync: never` promote keeps no order.
pub(super) fn unordered(followees: &[Followee]) -> Option<Fault> {
    let later = |followee: &&Followee| followee.wave > 0 && followee.policy.sync != SyncMode::Never;
    let why: Vec<String> = (followees.iter().filter(later))
        .filter_map(|followee| {
            let who = match (&followee.baseline, &followee.synced_by) {
                (Some(app), _) if app.automated => "Argo CD syncs it automatically".to_owned(),
                (_, Some(set)) => format!("the ApplicationSet {set} syncs it"),
                _ => return None,
            };
            Some(format!(
                "{} is in wave {} of {}, but {who}: it would not wait for its wave",
                followee.id,
                followee.wave + 1,
                followee.environment
            ))
        })
        .collect();
    let hint = "turn automated sync off for it, or drop `waves` in promote.yaml";
    (!why.is_empty()).then(|| Fault::refused(why.join("; ")).hint(hint))
}
