//! The live object of a workload, as the API server shows it: its manifest with the status of its kind.

use serde_json::{Value, json};

use super::{Workload, merge};
use crate::argocd::canary::View;
use crate::argocd::clock::{Clock, Moment};

impl Workload {
    /// Returns the live object, with its status.
    pub(crate) fn object(&self, clock: &Clock, now: Moment) -> Value {
        let mut object = self.manifest.clone();
        object["metadata"]["generation"] = json!(self.generation);
        let (new, ready) = self.new_pods(now);
        let available = if ready {
            self.replicas()
        } else {
            self.replicas().saturating_sub(1)
        };
        let mut status = json!({});
        let counts = [
            ("replicas", self.replicas()),
            ("updatedReplicas", new),
            ("readyReplicas", available),
            ("availableReplicas", available),
        ];
        for (name, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            status[name] = json!(count);
        }
        if let (Some((view, index, _)), Some(canary)) = (self.canary(now), &self.canary) {
            let stable = self.stable.as_ref().map_or("", |stable| stable.hash.as_str());
            let rest = json!({
                "HPAReplicas": self.replicas(), "blueGreen": {}, "canary": {}, "phase": view.phase,
                "currentPodHash": self.current.hash, "stableRS": stable, "currentStepIndex": index,
                "observedGeneration": self.generation.to_string(), "conditions": [{
                    "type": "Progressing", "status": if view.phase == "Degraded" { "False" } else { "True" },
                    "reason": reason(&view), "message": if view.message.is_empty() { "Rollout is healthy" } else { &view.message },
                    "lastTransitionTime": clock.stamp(canary.begun()), "lastUpdateTime": clock.stamp(canary.begun()),
                }],
            });
            merge(&mut status, rest);
            if !view.message.is_empty() {
                status["message"] = json!(view.message);
            }
            if let Some(since) = view.paused_since {
                status["controllerPause"] = json!(true);
                status["pauseConditions"] = json!([{"reason": view.message, "startTime": clock.stamp(since)}]);
            }
            // An abort takes the analysis out of the status; its run stays in the cluster.
            if let Some((end, phase)) = view.analysis.as_ref().filter(|(_, phase)| *phase == "Running") {
                let name = format!("{}-{}-{end}", self.name(), self.current.hash);
                status["canary"]["currentStepAnalysisRunStatus"] = json!({"name": name, "status": phase});
            }
            if let Some(at) = view.aborted_at {
                status["abort"] = json!(true);
                status["abortedAt"] = json!(clock.stamp(at));
            }
        } else {
            status["observedGeneration"] = json!(self.generation);
        }
        object["status"] = status;
        object
    }
}

fn reason(view: &View) -> &'static str {
    match view.phase {
        "Degraded" if view.aborted_at.is_some() => "RolloutAborted",
        "Degraded" => "ProgressDeadlineExceeded",
        "Paused" => "RolloutPaused",
        "Healthy" => "NewReplicaSetAvailable",
        _ => "ReplicaSetUpdated",
    }
}
