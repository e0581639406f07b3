//! What a promotion writes, and when it writes nothing.

use sandbox::overlay;

use crate::support::World;

/// How many pushes the git host saw.
fn pushes(world: &World) -> usize {
    let seen = world.sandbox.git.requests();
    seen.iter().filter(|row| row.path.ends_with("git-receive-pack")).count()
}

/// Lets `change` land in the middle of our first push: the server's hook moves the branch to a commit that is ready.
fn overtake(world: &World, path: &str, content: &str) -> String {
    let git = &world.sandbox.git;
    let other = git
        .commit("infra-repo", "other", &[(path, content)], "Overtake")
        .unwrap();
    let hook = format!(
        "#!/bin/sh\n[ -e overtaken ] && exit 0\ntouch overtaken\n\
         unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
         exec git update-ref refs/heads/main {other}\n"
    );
    git.hook("infra-repo", "pre-receive", &hook).unwrap();
    other
}

#[test]
fn one_commit_changes_exactly_the_bytes_of_the_tag_and_says_what_and_who() {
    let world = World::new();
    let (before, commits) = (world.sandbox.overlay("api", "dev").unwrap(), world.commits());
    let base = world.sandbox.tip().unwrap();
    let ran = world.land("--app api --environment dev --tag abc1234 --output json");
    let report = ran.ends("landed", 0);
    assert_eq!(world.commits(), commits + 1);
    let after = world.sandbox.overlay("api", "dev").unwrap();
    assert_eq!(after, before.replace("4f9d2c1", "abc1234"));
    let git = |args: &[&str]| world.sandbox.git(args).unwrap();
    assert_eq!(git(&["rev-parse", "main^"]).trim(), base);
    assert_eq!(
        git(&["diff", "--name-only", "main^", "main"]).trim(),
        overlay("api", "dev")
    );
    assert_eq!(
        report["infra_repo"]["commit"].as_str().unwrap(),
        world.sandbox.tip().unwrap()
    );
    assert_eq!(report["infra_repo"]["base"].as_str().unwrap(), base);
    assert_eq!(report["infra_repo"]["attempts"], 1);
    let message = git(&["log", "-1", "--format=%B", "main"]);
    let mut lines = message.lines();
    assert_eq!(lines.next().unwrap(), "promote api to dev: myorg/api:abc1234");
    let trailers = git(&["log", "-1", "--format=%(trailers:unfold)", "main"]);
    for line in [
        "Promote-App: api",
        "Promote-Environment: dev",
        "Promote-Pin: apps/api/overlays/dev/kustomization.yaml myorg/api myorg/api:4f9d2c1 -> myorg/api:abc1234",
        "Promote-By: jane",
    ] {
        assert!(trailers.lines().any(|trailer| trailer == line), "{line}\n{trailers}");
    }
    for name in ["Promote-Run: ", "Promote-Action: promote-action"] {
        assert!(
            trailers.lines().any(|trailer| trailer.starts_with(name)),
            "{name}\n{trailers}"
        );
    }
    git(&["fsck", "--strict"]);
}

#[test]
fn without_a_server_to_ask_nothing_is_called_live() {
    let world = World::new();
    let ran = world.land("--app api --environment dev --tag abc1234 --output json");
    let report = ran.ends("landed", 0);
    assert!(!report["warnings"].as_array().unwrap().is_empty(), "{report:#}");
    assert_eq!(report["applications"], serde_json::json!([]));
}

#[test]
fn what_dev_runs_goes_to_staging() {
    let world = World::new();
    let before = world.sandbox.overlay("api", "staging").unwrap();
    world.land("--app api --from dev --environment staging").exits(0);
    let after = world.sandbox.overlay("api", "staging").unwrap();
    assert_eq!(after, before.replace("0b7e6aa", "4f9d2c1"));
}

#[test]
fn a_second_run_changes_nothing_and_pushes_nothing() {
    let world = World::new();
    let words = "--app api --environment dev --tag abc1234 --output json";
    world.land(words).ends("landed", 0);
    let (tip, pushed) = (world.sandbox.tip().unwrap(), pushes(&world));
    let report = world.land(words).ends("no-change", 0);
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    assert_eq!(report["infra_repo"]["commit"].as_str().unwrap(), tip);
    assert_eq!(pushes(&world), pushed);
}

#[test]
fn several_apps_and_environments_are_one_commit() {
    let world = World::new();
    let commits = world.commits();
    let words = "--app api,web --environment dev,staging --image myorg/api:v2 --image registry.example.com/shop/web:v3 --output json";
    let report = world.land(words).ends("landed", 0);
    assert_eq!(report["changes"].as_array().unwrap().len(), 4);
    assert_eq!(world.commits(), commits + 1);
    let changed = world.sandbox.git(&["diff", "--name-only", "main^", "main"]).unwrap();
    assert_eq!(changed.lines().count(), 4, "{changed}");
    let web = world.sandbox.overlay("web", "staging").unwrap();
    assert!(
        web.contains("newName: registry.example.com/shop/web, newTag: v3}"),
        "{web}"
    );
}

#[test]
fn several_images_of_one_overlay_are_one_commit() {
    let world = World::new();
    let file = overlay("api", "dev");
    let with_proxy = world.sandbox.overlay("api", "dev").unwrap().replace(
        "  - name: myorg/api\n",
        "  - name: myorg/proxy\n    newTag: v1\n  - name: myorg/api\n",
    );
    world.sandbox.commit(&file, &with_proxy, "add a proxy").unwrap();
    let commits = world.commits();
    let words = "--app api --environment dev --image myorg/api:abc1234 --image myorg/proxy:v2 --output json";
    let report = world.land(words).ends("landed", 0);
    assert_eq!(report["changes"].as_array().unwrap().len(), 2);
    assert_eq!(world.commits(), commits + 1);
    let right = with_proxy
        .replace("4f9d2c1", "abc1234")
        .replace("newTag: v1", "newTag: v2");
    assert_eq!(world.sandbox.overlay("api", "dev").unwrap(), right);
    let message = world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap();
    assert_eq!(message.matches("Promote-Pin: ").count(), 2, "{message}");
}

#[test]
fn a_lost_race_is_read_planned_and_landed_again() {
    let world = World::new();
    let file = overlay("api", "dev");
    let theirs = world.sandbox.overlay("api", "dev").unwrap() + "# Theirs.\n";
    let other = overtake(&world, &file, &theirs);
    let ran = world.land("--app api --environment dev --tag abc1234 --output json");
    let report = ran.ends("landed", 0);
    assert_eq!(report["infra_repo"]["attempts"], 2);
    assert_eq!(report["infra_repo"]["base"].as_str().unwrap(), other);
    assert_eq!(world.sandbox.git(&["rev-parse", "main^"]).unwrap().trim(), other);
    let after = world.sandbox.overlay("api", "dev").unwrap();
    assert_eq!(after, theirs.replace("4f9d2c1", "abc1234"));
}

#[test]
fn a_race_lost_to_the_same_promotion_is_no_change() {
    let world = World::new();
    let same = world
        .sandbox
        .overlay("api", "dev")
        .unwrap()
        .replace("4f9d2c1", "abc1234");
    let other = overtake(&world, &overlay("api", "dev"), &same);
    let ran = world.land("--app api --environment dev --tag abc1234 --output json");
    ran.ends("no-change", 0);
    assert_eq!(world.sandbox.tip().unwrap(), other);
}

#[test]
fn a_plan_shows_the_exact_diff_and_writes_nothing() {
    let world = World::new();
    let tip = world.sandbox.tip().unwrap();
    for words in ["plan", "--dry-run"] {
        let ran = world.land(&format!("{words} --app api --environment dev --tag abc1234"));
        ran.exits(0)
            .says("-    newTag: 4f9d2c1   # set by promote; do not edit by hand\n")
            .says("+    newTag: abc1234   # set by promote; do not edit by hand\n");
        let ran = world.live(&format!("{words} --app api --environment production --tag abc1234"));
        ran.ends("planned", 0);
    }
    assert_eq!(world.sandbox.tip().unwrap(), tip);
    assert_eq!(pushes(&world), 0);
    assert!(world.sandbox.argocd.asked().iter().all(|asked| asked.method == "GET"));
}

#[test]
fn promote_yaml_says_layout_and_message() {
    let world = World::new();
    let text = "version: 1\nlayout:\n  path: apps/{app}/overlays/{environment}\nenvironments:\n  - name: dev\n  - name: staging\n\
                apps:\n  web:\n    images: [registry.example.com/shop/web]\nmessage: 'ship {app} to {environment}'\n";
    world.sandbox.commit("promote.yaml", text, "Configure").unwrap();
    world.land("--app web --environment dev --tag v9").exits(0);
    let subject = world.sandbox.git(&["log", "-1", "--format=%s", "main"]).unwrap();
    assert_eq!(subject.trim(), "ship web to dev");
    assert!(world.sandbox.overlay("web", "dev").unwrap().contains("newTag: v9}"));
    let tip = world.sandbox.tip().unwrap();
    let wrong = text.replace("environments:", "enviroments:");
    world.sandbox.commit("promote.yaml", &wrong, "Break it").unwrap();
    let ran = world.land("--app web --environment dev --tag v10");
    ran.exits(2).says("enviroments").says("environments");
    assert_eq!(world.sandbox.git(&["rev-parse", "main^"]).unwrap().trim(), tip);
}

#[test]
fn an_overlay_behind_a_link_is_changed_where_it_is() {
    let world = World::new();
    let git = &world.sandbox.git;
    let blob = git
        .git_with("infra-repo", &["hash-object", "-w", "--stdin"], b"dev")
        .unwrap();
    let stream = format!(
        "commit refs/heads/main\ncommitter S <s@example.com> now\ndata 1\n.\nfrom refs/heads/main^0\nM 120000 {} apps/api/overlays/eu\n",
        blob.trim()
    );
    let args = ["fast-import", "--quiet", "--date-format=now"];
    git.git_with("infra-repo", &args, stream.as_bytes()).unwrap();
    let ran = world.land("--app api --environment eu --tag abc1234 --output json");
    let report = ran.ends("landed", 0);
    assert_eq!(report["changes"][0]["file"], overlay("api", "dev"), "{report:#}");
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
}
