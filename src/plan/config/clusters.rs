//! Where an environment is: its branch, its clusters, and the waves in which they are synced.

use super::keys::{Key, Shape, Value, key, leaf};
use super::{Environment, FILE, Mistakes};
use crate::model::{BranchName, ClusterName};

/// The keys of an environment that are about its branch and its clusters.
pub(super) fn keys() -> [Key<Environment>; 3] {
    [
        leaf(
            "branch",
            Value::Text,
            "the branch of the infra-repo that the environment is on, where it is not the one that promote.yaml is on; can have `{environment}`",
            |environment: &mut Environment, node, mistakes| {
                let name = environment.name.clone();
                environment.branch = mistakes.parsed("branch", node, |text| {
                    BranchName::parse(&text.replace("{environment}", name.as_str()))
                });
            },
        ),
        leaf(
            "clusters",
            Value::Texts,
            "the clusters of the environment: `path` and `application` can have `{cluster}`, which stands for each of them",
            |environment: &mut Environment, node, mistakes| {
                environment.clusters = mistakes.each("clusters", node, ClusterName::parse);
            },
        ),
        key(
            "waves",
            Shape::List(Box::new(Shape::Leaf(Value::Texts))),
            "lists of `clusters`: promote syncs one list after the other, each when the one before is live; for applications without automated sync",
            |environment: &mut Environment, node, mistakes| {
                let waves = mistakes.list("waves", node);
                let read = waves
                    .iter()
                    .map(|wave| mistakes.each("waves", wave, ClusterName::parse));
                environment.waves = read.collect();
            },
        ),
    ]
}

/// Notes what does not fit: every cluster is in exactly one wave.
pub(super) fn check(line: usize, environment: &Environment, mistakes: &mut Mistakes) {
    let Environment {
        name, clusters, waves, ..
    } = environment;
    let mut wrong = |why: String| {
        mistakes
            .0
            .push(format!("{FILE}: environment {name} on line {line} {why}"));
    };
    for (at, cluster) in clusters.iter().enumerate() {
        if clusters.iter().take(at).any(|other| other == cluster) {
            wrong(format!("has the cluster {cluster} twice"));
        }
    }
    if waves.is_empty() {
        return;
    }
    if clusters.is_empty() {
        return wrong("has `waves` without `clusters`: list the clusters first".to_owned());
    }
    if waves.iter().any(Vec::is_empty) {
        wrong("has an empty wave".to_owned());
    }
    for cluster in waves.iter().flatten().filter(|cluster| !clusters.contains(cluster)) {
        wrong(format!("has {cluster} in `waves`, which is not in `clusters`"));
    }
    for cluster in clusters {
        match waves.iter().flatten().filter(|one| *one == cluster).count() {
            0 => wrong(format!("has {cluster} in no wave: every cluster must be in one")),
            1 => {}
            _ => wrong(format!(
                "has {cluster} in `waves` twice: every cluster must be in one wave"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::Config;

    fn said(keys: &str) -> String {
        let text = format!("version: 1\nenvironments: [{{name: prod, {keys}}}]\n");
        Config::parse(text.as_bytes()).map_or_else(|mistakes| mistakes.join("\n"), |_| String::new())
    }

    #[test]
    fn every_cluster_is_in_one_wave() {
        assert_eq!(said("clusters: [eu, us, ap], waves: [[eu], [us, ap]]"), "");
        assert_eq!(said("clusters: [eu, us]"), "");
        for (keys, words) in [
            ("waves: [[eu]]", "`waves` without `clusters`"),
            ("clusters: [eu, us], waves: [[eu]]", "us in no wave"),
            (
                "clusters: [eu], waves: [[eu], [us]]",
                "us in `waves`, which is not in `clusters`",
            ),
            ("clusters: [eu, us], waves: [[eu], [us, eu]]", "eu in `waves` twice"),
            ("clusters: [eu], waves: [[eu], []]", "an empty wave"),
            ("clusters: [eu, eu]", "the cluster eu twice"),
            (
                "clusters: [eu], waves: [eu]",
                "`waves` (promote.yaml, line 2) must be a list",
            ),
        ] {
            assert!(said(keys).contains(words), "{keys}: {}", said(keys));
        }
    }
}
