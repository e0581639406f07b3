//! Arguments put into metrics, as the controller does it: in the JSON text of the metric, once, without looking into values.

use super::problem::Problem;
use super::template::{Argument, Metric};

/// Puts the arguments into a metric.
///
/// # Errors
/// An argument has no value, a tag names none, or a value has characters that do not survive.
pub fn resolve(metric: &Metric, arguments: &[Argument]) -> Result<Metric, Problem> {
    let text = serde_json::to_string(metric).map_err(|error| Problem::BadJson(error.to_string()))?;
    let resolved = text_with(&text, arguments)?;
    serde_json::from_str(&resolved).map_err(|error| Problem::BadJson(error.to_string()))
}

/// Puts the arguments into a text of JSON.
fn text_with(text: &str, arguments: &[Argument]) -> Result<String, Problem> {
    let mut values = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let Some(value) = &argument.value else {
            return Err(Problem::NotSupplied(argument.name.clone()));
        };
        values.push((&argument.name, value));
    }
    let mut out = String::with_capacity(text.len());
    let mut unresolved = None;
    let mut spoiled = None;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((tag, next)) = after.split_once("}}") else {
            break;
        };
        out.push_str(before);
        // The last one of a name counts, and spaces around the name do not.
        let name = tag.trim().strip_prefix("args.");
        match name.and_then(|name| values.iter().rev().find(|(known, _)| *known == name)) {
            Some((name, value)) => match escaped(value) {
                Some(escaped) => out.push_str(&escaped),
                None => spoiled = Some((*name).clone()),
            },
            None => unresolved = Some(format!("{{{{{tag}}}}}")),
        }
        rest = next;
    }
    out.push_str(rest);
    match (unresolved, spoiled) {
        (Some(tag), _) => Err(Problem::Unresolved(tag)),
        (None, Some(name)) => Err(Problem::BadJson(format!(
            "the argument {name} has a control character that an analysis cannot hold"
        ))),
        (None, None) => Ok(out),
    }
}

/// Writes a value into a text of JSON. `None` for characters that Go writes as no JSON does.
fn escaped(value: &str) -> Option<String> {
    let unprintable = |c: char| matches!(u32::from(c), 0xe_0000..=0xe_00ff | 0xe_01f0..=0x10_ffff | 0x1_fffe | 0x1_ffff | 0x2_fffe | 0x2_ffff);
    let survives = |c: char| match c {
        '\u{8}' | '\u{c}' | '\n' | '\r' | '\t' => true,
        '\u{7f}' => false,
        _ => c >= ' ' && !unprintable(c),
    };
    if !value.chars().all(survives) {
        return None;
    }
    let quoted = serde_json::to_string(value).ok()?;
    quoted.get(1..quoted.len() - 1).map(str::to_owned)
}
