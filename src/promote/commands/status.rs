//! `status`: what is pinned in each environment, which commit did that, and how it runs. Reads only.

use crate::assess::gate::{self, Evidence, Settings};
use crate::assess::rollout::Origin;
use crate::infrarepo::{InfraRepo, Tip};
use crate::model::{AppName, BranchName, EnvironmentName, Fault, Outcome, Pin, RepoPath, Timestamp};
use crate::plan::holds::{Held, Holds};
use crate::plan::{Allow, Config, Layout, Place, Select};
use crate::report::{End, GateRow, Report, StatusRow};

use crate::promote::commands::changed::{self, Placed};
use crate::promote::commands::drift;
use crate::promote::commands::history;
use crate::promote::job::{History, Status};
use crate::promote::ports::Reading;
use crate::promote::prepare::announce;
use crate::promote::prepare::applications::identity;
use crate::promote::prepare::branches::{Tips, config};
use crate::promote::prepare::holds::{holds, rows as concerning};
use crate::promote::prepare::judged::row as judged_row;
use crate::promote::prepare::overlays::{find, read};
use crate::promote::prepare::places::{of_app, pairs, there_are};
use crate::promote::prepare::shared::Tree;

/// So many of the last events are on the page.
const LAST_EVENTS: usize = 10;

/// How many commits are looked through for the one that changed a pin.
const LOOK_BACK: usize = 500;

/// Fills the report with a row for every app in every environment that was asked for, or that there is.
///
/// # Errors
/// The infra-repo cannot be read, or nothing that was asked for is there.
#[expect(clippy::too_many_lines, reason = "each part of the page is read in turn")]
pub(in crate::promote) async fn run(job: &Status, reading: Reading<'_>, report: &mut Report) -> Result<End, Fault> {
    let select = &job.select;
    let Reading { ports, repo, .. } = reading;
    let tip = repo.tip().await?;
    let config = config(repo, &tip.commit).await?;
    let reader = Reader {
        repo,
        select,
        config: config.as_ref(),
        tip: &tip,
        tips: Tips::new(repo, &tip),
    };
    let asked = pairs(repo, select, config.as_ref(), &tip).await?;
    let mut rows = Vec::new();
    for (target, found) in reader.read(&asked).await? {
        match found {
            Ok(pins) => rows.push((row(&target, &pins), target, pins)),
            Err(why) => ports.journal.warn(why),
        }
    }
    let (mut rows, pins): (Vec<(Place, StatusRow)>, Vec<Vec<Placed>>) = (rows.into_iter())
        .map(|(row, target, pins)| ((target, row), pins))
        .unzip();
    let mut branches: Vec<Option<BranchName>> = rows.iter().map(|(target, _)| target.branch.clone()).collect();
    branches.sort();
    branches.dedup();
    let mut pasts = Vec::new();
    let mut unseen: Option<Fault> = None;
    for branch in branches {
        let tip = reader.tips.on(branch.as_ref()).await?;
        let mut group = Vec::new();
        let history = repo.history(&tip.commit, LOOK_BACK).await?;
        for (all, pins) in rows
            .iter_mut()
            .zip(&pins)
            .filter(|((target, _), _)| target.branch == branch)
        {
            let (target, row) = &mut *all;
            match changed::by(repo, &history, target, pins).await {
                Ok(Some(changed)) => changed.fill(row, pins, ports.clock),
                Ok(None) => {}
                Err(fault) => ports.journal.warn(format!(
                    "since when {} in {} pins this cannot be read: {fault}",
                    target.app, target.environment
                )),
            }
            pasts.push(drift::Past::of(row, &history, pins));
            group.push(all);
        }
        if let Some(observe) = reading.observe {
            let origin = Origin {
                repository: identity(repo, config.as_ref()),
                branch: tip.branch.clone(),
                default: tip.default.clone(),
            };
            let tree = Tree::new(repo, &tip.commit);
            // What git says is worth showing without Argo CD, most of all when that is down.
            if let Err(fault) = super::running::run(&mut group, observe, &origin, &tree, ports).await {
                unseen.get_or_insert(fault);
            }
        }
        let holds = holds(repo, &tip.commit).await?;
        if let Holds::Unreadable(why) = &holds {
            ports.journal.warn(format!("everything is {}", Held::Unreadable(why)));
        }
        let pairs = group.iter().map(|all| (&all.0.app, &all.0.environment));
        report.holds.extend(concerning(&holds, pairs, ports.clock.wall()));
    }
    report.gates = windows(
        config.as_ref(),
        rows.iter().map(|(target, _)| target),
        ports.clock.wall(),
    );
    report.status = rows.into_iter().map(|(_, row)| row).collect();
    let others = reader.others(&asked).await?;
    compare(&mut report.status, &others);
    drift::compare(&mut report.status, &pasts);
    if job.page {
        let past = History {
            select: select.clone(),
            limit: LAST_EVENTS,
            since: None,
            metrics: false,
        };
        if let Err(fault) = history::run(&past, reading, report).await {
            ports.journal.warn(format!("the last events cannot be read: {fault}"));
        }
    }
    report.infra_repo = Some(announce::at(repo, &tip, Some(&tip.commit)));
    if let Some(fault) = unseen {
        return Ok(fault.into());
    }
    let reason = format!("{} at {} of {}", tip.branch, tip.commit.short(), repo.url());
    Ok(End::new(Outcome::Ok, reason))
}

/// Judges the windows of each environment, the only gate that does not depend on what is promoted or asks a server.
fn windows<'a>(config: Option<&Config>, targets: impl Iterator<Item = &'a Place>, now: Timestamp) -> Vec<GateRow> {
    let mut rows: Vec<GateRow> = Vec::new();
    for Place { environment, .. } in targets {
        let here = config.and_then(|config| config.environment(environment));
        let windows = here.and_then(|here| here.gates.windows.clone());
        if windows.is_none() || rows.iter().any(|row| row.environment == environment.as_str()) {
            continue;
        }
        let settings = Settings {
            windows,
            sync_window: Some(false),
            ..Settings::default()
        };
        let evidence = Evidence {
            environment: environment.clone(),
            now,
            at: now,
            places: Vec::new(),
            approvals: None,
        };
        let judged = gate::judge(&evidence, &settings).into_iter();
        rows.extend(judged.map(|(gate, read)| judged_row(gate.name, environment, read)));
    }
    rows
}

/// Reads what is pinned, all of it at one commit.
struct Reader<'a> {
    repo: &'a dyn InfraRepo,
    select: &'a Select,
    config: Option<&'a Config>,
    tip: &'a Tip,
    tips: Tips<'a>,
}

/// A target, and the pins of its files; or why there are none.
type Found = (Place, Result<Vec<Placed>, String>);

impl Reader<'_> {
    async fn read(&self, pairs: &[(AppName, EnvironmentName)]) -> Result<Vec<Found>, Fault> {
        let mut all = Vec::new();
        for (app, environment) in pairs {
            let layout = Layout {
                select: &of_app(self.select, app.clone()),
                allow: Allow::default(),
                config: self.config,
            };
            let targets = layout.targets(std::slice::from_ref(environment));
            for target in targets.map_err(|mistakes| Fault::mistakes(&mistakes))? {
                let tip = self.tips.on(target.branch.as_ref()).await?;
                let found = match find(self.repo, &tip, &layout, &target).await? {
                    Ok(files) => self.pins(&target, &tip, files).await?,
                    Err(why) => Err(why),
                };
                all.push((target, found));
            }
        }
        Ok(all)
    }

    async fn pins(
        &self,
        target: &Place,
        tip: &Tip,
        files: Vec<RepoPath>,
    ) -> Result<Result<Vec<Placed>, String>, Fault> {
        let overlays = read(self.repo, &tip.commit, vec![files]).await?;
        let mut placed = Vec::new();
        for file in overlays.into_iter().flat_map(|overlay| overlay.files) {
            match target.syntax.pins(&file.text) {
                Ok(pins) => placed.extend(pins.into_iter().map(|pin| (file.path.clone(), pin))),
                Err(fault) => return Ok(Err(format!("{}: {fault}", file.path))),
            }
        }
        Ok(Ok(placed))
    }

    /// Returns the environments of the same apps that were not asked for: an app differs from these too.
    async fn others(&self, asked: &[(AppName, EnvironmentName)]) -> Result<Vec<StatusRow>, Fault> {
        if self.select.environments.is_empty() {
            return Ok(Vec::new());
        }
        let mut pairs = there_are(self.repo, self.select, self.config, self.tip).await?;
        pairs.retain(|pair| !asked.contains(pair) && asked.iter().any(|(app, _)| *app == pair.0));
        let found = self.read(&pairs).await?;
        Ok((found.iter())
            .filter_map(|(target, found)| found.as_ref().ok().map(|pins| row(target, pins)))
            .collect())
    }
}

fn row(target: &Place, pins: &[Placed]) -> StatusRow {
    let pins = pins.iter().map(|(_, pin)| pin);
    let pinned = pins.filter(|pin| pin.is_pinned());
    let mut images: Vec<String> = Vec::new();
    for reference in pinned.map(Pin::reference) {
        if !images.contains(&reference) {
            images.push(reference);
        }
    }
    StatusRow {
        app: target.app.to_string(),
        environment: target.environment.to_string(),
        cluster: target.cluster.as_ref().map(ToString::to_string),
        images,
        previous: Vec::new(),
        commit: None,
        at: None,
        age_seconds: None,
        by: None,
        sync: None,
        health: None,
        not_running: Vec::new(),
        live: None,
        reason: None,
        differs_from: Vec::new(),
        behind: Vec::new(),
        rollout: None,
    }
}

/// Notes in each row which environments of its app pin something else.
fn compare(rows: &mut [StatusRow], others: &[StatusRow]) {
    let all: Vec<StatusRow> = rows.iter().chain(others).cloned().collect();
    for row in rows {
        row.differs_from = (all.iter())
            .filter(|other| other.app == row.app && other.environment != row.environment && other.images != row.images)
            .map(|other| other.environment.clone())
            .collect();
        row.differs_from.dedup();
    }
}
