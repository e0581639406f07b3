//! What runs: a Deployment or a Rollout, whose fate is decided by the tags of its images. Its state is a function of time.

mod live;

use std::time::Duration;

use serde_json::{Value, json};

use super::canary::{Canary, View};
use super::clock::Moment;

/// What becomes of an image, by the beginning of its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Ready after a moment.
    Healthy,
    /// `slow…`: ready after 20 s.
    Slow,
    /// `bad…`: ImagePullBackOff.
    Bad,
    /// `crash…`: CrashLoopBackOff.
    Crash,
    /// `never…`: runs, never ready.
    Never,
    /// `fail…`: the sync's hook fails; it is never applied.
    HookFails,
    /// `hang…`: the sync's hook neither ends nor fails; it is never applied.
    HookHangs,
    /// `breach…`: ready, but the success rate falls.
    Breach,
    /// `unsure…`: ready, and its analyses are inconclusive.
    Unsure,
}

impl Fate {
    /// Returns the worst of all images.
    pub(crate) fn of(images: &[String]) -> Self {
        const WORDS: [(&str, Fate); 8] = [
            ("bad", Fate::Bad),
            ("crash", Fate::Crash),
            ("never", Fate::Never),
            ("fail", Fate::HookFails),
            ("hang", Fate::HookHangs),
            ("breach", Fate::Breach),
            ("unsure", Fate::Unsure),
            ("slow", Fate::Slow),
        ];
        let tag = |image: &String| {
            let named = image.split('@').next().unwrap_or_default();
            let last = named.rsplit('/').next().unwrap_or_default();
            last.split_once(':').map(|(_, tag)| tag.to_owned())
        };
        let tags: Vec<String> = images.iter().filter_map(tag).collect();
        WORDS
            .iter()
            .find(|(word, _)| tags.iter().any(|tag| tag.starts_with(word)))
            .map_or(Self::Healthy, |(_, fate)| *fate)
    }

    /// Returns when pods are ready that need `usual` otherwise; `None` = never.
    pub(crate) fn ready_after(self, usual: Duration) -> Option<Duration> {
        match self {
            Self::Healthy | Self::Breach | Self::Unsure | Self::HookFails | Self::HookHangs => Some(usual),
            Self::Slow => Some(Duration::from_secs(20)),
            Self::Bad | Self::Crash | Self::Never => None,
        }
    }
}

/// A health as Argo CD writes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Health {
    pub(crate) status: &'static str,
    pub(crate) message: String,
}

impl Health {
    pub(crate) fn new(status: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        if self.message.is_empty() {
            json!({"status": self.status})
        } else {
            json!({"status": self.status, "message": self.message})
        }
    }
}

/// The pods of one template.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaSet {
    pub(crate) hash: String,
    pub(crate) images: Vec<String>,
    pub(crate) revision: u32,
    pub(crate) since: Moment,
}

/// A Deployment or a Rollout that was applied.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) manifest: Value,
    pub(crate) generation: u64,
    pub(crate) current: ReplicaSet,
    /// What ran before, as long as it runs.
    pub(crate) stable: Option<ReplicaSet>,
    canary: Option<Canary>,
}

impl Workload {
    /// Applies a manifest where nothing was. `settled` = it has been running for long.
    pub(crate) fn create(manifest: &Value, now: Moment, settled: bool) -> Self {
        let rollout = manifest["kind"] == "Rollout";
        let since = if settled { Moment::ZERO } else { now };
        Self {
            manifest: manifest.clone(),
            generation: 1,
            current: ReplicaSet {
                hash: hash(manifest),
                images: images(manifest),
                revision: 1,
                since,
            },
            stable: None,
            canary: rollout.then(|| Canary::settled(manifest, since)),
        }
        .settled_if(settled)
    }

    fn settled_if(mut self, settled: bool) -> Self {
        if settled {
            self.stable = Some(self.current.clone());
        }
        self
    }

    /// Applies a manifest over what is there.
    pub(crate) fn update(&mut self, manifest: &Value, templates: &[Value], now: Moment) {
        self.advance(now);
        if self.manifest["spec"] != manifest["spec"] {
            self.generation += 1;
        }
        self.manifest = manifest.clone();
        let new = hash(manifest);
        if new == self.current.hash {
            return;
        }
        let revision = self.current.revision + 1;
        let back = self.stable.as_ref().is_some_and(|stable| stable.hash == new);
        self.current = ReplicaSet {
            hash: new,
            images: images(manifest),
            revision,
            since: now,
        };
        if manifest["kind"] == "Rollout" {
            // Back to the version that is stable: no steps, and an abort is forgotten.
            self.canary = Some(if back || self.stable.is_none() {
                Canary::settled(manifest, now)
            } else {
                Canary::start(manifest, templates, Fate::of(&self.current.images), revision, now)
            });
        }
    }

    /// Does what was due by `now`.
    pub(crate) fn advance(&mut self, now: Moment) {
        if let Some(canary) = &mut self.canary {
            canary.advance(now);
        }
        if self.finished(now) {
            self.stable = Some(self.current.clone());
        }
    }

    fn finished(&self, now: Moment) -> bool {
        match &self.canary {
            Some(canary) if !canary.done() => false,
            _ => self.ready_at().is_some_and(|ready| now >= ready),
        }
    }

    fn is_back(&self) -> bool {
        self.stable
            .as_ref()
            .is_some_and(|stable| stable.hash == self.current.hash)
    }

    /// Returns when all pods are of the new template and ready, for a Deployment or a Rollout without steps to go.
    fn ready_at(&self) -> Option<Moment> {
        if self.is_back() {
            return Some(self.current.since + Duration::from_millis(300));
        }
        let usual = Duration::from_millis(5500);
        let after = Fate::of(&self.current.images).ready_after(usual)?;
        Some(self.current.since + after)
    }

    fn deadline(&self) -> Moment {
        let seconds = self.manifest["spec"]["progressDeadlineSeconds"].as_u64().unwrap_or(600);
        self.current.since + Duration::from_secs(seconds)
    }

    /// Returns when something changes by itself.
    pub(crate) fn next_change(&self, now: Moment) -> Option<Moment> {
        let early = [300, 3000].map(|ms| self.current.since + Duration::from_millis(ms));
        let canary = self.canary.as_ref().and_then(Canary::next_change);
        let own = [self.ready_at(), Some(self.deadline()), canary];
        let all = own.into_iter().flatten().chain(early);
        all.filter(|at| *at > now).min()
    }

    /// Returns the step view of a Rollout.
    pub(crate) fn canary(&self, now: Moment) -> Option<(View, usize, usize)> {
        let canary = self.canary.as_ref()?;
        let name = format!("{}-{}", self.name(), self.current.hash);
        Some((canary.view(&name, now), canary.index, canary.len()))
    }

    /// Runs an action of the Rollout; false = there is none of that name.
    pub(crate) fn act(&mut self, action: &str, now: Moment) -> bool {
        let Some(canary) = &mut self.canary else { return false };
        match action {
            "abort" => canary.abort(now, ""),
            "retry" => canary.retry(now),
            "resume" => canary.resume(now),
            "skip-current-step" => canary.skip(now),
            "promote-full" => canary.promote_full(now),
            "pause" | "restart" => {}
            _ => return false,
        }
        true
    }

    pub(crate) fn name(&self) -> &str {
        self.manifest["metadata"]["name"].as_str().unwrap_or_default()
    }

    pub(crate) fn replicas(&self) -> u32 {
        let replicas = self.manifest["spec"]["replicas"].as_u64().unwrap_or(1);
        u32::try_from(replicas).unwrap_or(1)
    }

    /// Returns how many pods of the current template run, and whether they are ready.
    pub(crate) fn new_pods(&self, now: Moment) -> (u32, bool) {
        if let Some((view, ..)) = self.canary(now)
            && view.phase != "Healthy"
        {
            return ((self.replicas() * view.weight).div_ceil(100), view.ready);
        }
        let ready = self.finished(now);
        let all = if ready {
            self.replicas()
        } else {
            self.replicas().div_ceil(2)
        };
        (all, ready)
    }

    /// Returns the images that run, sorted, each once.
    pub(crate) fn images(&self) -> Vec<String> {
        let mut all = self.current.images.clone();
        all.extend(self.stable.iter().flat_map(|stable| stable.images.clone()));
        all.sort();
        all.dedup();
        all
    }

    /// Returns the health as Argo CD's scripts assess it.
    pub(crate) fn health(&self, now: Moment) -> Health {
        if let Some((view, ..)) = self.canary(now) {
            if now < self.current.since + Duration::from_millis(300) {
                return Health::new("Progressing", "Waiting for rollout spec update to be observed");
            }
            return match view.phase {
                "Paused" => Health::new("Suspended", view.message),
                "Healthy" if !self.finished(now) => {
                    Health::new("Progressing", "updated replicas are still becoming available")
                }
                phase => Health::new(phase, view.message),
            };
        }
        if self.finished(now) {
            return Health::new("Healthy", "");
        }
        if now >= self.deadline() {
            let message = format!("Deployment \"{}\" exceeded its progress deadline", self.name());
            return Health::new("Degraded", message);
        }
        let waiting = if now < self.current.since + Duration::from_millis(300) {
            "observed deployment generation less than desired generation".to_owned()
        } else if now < self.current.since + Duration::from_secs(3) || self.ready_at().is_none() {
            format!("1 out of {} new replicas have been updated...", self.replicas())
        } else {
            "1 old replicas are pending termination...".to_owned()
        };
        Health::new("Progressing", format!("Waiting for rollout to finish: {waiting}"))
    }
}

/// Adds the fields of an object to another one.
pub(crate) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// Whether an object is one that runs pods.
pub(crate) fn runs(manifest: &Value) -> bool {
    matches!(manifest["kind"].as_str(), Some("Deployment" | "Rollout"))
}

/// Returns the images of a manifest's pod template.
pub(crate) fn images(manifest: &Value) -> Vec<String> {
    let spec = &manifest["spec"]["template"]["spec"];
    ["initContainers", "containers"]
        .iter()
        .filter_map(|list| spec[*list].as_array())
        .flatten()
        .filter_map(|container| container["image"].as_str().map(str::to_owned))
        .collect()
}

/// The template's hash: the same template, the same name.
fn hash(manifest: &Value) -> String {
    let text = manifest["spec"]["template"].to_string();
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..10)
        .map(|n| char::from(LETTERS[usize::try_from((fnv >> (n * 6)) % 27).unwrap_or_default()]))
        .collect()
}
