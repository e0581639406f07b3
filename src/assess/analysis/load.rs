//! A file with templates made into a run, with everything that can be said of it before anything is measured.

use serde_json::Value as Json;

use super::admission::admit;
use super::advice::advise;
use super::document;
use super::expression::{Expression, Failure, FailureKind, time};
use super::merge::{Additions, Template, follow, merge};
use super::run::{Refused, Run};
use super::template::{Argument, Metric, Reference, Spec, decode};
use super::validate::providers;
use super::value::Value;

/// An analysis that can run.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its spec, with the values of its arguments.
    pub spec: Spec,
    /// What its author should know.
    pub warnings: Vec<String>,
}

/// Reads a template out of a file. `name` chooses one where there are several; `args` are values for its arguments.
///
/// # Errors
/// Everything that is wrong: the file, the choice, the arguments, the limits, what is measured elsewhere, and conditions that
/// are not evaluated here, with the place.
#[expect(
    clippy::too_many_lines,
    reason = "one check after the other, each with words of its own"
)]
pub fn load(text: &str, name: Option<&str>, args: &[(String, String)]) -> Result<Loaded, Vec<String>> {
    let one = |problem: String| vec![problem];
    let documents = document::read(text).map_err(|why| one(format!("the file is no YAML: {why}")))?;
    let manifests: Vec<&Json> = documents.iter().filter(|document| is_template(document)).collect();
    let mut warnings = Vec::new();
    let mut wrong = Vec::new();
    let mut templates = Vec::new();
    for manifest in manifests {
        let template = named(manifest);
        let admission = admit(manifest);
        wrong.extend(
            admission
                .refused
                .iter()
                .map(|why| format!("template {}: {why}", template.0)),
        );
        let ignored = admission.pruned.iter();
        warnings.extend(ignored.map(|path| {
            format!(
                "template {}: Argo Rollouts ignores {path}, which is no field of a template",
                template.0
            )
        }));
        match decode::<Spec>(manifest.get("spec").unwrap_or(&Json::Null)) {
            Ok(spec) => templates.push(Template {
                name: template.0,
                cluster: template.1,
                spec,
            }),
            Err(why) if admission.refused.is_empty() => wrong.push(format!("template {}: {why}", template.0)),
            Err(_) => {}
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let root = choose(&templates, name).map_err(one)?;
    let used = follow(&root, &templates).map_err(|problem| one(problem.to_string()))?;
    let additions = Additions {
        args: args.iter().map(argument).collect(),
        ..Additions::default()
    };
    let spec = merge(&used, &additions).map_err(|problem| {
        // A name that is written wrong leaves the right one without a value.
        let declared: Vec<&str> = (used.iter())
            .flat_map(|template| &template.spec.args)
            .map(|argument| argument.name.as_str())
            .collect();
        let mut wrong = unknown(&declared, args);
        wrong.push(problem.to_string());
        wrong
    })?;
    check_arguments(&spec, args)?;
    let run = Run::new(&spec).map_err(|refused| match refused {
        Refused::Arguments(problem) | Refused::Spec(problem) => one(problem.to_string()),
    })?;
    let wrong: Vec<String> = run
        .metrics
        .iter()
        .flat_map(|tracked| not_here(&tracked.metric))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let advice = run.metrics.iter().flat_map(|tracked| advise(&tracked.metric, None));
    warnings.extend(advice.map(|advice| advice.to_string()));
    Ok(Loaded { spec, warnings })
}

fn argument((name, value): &(String, String)) -> Argument {
    Argument {
        name: name.clone(),
        value: Some(value.clone()),
        value_from: None,
    }
}

fn is_template(manifest: &Json) -> bool {
    let text = |name: &str| manifest.get(name).and_then(Json::as_str).unwrap_or_default();
    text("apiVersion").starts_with("argoproj.io/")
        && matches!(text("kind"), "AnalysisTemplate" | "ClusterAnalysisTemplate")
}

/// Returns the name of a manifest, and whether it is one of the whole cluster.
fn named(manifest: &Json) -> (String, bool) {
    let name = manifest
        .pointer("/metadata/name")
        .and_then(Json::as_str)
        .unwrap_or("without a name");
    let cluster = manifest.get("kind").and_then(Json::as_str) == Some("ClusterAnalysisTemplate");
    (name.to_owned(), cluster)
}

/// Chooses the template that is run: the one of that name, else the only one that no other one belongs to.
fn choose(templates: &[Template], name: Option<&str>) -> Result<Reference, String> {
    let inner = |template: &Template| {
        templates
            .iter()
            .flat_map(|other| other.spec.templates.iter())
            .any(|reference| reference.template_name == template.name && reference.cluster_scope == template.cluster)
    };
    let fits = |template: &&Template| match name {
        Some(name) => template.name == name,
        None => !inner(template),
    };
    let found: Vec<&Template> = templates.iter().filter(fits).collect();
    let names = || {
        templates
            .iter()
            .map(|template| template.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (found.as_slice(), name) {
        ([only], _) => Ok(Reference {
            template_name: only.name.clone(),
            cluster_scope: only.cluster,
        }),
        (_, _) if templates.is_empty() => Err("the file has no AnalysisTemplate".to_owned()),
        (_, Some(name)) => Err(format!("the file has no template {name}; it has {}", names())),
        (_, None) => Err(format!(
            "the file has several templates: {} → set `template-name`",
            names()
        )),
    }
}

/// Names the values that are for no argument of the template.
fn unknown(declared: &[&str], args: &[(String, String)]) -> Vec<String> {
    let unknown = args.iter().filter(|(name, _)| !declared.contains(&name.as_str()));
    unknown
        .map(|(name, _)| format!("the template has no argument {name}; it has {}", declared.join(", ")))
        .collect()
}

fn check_arguments(spec: &Spec, args: &[(String, String)]) -> Result<(), Vec<String>> {
    let declared: Vec<&str> = spec.args.iter().map(|argument| argument.name.as_str()).collect();
    let mut wrong = unknown(&declared, args);
    let of_cluster = spec.args.iter().filter(|argument| argument.value.is_none());
    wrong.extend(of_cluster.map(|argument| {
        format!(
            "the argument {} has its value in the cluster (`valueFrom`) → set it in `args`",
            argument.name
        )
    }));
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// Lists what of a metric is not done here.
fn not_here(metric: &Metric) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = &metric.name;
    for provider in providers(&metric.provider) {
        if !matches!(provider, "prometheus" | "web") {
            wrong.push(format!(
                "metric {name}: promote measures with `prometheus` and `web`, not with `{provider}`"
            ));
        }
    }
    let fields = [
        ("successCondition", &metric.success_condition),
        ("failureCondition", &metric.failure_condition),
    ];
    for (field, text) in fields.into_iter().filter(|(_, text)| !text.is_empty()) {
        if let Some(failure) = not_evaluated(text) {
            wrong.push(format!("metric {name}: {field} `{}`: {failure}", text.trim()));
        }
    }
    let range = metric
        .provider
        .prometheus
        .as_ref()
        .and_then(|prometheus| prometheus.range_query.as_ref());
    for (field, text) in range
        .into_iter()
        .flat_map(|range| [("start", &range.start), ("end", &range.end)])
    {
        if let Err(failure) = time(text, 0)
            && failure.kind == FailureKind::NotEvaluated
        {
            wrong.push(format!("metric {name}: rangeQuery.{field} `{text}`: {failure}"));
        }
    }
    wrong
}

/// Returns where a condition needs something that is not evaluated, whatever the query returns.
fn not_evaluated(text: &str) -> Option<Failure> {
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(failure) => return Some(failure).filter(|failure| failure.kind == FailureKind::NotEvaluated),
    };
    let likes = [
        Value::floats([]),
        Value::Float(0.0),
        Value::from_json(&serde_json::json!({})),
    ];
    let failures: Vec<Failure> = likes
        .iter()
        .filter_map(|like| expression.check(like).err())
        .filter(|failure| failure.kind == FailureKind::NotEvaluated)
        .collect();
    failures.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: success-rate}
spec:
  args: [{name: service}]
  metrics:
  - name: success-rate
    interval: 30s
    count: 5
    successCondition: result[0] >= 0.95
    failureCondition: result[0] < 0.90
    provider:
      prometheus:
        address: http://prometheus.monitoring.svc:9090
        query: sum(rate(http_requests_total{app=\"{{args.service}}\"}[5m]))
";

    fn args() -> Vec<(String, String)> {
        vec![("service".to_owned(), "api".to_owned())]
    }

    #[test]
    fn a_template_is_read_with_its_arguments() {
        let loaded = load(TEMPLATE, None, &args()).unwrap();
        assert_eq!(loaded.warnings, Vec::<String>::new());
        let run = Run::new(&loaded.spec).unwrap();
        let query = &run.metrics[0].metric.provider.prometheus.as_ref().unwrap().query;
        assert_eq!(query, "sum(rate(http_requests_total{app=\"api\"}[5m]))");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong =
            |text: &str, name: Option<&str>, args: &[(String, String)]| load(text, name, args).unwrap_err().join("\n");
        assert_eq!(wrong(TEMPLATE, None, &[]), "the argument service has no value");
        let misspelt = wrong(TEMPLATE, None, &[("servce".to_owned(), "a".to_owned())]);
        assert!(misspelt.contains("no argument servce; it has service"), "{misspelt}");
        assert!(wrong(TEMPLATE, Some("latency"), &args()).contains("no template latency; it has success-rate"));
        let both = [args(), vec![("sevice".to_owned(), String::new())]].concat();
        assert!(wrong(TEMPLATE, None, &both).contains("no argument sevice; it has service"));
        assert_eq!(wrong("a: 1\n", None, &[]), "the file has no AnalysisTemplate");
        let other = TEMPLATE.replace(
            "prometheus:\n        address: http://prometheus.monitoring.svc:9090\n",
            "datadog:\n",
        );
        assert!(wrong(&other, None, &args()).contains("not with `datadog`"));
        let group = TEMPLATE.replace("result[0] >= 0.95", "'len(groupBy(result, # > 1)) > 0'");
        assert!(
            wrong(&group, None, &args()).contains("promote does not evaluate the function `groupBy` (character 5)")
        );
        let field = TEMPLATE.replace("count: 5", "count: true");
        assert!(wrong(&field, None, &args()).contains("spec.metrics[0].count: must be a whole number or a text"));
    }

    #[test]
    fn what_its_author_should_know_is_a_warning() {
        let text = TEMPLATE
            .replace("result[0] >= 0.95", "result >= 0.95")
            .replace("count: 5", "count: 5\n    failingLimit: 1");
        let warnings = load(&text, None, &args()).unwrap().warnings.join("\n");
        assert!(warnings.contains("ignores spec.metrics[0].failingLimit"), "{warnings}");
        assert!(
            warnings.contains("never works, because the query returns a list of numbers"),
            "{warnings}"
        );
        assert!(
            warnings.contains("→ successCondition: len(result) > 0 && (result[0] >= 0.95)"),
            "{warnings}"
        );
    }
}
