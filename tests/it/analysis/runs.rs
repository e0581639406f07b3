//! Whole runs in virtual time.

use promote_action::assess::analysis::run::{Measurement, Next, Refused, Run, Tracked};
use promote_action::assess::analysis::template::{Spec, decode};
use promote_action::assess::analysis::{Conditions, Phase, Value, measurement, prometheus};
use serde_json::{Value as Json, json};

use super::expressions::number;
use super::{Answer, Case};

const SECOND: i128 = 1_000_000_000;
/// The controller's queue and each of its looks take this long.
const TICK: i128 = 1_000_000;

/// Runs a case.
pub(super) fn answer(case: &Case) -> Answer {
    let is = match outcome(case) {
        Ok(is) => is,
        Err(answer) => return answer,
    };
    Answer::of(&is.to_string(), &expected(&case.expected).to_string())
}

/// Returns what is compared of a recording: times, phases, classes, values and counters.
fn expected(json: &Json) -> Json {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let measurements = json["measurements"].as_array().into_iter().flatten().map(|m| {
        json!([
            m["t"].as_f64(),
            m["metric"],
            m["phase"],
            text(&m["value"]),
            text(&m["class"])
        ])
    });
    let metrics = json["metrics"].as_array().into_iter().flatten().map(|m| {
        let count = |name: &str| m[name].as_i64().unwrap_or(0);
        json!([
            m["name"],
            m["phase"],
            count("successful"),
            count("failed"),
            count("inconclusive"),
            count("error"),
            count("consecutive_error"),
            count("consecutive_success"),
            m["dry_run"] == true,
            count("retained"),
        ])
    });
    json!({
        "ended": json["ended"], "phase": json["phase"], "class": text(&json["class"]),
        "at": json["ended_at"].as_f64(),
        "measurements": measurements.collect::<Vec<_>>(),
        "metrics": metrics.collect::<Vec<_>>(),
        "summaries": [summary(&json["run_summary"]), summary(&json["dry_run_summary"])],
    })
}

fn summary(json: &Json) -> Json {
    let count = |name: &str| json[name].as_i64().unwrap_or(0);
    json!([
        count("count"),
        count("successful"),
        count("failed"),
        count("inconclusive"),
        count("error")
    ])
}

fn summarised(run: Option<&Run>, dry: bool) -> Json {
    let Some(run) = run else { return json!([0, 0, 0, 0, 0]) };
    let these: Vec<&Tracked> = run.metrics.iter().filter(|tracked| tracked.dry_run == dry).collect();
    let counted = |tracked: &Tracked| {
        if tracked.unexplained {
            Some(Phase::Successful)
        } else {
            tracked.phase
        }
    };
    let count = |phase: Phase| these.iter().filter(|tracked| counted(tracked) == Some(phase)).count();
    json!([
        these.len(),
        count(Phase::Successful),
        count(Phase::Failed),
        count(Phase::Inconclusive),
        count(Phase::Error)
    ])
}

fn told(run: Option<&Run>, class: &str) -> Json {
    let ended = run.and_then(|run| run.ended.as_ref());
    let refused = run.is_none();
    let all = run.map(|run| run.metrics.as_slice()).unwrap_or_default();
    let begun: Vec<&Tracked> = all.iter().filter(|tracked| !tracked.measurements.is_empty()).collect();
    let mut measurements: Vec<(i128, &str, &Measurement)> = Vec::new();
    for tracked in &begun {
        let of_metric = tracked.measurements.iter();
        measurements.extend(of_metric.map(|m| (m.started.div_euclid(SECOND), tracked.metric.name.as_str(), m)));
    }
    measurements.sort_by_key(|(at, name, m)| (*at, *name, m.started));
    let seconds = |at: i128| i64::try_from(at).unwrap() as f64;
    let measurements = measurements
        .iter()
        .map(|(at, name, m)| json!([seconds(*at), name, m.phase.word(), m.value, m.class.unwrap_or_default()]));
    let mut by_name = begun.clone();
    by_name.sort_by_key(|tracked| &tracked.metric.name);
    let metrics = by_name.iter().map(|tracked| {
        let c = &tracked.counted;
        json!([
            tracked.metric.name,
            tracked.phase.unwrap().word(),
            c.successful,
            c.failed,
            c.inconclusive,
            c.error,
            c.consecutive_error,
            c.consecutive_success,
            tracked.dry_run,
            tracked.kept(),
        ])
    });
    let phase = match (ended, refused) {
        (_, true) => "Error",
        (Some(ended), _) => ended.phase.word(),
        (None, _) => "Running",
    };
    json!({
        "ended": refused || ended.is_some(), "phase": phase, "class": class,
        "at": if refused { Some(0.0) } else { ended.map(|ended| seconds(ended.at / SECOND)) },
        "measurements": measurements.collect::<Vec<_>>(),
        "metrics": metrics.collect::<Vec<_>>(),
        "summaries": [summarised(run, false), summarised(run, true)],
    })
}

fn outcome(case: &Case) -> Result<Json, Answer> {
    let input = &case.input;
    let Ok(spec) = decode::<Spec>(&input["spec"]) else {
        return Ok(told(None, "decode"));
    };
    // The recording's server, wherever it was.
    let text = serde_json::to_string(&spec)
        .unwrap()
        .replace("$SERVER", "http://127.0.0.1:9090");
    let spec: Spec = serde_json::from_str(&text).unwrap();
    let mut run = match Run::new(&spec) {
        Ok(run) => run,
        Err(Refused::Arguments(_)) => return Ok(told(None, "args")),
        Err(Refused::Spec(_)) => return Ok(told(None, "invalid_spec")),
    };
    let seconds = |json: &Json| json.as_f64().map(|seconds| (seconds * 1e9) as i128);
    let until = seconds(&input["until"]).unwrap();
    let mut stop = seconds(&input["terminate_at"]);
    let mut now: i128 = 0;
    loop {
        let due = run.due(now);
        let mut finished = now;
        for index in due {
            let tracked = &run.metrics[index];
            let answers = &input["script"][&tracked.metric.provider.prometheus.as_ref().unwrap().query];
            let answers = answers.as_array().cloned().unwrap_or_default();
            let answer = &answers[tracked.measurements.len().min(answers.len() - 1)];
            let took = now + seconds(&answer["takes"]).unwrap_or(0);
            let measured = measure(tracked, answer, now, took)?;
            finished = finished.max(took);
            run.record(index, measured);
        }
        now = finished;
        let mut next = match run.assess(now) {
            Next::Ended => break,
            Next::After(next) => Some(next),
            Next::Idle => None,
        };
        // What is due in that second comes a little after it, so the end goes first.
        if let Some(at) = stop
            && next.is_none_or(|next| at <= next)
        {
            stop = None;
            next = Some(at);
            run.terminate();
        }
        match next {
            Some(next) if next <= until => now = now.max(next) + TICK,
            _ => break,
        }
    }
    let class = match &run.ended {
        None => "",
        Some(ended) if ended.unexplained => "",
        Some(ended) => match ended.phase {
            Phase::Failed => "failed",
            Phase::Error => "error",
            Phase::Inconclusive => "inconclusive",
            _ if ended.terminated => "terminated",
            _ => "",
        },
    };
    Ok(told(Some(&run), class))
}

fn measure(tracked: &Tracked, answer: &Json, started: i128, finished: i128) -> Result<Measurement, Answer> {
    let prometheus = tracked.metric.provider.prometheus.as_ref().unwrap();
    let provider = prometheus::address(prometheus, None)
        .and_then(|_| prometheus::timeout(prometheus))
        .map_err(|trouble| trouble.kind.word());
    let value = match answer["fail"].as_str() {
        _ if provider.is_err() => Err(provider.unwrap_err()),
        Some("http500") => Err("server_error"),
        Some("bad_data") => Err("prometheus_error"),
        Some("string") => Err("bad_response"),
        Some(other) => panic!("unknown failure {other}"),
        None if answer["scalar"].is_null() => Ok(Value::floats(
            answer["vector"].as_array().into_iter().flatten().map(number),
        )),
        None => Ok(Value::Float(number(&answer["scalar"]))),
    };
    let conditions = Conditions {
        success: Some(&tracked.metric.success_condition),
        failure: Some(&tracked.metric.failure_condition),
    };
    let (phase, value, class, message) = match value {
        Err(class) => (Phase::Error, String::new(), Some(class), class.to_owned()),
        Ok(value) => match measurement::judge(&value, &conditions, started) {
            Ok(phase) => (phase, value.stored(), None, String::new()),
            Err(unjudged) if unjudged.failure.class().is_none() => {
                return Err(Answer::NotEvaluated(unjudged.to_string()));
            }
            Err(unjudged) => (Phase::Error, String::new(), Some("condition"), unjudged.to_string()),
        },
    };
    Ok(Measurement {
        started,
        finished,
        phase,
        value,
        class,
        message,
        warnings: Vec::new(),
    })
}
