//! What is printed in place of running a command: help, version, completions, the manual page; and the generated files of the repository.

use std::ffi::OsString;

use super::flags;
use crate::model::{Command, nearest};

mod completions;
mod manual;
pub mod reference;
mod workflow;

/// How the files are made again, as their first lines say.
const HOW: &str = "generated from the code; after a change there: UPDATE_DOCS=1 cargo test --test it docs";

/// The shells that completions are made for.
pub(super) const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

/// Writes a text as YAML reads it: a JSON string is one, too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns what the arguments ask to be printed; `None` if they ask for something else.
///
/// # Errors
/// Says what would be right.
pub(super) fn asked(args: &[OsString]) -> Option<Result<String, String>> {
    let before = args.iter().take_while(|arg| *arg != "--");
    let words: Vec<_> = before.map(|word| word.to_string_lossy()).collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let has = |names: [&str; 2]| words.iter().any(|word| names.contains(word));
    let command = words.iter().find_map(|word| Command::parse(word));
    let everything = has(["--help", "--help"]);
    if everything || has(["-h", "-h"]) {
        let of_page = words.first().and_then(|word| help_of_page(word, everything));
        return Some(Ok(of_page.unwrap_or_else(|| help(command, everything))));
    }
    if has(["-V", "--version"]) {
        return Some(Ok(version()));
    }
    match words.as_slice() {
        ["version"] => Some(Ok(version())),
        ["version", ..] => Some(Err("`version` takes nothing after it".to_owned())),
        ["help"] => Some(Ok(help(None, true))),
        ["help", word] | [word, "help"] => Some(match Command::parse(word) {
            Some(command) => Ok(help(Some(command), true)),
            None => help_of_page(word, true).ok_or_else(|| no_command(word, "help ")),
        }),
        ["man"] => Some(Ok(manual::page())),
        ["man", ..] => Some(Err("`man` takes nothing after it: promote man | man -l -".to_owned())),
        ["completions", shell] => Some(completions::of(shell)),
        ["completions", ..] => Some(completions::of("")),
        _ => None,
    }
}

/// Returns the help of a word that prints something.
fn help_of_page(word: &str, everything: bool) -> Option<String> {
    let page = flags::printing().into_iter().find(|page| page.get_name() == word)?;
    Some(rendered(page.bin_name(format!("promote {word}")), everything))
}

/// Returns the help of a command, or of all of them: what most people need, or everything.
#[must_use]
pub(super) fn help(command: Option<Command>, everything: bool) -> String {
    rendered(command.map_or_else(flags::program, flags::explained), everything)
}

fn rendered(mut command: clap::Command, everything: bool) -> String {
    let text = if everything {
        command.render_long_help()
    } else {
        command.render_help()
    };
    let text = text.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim_end())
}

/// Says that a word is no command, without the word: it could be a secret whose flag is misspelt. `before` are the words that stand before
/// the name of a command.
pub(super) fn no_command(word: &str, before: &str) -> String {
    let all = || Command::NAMES.iter().copied().chain(PRINTING);
    match nearest(word, all()) {
        Some(near) => format!("there is no such command: did you mean `promote {before}{near}`?"),
        None => format!(
            "there is no such command: the commands are {}",
            all().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The words that print something and do nothing.
const PRINTING: [&str; 4] = ["help", "version", "completions", "man"];

fn version() -> String {
    concat!("promote ", env!("CARGO_PKG_VERSION"), "\n").to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    #[test]
    fn every_input_of_a_command_is_in_its_help() {
        for command in Command::ALL.iter().copied() {
            let text = help(Some(command), true);
            for spec in table::all().filter(|spec| spec.name != "command") {
                let flag = format!("  {}", spec.flag());
                let there = text.lines().any(|line| {
                    let line = line.split([' ', '[', '<']).find(|part| !part.is_empty());
                    line == Some(spec.flag().as_str())
                });
                assert_eq!(there, spec.is_taken_by(command), "{flag} of {}", command.name());
            }
        }
        assert!(help(Some(Command::SetImage), false).contains("--dir <DIR>"));
    }

    #[test]
    fn the_short_help_fits_on_a_screen_and_no_line_is_wider_than_a_terminal() {
        for command in std::iter::once(None).chain(Command::ALL.iter().copied().map(Some)) {
            let short = help(command, false);
            assert!(short.lines().count() <= 60, "{short}");
            for line in short.lines().chain(help(command, true).lines()) {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }

    #[test]
    fn a_command_has_its_own_words() {
        let wait = help(Some(Command::Wait), true);
        assert!(
            wait.contains("--sync <auto|trigger|never>") && wait.contains("Default: never."),
            "{wait}"
        );
        assert!(help(Some(Command::Promote), true).contains("Default: auto."));
        for (command, own) in [
            (
                Command::Rollback,
                &[
                    "--to <",
                    "--yes",
                    "--dry-run",
                    "--reason <",
                    "Commit of the promotion to take back",
                ][..],
            ),
            (Command::Hold, &["--reason <", "--until <"]),
            (Command::History, &["--limit <", "--since <", "--metrics"]),
            (Command::Plan, &["--exit-code"]),
        ] {
            let short = help(Some(command), false);
            for flag in own {
                assert!(short.contains(flag), "{flag} in {short}");
            }
        }
        assert!(help(Some(Command::Wait), false).contains("Commit to wait for"));
    }
}
