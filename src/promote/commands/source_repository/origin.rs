//! Where the images of a promotion come from: the repository, the commit, and the GitHub environment that a deployment of it is for.

use crate::githost::Source;
use crate::model::{Fault, Parts};
use crate::plan::Environment;
use crate::report::{ChangeRow, Report};

use super::{Made, SourceRepository};

/// Pins that one deployment is for.
pub(super) struct Group<'r> {
    /// The source as `owner/name`.
    pub(super) repository: String,
    /// The GitHub environment.
    pub(super) environment: String,
    pub(super) pins: Vec<&'r ChangeRow>,
}

impl SourceRepository<'_> {
    /// Returns the pins of each source repository and GitHub environment.
    pub(super) fn groups<'r>(&self, report: &'r Report) -> Vec<Group<'r>> {
        let mut groups: Vec<Group<'r>> = Vec::new();
        for (repository, pins) in self.by_repository(report) {
            for pin in pins {
                let environment = self.environment(pin);
                let same = |group: &&mut Group<'_>| group.repository == repository && group.environment == environment;
                if let Some(group) = groups.iter_mut().find(same) {
                    group.pins.push(pin);
                } else {
                    groups.push(Group {
                        repository: repository.clone(),
                        environment: environment.to_owned(),
                        pins: vec![pin],
                    });
                }
            }
        }
        groups
    }

    /// Returns the pins of each source repository.
    pub(super) fn by_repository<'r>(&self, report: &'r Report) -> Vec<(String, Vec<&'r ChangeRow>)> {
        let mut found: Vec<(String, Vec<&ChangeRow>)> = Vec::new();
        for pin in &report.pins {
            let repository = self.repository(&pin.app);
            match found.iter_mut().find(|(known, _)| *known == repository) {
                Some((_, pins)) => pins.push(pin),
                None => found.push((repository, vec![pin])),
            }
        }
        found
    }

    /// Returns the repository that an app is built from: the one that promote.yaml names, else that of the run.
    fn repository(&self, app: &str) -> String {
        let apps = self.config.iter().flat_map(|config| &config.apps);
        let named = apps
            .filter(|(name, _)| name.as_str() == app)
            .find_map(|(_, app)| app.source.clone());
        named.unwrap_or_else(|| self.run.place.repository())
    }

    /// Whether a repository is that of the run.
    pub(super) fn is_own(&self, repository: &str) -> bool {
        repository.eq_ignore_ascii_case(&self.run.place.repository())
    }

    /// Returns the GitHub environment of a pin.
    fn environment<'p>(&'p self, pin: &'p ChangeRow) -> &'p str {
        let is_of = |environment: &&Environment| environment.name.as_str() == pin.environment;
        let here = self.config.iter().flat_map(|config| &config.environments).find(is_of);
        let named = here.and_then(|here| here.gates.github_environment.as_deref());
        self.run.environment_of(named, &pin.environment)
    }

    /// Returns the page of the first application that a deployment is about.
    pub(super) fn url(&self, report: &Report, made: &Made) -> Option<String> {
        let is_here =
            |pin: &&ChangeRow| self.environment(pin) == made.new.environment && made.new.apps.contains(&pin.app);
        let here: Vec<&str> = report
            .pins
            .iter()
            .filter(is_here)
            .map(|pin| pin.environment.as_str())
            .collect();
        let mut rows = report
            .applications
            .iter()
            .filter(|row| here.contains(&row.environment.as_str()));
        rows.next().map(|row| row.url.clone())
    }

    /// Returns the commit that the images were built from: the one that a tag names, else that of the run if it is of the same repository.
    ///
    /// # Errors
    /// GitHub gives no answer, or no commit is known.
    pub(super) async fn source_commit(
        &self,
        source: &dyn Source,
        repository: &str,
        pins: &[&ChangeRow],
    ) -> Result<String, Fault> {
        let own = self.run.commit.clone().filter(|_| self.is_own(repository));
        for pin in pins {
            let image = Parts::of(&pin.after);
            let Some(tag) = image.tag else { continue };
            // docker/metadata-action writes `sha-` before the commit.
            let name = tag.strip_prefix("sha-").unwrap_or(tag);
            let is_sha = (7..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            if let Some(own) = own.as_ref().filter(|own| is_sha && own.starts_with(name)) {
                return Ok(own.clone());
            }
            if let Some(commit) = source.commit(name).await? {
                return Ok(commit.to_string());
            }
        }
        own.ok_or_else(|| {
            Fault::refused(format!(
                "{repository} has no commit that the tag of the image names, as far as `github-token` can read"
            ))
            .hint("set `github-token` to a token that can read that repository, and use a commit as tag")
        })
    }
}
