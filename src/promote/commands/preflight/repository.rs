//! The infra-repo's part of `preflight`: access, rules of the branch, promote.yaml, the overlays, holds.

use crate::assess::rollout::Origin;
use crate::githost::{Environments, Rules};
use crate::infrarepo::{InfraRepo, Tip};
use crate::model::{Fault, RepoIdentity, Syntax, Timestamp, counted};
use crate::plan::holds::{FILE, Held, Holds};
use crate::plan::{Allow, Layout, Overlay, Place, Select};
use crate::report::Report;

use super::environments::Wanted;
use super::{environments as people, github};
use crate::promote::commands::checks::{Checks, MADE_BY_HAND, MINTED};
use crate::promote::job::Common;
use crate::promote::ports::Ports;
use crate::promote::prepare::announce;
use crate::promote::prepare::applications::identity;
use crate::promote::prepare::branches::start;
use crate::promote::prepare::holds::{holds, row, rows};
use crate::promote::prepare::overlays::{find, read};
use crate::promote::prepare::places::{of_app, pairs};

/// What was found in the infra-repo.
pub(super) struct Found<'a> {
    /// The infra-repo.
    pub(super) repo: &'a dyn InfraRepo,
    /// The branch's tip.
    pub(super) tip: Tip,
    /// Where a commit of a promotion goes to.
    pub(super) origin: Origin,
    /// Every app in every environment that was asked for, or that there is; with its files, where they can be read.
    pub(super) places: Vec<(Place, Option<Overlay>)>,
}

/// Checks the infra-repo, and returns where its overlays and applications are to be.
pub(super) async fn checked<'a>(
    (repo, host, environments): (&'a dyn InfraRepo, Option<&dyn Rules>, Option<&dyn Environments>),
    common: &Common,
    select: &Select,
    ports: Ports<'_>,
    checks: &mut Checks,
    report: &mut Report,
) -> Option<Found<'a>> {
    let url = repo.url();
    let tip = match start(repo, select, &select.environments).await {
        Ok(start) => Ok(start.tip),
        Err(_) => repo.tip().await,
    };
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
    let until = github::branch(host, &tip.branch, checks).await;
    token(common, until, &url, ports, checks);
    let (repository, places, wanted) = overlays(repo, select, &tip, checks).await?;
    people::check(common.run.as_ref().zip(environments), &wanted, checks).await;
    let is_all = select.apps.is_empty() && select.environments.is_empty();
    held((repo, &tip), &places, is_all, ports, checks, report).await;
    let origin = Origin {
        repository,
        branch: tip.branch.clone(),
        default: tip.default.clone(),
    };
    Some(Found {
        repo,
        tip,
        origin,
        places,
    })
}

/// Says when the token of the infra-repo ends; `said` is what its host says of that.
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

/// Shows what is held of what was asked for, or that there is; where these are all places, also which holds have no effect.
async fn held(
    (repo, tip): (&dyn InfraRepo, &Tip),
    places: &[(Place, Option<Overlay>)],
    is_all: bool,
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
    let pairs = || places.iter().map(|(place, _)| (&place.app, &place.environment));
    let idle = holds.without_effect(pairs(), ports.clock.wall()).into_iter();
    for hold in idle.filter(|_| is_all && !places.is_empty()) {
        let what = row(hold).what();
        let why = format!(
            "{what} is held (line {}), but no overlay has that app and environment",
            hold.line
        );
        let hint = format!("correct the names in {FILE}, or remove the entry");
        checks.warning("holds", FILE, Fault::refused(why).hint(hint));
    }
    report.holds = rows(&holds, pairs(), ports.clock.wall());
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
) -> Option<(RepoIdentity, Vec<(Place, Option<Overlay>)>, Vec<Wanted>)> {
    let config = start(repo, select, &select.environments)
        .await
        .map(|start| start.config);
    let config = checks.take("promote.yaml", tip.branch.as_str(), config, |config| match config {
        None => "not found: the layout comes from the inputs or the default".to_owned(),
        Some(config) => format!("valid, {}", counted(config.environments.len(), "environment")),
    })?;
    let pairs = pairs(repo, select, config.as_ref(), tip).await;
    let pairs = checks.right("overlay", "", pairs)?;
    let (mut places, mut files) = (Vec::new(), Vec::new());
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
        for place in checks.right("overlay", &object, found).unwrap_or_default() {
            let file = find(repo, tip, &layout, &place).await;
            let file = file.and_then(|file| file.map_err(Fault::invalid));
            match checks.right("overlay", &object, file) {
                Some(paths) => files.push((place, paths)),
                None => places.push((place, None)),
            }
        }
    }
    let (readable, paths): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let overlays = read(repo, &tip.commit, paths).await;
    let overlays = checks.right("overlay", "", overlays).unwrap_or_default();
    let overlays = overlays.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    for (place, overlay) in readable.into_iter().zip(overlays) {
        if let Some(overlay) = &overlay {
            pins(&place, overlay, checks);
        }
        places.push((place, overlay));
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for (place, _) in &places {
        if wanted.iter().all(|known| known.environment != place.environment) {
            let here = config
                .as_ref()
                .and_then(|config| config.environment(&place.environment));
            let gates = here.map(|here| &here.gates);
            wanted.push(Wanted {
                environment: place.environment.clone(),
                named: gates.and_then(|gates| gates.github_environment.clone()),
                approvals: gates.and_then(|gates| gates.approvals),
            });
        }
    }
    Some((identity(repo, config.as_ref()), places, wanted))
}

/// Shows what an overlay pins.
fn pins(place: &Place, overlay: &Overlay, checks: &mut Checks) {
    let object = format!("{} in {}", place.app, place.environment);
    let paths: Vec<&str> = overlay.files.iter().map(|file| file.path.as_str()).collect();
    let paths = paths.join(", ");
    let Some(images) = checks.right("overlay", &object, images(&place.syntax, overlay)) else {
        return;
    };
    if images.is_empty() {
        let why = Fault::invalid(format!("{paths} names no image"));
        let hint = "set `allow: new-entry` for the first promotion of an image";
        checks.warning("overlay", object, why.hint(hint));
    } else {
        checks.ok("overlay", object, format!("{paths} has {}", images.join(", ")));
    }
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
