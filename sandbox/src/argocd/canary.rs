//! A canary of Argo Rollouts: walks `spec.strategy.canary.steps`, pauses, is judged by analyses, is aborted. Knows no Argo CD.

use std::time::Duration;

use serde_json::Value;

use super::clock::Moment;
use super::workload::Fate;

/// How long new pods take until they are ready.
const PODS: Duration = Duration::from_millis(2500);

#[derive(Clone, Debug)]
enum Step {
    Weight(u32),
    /// `None` waits for a person.
    Pause(Option<Duration>),
    Analysis {
        metric: String,
        first: Duration,
        whole: Duration,
    },
}

/// What a canary looks like from outside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    /// `Progressing`, `Paused`, `Degraded`, `Healthy`.
    pub(crate) phase: &'static str,
    pub(crate) message: String,
    /// The share of the new version, in percent.
    pub(crate) weight: u32,
    /// Whether the pods of that share are ready.
    pub(crate) ready: bool,
    /// The start of the pause, while one is on.
    pub(crate) paused_since: Option<Moment>,
    /// The name's end and the phase of the step's analysis: while one is on, and for good when it failed.
    pub(crate) analysis: Option<(String, &'static str)>,
    pub(crate) aborted_at: Option<Moment>,
}

/// One update of one Rollout.
#[derive(Clone, Debug)]
pub(crate) struct Canary {
    steps: Vec<Step>,
    pub(crate) index: usize,
    since: Moment,
    begun: Moment,
    deadline: Duration,
    fate: Fate,
    revision: u32,
    attempt: u32,
    aborted: Option<(Moment, String)>,
    /// The name's end of the analysis that failed: its run stays.
    failed: Option<String>,
    /// Since when it pauses because the step's analysis was inconclusive.
    unsure: Option<Moment>,
    done: bool,
}

impl Canary {
    /// Starts an update. `templates` are the rendered AnalysisTemplates.
    pub(crate) fn start(rollout: &Value, templates: &[Value], fate: Fate, revision: u32, now: Moment) -> Self {
        let seconds = rollout["spec"]["progressDeadlineSeconds"].as_u64().unwrap_or(600);
        Self {
            steps: steps_of(rollout, templates),
            index: 0,
            since: now,
            begun: now,
            deadline: Duration::from_secs(seconds),
            fate,
            revision,
            attempt: 0,
            aborted: None,
            failed: None,
            unsure: None,
            done: false,
        }
    }

    /// A Rollout whose update is through: the first deployment, or the way back to the stable version.
    pub(crate) fn settled(rollout: &Value, now: Moment) -> Self {
        let mut canary = Self::start(rollout, &[], Fate::Healthy, 1, now);
        canary.index = canary.steps.len();
        canary.done = true;
        canary
    }

    /// Returns how many steps there are.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether all pods are of the new version, for good.
    pub(crate) fn done(&self) -> bool {
        self.done
    }

    /// Does what was due by `now`.
    pub(crate) fn advance(&mut self, now: Moment) {
        while let Some((at, due)) = self.next() {
            if at > now || !self.take(at, due) {
                return;
            }
        }
    }

    /// Returns when something happens by itself.
    pub(crate) fn next_change(&self) -> Option<Moment> {
        self.next().map(|(at, _)| at)
    }

    fn next(&self) -> Option<(Moment, Due)> {
        if self.done || self.aborted.is_some() {
            return None;
        }
        if self.unsure.is_some() {
            return None;
        }
        match self.steps.get(self.index) {
            Some(Step::Weight(_)) | None => {
                let ready = self.fate.ready_after(PODS);
                ready.map(|after| (self.since + after, Due::NextStep))
            }
            Some(Step::Pause(pause)) => pause.map(|pause| (self.since + pause, Due::NextStep)),
            Some(Step::Analysis { first, whole, .. }) if self.fate == Fate::Breach => {
                Some((self.since + (*first).min(*whole), Due::Breach))
            }
            Some(Step::Analysis { first, whole, .. }) if self.fate == Fate::Unsure => {
                Some((self.since + (*first).min(*whole), Due::Unsure))
            }
            Some(Step::Analysis { whole, .. }) => Some((self.since + *whole, Due::NextStep)),
        }
        .or_else(|| {
            // Nothing comes by itself any more but the deadline, which changes the health once.
            let at = self.since + self.deadline;
            matches!(self.steps.get(self.index), Some(Step::Weight(_)) | None).then_some((at, Due::Deadline))
        })
    }

    /// Returns false when nothing follows from it.
    fn take(&mut self, at: Moment, due: Due) -> bool {
        match due {
            Due::Deadline => return false,
            Due::Unsure => self.unsure = Some(at),
            Due::NextStep if self.index >= self.steps.len() => self.done = true,
            Due::NextStep => {
                self.index += 1;
                self.since = at;
            }
            Due::Breach => {
                let metric = match self.steps.get(self.index) {
                    Some(Step::Analysis { metric, .. }) => metric.clone(),
                    _ => String::new(),
                };
                let why = format!(": Step-based analysis phase error/failed: {}", assessed(&metric));
                self.failed = Some(self.run());
                self.abort(at, &why);
            }
        }
        true
    }

    /// Returns the end of the name of the step's analysis.
    fn run(&self) -> String {
        let again = if self.attempt == 0 {
            String::new()
        } else {
            format!(".{}", self.attempt)
        };
        format!("{}-{}{again}", self.revision, self.index)
    }

    /// Puts all traffic back to the stable version.
    pub(crate) fn abort(&mut self, at: Moment, why: &str) {
        if !self.done && self.aborted.is_none() {
            let message = format!(
                "RolloutAborted: Rollout aborted update to revision {}{why}",
                self.revision
            );
            self.aborted = Some((at, message));
            self.unsure = None;
            self.index = 0;
        }
    }

    /// Starts an aborted update again.
    pub(crate) fn retry(&mut self, at: Moment) {
        if self.aborted.take().is_some() {
            self.attempt += 1;
            self.since = at;
        }
    }

    /// Ends the pause that is on. An analysis that was inconclusive is made again.
    pub(crate) fn resume(&mut self, at: Moment) {
        if self.aborted.is_some() {
            return;
        }
        if self.unsure.take().is_some() {
            self.attempt += 1;
            self.since = at;
        } else if matches!(self.steps.get(self.index), Some(Step::Pause(_))) {
            self.index += 1;
            self.since = at;
        }
    }

    /// Goes to the next step, whatever this one waits for.
    pub(crate) fn skip(&mut self, at: Moment) {
        if !self.done && self.aborted.is_none() && self.index < self.steps.len() {
            self.unsure = None;
            self.index += 1;
            self.since = at;
        }
    }

    /// Goes to the end without pauses and analyses.
    pub(crate) fn promote_full(&mut self, at: Moment) {
        if !self.done && self.aborted.is_none() {
            self.unsure = None;
            self.index = self.steps.len();
            self.since = at;
        }
    }

    /// Returns how it looks at `now`.
    pub(crate) fn view(&self, hash: &str, now: Moment) -> View {
        let before = self.steps.iter().take(self.index + 1);
        let weight = before.rev().find_map(|step| match step {
            Step::Weight(weight) => Some(*weight),
            _ => None,
        });
        let at_end = self.index >= self.steps.len();
        let mut view = View {
            phase: "Progressing",
            message: "more replicas need to be updated".to_owned(),
            weight: if at_end { 100 } else { weight.unwrap_or(0) },
            ready: true,
            paused_since: None,
            analysis: self.failed.clone().map(|run| (run, "Failed")),
            aborted_at: None,
        };
        if let Some((at, message)) = &self.aborted {
            (view.phase, view.message) = ("Degraded", message.clone());
            (view.weight, view.aborted_at) = (0, Some(*at));
            return view;
        }
        if self.done {
            (view.phase, view.message) = ("Healthy", String::new());
            return view;
        }
        if let Some(since) = self.unsure {
            (view.phase, view.message) = ("Paused", "InconclusiveAnalysisRun".to_owned());
            view.paused_since = Some(since);
            view.analysis = Some((self.run(), "Inconclusive"));
            return view;
        }
        match self.steps.get(self.index) {
            Some(Step::Pause(_)) => {
                (view.phase, view.message) = ("Paused", "CanaryPauseStep".to_owned());
                view.paused_since = Some(self.since);
            }
            Some(Step::Analysis { .. }) => {
                view.analysis = Some((self.run(), "Running"));
            }
            Some(Step::Weight(_)) | None => {
                view.ready = false;
                if now >= self.since + Duration::from_millis(400) {
                    view.message = "updated replicas are still becoming available".to_owned();
                }
                if self.fate.ready_after(PODS).is_none() && now >= self.since + self.deadline {
                    view.phase = "Degraded";
                    view.message =
                        format!("ProgressDeadlineExceeded: ReplicaSet \"{hash}\" has timed out progressing.");
                }
            }
        }
        view
    }

    /// Returns when the update began.
    pub(crate) fn begun(&self) -> Moment {
        self.begun
    }
}

/// Returns what an analysis says of a metric that failed.
pub(crate) fn assessed(metric: &str) -> String {
    format!("Metric \"{metric}\" assessed Failed due to failed (1) > failureLimit (0)")
}

enum Due {
    NextStep,
    Breach,
    Unsure,
    Deadline,
}

fn steps_of(rollout: &Value, templates: &[Value]) -> Vec<Step> {
    let steps = rollout.pointer("/spec/strategy/canary/steps").and_then(Value::as_array);
    let read = |step: &Value| {
        if let Some(weight) = step["setWeight"].as_u64() {
            return Some(Step::Weight(u32::try_from(weight).unwrap_or(100)));
        }
        if step["pause"].is_object() {
            return Some(Step::Pause(duration(&step["pause"]["duration"])));
        }
        // Steps that are behind it count without what they ran.
        let name = step["analysis"]["templates"][0]["templateName"].as_str()?;
        let template = templates.iter().find(|template| template["metadata"]["name"] == name);
        let template = template.unwrap_or(&Value::Null);
        let metric = &template["spec"]["metrics"][0];
        let field = |name: &str| with_arguments(&metric[name], &[&step["analysis"]["args"], &template["spec"]["args"]]);
        let first = duration(&field("initialDelay")).unwrap_or_default();
        let count = match field("count") {
            Value::String(text) => text.parse().unwrap_or(1),
            count => u32::try_from(count.as_u64().unwrap_or(1)).unwrap_or(1),
        };
        let interval = duration(&field("interval")).unwrap_or_default();
        Some(Step::Analysis {
            metric: metric["name"].as_str().unwrap_or_default().to_owned(),
            first,
            whole: first + interval * count.saturating_sub(1),
        })
    };
    steps.into_iter().flatten().filter_map(read).collect()
}

/// Returns a field with the values of the arguments in it; those of the first list go before.
fn with_arguments(field: &Value, lists: &[&Value]) -> Value {
    let Some(text) = field.as_str() else {
        return field.clone();
    };
    let mut text = text.replace("{{ ", "{{").replace(" }}", "}}");
    for argument in lists.iter().filter_map(|list| list.as_array()).flatten() {
        if let (Some(name), Some(value)) = (argument["name"].as_str(), argument["value"].as_str()) {
            text = text.replace(&format!("{{{{args.{name}}}}}"), value);
        }
    }
    Value::String(text)
}

/// `10`, `10s`, `1m30s`.
fn duration(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(seconds) => seconds.as_u64().map(Duration::from_secs),
        Value::String(text) => humantime::parse_duration(text)
            .ok()
            .or_else(|| text.parse().ok().map(Duration::from_secs)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rollout() -> Value {
        json!({"spec": {"progressDeadlineSeconds": 60, "strategy": {"canary": {"steps": [
            {"setWeight": 10}, {"analysis": {"templates": [{"templateName": "rate"}]}},
            {"setWeight": 60}, {"pause": {"duration": "10s"}}, {"pause": {}},
        ]}}}})
    }

    fn template() -> Value {
        json!({"metadata": {"name": "rate"}, "spec": {"metrics": [
            {"name": "rate", "initialDelay": "5s", "interval": "5s", "count": 3}]}})
    }

    fn at(seconds: u64) -> Moment {
        Duration::from_secs(seconds)
    }

    #[test]
    fn steps_are_walked_and_an_endless_pause_waits_for_a_person() {
        let mut canary = Canary::start(&rollout(), &[template()], Fate::Healthy, 2, at(0));
        assert_eq!(canary.view("api-1", at(1)).weight, 10);
        canary.advance(at(10));
        assert_eq!(canary.view("api-1", at(10)).analysis.unwrap().0, "2-1");
        canary.advance(at(21));
        assert_eq!(canary.view("api-1", at(21)).phase, "Paused");
        canary.advance(at(1000));
        assert_eq!((canary.index, canary.next_change()), (4, None));
        canary.resume(at(1000));
        canary.advance(at(1003));
        assert!(canary.done());
    }

    #[test]
    fn a_failed_analysis_aborts_and_bad_pods_meet_the_deadline() {
        let mut canary = Canary::start(&rollout(), &[template()], Fate::Breach, 7, at(0));
        canary.advance(at(8));
        let view = canary.view("api-1", at(8));
        assert_eq!((view.phase, view.weight), ("Degraded", 0));
        assert!(
            view.message
                .starts_with("RolloutAborted: Rollout aborted update to revision 7: ")
        );
        let mut stuck = Canary::start(&rollout(), &[template()], Fate::Bad, 2, at(0));
        stuck.advance(at(61));
        assert!(
            stuck
                .view("api-1", at(61))
                .message
                .starts_with("ProgressDeadlineExceeded")
        );
    }
}
