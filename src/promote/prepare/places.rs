//! Which apps in which environments a command that reads is about: those that were asked for, or those that there are.

use crate::infrarepo::{InfraRepo, Tip};
use crate::model::{AppName, EnvironmentName, Fault};
use crate::plan::{Config, DEFAULT_PATH, Select};

use crate::promote::prepare::snapshot::existing;

/// Returns what was asked for, but for one app only.
pub(in crate::promote) fn of_app(asked: &Select, app: AppName) -> Select {
    Select {
        apps: vec![app],
        ..asked.clone()
    }
}

/// Returns the apps and environments that were asked for, or those that there are.
///
/// # Errors
/// The infra-repo cannot be read, or there is none.
pub(in crate::promote) async fn pairs(
    repo: &dyn InfraRepo,
    asked: &Select,
    config: Option<&Config>,
    tip: &Tip,
) -> Result<Vec<(AppName, EnvironmentName)>, Fault> {
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
pub(in crate::promote) async fn there_are(
    repo: &dyn InfraRepo,
    asked: &Select,
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
