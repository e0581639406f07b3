//! `verified`: the newest line of the record of every environment in `after` is `verified`, and about these images.

use super::{Gate, Reading, earlier};

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: "verified",
    skip: Some("skip-verified"),
    is_set: |settings, _| settings.verified,
    judge: |evidence, _| {
        evidence.each(|place| {
            earlier::each(place, "run `promote verify`", |earlier, standing| {
                let (app, environment) = (&place.app, &earlier.environment);
                if standing.verified {
                    return Reading::Open(format!("verified in {environment}"));
                }
                Reading::closed(
                    format!("the newest line of the record of {app} in {environment} is not `verified`"),
                    format!("run `promote verify --app {app} --environment {environment}`"),
                )
            })
        })
    },
};

#[cfg(test)]
mod tests {
    use super::super::tests::{earlier as staging, judged_by};
    use super::super::{Earlier, Standing};
    use super::*;

    fn read(earlier: Earlier) -> Reading {
        judged_by(&GATE, earlier)
    }

    #[test]
    fn only_the_newest_line_counts() {
        let closed = read(staging(Some("2026-11-24T12:00:00Z")));
        assert!(closed.why().contains("not `verified`"), "{closed:?}");
        let verified = Earlier {
            record: Ok(Standing {
                known_good: true,
                live_since: None,
                verified: true,
            }),
            ..staging(None)
        };
        assert!(read(verified).is_open());
        let unread = Earlier {
            record: Err("no answer".to_owned()),
            ..staging(None)
        };
        assert!(matches!(read(unread), Reading::Unknown(_)));
    }
}
