//! An application that was looked at before anything is written, each once.

use crate::model::{AppSnapshot, ApplicationId, Fault, RepoPath};
use crate::plan::SyncMode;

use crate::promote::followee::{Candidate, Which};

/// What may be an application that has to become live, looked at.
pub(in crate::promote) struct Looked {
    /// Which; `None` when none has the candidate's source.
    pub(in crate::promote) id: Option<ApplicationId>,
    /// What was looked for.
    pub(in crate::promote) candidate: Candidate,
    /// The folder that it deploys, where that is another one that includes the candidate's.
    pub(in crate::promote) through: Option<RepoPath>,
    /// How it is now; `None` when it could not be read, or when nothing forbids to promote to it: then it is still to be created.
    pub(in crate::promote) app: Option<AppSnapshot>,
    /// All that forbids to promote to it, but for the right to sync.
    pub(in crate::promote) against: Vec<Fault>,
}

/// Whether two names are of one application. Only where there are several servers it matters for which environment they are.
pub(super) fn same(several: bool, one: &ApplicationId, other: &ApplicationId) -> bool {
    one.name() == other.name()
        && one.namespace() == other.namespace()
        && (!several || one.environment() == other.environment())
}

/// Leaves each application of an environment that was not asked for once. One that the templates of its environment name, or whose folder is
/// that environment's, is not one of an environment that has only the folder that it includes. Where two environments look alike,
/// the application gets the more careful policy.
pub(super) fn once(looked: Vec<Looked>) -> Vec<Looked> {
    let mut kept: Vec<Looked> = Vec::new();
    for one in looked {
        let known = kept.iter_mut().find(|before| match (&before.id, &one.id, &one.app) {
            (Some(known), Some(id), Some(app)) => {
                same(app.environment.is_some(), known, id)
                    && before.candidate.environment != one.candidate.environment
                    && (before.candidate.reached.is_some() || one.candidate.reached.is_some())
            }
            _ => false,
        });
        let Some(before) = known else {
            kept.push(one);
            continue;
        };
        if is_sure(&one.candidate) && !is_sure(&before.candidate) {
            *before = one;
        } else if is_sure(&one.candidate) == is_sure(&before.candidate) && one.candidate.policy.sync == SyncMode::Never
        {
            before.candidate.policy.sync = SyncMode::Never;
        }
    }
    kept
}

/// Whether the application of a candidate is certainly one of its environment.
fn is_sure(candidate: &Candidate) -> bool {
    let own = candidate.reached.as_ref();
    matches!(candidate.which, Which::Named(_)) || own.is_some_and(|own| *own != candidate.folder)
}
