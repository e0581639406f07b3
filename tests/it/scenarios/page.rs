//! The page of `status`.

use crate::support::World;

#[test]
fn status_writes_a_page_and_no_other_command_does() {
    let world = World::new();
    let token = world.sandbox.argocd.token("ci");
    let server = [
        ("ARGOCD_SERVER", world.sandbox.argocd.url()),
        ("ARGOCD_AUTH_TOKEN", token.as_str()),
    ];
    let ran = world.land_with(&server, "status --output html").exits(0);
    let page = ran.stdout.as_str();
    assert!(
        page.starts_with("<!doctype html>") && page.ends_with("</html>\n"),
        "{page}"
    );
    for part in [
        "<th scope=\"row\">api</th>",
        "<th scope=\"col\">production</th>",
        "myorg/api:",
        "Healthy, Synced",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    world
        .land("plan --app api --environment dev --tag v2 --output html")
        .exits(2)
        .says("`status` only");
}
