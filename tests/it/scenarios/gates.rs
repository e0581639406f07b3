//! Gates of promote.yaml, through the binary: what is shown, what is refused, and that nothing is written then.

use sandbox::argocd::SyncWindow;
use serde_json::Value;

use crate::support::World;

const PRODUCTION: &str = "--app api --environment production --tag v2";

/// A world whose production has these gates, each a line of YAML under the environment.
pub(super) fn with_gates(gates: &str) -> World {
    let world = World::new();
    configure(&world, gates);
    world
}

pub(super) fn configure(world: &World, gates: &str) {
    let lines: Vec<&str> = gates.lines().collect();
    let lines = lines.join("\n  ");
    let text = format!("version: 1\nenvironments:\n- name: dev\n- name: staging\n- name: production\n  {lines}\n");
    world.sandbox.commit("promote.yaml", &text, "Set gates").unwrap();
}

/// Returns the row of a gate.
#[track_caller]
pub(super) fn gate<'r>(report: &'r Value, name: &str) -> &'r Value {
    let rows = report["gates"].as_array().unwrap();
    let found = rows.iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("no gate {name} in {report:#}"))
}

#[test]
fn a_closed_window_refuses_and_plan_shows_it() {
    let world = with_gates("windows: {deny: [{from: 2020-01-01, to: 2999-12-30, reason: the long freeze}]}");
    let before = world.sandbox.tip().unwrap();
    let report = world.land(&format!("{PRODUCTION} --output json")).ends("refused", 3);
    let row = gate(&report, "windows");
    assert_eq!(
        (&row["state"], &row["until"]),
        (&"closed".into(), &"2999-12-31T00:00:00Z".into())
    );
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("windows") && reason.contains("the long freeze"),
        "{reason}"
    );
    assert_eq!(world.sandbox.tip().unwrap(), before);
    let plan = world
        .land(&format!("plan {PRODUCTION} --output json"))
        .ends("planned", 0);
    assert_eq!(gate(&plan, "windows")["state"], "closed");
    assert_eq!(plan["opens_at"], "2999-12-31T00:00:00Z");
    world
        .land(&format!("plan {PRODUCTION}"))
        .exits(0)
        .says("✗ windows  closed  `deny` 2020-01-01 to 2999-12-30 (the long freeze) holds\n      → wait until ")
        .says(" 2999-12-31 00:00 (UTC)\n")
        .says(
            "planned: `promote` would be refused until these gates are open: `windows` of production; it would change ",
        )
        .says("Earliest time at which every gate could be open: 2999-12-31T00:00:00Z.");
    world.land(&format!("plan {PRODUCTION} --exit-code true")).exits(3);
    // Other environments have no such gate.
    world.land("--app api --environment staging --tag v2").exits(0);
}

#[test]
fn an_open_window_lets_pass_and_says_why() {
    let world = with_gates("windows: {deny: [{from: 2020-01-01, to: 2020-01-02, reason: over}]}");
    let report = world.land(&format!("{PRODUCTION} --output json")).ends("landed", 0);
    assert_eq!(gate(&report, "windows")["state"], "open");
    assert_eq!(report["opens_at"], Value::Null);
}

#[test]
fn a_step_gets_the_names_and_the_opening_as_outputs() {
    let world = with_gates("windows: {deny: [{from: 2020-01-01, to: 2999-12-30, reason: freeze}]}");
    let inputs = [("app", "api"), ("environment", "production"), ("tag", "v2")];
    let step = inputs
        .iter()
        .fold(world.step(), |step, (name, value)| step.with(name, value));
    let stepped = step.run();
    assert_eq!(stepped.outputs["outcome"], "refused");
    assert_eq!(stepped.outputs["gates-closed"], "windows");
    assert_eq!(stepped.outputs["opens-at"], "2999-12-31T00:00:00Z");
    assert!(
        stepped.summary.contains("### Gates") && stepped.summary.contains("| ❌ | windows | production | closed |")
    );
}

#[test]
fn what_is_there_already_passes_no_gate() {
    let world = with_gates("windows: {deny: [{from: 2020-01-01, to: 2999-12-30, reason: freeze}]}");
    let pinned = world.sandbox.overlay("api", "production").unwrap();
    let tag = pinned
        .lines()
        .find_map(|line| line.trim().strip_prefix("newTag: "))
        .unwrap()
        .trim_matches(['"', '\''])
        .to_owned();
    world
        .land(&format!("--app api --environment production --tag {tag} --output json"))
        .ends("no-change", 0);
}

#[test]
fn a_closed_sync_window_of_argo_cd_is_a_gate_by_default() {
    let world = World::new();
    let deny = SyncWindow {
        kind: "deny",
        schedule: "* * * * *".to_owned(),
        duration: "1h".to_owned(),
        manual: false,
        active: true,
    };
    world.sandbox.argocd.sync_windows("api-production", vec![deny]);
    let before = world.sandbox.tip().unwrap();
    let report = world.live(PRODUCTION).ends("refused", 3);
    let row = gate(&report, "sync-window");
    assert_eq!(row["state"], "closed");
    assert!(row["reason"].as_str().unwrap().contains("api-production"), "{row}");
    assert_eq!(world.sandbox.tip().unwrap(), before);
    // Without a server nothing is known of it, and the gate is not there unless promote.yaml has it.
    world.land(&format!("{PRODUCTION} --output json")).ends("landed", 0);
    configure(&world, "sync-window: true");
    let report = world
        .land("--app api --environment production --tag v3 --output json")
        .ends("refused", 3);
    assert_eq!(gate(&report, "sync-window")["state"], "unknown");
    configure(&world, "sync-window: false");
    let plan = world
        .live("plan --app api --environment production --tag v3")
        .ends("planned", 0);
    assert_eq!(plan["gates"], Value::Array(Vec::new()));
}

#[test]
fn mistakes_in_gates_are_told_with_line_and_name() {
    let world = with_gates("windws: {}\nwindows: {timezone: Europe/Berln}");
    let report = world.land(&format!("{PRODUCTION} --output json")).ends("invalid", 2);
    let reason = report["reason"].as_str().unwrap();
    for part in ["`windws` on line 6", "`windows`", "line 7", "`Europe/Berlin`"] {
        assert!(reason.contains(part), "{part} in {reason}");
    }
}

const AFTER: &str = "after: [staging]";

/// Makes v2 live in staging, which the record notes.
pub(super) fn live_in_staging(gates: &str) -> World {
    let world = with_gates(gates);
    world
        .live("--app api --environment staging --tag v2 --settle 0s")
        .ends("promoted", 0);
    world
}

#[test]
fn after_asks_for_the_pins_the_record_and_what_runs() {
    let world = with_gates(AFTER);
    let refused = world.live(PRODUCTION).ends("refused", 3);
    let row = gate(&refused, "after");
    assert_eq!(row["state"], "closed");
    assert!(
        row["opens"]
            .as_str()
            .unwrap()
            .contains("promote myorg/api:v2 to staging first"),
        "{row}"
    );
    // Pinned, but nobody saw it live.
    world.land("--app api --environment staging --tag v2").exits(0);
    let refused = world.live(PRODUCTION).ends("refused", 3);
    let row = gate(&refused, "after");
    assert!(
        row["reason"].as_str().unwrap().contains("the record does not show"),
        "{row}"
    );
    world
        .live("wait --app api --environment staging --settle 0s")
        .ends("live", 0);
    let plan = world.live(&format!("plan {PRODUCTION}")).ends("planned", 0);
    assert_eq!(gate(&plan, "after")["state"], "open", "{plan:#}");
    // What is not healthy now is no proof.
    world.sandbox.argocd.edit("api-staging", |app| {
        app["status"]["health"]["status"] = "Degraded".into();
    });
    world.sandbox.argocd.stop_controller(true);
    let plan = world.live(&format!("plan {PRODUCTION}")).ends("planned", 0);
    assert_ne!(gate(&plan, "after")["state"], "open", "{plan:#}");
}

#[test]
fn without_a_server_nobody_knows_what_runs() {
    let world = live_in_staging(AFTER);
    let refused = world.land(&format!("{PRODUCTION} --output json")).ends("refused", 3);
    assert_eq!(gate(&refused, "after")["state"], "unknown");
    configure(&world, "after: [staging]\nverified: true");
    let refused = world.live(PRODUCTION).ends("refused", 3);
    assert_eq!(gate(&refused, "after")["state"], "open");
    assert_eq!(gate(&refused, "verified")["state"], "closed");
}

#[test]
fn soak_says_when_it_opens_and_gate_wait_waits_for_it() {
    let world = live_in_staging("after: [staging]\nsoak: 1h");
    let refused = world.live(PRODUCTION).ends("refused", 3);
    let row = gate(&refused, "soak");
    assert_eq!(row["state"], "closed");
    assert_eq!(row["until"], refused["opens_at"]);
    assert!(row["until"].is_string(), "{row}");
    // The bound ends the wait.
    let begun = std::time::Instant::now();
    let late = world.live(&format!("{PRODUCTION} --gate-wait 2s")).ends("refused", 3);
    assert!(begun.elapsed().as_secs_f32() >= 2.0);
    assert!(
        late["reason"].as_str().unwrap().contains("`gate-wait` of 2s is over"),
        "{late:#}"
    );
    // A signal ends it at once.
    let running = world.start_live(&format!("{PRODUCTION} --gate-wait 1h"));
    std::thread::sleep(std::time::Duration::from_millis(1500));
    running.signal(15);
    let begun = std::time::Instant::now();
    running.wait().ends("cancelled", 143);
    assert!(begun.elapsed().as_secs() < 2);
    // The clock goes on.
    configure(&world, "after: [staging]\nsoak: 8s");
    world
        .live(&format!("{PRODUCTION} --gate-wait 1m --on-pause succeed --wait false"))
        .ends("landed", 0);
    // Another version begins anew.
    configure(&world, "after: [staging]\nsoak: 1h");
    world
        .live("--app api --environment staging --tag v3 --settle 0s")
        .ends("promoted", 0);
    let other = world
        .live("plan --app api --environment production --tag v2")
        .ends("planned", 0);
    assert_eq!(gate(&other, "after")["state"], "closed");
}

#[test]
fn a_gate_is_skipped_only_where_that_is_listed_and_with_a_reason() {
    let freeze = "windows: {deny: [{from: 2020-01-01, to: 2999-12-30, reason: freeze}]}";
    let world = with_gates(freeze);
    let skip = |words: &str| world.land(&format!("{PRODUCTION} --output json --allow skip-windows {words}"));
    let report = skip("").ends("invalid", 2);
    assert!(report["reason"].as_str().unwrap().contains("`reason`"), "{report:#}");
    let report = skip("--reason INC-7").ends("invalid", 2);
    assert!(
        report["reason"]
            .as_str()
            .unwrap()
            .contains("does not list it in `allow`"),
        "{report:#}"
    );
    configure(&world, &format!("{freeze}\nallow: [skip-windows]"));
    let refused = world.land(&format!("{PRODUCTION} --output json")).ends("refused", 3);
    assert!(
        refused["hints"].to_string().contains("allow: skip-windows"),
        "{refused:#}"
    );
    let report = skip("--reason INC-7").ends("landed", 0);
    let row = gate(&report, "windows");
    assert_eq!((&row["state"], &row["skipped"]), (&"closed".into(), &"INC-7".into()));
    assert!(report["warnings"].to_string().contains("skipped (INC-7)"), "{report:#}");
    let message = world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap();
    for trailer in ["\nPromote-Allow: skip-windows\n", "\nPromote-Reason: INC-7\n"] {
        assert!(message.contains(trailer), "{message}");
    }
    // A word that skips nothing leaves no trace; a gate that is no gate is a mistake.
    configure(&world, "allow: [skip-windows]");
    world
        .land("--app api --environment production --tag v3 --allow skip-windows --reason x --output json")
        .ends("landed", 0);
    let message = world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap();
    assert!(!message.contains("Promote-Allow"), "{message}");
    for (word, said) in [
        ("skip-window", "did you mean `skip-windows`?"),
        ("skip-approvals", "cannot be skipped"),
    ] {
        let report = world
            .land(&format!("{PRODUCTION} --output json --allow {word} --reason x"))
            .ends("invalid", 2);
        assert!(report["reason"].as_str().unwrap().contains(said), "{report:#}");
    }
}
