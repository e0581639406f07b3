//! How applications are followed: one row per key, which feeds the command line, `INPUT_*`, promote.yaml, its schema, and every page.

use std::time::Duration;

use crate::inputs::{InputKind, InputSpec, value};
use crate::model::{Command, Part};

/// A key that an input or promote.yaml may say.
pub struct PolicyKey {
    /// Its declaration, and its default.
    pub input: InputSpec,
    /// Reads a text into the policy. The error is the end of a sentence that begins with the value.
    pub set: fn(&mut Policy, &str) -> Result<(), String>,
}

/// Makes the types of a policy and the table of its keys from the rows: `NAME field: type, reader = declaration`.
macro_rules! policy {
    ($($(#[doc = $doc:literal])* $name:ident $field:ident: $kind:ty, $read:expr => $spec:expr;)*) => {
        $($(#[doc = $doc])* pub const $name: InputSpec = $spec;)*

        /// How an application is followed. `None` = not said here: the next source decides (inputs, then promote.yaml, then the default).
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Policy { $($(#[doc = $doc])* pub $field: Option<$kind>,)* }

        /// A policy with every question answered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct ResolvedPolicy { $($(#[doc = $doc])* pub $field: $kind,)* }

        impl Policy {
            /// Fills what is not said here from `next`.
            #[must_use]
            pub fn or(self, next: Self) -> Self {
                Self { $($field: self.$field.or(next.$field),)* }
            }

            /// Fills what is still open with the defaults.
            #[must_use]
            pub fn resolve(self) -> ResolvedPolicy {
                ResolvedPolicy {
                    // A test reads every default, so there is always one.
                    $($field: self.$field.or_else(|| $read($name.default?).ok()).unwrap_or_default(),)*
                }
            }
        }

        /// Every key.
        pub const KEYS: &[PolicyKey] = &[$(PolicyKey {
            input: $name,
            set: |policy, text| $read(text).map(|value| policy.$field = Some(value)),
        },)*];

        /// The declarations of all of them.
        pub const INPUTS: &[InputSpec] = &[$($name,)*];
    };
}

policy! {
    /// Who starts the sync.
    SYNC sync: SyncMode, SyncMode::read => InputSpec {
        name: "sync",
        kind: InputKind::Choice(&["auto", "trigger", "never"]),
        part: Part::Sync,
        default: Some("auto"),
        default_of: &[(Command::Wait, "never"), (Command::Resume, "never")],
        in_file: true,
        common: true,
        help: "What starts the sync. `auto` refreshes an application with automated sync and syncs a manual one. `trigger` always \
               starts a sync. `never` only refreshes. With `auto`, promote starts no sync of a manual application that belongs to \
               an ApplicationSet with RollingSync, or to one that the token has no permission to read: the set syncs it in its \
               turn.",
        example: "trigger",
        ..InputSpec::PLAIN
    };
    /// Whether a sync that promote starts deletes what the commit no longer has.
    PRUNE prune: bool, value::boolean => InputSpec {
        name: "prune",
        kind: InputKind::Bool,
        part: Part::Sync,
        default: Some("false"),
        in_file: true,
        help: "Whether a sync that promote starts deletes resources that the commit no longer contains. Automated sync follows the \
               application's own setting.",
        example: "true",
        ..InputSpec::PLAIN
    };
    /// What unsynced commits of others mean, which the sync takes along.
    ON_UNSYNCED on_unsynced: OnUnsynced, OnUnsynced::read => InputSpec {
        name: "on-unsynced",
        kind: InputKind::Choice(&["warn", "refuse"]),
        part: Part::Change,
        default: Some("warn"),
        in_file: true,
        help: "What to do when commits that are not synced yet would go live with the promotion: commits that change the folder of \
               the application, or what it includes. `warn` lists them, `refuse` writes nothing and ends with exit code 3.",
        example: "refuse",
        ..InputSpec::PLAIN
    };
    /// For sync and wait together, from landing.
    TIMEOUT timeout: Duration, value::some_time => InputSpec {
        name: "timeout",
        kind: InputKind::Duration,
        part: Part::Follow,
        default: Some("15m"),
        in_file: true,
        help: "Maximum time for sync and wait together, counted from the push of the commit. Timed pauses and analyses of a \
               Rollout are added to it.",
        example: "1h30m",
        ..InputSpec::PLAIN
    };
    /// For a canary that pauses for a person.
    PAUSE_TIMEOUT pause_timeout: Duration, value::duration => InputSpec {
        name: "pause-timeout",
        kind: InputKind::Duration,
        part: Part::Follow,
        default: Some("6h"),
        in_file: true,
        help: "Maximum time to wait for someone to resume a paused canary.",
        example: "2h",
        ..InputSpec::PLAIN
    };
    /// How long it must stay healthy.
    SETTLE settle: Duration, value::duration => InputSpec {
        name: "settle",
        kind: InputKind::Duration,
        part: Part::Follow,
        default: Some("10s"),
        in_file: true,
        help: "How long every application must stay healthy before the promotion is reported as live.",
        example: "1m",
        ..InputSpec::PLAIN
    };
    /// What a pause for a person means.
    ON_PAUSE on_pause: OnPause, OnPause::read => InputSpec {
        name: "on-pause",
        kind: InputKind::Choice(&["wait", "succeed", "fail", "verify"]),
        part: Part::Follow,
        default: Some("wait"),
        in_file: true,
        help: "What to do when a canary pauses for a person. `wait` waits for the person, `succeed` ends the step with the outcome \
               `paused`, `fail` fails it. `verify` judges the pause by the analyses of the environment's `verify` in `promote.yaml`: if \
               they succeed, promote resumes the canary, else it aborts it.",
        example: "succeed",
        ..InputSpec::PLAIN
    };
    /// What follows a failure.
    ON_FAILURE on_failure: OnFailure, OnFailure::read => InputSpec {
        name: "on-failure",
        kind: InputKind::Choice(&["report", "rollback"]),
        part: Part::Change,
        default: Some("report"),
        in_file: true,
        help: "What to do after a promotion that ended as `rollout-failed` or `breached`. `report` leaves the commit in place. `rollback` puts back \
               what the promotion replaced, holds the version that failed, and waits until the earlier one is live: exit code 7, or 8 if that failed \
               as well.",
        example: "rollback",
        ..InputSpec::PLAIN
    };
    /// What follows the timeout.
    ON_TIMEOUT on_timeout: OnFailure, OnFailure::read => InputSpec {
        name: "on-timeout",
        kind: InputKind::Choice(&["report", "rollback"]),
        part: Part::Change,
        default: Some("report"),
        in_file: true,
        help: "What to do after a promotion that ended as `timed-out`: `report` or `rollback`, as for `on-failure`.",
        example: "rollback",
        ..InputSpec::PLAIN
    };
    /// What a later commit that changed our pin means.
    ON_SUPERSEDED on_superseded: OnSuperseded, OnSuperseded::read => InputSpec {
        name: "on-superseded",
        kind: InputKind::Choice(&["fail", "succeed"]),
        part: Part::Follow,
        default: Some("fail"),
        in_file: true,
        help: "What to do when a later commit changes the same pin. `fail` fails the step with exit code 9, `succeed` ends it with 0.",
        example: "succeed",
        ..InputSpec::PLAIN
    };
}

/// `sync`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncMode {
    /// Refresh an auto-syncing application, trigger a manual one.
    #[default]
    Auto,
    /// Trigger it, whatever its policy.
    Trigger,
    /// Refresh only.
    Never,
}

/// `on-pause`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPause {
    /// Wait for the person, up to `pause-timeout`.
    #[default]
    Wait,
    /// End the step with the outcome `paused`.
    Succeed,
    /// End the step as failed.
    Fail,
    /// Judge it by the analyses of the environment: resume or abort.
    Verify,
}

/// `on-failure`, `on-timeout`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Leave the commit in place.
    #[default]
    Report,
    /// Put back what it replaced.
    Rollback,
}

/// `on-superseded`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnSuperseded {
    /// Exit code 9.
    #[default]
    Fail,
    /// Exit code 0.
    Succeed,
}

/// `on-unsynced`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnsynced {
    /// List them.
    #[default]
    Warn,
    /// Write nothing.
    Refuse,
}

impl OnUnsynced {
    fn read(text: &str) -> Result<Self, String> {
        value::choice(text, &[("warn", Self::Warn), ("refuse", Self::Refuse)])
    }
}

impl SyncMode {
    fn read(text: &str) -> Result<Self, String> {
        value::choice(
            text,
            &[("auto", Self::Auto), ("trigger", Self::Trigger), ("never", Self::Never)],
        )
    }
}

impl OnPause {
    fn read(text: &str) -> Result<Self, String> {
        value::choice(
            text,
            &[
                ("wait", Self::Wait),
                ("succeed", Self::Succeed),
                ("fail", Self::Fail),
                ("verify", Self::Verify),
            ],
        )
    }
}

impl OnFailure {
    fn read(text: &str) -> Result<Self, String> {
        value::choice(text, &[("report", Self::Report), ("rollback", Self::Rollback)])
    }
}

impl OnSuperseded {
    fn read(text: &str) -> Result<Self, String> {
        value::choice(text, &[("fail", Self::Fail), ("succeed", Self::Succeed)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_and_every_word_of_a_key_is_read() {
        for key in KEYS {
            let mut policy = Policy::default();
            (key.set)(&mut policy, key.input.default.unwrap()).unwrap();
            assert_eq!(policy.resolve(), Policy::default().resolve(), "{}", key.input.name);
            if let InputKind::Choice(words) = key.input.kind {
                for word in words {
                    assert_eq!((key.set)(&mut policy, word), Ok(()), "{word}");
                }
                let wrong = (key.set)(&mut policy, "-").unwrap_err();
                assert!(wrong.contains(&words.join("`, `")), "{wrong}");
            }
        }
        let resolved = Policy::default().resolve();
        assert_eq!(resolved.timeout, Duration::from_secs(900));
        assert_eq!(resolved.pause_timeout, Duration::from_secs(6 * 3600));
        assert_eq!(resolved.settle, Duration::from_secs(10));
    }
}
