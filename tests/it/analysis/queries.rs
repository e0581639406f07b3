//! Queries to Prometheus: the requests, and what follows from the answers.

use promote_action::assess::analysis::template::{Metric, decode};
use promote_action::assess::analysis::{Conditions, TroubleKind, measurement};
use promote_action::metrics::{AwsKeys, Measure, Servers, Settings};
use promote_action::model::Secret;
use serde_json::{Value as Json, json};

use super::server::Server;
use super::{Answer, Case};

/// A moment far from the times in the cases.
const NOW: i128 = 1_893_456_000_250_000_000;

/// Runs a case.
pub(super) fn answer(case: &Case) -> Answer {
    let server = Server::start(&case.input);
    let fill = |text: &str| {
        text.replace("$SERVER", &format!("http://{}", server.host))
            .replace("$HOST", &server.host)
    };
    let metric: Json = serde_json::from_str(&fill(&case.input["metric"].to_string())).unwrap();
    let expected = expected(case);
    let Ok(metric) = decode::<Metric>(&metric) else {
        return Answer::of(&error("decode", Vec::new()).to_string(), &expected.to_string());
    };
    let otherwise = case.input["env"]["ARGO_ROLLOUTS_PROMETHEUS_ADDRESS"].as_str().map(fill);
    let of_aws = |name: &str| case.input["env"][name].as_str().map(str::to_owned);
    let aws = of_aws("AWS_ACCESS_KEY_ID").map(|access_key_id| AwsKeys {
        access_key_id,
        secret_access_key: Secret::new(of_aws("AWS_SECRET_ACCESS_KEY").unwrap()),
        session_token: of_aws("AWS_SESSION_TOKEN").map(Secret::new),
    });
    let settings = Settings {
        otherwise,
        aws,
        ..Settings::default()
    };
    let http = promote_action::http::client(&promote_action::http::Connections::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let measured = runtime.block_on(Servers::new(http, settings).measure(&metric.provider, NOW));
    let is = match measured {
        Err(trouble) if trouble.kind == TroubleKind::NotEvaluated => return Answer::NotEvaluated(trouble.message),
        Err(trouble) => error(trouble.kind.word(), server.asked()),
        Ok(reading) => {
            let conditions = Conditions {
                success: Some(&metric.success_condition),
                failure: Some(&metric.failure_condition),
            };
            match measurement::judge(&reading.value, &conditions, NOW) {
                Err(unjudged) if unjudged.failure.class().is_none() => {
                    return Answer::NotEvaluated(unjudged.to_string());
                }
                Err(_) => error("condition", server.asked()),
                Ok(phase) => json!({
                    "phase": phase.word(), "value": reading.stored, "class": "",
                    "warnings": reading.warnings.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", "),
                    "requests": asked(server.asked()),
                }),
            }
        }
    };
    Answer::of(&is.to_string(), &expected.to_string())
}

fn error(class: &str, requests: Vec<Json>) -> Json {
    json!({"phase": "Error", "value": "", "class": class, "warnings": "", "requests": asked(requests)})
}

/// Returns what is compared of a recording.
fn expected(case: &Case) -> Json {
    // A program that is asked now reads the clock itself: what it calls now can be the second before.
    let now = |text: &str| text.replace("now-1s", "now+0s").replace("now+1s", "now+0s");
    let json = &if case.id.starts_with("random-") {
        serde_json::from_str(&now(&case.expected.to_string())).unwrap()
    } else {
        case.expected.clone()
    };
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let mut requests = json["requests"].as_array().cloned().unwrap_or_default();
    for request in &mut requests {
        if let Some(headers) = request["headers"].as_object().cloned() {
            let lower = headers.into_iter().map(|(name, value)| (name.to_lowercase(), value));
            request["headers"] = lower.collect::<serde_json::Map<_, _>>().into();
        }
    }
    json!({
        "phase": if json["provider"] == "error" { "Error".to_owned() } else { text(&json["phase"]) },
        "value": text(&json["value"]), "class": text(&json["class"]),
        "warnings": text(&json["metadata"]["warnings"]),
        "requests": requests,
    })
}

/// Masks what is never twice the same in a signature.
fn masked(request: &mut Json) {
    let Some(headers) = request.get_mut("headers").and_then(Json::as_object_mut) else {
        return;
    };
    if let Some(date) = headers.get_mut("x-amz-date") {
        *date = "$DATE".into();
    }
    let signed = headers
        .get("authorization")
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned();
    if let Some((before, _)) = signed.split_once("Signature=") {
        let day = before.split('/').nth(1).unwrap_or_default();
        headers["authorization"] = format!("{}Signature=$SIGNATURE", before.replace(day, "$DATE")).into();
    }
}

/// Writes times near now as the recording does.
fn asked(requests: Vec<Json>) -> Vec<Json> {
    let mut requests = requests;
    for request in &mut requests {
        masked(request);
        for part in ["form", "query"] {
            for name in ["time", "start", "end"] {
                let seconds = request[part][name][0]
                    .as_str()
                    .and_then(|text| text.parse::<f64>().ok());
                let off = seconds.map(|seconds| seconds - NOW as f64 / 1e9);
                if let Some(off) = off.filter(|off| off.abs() < 864_000.0) {
                    request[part][name][0] = format!("now{:+}s", off.round() as i64).into();
                }
            }
            if request[part].is_null() {
                request.as_object_mut().unwrap().remove(part);
            }
        }
    }
    requests
}
