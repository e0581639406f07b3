//! Finds from an application's tree which pods of the new version can never start.

use crate::model::{Health, Node};

/// Reasons that do not go away by themselves.
const STUCK: [&str; 8] = [
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// A pod that does not start, with what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckPod {
    /// Its name.
    pub name: String,
    /// `ImagePullBackOff`, `CrashLoopBackOff`, …
    pub reason: String,
    /// The words of the cluster.
    pub message: String,
    /// The images it should run.
    pub images: Vec<String>,
}

impl StuckPod {
    /// Returns one line about it.
    #[must_use]
    pub fn line(&self) -> String {
        let message = if self.message.is_empty() {
            String::new()
        } else {
            format!(": {}", self.message)
        };
        format!(
            "pod {} ({}) {}{message}",
            self.name,
            self.images.join(", "),
            self.reason
        )
    }
}

/// Returns the pods that run one of `images` (any pod, if none is given) and cannot start, in the tree's order.
#[must_use]
pub fn stuck_pods(tree: &[Node], images: &[String]) -> Vec<StuckPod> {
    tree.iter()
        .filter(|node| node.id.kind == "Pod" && node.id.group.is_empty())
        .filter(|node| images.is_empty() || node.images.iter().any(|image| super::images::named(images, image)))
        .filter_map(|node| {
            let reason = node.detail("Status Reason").unwrap_or_default();
            let restarts: u32 = node
                .detail("Restart Count")
                .and_then(|count| count.parse().ok())
                .unwrap_or(0);
            let ready = (node.detail("Containers").and_then(|count| count.split_once('/')))
                .is_some_and(|(ready, all)| ready == all);
            // Between two crashes a pod shows `Running` or `Error`: the restarts tell.
            let crashing = restarts >= 2 && !ready && node.health != Some(Health::Healthy);
            // Init containers have their reason behind `Init:`.
            let stuck = STUCK.contains(&reason.strip_prefix("Init:").unwrap_or(reason));
            (stuck || crashing).then(|| StuckPod {
                name: node.id.name.clone(),
                reason: if stuck {
                    reason.to_owned()
                } else {
                    format!("restarted {restarts} times")
                },
                message: node.message.clone(),
                images: node.images.clone(),
            })
        })
        .collect()
}
