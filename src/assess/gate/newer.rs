//! `newer`: the source commit of each new image descends from that of the image that it replaces.

use super::{Evidence, Gate, Reading, Seen, Settings};

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: "newer",
    skip: Some("skip-newer"),
    is_set: |settings, _| settings.newer,
    judge,
};

/// What one commit is to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descent {
    /// The same commit.
    Identical,
    /// A descendant.
    Newer {
        /// How many commits it has that the other one lacks.
        ahead: u64,
    },
    /// An ancestor.
    Older {
        /// How many commits it lacks that the other one has.
        behind: u64,
    },
    /// Neither: both have commits that the other one lacks.
    Diverged {
        /// How many commits it has that the other one lacks.
        ahead: u64,
        /// How many commits it lacks that the other one has.
        behind: u64,
    },
}

/// An image that takes the place of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The new image.
    pub image: String,
    /// The image that is pinned, with how the commits of both are to each other; `None` where nothing is pinned.
    pub pinned: Option<(String, Seen<Between>)>,
}

/// The source commits of two images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// The commit of the pinned image.
    pub before: String,
    /// The commit of the new image.
    pub after: String,
    /// What the new one is to the pinned one.
    pub descent: Descent,
}

fn judge(evidence: &Evidence, _: &Settings) -> Reading {
    evidence.each(|place| {
        if place.replaced.is_empty() {
            return Reading::Open(format!("no image of {} changes", place.app));
        }
        let readings = place.replaced.iter().map(|one| {
            let back = || {
                format!(
                    "use rollback: `promote rollback --app {} --environment {} --to {}`",
                    place.app, evidence.environment, one.image
                )
            };
            of(one, back)
        });
        Reading::all(&readings.collect::<Vec<_>>())
    })
}

fn of(one: &Replacement, back: impl FnOnce() -> String) -> Reading {
    let image = &one.image;
    let (pinned, between) = match &one.pinned {
        None => return Reading::Open(format!("{image} replaces no image")),
        Some((_, Err(why))) => return Reading::Unknown(why.clone()),
        Some((pinned, Ok(between))) => (pinned, between),
    };
    let (before, after) = (short(&between.before), short(&between.after));
    match between.descent {
        Descent::Identical => Reading::Open(format!("{image} and {pinned} are built from the same commit, {after}")),
        Descent::Newer { ahead } => Reading::Open(format!(
            "{image} is {} after {pinned} ({before} to {after})",
            commits(ahead)
        )),
        Descent::Older { behind } => Reading::closed(
            format!(
                "{image} is older than {pinned}, which is pinned: {after} is {} before {before}",
                commits(behind)
            ),
            back(),
        ),
        Descent::Diverged { ahead, behind } => Reading::closed(
            format!(
                "{image} does not contain the pinned {pinned}: {after} has {} that {before} lacks, and lacks {} of {before}",
                commits(ahead),
                commits(behind)
            ),
            format!("promote a build whose commit descends from {before}"),
        ),
    }
}

fn commits(count: u64) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} commit{s}")
}

/// Shortens a full SHA to what people read; any other text stays.
fn short(commit: &str) -> &str {
    if commit.len() == 40 {
        crate::model::short(commit)
    } else {
        commit
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;

    fn read(pinned: Option<Seen<Descent>>) -> Reading {
        let mut seen = evidence("2026-11-24T12:00:00Z");
        let between = |descent| Between {
            before: "4f9d2c1".to_owned(),
            after: "abc1234abc1234abc1234abc1234abc1234abc12".to_owned(),
            descent,
        };
        seen.places[0].replaced = vec![Replacement {
            image: "myorg/api:new".to_owned(),
            pinned: pinned.map(|seen| ("myorg/api:old".to_owned(), seen.map(between))),
        }];
        judge(&seen, &Settings::default())
    }

    #[test]
    fn a_descendant_is_open_and_so_is_the_same_commit() {
        let newer = read(Some(Ok(Descent::Newer { ahead: 3 })));
        assert_eq!(
            newer,
            Reading::Open("myorg/api:new is 3 commits after myorg/api:old (4f9d2c1 to abc1234)".to_owned())
        );
        assert!(read(Some(Ok(Descent::Identical))).is_open());
        assert!(read(None).is_open());
        assert!(judge(&evidence("2026-11-24T12:00:00Z"), &Settings::default()).is_open());
    }

    #[test]
    fn what_is_older_or_beside_it_is_closed_with_the_way_out() {
        let (older, diverged) = (Descent::Older { behind: 1 }, Descent::Diverged { ahead: 2, behind: 1 });
        for (descent, why, opens) in [
            (
                older,
                "abc1234 is 1 commit before 4f9d2c1",
                "use rollback: `promote rollback --app api --environment production --to myorg/api:new`",
            ),
            (
                diverged,
                "abc1234 has 2 commits that 4f9d2c1 lacks, and lacks 1 commit of 4f9d2c1",
                "descends from 4f9d2c1",
            ),
        ] {
            let Reading::Closed(closed) = read(Some(Ok(descent))) else {
                panic!()
            };
            assert!(closed.why.contains(why) && closed.opens.contains(opens), "{closed:?}");
            assert_eq!(closed.until, None);
        }
    }

    #[test]
    fn commits_that_are_not_known_are_unknown() {
        assert_eq!(
            read(Some(Err("no label".to_owned()))),
            Reading::Unknown("no label".to_owned())
        );
    }
}
