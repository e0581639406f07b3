//! Argo CD's part of `preflight`: the server, the token, and each application.

use crate::delivery::{Action, Observe, Servers};
use crate::model::{AppSnapshot, ApplicationId, Fault, Outcome, Resource};
use crate::plan::{OnUnsynced, Overlay, Place, SyncMode};
use crate::report::RidingAlongRow;

use crate::promote::commands::checks::{Checks, MADE_BY_HAND};
use crate::promote::commands::preflight::repository::Found;
use crate::promote::job::Common;
use crate::promote::ports::Ports;
use crate::promote::prepare::applications::{ELSEWHERE, candidates_of};
use crate::promote::prepare::looked::Looked;
use crate::promote::prepare::patience::patiently;
use crate::promote::prepare::precheck::{look_at, may_sync, synced_by, triggers, whoami};
use crate::promote::prepare::riding_along::forecast;
use crate::promote::prepare::shared::Tree;
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

/// Checks every application: whether it is there, deploys what would be changed, what would go live or be lost with a promotion, and
/// whether it may be synced and taken back. Returns the commits that the next promotion takes along.
#[expect(clippy::too_many_lines, reason = "one check of an application after the other")]
pub(super) async fn each(
    (found, observe): (&Found<'_>, &dyn Observe),
    ports: Ports<'_>,
    subject: &str,
    checks: &mut Checks,
) -> Vec<RidingAlongRow> {
    let mut candidates = Vec::new();
    for (place, _) in &found.places {
        let object = format!("{} in {}", place.app, place.environment);
        let named = candidates_of(place, &[]);
        candidates.extend(checks.right("application", &object, named).unwrap_or_default());
    }
    let mut riding_along = Vec::new();
    let tree = Tree::new(found.repo, &found.tip.commit);
    for looked in look_at(observe, ports.clock, &found.origin, Some(&tree), candidates).await {
        let Looked {
            id,
            candidate,
            through: _,
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
                let why = "does not exist on this server: promote waits up to 60s for it after the commit";
                checks.warning("application", object, Fault::refused(why).hint(ELSEWHERE));
            }
            continue;
        };
        if fits {
            let folder = &candidate.folder;
            let seen = format!(
                "deploys {folder} of {}; {}, {}",
                found.origin.branch, app.sync, app.health
            );
            checks.ok("application", &object, seen);
        }
        if fits {
            let mut places = found.places.iter();
            let here = places.find(|(place, _)| {
                (&place.app, &place.environment, &place.cluster)
                    == (&candidate.app, &candidate.environment, &candidate.cluster)
            });
            if let Some((place, Some(overlay))) = here {
                riding_along.extend(unsynced(found, (place, overlay), (&id, &app), checks).await);
            }
            canaries(observe, ports, (&id, &app), checks).await;
        }
        let synced_by = if candidate.policy.sync == SyncMode::Auto && triggers(&app, candidate.policy.sync) {
            synced_by(observe, ports.clock, &app).await
        } else {
            None
        };
        match synced_by {
            Some(by) if by.known => checks.ok("ApplicationSet", object.as_str(), by.to_string()),
            Some(by) => checks.warning("ApplicationSet", object.as_str(), Fault::denied(by.to_string())),
            None => {}
        }
        permissions(observe, ports, (&id, &app), (subject, candidate.policy.sync), checks).await;
    }
    riding_along
}

/// Checks what the token permits on an application: a sync, the logs, a way back, and its canaries.
async fn permissions(
    observe: &dyn Observe,
    ports: Ports<'_>,
    (id, app): (&ApplicationId, &AppSnapshot),
    (subject, mode): (&str, SyncMode),
    checks: &mut Checks,
) {
    let object = id.to_string();
    let may = may_sync(observe, ports.clock, id, app).await;
    let going_back = (may.as_ref().map(drop)).map_err(|fault| fault.outcome);
    let add = format!(
        "add to policy.csv: {}",
        rights::line(Some(subject), rights::SYNC, id, app)
    );
    sync((may, add), &object, app, mode, checks);
    logs(observe, ports, (id, app), subject, checks).await;
    rollback(going_back, &object, (id, app), subject, checks);
    canary_rights(observe, ports, (id, app), subject, checks).await;
}

/// Shows which commits of others the next promotion takes along.
async fn unsynced(
    found: &Found<'_>,
    (place, overlay): (&Place, &Overlay),
    (id, app): (&ApplicationId, &AppSnapshot),
    checks: &mut Checks,
) -> Vec<RidingAlongRow> {
    let object = id.to_string();
    let strict = place.policy.on_unsynced == OnUnsynced::Refuse;
    let (rows, fault) = match forecast(
        found.repo,
        &found.tip.commit,
        &found.origin,
        (place, overlay),
        (id, app),
    )
    .await
    {
        Ok(None) => {
            checks.ok("unsynced", object, "no commit of the branch waits for a sync");
            return Vec::new();
        }
        Ok(Some((rows, said))) => (
            rows,
            Fault::refused(said).hint(format!("sync {id} first, or review the commits")),
        ),
        Err(fault) => {
            let why = format!("the commits that go live with {id} are unknown: {fault}");
            (Vec::new(), Fault::refused(why))
        }
    };
    if strict {
        checks.failed(
            "unsynced",
            object,
            fault.hint("set `on-unsynced: warn` to promote anyway"),
        );
    } else {
        checks.warning("unsynced", object, fault);
    }
    rows
}

/// Shows each canary that the next promotion of another version would replace.
async fn canaries(
    observe: &dyn Observe,
    ports: Ports<'_>,
    (id, app): (&ApplicationId, &AppSnapshot),
    checks: &mut Checks,
) {
    for rollout in app.resources.iter().filter(|resource| resource.is_rollout()) {
        let object = id.to_string();
        match patiently(ports.clock, || observe.rollout(id, rollout)).await {
            Ok(canary) if canary.is_underway() => {
                let why = Fault::refused(format!("{canary}: a promotion of another version is refused"));
                let hint = "finish or stop the canary first (`promote resume`, `promote abort`), or set `allow: replace-canary`";
                checks.warning("canary", object, why.hint(hint));
            }
            Ok(_) => checks.ok(
                "canary",
                object,
                format!("rollout {} has no canary under way", rollout.id.name),
            ),
            Err(problem) => checks.skipped("canary", object, format!("not checked: {}", problem.why())),
        }
    }
}

/// Checks the right to sync, which a promotion needs where no automated sync does it.
fn sync((may, add): (Result<(), Fault>, String), object: &str, app: &AppSnapshot, sync: SyncMode, checks: &mut Checks) {
    match may {
        Ok(()) => checks.ok("sync", object, "the token has sync permission"),
        Err(mut fault) if triggers(app, sync) => {
            if fault.outcome == Outcome::Denied {
                fault.hints.insert(0, add);
            }
            checks.failed("sync", object, fault);
        }
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
}

/// Checks the right to read logs: without it a failure does not show what the container wrote that crashed. Says what a token permits besides
/// that promote does not need.
async fn logs(
    observe: &dyn Observe,
    ports: Ports<'_>,
    (id, app): (&ApplicationId, &AppSnapshot),
    subject: &str,
    checks: &mut Checks,
) {
    let object = id.to_string();
    let (resource, verb) = rights::LOGS;
    match patiently(ports.clock, || observe.may(resource, verb, app)).await {
        Ok(true) => checks.ok("logs", &object, "the token can read the logs of containers"),
        Ok(false) => {
            let line = rights::line_of(Some(subject), rights::LOGS, id, app);
            let seen =
                format!("optional: to show the last log lines of a container that crashed, add to policy.csv: {line}");
            checks.ok("logs", &object, seen);
        }
        Err(problem) => checks.skipped("logs", &object, format!("not checked: {}", problem.why())),
    }
    let mut more = Vec::new();
    for verb in rights::MORE {
        if patiently(ports.clock, || observe.may("applications", verb, app)).await == Ok(true) {
            more.push(verb);
        }
    }
    if !more.is_empty() {
        let why = format!(
            "the token can do more than promote needs: applications, {}",
            more.join(", ")
        );
        let hint = "limit its role to `applications, get`, `applications, sync`, `logs, get` and, for canaries, `applications, \
                    action/argoproj.io/Rollout/*`";
        checks.warning("Argo CD token", &object, Fault::refused(why).hint(hint));
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
async fn canary_rights(
    observe: &dyn Observe,
    ports: Ports<'_>,
    (id, app): (&ApplicationId, &AppSnapshot),
    subject: &str,
    checks: &mut Checks,
) {
    if !app.resources.iter().any(Resource::is_rollout) {
        return;
    }
    let object = id.to_string();
    for (check, action) in [("abort", Action::Abort), ("resume", Action::Resume)] {
        match patiently(ports.clock, || observe.may_act(id, action)).await {
            Ok(true) => checks.ok(
                check,
                object.as_str(),
                format!("the token has permission to {check} its canaries"),
            ),
            Ok(false) => {
                let line = rights::line(Some(subject), rights::ROLLOUT, id, app);
                let fault = Fault::denied(format!("the token has no permission to {check} its canaries"));
                checks.warning(check, object.as_str(), fault.hint(format!("add to policy.csv: {line}")));
            }
            Err(problem) => checks.skipped(check, object.as_str(), format!("not checked: {}", problem.why())),
        }
    }
}
