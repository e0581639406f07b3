//! Gathers the rows of `preflight`, and decides how it ends: by the worst of them. Looks at nothing itself.

use std::time::Duration;

use crate::model::{Fault, Outcome, Timestamp};
use crate::report::{CheckRow, CheckState, End, Report, checks_verdict};

/// How long before its end a token that somebody made is reported: long enough to make another.
pub(in crate::promote) const MADE_BY_HAND: Duration = Duration::from_secs(14 * 24 * 3600);
/// The same for one that is minted for the run: as long as a promotion takes by default.
pub(in crate::promote) const MINTED: Duration = Duration::from_secs(15 * 60);

/// The rows so far.
#[derive(Default)]
pub(in crate::promote) struct Checks {
    rows: Vec<(CheckRow, Option<Outcome>)>,
}

impl Checks {
    fn push(&mut self, row: CheckRow, outcome: Option<Outcome>) {
        self.rows.push((row, outcome));
    }

    /// Adds what is as it must be.
    pub(in crate::promote) fn ok(&mut self, check: &'static str, object: impl Into<String>, seen: impl Into<String>) {
        self.push(row(check, object, CheckState::Ok, seen), None);
    }

    /// Adds what was not looked at.
    pub(in crate::promote) fn skipped(
        &mut self,
        check: &'static str,
        object: impl Into<String>,
        why: impl Into<String>,
    ) {
        self.push(row(check, object, CheckState::Skipped, why), None);
    }

    /// Adds what may end a promotion later.
    pub(in crate::promote) fn warning(&mut self, check: &'static str, object: impl Into<String>, fault: Fault) {
        self.told(check, object, CheckState::Warning, fault);
    }

    /// Adds what would end a promotion.
    pub(in crate::promote) fn failed(&mut self, check: &'static str, object: impl Into<String>, fault: Fault) {
        self.told(check, object, CheckState::Failed, fault);
    }

    fn told(&mut self, check: &'static str, object: impl Into<String>, state: CheckState, fault: Fault) {
        let outcome = (state == CheckState::Failed).then_some(fault.outcome);
        let row = CheckRow {
            reason: fault.to_string(),
            hints: fault.hints,
            ..row(check, object, state, "")
        };
        self.push(row, outcome);
    }

    /// Adds a failure, or returns what was found.
    pub(in crate::promote) fn right<T>(
        &mut self,
        check: &'static str,
        object: &str,
        found: Result<T, Fault>,
    ) -> Option<T> {
        found.map_err(|fault| self.failed(check, object, fault)).ok()
    }

    /// Adds what was found, and returns it if it is right.
    pub(in crate::promote) fn take<T>(
        &mut self,
        check: &'static str,
        object: &str,
        found: Result<T, Fault>,
        seen: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let found = self.right(check, object, found)?;
        self.ok(check, object, seen(&found));
        Some(found)
    }

    /// Adds the end of a token; `soon` is how long before it that is worth a warning.
    pub(in crate::promote) fn ending(
        &mut self,
        check: &'static str,
        object: impl Into<String>,
        whose: &str,
        until: Timestamp,
        now: Timestamp,
        soon: Duration,
    ) {
        let left = until.since(now);
        if left.is_zero() {
            let fault = Fault::denied(format!("{whose}, expired {until}"));
            return self.failed(check, object, fault.hint("store a new token in the secret"));
        }
        let seen = format!("{whose}, expires in {} ({until})", in_words(left));
        if left < soon {
            let fault = Fault::denied(seen).hint("store a new token in the secret before then");
            self.warning(check, object, fault);
        } else {
            self.ok(check, object, seen);
        }
    }

    /// Moves the rows into the report, and returns how it ends.
    pub(in crate::promote) fn end(self, report: &mut Report) -> End {
        // The first of the worst.
        let worst = self.rows.iter().filter_map(|(row, outcome)| Some((row, (*outcome)?)));
        let worst = worst.min_by_key(|(_, outcome)| rank(*outcome));
        let worst = worst.map(|(row, outcome)| (outcome, row.reason.clone(), row.hints.clone()));
        report.checks = self.rows.into_iter().map(|(row, _)| row).collect();
        let verdict = checks_verdict(&report.checks);
        match worst {
            None => End::new(Outcome::Ok, verdict),
            Some((outcome, reason, hints)) => {
                let mut end = End::new(outcome, format!("{verdict}: {reason}"));
                end.hints = hints;
                end
            }
        }
    }
}

fn row(check: &'static str, object: impl Into<String>, state: CheckState, reason: impl Into<String>) -> CheckRow {
    CheckRow {
        check,
        object: object.into(),
        state,
        reason: reason.into(),
        hints: Vec::new(),
    }
}

/// What a person has to change comes first; a server that does not answer may do so later without anybody's help.
const fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Denied => 1,
        Outcome::Invalid => 2,
        Outcome::Refused => 3,
        Outcome::Unreachable => 4,
        // Nothing else comes of a look but a mistake of ours.
        _ => 0,
    }
}

fn in_words(left: Duration) -> String {
    let seconds = left.as_secs();
    match seconds {
        0..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Command;

    fn ended(faults: Vec<Fault>) -> Report {
        let mut checks = Checks::default();
        checks.ok("read", "x", "fine");
        for fault in faults {
            checks.failed("write", "x", fault);
        }
        let mut report = Report::new(Command::Preflight);
        let end = checks.end(&mut report);
        report.end(end);
        report
    }

    #[test]
    fn the_worst_row_is_the_end_and_all_rows_are_told() {
        let report = ended(vec![
            Fault::unreachable("away"),
            Fault::refused("elsewhere"),
            Fault::invalid("wrong"),
            Fault::denied("no").hint("grant it"),
            Fault::denied("no again"),
        ]);
        assert_eq!(
            (report.outcome(), report.exit_code(), report.checks.len()),
            (Outcome::Denied, 4, 6)
        );
        assert_eq!(report.reason, "5 of 6 checks failed: no");
        assert_eq!(report.hints, ["grant it"]);
        assert_eq!(
            ended(vec![Fault::unreachable("away"), Fault::refused("x")]).outcome(),
            Outcome::Refused
        );
        assert_eq!(
            ended(vec![Fault::refused("x"), Fault::bug("y")]).outcome(),
            Outcome::Bug
        );
        assert_eq!(ended(vec![Fault::refused("x")]).reason, "1 of 2 checks failed: x");
        assert_eq!(
            (ended(Vec::new()).outcome(), ended(Vec::new()).exit_code()),
            (Outcome::Ok, 0)
        );
    }

    #[test]
    fn a_token_that_ends_soon_is_a_warning_and_one_that_ended_a_failure() {
        let now = Timestamp::at_unix(1_000_000_000);
        let state = |until: u64, soon| {
            let mut checks = Checks::default();
            checks.ending("token", "x", "token of ci", Timestamp::at_unix(until), now, soon);
            checks.rows.pop().map(|(row, _)| (row.state, row.reason)).unwrap()
        };
        let day = 86_400;
        let (ok, said) = state(1_000_000_000 + 20 * day, MADE_BY_HAND);
        assert_eq!(
            (ok, said.as_str()),
            (CheckState::Ok, "token of ci, expires in 20 days (2001-09-29T01:46:40Z)")
        );
        assert_eq!(state(1_000_000_000 + 3 * day, MADE_BY_HAND).0, CheckState::Warning);
        assert_eq!(state(1_000_000_000 + 3000, MINTED).0, CheckState::Ok);
        assert_eq!(state(1_000_000_000 + 300, MINTED).0, CheckState::Warning);
        assert_eq!(state(999_999_999, MINTED).0, CheckState::Failed);
    }
}
