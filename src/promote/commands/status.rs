//! `status`: what is pinned in each environment, which commit did that, and how it runs. Reads only.

use crate::assess::rollout::Origin;
use crate::delivery::Observe;
use crate::infrarepo::{CommitInfo, InfraRepo, Tip};
use crate::model::{AppName, Clock, EnvironmentName, Fault, Outcome, Pin, RepoIdentity, RepoPath};
use crate::plan::{Config, DEFAULT_PATH, Layout, Place, Request};
use crate::report::{End, InfraRepoRow, Report, StatusRow};

use crate::promote::prepare::snapshot::{config, existing, find, read};
use crate::promote::{Ports, Settings};

/// How many commits are looked through for the one that changed a pin.
const LOOK_BACK: usize = 500;

/// Fills the report with a row for every app in every environment that was asked for, or that there is.
///
/// # Errors
/// The infra-repo cannot be read, or nothing that was asked for is there.
pub(in crate::promote) async fn status(
    repo: &dyn InfraRepo,
    settings: &Settings,
    ports: Ports<'_>,
    argocd: Option<&dyn Observe>,
    report: &mut Report,
) -> Result<End, Fault> {
    let tip = repo.tip().await?;
    let config = config(repo, &tip.commit).await?;
    let reader = Reader {
        repo,
        settings,
        config: config.as_ref(),
        tip: &tip,
    };
    let asked = pairs(repo, settings, config.as_ref(), &tip).await?;
    let history = repo.history(&tip.commit, LOOK_BACK).await?;
    let mut rows = Vec::new();
    for (target, found) in reader.read(&asked).await? {
        match found {
            Ok(pins) => {
                let mut row = row(&target, &pins);
                if let Some(commit) = changed_by(&history, &pins) {
                    since(&mut row, commit, ports.clock);
                }
                rows.push((target, row));
            }
            Err(why) => ports.journal.warn(why),
        }
    }
    if let Some(observe) = argocd {
        let origin = Origin {
            repository: RepoIdentity::of(&repo.url()),
            branch: tip.branch.clone(),
        };
        super::running::run(&mut rows, observe, &origin, ports).await?;
    }
    report.status = rows.into_iter().map(|(_, row)| row).collect();
    let others = reader.others(&asked).await?;
    compare(&mut report.status, &others);
    report.infra_repo = Some(InfraRepoRow {
        url: repo.url(),
        branch: tip.branch.to_string(),
        base: tip.commit.clone(),
        commit: Some(tip.commit.clone()),
        landed: false,
        attempts: 0,
    });
    let reason = format!("{} at {} of {}", tip.branch, tip.commit.short(), repo.url());
    Ok(End::new(Outcome::Ok, reason))
}

/// Reads what is pinned, all of it at one commit.
struct Reader<'a> {
    repo: &'a dyn InfraRepo,
    settings: &'a Settings,
    config: Option<&'a Config>,
    tip: &'a Tip,
}

/// A pin and the file it is in.
type Placed = (RepoPath, Pin);

/// A target, and the pins of its files; or why there are none.
type Found = (Place, Result<Vec<Placed>, String>);

impl Reader<'_> {
    async fn read(&self, pairs: &[(AppName, EnvironmentName)]) -> Result<Vec<Found>, Fault> {
        let mut all = Vec::new();
        for (app, environment) in pairs {
            let request = request_of(self.settings, app.clone());
            let layout = layout(self.settings, &request, self.config);
            let targets = layout.targets(std::slice::from_ref(environment));
            for target in targets.map_err(|mistakes| Fault::mistakes(&mistakes))? {
                let found = match find(self.repo, self.tip, &layout, &target).await? {
                    Ok(files) => self.pins(&target, files).await?,
                    Err(why) => Err(why),
                };
                all.push((target, found));
            }
        }
        Ok(all)
    }

    async fn pins(&self, target: &Place, files: Vec<RepoPath>) -> Result<Result<Vec<Placed>, String>, Fault> {
        let overlays = read(self.repo, &self.tip.commit, vec![files]).await?;
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
        if self.settings.request.environments.is_empty() {
            return Ok(Vec::new());
        }
        let mut pairs = there_are(self.repo, &self.settings.request, self.config, self.tip).await?;
        pairs.retain(|pair| !asked.contains(pair) && asked.iter().any(|(app, _)| *app == pair.0));
        let found = self.read(&pairs).await?;
        Ok((found.iter())
            .filter_map(|(target, found)| found.as_ref().ok().map(|pins| row(target, pins)))
            .collect())
    }
}

/// Returns what was asked for, but for one app only.
pub(in crate::promote) fn request_of(settings: &Settings, app: AppName) -> Request {
    Request {
        apps: vec![app],
        ..settings.request.clone()
    }
}

pub(in crate::promote) fn layout<'a>(
    settings: &Settings,
    request: &'a Request,
    config: Option<&'a Config>,
) -> Layout<'a> {
    Layout {
        request,
        policy: settings.policy,
        config,
    }
}

/// Returns the apps and environments that were asked for, or those that there are.
///
/// # Errors
/// The infra-repo cannot be read, or there is none.
pub(in crate::promote) async fn pairs(
    repo: &dyn InfraRepo,
    settings: &Settings,
    config: Option<&Config>,
    tip: &Tip,
) -> Result<Vec<(AppName, EnvironmentName)>, Fault> {
    let asked = &settings.request;
    let mut pairs = Vec::new();
    if asked.apps.is_empty() || asked.environments.is_empty() {
        pairs = there_are(repo, asked, config, tip).await?;
        pairs.retain(|(app, environment)| {
            (asked.apps.is_empty() || asked.apps.contains(app))
                && (asked.environments.is_empty() || asked.environments.contains(environment))
        });
    } else {
        for app in &asked.apps {
            let each = asked.environments.iter();
            pairs.extend(each.map(|environment| (app.clone(), environment.clone())));
        }
    }
    if pairs.is_empty() {
        return Err(Fault::invalid(format!(
            "{} has no overlay of that layout, app or environment at {} ({})",
            repo.url(),
            tip.branch,
            tip.commit.short()
        ))
        .hint("check `app`, `environment` and `path`"));
    }
    Ok(pairs)
}

/// Returns every app and environment that has an overlay: apps by name, environments in their order in promote.yaml.
async fn there_are(
    repo: &dyn InfraRepo,
    asked: &Request,
    config: Option<&Config>,
    tip: &Tip,
) -> Result<Vec<(AppName, EnvironmentName)>, Fault> {
    let mut templates = vec![
        config
            .and_then(|config| config.path.as_deref())
            .or(asked.path.as_deref())
            .unwrap_or(DEFAULT_PATH),
    ];
    if let Some(config) = config {
        templates.extend(
            config
                .environments
                .iter()
                .filter_map(|environment| environment.path.as_deref()),
        );
        templates.extend(config.apps.values().filter_map(|app| app.path.as_deref()));
    }
    let mut pairs: Vec<(AppName, EnvironmentName)> = Vec::new();
    for template in templates {
        for place in existing(repo, &tip.commit, template).await? {
            if let (Some(app), Some(environment)) = (place.app, place.environment)
                && !pairs.contains(&(app.clone(), environment.clone()))
            {
                pairs.push((app, environment));
            }
        }
    }
    let known = config.map(|config| config.environments.as_slice()).unwrap_or_default();
    let order = |name: &EnvironmentName| known.iter().position(|environment| environment.name == *name);
    if !known.is_empty() {
        pairs.retain(|(_, environment)| order(environment).is_some());
    }
    pairs.sort_by_key(|(app, environment)| (app.clone(), order(environment), environment.clone()));
    Ok(pairs)
}

fn row(target: &Place, pins: &[Placed]) -> StatusRow {
    let pins = pins.iter().map(|(_, pin)| pin);
    let pinned = pins.filter(|pin| pin.new_tag.is_some() || pin.digest.is_some());
    let mut images: Vec<String> = Vec::new();
    for reference in pinned.map(Pin::reference) {
        if !images.contains(&reference) {
            images.push(reference);
        }
    }
    StatusRow {
        app: target.app.to_string(),
        environment: target.environment.to_string(),
        images,
        commit: None,
        at: None,
        age_seconds: None,
        by: None,
        sync: None,
        health: None,
        not_running: Vec::new(),
        differs_from: Vec::new(),
    }
}

/// Returns the newest commit whose trailers say that it made one of the pins what it is.
fn changed_by<'a>(history: &'a [CommitInfo], pins: &[Placed]) -> Option<&'a CommitInfo> {
    let lines: Vec<(String, String)> = pins
        .iter()
        .map(|(file, pin)| {
            (
                format!("Promote-Pin: {file} {} ", pin.name),
                format!(" -> {}", pin.reference()),
            )
        })
        .collect();
    history.iter().find(|commit| {
        commit.message.lines().any(|line| {
            lines
                .iter()
                .any(|(start, end)| line.starts_with(start) && line.ends_with(end))
        })
    })
}

fn since(row: &mut StatusRow, commit: &CommitInfo, clock: &dyn Clock) {
    let by = commit
        .message
        .lines()
        .find_map(|line| line.strip_prefix("Promote-By: "));
    row.commit = Some(commit.commit.clone());
    row.at = Some(commit.at);
    row.age_seconds = Some(clock.wall().since(commit.at).as_secs());
    row.by = by.map(str::to_owned);
}

/// Tells each row which environments of its app pin something else.
fn compare(rows: &mut [StatusRow], others: &[StatusRow]) {
    let all: Vec<StatusRow> = rows.iter().chain(others).cloned().collect();
    for row in rows {
        row.differs_from = (all.iter())
            .filter(|other| other.app == row.app && other.environment != row.environment && other.images != row.images)
            .map(|other| other.environment.clone())
            .collect();
    }
}
