//! A file with templates: YAML as Kubernetes reads it (1.1, plain `yes` is true), made into JSON.

use serde_json::{Map, Number, Value as Json};
use yaml_rust2::parser::{Event, MarkedEventReceiver, Parser};
use yaml_rust2::scanner::{Marker, TScalarStyle};

/// The most values that a file has once its aliases are filled in: a file of a few lines can name itself a billion times.
const MOST_VALUES: usize = 100_000;

/// Reads every document of a text.
///
/// # Errors
/// The text is no YAML, with the line; or its aliases stand for too much.
pub fn read(text: &str) -> Result<Vec<Json>, String> {
    let mut builder = Builder::default();
    // A byte order mark is no part of the first key.
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    parser.load(&mut builder, true).map_err(|error| error.to_string())?;
    match builder.problem {
        Some(problem) => Err(problem),
        None => Ok(builder
            .documents
            .into_iter()
            .filter(|document| !document.is_null())
            .collect()),
    }
}

/// A list or a map that is not complete.
enum Open {
    List(Vec<Json>, usize),
    Map(Map<String, Json>, Option<String>, usize),
}

#[derive(Default)]
struct Builder {
    documents: Vec<Json>,
    open: Vec<Open>,
    anchors: Vec<(usize, Json)>,
    /// How many values were copied.
    copied: usize,
    problem: Option<String>,
}

impl MarkedEventReceiver for Builder {
    fn on_event(&mut self, event: Event, mark: Marker) {
        match event {
            Event::SequenceStart(anchor, _) => self.open.push(Open::List(Vec::new(), anchor)),
            Event::MappingStart(anchor, _) => self.open.push(Open::Map(Map::new(), None, anchor)),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(items, anchor)) => self.complete(items.into(), anchor, &mark),
                Some(Open::Map(fields, _, anchor)) => self.complete(fields.into(), anchor, &mark),
                None => {}
            },
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == TScalarStyle::Plain && tag.is_none();
                let value = if plain { scalar(&text) } else { Json::String(text) };
                self.complete(value, anchor, &mark);
            }
            Event::Alias(anchor) => {
                let known = self.anchors.iter().rev().find(|(known, _)| *known == anchor);
                let known = known.map(|(_, value)| value.clone());
                let value = known.and_then(|value| self.counted(value, &mark)).unwrap_or_default();
                self.complete(value, 0, &mark);
            }
            _ => {}
        }
    }
}

impl Builder {
    /// Returns a copy of a value, unless too much was copied.
    fn counted(&mut self, value: Json, mark: &Marker) -> Option<Json> {
        self.copied = self.copied.saturating_add(size(&value));
        if self.copied <= MOST_VALUES {
            return Some(value);
        }
        let line = mark.line();
        self.problem
            .get_or_insert_with(|| format!("line {line}: the aliases stand for more than {MOST_VALUES} values"));
        None
    }

    fn complete(&mut self, value: Json, anchor: usize, mark: &Marker) {
        if anchor > 0
            && let Some(value) = self.counted(value.clone(), mark)
        {
            self.anchors.push((anchor, value));
        }
        match self.open.last_mut() {
            None => self.documents.push(value),
            Some(Open::List(items, _)) => items.push(value),
            Some(Open::Map(fields, key, _)) => match key.take() {
                None => {
                    let line = mark.line();
                    let named = name(&value);
                    if named.is_none() {
                        self.problem
                            .get_or_insert_with(|| format!("line {line}: a field needs a name"));
                    }
                    *key = Some(named.unwrap_or_default());
                }
                Some(merge) if merge == "<<" => {
                    if let Json::Object(inherited) = value {
                        for (name, value) in inherited {
                            fields.entry(name).or_insert(value);
                        }
                    }
                }
                Some(name) => {
                    fields.insert(name, value);
                }
            },
        }
    }
}

/// Returns how many values a value holds, itself included.
fn size(value: &Json) -> usize {
    let within: usize = match value {
        Json::Array(items) => items.iter().map(size).sum(),
        Json::Object(fields) => fields.values().map(size).sum(),
        // A long text counts for more.
        Json::String(text) => text.len() / 64,
        _ => 0,
    };
    within.saturating_add(1)
}

/// Writes a key as a text.
fn name(key: &Json) -> Option<String> {
    match key {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Reads a plain scalar.
fn scalar(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return true.into(),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return false.into(),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return text.into();
    }
    let plain = text.replace('_', "");
    if let Some(whole) = whole(&plain) {
        return whole.into();
    }
    let numeric = plain
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if numeric && let Some(number) = plain.parse::<f64>().ok().and_then(Number::from_f64) {
        return number.into();
    }
    text.into()
}

/// Reads a whole number: decimal, `0x`, `0b`, `0o`, or octal by a leading zero.
fn whole(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, base) = match digits.get(..2) {
        Some("0x") => (digits.get(2..)?, 16),
        Some("0b") => (digits.get(2..)?, 2),
        Some("0o") => (digits.get(2..)?, 8),
        Some(start) if start.starts_with('0') => (digits.get(1..)?, 8),
        _ => (digits, 10),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i64::from_str_radix(digits, base).ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_read_as_kubernetes_reads_them() {
        let read = |text: &str| read(&format!("a: {text}\n")).unwrap().remove(0)["a"].clone();
        assert_eq!(read("yes"), true);
        assert_eq!(read("'yes'"), "yes");
        assert_eq!(read("017"), 15);
        assert_eq!(read("1_000"), 1000);
        assert_eq!(read("0.95"), 0.95);
        assert_eq!(read("5m"), "5m");
        assert_eq!(read("2026-01-01"), "2026-01-01");
        assert_eq!(read("all(result, # > 1)"), "all(result,");
        assert_eq!(read("~"), Json::Null);
    }

    #[test]
    fn aliases_of_aliases_are_refused_and_not_filled_in() {
        let lines = (1..12).map(|at| {
            let alias = format!("*a{}", at - 1);
            format!("a{at}: &a{at} [{}]", vec![alias; 10].join(", "))
        });
        let first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]".to_owned();
        let text = std::iter::once(first).chain(lines).collect::<Vec<_>>().join("\n");
        let problem = read(&text).unwrap_err();
        assert!(problem.contains("line 5: the aliases stand for more than"), "{problem}");
    }

    #[test]
    fn a_file_has_several_documents() {
        let documents = read("\u{feff}a: 1\n---\n# nothing\n---\nb: &x [1, {c: d}]\nc: *x\n").unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[1]["c"][1]["c"], "d");
        assert!(read("a: [1\n").is_err());
        assert!(read("a: -\n").is_err());
    }
}
