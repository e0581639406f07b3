//! Several templates made into one run.

use std::collections::BTreeSet;

use super::problem::Problem;
use super::template::{Argument, DryRun, Reference, Retention, Spec};

/// A template by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// It is a ClusterAnalysisTemplate.
    pub cluster: bool,
    /// What it says.
    pub spec: Spec,
}

/// What the one who starts a run adds to its templates.
#[derive(Debug, Clone, Default)]
pub struct Additions {
    /// Values of arguments.
    pub args: Vec<Argument>,
    /// Metrics that do not count.
    pub dry_run: Vec<DryRun>,
    /// How many measurements are kept.
    pub retention: Vec<Retention>,
}

/// Follows a template to those that belong to it: each once, itself first.
///
/// # Errors
/// One is not there.
pub fn follow(root: &Reference, all: &[Template]) -> Result<Vec<Template>, Problem> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    add(root, all, &mut seen, &mut found)?;
    Ok(found)
}

fn add(
    reference: &Reference,
    all: &[Template],
    seen: &mut BTreeSet<(bool, String)>,
    found: &mut Vec<Template>,
) -> Result<(), Problem> {
    let is =
        |template: &&Template| template.name == reference.template_name && template.cluster == reference.cluster_scope;
    let template = all
        .iter()
        .find(is)
        .ok_or_else(|| Problem::NotFound(reference.template_name.clone()))?;
    if !seen.insert((template.cluster, template.name.clone())) {
        return Ok(());
    }
    found.push(template.clone());
    template
        .spec
        .templates
        .iter()
        .try_for_each(|inner| add(inner, all, seen, found))
}

/// Makes the spec of a run: namespaced templates before those of the cluster.
///
/// # Errors
/// Two metrics, rules or defaults do not fit, or an argument has no value.
pub fn merge(templates: &[Template], additions: &Additions) -> Result<Spec, Problem> {
    let namespaced = templates.iter().filter(|template| !template.cluster);
    let ordered: Vec<&Spec> = namespaced
        .chain(templates.iter().filter(|template| template.cluster))
        .map(|template| &template.spec)
        .collect();
    let mut spec = Spec::default();
    for each in &ordered {
        for metric in &each.metrics {
            if spec.metrics.iter().any(|known| known.name == metric.name) {
                return Err(Problem::DuplicateMetric(metric.name.clone()));
            }
            spec.metrics.push(metric.clone());
        }
    }
    let dry_run = ordered.iter().flat_map(|each| each.dry_run.iter());
    spec.dry_run = additions.dry_run.iter().chain(dry_run).cloned().collect();
    distinct(spec.dry_run.iter().map(|rule| &rule.metric_name))?;
    let retention = ordered.iter().flat_map(|each| each.measurement_retention.iter());
    spec.measurement_retention = additions.retention.iter().chain(retention).cloned().collect();
    distinct(spec.measurement_retention.iter().map(|rule| &rule.metric_name))?;
    for argument in ordered.iter().flat_map(|each| each.args.iter()) {
        declare(&mut spec.args, argument)?;
    }
    for argument in &mut spec.args {
        if let Some(given) = additions
            .args
            .iter()
            .rev()
            .find(|given| given.name == argument.name && given.value.is_some())
        {
            argument.value.clone_from(&given.value);
        }
        let reference = additions
            .args
            .iter()
            .rev()
            .find(|given| given.name == argument.name && given.value.is_none() && given.value_from.is_some());
        if let Some(given) = reference {
            argument.value_from.clone_from(&given.value_from);
        }
        if argument.value.is_none() && argument.value_from.is_none() {
            return Err(Problem::NotSupplied(argument.name.clone()));
        }
    }
    Ok(spec)
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Problem::DuplicateRule(name.clone()));
        }
    }
    Ok(())
}

/// Adds an argument; a value stays, and two different ones do not fit.
fn declare(arguments: &mut Vec<Argument>, argument: &Argument) -> Result<(), Problem> {
    let Some(known) = arguments.iter_mut().find(|known| known.name == argument.name) else {
        arguments.push(argument.clone());
        return Ok(());
    };
    match (&known.value, &argument.value) {
        (Some(first), Some(second)) if first != second => Err(Problem::ArgumentConflict {
            name: argument.name.clone(),
            first: first.clone(),
            second: second.clone(),
        }),
        (None, _) => {
            *known = argument.clone();
            Ok(())
        }
        _ => Ok(()),
    }
}
