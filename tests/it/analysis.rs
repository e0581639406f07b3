//! Analyses held against what the Argo Rollouts controller did with the same input: expressions, arguments, whole runs, and
//! the requests to Prometheus.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the recordings write times as floating-point numbers"
)]
#![allow(clippy::too_many_lines, reason = "one arm for each sort of case")]

mod arguments;
mod expressions;
mod queries;
mod random;
mod runs;
mod server;

use std::path::Path;

use serde_json::Value as Json;

/// One recorded case.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) input: Json,
    pub(crate) expected: Json,
}

/// What came out of a case.
pub(crate) enum Answer {
    /// As the controller.
    Alike,
    /// Not as the controller: how.
    Different(String),
    /// `promote` says that it does not evaluate this.
    NotEvaluated(String),
}

impl Answer {
    /// Compares two descriptions of an outcome.
    pub(crate) fn of(is: &str, expected: &str) -> Self {
        if is == expected {
            Self::Alike
        } else {
            Self::Different(format!("{is}, the controller: {expected}"))
        }
    }
}

/// Reads every `*.jsonl` of a folder.
fn cases(folder: &Path) -> Vec<Case> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    paths.sort();
    let lines = paths.iter().flat_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.map(|line| case(&line)).collect()
}

/// Reads one line.
pub(crate) fn case(line: &str) -> Case {
    let json: Json = serde_json::from_str(line).unwrap();
    let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    Case {
        id: text("id"),
        kind: text("kind"),
        input: json["input"].clone(),
        expected: json["expected"].clone(),
    }
}

/// Runs a case of any kind.
fn answer(case: &Case) -> Answer {
    match case.kind.as_str() {
        "expr" => expressions::answer(case),
        "args" => arguments::answer(case),
        "prometheus" => queries::answer(case),
        "run" => runs::answer(case),
        other => Answer::Different(format!("unknown kind {other}")),
    }
}

#[test]
fn analysis_cases() {
    let Ok(conformance) = std::env::var("CONFORMANCE_DIR") else {
        crate::support::skipped("recorded analyses: CONFORMANCE_DIR is not set");
        return;
    };
    let all = cases(&Path::new(&conformance).join("analysis"));
    let mut alike = 0;
    let mut wrong = Vec::new();
    for case in &all {
        match answer(case) {
            Answer::Alike => alike += 1,
            Answer::Different(how) => wrong.push(format!("{}: {how}", case.id)),
            Answer::NotEvaluated(what) => wrong.push(format!("{}: not evaluated: {what}", case.id)),
        }
    }
    crate::support::noted(&format!("{alike} of {} cases alike", all.len()));
    assert!(wrong.is_empty(), "{alike} of {} alike\n{}", all.len(), wrong.join("\n"));
    assert!(!all.is_empty(), "there are no cases");
}
