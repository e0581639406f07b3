//! What is held is not promoted, is shown, and is released again; the file keeps every other byte.

use sandbox::overlay;

use crate::support::World;

const FILE: &str = "promote-holds.yaml";
const DEV: &str = "--app api --environment dev";

fn held(world: &World) -> String {
    let blob = format!("main:{FILE}");
    world.sandbox.git(&["cat-file", "blob", &blob]).unwrap_or_default()
}

fn message(world: &World) -> String {
    world.sandbox.git(&["log", "-1", "--format=%B", "main"]).unwrap()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story from the hold to the release")]
fn a_version_that_is_held_is_refused_until_it_is_released() {
    let world = World::new();
    let report = world
        .land(&format!(
            "hold {DEV} --image myorg/api:v2 --reason INC-12:broken --output json"
        ))
        .ends("landed", 0);
    assert_eq!(report["holds"][0]["image"], "myorg/api:v2", "{report:#}");
    assert!(report["infra_repo"]["commit"].is_string(), "{report:#}");
    let file = held(&world);
    assert!(
        file.contains("- app: api\n  environment: dev\n  image: myorg/api:v2\n"),
        "{file}"
    );
    let said = message(&world);
    assert!(
        said.starts_with("hold myorg/api:v2 of api in dev: INC-12:broken\n"),
        "{said}"
    );
    assert!(
        said.contains("\nPromote-Reason: INC-12:broken\n") && said.contains("\nPromote-By: jane\n"),
        "{said}"
    );
    // Again: nothing is left to do.
    let before = world.sandbox.tip().unwrap();
    world
        .land(&format!(
            "hold {DEV} --image myorg/api:v2 --reason INC-12:broken --output json"
        ))
        .ends("no-change", 0);
    let report = world.land(&format!("{DEV} --tag v2 --output json")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("held by jane since ") && reason.contains("INC-12:broken") && reason.contains("line 2"),
        "{reason}"
    );
    assert!(report["hints"].to_string().contains("promote release"), "{report:#}");
    let plan = world
        .land(&format!("plan {DEV} --tag v2 --output json"))
        .ends("planned", 0);
    assert!(
        plan["reason"].to_string().contains("`promote` would be refused"),
        "{plan:#}"
    );
    assert_eq!(plan["holds"][0]["reason"], "INC-12:broken");
    let status = world.land(&format!("status {DEV} --output json")).ends("ok", 0);
    assert_eq!(status["holds"][0]["by"], "jane", "{status:#}");
    world
        .land(&format!("status {DEV}"))
        .exits(0)
        .says("myorg/api:v2 of api in dev");
    let preflight = world.land(&format!("preflight {DEV} --output json")).ends("ok", 0);
    assert!(
        preflight["checks"]
            .to_string()
            .contains("myorg/api:v2 of api in dev is held until released"),
        "{preflight:#}"
    );
    assert_eq!(world.sandbox.tip().unwrap(), before);
    // Another version, another environment, and what runs already are not held.
    world.land(&format!("{DEV} --tag v3 --output json")).ends("landed", 0);
    world
        .land("--app api --environment staging --tag v2 --output json")
        .ends("landed", 0);
    let report = world
        .land(&format!("release {DEV} --tag v2 --output json"))
        .ends("landed", 0);
    assert_eq!(report["holds"][0]["image"], "myorg/api:v2");
    assert!(!held(&world).contains("app:"), "{}", held(&world));
    world
        .land(&format!("release {DEV} --tag v2 --output json"))
        .ends("no-change", 0);
    world.land(&format!("{DEV} --tag v2 --output json")).ends("landed", 0);
}

#[test]
fn a_file_written_by_people_keeps_every_other_byte() {
    let world = World::new();
    let file = "# Ask #releases first.\r\n- app: \"*\"            # all of them\r\n  environment: production\r\n  reason: freeze\r\n\r\n# old\r\n- {app: web, environment: dev, reason: gone, until: 2020-01-01}\r\n";
    world.sandbox.commit(FILE, file, "Freeze").unwrap();
    let report = world
        .land("--app api --environment production --tag v2 --output json")
        .ends("refused", 3);
    assert!(report["reason"].as_str().unwrap().contains("freeze"), "{report:#}");
    let file_of_a_typo = "- {app: apu, environment: dev, reason: x}\n";
    world.sandbox.commit(FILE, file_of_a_typo, "Hold nothing").unwrap();
    let preflight = world.land("preflight --output json").ends("ok", 0);
    let idle = "everything of apu in dev is held (line 1), but no overlay";
    assert!(preflight["checks"].to_string().contains(idle), "{preflight:#}");
    world.sandbox.commit(FILE, file, "Freeze").unwrap();
    // An expired hold does not count.
    world
        .land("--app web --environment dev --image registry.example.com/shop/web:v2 --output json")
        .ends("landed", 0);
    world
        .land(&format!("hold {DEV} --reason broken --until 2h --output json"))
        .ends("landed", 0);
    let now = held(&world);
    assert!(now.starts_with(file) && now.ends_with("\"}\r\n"), "{now:?}");
    let status = world.land(&format!("status {DEV} --output json")).ends("ok", 0);
    assert!(status["holds"][0]["until"].is_string(), "{status:#}");
    world.land(&format!("release {DEV} --output json")).ends("landed", 0);
    assert_eq!(held(&world), file);
    // What holds everything is released by the names that it has.
    world
        .land("release --app api --environment production --output json")
        .ends("no-change", 0);
    world
        .land("release --app * --environment production --output json")
        .ends("landed", 0);
    assert_eq!(
        held(&world),
        "# Ask #releases first.\r\n\r\n# old\r\n- {app: web, environment: dev, reason: gone, until: 2020-01-01}\r\n"
    );
}

#[test]
fn the_end_of_a_freeze_leaves_bad_versions_held() {
    let world = World::new();
    world
        .land(&format!("hold {DEV} --tag v9 --reason corrupts-orders"))
        .exits(0);
    world.land(&format!("hold {DEV} --reason freeze")).exits(0);
    world.land("hold --app * --environment dev --reason audit").exits(0);
    let report = world.land(&format!("release {DEV} --output json")).ends("landed", 0);
    assert_eq!(report["holds"].as_array().unwrap().len(), 1, "{report:#}");
    assert!(report["holds"][0]["image"].is_null(), "{report:#}");
    let infra = world.sandbox.infra_repo();
    let left = [
        format!(
            "v9 of api in dev is still held until released: corrupts-orders\n→ to release it: `promote release --app api \
             --environment dev --tag v9 --infra-repo {infra}`"
        ),
        format!(
            "everything of all apps in dev is still held until released: audit\n→ to release it: `promote release --app '*' \
             --environment dev --infra-repo {infra}`"
        ),
    ];
    for one in left {
        let said = report["warnings"].as_array().unwrap();
        assert!(said.iter().any(|said| *said == one.as_str()), "{one} in {report:#}");
    }
    world.land(&format!("{DEV} --tag v9 --output json")).ends("refused", 3);
    // Once more: the version stays held.
    world.land(&format!("release {DEV} --output json")).ends("no-change", 0);
    assert!(held(&world).contains("v9"), "{}", held(&world));
}

#[test]
fn a_release_of_what_does_not_exist_is_a_mistake() {
    let world = World::new();
    let report = world
        .land("release --app api --environment prodction --output json")
        .ends("invalid", 2);
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("did you mean production?"), "{reason}");
    world.land(&format!("hold {DEV} --tag v9 --reason bad")).exits(0);
    let report = world
        .land(&format!("release {DEV} --tag v8 --output json"))
        .ends("no-change", 0);
    assert!(
        report["warnings"]
            .to_string()
            .contains("v9 of api in dev is still held"),
        "{report:#}"
    );
}

#[test]
fn what_cannot_be_read_holds_everything() {
    let world = World::new();
    world
        .sandbox
        .commit(FILE, "- app: *\n  environment: dev\n", "Hold")
        .unwrap();
    let report = world.land(&format!("{DEV} --tag v2 --output json")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    assert!(
        reason.contains("line 1") && reason.contains("holds everything"),
        "{reason}"
    );
    world.land(&format!("preflight {DEV} --output json")).ends("refused", 3);
    let status = world.land(&format!("status {DEV} --output json")).ends("ok", 0);
    assert!(status["warnings"].to_string().contains("line 1"), "{status:#}");
    let report = world
        .land(&format!("hold {DEV} --reason x --output json"))
        .ends("invalid", 2);
    assert!(
        report["reason"]
            .as_str()
            .unwrap()
            .contains("promote-holds.yaml: line 1"),
        "{report:#}"
    );
    // What runs already is not promoted, so nothing is refused.
    world
        .land(&format!("{DEV} --tag 4f9d2c1 --output json"))
        .ends("no-change", 0);
}

#[test]
fn an_exception_needs_a_reason_and_is_written_down() {
    let world = World::new();
    world
        .land(&format!("hold {DEV} --reason freeze --output json"))
        .ends("landed", 0);
    let report = world
        .land(&format!("{DEV} --tag v2 --allow hold --output json"))
        .ends("invalid", 2);
    assert!(
        report["reason"].as_str().unwrap().contains("`reason` is missing"),
        "{report:#}"
    );
    world
        .land(&format!("{DEV} --tag v2 --allow hold --reason INC-9 --output json"))
        .ends("landed", 0);
    let said = message(&world);
    assert!(
        said.contains("\nPromote-Allow: hold\nPromote-Reason: INC-9\n"),
        "{said}"
    );
    // With a promote.yaml only where the environment lists it.
    let listed = |allow: &str| format!("version: 1\nenvironments:\n- name: dev\n{allow}");
    world.sandbox.commit("promote.yaml", &listed(""), "Configure").unwrap();
    let report = world
        .land(&format!("{DEV} --tag v3 --allow hold --reason INC-9 --output json"))
        .ends("invalid", 2);
    assert!(
        report["reason"].as_str().unwrap().contains("does not list it"),
        "{report:#}"
    );
    world
        .sandbox
        .commit("promote.yaml", &listed("  allow: [hold]\n"), "Configure")
        .unwrap();
    world
        .land(&format!("{DEV} --tag v3 --allow hold --reason INC-9 --output json"))
        .ends("landed", 0);
    // A name that nothing has is a mistake, and not a hold of nothing.
    let report = world
        .land("hold --app api --environment dve --reason x --output json")
        .ends("invalid", 2);
    assert!(
        report["reason"].as_str().unwrap().contains("no environment dve in "),
        "{report:#}"
    );
    let overlay = world
        .sandbox
        .git(&["cat-file", "blob", &format!("main:{}", overlay("api", "dev"))]);
    assert!(overlay.unwrap().contains("v3"));
}

#[test]
fn a_hold_needs_a_reason_and_can_be_shown_first() {
    let world = World::new();
    let before = world.sandbox.tip().unwrap();
    world.land(&format!("hold {DEV} --output json")).ends("invalid", 2);
    world
        .land(&format!("hold {DEV} --reason x --until soon --output json"))
        .ends("invalid", 2);
    let late = world
        .land(&format!("hold {DEV} --reason x --until 2020-01-01 --output json"))
        .ends("invalid", 2);
    assert!(late["reason"].as_str().unwrap().contains("has passed"), "{late:#}");
    let shown = world
        .land(&format!("hold {DEV} --tag v2 --reason x --dry-run --output json"))
        .ends("planned", 0);
    assert_eq!(shown["holds"][0]["image"], "v2", "{shown:#}");
    assert_eq!(world.sandbox.tip().unwrap(), before);
    let step = world
        .step()
        .with("command", "hold")
        .with("app", "*")
        .with("environment", "dev");
    let step = step
        .with("reason", "end of the year")
        .with("argocd-server", "")
        .with("argocd-token", "");
    let held = step.run();
    assert_eq!(held.outputs["outcome"], "landed", "{}", held.ran.stderr);
    assert_eq!(held.outputs["changed"], "true");
    assert!(held.summary.contains("all apps"), "{}", held.summary);
}

/// One file has one set of pins, whatever a run calls its app and environment.
#[test]
fn another_name_for_the_same_file_passes_no_hold() {
    let world = World::new();
    world
        .land("hold --app api --environment production --reason freeze --output json")
        .ends("landed", 0);
    for words in [
        "--app foo --environment production --path apps/api/overlays/{environment}",
        "--app api --environment prod --path apps/{app}/overlays/production",
        "--app foo --environment bar --path apps/api/overlays/production",
    ] {
        let report = world
            .land(&format!("{words} --tag v2 --output json"))
            .ends("refused", 3);
        assert!(report["reason"].as_str().unwrap().contains("freeze"), "{report:#}");
    }
    world
        .land("rollback --app foo --environment production --path apps/api/overlays/{environment} --to v2 --allow unknown-version --output json")
        .ends("refused", 3);
}
