//! The record over connections that fail: whatever happens at one of its requests, the run ends as it would have, with a warning at most.

use std::time::Duration;

use sandbox::git::{Fault, FaultyProxy};
use serde_json::Value;

use super::record::events;
use crate::support::World;

const HARMS: [Fault; 9] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::Truncate,
    Fault::Status(401),
    Fault::Status(403),
    Fault::Status(500),
    Fault::StatusAfter(502),
    Fault::Slow,
    Fault::Delay(Duration::from_millis(30)),
];

/// Runs the binary through a proxy that harms one exchange at most. Returns the report and what was asked of the git host.
fn through(world: &World, faults: &[(usize, Fault)], words: &str) -> (Value, Vec<String>) {
    let proxy = FaultyProxy::start(world.sandbox.git.address(), faults).unwrap();
    let words = format!(
        "{words} --app api --environment dev --settle 200ms --aliases {}",
        world.sandbox.infra_repo()
    );
    let ran = world.live_at(&proxy.url("infra-repo"), &words);
    (ran.report(), proxy.seen())
}

fn pushes(seen: &[String]) -> Vec<usize> {
    let all = seen.iter().enumerate();
    all.filter(|(_, line)| line.starts_with("POST") && line.contains("git-receive-pack"))
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn the_record_costs_one_fetch_and_one_push_after_the_verdict_and_nothing_before_it() {
    let world = World::at_speed(200.0);
    // The second one finds a record.
    for tag in ["v1", "v2"] {
        let (report, seen) = through(&world, &[], &format!("--tag {tag}"));
        assert_eq!(report["outcome"], "promoted", "{report:#}");
        let [landing, recording] = pushes(&seen)[..] else {
            panic!("{seen:#?}")
        };
        let between = &seen[landing + 1..recording];
        let fetches = between.iter().filter(|line| line.contains("git-upload-pack"));
        // One look at where the reference is, and the objects of its commit.
        assert!(fetches.count() <= 2 + usize::from(tag == "v2"), "{seen:#?}");
        assert_eq!(seen.len(), recording + 1, "{seen:#?}");
    }
    let before = |world: &World, tag: &str| {
        let (_, seen) = through(world, &[], &format!("--tag {tag}"));
        pushes(&seen)[0]
    };
    let with = before(&world, "v3");
    let config = "version: 1\nrecord: none\n";
    world.sandbox.commit("promote.yaml", config, "No record").unwrap();
    let without = before(&world, "v4");
    assert!(
        with <= without,
        "{with} requests before landing, {without} without a record"
    );
}

#[test]
fn a_fault_at_any_request_of_the_record_changes_no_outcome() {
    let world = World::at_speed(200.0);
    let (report, _) = through(&world, &[], "--tag v1");
    assert_eq!(report["outcome"], "promoted", "{report:#}");
    // What is known already is not written again: the run has something to write each time.
    let forget = || {
        let reset = ["update-ref", "-d", "refs/promote/record"];
        world.sandbox.git(&reset).unwrap();
    };
    forget();
    let (report, seen) = through(&world, &[], "wait");
    assert_eq!(report["outcome"], "live", "{report:#}");
    let push = pushes(&seen)[0];
    // The snapshot comes first: its last request is the one before the look at the reference of the record.
    let first = push - 1;
    for harm in HARMS {
        for at in first..=push {
            forget();
            let (report, seen) = through(&world, &[(at, harm)], "wait");
            assert_eq!(
                (&report["outcome"], &report["exit_code"]),
                (&"live".into(), &0.into()),
                "{harm:?} at {at} of {seen:#?}: {report:#}"
            );
            let warnings = report["warnings"].as_array().unwrap();
            let about = warnings
                .iter()
                .all(|warning| warning.as_str().unwrap().contains("record:"));
            assert!(about, "{harm:?} at {at}: {warnings:#?}");
            let written = events(&world, "api", "dev").len();
            assert!(written == 1 || warnings.len() == 1, "{harm:?} at {at}: {report:#}");
        }
    }
}
