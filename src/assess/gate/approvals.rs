//! The gate `approvals`: so many different people, none of whom triggered the run, approved this run or the head of its pull request.

use std::collections::BTreeSet;

use crate::model::CommitSha;

use super::{Evidence, Gate, Reading, Seen, Settings};

/// Its name.
pub const NAME: &str = "approvals";

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: NAME,
    skip: None,
    is_set: |settings, _| settings.approvals.is_some(),
    judge,
};

/// Who approved, as far as GitHub says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvals {
    /// The logins of those who approved, with repetitions.
    pub by: Vec<String>,
    /// Logins that do not count, each with the reason.
    pub excluded: Vec<(String, String)>,
    /// What was read, as in `environment production of this run`.
    pub from: String,
    /// The head whose reviews are among them.
    pub reviewed: Option<CommitSha>,
}

fn judge(evidence: &Evidence, settings: &Settings) -> Reading {
    let wanted = settings.approvals.unwrap_or_default();
    match &evidence.approvals {
        Some(Ok(approvals)) => count(approvals, wanted),
        Some(Err(why)) => Reading::Unknown(why.clone()),
        None => Reading::Unknown("there is no run of a workflow whose approvals could be read".to_owned()),
    }
}

fn count(approvals: &Approvals, wanted: usize) -> Reading {
    // GitHub's logins are the same in every case.
    let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let mut people: BTreeSet<String> = BTreeSet::new();
    let mut left_out: Vec<String> = Vec::new();
    for login in &approvals.by {
        match approvals.excluded.iter().find(|(other, _)| same(other, login)) {
            Some((_, why)) => {
                let said = format!("{login} does not count: {why}");
                if !left_out.contains(&said) {
                    left_out.push(said);
                }
            }
            None => drop(people.insert(login.to_ascii_lowercase())),
        }
    }
    let names = people.iter().cloned().collect::<Vec<_>>().join(", ");
    let mut why = format!("{} of {wanted} approvals from {}", people.len(), approvals.from);
    if !names.is_empty() {
        why = format!("{why} ({names})");
    }
    for said in left_out {
        why = format!("{why}; {said}");
    }
    let missing = wanted.saturating_sub(people.len());
    if missing == 0 {
        return Reading::Open(why);
    }
    let more = if missing == 1 {
        "one more person".to_owned()
    } else {
        format!("{missing} more people")
    };
    Reading::closed(why, format!("have {more} approve, none of whom triggered the run"))
}

/// Joins what several places say: everybody counts once, whatever they approved. One place that cannot be read leaves the others.
#[must_use]
pub fn join(all: Vec<Seen<Approvals>>) -> Option<Seen<Approvals>> {
    let mut joined = Approvals::default();
    let mut unread: Vec<String> = Vec::new();
    let mut from: Vec<String> = Vec::new();
    for seen in all {
        match seen {
            Ok(approvals) => {
                joined.by.extend(approvals.by);
                joined.excluded.extend(approvals.excluded);
                from.push(approvals.from);
                joined.reviewed = joined.reviewed.or(approvals.reviewed);
            }
            Err(why) => unread.push(why),
        }
    }
    match (from.is_empty(), unread.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Err(unread.join("; "))),
        (false, _) => {
            joined.from = from.join(" and ");
            Some(Ok(joined))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;

    fn judged(wanted: usize, approvals: Option<Seen<Approvals>>) -> Reading {
        let evidence = Evidence {
            approvals,
            ..evidence("2026-01-01T00:00:00Z")
        };
        let settings = Settings {
            approvals: Some(wanted),
            ..Settings::default()
        };
        judge(&evidence, &settings)
    }

    fn by(logins: &[&str]) -> Approvals {
        Approvals {
            by: logins.iter().map(|login| (*login).to_owned()).collect(),
            excluded: vec![("octocat".to_owned(), "triggered the run".to_owned())],
            from: "environment production of this run".to_owned(),
            reviewed: None,
        }
    }

    #[test]
    fn only_different_people_count_and_never_who_triggered_the_run() {
        assert!(judged(2, Some(Ok(by(&["ann", "bob"])))).is_open());
        for (logins, count) in [
            (&["ann"][..], "1 of 2"),
            (&["ann", "Ann"], "1 of 2"),
            (&["ann", "Octocat"], "1 of 2"),
            (&[], "0 of 2"),
        ] {
            let reading = judged(2, Some(Ok(by(logins))));
            assert!(!reading.is_open() && reading.why().starts_with(count), "{reading:?}");
        }
        assert!(
            judged(2, Some(Ok(by(&["octocat", "ann"]))))
                .why()
                .contains("octocat does not count: triggered the run")
        );
    }

    #[test]
    fn what_cannot_be_read_is_closed() {
        assert!(matches!(judged(1, None), Reading::Unknown(_)));
        assert!(matches!(judged(1, Some(Err("403".to_owned()))), Reading::Unknown(why) if why == "403"));
    }

    #[test]
    fn two_places_count_each_person_once() {
        let joined = join(vec![Ok(by(&["ann"])), Err("no".to_owned()), Ok(by(&["ann", "bob"]))]);
        assert!(judged(2, joined.clone()).is_open());
        assert!(!judged(3, joined).is_open());
        assert_eq!(
            join(vec![Err("a".to_owned()), Err("b".to_owned())]),
            Some(Err("a; b".to_owned()))
        );
        assert_eq!(join(Vec::new()), None);
    }
}
