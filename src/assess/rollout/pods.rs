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

/// The pods that run an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The image; one that was promoted as it was promoted.
    pub image: String,
    /// How many of them are ready: those serve users.
    pub ready: usize,
    /// How many there are.
    pub pods: usize,
}

/// Returns how many pods run each version of the repositories of `images`, in the tree's order. Pods of jobs serve nobody.
#[must_use]
pub fn running(tree: &[Node], images: &[String]) -> Vec<Running> {
    let is_job = |pod: &Node| {
        let mut parents = tree.iter().filter(|node| pod.parents.contains(&node.uid));
        parents.any(|node| node.id.kind == "Job")
    };
    let pods = tree
        .iter()
        .filter(|node| node.id.kind == "Pod" && node.id.group.is_empty() && !is_job(node));
    let mut all: Vec<Running> = Vec::new();
    for pod in pods {
        let is_ready = pod.health == Some(Health::Healthy) && all_ready(pod).unwrap_or(true);
        for image in &pod.images {
            let promoted = images.iter().find(|one| super::images::same(one, image));
            let is_other = images.iter().any(|one| super::images::same_repository(one, image));
            let Some(image) = promoted.or(is_other.then_some(image)) else {
                continue;
            };
            let at = all.iter().position(|row| row.image == *image).unwrap_or_else(|| {
                all.push(Running {
                    image: image.clone(),
                    ready: 0,
                    pods: 0,
                });
                all.len().saturating_sub(1)
            });
            if let Some(row) = all.get_mut(at) {
                row.pods += 1;
                row.ready += usize::from(is_ready);
            }
        }
    }
    all
}

/// Whether all containers of a pod are ready; `None` where nothing says so.
fn all_ready(pod: &Node) -> Option<bool> {
    let (ready, all) = pod.detail("Containers")?.split_once('/')?;
    Some(ready == all)
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
            let ready = all_ready(node).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;

    fn node(kind: &str, uid: &str, parent: &str) -> Node {
        Node {
            id: ResourceId {
                kind: kind.to_owned(),
                name: uid.to_owned(),
                ..ResourceId::default()
            },
            uid: uid.to_owned(),
            parents: vec![parent.to_owned()],
            health: Some(Health::Healthy),
            ..Node::default()
        }
    }

    fn pod(image: &str, containers: &str, parent: &str) -> Node {
        Node {
            images: vec![image.to_owned(), "envoy:1".to_owned()],
            details: vec![("Containers".to_owned(), containers.to_owned())],
            ..node("Pod", image, parent)
        }
    }

    #[test]
    fn ready_pods_are_counted_for_each_version_and_those_of_jobs_are_not() {
        let tree = [
            pod("myorg/api:v1", "2/2", "set"),
            pod("myorg/api:v1", "1/2", "set"),
            pod("mirror.corp/myorg/api:v3", "0/2", "set"),
            node("Job", "job", ""),
            pod("myorg/api:v3", "2/2", "job"),
            pod("myorg/web:v3", "2/2", "set"),
        ];
        let running = running(&tree, &["myorg/api:v3".to_owned()]);
        let shown: Vec<_> = (running.iter())
            .map(|row| (row.image.as_str(), row.ready, row.pods))
            .collect();
        assert_eq!(shown, [("myorg/api:v1", 1, 2), ("myorg/api:v3", 0, 1)]);
    }
}
