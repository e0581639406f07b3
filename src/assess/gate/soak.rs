//! `soak`: the images have been live in the environments of `after` for this long, without another version or a failure in between.

use std::time::Duration;

use super::{Evidence, Gate, Reading, Settings, earlier};
use crate::model::{Timestamp, in_words};

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: "soak",
    skip: Some("skip-soak"),
    is_set: |settings, _| settings.soak.is_some(),
    judge,
};

fn judge(evidence: &Evidence, settings: &Settings) -> Reading {
    let soak = settings.soak.unwrap_or_default();
    evidence.each(|place| {
        earlier::each(place, "the soak time starts", |earlier, standing| {
            let environment = &earlier.environment;
            let Some(since) = standing.live_since else {
                return Reading::closed(
                    format!("the newest line of the record of {} in {environment} does not say that it is live", place.app),
                    format!(
                        "`promote wait --app {} --environment {environment}` records that it is live, and the time counts from then",
                        place.app
                    ),
                );
            };
            let end = Timestamp::at_unix(since.unix_seconds().saturating_add(whole_seconds(soak)));
            let lived = in_words(Duration::from_secs(evidence.now.since(since).as_secs()));
            let asked = in_words(soak);
            if evidence.now >= end {
                return Reading::Open(format!("live in {environment} for {lived} (at least {asked})"));
            }
            let why = format!("live in {environment} since {since}, for {lived} of {asked}");
            Reading::until(why, end)
        })
    })
}

/// Returns seconds, of which the last begun one counts whole.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, earlier as staging, evidence};
    use super::super::{Earlier, Standing};
    use super::*;

    fn read(now: &str, earlier: Earlier) -> Reading {
        let mut evidence = evidence(now);
        evidence.places[0].earlier = vec![earlier];
        let settings = Settings {
            soak: Some(Duration::from_secs(1800)),
            ..Settings::default()
        };
        judge(&evidence, &settings)
    }

    #[test]
    fn it_opens_when_the_time_is_over() {
        let since = Some("2026-11-24T12:00:00Z");
        let closed = read("2026-11-24T12:29:59Z", staging(since));
        assert_eq!(closed.opens_at(), Some(at("2026-11-24T12:30:00Z")));
        assert_eq!(
            closed.why(),
            "live in staging since 2026-11-24T12:00:00Z, for 29m59s of 30m"
        );
        assert!(read("2026-11-24T12:30:00Z", staging(since)).is_open());
        // A clock that is behind the one of the record only makes it longer.
        let behind = read("2026-11-24T11:50:00Z", staging(since));
        assert_eq!(behind.opens_at(), Some(at("2026-11-24T12:30:00Z")));
    }

    #[test]
    fn it_is_closed_without_an_end_when_it_is_not_live_now() {
        let ill = Earlier {
            live: Ok(Err("api-staging is Degraded".to_owned())),
            ..staging(Some("2026-11-24T12:00:00Z"))
        };
        let closed = read("2026-11-24T13:00:00Z", ill);
        assert!(!closed.is_open() && closed.opens_at().is_none(), "{closed:?}");
        assert_eq!(
            closed.opens(),
            Some("the soak time starts when myorg/api:v2 is live in staging")
        );
        let timed_out = Earlier {
            record: Ok(Standing {
                known_good: true,
                ..Standing::default()
            }),
            ..staging(None)
        };
        let closed = read("2026-11-24T13:00:00Z", timed_out);
        assert!(!closed.is_open() && closed.opens_at().is_none(), "{closed:?}");
    }

    #[test]
    fn what_cannot_be_read_is_unknown() {
        let unread = Earlier {
            record: Err("no answer".to_owned()),
            ..staging(None)
        };
        assert!(matches!(read("2026-11-24T13:00:00Z", unread), Reading::Unknown(_)));
    }
}
