//! The text of `--help`, made from the declarations of commands and inputs.

use super::inputs::COMMAND;
use super::printed;
use super::table::GROUPS;
use crate::inputs::{InputKind, InputSpec};
use crate::model::{Command, nearest};

/// The width that help is wrapped to.
const WIDTH: usize = 100;

/// Returns the text of `--version`.
#[must_use]
pub(super) fn version() -> String {
    concat!("promote ", env!("CARGO_PKG_VERSION"), "\n").to_owned()
}

/// Returns the help for a command, or for all of them.
#[must_use]
pub(super) fn text(command: Option<&str>) -> String {
    let known = |word: &str| Command::parse(word);
    if let Some(command) = command.and_then(known) {
        return for_command(command);
    }
    let near = command.and_then(|word| nearest(word, Command::ALL.iter().map(|command| command.name())));
    let near = near.map(|near| format!("\nDid you mean `promote {near}`?\n"));
    overview() + &near.unwrap_or_default()
}

fn overview() -> String {
    let mut out =
        "Promotes an image through a GitOps infra-repo and waits until exactly that commit is live and healthy.\n\n\
                   Usage: promote [COMMAND] [FLAGS]\n\nCommands:\n"
            .to_owned();
    for command in Command::ALL.iter().copied() {
        let default = if COMMAND.default == Some(command.name()) {
            " (the default)"
        } else {
            ""
        };
        out += &entry(command.name(), &format!("{}{default}", command.about()));
    }
    out.extend(printed::WORDS.map(|(word, about)| entry(word, about)));
    out + "\nExamples:\n\
           \x20 promote --app api --environment dev --tag a3f1c8b --infra-repo myorg/infra-repo\n\
           \x20 promote plan --app api --environment staging --from dev --infra-repo myorg/infra-repo\n\
           \x20 promote set-image --dir apps/api/overlays/dev -- myorg/api:a3f1c8b\n\n"
        + &flags(Command::Promote)
}

fn for_command(command: Command) -> String {
    let about = format!("promote {}: {}.\n\n", command.name(), command.about());
    if command == Command::SetImage {
        let usage = "Usage: promote set-image --dir DIR -- NAME[=NEW_NAME][:TAG][@DIGEST]...\n\n";
        return about + usage + &entry("--dir DIR", "The folder that holds the kustomization.") + &own();
    }
    format!("{about}Usage: promote {} [FLAGS]\n\n{}", command.name(), flags(command))
}

fn flags(command: Command) -> String {
    let mut out = String::new();
    for group in &GROUPS {
        let specs = group
            .specs
            .iter()
            .filter(|spec| spec.is_taken_by(command) && spec.name != COMMAND.name);
        let entries: String = specs.map(flag).collect();
        if !entries.is_empty() {
            out = format!("{out}{}:\n{entries}\n", group.title);
        }
    }
    out + &own()
}

fn own() -> String {
    format!(
        "Everywhere:\n{}{}{}\n\
         Lists are by comma, by line, or by repeating the flag. Outside a workflow each flag may also be a variable:\n\
         PROMOTE_INFRA_REPO is --infra-repo. A secret is never a flag's value: it is read from a file (`-` is stdin)\n\
         or a variable.\n",
        entry("-h, --help", "This text; after a command, its own."),
        entry("-v, --verbose", "Tell more about what happens."),
        entry("-V, --version", "The version."),
    )
}

fn flag(spec: &InputSpec) -> String {
    let value = match spec.kind {
        InputKind::Bool => "[=BOOL]",
        InputKind::Duration => " DURATION",
        InputKind::Choice(_) => " WORD",
        InputKind::List | InputKind::Choices(_) | InputKind::Lines => " LIST",
        InputKind::File | InputKind::Secret | InputKind::SecretLines => " FILE",
        InputKind::Text | InputKind::Address => " TEXT",
    };
    let variable = if spec.is_secret() {
        format!(" Or {}.", variables(spec))
    } else {
        String::new()
    };
    let default = match (spec.default, spec.absent) {
        (Some(default), _) => format!(" [{default}]"),
        (None, "") => String::new(),
        (None, absent) => format!(" [{absent}]"),
    };
    entry(
        &format!("{}{value}", spec.flag()),
        &format!("{}{variable}{default}", spec.help),
    )
}

fn variables(spec: &InputSpec) -> String {
    let own = spec.variable();
    std::iter::once(own.as_str())
        .chain(spec.laptop.iter().copied())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Sets a name and what is said about it, wrapped.
fn entry(name: &str, about: &str) -> String {
    const INDENT: usize = 28;
    let mut lines = vec![format!("  {name:width$}", width = INDENT - 2)];
    if name.len() > INDENT - 4 {
        lines.push(" ".repeat(INDENT));
    }
    for word in about.split_whitespace() {
        let full = lines
            .last()
            .is_some_and(|line| line.chars().count() + word.chars().count() > WIDTH);
        if full {
            lines.push(" ".repeat(INDENT));
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    #[test]
    fn every_input_of_a_command_is_in_its_help() {
        for command in [Command::Promote, Command::Plan] {
            let text = text(Some(command.name()));
            for spec in table::all().filter(|spec| spec.name != "command") {
                let flag = format!("  {}", spec.flag());
                assert_eq!(
                    text.contains(&flag),
                    spec.is_taken_by(command),
                    "{flag} of {}",
                    command.name()
                );
            }
        }
        assert!(text(Some("set-image")).contains("--dir DIR"));
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        for line in text(None).lines() {
            assert!(line.chars().count() <= 120, "{line}");
        }
    }

    #[test]
    fn help_for_a_mistyped_command_offers_the_nearest() {
        assert!(text(Some("plann")).ends_with("Did you mean `promote plan`?\n"));
    }
}
