//! The declaration of an input: one place that feeds the command line, the environment, `action.yml` and the reference page.

use serde::{Serialize, Serializer};

/// The commands of the binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Plans, lands, waits.
    Promote,
    /// Shows what `promote` would do.
    Plan,
    /// Follows a commit until it is live.
    Wait,
    /// Shows what is pinned where, and how it runs.
    Status,
    /// Checks everything that a promotion will need.
    Preflight,
    /// Edits one kustomization file in a folder.
    SetImage,
}

impl Command {
    /// Every command, in the order of the help text.
    pub const ALL: [Self; 6] = [
        Self::Promote,
        Self::Plan,
        Self::Wait,
        Self::Status,
        Self::Preflight,
        Self::SetImage,
    ];

    /// Their words on the command line, in the same order.
    pub const NAMES: [&'static str; 6] = {
        let [a, b, c, d, e, f] = Self::ALL;
        [a.name(), b.name(), c.name(), d.name(), e.name(), f.name()]
    };

    /// Returns the word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Plan => "plan",
            Self::Wait => "wait",
            Self::Status => "status",
            Self::Preflight => "preflight",
            Self::SetImage => "set-image",
        }
    }

    /// Returns what it does, in one line.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Promote => "change the pin, land the commit, and wait until exactly it is live and healthy",
            Self::Plan => "show the exact diff that `promote` would land; writes nothing",
            Self::Wait => "follow the applications until a commit is live and healthy",
            Self::Status => "show what is pinned in each environment, since when, and how it runs; writes nothing",
            Self::Preflight => {
                "check tokens, rights, overlays and applications before anyone needs them; writes nothing"
            }
            Self::SetImage => "do what `kustomize edit set image` does, and keep every other byte of the file",
        }
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// How the text of an input is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// Any text.
    Text,
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
    /// The value when it is not given, as text; `None` when absence means something of its own.
    pub default: Option<&'static str>,
    /// The default of `action.yml`, when a workflow expression supplies it.
    pub action_default: Option<&'static str>,
    /// What absence means, for the reference page, when `default` is `None`.
    pub absent: &'static str,
    /// Whether `promote.yaml` may say it too. `action.yml` states no default for such an input: the runner would pass it on
    /// as if the workflow had said it, and the file would never be asked.
    pub in_file: bool,
    /// The commands that it has an effect on.
    pub commands: &'static [Command],
    /// What it is, in one or two sentences for people who write workflows.
    pub help: &'static str,
    /// An example value.
    pub example: &'static str,
    /// Names of the environment that a laptop already has for it, such as `ARGOCD_SERVER`; not read in a step.
    pub laptop: &'static [&'static str],
}

impl InputSpec {
    /// What most inputs are: a text for `promote` and `plan` without a default.
    pub const PLAIN: Self = Self {
        name: "",
        kind: InputKind::Text,
        default: None,
        action_default: None,
        absent: "",
        in_file: false,
        commands: &[
            Command::Promote,
            Command::Plan,
            Command::Wait,
            Command::Status,
            Command::Preflight,
        ],
        help: "",
        example: "",
        laptop: &[],
    };

    /// An input that says what is written.
    pub const WRITING: Self = Self {
        commands: &[Command::Promote, Command::Plan],
        ..Self::PLAIN
    };

    /// An input that says how applications are followed.
    pub const FOLLOWING: Self = Self {
        commands: &[Command::Promote, Command::Wait],
        ..Self::PLAIN
    };

    /// An input that matters to landing, or only together with it.
    pub const LANDING: Self = Self {
        commands: &[Command::Promote],
        ..Self::PLAIN
    };

    /// Tells whether its value must never be shown.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, InputKind::Secret | InputKind::SecretLines)
    }

    /// Tells whether its flag may be repeated.
    #[must_use]
    pub const fn is_repeatable(&self) -> bool {
        matches!(self.kind, InputKind::List | InputKind::Lines | InputKind::SecretLines)
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
