//! Decides whether an application runs, healthy, what is pinned for it: what may be promoted from there.
//! Pure, and of one observation: following belongs to `rollout`, and what counts as running is the same for both.

use crate::model::{AppSnapshot, Health, Managed, Phase, ResourceId, SyncState};

use super::finished::is_finished;
use super::rollout::images;

/// What stands beside a good answer: what is not as it should be, and says nothing about the images.
pub type Besides = Vec<String>;

/// Whether every one of `images` runs there, synced and healthy. `managed` is what the compared commit makes of each resource; without
/// it only what runs now counts.
///
/// As in the wait for a promotion: what a workload is to run counts, whether it runs now or not (a `CronJob`, one that is scaled to zero); a
/// difference that is left after the sync of just this commit is named; what is broken or suspended counts if it carries one of the images.
///
/// # Errors
/// Says what is missing, as the end of a sentence about the application.
pub fn is_live(app: &AppSnapshot, managed: Option<&[Managed]>, images: &[String]) -> Result<Besides, String> {
    if app.operation_requested
        || app
            .operation
            .as_ref()
            .is_some_and(|operation| !operation.phase.is_over())
    {
        return Err("is being synced".to_owned());
    }
    let mut besides = Besides::new();
    let managed = managed.unwrap_or_default();
    let carriers: Vec<&Managed> = (managed.iter())
        .filter(|resource| resource.images.iter().any(|image| images::named(images, image)))
        .collect();
    let all = images.join(", ");
    let mut left = (carriers.iter()).filter_map(|one| Some((&one.id, images::left_behind(images, one)?)));
    if let Some((id, image)) = left.next().filter(|_| app.sync == SyncState::Synced) {
        return Err(format!("does not run {all}: {id} still names {image}"));
    }
    if let Some((workload, image)) = images::kept(images, &app.images, managed) {
        let id = &workload.id;
        return Err(format!("does not run {all}: the pods of {id} still run {image}"));
    }
    for image in missing(app, managed, images) {
        let other = images::sibling(image, managed.iter().flat_map(|resource| &resource.images));
        if other.is_some() || !is_silent(app) {
            let runs = other.cloned().unwrap_or_else(|| app.images.join(", "));
            return Err(format!("does not run {image} (it runs {runs})"));
        }
        besides.push(format!("does not show whether {image} runs: no workload uses it"));
    }
    besides.extend(healthy(app, &carriers)?);
    besides.extend(synced(app, &carriers, images)?);
    Ok(besides)
}

/// Whether more than the application itself has to be known for a good answer.
#[must_use]
pub fn wants_managed(app: &AppSnapshot, images: &[String]) -> bool {
    let is_other = |found: &String| images.iter().any(|image| images::is_other_version(image, found));
    let runs = images::missing(images, &app.images.iter()).is_empty() && !app.images.iter().any(is_other);
    !runs || app.health != Health::Healthy || app.sync != SyncState::Synced
}

/// Returns those of `images` that neither run, nor were synced, nor are to run.
#[must_use]
pub fn missing<'a>(app: &AppSnapshot, managed: &[Managed], images: &'a [String]) -> Vec<&'a String> {
    let results = app.operation.iter().flat_map(|operation| &operation.results);
    let found = (app.images.iter())
        .chain(results.flat_map(|result| &result.images))
        .chain(managed.iter().flat_map(|resource| &resource.images));
    images::missing(images, &found)
}

/// Whether the last sync succeeded and names no images at all, as servers do that do not know those of hooks.
pub(in crate::assess) fn is_silent(app: &AppSnapshot) -> bool {
    app.operation.as_ref().is_some_and(|operation| {
        let named = operation.results.iter().any(|result| !result.images.is_empty());
        operation.phase == Phase::Succeeded && !named && !operation.results.is_empty()
    })
}

fn healthy(app: &AppSnapshot, carriers: &[&Managed]) -> Result<Besides, String> {
    if app.health == Health::Healthy {
        return Ok(Besides::new());
    }
    let runs_one = |id: &ResourceId| carriers.iter().any(|carrier| carrier.id == *id);
    let mut besides = Besides::new();
    for resource in &app.resources {
        let Some(health) = resource.health.filter(|health| *health != Health::Healthy) else {
            continue;
        };
        let (id, kind) = (&resource.id, resource.id.kind.as_str());
        let excused = match health {
            // A CronJob is as its last run was, which may be one of the version before.
            Health::Degraded if kind == "CronJob" && stood_still(app) => true,
            Health::Degraded => !carriers.is_empty() && !runs_one(id),
            Health::Progressing | Health::Unknown => !carriers.is_empty() && !runs_one(id) && stood_still(app),
            Health::Missing => is_finished(app, resource),
            Health::Suspended => matches!(kind, "Job" | "CronJob") || !(runs_one(id) || resource.is_rollout()),
            Health::Healthy => true,
        };
        if !excused {
            return Err(format!("is {}: {id} is {health}", app.health));
        }
        besides.push(match health {
            Health::Missing => format!("had {id}, which has ended and was deleted"),
            Health::Suspended => format!("has {id}, which is suspended and does nothing until somebody resumes it"),
            _ if runs_one(id) => format!("has {id}, which was {health} before the last sync and still is"),
            _ => format!("has {id}, which is {health} and does not run what is promoted"),
        });
    }
    if besides.is_empty() {
        return Err(format!("is {}", app.health));
    }
    Ok(besides)
}

/// Whether an application was in the health that it is in before its last sync began, and ever since.
fn stood_still(app: &AppSnapshot) -> bool {
    let begun = app.operation.as_ref().and_then(|operation| operation.started_at);
    matches!((app.health_since, begun), (Some(since), Some(begun)) if since < begun)
}

fn synced(app: &AppSnapshot, carriers: &[&Managed], images: &[String]) -> Result<Besides, String> {
    if app.sync == SyncState::Synced {
        return Ok(Besides::new());
    }
    let of_this_commit = !app.revisions.is_empty() && app.last_synced == app.revisions;
    if app.sync == SyncState::Unknown || (app.automated && !of_this_commit) {
        return Err(format!("is {}", app.sync));
    }
    let out: Vec<_> = (app.resources.iter())
        .filter(|resource| resource.sync == SyncState::OutOfSync)
        .map(|resource| &resource.id)
        .collect();
    for carrier in carriers.iter().filter(|carrier| out.contains(&&carrier.id)) {
        if !carrier.live_images.iter().any(|image| images::named(images, image)) && !carrier.live_images.is_empty() {
            let runs = carrier.live_images.join(", ");
            return Err(format!("is OutOfSync: {} runs {runs}", carrier.id));
        }
    }
    // Of a manual application whose branch has moved on the workloads must be known to run it.
    if !of_this_commit && !images::missing(images, &app.images.iter()).is_empty() {
        return Err("is OutOfSync: the last commits of its branch are not synced".to_owned());
    }
    let named: Vec<String> = out.iter().take(5).map(ToString::to_string).collect();
    Ok(vec![format!(
        "is OutOfSync although synced: {}",
        if named.is_empty() {
            "something".to_owned()
        } else {
            named.join(", ")
        }
    )])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Operation, Resource, SyncResult, Timestamp};

    fn id(kind: &str) -> ResourceId {
        ResourceId {
            kind: kind.to_owned(),
            name: "api".to_owned(),
            ..ResourceId::default()
        }
    }

    fn wanted() -> Vec<String> {
        vec!["myorg/api:v2".to_owned()]
    }

    /// An application that runs v2 in a Deployment, with something else that is in this health and sync.
    fn app(health: Health, other: (&str, Health, SyncState)) -> AppSnapshot {
        let resource = |kind, health, sync| Resource {
            id: id(kind),
            health: Some(health),
            sync,
            ..Resource::default()
        };
        AppSnapshot {
            automated: true,
            sync: other.2,
            health,
            revisions: vec!["1".to_owned()],
            last_synced: vec!["1".to_owned()],
            images: wanted(),
            resources: vec![
                resource("Deployment", Health::Healthy, SyncState::Synced),
                resource(other.0, other.1, other.2),
            ],
            operation: Some(Operation {
                phase: Phase::Succeeded,
                results: vec![SyncResult::default()],
                ..Operation::default()
            }),
            ..AppSnapshot::default()
        }
    }

    fn managed(kind: &str, to_run: &str, runs: &str) -> Managed {
        Managed {
            id: id(kind),
            wanted: true,
            images: vec![to_run.to_owned()],
            live_images: vec![runs.to_owned()],
            ..Managed::default()
        }
    }

    const V2: &str = "myorg/api:v2";

    #[test]
    fn what_a_promotion_would_be_live_with_may_be_promoted_from() {
        let deployment = [managed("Deployment", V2, V2)];
        let good = app(Health::Healthy, ("Service", Health::Healthy, SyncState::Synced));
        assert_eq!(is_live(&good, None, &wanted()), Ok(Vec::new()));
        // A CronJob that has not run, or something scaled to zero.
        let mut idle = good.clone();
        idle.images = vec!["myorg/api:old".to_owned()];
        assert!(
            is_live(&idle, None, &["myorg/web:v1".to_owned()]).is_ok(),
            "nothing is known of hooks"
        );
        assert_eq!(
            is_live(&idle, Some(&[managed("CronJob", V2, V2)]), &wanted()),
            Ok(Vec::new())
        );
        assert_eq!(
            is_live(&idle, Some(&[managed("CronJob", "myorg/api:v1", V2)]), &wanted()),
            Err("does not run myorg/api:v2 (it runs myorg/api:v1)".to_owned())
        );
        // A difference that stays, and something else that is broken.
        let drift = app(Health::Healthy, ("Service", Health::Healthy, SyncState::OutOfSync));
        assert_eq!(
            is_live(&drift, Some(&deployment), &wanted()),
            Ok(vec!["is OutOfSync although synced: Service api".to_owned()])
        );
        for (kind, health) in [("Certificate", Health::Degraded), ("Job", Health::Suspended)] {
            let ill = app(health, (kind, health, SyncState::Synced));
            assert_eq!(
                is_live(&ill, Some(&deployment), &wanted()).map(|besides| besides.len()),
                Ok(1),
                "{kind}"
            );
        }
    }

    #[test]
    fn what_names_this_version_and_runs_another_may_not() {
        let mut running = app(Health::Healthy, ("Service", Health::Healthy, SyncState::Synced));
        running.images = vec!["myorg/api:v1".to_owned()];
        assert!(wants_managed(&running, &wanted()));
        assert_eq!(
            is_live(&running, Some(&[managed("Deployment", V2, "myorg/api:v1")]), &wanted()),
            Err("does not run myorg/api:v2: Deployment api still names myorg/api:v1".to_owned())
        );
        let kept = Managed {
            may_keep_pods: true,
            ..managed("StatefulSet", V2, V2)
        };
        assert_eq!(
            is_live(&running, Some(&[kept]), &wanted()),
            Err("does not run myorg/api:v2: the pods of StatefulSet api still run myorg/api:v1".to_owned())
        );
    }

    #[test]
    fn what_stood_still_before_the_last_sync_is_named() {
        let at = |second| Timestamp::new(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second));
        let deployment = [managed("Deployment", V2, V2)];
        let mut still = app(Health::Progressing, ("Ingress", Health::Progressing, SyncState::Synced));
        still.operation.as_mut().unwrap().started_at = Some(at(100));
        for (since, is_named) in [(50, true), (100, false), (130, false)] {
            still.health_since = Some(at(since));
            let answer = is_live(&still, Some(&deployment), &wanted());
            assert_eq!(answer.is_ok_and(|besides| besides.len() == 1), is_named, "{since}");
        }
        // The last run of a CronJob failed, and it has not run since.
        let mut failed = app(Health::Degraded, ("CronJob", Health::Degraded, SyncState::Synced));
        let carriers = [managed("Deployment", V2, V2), managed("CronJob", V2, V2)];
        failed.operation.as_mut().unwrap().started_at = Some(at(100));
        for (since, is_named) in [(50, true), (130, false)] {
            failed.health_since = Some(at(since));
            assert_eq!(
                is_live(&failed, Some(&carriers), &wanted()).is_ok(),
                is_named,
                "{since}"
            );
        }
        // A Job that was deleted after its end makes an application Missing on some servers.
        let mut ended = app(Health::Missing, ("Job", Health::Missing, SyncState::OutOfSync));
        ended.resources[1].id.group = "batch".to_owned();
        assert!(is_live(&ended, Some(&deployment), &wanted()).is_err());
        ended.operation.as_mut().unwrap().results = vec![SyncResult {
            resource: ended.resources[1].id.clone(),
            ..SyncResult::default()
        }];
        assert_eq!(
            is_live(&ended, Some(&deployment), &wanted()).map(|besides| besides.len()),
            Ok(2)
        );
    }

    #[test]
    fn what_is_broken_itself_or_not_there_yet_may_not() {
        let deployment = [managed("Deployment", V2, V2)];
        let mut broken = app(Health::Degraded, ("Certificate", Health::Healthy, SyncState::Synced));
        broken.resources[0].health = Some(Health::Degraded);
        assert!(is_live(&broken, Some(&deployment), &wanted()).is_err());
        let moving = app(
            Health::Progressing,
            ("Certificate", Health::Progressing, SyncState::Synced),
        );
        assert!(is_live(&moving, Some(&deployment), &wanted()).is_err());
        // Not synced to what is pinned yet: the workload still runs the one before.
        let mut behind = app(Health::Healthy, ("Service", Health::Healthy, SyncState::OutOfSync));
        behind.last_synced = vec!["0".to_owned()];
        assert_eq!(
            is_live(&behind, Some(&deployment), &wanted()),
            Err("is OutOfSync".to_owned())
        );
        behind.automated = false;
        behind.images = vec!["myorg/api:v1".to_owned()];
        assert!(is_live(&behind, Some(&deployment), &wanted()).is_err());
        let mut changed = app(Health::Healthy, ("Service", Health::Healthy, SyncState::OutOfSync));
        changed.resources[0].sync = SyncState::OutOfSync;
        let by_hand = [managed("Deployment", V2, "myorg/api:v1")];
        assert_eq!(
            is_live(&changed, Some(&by_hand), &wanted()),
            Err("is OutOfSync: Deployment api runs myorg/api:v1".to_owned())
        );
    }
}
