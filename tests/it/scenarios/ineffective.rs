//! Edits that would change nothing of what runs, because something else sets the image.

use serde_json::json;

use crate::support::World;

const DEV: &str = "--app api --environment dev --settle 0s --tag";

#[test]
fn an_image_that_the_application_sets_is_told_before_a_write() {
    let world = World::new();
    let before = world.sandbox.tip().unwrap();
    world.sandbox.argocd.edit("api-dev", |spec| {
        spec["source"]["kustomize"] = json!({"images": ["other:v3", "myorg/api:v0"]});
    });
    let report = world.live(&format!("{DEV} v2")).ends("refused", 3);
    let reason = report["reason"].as_str().unwrap();
    for part in [
        "apps/api/overlays/dev/kustomization.yaml:",
        "kustomize.images[1]",
        "application api-dev",
        "myorg/api:v0",
    ] {
        assert!(reason.contains(part), "{part} in {reason}");
    }
    let plan = world.live(&format!("plan {DEV} v2")).ends("planned", 0);
    assert!(plan["warnings"].to_string().contains("no effect"), "{plan:#}");
    assert_eq!(world.sandbox.tip().unwrap(), before);
    // Of another image it hides nothing.
    world.sandbox.argocd.edit("api-dev", |spec| {
        spec["source"]["kustomize"] = json!({"images": ["other:v3"]});
    });
    world.live(&format!("{DEV} v2")).ends("promoted", 0);
}

#[test]
fn an_image_that_a_file_of_argo_cd_sets_is_told_before_a_write() {
    let world = World::new();
    for (name, ends) in [
        (".argocd-source-other.yaml", false),
        (".argocd-source.yaml", true),
        (".argocd-source-api-dev.yaml", true),
    ] {
        let file = format!("apps/api/overlays/dev/{name}");
        let text = "kustomize:\n  images:\n    - myorg/api:v0 # by the Image Updater\n";
        world.sandbox.commit(&file, text, "Write an override").unwrap();
        let report = world.live(&format!("plan {DEV} v2")).ends("planned", 0);
        assert_eq!(report["warnings"].to_string().contains(&file), ends, "{report:#}");
        // The name of the application is known without a server, too.
        let alone = world.land("plan --app api --environment dev --tag v2 --output json");
        let report = alone.ends("planned", 0);
        assert_eq!(report["warnings"].to_string().contains(&file), ends, "{report:#}");
        world.sandbox.commit(&file, "{}\n", "Empty it").unwrap();
    }
}
