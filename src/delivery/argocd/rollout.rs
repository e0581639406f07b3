//! Reads how far an Argo Rollouts Rollout is from its object, by the rules of its controller and of Argo CD's health check.

use std::time::Duration;

use serde_json::Value;

use crate::model::{Analysis, Canary, StepKind};

use super::analysis::{arguments, templates};
use super::convert::time;
use super::duration::duration;

/// Reads how far a Rollout is from its object.
#[must_use]
pub fn canary_of(object: &Value) -> Canary {
    let text = |path: &str| {
        object
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let steps: &[Value] = object
        .pointer("/spec/strategy/canary/steps")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice);
    let at = object.pointer("/status/currentStepIndex").and_then(Value::as_u64);
    let index = at.and_then(|at| usize::try_from(at).ok());
    let aborted = object
        .pointer("/status/abort")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let (current, stable) = (text("/status/currentPodHash"), text("/status/stableRS"));
    let pause = object
        .pointer("/status/pauseConditions/0/reason")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| {
            let by_hand = object.pointer("/spec/paused").and_then(Value::as_bool).unwrap_or(false);
            by_hand.then(|| "paused by a person".to_owned())
        });
    let step = index.and_then(|index| steps.get(index));
    Canary {
        name: text("/metadata/name"),
        phase: text("/status/phase"),
        message: text("/status/message"),
        observed: observed(object),
        step: at.and_then(|at| u32::try_from(at).ok()),
        steps: u32::try_from(steps.len()).unwrap_or(u32::MAX),
        weight: weight(steps, index, aborted, current == stable),
        pause_for: (step.filter(|_| pause.is_some()))
            .and_then(|step| step.pointer("/pause/duration"))
            .and_then(duration)
            .or_else(|| promoted_after(object).filter(|_| pause.as_deref() == Some("BlueGreenPause"))),
        step_kind: step.map(kind_of).unwrap_or_default(),
        paused_since: (pause.is_some())
            .then(|| object.pointer("/status/pauseConditions/0/startTime")?.as_str())
            .flatten()
            .and_then(|at| time(Some(at))),
        pause,
        images: images(object),
        pauses_ahead: pauses_ahead(object, steps, index),
        analyses_ahead: analyses_ahead(object, steps, index),
        aborted,
        promoted_full: (object.pointer("/status/promoteFull"))
            .and_then(Value::as_bool)
            .unwrap_or(false),
        traffic: traffic(object, &current),
        updated: (object.pointer("/status/updatedReplicas"))
            .and_then(Value::as_u64)
            .unwrap_or_default(),
        current,
        stable,
        analysis: analyses(object),
    }
}

fn kind_of(step: &Value) -> StepKind {
    let measures = ["analysis", "experiment"]
        .into_iter()
        .any(|key| step.get(key).is_some());
    if measures { StepKind::Measures } else { StepKind::Moves }
}

/// The share of traffic of the new version; `None` where it goes by pods. A blue-green Rollout switches all of it at once.
fn traffic(object: &Value, current: &str) -> Option<u32> {
    let routed = object
        .pointer("/status/canary/weights/canary/weight")
        .and_then(Value::as_u64);
    let routed = routed.and_then(|weight| u32::try_from(weight).ok());
    let is_blue_green = object.pointer("/spec/strategy/blueGreen").is_some();
    routed.or_else(|| {
        let active = object
            .pointer("/status/blueGreen/activeSelector")
            .and_then(Value::as_str);
        is_blue_green.then(|| if active == Some(current) { 100 } else { 0 })
    })
}

/// The analyses at work, or the last ones: name, phase, message.
fn analyses(object: &Value) -> Vec<(String, String, String)> {
    const PLACES: [&str; 4] = [
        "canary/currentStepAnalysisRunStatus",
        "canary/currentBackgroundAnalysisRunStatus",
        "blueGreen/prePromotionAnalysisRunStatus",
        "blueGreen/postPromotionAnalysisRunStatus",
    ];
    let analysis = |path: &&str| {
        let run = object.pointer(&format!("/status/{path}"))?;
        let field = |name: &str| run.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some((field("name"), field("status"), field("message")))
    };
    PLACES.iter().filter_map(analysis).collect()
}

/// The images of its newest pods; none when another object has their template.
fn images(object: &Value) -> Vec<String> {
    let lists = ["initContainers", "containers"]
        .into_iter()
        .filter_map(|name| object.pointer(&format!("/spec/template/spec/{name}"))?.as_array());
    let images = lists
        .flatten()
        .filter_map(|container| container.get("image")?.as_str().map(str::to_owned));
    images.collect()
}

/// The steps from its own on; all of them while it has none yet.
fn ahead(steps: &[Value], index: Option<usize>) -> impl Iterator<Item = &Value> {
    steps.iter().skip(index.unwrap_or_default())
}

/// After which time a blue-green Rollout is promoted by itself.
fn promoted_after(object: &Value) -> Option<Duration> {
    let seconds = object.pointer("/spec/strategy/blueGreen/autoPromotionSeconds")?;
    duration(seconds).filter(|length| !length.is_zero())
}

fn pauses_ahead(object: &Value, steps: &[Value], index: Option<usize>) -> Duration {
    ahead(steps, index)
        .filter_map(|step| {
            let timed = step.pointer("/pause/duration");
            timed.or_else(|| step.pointer("/experiment/duration"))
        })
        .filter_map(duration)
        .chain(promoted_after(object))
        .fold(Duration::ZERO, Duration::saturating_add)
}

fn analyses_ahead(object: &Value, steps: &[Value], index: Option<usize>) -> Vec<Analysis> {
    let before_and_after = ["prePromotionAnalysis", "postPromotionAnalysis"]
        .into_iter()
        .filter_map(|name| object.pointer(&format!("/spec/strategy/blueGreen/{name}")));
    ahead(steps, index)
        .filter_map(|step| step.get("analysis"))
        .chain(before_and_after)
        .map(|analysis| Analysis {
            templates: templates(analysis),
            arguments: arguments(analysis),
        })
        .collect()
}

/// The controller writes the generation as a text.
fn observed(object: &Value) -> bool {
    let Some(wanted) = object.pointer("/metadata/generation").and_then(Value::as_u64) else {
        return true;
    };
    match object.pointer("/status/observedGeneration") {
        Some(Value::String(seen)) => seen.parse() == Ok(wanted),
        Some(Value::Number(seen)) => seen.as_u64() == Some(wanted),
        _ => false,
    }
}

/// The last weight at or before the step; nothing when aborted, all past the end.
fn weight(steps: &[Value], index: Option<usize>, aborted: bool, done: bool) -> u32 {
    let Some(index) = index else {
        return if done { 100 } else { 0 };
    };
    if aborted {
        return 0;
    }
    if index >= steps.len() {
        return 100;
    }
    (steps.iter().take(index.saturating_add(1)).rev())
        .find_map(|step| step.get("setWeight").and_then(Value::as_u64))
        .and_then(|weight| u32::try_from(weight).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canary(step: u64, status: &Value) -> Canary {
        let mut object = serde_json::json!({
            "metadata": {"name": "api", "generation": 3},
            "spec": {"strategy": {"canary": {"steps": [
                {"setWeight": 10}, {"pause": {"duration": "1m"}}, {"setWeight": 30}, {"pause": {}},
                {"setWeight": 60}, {"pause": {"duration": 30}}
            ]}}},
            "status": status
        });
        object["status"]["currentStepIndex"] = step.into();
        canary_of(&object)
    }

    #[test]
    fn the_weight_is_the_last_one_at_or_before_the_step() {
        let weights: Vec<u32> = (0..7).map(|step| canary(step, &serde_json::json!({})).weight).collect();
        assert_eq!(weights, [10, 10, 30, 30, 60, 60, 100]);
        assert_eq!(canary(3, &serde_json::json!({"abort": true})).weight, 0);
    }

    #[test]
    fn a_pause_without_duration_is_for_a_person() {
        let paused = serde_json::json!({"pauseConditions": [{"reason": "CanaryPauseStep"}], "phase": "Paused"});
        assert_eq!(canary(1, &paused).pause_for, Some(Duration::from_secs(60)));
        let person = canary(3, &paused);
        assert_eq!(
            (person.pause.as_deref(), person.pause_for),
            (Some("CanaryPauseStep"), None)
        );
        // The first timed pause is behind it.
        assert_eq!(person.pauses_ahead, Duration::from_secs(30));
        assert_eq!(canary(0, &paused).pauses_ahead, Duration::from_secs(90));
    }

    #[test]
    fn what_is_ahead_of_a_blue_green_rollout_is_timed_too() {
        let object = serde_json::json!({
            "spec": {"strategy": {"blueGreen": {"autoPromotionSeconds": 40,
                "prePromotionAnalysis": {"templates": [{"templateName": "smoke"}, {"templateName": "all", "clusterScope": true}]}}}},
            "status": {"pauseConditions": [{"reason": "BlueGreenPause"}], "phase": "Paused"}
        });
        let canary = canary_of(&object);
        assert_eq!(canary.pause_for, Some(Duration::from_secs(40)));
        assert_eq!(canary.pauses_ahead, Duration::from_secs(40));
        let names: Vec<(&str, bool)> = (canary.analyses_ahead[0].templates.iter())
            .map(|template| (template.name.as_str(), template.cluster_wide))
            .collect();
        assert_eq!(names, [("smoke", false), ("all", true)]);
    }

    /// Every state that the controller writes for a blue-green Rollout: whether it is under way, its share of traffic, whether it is off.
    #[test]
    fn a_blue_green_rollout_is_read_in_each_of_its_forms() {
        let pause = serde_json::json!([{"reason": "BlueGreenPause", "startTime": "2026-01-02T03:04:05Z"}]);
        let none = serde_json::json!(null);
        for (form, stable, active, pauses, aborted, right) in [
            ("first deployment", "", "", &none, false, (false, Some(0), false)),
            (
                "preview that waits for a person",
                "old",
                "old",
                &pause,
                false,
                (true, Some(0), false),
            ),
            (
                "switched, analysis after promotion",
                "old",
                "new",
                &none,
                false,
                (true, Some(100), false),
            ),
            (
                "done, the old one not scaled down yet",
                "new",
                "new",
                &none,
                false,
                (false, Some(100), false),
            ),
            (
                "aborted before the switch",
                "old",
                "old",
                &none,
                true,
                (false, Some(0), true),
            ),
            (
                "aborted after it, not switched back yet",
                "old",
                "new",
                &none,
                true,
                (false, Some(100), false),
            ),
        ] {
            let canary = canary_of(&serde_json::json!({
                "metadata": {"generation": 2, "name": "api"},
                "spec": {"strategy": {"blueGreen": {"activeService": "a", "previewService": "p", "autoPromotionEnabled": false}}},
                "status": {"observedGeneration": "2", "currentPodHash": "new", "stableRS": stable, "abort": aborted,
                    "pauseConditions": pauses, "blueGreen": {"activeSelector": active, "previewSelector": "new"}}
            }));
            assert_eq!((canary.is_underway(), canary.traffic, canary.is_off()), right, "{form}");
            let waits = canary.pause.is_some() && canary.pause_for.is_none();
            assert_eq!(waits, *pauses != none, "{form}");
        }
    }

    #[test]
    fn an_older_observed_generation_is_not_observed() {
        assert!(canary(0, &serde_json::json!({"observedGeneration": "3"})).observed);
        assert!(!canary(0, &serde_json::json!({"observedGeneration": "2"})).observed);
    }
}
