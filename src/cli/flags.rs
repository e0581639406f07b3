//! The command line as clap knows it, built from the declarations of commands and inputs: once to read it, once to explain it.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ValueHint};

use super::inputs::COMMAND;
use super::table::{self, GROUPS};
use crate::inputs::{InputKind, InputSpec};
use crate::model::Command;

/// The width that help is wrapped to.
const WIDTH: usize = 100;
/// The names under which clap keeps what is no input.
pub(super) const WORDS: &str = "words";
/// `--dir` of `set-image`.
pub(super) const DIR: &str = "dir";
/// `--verbose`.
pub(super) const VERBOSE: &str = "verbose";
/// What precedes the name of a secret that stands on the command line, where it does not belong.
pub(super) const SPILLED: &str = "spilled ";

/// Returns every input that has a flag.
fn with_flag() -> impl Iterator<Item = &'static InputSpec> {
    table::all().filter(|spec| spec.name != COMMAND.name)
}

/// Returns what reads the arguments. Only the flags of `set-image` are known to its reader, so that an edit starts fast.
#[must_use]
pub(super) fn reader(set_image: bool) -> clap::Command {
    let words = Arg::new(WORDS)
        .num_args(0..)
        .action(ArgAction::Append)
        .value_parser(clap::value_parser!(std::ffi::OsString));
    let mut command = bare("promote").arg(words).args(own(&ArgAction::Count)).arg(dir());
    for spec in with_flag().filter(|spec| !set_image || spec.is_taken_by(Command::SetImage)) {
        command = command.arg(arg(spec).value_parser(clap::value_parser!(std::ffi::OsString)));
        if spec.is_secret() {
            let spilled = Arg::new(format!("{SPILLED}{}", spec.name))
                .long(spec.name)
                .num_args(0..=1)
                .value_parser(clap::value_parser!(std::ffi::OsString))
                .action(ArgAction::Append);
            command = command.arg(spilled);
        }
    }
    command
}

/// Returns a command with all that its help says.
#[must_use]
pub(super) fn explained(command: Command) -> clap::Command {
    let name = command.name();
    let explained = bare(name)
        .about(sentence(command.about()))
        .bin_name(format!("promote {name}"))
        .override_usage(match command {
            Command::SetImage => "promote set-image [--dir DIR] -- NAME[=NEW_NAME][:TAG][@DIGEST]...".to_owned(),
            Command::Promote => "promote [FLAGS]".to_owned(),
            _ => format!("promote {name} [FLAGS]"),
        })
        .args(inputs_of(|spec| spec.is_taken_by(command), Some(command)))
        .args(own(&ArgAction::SetTrue));
    match command {
        Command::SetImage => explained.arg(dir()),
        _ => explained.after_long_help(NOTES),
    }
}

/// Returns the whole program: every command, and the flags of `promote`, which is the default.
#[must_use]
pub(super) fn program() -> clap::Command {
    let promote = explained(Command::Promote);
    let mut program = promote
        .name("promote")
        .bin_name("promote")
        .about("Promotes an image through a GitOps infra-repo and waits until exactly that commit is live and healthy.")
        .override_usage("promote [COMMAND] [FLAGS]")
        .version(env!("CARGO_PKG_VERSION"))
        .after_help(EXAMPLES)
        .after_long_help(format!("{EXAMPLES}\n\n{NOTES}"))
        .subcommand_help_heading("Commands");
    for command in Command::ALL.iter().copied() {
        let about = if COMMAND.default == Some(command.name()) {
            format!("{} (the default)", sentence(command.about()))
        } else {
            sentence(command.about())
        };
        program = program.subcommand(explained(command).about(about));
    }
    program.subcommands(printing())
}

/// Returns every input as a flag, whatever the command, for the manual page.
#[must_use]
pub(super) fn every_flag() -> clap::Command {
    bare("promote")
        .about("promotes an image through a GitOps infra-repo")
        .args(inputs_of(|_| true, None))
        .arg(dir())
        .args(own(&ArgAction::SetTrue))
}

/// What prints something for a person or a shell, and does nothing else.
pub(super) fn printing() -> [clap::Command; 4] {
    let shell = Arg::new("shell").value_parser(PossibleValuesParser::new(super::pages::SHELLS));
    let command = Arg::new("command").value_parser(PossibleValuesParser::new(Command::NAMES));
    [
        bare("help").about("Print the help of a command").arg(command),
        bare("version").about("Print the version"),
        bare("completions")
            .about("Print completions for a shell: source <(promote completions bash)")
            .arg(shell),
        bare("man").about("Print the manual page: promote man | man -l -"),
    ]
}

const EXAMPLES: &str = "Examples:
  promote --app api --environment dev --tag a3f1c8b --infra-repo myorg/infra-repo
  promote plan --app api --environment staging --from dev --infra-repo myorg/infra-repo
  promote set-image --dir apps/api/overlays/dev -- myorg/api:a3f1c8b";

const NOTES: &str = "Repeat the flag of a list, or separate its values by commas. Outside a workflow, each flag can also be an environment \
                     variable: PROMOTE_INFRA_REPO is --infra-repo. No flag takes the value of a secret: promote reads it from a file \
                     (`-` is stdin) or an environment variable. NO_COLOR turns color off, FORCE_COLOR turns it on.";

/// A command without what clap adds by itself.
fn bare(name: &'static str) -> clap::Command {
    clap::Command::new(name)
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .term_width(WIDTH)
}

/// Flags that are no inputs.
fn own(action: &ArgAction) -> [Arg; 3] {
    const HEADING: &str = "Everywhere";
    [
        Arg::new("help")
            .short('h')
            .long("help")
            .action(action.clone())
            .help("Help: -h is short, --help has everything")
            .help_heading(HEADING),
        Arg::new(VERBOSE)
            .short('v')
            .long(VERBOSE)
            .action(action.clone())
            .help("Show more of what happens")
            .help_heading(HEADING),
        Arg::new("version")
            .short('V')
            .long("version")
            .action(action.clone())
            .help("Version")
            .help_heading(HEADING),
    ]
}

fn dir() -> Arg {
    Arg::new(DIR)
        .long(DIR)
        .value_name("DIR")
        .value_hint(ValueHint::DirPath)
        .action(ArgAction::Append)
        .num_args(1)
        .value_parser(clap::value_parser!(std::ffi::OsString))
        .help("Folder that holds the kustomization [default: .]")
}

/// The flag of an input, as far as its reader needs it.
fn arg(spec: &'static InputSpec) -> Arg {
    let flag = spec.flag();
    let arg = Arg::new(spec.name)
        .long(flag.trim_start_matches('-').to_owned())
        .action(ArgAction::Append);
    match spec.kind {
        InputKind::Bool => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        // Text of a certificate begins with dashes.
        InputKind::File => arg.num_args(1).allow_hyphen_values(true),
        _ => arg.num_args(1),
    }
}

/// The flags of the inputs that are wanted, each with what is said about it. Those that no other command takes stand first.
fn inputs_of(wanted: impl Fn(&InputSpec) -> bool, command: Option<Command>) -> Vec<Arg> {
    let specs = GROUPS
        .iter()
        .flat_map(|group| group.specs.iter().map(|spec| (group.title, spec)));
    let specs = specs.filter(|(_, spec)| spec.name != COMMAND.name && wanted(spec));
    let is_own = |spec: &InputSpec| command.is_some_and(|command| spec.is_only_of(command));
    let (own, others): (Vec<_>, Vec<_>) = specs.partition(|(_, spec)| is_own(spec));
    let heading = command.map(|command| sentence(command.name())).unwrap_or_default();
    let own = own.into_iter();
    let own = own.map(|(_, spec)| shown(spec, command).help_heading(heading.clone()));
    let others = others
        .into_iter()
        .map(|(title, spec)| shown(spec, command).help_heading(title));
    own.chain(others).collect()
}

/// The flag of an input, with what is said about it.
fn shown(spec: &'static InputSpec, command: Option<Command>) -> Arg {
    let arg = arg(spec)
        .hide_short_help(!spec.is_common_for(command))
        .value_name(value_name(spec))
        .value_hint(match spec.kind {
            InputKind::File | InputKind::Secret | InputKind::SecretLines => ValueHint::FilePath,
            _ => ValueHint::Other,
        })
        .hide_possible_values(true)
        .help(short(spec, command))
        .long_help(long(spec, command));
    match words(spec) {
        Some(words) => arg.value_parser(PossibleValuesParser::new(words)),
        None => arg,
    }
}

fn words(spec: &InputSpec) -> Option<&'static [&'static str]> {
    match spec.kind {
        InputKind::Choice(words) | InputKind::Choices(words) => Some(words),
        InputKind::Bool => Some(&["true", "false"]),
        _ => None,
    }
}

fn value_name(spec: &InputSpec) -> String {
    match spec.kind {
        InputKind::Bool => "true|false".to_owned(),
        InputKind::Duration => "DURATION".to_owned(),
        // More words than fit beside the flag are explained below it.
        InputKind::Choices(words) if words.len() > 6 => "LIST".to_owned(),
        InputKind::Choice(words) | InputKind::Choices(words) => words.join("|"),
        InputKind::List | InputKind::Lines => "LIST".to_owned(),
        InputKind::File | InputKind::Secret | InputKind::SecretLines => "FILE".to_owned(),
        InputKind::Address => "ADDRESS".to_owned(),
        InputKind::Text => "TEXT".to_owned(),
    }
}

fn default(spec: &InputSpec, command: Option<Command>) -> Option<&'static str> {
    command.map_or(spec.default, |command| spec.default_for(command))
}

/// The first sentence, and the default.
fn short(spec: &InputSpec, command: Option<Command>) -> String {
    let (help, _) = spec.help_for(command);
    let first = help.split(". ").next().unwrap_or_default();
    let first = first.split(": ").next().unwrap_or_default();
    let default = default(spec, command).map(|text| format!(" [default: {text}]"));
    format!(
        "{}{}",
        first.trim_end_matches('.').replace('`', ""),
        default.unwrap_or_default()
    )
}

/// Everything.
fn long(spec: &InputSpec, command: Option<Command>) -> String {
    let (help, absent) = spec.help_for(command);
    let default = match default(spec, command) {
        Some(text) => format!(" Default: {text}."),
        None if absent.is_empty() => String::new(),
        None => format!(" {absent}."),
    };
    let variables = std::iter::once(spec.variable()).chain(spec.laptop.iter().map(ToString::to_string));
    let variables = variables.collect::<Vec<_>>().join(", ");
    let variables = if spec.is_secret() || !spec.laptop.is_empty() {
        format!(" Environment: {variables}.")
    } else {
        String::new()
    };
    format!("{help}{default}{variables}").replace('`', "")
}

/// Makes a sentence of what a command does.
fn sentence(about: &str) -> String {
    let mut letters = about.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    format!("{}{}", first.unwrap_or_default(), letters.as_str()).replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault_in_its_commands() {
        reader(false).debug_assert();
        reader(true).debug_assert();
        program().debug_assert();
        every_flag().debug_assert();
    }
}
