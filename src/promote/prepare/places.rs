//! Which apps in which environments a command that reads is about: those that were asked for, or those that there are.

use crate::infrarepo::{InfraRepo, Tip};
use crate::model::{AppName, BranchName, EnvironmentName, Fault};
use crate::plan::{Allow, Config, KUSTOMIZE, Layout, Select};

use crate::promote::prepare::branches::Tips;
use crate::promote::prepare::existing::existing;
use crate::promote::prepare::names::Names;

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
/// The infra-repo cannot be read, it has no such name, or there is none.
pub(in crate::promote) async fn pairs(
    repo: &dyn InfraRepo,
    asked: &Select,
    config: Option<&Config>,
    tip: &Tip,
) -> Result<Vec<(AppName, EnvironmentName)>, Fault> {
    let mut pairs = Vec::new();
    if asked.apps.is_empty() || asked.environments.is_empty() {
        pairs = there_are(repo, asked, config, tip).await?;
        Names::new(repo, tip, &pairs, config).check_select(asked)?;
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

/// Returns every app and environment that has an overlay: apps by name, environments in their order in promote.yaml, or in the usual order.
pub(in crate::promote) async fn there_are(
    repo: &dyn InfraRepo,
    asked: &Select,
    config: Option<&Config>,
    tip: &Tip,
) -> Result<Vec<(AppName, EnvironmentName)>, Fault> {
    let tips = Tips::new(repo, tip);
    let mut pairs: Vec<(AppName, EnvironmentName)> = Vec::new();
    for search in searches(asked, config) {
        let at = tips.on(search.branch.as_ref()).await?.commit;
        for place in existing(repo, &at, &search.template, search.files).await? {
            let app = search.app.clone().or(place.app);
            let environment = search.environment.clone().or(place.environment);
            let (Some(app), Some(environment)) = (app, environment) else {
                continue;
            };
            // Where an app has a template of its own, no other says where it is.
            let own = config.and_then(|config| config.apps.get(&app)?.path.as_ref());
            let pair = (app, environment);
            if (own.is_none() || search.app.is_some()) && !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
    }
    let known = config.map(|config| config.environments.as_slice()).unwrap_or_default();
    let order = |name: &EnvironmentName| known.iter().position(|environment| environment.name == *name);
    pairs.sort_by_key(|(app, environment)| {
        let order = order(environment).unwrap_or_else(|| usual_order(environment.as_str()));
        (app.clone(), order, environment.clone())
    });
    Ok(pairs)
}

/// Returns where an environment usually stands in the order of promotion, by its name; before production where the name does not say.
fn usual_order(name: &str) -> usize {
    const ORDER: [&[&str]; 3] = [&["dev"], &["test", "qa", "int"], &["stag", "stg", "uat", "preprod"]];
    const LAST: [&str; 2] = ["prod", "live"];
    let begins = |with: &[&str]| with.iter().any(|begin| name.starts_with(begin));
    if begins(&LAST) {
        return ORDER.len() + 1;
    }
    ORDER.iter().position(|names| begins(names)).unwrap_or(ORDER.len())
}

/// What is looked for: the places that fit a template.
struct Search {
    template: String,
    /// Whether its last part can be a file.
    files: bool,
    /// The app, where the template is that of one.
    app: Option<AppName>,
    /// The environment, where it is known.
    environment: Option<EnvironmentName>,
    /// The branch that they are on, where it is not the base.
    branch: Option<BranchName>,
}

/// Returns what is looked for: for each known environment and cluster, or wherever the placeholders fit.
fn searches(asked: &Select, config: Option<&Config>) -> Vec<Search> {
    let none = Config::default();
    let known = config.unwrap_or(&none);
    let layout = Layout {
        select: asked,
        allow: Allow::default(),
        config,
    };
    let mut all = Vec::new();
    let own = known
        .apps
        .iter()
        .filter(|(_, app)| app.path.is_some() || app.format.is_some());
    let apps: Vec<Option<&AppName>> = std::iter::once(None).chain(own.map(|(name, _)| Some(name))).collect();
    for app in apps {
        let files = |environment: Option<&EnvironmentName>| layout.format(app, environment) != KUSTOMIZE;
        if known.environments.is_empty() {
            all.push(Search {
                template: with_app(layout.template(app, None), app),
                files: files(None),
                app: app.cloned(),
                environment: None,
                branch: None,
            });
        }
        for here in &known.environments {
            let template = with_app(layout.template(app, Some(&here.name)), app);
            let template = template.replace("{environment}", here.name.as_str());
            let clusters = here.clusters.iter().filter(|_| template.contains("{cluster}"));
            let mut templates: Vec<String> = clusters
                .map(|cluster| template.replace("{cluster}", cluster.as_str()))
                .collect();
            if templates.is_empty() {
                templates.push(template);
            }
            all.extend(templates.into_iter().map(|template| Search {
                template,
                files: files(Some(&here.name)),
                app: app.cloned(),
                environment: Some(here.name.clone()),
                branch: layout.branch(&here.name),
            }));
        }
    }
    all
}

fn with_app(template: &str, app: Option<&AppName>) -> String {
    app.map_or_else(|| template.to_owned(), |app| template.replace("{app}", app.as_str()))
}

#[cfg(test)]
mod tests {
    use super::usual_order;

    #[test]
    fn environments_stand_in_the_order_of_promotion() {
        let mut names = ["production", "eu", "staging", "dev", "live", "test"];
        names.sort_by_key(|name| usual_order(name));
        assert_eq!(names, ["dev", "test", "staging", "eu", "production", "live"]);
    }
}
