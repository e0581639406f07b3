//! The paths of the web provider: the part of Kubernetes' JSONPath that picks one value.

use serde_json::Value as Json;

use super::trouble::{Trouble, TroubleKind};

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Element(i64),
    All,
}

/// Picks the first value that a path names. No path is the whole answer.
///
/// # Errors
/// The path is none, needs more than fields, elements and `[*]`, or names nothing.
pub fn pick(path: &str, json: &Json) -> Result<Json, Trouble> {
    let steps = steps(if path.is_empty() { "{$}" } else { path })?;
    let mut found = vec![json];
    for step in &steps {
        let mut next = Vec::new();
        for value in found {
            match (step, value) {
                (Step::Field(name), Json::Object(fields)) => next.extend(fields.get(name)),
                (Step::Element(index), Json::Array(items)) => {
                    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                    let index = if *index < 0 { length + index } else { *index };
                    next.extend(usize::try_from(index).ok().and_then(|index| items.get(index)));
                }
                (Step::All, Json::Array(items)) => next.extend(items),
                (Step::All, Json::Object(fields)) => next.extend(fields.values()),
                _ => {}
            }
        }
        found = next;
    }
    let nothing = || {
        Trouble::new(
            TroubleKind::BadResponse,
            format!("`{path}` names nothing in the answer"),
        )
    };
    found.first().map(|value| (*value).clone()).ok_or_else(nothing)
}

fn steps(path: &str) -> Result<Vec<Step>, Trouble> {
    let refused = |why: &str| Trouble::new(TroubleKind::NotEvaluated, format!("`jsonPath: {path}`: {why}"));
    let inside = path
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .ok_or_else(|| refused("promote evaluates one path in braces, such as `{$.data.value}`"))?;
    let mut rest = inside.trim();
    rest = rest.strip_prefix('$').unwrap_or(rest);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[', '{', '}', ' ']).unwrap_or(after.len());
            let (name, next) = after.split_at(end);
            match name {
                "" if next.is_empty() => {}
                "" => return Err(refused("promote does not evaluate `..`")),
                "*" => steps.push(Step::All),
                name => steps.push(Step::Field(name.replace('\\', ""))),
            }
            rest = next;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (inner, next) = after.split_once(']').ok_or_else(|| refused("a `[` without its `]`"))?;
            let quoted = inner
                .strip_prefix('\'')
                .and_then(|inner| inner.strip_suffix('\''))
                .or_else(|| inner.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')));
            steps.push(match (quoted, inner, inner.parse()) {
                (Some(name), ..) => Step::Field(name.to_owned()),
                (None, "*", _) => Step::All,
                (None, _, Ok(index)) => Step::Element(index),
                _ => return Err(refused("promote evaluates `[0]`, `[*]` and `['name']`")),
            });
            rest = next;
        } else if steps.is_empty() {
            // A name may come without a point.
            let end = rest.find(['.', '[', ' ']).unwrap_or(rest.len());
            let (name, next) = rest.split_at(end);
            steps.push(Step::Field(name.to_owned()));
            rest = next;
        } else {
            return Err(refused("this is no path"));
        }
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_picks_the_first_value_it_names() {
        let json = serde_json::json!({"data": {"ok": true, "list": [{"v": 1}, {"v": 2}], "a.b": 3}});
        for (path, value) in [
            ("{$.data.ok}", serde_json::json!(true)),
            ("{.data.ok}", serde_json::json!(true)),
            ("{$.data.list[1].v}", serde_json::json!(2)),
            ("{$.data.list[-1].v}", serde_json::json!(2)),
            ("{$.data.list[*].v}", serde_json::json!(1)),
            ("{$.data['a.b']}", serde_json::json!(3)),
            ("", json.clone()),
        ] {
            assert_eq!(pick(path, &json).unwrap(), value, "{path}");
        }
        assert_eq!(pick("{$.no}", &json).unwrap_err().kind, TroubleKind::BadResponse);
        for path in ["$.data", "{$..v}", "{$.data.list[?(@.v==1)]}", "{range .x}"] {
            assert_eq!(pick(path, &json).unwrap_err().kind, TroubleKind::NotEvaluated, "{path}");
        }
    }
}
