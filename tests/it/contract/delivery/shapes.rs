//! Applications of every shape: several sources, a hydrator, another namespace, many at once, one that appears later, one made anew.

use std::time::Duration;

use promote_action::model::Outcome;
use promote_action::plan::{ResolvedPolicy, SyncMode};
use promote_action::promote::testing::{Candidate, Followed, Which};
use serde_json::{Value, json};

use super::stage::{Stage, id};
use super::world::until;

/// Makes an automated application, and waits until it is synced and healthy.
fn make(stage: &Stage, name: &str, more: &Value) {
    let mut spec = json!({"project": "default", "syncPolicy": {"automated": {}},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": "dev"}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.world.make(name, &spec);
    settled(stage, name);
}

fn settled(stage: &Stage, name: &str) {
    until("it is synced and healthy", Duration::from_secs(240), || {
        let status = &stage.world.application(name)["status"];
        status["sync"]["status"] == "Synced" && status["health"]["status"] == "Healthy"
    });
}

fn source(stage: &Stage) -> Value {
    json!({"repoURL": stage.world.infra_repo(), "path": "apps/api/overlays/dev", "targetRevision": "main"})
}

fn named(stage: &Stage, name: &str) -> Candidate {
    Candidate {
        which: Which::Named(id(name)),
        ..stage.candidate("api", "dev")
    }
}

#[track_caller]
fn is_live(stage: &Stage, name: &str) {
    let tag = format!("new-{}", name.replace('/', "-"));
    let followed = stage.follow_while(stage.argocd().as_ref(), named(stage, name), &tag, |_, _| {});
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    assert_eq!(followed.applications[0].name, name);
    assert_eq!(followed.applications[0].revision.as_deref(), Some(stage.tip().as_str()));
}

#[test]
fn of_several_sources_the_one_that_was_pushed_to_decides() {
    let stage = Stage::new();
    let values = json!({"repoURL": stage.world.infra_repo(), "targetRevision": "main", "ref": "values"});
    let mut sources = vec![source(&stage), values];
    if stage.world.stand_in().is_some() {
        // Helm is not there to render a chart with.
        sources.insert(
            0,
            json!({"repoURL": "https://charts.example.com", "chart": "base", "targetRevision": "1.2.3"}),
        );
    }
    let mut spec = taken(&stage, "api-dev");
    spec.as_object_mut().unwrap().remove("source");
    spec["sources"] = sources.into();
    stage.world.make("api-dev", &spec);
    settled(&stage, "api-dev");
    is_live(&stage, "api-dev");
}

#[test]
fn a_hydrated_commit_is_live_when_what_it_renders_to_is() {
    let stage = Stage::new();
    taken(&stage, "api-dev");
    let hydrator = json!({"drySource": source(&stage), "syncSource": {"targetBranch": "hydrated", "path": "api"}});
    make(&stage, "dry", &json!({"sourceHydrator": hydrator}));
    is_live(&stage, "dry");
}

#[test]
fn an_application_may_be_in_another_namespace() {
    let stage = Stage::new();
    taken(&stage, "api-dev");
    make(&stage, "team-a/api-dev", &json!({"source": source(&stage)}));
    let without = stage
        .precheck(stage.argocd().as_ref(), named(&stage, "api-dev"))
        .unwrap_err();
    assert_eq!(without.outcome, Outcome::Refused);
    assert!(
        without.to_string().contains("api-dev is in namespace team-a"),
        "{without}"
    );
    is_live(&stage, "team-a/api-dev");
}

#[test]
fn many_applications_share_one_stream() {
    let stage = Stage::new();
    for number in 0..5 {
        let namespace = format!("many-{number}");
        let mut own = source(&stage);
        own["kustomize"] = json!({"namespace": namespace});
        let destination = json!({"server": "https://kubernetes.default.svc", "namespace": namespace});
        let policy = json!({"automated": {}, "syncOptions": ["CreateNamespace=true"]});
        let more = json!({"source": own, "destination": destination, "syncPolicy": policy});
        make(&stage, &format!("api-{number}"), &more);
    }
    let candidate = Candidate {
        which: Which::BySource,
        ..stage.candidate("api", "dev")
    };
    let before = stage.world.streams();
    let followed = stage.follow_while(stage.argocd().as_ref(), candidate, "abc1005", |_, _| {});
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    assert_eq!(followed.applications.len(), 6);
    assert_eq!(stage.world.streams(), before + 1);
}

/// Takes an application away, and returns what it was.
fn taken(stage: &Stage, name: &str) -> Value {
    let app = stage.world.application(name);
    stage.world.remove(name);
    app["spec"].clone()
}

#[test]
fn an_application_that_is_missing_may_be_created_after_landing() {
    let stage = Stage::new();
    let spec = taken(&stage, "api-dev");
    let followed = stage.follow_while(
        stage.argocd().as_ref(),
        named(&stage, "api-dev"),
        "abc1006",
        |world, _| {
            std::thread::sleep(Duration::from_millis(1500));
            world.make("api-dev", &spec);
        },
    );
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    assert!(stage.said("is not there yet"), "{:?}", stage.told());
}

#[test]
fn one_that_is_not_created_in_a_minute_ends_the_wait() {
    let mut stage = Stage::new();
    stage.pace = if stage.world.stand_in().is_some() { 60 } else { 10 };
    taken(&stage, "api-dev");
    let argocd = stage.argocd_in(&stage.world.token("ci"), Some("default"));
    let mut candidate = named(&stage, "api-dev");
    candidate.policy.timeout = Duration::from_secs(600);
    let followed = stage.follow_while(argocd.as_ref(), candidate, "abc1007", |_, _| {});
    assert_eq!(followed.outcome, Outcome::RolloutFailed, "{}", followed.reason);
    assert!(
        followed.reason.contains("was not created within 60s"),
        "{}",
        followed.reason
    );
}

#[test]
fn a_wrong_name_is_told_before_anything_is_written() {
    let stage = Stage::new();
    let refusal = |project: Option<&str>, name: &str| {
        let argocd = stage.argocd_in(&stage.world.token("ci"), project);
        let fault = stage.precheck(argocd.as_ref(), named(&stage, name)).unwrap_err();
        (fault.outcome, fault.to_string())
    };
    let (outcome, why) = refusal(Some("default"), "api-development");
    assert_eq!(outcome, Outcome::Refused);
    assert!(why.contains("apps/api/overlays/dev is deployed by api-dev"), "{why}");
    let (outcome, why) = refusal(Some("payments"), "api-dev");
    assert_eq!(outcome, Outcome::Refused);
    assert!(why.contains("is in project default"), "{why}");
    let (outcome, why) = refusal(None, "api-development");
    assert_eq!(outcome, Outcome::Refused);
    assert!(why.contains("apps/api/overlays/dev is deployed by api-dev"), "{why}");
}

#[test]
fn an_application_that_is_made_anew_is_followed_on() {
    let stage = Stage::new();
    let moment = stage.time(600);
    let followed = stage.promote_while("api", "dev", "slow1", stage.policy(), |world, _| {
        std::thread::sleep(moment);
        let app = world.application("api-dev");
        world.remove("api-dev");
        std::thread::sleep(moment / 2);
        world.make("api-dev", &app["spec"]);
        assert_ne!(world.application("api-dev")["metadata"]["uid"], app["metadata"]["uid"]);
    });
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
}

/// Makes a manual application that a set made, and follows a promotion of it with `sync`.
fn in_a_set(stage: &Stage, name: &str, strategy: Option<&str>, sync: SyncMode) -> (Followed, usize) {
    let sandbox = stage.world.stand_in().unwrap();
    if let Some(strategy) = strategy {
        sandbox.argocd.set(name, strategy);
    }
    let mut spec = stage.world.application("api-dev")["spec"].clone();
    spec["syncPolicy"] = json!({});
    let owner =
        json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "name": name, "controller": true});
    let manifest = json!({"metadata": {"name": name, "namespace": "argocd", "ownerReferences": [owner]}, "spec": spec});
    sandbox.argocd.apply(&manifest, true).unwrap();
    let candidate = Candidate {
        policy: ResolvedPolicy {
            sync,
            timeout: stage.time(8000),
            ..stage.policy()
        },
        ..named(stage, name)
    };
    let followed = stage.follow_while(stage.argocd().as_ref(), candidate, &format!("new-{name}"), |_, _| {});
    let asked = sandbox.argocd.asked();
    let sync = format!("/applications/{name}/sync");
    (
        followed,
        asked.iter().filter(|asked| asked.path.ends_with(&sync)).count(),
    )
}

#[test]
fn a_set_with_rolling_sync_syncs_its_applications_in_its_turn() {
    let stage = Stage::with_stand_in("sets of applications");
    for (name, strategy, sync, syncs) in [
        ("rolling", Some("RollingSync"), SyncMode::Auto, 0),
        ("hidden", None, SyncMode::Auto, 0),
        ("forced", Some("RollingSync"), SyncMode::Trigger, 1),
        ("plain", Some(""), SyncMode::Auto, 1),
    ] {
        let (followed, asked) = in_a_set(&stage, name, strategy, sync);
        assert_eq!(asked, syncs, "{name}: {}", followed.reason);
        if syncs == 0 {
            assert_eq!(followed.outcome, Outcome::TimedOut, "{name}");
            // Of a set that the token cannot read nothing is said as a fact.
            let why = match strategy {
                Some(_) => format!("it waits until ApplicationSet {name} syncs it in its turn"),
                None => "it waits for somebody to sync it".to_owned(),
            };
            assert!(followed.reason.contains(&why), "{}", followed.reason);
        } else {
            assert_eq!(followed.outcome, Outcome::Live, "{name}: {}", followed.reason);
        }
    }
}
