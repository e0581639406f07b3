//! The analyses that are gates, each measured once: all of them side by side.

use crate::assess::gate::Measured;
use crate::model::{AppName, EnvironmentName, Outcome};
use crate::report::MeasurementRow;

use crate::promote::analyses::{Analysis, Measuring, Rows, Verification, once};
use crate::promote::ports::Reading;
use crate::promote::underway::all;

/// What was measured.
#[derive(Clone, Default)]
pub(in crate::promote) struct Answers {
    found: Vec<(AppName, EnvironmentName, Measured)>,
    /// Each measurement, for the report.
    pub(in crate::promote) rows: Vec<MeasurementRow>,
}

impl Answers {
    /// Returns the analyses of an app in an environment.
    pub(in crate::promote) fn of(&self, app: &AppName, environment: &EnvironmentName) -> Vec<Measured> {
        let found = self.found.iter();
        let here = found.filter(|(of, at, _)| of == app && at == environment);
        here.map(|(_, _, measured)| measured.clone()).collect()
    }
}

/// Returns what is to be measured: the same analyses need not be measured again while the answers are fresh.
pub(in crate::promote) fn question(gates: &[Verification]) -> Vec<Analysis> {
    gates.iter().flat_map(|one| one.analyses.iter().cloned()).collect()
}

/// Measures each analysis once.
pub(in crate::promote) async fn measured(reading: Reading<'_>, question: &[Analysis]) -> Answers {
    let rows = Rows::default();
    let measuring = Measuring {
        measure: reading.measure,
        clock: reading.ports.clock,
        journal: reading.ports.journal,
        rows: &rows,
    };
    let found = all(question.iter().map(|analysis| once(measuring, analysis))).await;
    let found = question.iter().zip(found).map(|(analysis, found)| {
        let found = match found {
            Ok(values) => Ok(Ok(values)),
            Err(breach) if breach.outcome == Outcome::Breached => Ok(Err(breach.reason)),
            Err(breach) => Err(breach.reason),
        };
        let measured = Measured {
            name: analysis.name.clone(),
            found,
        };
        (analysis.app.clone(), analysis.environment.clone(), measured)
    });
    Answers {
        found: found.collect(),
        rows: rows.take(),
    }
}
