//! What a hold is about, for how long, and what becomes of the file.

use super::*;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER: &str = "sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn now() -> Timestamp {
    Timestamp::parse("2026-11-27T02:00:00Z").unwrap()
}

fn pinned<'a>(app: &'a AppName, environment: &'a EnvironmentName, name: &'a str, image: &'a str) -> Pinned<'a> {
    Pinned {
        app,
        environment,
        name,
        image,
    }
}

fn held(text: &str, reference: &str) -> Option<String> {
    let (app, environment) = (
        AppName::parse("api").unwrap(),
        EnvironmentName::parse("production").unwrap(),
    );
    let holds = Holds::read(text.as_bytes());
    holds
        .holding(pinned(&app, &environment, reference, reference), now())
        .map(|held| held.to_string())
}

/// What holds an image of an entry, where a run asks for `app` in `environment` with a `path`.
fn named(
    text: &str,
    config: Option<&str>,
    (app, environment, path): (&str, &str, Option<&str>),
    pin: (&str, &str),
) -> bool {
    let config = config.map(|text| crate::plan::Config::parse(text.as_bytes()).unwrap());
    let app = AppName::parse(app).unwrap();
    let environment = EnvironmentName::parse(environment).unwrap();
    let select = crate::plan::Select {
        apps: vec![app.clone()],
        environments: vec![environment.clone()],
        path: path.map(str::to_owned),
        ..crate::plan::Select::default()
    };
    let layout = crate::plan::Layout {
        select: &select,
        allow: crate::plan::Allow::default(),
        config: config.as_ref(),
    };
    let places = layout.targets(&select.environments).unwrap();
    let holds = Holds::read(text.as_bytes()).reaching(&layout, &places);
    let held = holds.holding(pinned(&app, &environment, pin.0, pin.1), now());
    held.is_some()
}

#[test]
fn a_hold_is_about_a_file_by_whatever_names_it_is_asked_for() {
    let api = ("myorg/api", "myorg/api:v2");
    let own = ("api", "production", None);
    for hold in [
        image("myorg/api:v2"),
        "- {app: api, environment: production, reason: x}\n".to_owned(),
    ] {
        for (place, right) in [
            (own, true),
            (("api", "staging", None), false),
            (("web", "production", None), false),
            (("foo", "production", Some("apps/api/overlays/{environment}")), true),
            (("api", "prod", Some("apps/{app}/overlays/production")), true),
            (("api", "pro", Some("apps/{app}/overlays/{environment}duction")), true),
            (("foo", "bar", Some("apps/api/overlays/production")), true),
            (("foo", "bar", Some("apps/web/overlays/{environment}")), false),
        ] {
            assert_eq!(named(&hold, None, place, api), right, "{hold} {place:?}");
        }
    }
    let every = "- {app: '*', environment: production, reason: x}\n";
    assert!(named(
        every,
        None,
        ("api", "prod", Some("apps/{app}/overlays/production")),
        api
    ));
}

#[test]
fn where_apps_share_a_file_a_hold_is_about_the_images_of_its_app() {
    let config = "version: 1\nlayout: {path: 'overlays/{environment}'}\napps: {api: {images: [myorg/api]}, web: {images: [myorg/web]}}\n\
                  environments: [{name: production}, {name: staging}]\n";
    let (api, web) = (("myorg/api", "myorg/api:v2"), ("myorg/web", "ghcr.io/acme/web:v2"));
    for hold in [
        image("myorg/api:v2"),
        "- {app: api, environment: production, reason: x}\n".to_owned(),
    ] {
        let is_held = |place, pin| named(&hold, Some(config), place, pin);
        assert!(is_held(("api", "production", None), api), "{hold}");
        assert!(is_held(("web", "production", None), api), "{hold}");
        assert!(!is_held(("web", "production", None), web), "{hold}");
        assert!(!is_held(("web", "staging", None), api), "{hold}");
    }
    let web_only = "- {app: web, environment: production, reason: x}\n";
    assert!(named(web_only, Some(config), ("api", "production", None), web));
}

#[test]
fn a_hold_names_an_image_as_promote_takes_it() {
    let place = ("api", "production", None);
    for (held, name, rendered) in [
        ("myorg/api:v2", "myorg/api", "ghcr.io/acme/api:v2"),
        ("ghcr.io/acme/api:v2", "myorg/api", "ghcr.io/acme/api:v2"),
        (
            "docker.io/myorg/api:v2",
            "API_IMAGE",
            "registry-1.docker.io/myorg/api:v2",
        ),
        ("docker.io/myorg/api:v2", "x", "docker.io:443/myorg/api:v2"),
        ("myorg/api:v2", "x", "registry.hub.docker.com/myorg/api:v2"),
        ("index.docker.io/library/redis:v2", "x", "redis:v2"),
        ("ghcr.io/acme/api", "x", "ghcr.io:443/acme/api:v2"),
    ] {
        assert!(named(&image(held), None, place, (name, rendered)), "{held} {rendered}");
    }
    for (held, name, rendered) in [
        ("ghcr.io/acme/api:v2", "x", "ghcr.io:5000/acme/api:v2"),
        ("myorg/api:v2", "myorg/web", "ghcr.io/acme/api:v2"),
        ("myorg/api:v2", "myorg/api", "ghcr.io/acme/api:v3"),
    ] {
        assert!(!named(&image(held), None, place, (name, rendered)), "{held} {rendered}");
    }
}

fn image(image: &str) -> String {
    format!("- {{app: api, environment: production, image: \"{image}\", reason: x}}\n")
}

#[test]
fn a_hold_is_about_what_its_image_names() {
    let both = format!("myorg/api:v2@{DIGEST}");
    for (image, reference, right) in [
        ("v2", "myorg/api:v2", true),
        ("v2", "myorg/api:v3", false),
        ("v2", "myorg/api:v2@sha256:1", true),
        ("myorg/api:v2", "docker.io/myorg/api:v2", true),
        ("myorg/api:v2", "other/api:v2", false),
        ("myorg/api", "myorg/api:v7", true),
        ("localhost:5000/api", "localhost:5000/api:v7", true),
        (DIGEST, &both, true),
        (DIGEST, &format!("myorg/api:v3@{DIGEST}"), true),
        (DIGEST, &format!("myorg/api@{OTHER}"), false),
        (DIGEST, "myorg/api:v2", false),
        (&both, "myorg/api:v2", true),
        (&both, &format!("myorg/api@{DIGEST}"), true),
        (&both, &format!("myorg/api:v2@{OTHER}"), false),
        (&format!("v2@{DIGEST}"), "myorg/api:v2", true),
    ] {
        assert_eq!(
            held(&self::image(image), reference).is_some(),
            right,
            "{image} {reference}"
        );
    }
}

#[test]
fn apps_environments_and_times_decide_too() {
    let entry = |app: &str, environment: &str, more: &str| {
        format!("- app: {app}\n  environment: {environment}\n  reason: x\n  {more}\n")
    };
    for (text, right) in [
        (entry("api", "production", ""), true),
        (entry("'*'", "production", ""), true),
        (entry("api", "\"*\"", ""), true),
        (entry("web", "production", ""), false),
        (entry("api", "staging", ""), false),
        (entry("api", "production", "until: 2026-11-27T01:59:59Z"), false),
        (entry("api", "production", "until: 2026-11-27T02:00:00Z"), false),
        (entry("api", "production", "until: 2026-11-27T03:00:00Z"), true),
        (entry("api", "production", "until: 2026-11-27 02:30+01:00"), false),
        (entry("api", "production", "until: 2026-11-26T22:30:00-04:00"), true),
        (entry("api", "production", "until: 2026-11-26"), false),
        (entry("api", "production", "until: 2026-11-27"), true),
        (entry("api", "production", "until: ~"), true),
        (String::new(), false),
        ("# nothing\n".to_owned(), false),
    ] {
        assert_eq!(held(&text, "myorg/api:v1").is_some(), right, "{text}");
    }
    let said = held(
        "# x\n- app: api\n  environment: production\n  reason: checkout is broken\n  by: octo\n  until: 2026-12-01T00:00:00Z\n",
        "myorg/api:v1",
    );
    assert_eq!(
        said.unwrap(),
        "held by octo until 2026-12-01T00:00:00Z: checkout is broken (promote-holds.yaml, line 2)"
    );
}

#[test]
fn what_cannot_be_read_holds_everything_and_names_the_line() {
    for (text, part) in [
        ("- app: *\n  environment: production\n", "line 1: "),
        ("app: api\n", "line 1: the file must be a list"),
        (
            "- app: api\n  enviroment: x\n",
            "line 2: unknown key `enviroment`; did you mean `environment`?",
        ),
        ("# x\n- app: api\n", "line 2: the entry has no `environment`"),
        (
            "- app: api\n  environment: dev\n  until: soon\n",
            "line 3: `until` \"soon\" is not a time",
        ),
        (
            "- app: api\n  environment: dev\n  until: 2026-11-27T03:00:00\n",
            "line 3: `until`",
        ),
        (
            "- app: api\n  environment: dev\n  image: \"a b\"\n",
            "line 3: `image` \"a b\" is not a tag",
        ),
        ("- app: -x\n  environment: dev\n", "line 1: `app` \"-x\""),
        ("\u{1}", "line 1"),
    ] {
        let said = held(text, "anything:v1").unwrap_or_default();
        assert!(
            said.contains("holds everything") && said.contains(part),
            "{text:?}: {said}"
        );
    }
    assert!(held("- app: *\n", "a:v1").unwrap().contains("`'*'` in quotes"));
}

fn new(app: &str, image: Option<&str>, until: Option<&str>) -> NewHold {
    NewHold {
        app: Of::app(app).unwrap(),
        environment: Of::environment("production").unwrap(),
        image: image.map(str::to_owned),
        reason: "checkout\nis broken: INC-12".to_owned(),
        by: "octo".to_owned(),
        since: now(),
        until: until.map(|text| Timestamp::parse(text).unwrap()),
    }
}

fn text(edit: HoldEdit) -> String {
    match edit {
        HoldEdit::Changed(text) => String::from_utf8(text).unwrap(),
        HoldEdit::Unchanged => "unchanged".to_owned(),
    }
}

#[test]
fn what_is_added_is_held_and_what_is_there_is_not_added_again() {
    let hold = new("api", Some("myorg/api:v2"), Some("2026-11-28T00:00:00Z"));
    let first = text(add(None, std::slice::from_ref(&hold), &str::to_owned).unwrap());
    let (header, entry) = first.split_once('\n').unwrap();
    assert!(header.starts_with("# "));
    assert_eq!(
        entry,
        "- app: api\n  environment: production\n  image: myorg/api:v2\n  reason: \"checkout is broken: INC-12\"\n  by: octo\n  \
         since: \"2026-11-27T02:00:00Z\"\n  until: \"2026-11-28T00:00:00Z\"\n"
    );
    assert!(held(&first, "myorg/api:v2").is_some() && held(&first, "myorg/api:v1").is_none());
    assert_eq!(
        add(Some(first.as_bytes()), &[hold], &str::to_owned),
        Ok(HoldEdit::Unchanged)
    );
    let longer = text(
        add(
            Some(first.as_bytes()),
            &[new("api", Some("myorg/api:v2"), None)],
            &str::to_owned,
        )
        .unwrap(),
    );
    assert!(longer.starts_with(&first) && longer.len() > first.len());
    let every = text(add(Some(b""), &[new("*", None, None)], &str::to_owned).unwrap());
    assert!(held(&every, "myorg/api:v9").is_some(), "{every}");
    let unreadable = add(Some(b"x: y\n"), &[new("api", None, None)], &str::to_owned).unwrap_err();
    assert!(unreadable.contains("line 1"), "{unreadable}");
}

#[test]
fn a_release_removes_what_it_names_and_nothing_else() {
    let file = "# top\n- {app: api, environment: production, image: v2, reason: x}\n# next\n- app: api\n  environment: production\n  \
                reason: freeze\n- {app: '*', environment: production, reason: all}\n";
    let released = |app: &str, image: Option<&str>| {
        let wanted = Released {
            app: Of::app(app).unwrap(),
            environment: Of::environment("production").unwrap(),
            image: image.map(|image| HeldImage::parse(image).unwrap()),
        };
        let (edit, removed) = release(file.as_bytes(), &[wanted]).unwrap();
        (text(edit), removed.len())
    };
    assert_eq!(
        released("api", Some("v2")),
        (
            file.replace("- {app: api, environment: production, image: v2, reason: x}\n", ""),
            1
        )
    );
    assert_eq!(released("api", Some("myorg/api:v2")).1, 1);
    assert_eq!(released("api", Some("v3")), ("unchanged".to_owned(), 0));
    assert_eq!(
        released("api", None),
        (
            file.replace("- app: api\n  environment: production\n  reason: freeze\n", ""),
            1
        )
    );
    assert_eq!(released("*", None).1, 1);
    assert_eq!(released("web", None).1, 0);
}

#[test]
fn a_hold_ends_at_a_time_or_after_one() {
    assert_eq!(until("2h").unwrap().from(now()).to_string(), "2026-11-27T04:00:00Z");
    assert_eq!(
        until("2026-12-24").unwrap().from(now()).to_string(),
        "2026-12-25T00:00:00Z"
    );
    assert_eq!(
        until("2026-12-24T18:00+01:00").unwrap().from(now()).to_string(),
        "2026-12-24T17:00:00Z"
    );
    for wrong in [
        "",
        "0s",
        "soon",
        "90",
        "2026-12",
        "2026-13-01",
        "2026-12-24T18:00",
        "2026-12-24T18:00:00+1:00",
    ] {
        assert!(until(wrong).is_err(), "{wrong}");
    }
}
