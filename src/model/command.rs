//! The commands of the binary, and the parts that each of them is made of.

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
    /// Watches applications and their metrics.
    Verify,
    /// Goes back to an earlier version.
    Rollback,
    /// Shows what was live where, when, and how it ended.
    History,
    /// Shows what is pinned where, and how it runs.
    Status,
    /// Checks everything that a promotion will need.
    Preflight,
    /// Stops a canary.
    Abort,
    /// Lets a paused canary go on.
    Resume,
    /// Keeps a version from being promoted.
    Hold,
    /// Lets it be promoted again.
    Release,
    /// Edits one kustomization file in a folder.
    SetImage,
}

/// What a command can do. An input belongs to one part, and a command takes the inputs of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It prints a result.
    Print,
    /// It works on apps in environments.
    Select,
    /// It reads the infra-repo.
    Repository,
    /// It asks Argo CD.
    Delivery,
    /// It names images.
    Image,
    /// It changes what is pinned.
    Change,
    /// It asks who approves a job.
    People,
    /// It can follow what it landed, or not.
    Wait,
    /// It keeps something from being promoted.
    Hold,
    /// It passes pauses of a canary.
    Resume,
    /// It does something that a person can give a reason for.
    Reason,
    /// It writes a commit.
    Land,
    /// It shows in the source repository how it ended.
    Show,
    /// It starts syncs.
    Sync,
    /// It follows applications until they are live.
    Follow,
    /// It starts from a commit that exists.
    Commit,
    /// It can make exceptions to what is refused.
    Allow,
    /// It knows what the database has to look like.
    Schema,
    /// It goes back to an earlier version.
    Back,
    /// It shows the past.
    Past,
    /// It shows what would change.
    Preview,
    /// It shows what is pinned, and how that runs.
    Overview,
    /// It asks for metrics.
    Metrics,
    /// It watches what is live.
    Watch,
}

impl Command {
    /// Every command, in the order of the help text.
    pub const ALL: &'static [Self] = &[
        Self::Promote,
        Self::Plan,
        Self::Wait,
        Self::Verify,
        Self::Rollback,
        Self::History,
        Self::Status,
        Self::Preflight,
        Self::Abort,
        Self::Resume,
        Self::Hold,
        Self::Release,
        Self::SetImage,
    ];

    /// Their words on the command line, in the same order.
    pub const NAMES: &'static [&'static str] = &{
        let mut names = [""; Self::ALL.len()];
        let mut rest = Self::ALL;
        let mut at = 0;
        while let [command, others @ ..] = rest {
            #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
            {
                names[at] = command.name();
            }
            rest = others;
            at += 1;
        }
        names
    };

    /// Returns the command of that name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|command| command.name() == word)
    }

    /// Returns the word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Plan => "plan",
            Self::Wait => "wait",
            Self::Verify => "verify",
            Self::Rollback => "rollback",
            Self::History => "history",
            Self::Status => "status",
            Self::Preflight => "preflight",
            Self::Abort => "abort",
            Self::Resume => "resume",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::SetImage => "set-image",
        }
    }

    /// Whether all that it does is to show something: it writes nothing, and waits for nothing.
    #[must_use]
    pub const fn only_shows(self) -> bool {
        matches!(self, Self::Plan | Self::History | Self::Status | Self::Preflight)
    }

    /// Returns what it does, in one line.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Promote => "change the pin, push the commit, and wait until it is live and healthy",
            Self::Plan => "show the diff that `promote` would push; writes nothing",
            Self::Wait => "follow the applications until a commit is live and healthy",
            Self::Verify => "watch live applications and judge their metrics by the environment's analyses",
            Self::Rollback => "put an earlier version back, hold the bad one, and wait until it is live",
            Self::History => "show what was live, when, by whom, and how it ended; writes nothing",
            Self::Status => "show what is pinned in each environment, since when, and how it runs; writes nothing",
            Self::Preflight => {
                "check tokens, permissions, overlays and applications before a promotion; writes nothing"
            }
            Self::Abort => {
                "stop the canary now, and wait until no traffic goes to it; changes the cluster, not the infra-repo"
            }
            Self::Resume => "pass one pause of a canary, or with `full` all that is left, and follow it",
            Self::Hold => "keep a version, an app or an environment from being promoted, with a reason",
            Self::Release => "remove holds, so that it can be promoted again",
            Self::SetImage => "do what `kustomize edit set image` does, and keep every other byte of the file",
        }
    }

    /// Returns the parts that it is made of. A plan takes everything that the promotion takes, so that `plan` can stand before its flags.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table: one row for each command")]
    pub const fn parts(self) -> &'static [Part] {
        match self {
            Self::Plan => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Delivery,
                Part::Image,
                Part::Change,
                Part::People,
                Part::Wait,
                Part::Reason,
                Part::Allow,
                Part::Schema,
                Part::Land,
                Part::Sync,
                Part::Follow,
                Part::Metrics,
                Part::Show,
                Part::Preview,
            ],
            Self::Promote => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Delivery,
                Part::Image,
                Part::Change,
                Part::People,
                Part::Wait,
                Part::Reason,
                Part::Allow,
                Part::Schema,
                Part::Land,
                Part::Sync,
                Part::Follow,
                Part::Metrics,
                Part::Show,
            ],
            Self::Rollback => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Delivery,
                Part::Commit,
                Part::Allow,
                Part::Schema,
                Part::Reason,
                Part::Back,
                Part::Land,
                Part::Sync,
                Part::Follow,
                Part::Metrics,
            ],
            Self::History => &[Part::Print, Part::Select, Part::Repository, Part::Past],
            Self::Wait => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Delivery,
                Part::Commit,
                Part::Sync,
                Part::Follow,
                Part::Metrics,
            ],
            Self::Verify => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Delivery,
                Part::Metrics,
                Part::Watch,
            ],
            Self::Status => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Delivery,
                Part::Overview,
            ],
            Self::Preflight => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Delivery,
                Part::People,
                Part::Sync,
            ],
            Self::Abort => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Delivery,
                Part::Reason,
            ],
            Self::Resume => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Delivery,
                Part::Reason,
                Part::Sync,
                Part::Follow,
                Part::Metrics,
                Part::Resume,
            ],
            Self::Hold => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Image,
                Part::Reason,
                Part::Hold,
                Part::Land,
            ],
            Self::Release => &[
                Part::Print,
                Part::Select,
                Part::Repository,
                Part::Image,
                Part::Reason,
                Part::Land,
            ],
            Self::SetImage => &[Part::Print],
        }
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        assert_eq!(Command::NAMES.len(), Command::ALL.len());
        for (command, name) in Command::ALL.iter().zip(Command::NAMES) {
            assert_eq!(Command::parse(name), Some(*command));
        }
    }
}
