//! The names of apps and environments that an infra-repo has, and the nearest to one that it does not have.

use crate::infrarepo::{InfraRepo, Tip};
use crate::model::{AppName, EnvironmentName, Fault, nearest};
use crate::plan::{Config, Select};

/// So many names are listed where none comes near.
const LISTED: usize = 20;

/// The names that an infra-repo has, each once.
pub(in crate::promote) struct Names {
    apps: Vec<String>,
    environments: Vec<String>,
    /// Where they were looked for.
    place: String,
}

impl Names {
    /// Collects the names of overlays or records, and those of promote.yaml.
    pub(in crate::promote) fn new(
        repo: &dyn InfraRepo,
        tip: &Tip,
        pairs: &[(AppName, EnvironmentName)],
        config: Option<&Config>,
    ) -> Self {
        let apps = pairs.iter().map(|(app, _)| app);
        let apps = apps.chain(config.iter().flat_map(|config| config.apps.keys()));
        let environments = pairs.iter().map(|(_, environment)| environment);
        let listed = config.iter().flat_map(|config| &config.environments);
        let environments = environments.chain(listed.map(|environment| &environment.name));
        Self {
            apps: sorted(apps.map(ToString::to_string)),
            environments: sorted(environments.map(ToString::to_string)),
            place: format!("{} at {} ({})", repo.url(), tip.branch, tip.commit.short()),
        }
    }

    /// Checks that every name of a selection is there.
    ///
    /// # Errors
    /// `invalid`: as [`Self::check`].
    pub(in crate::promote) fn check_select(&self, select: &Select) -> Result<(), Fault> {
        self.check(
            select.apps.iter().map(AppName::as_str),
            select.environments.iter().map(EnvironmentName::as_str),
        )
    }

    /// Checks that names are there. Where the infra-repo has no app or no environment at all, no name is wrong.
    ///
    /// # Errors
    /// `invalid`: each name that is not there, with the nearest that is.
    pub(in crate::promote) fn check<'a>(
        &self,
        apps: impl Iterator<Item = &'a str>,
        environments: impl Iterator<Item = &'a str>,
    ) -> Result<(), Fault> {
        let apps = apps.filter_map(|name| self.mistake("app", name, &self.apps));
        let environments = environments.filter_map(|name| self.mistake("environment", name, &self.environments));
        let mistakes: Vec<String> = apps.chain(environments).collect();
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(Fault::mistakes(&mistakes).hint("check `app`, `environment` and `path`"))
        }
    }

    fn mistake(&self, what: &str, name: &str, known: &[String]) -> Option<String> {
        if known.is_empty() || known.iter().any(|one| one == name) {
            return None;
        }
        let right = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!(
                "it has {}",
                known.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ")
            ),
        };
        Some(format!("no {what} {name} in {}: {right}", self.place))
    }
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}
