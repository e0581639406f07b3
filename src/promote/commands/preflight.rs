//! `preflight`: everything that a promotion will need, looked at before anyone needs it. Reads only, and stops at no problem.

use crate::assess::rollout::Origin;
use crate::delivery::{Action, Observe, Servers};
use crate::githost::Rules;
use crate::infrarepo::{InfraRepo, Tip};
use crate::model::{AppSnapshot, ApplicationId, Fault, Outcome, RepoIdentity, Resource, Syntax, Timestamp};
use crate::plan::holds::{FILE, Held, Holds};
use crate::plan::{self, Allow, Layout, Overlay, Select, SyncMode};
use crate::report::{End, Report};

use crate::promote::commands::checks::{Checks, MADE_BY_HAND, MINTED};
use crate::promote::job::Common;
use crate::promote::ports::Ports;
use crate::promote::prepare::applications::identity;
use crate::promote::prepare::holds::{holds, rows};
use crate::promote::prepare::places::{of_app, pairs};
use crate::promote::prepare::precheck::{Looked, look_at, may_sync, patiently, triggers, whoami};
use crate::promote::prepare::snapshot::{config, find, read};
use crate::promote::prepare::{announce, applications};
use crate::promote::rights;

/// The seams, each with what stood against opening it.
pub(in crate::promote) struct Seams {
    /// The infra-repo.
    pub(in crate::promote) repo: Result<Box<dyn InfraRepo>, Fault>,
    /// The infra-repo's host, if it can be asked.
    pub(in crate::promote) host: Option<Box<dyn Rules>>,
    /// Argo CD, if it is given.
    pub(in crate::promote) argocd: Option<Result<Box<dyn Observe>, Fault>>,
}

/// Fills the report with a row for every check.
pub(in crate::promote) async fn run(
    seams: Seams,
    common: &Common,
    select: &Select,
    ports: Ports<'_>,
    report: &mut Report,
) -> End {
    let mut checks = Checks::default();
    let found = match seams.repo {
        Ok(repo) => {
            let host = seams.host.as_deref();
            infra_repo((repo.as_ref(), host), common, select, ports, &mut checks, report).await
        }
        Err(fault) => {
            checks.failed("read", common.infra_repo.address.to_string(), fault);
            None
        }
    };
    match seams.argocd {
        None => checks.skipped(
            "Argo CD",
            "",
            "`argocd-server` is not set: promote would commit and not wait",
        ),
        Some(Err(fault)) => checks.failed("Argo CD", "", fault),
        Some(Ok(observe)) => {
            let known = server(observe.as_ref(), common, ports, &mut checks).await;
            match (&found, known) {
                (Some((origin, targets)), Some(subject)) => {
                    each(observe.as_ref(), ports, origin, targets, &subject, &mut checks).await;
                }
                (Some(_), None) => checks.skipped(
                    "application",
                    "",
                    "not checked: Argo CD rejected the token or did not answer",
                ),
                (None, _) => {}
            }
        }
    }
    checks.end(report)
}

/// Checks the infra-repo, and returns where its overlays and applications are to be.
async fn infra_repo(
    (repo, host): (&dyn InfraRepo, Option<&dyn Rules>),
    common: &Common,
    select: &Select,
    ports: Ports<'_>,
    checks: &mut Checks,
    report: &mut Report,
) -> Option<(Origin, Vec<plan::Place>)> {
    let url = repo.url();
    let tip = repo.tip().await;
    let tip = checks.take("read", &url, tip, |tip| {
        format!("{} is at {}", tip.branch, tip.commit.short())
    });
    let Some(tip) = tip else {
        // What was just rejected is not said to be good; when it expired it says itself.
        let until = common.infra_repo.token.as_ref().and_then(|token| token.valid_until());
        if let Some(until) = until.filter(|until| *until <= ports.clock.wall()) {
            checks.ending("token", &url, "installation token", until, ports.clock.wall(), MINTED);
        }
        for check in ["write", "promote.yaml", "overlay"] {
            checks.skipped(check, "", "not checked: promote could not read the infra-repo");
        }
        return None;
    };
    report.infra_repo = Some(announce::at(repo, &tip, Some(&tip.commit)));
    let written = repo.may_write(&tip.branch).await;
    checks.take("write", &url, written, |()| "the token has write permission".to_owned());
    let until = rules(host, &tip, checks).await;
    token(common, until, &url, ports, checks);
    let (repository, targets) = overlays(repo, select, &tip, checks).await?;
    held(repo, &tip, &targets, ports, checks, report).await;
    let origin = Origin {
        repository,
        branch: tip.branch,
        default: tip.default,
    };
    Some((origin, targets))
}

/// Checks the rules of the branch where the host tells them, and returns the end of the token if it tells that, too.
async fn rules(host: Option<&dyn Rules>, tip: &Tip, checks: &mut Checks) -> Option<Timestamp> {
    let branch = tip.branch.to_string();
    match host?.rules(&tip.branch).await {
        Ok(words) if words.rules.is_empty() => {
            checks.ok("rules", branch, "no ruleset blocks a push");
            words.token_until
        }
        Ok(words) => {
            let why = format!(
                "rulesets block a push unless the token is on the bypass list, which GitHub does not report: {}",
                words.rules.join(", ")
            );
            let mut fault = Fault::refused(why);
            if let Some(way) = suits(&words.rules) {
                fault = fault.hint(way);
            }
            checks.warning(
                "rules",
                branch,
                fault.hint("add the App or the owner of the token to the bypass list of the ruleset"),
            );
            words.token_until
        }
        Err(fault) => {
            checks.warning("rules", branch, fault);
            None
        }
    }
}

/// Returns which `via` suits the rules of a branch.
fn suits(rules: &[String]) -> Option<&'static str> {
    let has = |kinds: &[&str]| rules.iter().any(|rule| kinds.contains(&rule.as_str()));
    if has(&["merge_queue"]) {
        return Some("set `via: pull-request` with `merge: auto`: the branch has a merge queue");
    }
    if has(&[
        "pull_request",
        "required_status_checks",
        "required_deployments",
        "workflows",
        "code_scanning",
    ]) {
        return Some("set `via: pull-request`: the branch takes changes by pull requests");
    }
    has(&["required_signatures"]).then_some("set `via: api`: GitHub then signs the commit")
}

/// Tells when the token of the infra-repo ends; `said` is what its host says of that.
fn token(common: &Common, said: Option<Timestamp>, url: &str, ports: Ports<'_>, checks: &mut Checks) {
    let Some(token) = &common.infra_repo.token else {
        return;
    };
    match (token.valid_until(), said) {
        (Some(until), _) => checks.ending("token", url, "installation token", until, ports.clock.wall(), MINTED),
        (None, Some(until)) => checks.ending("token", url, "personal token", until, ports.clock.wall(), MADE_BY_HAND),
        (None, None) => checks.ok("token", url, "expiry unknown"),
    }
}

/// Shows what is held of what was asked for, or that there is.
async fn held(
    repo: &dyn InfraRepo,
    tip: &Tip,
    targets: &[plan::Place],
    ports: Ports<'_>,
    checks: &mut Checks,
    report: &mut Report,
) {
    let Some(holds) = checks.right("holds", FILE, holds(repo, &tip.commit).await) else {
        return;
    };
    if let Holds::Unreadable(why) = &holds {
        let fault = Fault::refused(format!("everything is {}", Held::Unreadable(why)));
        return checks.failed(
            "holds",
            FILE,
            fault.hint(format!("correct {FILE} at the root of the infra-repo")),
        );
    }
    let pairs = targets.iter().map(|target| (&target.app, &target.environment));
    report.holds = rows(&holds, pairs, ports.clock.wall());
    if report.holds.is_empty() {
        checks.ok("holds", FILE, "nothing is held");
    }
    for row in &report.holds {
        let said = format!("{} is held {}: {}", row.what(), row.end(), row.reason);
        if row.image.is_some() {
            checks.ok("holds", FILE, said);
        } else {
            let fault = Fault::refused(said).hint("run `promote release` when the reason is gone");
            checks.warning("holds", FILE, fault);
        }
    }
}

/// Checks promote.yaml and every overlay that was asked for, or that there is.
async fn overlays(
    repo: &dyn InfraRepo,
    select: &Select,
    tip: &Tip,
    checks: &mut Checks,
) -> Option<(RepoIdentity, Vec<plan::Place>)> {
    let config = config(repo, &tip.commit).await;
    let config = checks.take("promote.yaml", tip.branch.as_str(), config, |config| match config {
        None => "not found: the layout comes from the inputs or the default".to_owned(),
        Some(config) => format!("valid, {} environments", config.environments.len()),
    })?;
    let pairs = pairs(repo, select, config.as_ref(), tip).await;
    let pairs = checks.right("overlay", "", pairs)?;
    let (mut targets, mut files) = (Vec::new(), Vec::new());
    for (app, environment) in pairs {
        let object = format!("{app} in {environment}");
        let layout = Layout {
            select: &of_app(select, app),
            allow: Allow::default(),
            config: config.as_ref(),
        };
        let found = layout
            .targets(&[environment])
            .map_err(|mistakes| Fault::mistakes(&mistakes));
        for target in checks.right("overlay", &object, found).unwrap_or_default() {
            let file = find(repo, tip, &layout, &target).await;
            let file = file.and_then(|file| file.map_err(Fault::invalid));
            files.extend(
                checks
                    .right("overlay", &object, file)
                    .map(|file| ((object.clone(), target.syntax.clone()), file)),
            );
            targets.push(target);
        }
    }
    let (places, paths): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let overlays = read(repo, &tip.commit, paths).await;
    let overlays = checks.right("overlay", "", overlays).unwrap_or_default();
    for ((object, syntax), overlay) in places.into_iter().zip(overlays) {
        let paths: Vec<&str> = overlay.files.iter().map(|file| file.path.as_str()).collect();
        let paths = paths.join(", ");
        let Some(images) = checks.right("overlay", &object, images(&syntax, &overlay)) else {
            continue;
        };
        if images.is_empty() {
            let why = Fault::invalid(format!("{paths} names no image"));
            checks.warning(
                "overlay",
                object,
                why.hint("set `allow: new-entry` for the first promotion of an image"),
            );
        } else {
            checks.ok("overlay", object, format!("{paths} has {}", images.join(", ")));
        }
    }
    Some((identity(repo, config.as_ref()), targets))
}

/// Returns the names of the images that an overlay pins, in the order of its files.
fn images(syntax: &Syntax, overlay: &Overlay) -> Result<Vec<String>, Fault> {
    let mut all = Vec::new();
    for file in &overlay.files {
        let pins = syntax.pins(&file.text);
        let pins = pins.map_err(|fault| Fault::invalid(format!("{}: {fault}", file.path)))?;
        all.extend(pins.into_iter().map(|pin| pin.name));
    }
    Ok(all)
}

/// Checks the server and its token; returns whose it is, if applications can be asked for.
async fn server(observe: &dyn Observe, common: &Common, ports: Ports<'_>, checks: &mut Checks) -> Option<String> {
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
async fn each(
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
