//! Who is affected by a promotion that failed, as far as the applications show it: what share of the traffic, and which image users are on.

use super::{ApplicationRow, Report};
use crate::model::{Command, Health, Outcome, Parts};

/// Returns a sentence for each application that is not live; none where nothing failed.
pub(super) fn affected(report: &Report) -> Vec<String> {
    let failed = matches!(
        report.outcome(),
        Outcome::RolloutFailed | Outcome::Breached | Outcome::TimedOut | Outcome::RollbackFailed
    );
    if !failed || !matches!(report.command(), Command::Promote | Command::Rollback) {
        return Vec::new();
    }
    let rows = report
        .applications
        .iter()
        .filter(|row| !row.live || report.outcome() == Outcome::Breached);
    rows.filter_map(|row| sentence(report, row)).collect()
}

fn sentence(report: &Report, row: &ApplicationRow) -> Option<String> {
    let own =
        |pin: &&super::ChangeRow| pin.app == row.app && pin.environment == row.environment && pin.before != pin.after;
    let (new, old) = ways(report, report.pins.iter().find(own)?);
    let name = &row.name;
    let commit = match &report.rollback {
        Some(back) if back.commit.is_some() => back.commit.as_ref(),
        _ => report.infra_repo.as_ref().and_then(|row| row.commit.as_ref()),
    };
    let synced = row.revision.as_deref() == commit.map(crate::model::CommitSha::as_str);
    Some(match &row.rollout {
        Some(rollout) if rollout.weight == 0 => {
            format!("{name}: no traffic goes to {new}. All users are on {old}")
        }
        Some(rollout) if rollout.weight < 100 => {
            format!(
                "{name}: {}% of the traffic goes to {new}, the rest to {old}",
                rollout.weight
            )
        }
        Some(_) => format!("{name}: all traffic goes to {new}"),
        None if !synced => {
            format!(
                "{name}: Argo CD has not completed a sync of the commit. Users are on {old}, unless the sync stopped halfway"
            )
        }
        None if row.health == Health::Healthy => format!("{name}: all users are on {new}"),
        None => format!(
            "{name}: {new} is applied, and its health is {}. Pods of {old} serve users where the new ones are not ready",
            row.health
        ),
    })
}

/// Returns the image that the applications go to, and the one that they come from. A promotion that was taken back goes the other way.
pub(super) fn ways<'a>(report: &'a Report, pin: &'a super::ChangeRow) -> (&'a str, &'a str) {
    let (before, after) = (pin.before.as_str(), pin.after.as_str());
    let Some(back) = report
        .rollback
        .as_ref()
        .filter(|_| report.command() == Command::Promote)
    else {
        return (after, before);
    };
    let same = |image: &&String| Parts::of(image).same_repository(&Parts::of(after));
    (back.to.iter().find(same).map_or(before, String::as_str), after)
}

#[cfg(test)]
mod tests {
    use super::super::RolloutRow;
    use super::super::tests::report;
    use super::*;

    #[test]
    fn a_failure_says_what_users_are_on() {
        let mut report = report(Outcome::RolloutFailed);
        report.applications[0].live = false;
        let said = |report: &Report| affected(report).join("\n");
        assert!(
            said(&report).contains("all users are on localhost:5000/api:v2"),
            "{}",
            said(&report)
        );
        report.applications[0].revision = Some("a".repeat(40));
        assert!(
            said(&report).contains("Users are on localhost:5000/api:v1"),
            "{}",
            said(&report)
        );
        for (weight, words) in [
            (0, "no traffic goes to"),
            (30, "30% of the traffic"),
            (100, "all traffic"),
        ] {
            report.applications[0].rollout = Some(RolloutRow {
                step: 1,
                steps: 3,
                weight,
                pause: None,
            });
            assert!(said(&report).contains(words), "{}", said(&report));
        }
        report.applications[0].live = true;
        assert_eq!(said(&report), "");
        assert_eq!(
            affected(&super::super::tests::report(Outcome::Promoted)),
            Vec::<String>::new()
        );
    }
}
