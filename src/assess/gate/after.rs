//! `after`: every named environment pins exactly these images, they are known good there, and its applications are live and healthy now.

use super::{Gate, Reading};

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: "after",
    skip: Some("skip-after"),
    is_set: |settings, _| !settings.after.is_empty(),
    judge: |evidence, _| {
        evidence.each(|place| {
            let readings: Vec<Reading> = place.earlier.iter().map(|earlier| earlier.passed(place)).collect();
            Reading::all(&readings)
        })
    },
};

#[cfg(test)]
mod tests {
    use super::super::tests::{earlier, judged_by};
    use super::super::{Earlier, Standing};
    use super::*;

    fn read(earlier: Earlier) -> Reading {
        judged_by(&GATE, earlier)
    }

    #[test]
    fn it_is_open_when_the_images_are_pinned_known_good_and_live() {
        assert!(read(earlier(None)).is_open());
    }

    #[test]
    fn each_thing_that_is_missing_closes_it_with_what_to_do() {
        let other = Earlier {
            pinned: Ok(Err("pins myorg/api:v1, not myorg/api:v2".to_owned())),
            ..earlier(None)
        };
        let unproven = Earlier {
            record: Ok(Standing::default()),
            ..earlier(None)
        };
        let ill = Earlier {
            live: Ok(Err("api-staging is Degraded".to_owned())),
            ..earlier(None)
        };
        for (one, why, opens) in [
            (
                other,
                "staging pins myorg/api:v1",
                "promote myorg/api:v2 to staging first",
            ),
            (
                unproven,
                "the record does not show",
                "promote wait --app api --environment staging",
            ),
            (ill, "api-staging is Degraded", "repair api in staging"),
        ] {
            let Reading::Closed(closed) = read(one) else { panic!() };
            assert!(closed.why.contains(why) && closed.opens.contains(opens), "{closed:?}");
            assert_eq!(closed.until, None);
        }
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        for one in [
            Earlier {
                pinned: Err("no file".to_owned()),
                ..earlier(None)
            },
            Earlier {
                record: Err("no answer".to_owned()),
                ..earlier(None)
            },
            Earlier {
                live: Err("no answer".to_owned()),
                ..earlier(None)
            },
        ] {
            assert!(matches!(read(one), Reading::Unknown(_)));
        }
    }
}
