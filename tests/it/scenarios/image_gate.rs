//! The gate `image`: what the registry has of a promoted image, through the binary.

use sandbox::registry::{Family, Registry};

use super::gates::{configure, gate};
use crate::support::World;

/// A world whose overlays of api pin an image of this registry, with a digest in production.
pub(super) fn pinning(registry: &str) -> World {
    let world = World::new();
    for environment in ["staging", "production"] {
        let path = sandbox::overlay("api", environment);
        let text = world.sandbox.overlay("api", environment).unwrap();
        let (before, _) = text.split_once("images:").unwrap();
        let text = format!("{before}images:\n- name: myorg/api\n  newName: {registry}/myorg/api\n  newTag: v1\n");
        world.sandbox.commit(&path, &text, "Pull from the registry").unwrap();
    }
    world
}

const PRODUCTION: &str = "--app api --environment production --tag v2 --output json";

const FULL: &str = "image: {exists: true, platforms: [linux/amd64], digest: required}";

#[test]
fn a_registry_that_does_not_answer_is_shown_as_unknown_and_refused() {
    // Nothing listens there.
    let world = pinning("127.0.0.1:9");
    configure(&world, FULL);
    let tip = world.sandbox.tip().unwrap();
    let plan = world.land(&format!("plan {PRODUCTION}")).ends("planned", 0);
    let row = gate(&plan, "image");
    assert_eq!(row["state"], "unknown", "{plan:#}");
    assert!(row["reason"].as_str().unwrap().contains("127.0.0.1:9"), "{row}");
    assert_eq!(plan["changes"][0]["after"], "127.0.0.1:9/myorg/api:v2", "{plan:#}");
    let refused = world.land(PRODUCTION).ends("refused", 3);
    assert_eq!(gate(&refused, "image")["state"], "unknown");
    // Who skips the gate must bring the digest: nothing else would keep a tag without it from being written.
    configure(&world, &format!("{FULL}\nallow: [skip-image]"));
    let tip_of_gates = world.sandbox.tip().unwrap();
    world
        .land(&format!("{PRODUCTION} --allow skip-image --reason INC-7"))
        .ends("unreachable", 4);
    assert_eq!(world.sandbox.tip().unwrap(), tip_of_gates);
    assert_ne!(tip, tip_of_gates);
}

#[test]
fn each_key_is_judged_by_what_the_registry_has() {
    let registry = Registry::start().unwrap();
    let world = pinning(registry.host());
    configure(&world, FULL);
    let closed = |part: &str| {
        let refused = world.land(PRODUCTION).ends("refused", 3);
        let row = gate(&refused, "image").clone();
        assert_eq!(row["state"], "closed", "{row}");
        assert!(row["reason"].as_str().unwrap().contains(part), "{row}");
    };
    closed("is not in the registry");
    registry.push("myorg/api", Some("v2"), Family::Oci, "linux/arm64", &[]);
    closed("is not built for linux/amd64");
    let image = registry.push("myorg/api", None, Family::Oci, "linux/amd64", &[]);
    let digest = registry.push_index("myorg/api", "v2", Family::Oci, &[(&image, "linux/amd64")]);
    let plan = world.land(&format!("plan {PRODUCTION}")).ends("planned", 0);
    assert_eq!(gate(&plan, "image")["state"], "open", "{plan:#}");
    let landed = world.land(PRODUCTION).ends("landed", 0);
    let written = format!("{}/myorg/api:v2@{digest}", registry.host());
    assert_eq!(landed["changes"][0]["after"], written, "{landed:#}");
    world.land(PRODUCTION).ends("no-change", 0);
    // The same tag, built again, is another image.
    registry.push("myorg/api", Some("v2"), Family::Docker, "linux/amd64", &[]);
    world.land(PRODUCTION).ends("landed", 0);
}
