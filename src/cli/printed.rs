//! The words that print something for the shell in place of running a command: `man`, and `completions` of a shell. They are for a command
//! line alone: no input of a workflow names them.

use std::ffi::OsString;

use super::{completions, manual};

/// The words, with what each prints.
pub(super) const WORDS: [(&str, &str); 2] = [
    (
        "completions SHELL",
        "print completions for bash, zsh or fish: source <(promote completions bash)",
    ),
    ("man", "print the manual page: promote man | man -l -"),
];

/// Returns what the arguments ask to be printed; `None` if they ask for something else.
///
/// # Errors
/// Says what would be right.
pub(super) fn asked(args: &[OsString]) -> Option<Result<String, String>> {
    let words: Vec<_> = args.iter().map(|word| word.to_string_lossy()).collect();
    let (first, rest) = words.split_first()?;
    if rest.iter().any(|word| word == "-h" || word == "--help") {
        return None;
    }
    match (first.as_ref(), rest) {
        ("man", []) => Some(Ok(manual::page())),
        ("man", _) => Some(Err("`man` takes nothing after it: promote man | man -l -".to_owned())),
        ("completions", [shell]) if shell == "bash" => Some(Ok(completions::bash())),
        ("completions", [shell]) if shell == "zsh" => Some(Ok(completions::zsh())),
        ("completions", [shell]) if shell == "fish" => Some(Ok(completions::fish())),
        ("completions", _) => {
            let shells = completions::SHELLS.join(", ");
            Some(Err(format!("`completions` takes the name of a shell: one of {shells}")))
        }
        _ => None,
    }
}
