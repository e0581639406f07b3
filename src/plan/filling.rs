//! Templates of places filled: one application for each, or for each cluster, with its wave.

use crate::model::{AppName, ClusterName, EnvironmentName};

/// Instead of a template: every application whose source is this repository, branch and path.
pub const BY_SOURCE: &str = "by-source";

/// The applications of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applications {
    /// These.
    Named(Vec<Named>),
    /// Whatever has this repository, branch and path as its source.
    BySource {
        /// In which of the environment's waves they are synced, from 0.
        wave: usize,
    },
}

/// An application by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name, as `[namespace/]name`.
    pub name: String,
    /// In which of the environment's waves it is synced, from 0.
    pub wave: usize,
}

/// The placeholder of the cluster's name.
pub(super) const CLUSTER: &str = "{cluster}";

/// What templates are filled with.
pub(super) struct Filling<'a> {
    pub(super) app: &'a AppName,
    pub(super) environment: &'a EnvironmentName,
    /// The cluster whose place it is, where each has its own.
    pub(super) cluster: Option<&'a ClusterName>,
    /// All clusters of the environment.
    pub(super) clusters: &'a [ClusterName],
    /// The order in which they are synced; empty: all at once.
    pub(super) waves: &'a [Vec<ClusterName>],
}

impl Filling<'_> {
    /// Fills a template.
    pub(super) fn fill(&self, template: &str, cluster: Option<&ClusterName>) -> Result<String, String> {
        let mut filled = template
            .replace("{app}", self.app.as_str())
            .replace("{environment}", self.environment.as_str());
        if let Some(cluster) = cluster {
            filled = filled.replace(CLUSTER, cluster.as_str());
        }
        match filled.find(['{', '}']) {
            Some(at) => Err(format!(
                "has {:?}: a template knows {{app}}, {{environment}} and, where promote.yaml lists `clusters` of the environment, {{cluster}}",
                filled.get(at..).unwrap_or_default()
            )),
            None => Ok(filled),
        }
    }

    /// Returns the applications of a place: one for each template, or for each cluster that the place is for.
    pub(super) fn applications(&self, templates: &[String]) -> Result<Applications, String> {
        match templates {
            [] => return Err("is empty".to_owned()),
            [one] if one == BY_SOURCE => return self.by_source(),
            more if more.iter().any(|one| one == BY_SOURCE) => {
                return Err(format!("has {BY_SOURCE} together with names: use one or the other"));
            }
            _ => {}
        }
        let mut all: Vec<Named> = Vec::new();
        for template in templates {
            for (cluster, wave) in self.clusters_of(template)? {
                let name = self.fill(template, cluster)?;
                let parts: Vec<&str> = name.split('/').collect();
                if parts.len() > 2 || !parts.iter().all(|part| is_object_name(part)) {
                    return Err(format!(
                        "is {name:?}: it must be [namespace/]name, of lower-case letters, digits, `-` and `.`"
                    ));
                }
                if all.iter().all(|known| known.name != name) {
                    all.push(Named { name, wave });
                }
            }
        }
        all.sort_by_key(|one| one.wave);
        Ok(Applications::Named(all))
    }

    /// Returns the clusters that a template of an application stands for, each with its wave.
    fn clusters_of(&self, template: &str) -> Result<Vec<(Option<&ClusterName>, usize)>, String> {
        let has_cluster = template.contains(CLUSTER);
        match self.cluster {
            Some(cluster) if has_cluster => Ok(vec![(Some(cluster), self.wave(cluster))]),
            Some(_) => Err("has no {cluster}, which `path` has: each cluster has an application of its own".to_owned()),
            None if has_cluster && !self.clusters.is_empty() => {
                let each = self.clusters.iter();
                Ok(each.map(|cluster| (Some(cluster), self.wave(cluster))).collect())
            }
            None if self.waves.is_empty() => Ok(vec![(None, 0)]),
            None => Err(self.without_wave()),
        }
    }

    fn by_source(&self) -> Result<Applications, String> {
        match self.cluster {
            Some(cluster) => Ok(Applications::BySource {
                wave: self.wave(cluster),
            }),
            None if self.waves.is_empty() => Ok(Applications::BySource { wave: 0 }),
            None => Err(self.without_wave()),
        }
    }

    fn without_wave(&self) -> String {
        format!(
            "belongs to none of the `waves` of {}: put {{cluster}} into `application`",
            self.environment
        )
    }

    /// Returns the wave of a cluster; without waves there is one.
    fn wave(&self, cluster: &ClusterName) -> usize {
        let found = self.waves.iter().position(|wave| wave.contains(cluster));
        found.unwrap_or_default()
    }
}

/// A Kubernetes object name: RFC 1123, as Argo CD's applications have.
fn is_object_name(name: &str) -> bool {
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= 253
        && name.bytes().next().is_some_and(inside)
        && name.bytes().next_back().is_some_and(inside)
        && name.bytes().all(|b| inside(b) || b == b'-' || b == b'.')
}
