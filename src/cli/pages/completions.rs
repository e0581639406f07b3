//! Completions for shells, made by clap from the declarations of commands and inputs. They know words and files, and ask no server.

use clap_complete::{Generator, Shell};

use super::super::flags;
use super::SHELLS;
use crate::model::Command;

/// Returns the completions for a shell.
///
/// # Errors
/// There are none for it: names those that there are.
pub(super) fn of(shell: &str) -> Result<String, String> {
    let generator = match shell {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        "elvish" => Shell::Elvish,
        "powershell" => Shell::PowerShell,
        _ => {
            let shells = SHELLS.join(", ");
            return Err(format!("`completions` takes the name of a shell: one of {shells}"));
        }
    };
    let mut program = flags::program();
    program.build();
    let mut out = Vec::new();
    generator
        .try_generate(&program, &mut out)
        .map_err(|error| format!("the completions cannot be made: {error}"))?;
    let script = String::from_utf8_lossy(&out).into_owned();
    Ok(match shell {
        "bash" => with_equals(&script),
        "fish" => with_open_flag(&script),
        _ => script,
    })
}

/// Completes the value of a flag before the command, since a flag that still lacks its value is no reason to offer nothing; and the words
/// behind `completions` and `help`, which clap leaves out for fish.
fn with_open_flag(script: &str) -> String {
    let script = script.replacen(
        "-- $cmd 2>/dev/null\n    or return\n",
        "-- $cmd 2>/dev/null\n    or return 0\n",
        1,
    );
    let words = |command: &str, words: &[&str]| {
        format!(
            "complete -c promote -n \"__fish_promote_using_subcommand {command}\" -f -a \"{}\"\n",
            words.join(" ")
        )
    };
    format!(
        "{script}{}{}",
        words("completions", &SHELLS),
        words("help", Command::NAMES)
    )
}

/// Completes the value behind `--flag=`, which bash hands over as three words.
fn with_equals(script: &str) -> String {
    script.replacen(
        "    prev=\"$3\"\n",
        "    prev=\"$3\"\n    \
         if [[ \"$cur\" == \"=\" ]]; then cur=\"\"; \
         elif [[ \"$prev\" == \"=\" ]]; then prev=\"${COMP_WORDS[COMP_CWORD-2]}\"; fi\n",
        1,
    )
}
