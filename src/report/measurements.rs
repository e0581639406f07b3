//! What analyses measured: the rows of the report, and how they look in the summary.

use serde::Serialize;

use super::rows::Texts;
use crate::model::Timestamp;

/// One of `measurements`.
#[derive(Clone, Debug, Serialize)]
pub struct MeasurementRow {
    /// The name of the analysis in promote.yaml.
    pub analysis: String,
    /// The metric.
    pub metric: String,
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// What was measured, as the Argo Rollouts controller stores it, such as `[0.97]`; empty if there is no value.
    pub value: String,
    /// `Successful`, `Failed`, `Inconclusive` or `Error`.
    pub phase: String,
    /// When, as RFC 3339.
    pub at: Timestamp,
    /// Why there is no verdict; empty if there is one.
    pub message: String,
}

impl Texts for MeasurementRow {
    fn texts(&mut self) -> Vec<&mut String> {
        vec![
            &mut self.analysis,
            &mut self.metric,
            &mut self.app,
            &mut self.environment,
            &mut self.value,
            &mut self.message,
        ]
    }
}

/// One metric of one analysis in one place, with all its measurements.
pub(super) struct Series<'a> {
    /// Its measurements, the oldest first. There is at least one.
    pub(super) rows: Vec<&'a MeasurementRow>,
}

impl Series<'_> {
    /// Returns the drawing of a metric that was measured more than twice; empty else.
    pub(super) fn drawn(&self) -> String {
        if self.rows.len() <= 2 {
            return String::new();
        }
        sparkline(&self.rows.iter().map(|row| row.value.as_str()).collect::<Vec<_>>())
    }

    /// Returns how many measurements were of each phase: `3 Successful, 1 Error`.
    pub(super) fn phases(&self) -> String {
        let words = ["Successful", "Failed", "Inconclusive", "Error"];
        let counted = words.map(|word| (self.rows.iter().filter(|row| row.phase == word).count(), word));
        let shown: Vec<String> = (counted.iter())
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        shown.join(", ")
    }

    /// Returns the last measurement that was not good, else the last.
    pub(super) fn telling(&self) -> Option<&MeasurementRow> {
        let bad = self.rows.iter().rev().find(|row| row.phase != "Successful");
        bad.or_else(|| self.rows.last()).copied()
    }
}

/// Sorts measurements by metric, in the order in which the metrics were measured first.
pub(super) fn by_metric(rows: &[MeasurementRow]) -> Vec<Series<'_>> {
    let mut all: Vec<Series<'_>> = Vec::new();
    let name = |row: &MeasurementRow| [&row.analysis, &row.metric, &row.app, &row.environment].map(Clone::clone);
    for row in rows {
        let same = |series: &&mut Series<'_>| series.rows.first().is_some_and(|first| name(first) == name(row));
        match all.iter_mut().find(same) {
            Some(series) => series.rows.push(row),
            None => all.push(Series { rows: vec![row] }),
        }
    }
    all
}

/// The longest drawing, in characters; of more values it shows the last.
const WIDEST: usize = 60;
/// What stands for a measurement without a number.
const NO_NUMBER: char = '·';

/// Draws values as bars: the lowest as the smallest, the highest as the largest. A value is written as the controller stores it; of a list,
/// the first number is drawn, and what has no number is a dot.
#[must_use]
pub fn sparkline(values: &[&str]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = values.get(values.len().saturating_sub(WIDEST)..).unwrap_or_default();
    let numbers: Vec<Option<f64>> = shown.iter().map(|value| number(value)).collect();
    let known = || numbers.iter().flatten().copied();
    let (lowest, highest) = (
        known().fold(f64::INFINITY, f64::min),
        known().fold(f64::NEG_INFINITY, f64::max),
    );
    let bar = |value: f64| {
        let span = highest - lowest;
        let share = if span > 0.0 { (value - lowest) / span } else { 0.5 };
        // The share of each bar: at most seven of these bounds are passed.
        let passed = (1..8_u8).filter(|bound| share >= f64::from(*bound) / 8.0).count();
        BARS.get(passed).copied().unwrap_or(NO_NUMBER)
    };
    numbers.iter().map(|value| value.map_or(NO_NUMBER, bar)).collect()
}

fn number(value: &str) -> Option<f64> {
    let inner = value.trim_start_matches('[').trim_end_matches(']');
    let first = inner.split(',').next().unwrap_or_default().trim();
    first.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_drawn_between_the_lowest_and_the_highest() {
        assert_eq!(sparkline(&["[0]", "[0.5]", "[1]"]), "▁▅█");
        assert_eq!(sparkline(&["7", "7", "7"]), "▅▅▅");
        assert_eq!(sparkline(&["[0.9,5]", "[]", "[NaN]", "", "[+Inf]", "[1]"]), "▁····█");
        assert_eq!(sparkline(&vec!["1"; 200]).chars().count(), 60);
        assert_eq!(sparkline(&[]), "");
    }
}
