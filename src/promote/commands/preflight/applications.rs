//! Argo CD's part of `preflight`: the server, the token, and each application.

use crate::assess::rollout::Origin;
use crate::delivery::{Action, Observe, Servers};
use crate::model::{AppSnapshot, ApplicationId, Fault, Outcome, Resource};
use crate::plan::{self, SyncMode};

use crate::promote::commands::checks::{Checks, MADE_BY_HAND};
use crate::promote::job::Common;
use crate::promote::ports::Ports;
use crate::promote::prepare::applications;
use crate::promote::prepare::precheck::{Looked, look_at, may_sync, patiently, triggers, whoami};
use crate::promote::rights;

/// Checks the server and its token; returns whose it is, if applications can be asked for.
pub(super) async fn server(
    observe: &dyn Observe,
    common: &Common,
    ports: Ports<'_>,
    checks: &mut Checks,
) -> Option<String> {
    let server = observe.server();
    let version = patiently(ports.clock, || observe.version()).await;
    let version = version.map_err(|problem| problem.fault(&format!("read the version of {server}")));
    checks.take("Argo CD", &server, version, |version| format!("Argo CD {version}"))?;
    let until = common.argocd.as_ref().and_then(Servers::valid_until);
    let known = whoami(observe, ports.clock).await;
    let name = checks.right("Argo CD token", &server, known)?;
    match until {
        Some(until) => checks.ending(
            "Argo CD token",
            server,
            &format!("token of {name}"),
            until,
            ports.clock.wall(),
            MADE_BY_HAND,
        ),
        None => checks.ok("Argo CD token", server, format!("token of {name}, does not expire")),
    }
    Some(name)
}

/// Checks every application: whether it is there, deploys what would be changed, may be synced, and may be taken back.
pub(super) async fn each(
    observe: &dyn Observe,
    ports: Ports<'_>,
    origin: &Origin,
    targets: &[plan::Place],
    subject: &str,
    checks: &mut Checks,
) {
    let mut candidates = Vec::new();
    for target in targets {
        let object = format!("{} in {}", target.app, target.environment);
        let named = applications::candidates_of(target, &[]);
        candidates.extend(checks.right("application", &object, named).unwrap_or_default());
    }
    for looked in look_at(observe, ports.clock, origin, candidates).await {
        let Looked {
            id,
            candidate,
            app,
            against,
        } = looked;
        let object = match &id {
            Some(id) => id.to_string(),
            None => format!("{} in {}", candidate.app, candidate.environment),
        };
        let fits = against.is_empty();
        for fault in against {
            checks.failed("application", &object, fault);
        }
        let (Some(id), Some(app)) = (id, app) else {
            if fits {
                let why = Fault::refused("does not exist yet: promote waits up to 60s for it after the commit");
                checks.warning("application", object, why);
            }
            continue;
        };
        if fits {
            let seen = format!(
                "deploys {} of {}; {}, {}",
                candidate.folder, origin.branch, app.sync, app.health
            );
            checks.ok("application", &object, seen);
        }
        let sync = candidate.policy.sync;
        let may = may_sync(observe, ports.clock, &id, &app).await;
        let going_back = (may.as_ref().map(drop)).map_err(|fault| fault.outcome);
        let object_of_sync = object.clone();
        match may {
            Ok(()) => checks.ok("sync", object, "the token has sync permission"),
            Err(fault) if triggers(&app, sync) => checks.failed("sync", object, fault),
            Err(fault) if fault.outcome == Outcome::Denied => {
                let why = if sync == SyncMode::Never {
                    "`sync` is `never`"
                } else {
                    "the application has automated sync"
                };
                checks.ok("sync", object, format!("no sync permission, and none needed: {why}"));
            }
            Err(fault) => checks.warning("sync", object, fault),
        }
        rollback(going_back, &object_of_sync, (&id, &app), subject, checks);
        canaries(observe, ports, &object_of_sync, (&id, &app), subject, checks).await;
    }
}

/// Checks what `rollback` needs of Argo CD: the right to end a sync that is in the way, which is the right to sync.
fn rollback(
    may_sync: Result<(), Outcome>,
    object: &str,
    (id, app): (&ApplicationId, &AppSnapshot),
    subject: &str,
    checks: &mut Checks,
) {
    match may_sync {
        Ok(()) => checks.ok(
            "rollback",
            object,
            "the token can sync the application, and end a sync that is in the way",
        ),
        Err(Outcome::Denied) => {
            let line = rights::line(Some(subject), rights::SYNC, id, app);
            let fault =
                Fault::denied("rollback could not end a sync that is in the way: the token has no permission to sync");
            checks.warning("rollback", object, fault.hint(format!("add to policy.csv: {line}")));
        }
        Err(_) => checks.skipped(
            "rollback",
            object,
            "not checked: Argo CD did not report the permission to sync",
        ),
    }
}

/// Checks what `abort` and `resume` need, where there is a Rollout.
async fn canaries(
    observe: &dyn Observe,
    ports: Ports<'_>,
    object: &str,
    (id, app): (&ApplicationId, &AppSnapshot),
    subject: &str,
    checks: &mut Checks,
) {
    if !app.resources.iter().any(Resource::is_rollout) {
        return;
    }
    for (check, action) in [("abort", Action::Abort), ("resume", Action::Resume)] {
        match patiently(ports.clock, || observe.may_act(id, action)).await {
            Ok(true) => checks.ok(
                check,
                object,
                format!("the token has permission to {check} its canaries"),
            ),
            Ok(false) => {
                let line = rights::line(Some(subject), rights::ROLLOUT, id, app);
                let fault = Fault::denied(format!("the token has no permission to {check} its canaries"));
                checks.warning(check, object, fault.hint(format!("add to policy.csv: {line}")));
            }
            Err(problem) => checks.skipped(check, object, format!("not checked: {}", problem.why())),
        }
    }
}
