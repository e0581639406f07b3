//! `analysis`: each named analysis, measured once now, is successful.

use super::{Evidence, Gate, Place, Reading, Seen, Settings};

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: "analysis",
    skip: Some("skip-analysis"),
    is_set: |settings, _| !settings.analysis.is_empty(),
    judge,
};

/// An analysis that was measured once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// What was measured if it was good, else why it was not; or why it could not be measured.
    pub found: Seen<Result<String, String>>,
}

fn judge(evidence: &Evidence, settings: &Settings) -> Reading {
    evidence.each(|place| {
        let readings = settings.analysis.iter().map(|(name, _)| of(place, name));
        Reading::all(&readings.collect::<Vec<_>>())
    })
}

fn of(place: &Place, name: &str) -> Reading {
    match place.analyses.iter().find(|measured| measured.name == name) {
        None => Reading::Unknown(format!("analysis {name} was not measured")),
        Some(Measured { found: Err(why), .. }) => Reading::Unknown(why.clone()),
        Some(Measured {
            found: Ok(Err(why)), ..
        }) => Reading::closed(
            why.clone(),
            format!("wait until analysis {name} is successful, then run the step again"),
        ),
        Some(Measured {
            found: Ok(Ok(values)), ..
        }) => Reading::Open(format!("analysis {name} is successful: {values}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::evidence;
    use super::*;

    fn reading(found: Vec<(&str, Seen<Result<String, String>>)>) -> Reading {
        let mut seen = evidence("2026-01-01T00:00:00Z");
        let all = found.into_iter().map(|(name, found)| Measured {
            name: name.to_owned(),
            found,
        });
        seen.places[0].analyses = all.collect();
        let settings = Settings {
            analysis: vec![("rate".to_owned(), 3), ("latency".to_owned(), 3)],
            ..Settings::default()
        };
        assert!((GATE.is_set)(&settings, &seen) && !(GATE.is_set)(&Settings::default(), &seen));
        judge(&seen, &settings)
    }

    #[test]
    fn every_analysis_has_to_be_successful() {
        let good = |text: &str| Ok(Ok(text.to_owned()));
        let open = reading(vec![("rate", good("rate is [0.97]")), ("latency", good("p99 is [12]"))]);
        assert_eq!(
            open,
            Reading::Open(
                "analysis rate is successful: rate is [0.97]; analysis latency is successful: p99 is [12]".to_owned()
            )
        );
        let closed = reading(vec![
            ("rate", Ok(Err("rate is [0.5]".to_owned()))),
            ("latency", good("x")),
        ]);
        assert_eq!((closed.why(), closed.is_open()), ("rate is [0.5]", false));
        for unread in [
            reading(vec![
                ("rate", Err("Prometheus answered 503".to_owned())),
                ("latency", good("x")),
            ]),
            reading(vec![("rate", good("x"))]),
        ] {
            assert!(matches!(unread, Reading::Unknown(_)), "{unread:?}");
        }
    }
}
