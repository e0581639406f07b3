//! The record: what was live where, when, and how it ended, on a reference of the infra-repo.

use serde_json::Value;

use crate::support::World;

const RECORD: &str = "refs/promote/record";

/// Returns the lines of the record of an app in an environment, the oldest first; none while it is not there.
pub(super) fn lines(world: &World, app: &str, environment: &str) -> Vec<Value> {
    let file = world
        .sandbox
        .git(&["cat-file", "blob", &format!("{RECORD}:{environment}/{app}.jsonl")]);
    let file = file.unwrap_or_default();
    file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the events of the record of an app in an environment, each with its images.
pub(super) fn events(world: &World, app: &str, environment: &str) -> Vec<String> {
    let image = |line: &Value| {
        let images = line["images"].as_array().unwrap().iter();
        images
            .map(|image| image.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    lines(world, app, environment)
        .iter()
        .map(|line| format!("{} {}", line["event"].as_str().unwrap(), image(line)))
        .collect()
}

/// Puts a file of the record there as somebody else would.
pub(super) fn write(world: &World, app: &str, environment: &str, text: &str) {
    let stream = format!(
        "commit {RECORD}\ncommitter Somebody Else <else@example.com> now\ndata 6\nrecord\nM 100644 inline {environment}/{app}.jsonl\ndata {}\n{text}\n",
        text.len()
    );
    let import = ["fast-import", "--quiet", "--force", "--date-format=now"];
    world
        .sandbox
        .git
        .git_with("infra-repo", &import, stream.as_bytes())
        .unwrap();
}

#[test]
fn what_was_seen_live_is_recorded_once() {
    let world = World::new();
    let tip = world.sandbox.tip().unwrap();
    let report = world
        .live("--app api --environment dev --tag abc1234 --schema 42 --settle 500ms")
        .ends("promoted", 0);
    let commit = report["infra_repo"]["commit"].as_str().unwrap();
    let recorded = lines(&world, "api", "dev");
    let [line] = recorded.as_slice() else {
        panic!("{recorded:?}")
    };
    assert_eq!(line["v"], 1);
    assert_eq!((&line["event"], &line["commit"]), (&"live".into(), &commit.into()));
    assert_eq!(line["images"], serde_json::json!(["myorg/api:abc1234"]));
    assert_eq!(
        line["pins"],
        serde_json::json!([{
            "file": "apps/api/overlays/dev/kustomization.yaml", "name": "myorg/api", "image": "myorg/api:abc1234"
        }])
    );
    assert_eq!((&line["schema"], &line["by"]), (&"42".into(), &"jane".into()));
    assert!(line["seconds"].as_f64().unwrap() > 0.0 && !line["run"].as_str().unwrap().is_empty());
    // It has no history in common with the branch, which has one commit more.
    assert!(world.sandbox.git(&["merge-base", RECORD, "main"]).is_err());
    assert_eq!(world.sandbox.git(&["rev-parse", "main^"]).unwrap().trim(), tip);
    let message = world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap();
    assert!(message.contains("\nPromote-Schema: 42\n"), "{message}");
    // Known already: nothing is added.
    world
        .live("--app api --environment dev --tag abc1234 --settle 500ms")
        .ends("no-change", 0);
    world
        .live("wait --app api --environment dev --settle 500ms")
        .ends("live", 0);
    assert_eq!(events(&world, "api", "dev"), ["live myorg/api:abc1234"]);
}

#[test]
fn several_apps_and_environments_are_one_commit_of_the_record() {
    let world = World::new();
    world
        .live("--app api,web --environment dev,staging --image myorg/api:abc1234 --image myorg/web:abc1234 --settle 500ms")
        .ends("promoted", 0);
    assert_eq!(world.sandbox.git(&["rev-list", "--count", RECORD]).unwrap().trim(), "1");
    for (app, environment) in [("api", "dev"), ("api", "staging"), ("web", "dev"), ("web", "staging")] {
        assert_eq!(events(&world, app, environment).len(), 1);
    }
    world
        .live("--app api --environment dev --tag def5678 --settle 500ms")
        .ends("promoted", 0);
    assert_eq!(world.sandbox.git(&["rev-list", "--count", RECORD]).unwrap().trim(), "2");
    assert_eq!(
        events(&world, "api", "dev"),
        ["live myorg/api:abc1234", "live myorg/api:def5678"]
    );
    let web = events(&world, "web", "dev").join(", ");
    assert!(
        web.starts_with("live registry.example.com/shop/web:abc1234 nginx:"),
        "{web}"
    );
}

#[test]
fn a_failure_is_recorded() {
    let world = World::at_speed(200.0);
    world
        .live("--app api --environment dev --tag fail1 --settle 500ms")
        .ends("rollout-failed", 5);
    assert_eq!(events(&world, "api", "dev"), ["failed myorg/api:fail1"]);
}

#[test]
fn nothing_is_recorded_where_nothing_was_seen() {
    let world = World::new();
    world.land("--app api --environment dev --tag abc1234").exits(0);
    world
        .live("--app api --environment dev --tag def5678 --wait false")
        .ends("landed", 0);
    assert_eq!(events(&world, "api", "dev"), Vec::<String>::new());
}

#[test]
fn promote_yaml_names_another_reference_or_none() {
    let world = World::new();
    world
        .sandbox
        .commit("promote.yaml", "version: 1\nrecord: none\n", "no record")
        .unwrap();
    let report = world
        .live("--app api --environment dev --tag abc1234 --settle 500ms")
        .ends("promoted", 0);
    assert_eq!(report["warnings"], serde_json::json!([]));
    assert!(world.sandbox.git(&["rev-parse", RECORD]).is_err());
    world
        .sandbox
        .commit("promote.yaml", "version: 1\nrecord: refs/heads/history\n", "a branch")
        .unwrap();
    world
        .live("--app api --environment dev --tag def5678 --settle 500ms")
        .ends("promoted", 0);
    let file = world
        .sandbox
        .git(&["cat-file", "blob", "refs/heads/history:dev/api.jsonl"]);
    assert!(file.unwrap().contains("myorg/api:def5678"));
    world
        .live("--app api --environment dev --tag bcd2345 --settle 500ms")
        .ends("promoted", 0);
    let count = world
        .sandbox
        .git(&["rev-list", "--count", "refs/heads/history"])
        .unwrap();
    assert_eq!(count.trim(), "2");
}

/// The token may push to branches that whoever writes promote.yaml may not.
#[test]
fn a_branch_that_is_no_record_is_left_alone() {
    let world = World::new();
    let tip = world.sandbox.tip().unwrap();
    world.sandbox.git(&["update-ref", "refs/heads/release", &tip]).unwrap();
    world
        .sandbox
        .commit("promote.yaml", "version: 1\nrecord: refs/heads/release\n", "a branch")
        .unwrap();
    let report = world
        .live("--app api --environment dev --tag abc1234 --settle 500ms")
        .ends("promoted", 0);
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("release has other commits than those of a record"),
        "{warnings}"
    );
    assert_eq!(
        world.sandbox.git(&["rev-parse", "refs/heads/release"]).unwrap().trim(),
        tip
    );
}

#[test]
fn a_host_that_refuses_the_reference_changes_no_outcome() {
    let world = World::new();
    let hook = "#!/bin/sh\nwhile read old new ref; do case $ref in refs/promote/*) echo 'no such refs here' >&2; exit 1;; esac; done\n";
    world.sandbox.git.hook("infra-repo", "pre-receive", hook).unwrap();
    let report = world
        .live("--app api --environment dev --tag abc1234 --settle 500ms")
        .ends("promoted", 0);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("record:") && warnings.contains(RECORD), "{warnings}");
}

#[test]
fn damaged_lines_and_what_is_not_known_stay() {
    let world = World::new();
    let old = "{\"v\":1,\"at\":\"2026-\n{\"v\":7,\"at\":\"2026-01-02T00:00:00Z\",\"event\":\"celebrated\",\"images\":[],\"colour\":\"blue\"}\n";
    write(&world, "api", "dev", old);
    world
        .live("--app api --environment dev --tag abc1234 --settle 500ms")
        .ends("promoted", 0);
    let file = world
        .sandbox
        .git(&["cat-file", "blob", &format!("{RECORD}:dev/api.jsonl")]);
    let file = file.unwrap();
    assert!(file.starts_with(old), "{file}");
    assert_eq!(file.lines().count(), 3, "{file}");
}

#[test]
fn ten_thousand_lines_become_the_newest_two_hundred() {
    let world = World::at_speed(200.0);
    let lines = (0..10_000).map(|n| {
        let at = format!("2026-01-01T{:02}:{:02}:{:02}Z", n / 3600, n / 60 % 60, n % 60);
        format!("{{\"v\":1,\"at\":\"{at}\",\"event\":\"live\",\"images\":[\"myorg/api:old{n}\"]}}\n")
    });
    let old = lines.collect::<Vec<_>>().concat();
    write(&world, "api", "dev", &old);
    world
        .live("--app api --environment dev --tag abc1234 --settle 300ms")
        .ends("promoted", 0);
    let all = events(&world, "api", "dev");
    assert_eq!((all.len(), all[0].as_str()), (200, "live myorg/api:old9801"));
    assert_eq!(all[199], "live myorg/api:abc1234");
    // What is no longer in the file is in the history of the reference.
    let before = world
        .sandbox
        .git(&["cat-file", "blob", &format!("{RECORD}^:dev/api.jsonl")]);
    assert_eq!(before.unwrap(), old);
    let report = world
        .live("rollback --app api --environment dev --settle 300ms")
        .ends("reverted", 0);
    assert_eq!(report["rollback"]["to"][0], "myorg/api:old9999", "{report:#}");
}

#[test]
fn a_folder_keeps_it_as_a_server_does() {
    let world = World::at_speed(200.0);
    let folder = world.sandbox.git.path("infra-repo");
    let words = format!(
        "--app api --environment dev --settle 300ms --aliases {}",
        world.sandbox.infra_repo()
    );
    for (words, outcome) in [
        (format!("{words} --tag v1"), "promoted"),
        (format!("{words} --tag v2"), "promoted"),
        (format!("rollback {words}"), "reverted"),
    ] {
        world.live_at(folder.to_str().unwrap(), &words).ends(outcome, 0);
    }
    let all = events(&world, "api", "dev");
    assert_eq!(all, ["live myorg/api:v1", "live myorg/api:v2", "reverted myorg/api:v1"]);
}

#[test]
fn from_copies_the_schema() {
    let world = World::new();
    world
        .live("--app api --environment dev --tag abc1234 --schema orders-7 --settle 500ms")
        .ends("promoted", 0);
    world
        .live("--app api --environment staging --from dev --settle 500ms")
        .ends("promoted", 0);
    assert_eq!(lines(&world, "api", "staging")[0]["schema"], "orders-7");
}

#[test]
fn writers_at_once_lose_nothing() {
    let world = World::new();
    let runs: Vec<_> = ["dev", "staging"]
        .into_iter()
        .flat_map(|environment| ["api", "web"].map(|app| (app, environment)))
        .map(|(app, environment)| {
            let words = format!("--app {app} --environment {environment} --image myorg/{app}:abc1234 --settle 500ms");
            (app, environment, world.start_live(&words))
        })
        .collect();
    let mut all = Vec::new();
    for (app, environment, run) in runs {
        run.wait().ends("promoted", 0);
        all.push((app, environment));
    }
    for (app, environment) in all {
        assert_eq!(events(&world, app, environment).len(), 1);
    }
    assert_eq!(world.sandbox.git(&["rev-list", "--count", RECORD]).unwrap().trim(), "4");
}
