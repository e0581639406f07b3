//! `analyses` of promote.yaml, and what an environment says of them: `verify`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::gates::not_empty;
use super::keys::{Info, Key, Shape, Value, infos, key, leaf};
use super::node::Node;
use super::reader::Mistakes;
use super::{Config, FILE};
use crate::inputs::value;
use crate::model::{RepoPath, nearest};

/// One of `analyses`: a template in the infra-repo, with values for its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnalysisSource {
    /// The file with the template, from the root of the infra-repo.
    pub template: Option<RepoPath>,
    /// The name of the template, where the file has several.
    pub template_name: Option<String>,
    /// Values for its arguments; each can hold `{app}`, `{environment}`, `{image}` and `{tag}`.
    pub args: Vec<(String, String)>,
    /// Where it begins in promote.yaml, from 1.
    pub line: usize,
}

/// What the placeholders in the values of arguments stand for.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// `{app}`.
    pub app: &'a str,
    /// `{environment}`.
    pub environment: &'a str,
    /// `{image}`: the reference.
    pub image: &'a str,
    /// `{tag}`; empty for an image that has only a digest.
    pub tag: &'a str,
}

impl AnalysisSource {
    /// Returns the values of the arguments with the placeholders replaced, in one pass: what a value brings in is not looked at again.
    #[must_use]
    pub fn filled(&self, with: &Filling<'_>) -> Vec<(String, String)> {
        let known = [
            ("{app}", with.app),
            ("{environment}", with.environment),
            ("{image}", with.image),
            ("{tag}", with.tag),
        ];
        let fill = |text: &str| {
            let (mut out, mut rest) = (String::new(), text);
            while let Some(at) = rest.find('{') {
                let (before, after) = rest.split_at(at);
                out.push_str(before);
                let found = known.iter().find(|(name, _)| after.starts_with(name));
                let (text, length) = found.map_or(("{", 1), |(name, value)| (*value, name.len()));
                out.push_str(text);
                rest = after.get(length..).unwrap_or_default();
            }
            out + rest
        };
        self.args
            .iter()
            .map(|(name, text)| (name.clone(), fill(text)))
            .collect()
    }
}

/// `verify` of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verify {
    /// The names of the analyses, each with its line in promote.yaml.
    pub analyses: Vec<(String, usize)>,
    /// How long the applications are watched; `None` = as long as the analyses take.
    pub lasts: Option<Duration>,
}

/// The keys of one of `analyses`.
pub(super) fn analysis() -> Vec<Key<AnalysisSource>> {
    vec![
        leaf(
            "template",
            Value::Text,
            "path of a file of the infra-repo with an Argo Rollouts AnalysisTemplate or ClusterAnalysisTemplate",
            |to: &mut AnalysisSource, node, mistakes| {
                let text = mistakes.text("template", node);
                to.template = text.and_then(|_| mistakes.parsed("template", node, RepoPath::parse));
            },
        )
        .required(),
        leaf(
            "template-name",
            Value::Text,
            "name of the template, if the file has several",
            |to: &mut AnalysisSource, node, mistakes| to.template_name = mistakes.text("template-name", node),
        ),
        key(
            "args",
            Shape::Each(Box::new(Shape::Leaf(Value::Scalar))),
            "values for the template's arguments, by name; each can hold `{app}`, `{environment}`, `{image}` and `{tag}`",
            |to: &mut AnalysisSource, node, mistakes| {
                for (name, _, value) in mistakes.entries("args", node) {
                    let text = mistakes.written(name, value);
                    to.args.extend(text.map(|text| (name.clone(), text)));
                }
            },
        ),
    ]
}

/// The keys of `verify`.
pub(super) fn verify() -> Vec<Key<Verify>> {
    vec![
        leaf(
            "analysis",
            Value::OneOrMore,
            "names of `analyses` that must succeed",
            |to: &mut Verify, node, mistakes| {
                not_empty("analysis", node, mistakes, "one of `analyses`");
                to.analyses = names("analysis", node, mistakes);
            },
        ),
        leaf(
            "for",
            Value::Duration,
            "how long promote watches the applications and repeats the analyses; default: as long as the analyses take",
            |to: &mut Verify, node, mistakes| to.lasts = mistakes.parsed("for", node, value::some_time),
        ),
    ]
}

/// The row of `analyses`.
pub(super) fn row() -> Key<Config> {
    key(
        "analyses",
        Shape::Each(Box::new(Shape::Keys(infos(analysis())))),
        "analyses of metrics, by name, for `verify` and for gates",
        |config: &mut Config, node, mistakes| {
            let keys = analysis();
            let mut all = BTreeMap::new();
            for (name, line, node) in mistakes.entries("analyses", node) {
                let mut one = AnalysisSource {
                    line: *line,
                    ..AnalysisSource::default()
                };
                mistakes.mapping(&format!("analyses.{name}"), node, &keys, &mut one);
                all.insert(name.clone(), one);
            }
            config.analyses = all;
        },
    )
}

/// What is said of `verify`.
pub(super) fn verify_infos() -> Vec<Info> {
    infos(verify())
}

/// Reads names of analyses, each with its line.
pub(super) fn names(key: &str, node: &Node, mistakes: &mut Mistakes) -> Vec<(String, usize)> {
    let items = match &node.content {
        super::node::Content::List(items) => items.as_slice(),
        super::node::Content::Null => &[],
        _ => std::slice::from_ref(node),
    };
    let read = items.iter();
    read.filter_map(|item| Some((mistakes.text(key, item)?, item.line)))
        .collect()
}

/// Says which names are not in `analyses`.
pub(super) fn unknown<'a>(config: &'a Config, named: impl Iterator<Item = &'a (String, usize)>) -> Vec<String> {
    let known = || config.analyses.keys().map(String::as_str);
    let missing = named.filter(|(name, _)| !config.analyses.contains_key(name));
    missing
        .map(|(name, line)| {
            let meant = match nearest(name, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if config.analyses.is_empty() => format!("add `analyses.{name}` with its `template`"),
                None => format!("known: {}", known().collect::<Vec<_>>().join(", ")),
            };
            format!("{FILE}: the analysis `{name}` on line {line} is not in `analyses`; {meant}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, Vec<String>> {
        Config::parse(format!("version: 1\n{text}").as_bytes())
    }

    const RIGHT: &str = "\
environments:
- name: staging
  verify: {analysis: [success-rate], for: 5m}
- name: production
  verify: {analysis: success-rate}
analyses:
  success-rate:
    template: apps/api/success-rate.yaml
    template-name: success-rate
    args: {service: \"{app}-{environment}\", threshold: 0.95, image: \"{image}{x}\"}
";

    #[test]
    fn analyses_are_read_with_their_arguments() {
        let config = read(RIGHT).unwrap();
        let analysis = &config.analyses["success-rate"];
        assert_eq!(
            analysis.template.as_ref().unwrap().as_str(),
            "apps/api/success-rate.yaml"
        );
        let filled = analysis.filled(&Filling {
            app: "api",
            environment: "staging",
            image: "myorg/api:{tag}",
            tag: "v1",
        });
        let values: Vec<&str> = filled.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["api-staging", "0.95", "myorg/api:{tag}{x}"]);
        let verify = config.environments[0].verify.as_ref().unwrap();
        assert_eq!(verify.analyses, [("success-rate".to_owned(), 4)]);
        assert_eq!(verify.lasts, Some(Duration::from_secs(300)));
    }

    #[test]
    fn mistakes_have_their_line_and_the_nearest_name() {
        for (from, to, said) in [
            (
                "analysis: success-rate}",
                "analysis: sucess-rate}",
                "on line 6 is not in `analyses`; did you mean `success-rate`?",
            ),
            (
                "template: apps",
                "templat: apps",
                "unknown key `templat` on line 9; did you mean `template`?",
            ),
            ("for: 5m", "for: 5", "`for` \"5\" (promote.yaml, line 4) has no unit"),
            ("for: 5m", "for: 0s", "leaves no time"),
            ("apps/api/success", "../success", "`template` \"../success"),
            ("for: 5m", "fro: 5m", "unknown key `fro` on line 4; did you mean `for`?"),
        ] {
            let wrong = read(&RIGHT.replace(from, to)).unwrap_err().join("\n");
            assert!(wrong.contains(said), "{said}\n{wrong}");
        }
    }
}
