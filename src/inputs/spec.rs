//! The declaration of an input: one place that feeds the command line, the environment, `action.yml` and the reference page.

use crate::model::{Command, Part};

/// How the text of an input is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Any text.
    Text,
    /// The address of a server or repository: only its scheme, host and path are ever shown.
    Address,
    /// Texts, separated by commas or lines; the flag may be repeated.
    List,
    /// Texts of which each stands on a line of its own (values may hold commas); the flag may be repeated.
    Lines,
    /// `true` or `false`, as the Actions toolkit reads them; the bare flag is `true`.
    Bool,
    /// A duration such as `90s`, `10m`, `1h30m`.
    Duration,
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// A list of words, of which there are a few.
    Choices(&'static [&'static str]),
    /// A file.
    File,
    /// A secret: no flag takes its value, only `--NAME-file`.
    Secret,
    /// Secret lines `Name: value`.
    SecretLines,
}

/// One input, declared in the folder that uses it.
#[derive(Clone, Copy, Debug)]
pub struct InputSpec {
    /// The name in `with:` and, behind `--`, on the command line.
    pub name: &'static str,
    /// How its text is read.
    pub kind: InputKind,
    /// The part of a command that it belongs to: the commands with that part take it.
    pub part: Part,
    /// The value when it is not given, as text; `None` when absence means something of its own.
    pub default: Option<&'static str>,
    /// Commands with another default.
    pub default_of: &'static [(Command, &'static str)],
    /// The default of `action.yml`, when a workflow expression supplies it.
    pub action_default: Option<&'static str>,
    /// What absence means, when `default` is `None`: a sentence that begins with "Required", or words that stand after "Default:".
    pub absent: &'static str,
    /// Whether `promote.yaml` may say it too. `action.yml` states no default for such an input: the runner would pass it on
    /// as if the workflow had said it, and the file would never be asked.
    pub in_file: bool,
    /// Whether the short help (`-h`) shows it.
    pub common: bool,
    /// Commands whose short help shows it as well.
    pub common_of: &'static [Command],
    /// What it is: a noun phrase, then what else people who write workflows need to know.
    pub help: &'static str,
    /// What it is, and what absence means, for commands that have another sentence about it.
    pub help_of: &'static [(Command, &'static str, &'static str)],
    /// An example value.
    pub example: &'static str,
    /// Names of the environment that a laptop already has for it, such as `ARGOCD_SERVER`; not read in a step.
    pub laptop: &'static [&'static str],
}

impl InputSpec {
    /// What most inputs are: a text without a default that says which app, where.
    pub const PLAIN: Self = Self {
        name: "",
        kind: InputKind::Text,
        part: Part::Select,
        default: None,
        default_of: &[],
        action_default: None,
        absent: "",
        in_file: false,
        common: false,
        common_of: &[],
        help: "",
        help_of: &[],
        example: "",
        laptop: &[],
    };

    /// Whether `command` takes it.
    #[must_use]
    pub fn is_taken_by(&self, command: Command) -> bool {
        command.parts().contains(&self.part)
    }

    /// Returns the commands that take it.
    pub fn commands(&self) -> impl Iterator<Item = Command> {
        Command::ALL
            .iter()
            .copied()
            .filter(|command| self.is_taken_by(*command))
    }

    /// Returns the value that it has for `command` when it is not given.
    #[must_use]
    pub fn default_for(&self, command: Command) -> Option<&'static str> {
        let own = self.default_of.iter().find(|(other, _)| *other == command);
        own.map(|(_, text)| *text).or(self.default)
    }

    /// Whether the short help of `command`, or of all commands, shows it: what only one command takes is what that command is about.
    #[must_use]
    pub fn is_common_for(&self, command: Option<Command>) -> bool {
        self.common || command.is_some_and(|command| self.common_of.contains(&command) || self.is_only_of(command))
    }

    /// Whether no command but this one takes it.
    #[must_use]
    pub fn is_only_of(&self, command: Command) -> bool {
        self.commands().eq([command])
    }

    /// Returns what it is for `command`, or for all of them, and what absence means there.
    #[must_use]
    pub fn help_for(&self, command: Option<Command>) -> (&'static str, &'static str) {
        let own = self.help_of.iter().find(|(other, ..)| Some(*other) == command);
        own.map_or((self.help, self.absent), |(_, help, absent)| (help, absent))
    }

    /// Whether its value must never be shown.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, InputKind::Secret | InputKind::SecretLines)
    }

    /// Whether its flag may be repeated.
    #[must_use]
    pub const fn is_repeatable(&self) -> bool {
        matches!(
            self.kind,
            InputKind::List | InputKind::Choices(_) | InputKind::Lines | InputKind::SecretLines
        )
    }

    /// Returns the flag that takes it: `--NAME`, for a secret `--NAME-file`.
    #[must_use]
    pub fn flag(&self) -> String {
        let file = if self.is_secret() { "-file" } else { "" };
        format!("--{}{file}", self.name)
    }

    /// Returns its variable outside a step.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("PROMOTE_{}", self.name.replace('-', "_").to_ascii_uppercase())
    }
}
