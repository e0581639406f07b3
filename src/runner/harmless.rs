//! Makes foreign text harmless where it is shown: control characters become visible, and in a step nothing can be a workflow command.

use std::fmt::Write as _;

use crate::model::unseen;

/// The longest text that is shown, in bytes: nobody reads more, and a server may send more than a log holds.
const MOST: usize = 16 * 1024;

/// Returns a text that is not longer than anybody reads.
pub(super) fn bounded(text: String) -> String {
    if text.len() <= MOST {
        return text;
    }
    let kept = text.get(..text.floor_char_boundary(MOST)).unwrap_or_default();
    format!("{kept}… ({} more bytes)", text.len() - kept.len())
}

/// Returns the lines of a text, each without control characters; in a step none of them is a command of the runner.
///
/// The runner takes `::name::` at the start of a line, after white space, and `##[name]` anywhere, from both streams.
pub(super) fn lines(text: &str, in_step: bool) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    text.split('\n')
        .map(|line| {
            if in_step {
                defused(&visible(line))
            } else {
                visible(line)
            }
        })
        .collect()
}

/// Returns the text on one line.
pub(super) fn line(text: &str, in_step: bool) -> String {
    lines(text, in_step).join(" ")
}

/// Shows control characters, and characters that are not seen.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if unseen(c) || (c.is_control() && c != '\t') {
            // Writing to a String cannot fail.
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// The runner compares by the rules of a language, which pass over more characters than anybody lists; all of them are outside ASCII.
fn defused(line: &str) -> String {
    let seen = |line: &str| line.chars().filter(char::is_ascii).collect::<String>();
    let start = line.len() - line.trim_start().len();
    let (space, rest) = line.split_at(start);
    let guard = if seen(rest).trim_start().starts_with("::") {
        "\\"
    } else {
        ""
    };
    let mut rest = rest.replace("##[", "##\\[");
    if seen(&rest).contains("##[") {
        rest = rest.replace('[', "\\[");
    }
    format!("{space}{guard}{rest}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the runner does with a line of a step's log, whatever it passes over.
    fn is_command(line: &str) -> bool {
        let seen: String = line.chars().filter(char::is_ascii).collect();
        seen.trim().starts_with("::") || seen.contains("##[")
    }

    #[test]
    fn commands_in_foreign_text_are_shown_and_not_obeyed() {
        for text in [
            "::error::x",
            "  ::add-mask::x",
            "\u{a0}::stop-commands::x",
            "a ##[error]b",
            "###[x]",
            "\u{feff}::error::",
            "ok\n::set-output name=a::b",
            "ok\r::error::x",
            "#\u{200b}#[error]",
            "\u{20dd}:\u{1bca0}:error::x",
            "#\u{488}#\u{1d173}[error]x",
            "ok\u{2028}::error::x",
        ] {
            for line in lines(text, true) {
                assert!(!is_command(&line), "{line:?}");
                assert!(!line.contains(['\r', '\n', '\u{85}', '\u{2028}', '\u{2029}']));
            }
        }
    }

    #[test]
    fn a_text_without_an_end_is_cut_at_a_character() {
        assert_eq!(bounded("ä".to_owned()), "ä");
        let text = bounded(format!("x{}", "ä".repeat(MOST)));
        assert!(
            text.len() < MOST + 30 && text.ends_with("ä… (16386 more bytes)"),
            "{}",
            &text[MOST - 9..]
        );
    }

    #[test]
    fn a_terminal_gets_no_escape_sequences_and_otherwise_the_text() {
        assert_eq!(lines("a\u{1b}[2Jb\tc", false), ["a\\u{1b}[2Jb\tc"]);
        assert_eq!(lines("::error::x", false), ["::error::x"]);
    }

    proptest! {
        #[test]
        fn no_text_is_a_command(text in "[ \t\n\r:#\\[\\]a\u{200b}\u{2028}\u{feff}\u{20dd}]{0,24}") {
            for line in lines(&text, true) {
                prop_assert!(!is_command(&line), "{:?}", line);
            }
        }
    }
}
