//! Who is affected by a failure, as far as the applications show it: what share of the traffic or of the pods, and which image users are on.

use super::{ApplicationRow, ChangeRow, PodsRow, Report};
use crate::model::{Command, Health, Outcome, Parts};

/// Returns a sentence for each application that is not live; none where nothing failed.
pub(super) fn affected(report: &Report) -> Vec<String> {
    let failed = matches!(
        report.outcome(),
        Outcome::RolloutFailed | Outcome::Breached | Outcome::TimedOut | Outcome::RollbackFailed
    );
    let rows = report
        .applications
        .iter()
        .filter(|row| failed && (!row.live || report.outcome() == Outcome::Breached));
    rows.filter_map(|row| sentence(report, row)).collect()
}

fn sentence(report: &Report, row: &ApplicationRow) -> Option<String> {
    let own = |pin: &&ChangeRow| pin.app == row.app && pin.environment == row.environment;
    let changed = report.pins.iter().filter(own).find(|pin| pin.before != pin.after);
    let pin = changed.or_else(|| report.pins.iter().find(own))?;
    let (new, old) = (ways(report, pin).0, served(report, pin));
    let old = old.unwrap_or("the version before");
    let name = &row.name;
    if let Some(rollout) = &row.rollout {
        return Some(match rollout.weight {
            0 => format!("{name}: no traffic goes to {new}. All users are on {old}"),
            weight @ 1..100 => format!("{name}: {weight}% of the traffic goes to {new}, the rest to {old}"),
            _ => format!("{name}: all traffic goes to {new}"),
        });
    }
    let commit = match &report.rollback {
        Some(back) if back.commit.is_some() => back.commit.as_ref(),
        _ => report.infra_repo.as_ref().and_then(|row| row.commit.as_ref()),
    };
    let synced = row.revision.as_deref() == commit.map(crate::model::CommitSha::as_str);
    let pods = pods(row, new);
    if !pods.is_empty() {
        return Some(format!("{name}: {}", shares(&pods, new)));
    }
    Some(if !synced {
        format!(
            "{name}: Argo CD has not completed a sync of the commit. Users are on {old}, unless the sync stopped halfway"
        )
    } else if row.health == Health::Healthy {
        format!("{name}: all users are on {new}")
    } else {
        format!(
            "{name}: {new} is applied, and its health is {}. Pods of {old} serve users where the new ones are not ready",
            row.health
        )
    })
}

/// Returns the pods that run a version of the repository of `image`.
fn pods<'a>(row: &'a ApplicationRow, image: &str) -> Vec<&'a PodsRow> {
    let same = |pods: &&PodsRow| Parts::of(&pods.image).same_repository(&Parts::of(image));
    row.pods.iter().filter(same).collect()
}

/// Says what share of the pods that are ready runs the new image, and what the others run.
fn shares(pods: &[&PodsRow], new: &str) -> String {
    let ready: usize = pods.iter().map(|row| row.ready).sum();
    let all: usize = pods.iter().map(|row| row.pods).sum();
    if ready == 0 {
        return format!("none of its {all} pods is ready, so no pod serves users");
    }
    let of_new: usize = pods.iter().filter(|row| row.image == new).map(|row| row.ready).sum();
    let others: Vec<String> = (pods.iter())
        .filter(|row| row.image != new && row.ready > 0)
        .map(|row| format!("{} of {}", row.ready, row.image))
        .collect();
    match (of_new, others.as_slice()) {
        (0, [_]) => {
            let old = pods
                .iter()
                .find(|row| row.ready > 0)
                .map_or("", |row| row.image.as_str());
            format!("no pod of {new} is ready. All users are on {old} ({})", counted(ready))
        }
        (0, _) => format!(
            "no pod of {new} is ready. Users are on other versions: {}",
            others.join(", ")
        ),
        (_, []) => format!("all users are on {new} ({})", counted(ready)),
        (new_ready, _) => format!(
            "{}% of the ready pods run {new} ({new_ready} of {ready}), the others are {}",
            new_ready.saturating_mul(100).checked_div(ready).unwrap_or_default(),
            others.join(", ")
        ),
    }
}

fn counted(ready: usize) -> String {
    match ready {
        1 => "1 ready pod".to_owned(),
        _ => format!("{ready} ready pods"),
    }
}

/// Returns the version that users are on where it is not the new one: what pods that are ready run besides it. What the pin was before says
/// nothing of that: it can have failed as well.
pub(super) fn served<'a>(report: &'a Report, pin: &ChangeRow) -> Option<&'a str> {
    let new = match &report.rollback {
        Some(_) => ways(report, pin).0.to_owned(),
        None => pin.after.clone(),
    };
    let own = |row: &&ApplicationRow| row.app == pin.app && row.environment == pin.environment;
    let ready = report.applications.iter().filter(own).flat_map(|row| pods(row, &new));
    ready
        .filter(|row| row.image != new && row.ready > 0)
        .max_by_key(|row| row.ready)
        .map(|row| row.image.as_str())
}

/// Returns the image that the applications go to, and the one that they come from. A promotion that was taken back goes the other way.
pub(super) fn ways<'a>(report: &'a Report, pin: &'a ChangeRow) -> (&'a str, &'a str) {
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

    fn row(image: &str, ready: usize, pods: usize) -> PodsRow {
        PodsRow {
            image: image.to_owned(),
            ready,
            pods,
        }
    }

    fn said(report: &Report) -> String {
        affected(report).join("\n")
    }

    #[test]
    fn a_failure_says_what_users_are_on() {
        let mut report = report(Outcome::RolloutFailed);
        report.applications[0].live = false;
        assert!(
            said(&report).contains("all users are on localhost:5000/api:v2"),
            "{}",
            said(&report)
        );
        report.applications[0].revision = Some("a".repeat(40));
        assert!(
            said(&report).contains("Users are on the version before"),
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

    #[test]
    fn what_users_are_on_is_what_ready_pods_run_and_not_what_was_pinned_before() {
        let mut report = report(Outcome::RolloutFailed);
        let new = report.pins[0].after.clone();
        report.applications[0].live = false;
        // v1 was pinned before, and it never started either: users are still on v0.
        let old = [row("localhost:5000/api:v0", 2, 2), row("localhost:5000/api:v1", 0, 1)];
        for (ready, words) in [
            (0, "no pod of localhost:5000/api:v2@"),
            (0, "All users are on localhost:5000/api:v0 (2 ready pods)"),
            (2, "50% of the ready pods run localhost:5000/api:v2@"),
            (2, "(2 of 4), the others are 2 of localhost:5000/api:v0"),
        ] {
            report.applications[0].pods = [&old[..], &[row(&new, ready, 2)]].concat();
            assert!(said(&report).contains(words), "{}", said(&report));
        }
        report.applications[0].pods = vec![row(&new, 1, 2)];
        assert!(
            said(&report).contains("all users are on localhost:5000/api:v2"),
            "{}",
            said(&report)
        );
        report.applications[0].pods = vec![row(&new, 0, 2)];
        assert!(
            said(&report).contains("none of its 2 pods is ready"),
            "{}",
            said(&report)
        );

        report.applications[0].pods = [&old[..], &[row(&new, 1, 1)]].concat();
        report.applications[0].rollout = Some(RolloutRow {
            step: 1,
            steps: 3,
            weight: 10,
            pause: None,
        });
        assert!(
            said(&report).ends_with("the rest to localhost:5000/api:v0"),
            "{}",
            said(&report)
        );
    }
}
