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

#[test]
fn the_page_shows_drift_events_and_windows() {
    let world = World::at_speed(200.0);
    let config = "version: 1\nenvironments:\n- name: dev\n- name: staging\n  windows: {deny: [{from: 2000-01-01, to: 2999-01-01, reason: frozen}]}\n  allow: [skip-windows]\n";
    world.sandbox.commit("promote.yaml", config, "configure").unwrap();
    let promote = "--app api --settle 200ms --environment";
    world.live(&format!("{promote} dev --tag v1")).ends("promoted", 0);
    let skip = "--allow skip-windows --reason test";
    world
        .live(&format!("{promote} staging --from dev {skip}"))
        .ends("promoted", 0);
    for tag in ["v2", "v3", "v4"] {
        let words = format!("--app api --environment dev --tag {tag} --output json");
        world.land(&words).ends("landed", 0);
    }
    let report = world.live("status --app api").ends("ok", 0);
    let rows = report["status"].as_array().unwrap();
    let staging = rows.iter().find(|row| row["environment"] == "staging").unwrap();
    assert_eq!(
        staging["behind"],
        serde_json::json!([{"environment": "dev", "by": 3}]),
        "{report:#}"
    );
    let dev = rows.iter().find(|row| row["environment"] == "dev").unwrap();
    assert_eq!(dev["behind"], serde_json::json!([]), "{report:#}");
    let token = world.sandbox.argocd.token("ci");
    let server = [
        ("ARGOCD_SERVER", world.sandbox.argocd.url()),
        ("ARGOCD_AUTH_TOKEN", token.as_str()),
    ];
    let page = world
        .land_with(&server, "status --app api --output html")
        .exits(0)
        .stdout;
    for part in [
        "behind dev by 3",
        "<h2>Last events</h2>",
        "<td data-label=\"Event\">live</td>",
        "<h2>Gates</h2>",
        "frozen",
        "<td data-label=\"Opens\"><time",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
}
