//! The heading of a report, in words what happened to what, and the mark before it.

use super::mark::Mark;
use super::{CheckState, Report, checks, status};
use crate::model::{Command, Outcome};

impl Mark {
    /// Returns the mark of a run.
    pub(super) fn of(report: &Report) -> Self {
        match report.outcome() {
            Outcome::Ok if !report.status.is_empty() => status::verdict(&report.status).0,
            Outcome::Ok if report.checks.iter().any(|row| row.state == CheckState::Warning) => Self::Unwatched,
            Outcome::Planned => Self::Shown,
            Outcome::Landed | Outcome::Proposed => Self::Unwatched,
            Outcome::Paused => Self::Paused,
            Outcome::Superseded => Self::Replaced,
            Outcome::Cancelled { .. } => Self::Stopped,
            Outcome::Promoted
            | Outcome::NoChange
            | Outcome::Live
            | Outcome::Ok
            | Outcome::Reverted
            | Outcome::Verified => Self::Good,
            Outcome::Bug
            | Outcome::Invalid
            | Outcome::Refused
            | Outcome::Denied
            | Outcome::Unreachable
            | Outcome::RolloutFailed
            | Outcome::Breached
            | Outcome::RolledBack
            | Outcome::RollbackFailed
            | Outcome::TimedOut => Self::Bad,
        }
    }
}

/// Returns the heading, which begins with a capital letter unless the name of an app begins it.
pub(super) fn heading(report: &Report) -> String {
    match report.command() {
        Command::Preflight if !report.checks.is_empty() => capital(&checks::verdict(&report.checks)),
        Command::Status if !report.status.is_empty() => capital(&status::verdict(&report.status).1),
        Command::SetImage => set_image(report.outcome()).to_owned(),
        _ => {
            let (apps, environments) = (report.app.join(", "), report.environment.join(", "));
            if apps.is_empty() || environments.is_empty() {
                capital(&unnamed(report))
            } else if report.command() == Command::Rollback {
                rolled_back(report.outcome(), &apps, &environments)
            } else {
                verb(report.command(), report.outcome(), &apps, &environments)
                    .unwrap_or_else(|| named(report.outcome(), &apps, &environments))
            }
        }
    }
}

/// The heading of a command that is no promotion, where it says something else than that of one.
fn verb(command: Command, outcome: Outcome, app: &str, environment: &str) -> Option<String> {
    let what = match command {
        Command::Abort | Command::Resume => "canary",
        Command::Hold | Command::Release => "hold",
        _ => return None,
    };
    let (app, environment) = match (app, environment) {
        ("*", "*") => ("all apps", "all environments"),
        ("*", environment) => ("all apps", environment),
        (app, "*") => (app, "all environments"),
        both => both,
    };
    Some(match (command, outcome) {
        (Command::Abort, Outcome::Ok) => format!("The canary of {app} in {environment} is stopped"),
        (Command::Abort | Command::Resume, Outcome::NoChange) => {
            format!("No canary of {app} in {environment} is waiting")
        }
        (Command::Hold, Outcome::Landed) => format!("{app} is held in {environment}"),
        (Command::Release, Outcome::Landed) => format!("{app} is released in {environment}"),
        (Command::Hold, Outcome::NoChange) => format!("{app} is already held in {environment}"),
        (Command::Release, Outcome::NoChange) => format!("Nothing of {app} is held in {environment}"),
        (_, Outcome::Refused) => format!("The {what} of {app} in {environment} was not changed: refused"),
        (_, Outcome::Invalid) => {
            format!("The {what} of {app} in {environment} was not changed: invalid input or configuration")
        }
        (_, Outcome::Denied) => format!("The {what} of {app} in {environment} was not changed: access denied"),
        (_, Outcome::Unreachable) => {
            format!("The {what} of {app} in {environment}: a server did not answer as it should")
        }
        _ => return None,
    })
}

/// The heading where the app and the environment are known.
fn named(outcome: Outcome, app: &str, environment: &str) -> String {
    match outcome {
        Outcome::Promoted | Outcome::Live => format!("{app} is live in {environment}"),
        Outcome::NoChange => format!("{app} is already up to date in {environment}"),
        Outcome::Landed => format!("{app} is committed for {environment}, but not watched"),
        Outcome::Paused => format!("The canary of {app} in {environment} is paused"),
        Outcome::Planned => format!("Plan for {app} in {environment}"),
        Outcome::Superseded => format!("A newer change replaced the promotion of {app} to {environment}"),
        Outcome::Refused => format!("{app} was not promoted to {environment}: refused"),
        Outcome::Invalid => format!("{app} was not promoted to {environment}: invalid input or configuration"),
        Outcome::Denied => format!("Access denied during the promotion of {app} to {environment}"),
        Outcome::Unreachable => format!("A server did not answer during the promotion of {app} to {environment}"),
        Outcome::RolloutFailed => format!("{app} was not rolled out to {environment}"),
        Outcome::Reverted => format!("The earlier version of {app} is live again in {environment}"),
        Outcome::Verified => format!("{app} is verified in {environment}"),
        Outcome::Proposed => format!("A pull request proposes {app} for {environment}"),
        Outcome::Breached => format!("The verification of {app} in {environment} failed"),
        Outcome::RolledBack => format!("{app} failed in {environment}, and the previous version is live again"),
        Outcome::RollbackFailed => format!("{app} in {environment} needs a person now: going back failed"),
        Outcome::TimedOut => format!("{app} was not live in {environment} in time"),
        Outcome::Cancelled { .. } => format!("The promotion of {app} to {environment} was cancelled"),
        Outcome::Bug => format!("The promotion of {app} to {environment} stopped: internal error"),
        Outcome::Ok => format!("{app} in {environment}"),
    }
}

/// The heading of `rollback`, where it is not that of a promotion.
fn rolled_back(outcome: Outcome, app: &str, environment: &str) -> String {
    match outcome {
        Outcome::NoChange => format!("{app} is already back in {environment}"),
        Outcome::Landed => format!("The rollback of {app} in {environment} is committed, but not watched"),
        Outcome::Planned => format!("Plan to roll back {app} in {environment}"),
        Outcome::Refused => format!("{app} was not rolled back in {environment}: refused"),
        Outcome::Invalid => format!("{app} was not rolled back in {environment}: invalid input or configuration"),
        Outcome::Denied => format!("Access denied during the rollback of {app} in {environment}"),
        Outcome::Unreachable => format!("A server did not answer during the rollback of {app} in {environment}"),
        Outcome::Superseded => format!("A newer change replaced the rollback of {app} in {environment}"),
        Outcome::Cancelled { .. } => format!("The rollback of {app} in {environment} was cancelled"),
        Outcome::Bug => format!("The rollback of {app} in {environment} stopped: internal error"),
        other => named(other, app, environment),
    }
}

/// The heading where they are not known, or are none.
fn unnamed(report: &Report) -> String {
    let command = report.command().name();
    match report.outcome() {
        Outcome::Invalid => "invalid input or configuration".to_owned(),
        Outcome::Denied => format!("{command}: access denied"),
        Outcome::Unreachable => format!("{command}: a server did not answer"),
        Outcome::Cancelled { .. } => format!("{command} was cancelled"),
        Outcome::Bug => format!("{command} stopped: internal error"),
        Outcome::Refused => format!("{command} was refused"),
        Outcome::Ok => format!("{command} is done"),
        other => format!("{command}: {}", other.name()),
    }
}

const fn set_image(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "The images of the folder are set",
        _ => "The images of the folder were not set",
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
