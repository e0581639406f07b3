//! `status`: what is pinned in each environment, which commit did that, and how it runs. Reads only.

use crate::delivery::Observe;
use crate::infrarepo::{CommitInfo, InfraRepo, Tip};
use crate::model::{
    AppName, AppSnapshot, ApplicationId, Clock, EnvironmentName, Fault, Health, Outcome, Pin, SyncState,
};
use crate::plan::{Applications, Config, DEFAULT_PATH, Layout, Request, Target};
use crate::report::{InfraRepoRow, Report, StatusRow};

use super::snapshot::{config, existing, find};
use super::{Ports, Settings};

/// How many commits are looked through for the one that changed a pin.
const LOOK_BACK: usize = 500;

/// Fills the report with a row for every app in every environment that was asked for, or that there is.
///
/// # Errors
/// The infra-repo cannot be read, or nothing that was asked for is there.
pub(super) async fn status(
    repo: &dyn InfraRepo,
    settings: &Settings,
    ports: Ports<'_>,
    argocd: Option<&dyn Observe>,
    report: &mut Report,
) -> Result<(), Fault> {
    let tip = repo.tip().await?;
    let config = config(repo, &tip.commit).await?;
    let targets = targets(repo, settings, config.as_ref(), &tip).await?;
    let history = repo.history(&tip.commit, LOOK_BACK).await?;
    for (request, target) in &targets {
        let layout = layout(settings, request, config.as_ref());
        let (file, format) = match find(repo, &tip, &layout, target).await? {
            Ok(found) => found,
            Err(why) => {
                ports.journal.warn(why);
                continue;
            }
        };
        let text = repo
            .read(&tip.commit, std::slice::from_ref(&file))
            .await?
            .into_iter()
            .flatten()
            .next();
        let pins = match format.pins(text.as_deref().unwrap_or_default()) {
            Ok(pins) => pins,
            Err(fault) => {
                ports.journal.warn(format!("{file}: {fault}"));
                continue;
            }
        };
        let mut row = row(target, &pins);
        if let Some(commit) = changed_by(&history, file.as_str(), &pins) {
            since(&mut row, commit, ports.clock);
        }
        if let Some(observe) = argocd {
            runs(&mut row, target, observe, ports).await;
        }
        report.status.push(row);
    }
    compare(&mut report.status);
    report.infra_repo = Some(InfraRepoRow {
        url: repo.url(),
        branch: tip.branch.to_string(),
        base: tip.commit.to_string(),
        commit: Some(tip.commit.to_string()),
        attempts: 0,
    });
    report.end(Outcome::Ok);
    report.reason = format!("{} at {} of {}", tip.branch, tip.commit.short(), repo.url());
    Ok(())
}

/// Returns what was asked for, but for one app only.
pub(super) fn request_of(settings: &Settings, app: AppName) -> Request {
    Request {
        apps: vec![app],
        ..settings.request.clone()
    }
}

pub(super) fn layout<'a>(settings: &Settings, request: &'a Request, config: Option<&'a Config>) -> Layout<'a> {
    Layout {
        request,
        policy: settings.policy,
        config,
    }
}

/// Returns the targets that were asked for, or that there are, each with a request of its own.
async fn targets(
    repo: &dyn InfraRepo,
    settings: &Settings,
    config: Option<&Config>,
    tip: &Tip,
) -> Result<Vec<(Request, Target)>, Fault> {
    let mut targets = Vec::new();
    for (app, environment) in pairs(repo, settings, config, tip).await? {
        let request = request_of(settings, app);
        let found = layout(settings, &request, config).targets(&[environment]);
        let found = found.map_err(|mistakes| Fault::mistakes(&mistakes))?;
        targets.extend(found.into_iter().map(|target| (request.clone(), target)));
    }
    Ok(targets)
}

/// Returns the apps and environments that were asked for, or those that there are.
///
/// # Errors
/// The infra-repo cannot be read, or there is none.
pub(super) async fn pairs(
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

fn row(target: &Target, pins: &[Pin]) -> StatusRow {
    let pinned = pins.iter().filter(|pin| pin.new_tag.is_some() || pin.digest.is_some());
    StatusRow {
        app: target.app.to_string(),
        environment: target.environment.to_string(),
        images: pinned.map(Pin::reference).collect(),
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
fn changed_by<'a>(history: &'a [CommitInfo], file: &str, pins: &[Pin]) -> Option<&'a CommitInfo> {
    let lines: Vec<(String, String)> = pins
        .iter()
        .map(|pin| {
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
    row.commit = Some(commit.commit.to_string());
    row.at = Some(commit.at.to_string());
    row.age_seconds = Some(clock.wall().since(commit.at).as_secs());
    row.by = by.map(str::to_owned);
}

/// Asks Argo CD about the applications of a row. One that cannot be read is a warning.
async fn runs(row: &mut StatusRow, target: &Target, observe: &dyn Observe, ports: Ports<'_>) {
    let Applications::Named(names) = &target.applications else {
        ports.journal.warn(format!(
            "{}: `by-source` applications are not shown by `status`",
            target.app
        ));
        return;
    };
    let mut apps: Vec<AppSnapshot> = Vec::new();
    for name in names {
        let Ok(id) = ApplicationId::parse(name) else { continue };
        match observe.application(&id).await {
            Ok(app) => apps.push(app),
            Err(problem) => ports
                .journal
                .warn(problem.fault(&format!("read application {id}")).to_string()),
        }
    }
    let sync = apps
        .iter()
        .map(|app| app.sync)
        .max_by_key(|sync| *sync != SyncState::Synced);
    let health = apps
        .iter()
        .map(|app| app.health)
        .max_by_key(|health| *health != Health::Healthy);
    row.sync = sync.map(|sync| sync.to_string());
    row.health = health.map(|health| health.to_string());
    if !apps.is_empty() {
        let running = |image: &&String| !apps.iter().any(|app| app.images.contains(image));
        row.not_running = row.images.iter().filter(running).cloned().collect();
    }
}

/// Tells each row which environments of its app pin something else.
fn compare(rows: &mut [StatusRow]) {
    let all: Vec<(String, String, Vec<String>)> = rows
        .iter()
        .map(|row| (row.app.clone(), row.environment.clone(), row.images.clone()))
        .collect();
    for row in rows {
        row.differs_from = all
            .iter()
            .filter(|(app, environment, images)| {
                *app == row.app && *environment != row.environment && *images != row.images
            })
            .map(|(_, environment, _)| environment.clone())
            .collect();
    }
}
