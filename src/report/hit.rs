//! Who is affected by a promotion that failed, as far as the applications show it: what share of the traffic, and which image users are on.

use super::{ApplicationRow, Report};
use crate::model::{Command, Health, Outcome};

/// Returns a sentence for each application that is not live; none where nothing failed.
pub(super) fn affected(report: &Report) -> Vec<String> {
    let failed = matches!(
        report.outcome(),
        Outcome::RolloutFailed | Outcome::Breached | Outcome::TimedOut | Outcome::RollbackFailed
    );
    if !failed || report.command() != Command::Promote {
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
    let pins: Vec<_> = report.pins.iter().filter(own).collect();
    let (new, old) = (pins.first()?.after.as_str(), pins.first()?.before.as_str());
    let name = &row.name;
    let commit = report.infra_repo.as_ref().and_then(|row| row.commit.as_ref());
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
