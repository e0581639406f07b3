//! The lines of Argo CD's policy that give a token the rights that going back needs.

use crate::model::{AppSnapshot, ApplicationId};

/// The right to act on Rollouts: abort, resume, promote in full.
pub(super) const ROLLOUT: &str = "action/argoproj.io/Rollout/*";
/// The right to sync, which also ends an operation that is in the way.
pub(super) const SYNC: &str = "sync";
/// The right to read the logs of containers: the resource of the policy, and the verb.
pub(super) const LOGS: (&str, &str) = ("logs", "get");
/// What promote never does to an application, and what a token for it should not permit.
pub(super) const MORE: [&str; 3] = ["delete", "update", "override"];

/// Returns the line of `policy.csv` that gives a right on an application; a subject that is not known is left open.
pub(super) fn line(subject: Option<&str>, right: &str, id: &ApplicationId, app: &AppSnapshot) -> String {
    line_of(subject, ("applications", right), id, app)
}

/// The same, of another resource of the policy.
pub(super) fn line_of(
    subject: Option<&str>,
    (resource, verb): (&str, &str),
    id: &ApplicationId,
    app: &AppSnapshot,
) -> String {
    let subject = subject.filter(|name| !name.is_empty()).unwrap_or("<account or role>");
    let project = if app.project.is_empty() {
        "default"
    } else {
        &app.project
    };
    // Applications outside of Argo CD's own namespace are named with theirs.
    let object = match id.namespace() {
        Some(namespace) => format!("{project}/{namespace}/{}", id.name()),
        None => format!("{project}/{}", id.name()),
    };
    format!("p, {subject}, {resource}, {verb}, {object}, allow")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_subject_right_project_and_application() {
        let app = AppSnapshot {
            project: "shop".to_owned(),
            ..AppSnapshot::default()
        };
        let id = |text: &str| ApplicationId::parse(text).unwrap();
        assert_eq!(
            line(Some("ci"), ROLLOUT, &id("api-production"), &app),
            "p, ci, applications, action/argoproj.io/Rollout/*, shop/api-production, allow"
        );
        assert_eq!(
            line_of(Some("ci"), LOGS, &id("api"), &app),
            "p, ci, logs, get, shop/api, allow"
        );
        assert_eq!(
            line(None, SYNC, &id("team/api"), &AppSnapshot::default()),
            "p, <account or role>, applications, sync, default/team/api, allow"
        );
    }
}
