//! `abort` and `resume`: the canary of what is pinned, and no other, is stopped or goes on; what comes of it is looked at.

use std::time::Duration;

use sandbox::argocd::Canned;
use serde_json::Value;

use crate::support::World;

const PRODUCTION: &str = "--app api --environment production";
const APPLICATION: &str = "api-production";

/// A world whose canary of production waits for a person at its pause, with `tag` on its way.
fn paused(tag: &str) -> World {
    let world = World::at_speed(200.0);
    world.let_the_canary_wait_for_a_person();
    world
        .live(&format!("{PRODUCTION} --tag {tag} --on-pause succeed"))
        .ends("paused", 0);
    world
}

fn canned(part: &str, times: u32, status: u16, body: &str) -> Canned {
    Canned {
        part: part.to_owned(),
        times,
        status,
        content_type: if body.starts_with('{') {
            "application/json"
        } else {
            "text/plain"
        }
        .to_owned(),
        body: body.to_owned(),
    }
}

fn health(world: &World) -> Value {
    world.sandbox.argocd.application(APPLICATION).unwrap()["status"]["health"]["status"].clone()
}

#[test]
fn an_abort_takes_the_traffic_from_the_canary_and_nothing_from_git() {
    let world = paused("v2");
    let before = world.sandbox.tip().unwrap();
    let report = world.live(&format!("abort {PRODUCTION} --reason INC-1")).ends("ok", 0);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("no traffic goes to the canary") && reason.contains("myorg/api:v2"),
        "{reason}"
    );
    assert!(
        report["hints"]
            .to_string()
            .contains("promote rollback --app api --environment production"),
        "{report:#}"
    );
    assert_eq!(report["applications"][0]["rollout"]["weight"], 0, "{report:#}");
    assert_eq!(world.sandbox.tip().unwrap(), before);
    world.until("it is degraded", |_| health(&world) == "Degraded");
    // Nothing is left to stop, and nothing to resume.
    let again = world.live(&format!("abort {PRODUCTION}")).ends("no-change", 0);
    assert!(
        again["reason"].as_str().unwrap().contains("aborted already"),
        "{again:#}"
    );
    world.live(&format!("resume {PRODUCTION}")).ends("no-change", 0);
    // The record has it.
    let record = world
        .sandbox
        .git(&["cat-file", "blob", "refs/promote/record:production/api.jsonl"])
        .unwrap();
    assert!(
        record.contains("\"event\":\"aborted\"") && record.contains("\"reason\":\"INC-1\""),
        "{record}"
    );
}

#[test]
fn a_pause_names_the_commands_that_pass_it_and_stop_it() {
    let world = World::at_speed(200.0);
    world.let_the_canary_wait_for_a_person();
    let words = format!("{PRODUCTION} --tag v2");
    let rest = [
        format!("--infra-repo {}", world.sandbox.infra_repo()),
        format!("--argocd-server {}", world.sandbox.argocd.url()),
    ];
    for (how, outcome, code) in [("succeed", "paused", 0), ("wait --pause-timeout 1s", "timed-out", 10)] {
        let report = world.live(&format!("{words} --on-pause {how}")).ends(outcome, code);
        let hints = [
            format!("pass the pause: `promote resume {PRODUCTION} "),
            format!("stop the canary: `promote abort {PRODUCTION} "),
        ];
        for (at, begins) in hints.iter().enumerate() {
            let hint = report["hints"][at].as_str().unwrap();
            let is_complete = rest.iter().all(|flag| hint.contains(flag));
            assert!(hint.starts_with(begins) && is_complete, "{report:#}");
        }
    }
}

#[test]
fn where_no_canary_is_there_is_nothing_to_do() {
    let world = World::new();
    for command in ["abort", "resume", "resume --full"] {
        let report = world.live(&format!("{command} {PRODUCTION}")).ends("no-change", 0);
        assert!(
            report["reason"].as_str().unwrap().contains("no canary is in progress"),
            "{report:#}"
        );
        let report = world
            .live(&format!("{command} --app api --environment dev"))
            .ends("no-change", 0);
        assert!(report["reason"].as_str().unwrap().contains("no Rollout"), "{report:#}");
    }
    let report = world
        .land(&format!("abort {PRODUCTION} --output json"))
        .ends("invalid", 2);
    assert!(
        report["reason"]
            .as_str()
            .unwrap()
            .contains("`argocd-server` is missing"),
        "{report:#}"
    );
}

#[test]
fn a_resume_passes_the_pause_and_follows_to_the_end() {
    let world = paused("v2");
    let report = world.live(&format!("resume {PRODUCTION}")).ends("live", 0);
    assert_eq!(report["applications"][0]["live"], true, "{report:#}");
    let recorded = super::record::events(&world, "api", "production");
    assert_eq!(
        recorded[recorded.len() - 2..],
        ["resumed myorg/api:v2", "live myorg/api:v2"],
        "{recorded:?}"
    );
    let world = paused("v3");
    let report = world.live(&format!("resume {PRODUCTION} --full")).ends("live", 0);
    assert_eq!(report["applications"][0]["health"], "Healthy", "{report:#}");
}

#[test]
fn a_canary_that_an_inconclusive_analysis_paused_goes_on_when_a_person_says_so() {
    let world = World::at_speed(200.0);
    let report = world.live(&format!("{PRODUCTION} --tag unsure2 --timeout 30m"));
    assert!(report.stdout.contains("nconclusive"), "{report:?}");
    let application = world.sandbox.argocd.application(APPLICATION).unwrap();
    assert_eq!(application["status"]["health"]["status"], "Suspended");
    // Every step of that canary has an analysis that cannot decide.
    let mut ends = Vec::new();
    for _ in 0..6 {
        let report = world.live(&format!("resume {PRODUCTION} --on-pause succeed")).report();
        ends.push(report["outcome"].as_str().unwrap().to_owned());
        if ends.last().unwrap() == "live" {
            break;
        }
    }
    assert_eq!(ends.last().unwrap(), "live", "{ends:?}");
}

#[test]
fn the_canary_of_another_version_is_nobody_elses() {
    let world = paused("v2");
    // The branch pins another version by now, and Argo CD has not synced it.
    let path = sandbox::overlay("api", "production");
    let text = world.sandbox.overlay("api", "production").unwrap();
    world
        .sandbox
        .commit(&path, &text.replace("v2", "v3"), "Pin v3")
        .unwrap();
    for command in ["abort", "resume", "resume --full"] {
        let report = world.live(&format!("{command} {PRODUCTION}")).ends("refused", 3);
        let reason = report["reason"].as_str().unwrap();
        assert!(
            reason.contains("myorg/api:v2") && reason.contains("pinned is myorg/api:v3"),
            "{reason}"
        );
    }
    assert_eq!(health(&world), "Suspended");
}

#[test]
fn a_missing_right_is_said_with_the_line_that_gives_it() {
    let world = paused("v2");
    let deployer = world.sandbox.argocd.token("proj:default:deployer");
    for command in ["abort", "resume"] {
        let words = format!("{command} {PRODUCTION} --argocd-project default");
        let report = world.start_as(&deployer, &words).wait().ends("denied", 4);
        assert!(
            report["hints"].to_string().contains(
                "p, proj:default:deployer, applications, action/argoproj.io/Rollout/*, default/api-production, allow"
            ),
            "{report:#}"
        );
    }
    let words = format!("preflight {PRODUCTION} --argocd-project default");
    let report = world.start_as(&deployer, &words).wait().ends("ok", 0);
    let checks = report["checks"].as_array().unwrap();
    let row = |check: &str| checks.iter().find(|row| row["check"] == check).unwrap();
    assert_eq!(
        (&row("rollback")["state"], &row("abort")["state"]),
        (&"ok".into(), &"warning".into())
    );
    assert!(
        row("resume")["hints"]
            .to_string()
            .contains("action/argoproj.io/Rollout/*, default/api-production, allow")
    );
    let report = world.live(&format!("preflight {PRODUCTION}")).ends("ok", 0);
    let checks = report["checks"].as_array().unwrap();
    let row = |check: &str| checks.iter().find(|row| row["check"] == check).unwrap();
    assert_eq!(row("abort")["state"], "ok", "{report:#}");
    // Asking changed nothing.
    assert_eq!(health(&world), "Suspended");
}

#[test]
fn the_endpoint_of_servers_before_3_1_is_used_where_there_is_no_newer_one() {
    let world = paused("v2");
    let gone = canned("/resource/actions/v2", 50, 404, "Not Found\n");
    world.sandbox.argocd.answer(gone);
    world.live(&format!("abort {PRODUCTION}")).ends("ok", 0);
}

#[test]
fn an_action_that_changes_nothing_is_seen_and_one_that_was_lost_is_asked_for_again() {
    let world = paused("v2");
    let lost = "{\"error\":\"application api-production is not permitted to manage argoproj.io/Rollout/api in default\",\"code\":7,\"message\":\"application api-production is not permitted to manage argoproj.io/Rollout/api in default\"}";
    world
        .sandbox
        .argocd
        .answer(canned("/resource/actions/v2", 1, 403, lost));
    world.live(&format!("resume {PRODUCTION}")).ends("live", 0);
    let world = paused("v2");
    world
        .sandbox
        .argocd
        .answer(canned("/resource/actions/v2", 1, 200, "{}"));
    let begun = std::time::Instant::now();
    let report = world.live(&format!("abort {PRODUCTION}")).ends("unreachable", 4);
    assert!(begun.elapsed() < Duration::from_secs(30));
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("accepted `abort`") && reason.contains("nothing changed within 10s"),
        "{reason}"
    );
    assert!(
        report["hints"].to_string().contains("kubectl argo rollouts abort"),
        "{report:#}"
    );
    assert_eq!(health(&world), "Suspended");
}
