//! The functions on texts.

use super::budget::Budget;
use super::failure::{Class, Failure};
use super::operators::int;
use crate::assess::analysis::value::{Of, Value};

/// Calls one.
#[expect(clippy::too_many_lines, reason = "one arm for each function")]
pub(super) fn call(budget: &mut Budget, name: &str, arguments: &[Value], at: usize) -> Result<Value, Failure> {
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
    if matches!(name, "trim" | "trimPrefix" | "trimSuffix" | "upper" | "lower") {
        budget.text(text(0)?.len(), at)?;
    }
    Ok(match name {
        "trim" if more(1) => {
            let cut = text(1)?;
            budget.work(text(0)?.len().saturating_mul(cut.len()) / 8, at)?;
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
        "upper" | "lower" => Value::text(&cased(budget, text(0)?, name == "upper", at)?),
        "split" => {
            let limit = if more(2) { number(2)? } else { -1 };
            let parts = split(budget, text(0)?, text(1)?, limit, at)?;
            Value::list(Of::Texts, parts.into_iter().map(Value::text).collect())
        }
        "splitAfter" => {
            let separator = text(1)?;
            let limit = if more(2) { number(2)? } else { -1 };
            let whole = text(0)?;
            let parts = split(budget, whole, separator, limit, at)?;
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
            // A limit below 0 is none.
            let limit = if more(3) { number(3)? } else { -1 };
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            budget.work(whole.len() / 2, at)?;
            let found = whole.matches(old).take(limit).count();
            budget.work(found, at)?;
            let kept = whole.len() - found * old.len();
            budget.text(found.saturating_mul(new.len()).saturating_add(kept), at)?;
            Value::text(&whole.replacen(old, new, limit))
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
            budget.text(part.len() * times, at)?;
            Value::text(&part.repeat(times))
        }
        "join" => {
            let Some(Value::List(list)) = arguments.first() else {
                return Err(wrong(arguments.first().unwrap_or(&Value::Nil)));
            };
            let glue = if more(1) { text(1)? } else { "" };
            let mut parts = Vec::new();
            budget.work(list.items.len(), at)?;
            for item in &list.items {
                match item {
                    Value::Text(text) => parts.push(&**text),
                    other => return Err(wrong(other)),
                }
            }
            let glues = glue.len().saturating_mul(parts.len().saturating_sub(1));
            let length = parts
                .iter()
                .fold(glues, |length, part| length.saturating_add(part.len()));
            budget.text(length, at)?;
            Value::text(&parts.join(glue))
        }
        "indexOf" => position(text(0)?.find(text(1)?)),
        "lastIndexOf" => position(text(0)?.rfind(text(1)?)),
        "hasPrefix" => Value::Bool(text(0)?.starts_with(text(1)?)),
        "hasSuffix" => Value::Bool(text(0)?.ends_with(text(1)?)),
        _ => return Err(Failure::not_evaluated(at, format_args!("the function `{name}`"))),
    })
}

/// Changes the case of each character, after counting the work that those beyond ASCII make.
fn cased(budget: &mut Budget, text: &str, upper: bool, at: usize) -> Result<String, Failure> {
    if text.is_ascii() {
        return Ok(if upper {
            text.to_ascii_uppercase()
        } else {
            text.to_ascii_lowercase()
        });
    }
    budget.work(text.len(), at)?;
    let case = |c: char| {
        if upper {
            single(c, c.to_uppercase())
        } else {
            single(c, c.to_lowercase())
        }
    };
    Ok(text.chars().map(case).collect())
}

/// One character stays one, as in Go.
fn single(character: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => character,
    }
}

/// Splits as Go does: an empty separator splits between characters, a limit of 0 gives nothing.
fn split<'a>(
    budget: &mut Budget,
    text: &'a str,
    separator: &str,
    limit: i64,
    at: usize,
) -> Result<Vec<&'a str>, Failure> {
    let limit = match limit {
        0 => return Ok(Vec::new()),
        limit if limit < 0 => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    budget.work(text.len() / 2, at)?;
    let pieces = text.matches(separator).take(limit).count().saturating_add(1);
    budget.pieces(pieces, text.len(), at)?;
    if !separator.is_empty() {
        return Ok(text.splitn(limit, separator).collect());
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
    Ok(parts)
}
