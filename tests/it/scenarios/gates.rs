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
    let lines: String = gates.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("version: 1\nenvironments:\n- name: dev\n- name: staging\n- name: production\n{lines}");
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
        .says("✗ windows  closed  `deny` 2020-01-01 to 2999-12-30 (the long freeze) holds")
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
