//! Where an app's overlay and applications are in each environment: templates filled, promote.yaml and inputs joined.

use crate::assess::gate::Skips;
use crate::manifest::{Options, format as format_of};
use crate::model::{
    AppName, BranchName, ClusterName, EnvironmentName, PinChange, RepoPath, Repository, Syntax, nearest,
};

use super::filling::{Applications, CLUSTER, Filling};
use super::{Allow, Config, ResolvedPolicy, Select};

/// The default template of an overlay's folder.
pub const DEFAULT_PATH: &str = "apps/{app}/overlays/{environment}";
/// The default template of an application.
pub const DEFAULT_APPLICATION: &str = "{app}-{environment}";
/// The name of the format that needs no configuration.
pub const KUSTOMIZE: &str = "kustomize";

/// One app in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub environment: EnvironmentName,
    /// The cluster that it is for, where `path` names one for each.
    pub cluster: Option<ClusterName>,
    /// The branch that the environment has for itself.
    pub branch: Option<BranchName>,
    /// What `path` names: the overlay's folder, or with other formats than kustomize a file.
    pub folder: RepoPath,
    /// The environment's own folder, where the environment was not asked for: it is `folder`, or includes it, so that a change reaches it.
    pub reached: Option<RepoPath>,
    /// How its files are read.
    pub syntax: Syntax,
    /// The applications that deploy it.
    pub applications: Applications,
    /// How they are followed.
    pub policy: ResolvedPolicy,
    /// The images that `tag`, `digest` and `from` are about; empty = the overlay's only one.
    pub images: Vec<Repository>,
    /// The exceptions that hold here.
    pub allow: Allow,
}

impl Place {
    /// Whether a pin is one of this place.
    #[must_use]
    pub fn has(&self, pin: &PinChange) -> bool {
        self.app == pin.app && self.environment == pin.environment && self.cluster == pin.cluster
    }
}

/// Where inputs and promote.yaml put things.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The inputs.
    pub select: &'a Select,
    /// The exceptions that the inputs ask for.
    pub allow: Allow,
    /// promote.yaml, if the infra-repo has one.
    pub config: Option<&'a Config>,
}

impl Layout<'_> {
    /// Returns every given app in every one of `environments`.
    ///
    /// # Errors
    /// Every mistake: inputs that promote.yaml decides alone, an environment it does not know, a template that cannot be filled.
    pub fn targets(&self, environments: &[EnvironmentName]) -> Result<Vec<Place>, Vec<String>> {
        let mut mistakes = self.conflicts();
        let mut targets = Vec::new();
        for environment in environments {
            if let Some(unknown) = self.unknown(environment) {
                mistakes.push(unknown);
                continue;
            }
            for app in &self.select.apps {
                let clusters = self.clusters(app, environment);
                for cluster in clusters {
                    match self.target(app, environment, cluster) {
                        Ok(target) => targets.push(target),
                        Err(why) => mistakes.extend(why),
                    }
                }
            }
        }
        if mistakes.is_empty() {
            Ok(targets)
        } else {
            Err(mistakes)
        }
    }

    /// Returns the clusters that an app has a place of its own for in an environment; only `None` where one place is for all.
    fn clusters(&self, app: &AppName, environment: &EnvironmentName) -> Vec<Option<&ClusterName>> {
        let known = self.known_clusters(environment);
        if known.is_empty() || !self.path(app, environment).contains(CLUSTER) {
            return vec![None];
        }
        known.iter().map(Some).collect()
    }

    fn known_clusters(&self, environment: &EnvironmentName) -> &[ClusterName] {
        let here = self.config.and_then(|config| config.environment(environment));
        here.map(|here| here.clusters.as_slice()).unwrap_or_default()
    }

    /// Returns the template of an overlay's folder.
    #[must_use]
    pub fn path(&self, app: &AppName, environment: &EnvironmentName) -> &str {
        self.template(Some(app), Some(environment))
    }

    /// The same where the app or the environment is not known.
    #[must_use]
    pub fn template(&self, app: Option<&AppName>, environment: Option<&EnvironmentName>) -> &str {
        let config = self.config;
        let own = config.and_then(|config| config.apps.get(app?)?.path.as_deref());
        let here = config.and_then(|config| config.environment(environment?)?.path.as_deref());
        own.or(here)
            .or_else(|| config?.path.as_deref())
            .or(self.select.path.as_deref())
            .unwrap_or(DEFAULT_PATH)
    }

    /// Returns the name of the format of an app in an environment, each where it is known.
    #[must_use]
    pub fn format(&self, app: Option<&AppName>, environment: Option<&EnvironmentName>) -> &str {
        let config = self.config;
        let own = config.and_then(|config| config.apps.get(app?)?.format.as_deref());
        let here = config.and_then(|config| config.environment(environment?)?.format.as_deref());
        own.or(here)
            .or_else(|| config?.format.as_deref())
            .or(self.select.format.as_deref())
            .unwrap_or(KUSTOMIZE)
    }

    /// Returns the branch of an environment that has one of its own: promote.yaml's, else by the template of the input.
    #[must_use]
    pub fn branch(&self, environment: &EnvironmentName) -> Option<BranchName> {
        let here = self.config.and_then(|config| config.environment(environment));
        if let Some(branch) = here.and_then(|here| here.branch.clone()) {
            return Some(branch);
        }
        let template = self.select.branch.as_ref()?;
        let filled = template.replace("{environment}", environment.as_str());
        BranchName::parse(&filled).ok().filter(|_| filled != *template)
    }

    /// With a promote.yaml the layout comes from it alone.
    fn conflicts(&self) -> Vec<String> {
        if self.config.is_none() {
            return Vec::new();
        }
        let given = [
            ("path", self.select.path.is_some()),
            ("format", self.select.format.is_some()),
            ("application", self.select.applications.is_some()),
        ];
        given
            .iter()
            .filter(|(_, given)| *given)
            .map(|(input, _)| {
                format!("`{input}` is given, but the infra-repo has a promote.yaml: the layout comes from it alone (drop the input)")
            })
            .collect()
    }

    fn unknown(&self, environment: &EnvironmentName) -> Option<String> {
        let known = &self.config?.environments;
        if known.is_empty() || known.iter().any(|other| other.name == *environment) {
            return None;
        }
        let names = || known.iter().map(|other| other.name.as_str());
        let meant =
            nearest(environment.as_str(), names()).map_or_else(String::new, |name| format!("; did you mean {name}?"));
        Some(format!(
            "unknown environment {environment}: promote.yaml has {}{meant}",
            names().collect::<Vec<_>>().join(", ")
        ))
    }

    fn target(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        cluster: Option<&ClusterName>,
    ) -> Result<Place, Vec<String>> {
        let here = self.config.and_then(|config| config.environment(environment));
        let of_app = self.config.and_then(|config| config.apps.get(app));
        let mut mistakes = Vec::new();
        let allow = self.allow(environment, &mut mistakes);
        let template = self.path(app, environment);
        let filling = Filling {
            app,
            environment,
            cluster,
            clusters: self.known_clusters(environment),
            waves: here.map(|here| here.waves.as_slice()).unwrap_or_default(),
        };
        let folder = (filling.fill(template, cluster))
            .and_then(|path| RepoPath::parse(&path).map_err(|why| format!("is {path:?}, which {why}")))
            .map_err(|why| {
                mistakes.push(format!("`path` {template:?} for {app} in {environment} {why}"));
            });
        let templates = of_app
            .and_then(|app| app.applications.clone())
            .or_else(|| here?.applications.clone())
            .or_else(|| self.config?.applications.clone())
            .or_else(|| self.select.applications.clone())
            .unwrap_or_else(|| vec![DEFAULT_APPLICATION.to_owned()]);
        let applications = filling.applications(&templates).map_err(|why| {
            let given = templates.join(", ");
            mistakes.push(format!("`application` {given:?} for {app} in {environment} {why}"));
        });
        let images = of_app.map(|app| app.images.clone()).unwrap_or_default();
        match (folder, applications) {
            (Ok(folder), Ok(applications)) if mistakes.is_empty() => Ok(Place {
                syntax: self.syntax(app, environment, &applications, &images),
                app: app.clone(),
                environment: environment.clone(),
                cluster: cluster.cloned(),
                branch: self.branch(environment),
                folder,
                reached: None,
                applications,
                policy: self
                    .select
                    .policy
                    .or(here.map(|here| here.policy).unwrap_or_default())
                    .resolve(),
                images,
                allow,
            }),
            _ => Err(mistakes),
        }
    }

    /// How the files of an app are read in an environment.
    fn syntax(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        applications: &Applications,
        images: &[Repository],
    ) -> Syntax {
        let format = self.format(Some(app), Some(environment));
        let app = self.config.and_then(|config| config.apps.get(app));
        let here = self.config.and_then(|config| config.environment(environment));
        let keys = app
            .and_then(|app| app.keys.as_ref())
            .or_else(|| here?.keys.as_ref())
            .or_else(|| self.config?.keys.as_ref());
        let default = Syntax::default();
        Syntax {
            format: format_of(format).unwrap_or(default.format),
            options: Options {
                keys: keys.cloned().unwrap_or_default(),
                images: images.iter().map(ToString::to_string).collect(),
                applications: match applications {
                    Applications::Named(all) => all.iter().map(|one| one.name.clone()).collect(),
                    Applications::BySource { .. } => Vec::new(),
                },
            },
        }
    }

    /// With a promote.yaml only those exceptions hold that the environment lists.
    fn allow(&self, environment: &EnvironmentName, mistakes: &mut Vec<String>) -> Allow {
        let asked = self.allow;
        let Some(config) = self.config else {
            for word in asked.skip.without(Skips::default()) {
                mistakes.push(format!(
                    "`allow` has {word}, but the infra-repo has no promote.yaml whose environment {environment} lists it in `allow`"
                ));
            }
            return asked;
        };
        let listed = config
            .environment(environment)
            .map(|here| here.allow)
            .unwrap_or_default();
        let pairs = [
            ("mutable-tag", asked.mutable_tag, listed.mutable_tag),
            ("new-entry", asked.new_entry, listed.new_entry),
            ("replace-canary", asked.replace_canary, listed.replace_canary),
            ("hold", asked.hold, listed.hold),
        ];
        let skips = asked
            .skip
            .without(listed.skip)
            .into_iter()
            .map(|word| (word, true, false));
        for (word, asked, listed) in pairs.into_iter().chain(skips) {
            if asked && !listed {
                mistakes.push(format!(
                    "`allow` has {word}, but promote.yaml does not list it in `allow` of the environment {environment}"
                ));
            }
        }
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BY_SOURCE, Named};

    fn names<T>(texts: &[&str], parse: fn(&str) -> Result<T, String>) -> Vec<T> {
        texts.iter().map(|text| parse(text).unwrap()).collect()
    }

    fn called(texts: &[&str]) -> Applications {
        let one = |name: &&str| Named {
            name: (*name).to_owned(),
            wave: 0,
        };
        Applications::Named(texts.iter().map(one).collect())
    }

    fn select() -> Select {
        Select {
            apps: names(&["api", "web"], AppName::parse),
            environments: names(&["dev"], EnvironmentName::parse),
            ..Select::default()
        }
    }

    fn targets(select: &Select, config: Option<&Config>) -> Result<Vec<Place>, Vec<String>> {
        let layout = Layout {
            select,
            allow: Allow::default(),
            config,
        };
        layout.targets(&select.environments)
    }

    #[test]
    fn the_standard_layout_needs_no_configuration() {
        let targets = targets(&select(), None).unwrap();
        assert_eq!(targets.len(), 2);
        assert_eq!(targets[0].folder.as_str(), "apps/api/overlays/dev");
        assert_eq!(targets[1].applications, called(&["web-dev"]));
    }

    #[test]
    fn a_path_that_leaves_the_repository_is_refused() {
        for path in ["../{app}", "/{app}", ".git/{app}", ".github/workflows", "x/{cluster}"] {
            let select = Select {
                path: Some(path.to_owned()),
                ..select()
            };
            assert!(targets(&select, None).is_err(), "{path}");
        }
    }

    #[test]
    fn promote_yaml_decides_the_layout_alone() {
        let config =
            Config::parse(b"version: 1\nlayout: {path: \"k8s/{environment}/{app}\"}\nenvironments: [{name: dev}]\n")
                .unwrap();
        assert_eq!(
            targets(&select(), Some(&config)).unwrap()[0].folder.as_str(),
            "k8s/dev/api"
        );
        let given = Select {
            path: Some("x/{app}".to_owned()),
            ..select()
        };
        assert!(targets(&given, Some(&config)).unwrap_err()[0].contains("`path` is given"));
    }

    #[test]
    fn an_environment_that_promote_yaml_lacks_gets_the_nearest_name() {
        let config = Config::parse(b"version: 1\nenvironments: [{name: staging}, {name: production}]\n").unwrap();
        let select = Select {
            environments: names(&["stagin"], EnvironmentName::parse),
            ..select()
        };
        let said = targets(&select, Some(&config)).unwrap_err();
        assert!(said[0].contains("did you mean staging?"), "{said:?}");
    }

    #[test]
    fn an_exception_must_be_listed_by_the_environment() {
        let config = Config::parse(b"version: 1\nenvironments: [{name: dev, allow: [mutable-tag]}]\n").unwrap();
        let both = Allow {
            mutable_tag: true,
            new_entry: true,
            ..Allow::default()
        };
        let layout = Layout {
            select: &select(),
            allow: both,
            config: Some(&config),
        };
        let said = layout.targets(&select().environments).unwrap_err();
        assert!(said.iter().all(|one| one.contains("new-entry")), "{said:?}");
    }

    #[test]
    fn by_source_stands_alone() {
        let mixed = vec![BY_SOURCE.to_owned(), "x".to_owned()];
        assert!(
            targets(
                &Select {
                    applications: Some(mixed),
                    ..select()
                },
                None
            )
            .is_err()
        );
        let alone = Some(vec![BY_SOURCE.to_owned()]);
        let found = targets(
            &Select {
                applications: alone,
                ..select()
            },
            None,
        )
        .unwrap();
        assert_eq!(found[0].applications, Applications::BySource { wave: 0 });
    }
}
