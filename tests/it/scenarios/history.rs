//! The past: what was live where, when, by whom, and how it ended.

use serde_json::Value;

use crate::support::World;

fn rows(report: &Value) -> Vec<String> {
    let rows = report["history"].as_array().cloned().unwrap_or_default();
    let list = |value: &Value| {
        let list = value.as_array().unwrap().iter();
        list.map(|one| one.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join("+")
    };
    rows.iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            format!(
                "{} {} {} -> {} by {}",
                text("environment"),
                text("event"),
                list(&row["from"]),
                list(&row["to"]),
                text("by")
            )
        })
        .collect()
}

#[test]
fn the_record_commits_with_trailers_and_changes_without_are_one_list() {
    let world = World::at_speed(200.0);
    let quick = "--app api --environment dev --settle 300ms";
    let first = world.sandbox.overlay("api", "dev").unwrap();
    world.live(&format!("{quick} --tag v1")).ends("promoted", 0);
    world.land("--app api --environment dev --tag v2").exits(0);
    let by_hand = world.sandbox.overlay("api", "dev").unwrap().replace("v2", "v3");
    let path = "apps/api/overlays/dev/kustomization.yaml";
    world.sandbox.commit(path, &by_hand, "Squashed (#7)").unwrap();
    let comment = format!("# hello\n{by_hand}");
    world.sandbox.commit(path, &comment, "No pin changes").unwrap();
    world.live(&format!("{quick} --tag fail4")).ends("rollout-failed", 5);
    let report = world
        .land("history --app api --environment dev --output json")
        .ends("ok", 0);
    let listed = rows(&report);
    let old = first.lines().find(|line| line.contains("newTag")).unwrap();
    assert_eq!(listed.len(), 4, "{listed:#?}\n{old}");
    for part in [
        "dev failed ",
        "dev not by promote myorg/api:v2 -> myorg/api:v3 by Somebody Else",
        "dev landed myorg/api:v1 -> myorg/api:v2 by jane",
        "dev live myorg/api:4f9d2c1 -> myorg/api:v1 by jane",
    ] {
        assert!(listed.iter().any(|row| row.starts_with(part)), "{part} in {listed:#?}");
    }
    let limited = world
        .land("history --app api --environment dev --limit 1 --output json")
        .ends("ok", 0);
    assert_eq!(rows(&limited).len(), 1, "{limited:#}");
    let none = world
        .land("history --app api --environment dev --since 2035-01-01 --output json")
        .ends("ok", 0);
    assert_eq!(rows(&none), Vec::<String>::new());
    let text = world.land("history").exits(0);
    assert!(
        text.stdout.contains("how it ended") && text.stdout.contains("not by promote"),
        "{}",
        text.stdout
    );
}

#[test]
fn figures_say_how_often_it_fails_and_how_long_it_takes_to_be_well_again() {
    let world = World::at_speed(200.0);
    let quick = "--app api --environment dev --settle 300ms";
    world.live(&format!("{quick} --tag v1")).ends("promoted", 0);
    let failed = world.live(&format!("{quick} --tag fail2")).ends("rollout-failed", 5);
    let hint = failed["hints"].as_array().unwrap().last().unwrap().to_string();
    assert!(
        hint.contains("go back: `promote rollback ") && !hint.contains("--to"),
        "{hint}"
    );
    world.live(&format!("rollback {quick}")).ends("reverted", 0);
    let report = world
        .land("history --app api --environment dev --metrics --output json")
        .ends("ok", 0);
    let row = &report["metrics"][0];
    assert_eq!(
        (
            &row["environment"],
            &row["deployments"],
            &row["failures"],
            &row["failure_rate"]
        ),
        (&"dev".into(), &2.into(), &1.into(), &0.5.into())
    );
    assert!(
        row["restore_median_seconds"].is_number() && row["live_median_seconds"].is_number(),
        "{row:#}"
    );
}

#[test]
fn a_branch_that_was_forced_back_and_a_record_alone_are_shown() {
    let world = World::new();
    let quick = "--app api --environment dev --settle 300ms";
    let tip = world.sandbox.tip().unwrap();
    world.live(&format!("{quick} --tag v1")).ends("promoted", 0);
    world.sandbox.git(&["update-ref", "refs/heads/main", &tip]).unwrap();
    let report = world
        .land("history --app api --environment dev --output json")
        .ends("ok", 0);
    assert!(rows(&report)[0].starts_with("dev live "), "{report:#}");
    let line = "{\"v\":1,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"live\",\"images\":[\"myorg/gone:v1\"]}\n{broken\n";
    super::record::write(&world, "gone", "dev", line);
    let report = world.land("history --output json").ends("ok", 0);
    assert!(report["history"].to_string().contains("myorg/gone:v1"), "{report:#}");
    assert!(report["warnings"].to_string().contains("cannot be read"), "{report:#}");
}

#[test]
fn a_hold_and_its_release_are_shown_as_what_they_are() {
    let world = World::at_speed(200.0);
    let quick = "--app api --environment dev --settle 300ms";
    world.live(&format!("{quick} --tag v1")).ends("promoted", 0);
    world.live(&format!("{quick} --tag v2")).ends("promoted", 0);
    world
        .land("hold --app api --environment dev --image v9 --reason leaks")
        .exits(0);
    world.land("hold --app * --environment * --reason freeze").exits(0);
    world.land("hold --app web --environment dev --reason others").exits(0);
    world.land("release --app api --environment dev --image v9").exits(0);
    let by_hand = "- {app: api, environment: dev, image: v8, reason: slow}\n";
    world
        .sandbox
        .commit("promote-holds.yaml", by_hand, "Hold v8 and nothing else")
        .unwrap();
    world.live(&format!("rollback {quick}")).ends("reverted", 0);
    let report = world
        .land("history --app api --environment dev --output json")
        .ends("ok", 0);
    let mut listed = rows(&report);
    listed.sort();
    let expected = [
        "* held  -> everything by jane",
        "* released  -> everything by Somebody Else",
        "dev held  -> v8 by Somebody Else",
        "dev held  -> v9 by jane",
    ];
    let held: Vec<&String> = listed
        .iter()
        .filter(|row| row.contains("held") || row.contains("released "))
        .collect();
    assert_eq!(held[..2], expected[..2], "{listed:#?}");
    for part in expected.iter().chain(&["dev released  -> v9 by jane"]) {
        assert!(listed.iter().any(|row| row == part), "{part} in {listed:#?}");
    }
    // A way back holds what it takes back: one row for both, and none of a commit that pins nothing.
    assert_eq!(listed.len(), 3 + 5, "{listed:#?}");
    assert!(!listed.iter().any(|row| row.contains(" landed ")), "{listed:#?}");
}

#[test]
fn what_came_later_within_one_second_stands_first() {
    let world = World::new();
    for tag in ["v2", "v3", "v4"] {
        world.land(&format!("--app api --environment dev --tag {tag}")).exits(0);
    }
    let command = "history --app api --environment dev --output json";
    let all = rows(&world.land(command).ends("ok", 0));
    let tags: Vec<bool> = (all.iter().zip(["v4", "v3", "v2"]))
        .map(|(row, tag)| row.contains(&format!("-> myorg/api:{tag} ")))
        .collect();
    assert_eq!(tags, [true; 3], "{all:#?}");
    let newest = rows(&world.land(&format!("{command} --limit 1")).ends("ok", 0));
    assert_eq!(newest, all[..1]);
}

#[test]
fn a_row_links_to_the_run_of_the_workflow() {
    let world = World::at_speed(200.0);
    let promoted = (world.step())
        .with("app", "api")
        .with("environment", "dev")
        .with("tag", "v1")
        .with("settle", "300ms")
        .run();
    assert_eq!(promoted.outputs["outcome"], "promoted", "{:?}", promoted.ran);
    let run = "https://github.com/myorg/api/actions/runs/1234567/attempts/2";
    let text = world.land("history --app api --environment dev").exits(0);
    assert!(text.stdout.contains(run), "{}", text.stdout);
    let shown = (world.step()).with("command", "history").with("app", "api").run();
    assert!(shown.summary.contains(&format!("[run](<{run}>)")), "{}", shown.summary);
    // A run on a laptop has no page.
    world
        .live("--app api --environment dev --settle 300ms --tag v2")
        .ends("promoted", 0);
    let text = world.land("history --app api --environment dev --limit 1").exits(0);
    assert!(!text.stdout.contains("actions/runs"), "{}", text.stdout);
}
