//! Writes a text as a scalar that every YAML reader takes for that text.

use std::fmt::Write as _;

use super::node::Style;
use super::types::is_ambiguous;

/// Where a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a line of a block collection.
    Block,
    /// Between brackets.
    Flow,
    /// Behind an explicit `!!str`, which settles the type.
    Tagged,
}

/// Returns `text` in the style `wanted` if that style can hold it, else in the nearest one that can.
pub(crate) fn scalar(text: &str, wanted: Style, place: Place) -> String {
    let single = || format!("'{}'", text.replace('\'', "''"));
    let settled = place == Place::Tagged || !is_ambiguous(text);
    match wanted {
        Style::Single if is_printable(text) => single(),
        Style::Plain | Style::Block if settled && is_plain(text, place) => text.to_owned(),
        // Where only the first or last character is in the way, kustomize takes single quotes; so do we.
        Style::Plain | Style::Block if is_printable(text) && !is_ambiguous(text) && has_odd_ends(text) => single(),
        _ => double(text),
    }
}

/// Whether the text can stand between single quotes on one line and be read alike by YAML 1.1 and 1.2.
fn is_printable(text: &str) -> bool {
    !text.chars().any(needs_escape)
}

fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn has_odd_ends(text: &str) -> bool {
    text.starts_with(|c: char| " *&!%@`|>{}[],#?'\"".contains(c)) || text.ends_with(' ')
}

fn is_plain(text: &str, place: Place) -> bool {
    let mut chars = text.chars();
    let (first, second) = (chars.next(), chars.next());
    let starts_well = match first {
        None => false,
        Some('-' | '?' | ':') => second.is_some_and(|c| c != ' ' && !(place == Place::Flow && ",[]{}".contains(c))),
        Some(c) => !" ,[]{}#&*!|>'\"%@`".contains(c),
    };
    let flow_safe = place != Place::Flow || !text.contains([',', '[', ']', '{', '}', '?']);
    starts_well
        && flow_safe
        && is_printable(text)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.starts_with("---")
        && !text.starts_with("...")
}

fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if needs_escape(c) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_only_where_a_reader_could_be_wrong() {
        for (text, written) in [
            ("v2", "v2"),
            ("1.10", "\"1.10\""),
            ("y", "\"y\""),
            ("-", "\"-\""),
            ("...", "\"...\""),
            ("*foo", "'*foo'"),
            ("a: b", "\"a: b\""),
            ("sha256:0a", "sha256:0a"),
            ("it's", "it's"),
            ("a\nb", "\"a\\nb\""),
            ("\u{2028}", "\"\\u2028\""),
        ] {
            assert_eq!(scalar(text, Style::Plain, Place::Block), written);
        }
    }

    #[test]
    fn keeps_the_quotes_that_were_there() {
        assert_eq!(scalar("v2", Style::Double, Place::Block), "\"v2\"");
        assert_eq!(scalar("1.1", Style::Single, Place::Block), "'1.1'");
        assert_eq!(scalar("it's", Style::Single, Place::Block), "'it''s'");
        assert_eq!(scalar("a\nb", Style::Single, Place::Block), "\"a\\nb\"");
    }

    #[test]
    fn brackets_and_commas_are_quoted_in_flow_only() {
        assert_eq!(scalar("a,b", Style::Plain, Place::Block), "a,b");
        assert_eq!(scalar("a,b", Style::Plain, Place::Flow), "\"a,b\"");
    }

    #[test]
    fn a_string_tag_settles_the_type() {
        assert_eq!(scalar("2", Style::Plain, Place::Tagged), "2");
    }
}
