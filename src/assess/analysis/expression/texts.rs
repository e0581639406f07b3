//! The functions on texts.

use super::failure::{Class, Failure};
use super::operators::int;
use crate::assess::analysis::value::{Of, Value};

/// Calls one.
#[expect(clippy::too_many_lines, reason = "one arm for each function")]
pub(super) fn call(name: &str, arguments: &[Value], at: usize) -> Result<Value, Failure> {
    let wrong = |value: &Value| Failure::new(Class::Type, at, format!("`{name}` does not take {}", value.type_name()));
    let text = |index: usize| match arguments.get(index) {
        Some(Value::Text(text)) => Ok(&**text),
        other => Err(wrong(other.unwrap_or(&Value::Nil))),
    };
    let number = |index: usize| {
        let value = arguments.get(index).unwrap_or(&Value::Nil);
        int(value).ok_or_else(|| wrong(value))
    };
    let more = |index: usize| arguments.len() > index;
    let position = |found: Option<usize>| Value::Int(found.and_then(|found| i64::try_from(found).ok()).unwrap_or(-1));
    Ok(match name {
        "trim" if more(1) => {
            let cut = text(1)?;
            Value::text(text(0)?.trim_matches(|character| cut.contains(character)))
        }
        "trim" => Value::text(text(0)?.trim()),
        "trimPrefix" => {
            let prefix = if more(1) { text(1)? } else { " " };
            let whole = text(0)?;
            Value::text(whole.strip_prefix(prefix).unwrap_or(whole))
        }
        "trimSuffix" => {
            let suffix = if more(1) { text(1)? } else { " " };
            let whole = text(0)?;
            Value::text(whole.strip_suffix(suffix).unwrap_or(whole))
        }
        "upper" => Value::text(&cased(text(0)?, |c| single(c, c.to_uppercase()))),
        "lower" => Value::text(&cased(text(0)?, |c| single(c, c.to_lowercase()))),
        "split" => {
            let limit = if more(2) { number(2)? } else { -1 };
            let parts = split(text(0)?, text(1)?, limit);
            Value::list(Of::Texts, parts.into_iter().map(Value::text).collect())
        }
        "splitAfter" => {
            let separator = text(1)?;
            let limit = if more(2) { number(2)? } else { -1 };
            let whole = text(0)?;
            let parts = split(whole, separator, limit);
            let mut from = 0;
            let mut list = Vec::with_capacity(parts.len());
            for part in &parts {
                let end = (from + part.len() + separator.len()).min(whole.len());
                list.push(Value::text(whole.get(from..end).unwrap_or_default()));
                from = end;
            }
            Value::list(Of::Texts, list)
        }
        "replace" => {
            let (whole, old, new) = (text(0)?, text(1)?, text(2)?);
            match if more(3) { number(3)? } else { -1 } {
                limit if limit < 0 => Value::text(&whole.replace(old, new)),
                limit => Value::text(&whole.replacen(old, new, usize::try_from(limit).unwrap_or(usize::MAX))),
            }
        }
        "repeat" => {
            let (part, times) = (text(0)?, number(1)?);
            if times > 1_000_000 {
                return Err(Failure::new(
                    Class::Budget,
                    at,
                    "the text would be repeated more than a million times",
                ));
            }
            let times = usize::try_from(times)
                .map_err(|_| Failure::new(Class::Type, at, "a text is repeated 0 or more times"))?;
            if part.len().saturating_mul(times) >= 1_000_000 {
                return Err(Failure::new(
                    Class::Budget,
                    at,
                    "the text would be longer than a million bytes",
                ));
            }
            Value::text(&part.repeat(times))
        }
        "join" => {
            let Some(Value::List(list)) = arguments.first() else {
                return Err(wrong(arguments.first().unwrap_or(&Value::Nil)));
            };
            let glue = if more(1) { text(1)? } else { "" };
            let mut parts = Vec::new();
            for item in &list.items {
                match item {
                    Value::Text(text) => parts.push(&**text),
                    other => return Err(wrong(other)),
                }
            }
            Value::text(&parts.join(glue))
        }
        "indexOf" => position(text(0)?.find(text(1)?)),
        "lastIndexOf" => position(text(0)?.rfind(text(1)?)),
        "hasPrefix" => Value::Bool(text(0)?.starts_with(text(1)?)),
        "hasSuffix" => Value::Bool(text(0)?.ends_with(text(1)?)),
        _ => return Err(Failure::not_evaluated(at, format_args!("the function `{name}`"))),
    })
}

fn cased(text: &str, case: impl Fn(char) -> char) -> String {
    text.chars().map(case).collect()
}

/// One character stays one, as in Go.
fn single(character: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}

/// Splits as Go does: an empty separator splits between characters, a limit of 0 gives nothing.
fn split<'a>(text: &'a str, separator: &str, limit: i64) -> Vec<&'a str> {
    let limit = match limit {
        0 => return Vec::new(),
        limit if limit < 0 => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    if !separator.is_empty() {
        return text.splitn(limit, separator).collect();
    }
    let mut starts: Vec<usize> = text.char_indices().map(|(start, _)| start).take(limit).collect();
    starts.push(text.len());
    let mut parts: Vec<&str> = starts
        .windows(2)
        .filter_map(|pair| text.get(*pair.first()?..*pair.last()?))
        .collect();
    if let (Some(last), true) = (parts.last_mut(), text.chars().count() > limit) {
        let start = text.char_indices().nth(limit - 1).map_or(0, |(start, _)| start);
        *last = text.get(start..).unwrap_or_default();
    }
    parts
}
