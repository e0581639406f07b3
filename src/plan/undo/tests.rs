//! What is taken back, what is left alone, and which version a way back leads to.

use super::*;
use crate::assess::history::{EventKind, Line, Record};
use crate::model::{AppName, EnvironmentName, Timestamp};
use crate::plan::{Layout, OverlayFile, Request, Select};

const FILE: &str = "apps/api/overlays/production/kustomization.yaml";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn pin(name: &str, image: &str) -> RecordedPin {
    RecordedPin {
        file: FILE.to_owned(),
        name: name.to_owned(),
        image: image.to_owned(),
    }
}

fn at(minute: u64) -> Timestamp {
    Timestamp::at_unix(minute * 60)
}

fn record(lines: &[(&str, &str)]) -> Record {
    let mut record = Record::default();
    for (minute, (event, image)) in (0..).zip(lines) {
        record.push(Line {
            at: at(minute),
            event: EventKind::parse(event),
            commit: None,
            images: vec![(*image).to_owned()],
            pins: vec![pin("api", image)],
            schema: None,
            by: String::new(),
            run: String::new(),
            reason: String::new(),
            seconds: None,
            of: None,
        });
    }
    record
}

fn promoted(digit: char, before: &str, after: &str, schema: Option<&str>) -> Promoted {
    Promoted {
        commit: CommitSha::parse(&digit.to_string().repeat(40)).unwrap(),
        parent: None,
        at: at(9),
        trailers: Trailers {
            pins: vec![PinTrailer {
                file: FILE.to_owned(),
                name: "api".to_owned(),
                before: before.to_owned(),
                after: after.to_owned(),
            }],
            schema: schema.map(str::to_owned),
            ..Trailers::default()
        },
    }
}

fn images(versions: &[Version]) -> Vec<String> {
    versions
        .iter()
        .map(|version| format!("{} {}", version.ended, version.images().join(" ")))
        .collect()
}

#[test]
fn a_version_is_named_by_tag_digest_or_reference() {
    let version = Version::pinned(vec![
        pin("api", &format!("ghcr.io/o/api:v1@{DIGEST}")),
        pin("x", "o/x:s1"),
    ]);
    let full = format!("ghcr.io/o/api:v1@{DIGEST}");
    for to in ["v1", "s1", DIGEST, "ghcr.io/o/api:v1", &full, "docker.io/o/x:s1"] {
        assert!(version.is(to), "{to}");
    }
    let long = format!("sha512:{}", "0a".repeat(64));
    let other = Version {
        pins: vec![pin("api", &format!("o/api@{long}"))],
        ..version.clone()
    };
    assert!(other.is(&long) && !version.is(&long));
    for to in ["v", "ghcr.io/o/api:v2", "o/api:v1", "sha256:00", "o/x:s1@sha256:1"] {
        assert!(!version.is(to), "{to}");
    }
}

#[test]
fn the_first_digits_of_a_version_are_completed() {
    let (one, other) = ("0123456a".repeat(5), "0123456b".repeat(5));
    let record = record(&[
        ("live", &format!("o/api:{other}")),
        ("live", &format!("o/api:v3@{DIGEST}")),
        ("live", "o/api:20261127"),
        ("live", &format!("o/api@sha512:{}", "0a".repeat(64))),
    ]);
    let past = Past {
        pinned: &[pin("api", &format!("o/api:{one}"))],
        record: &record,
        promoted: &[],
    };
    let long = format!("sha512:{}", "0a".repeat(64));
    let short = DIGEST.get(..14).unwrap();
    for (to, name) in [
        ("0123456a", one.as_str()),
        ("0123456b0", &other),
        (&other, &other),
        (short, DIGEST),
        ("sha512:0a0a0a0a", &long),
        ("2026112", "20261127"),
        // Six digits, no digits, and the beginning of nothing.
        ("012345", "012345"),
        ("v3", "v3"),
        ("fffffff", "fffffff"),
    ] {
        assert_eq!(past.completed(to).as_deref(), Ok(name), "{to}");
    }
    assert_eq!(past.completed("0123456"), Err(vec![one, other]));
}

#[test]
fn the_past_is_the_record_and_then_the_trailers() {
    let record = record(&[("live", "o/api:v1"), ("live", "o/api:v2"), ("failed", "o/api:v3")]);
    let promoted = [
        promoted('c', "o/api:v2", "o/api:v3", None),
        promoted('b', "o/api:v0", "o/api:v1", None),
    ];
    let past = Past {
        pinned: &[pin("api", "o/api:v3")],
        record: &record,
        promoted: &promoted,
    };
    assert_eq!(
        images(&past.versions()),
        [
            "live o/api:v2",
            "live o/api:v1",
            "pinned before, never seen live o/api:v0"
        ]
    );
    let free = past.newest_known_good(&|_| false).unwrap();
    assert_eq!(free.images(), ["o/api:v2"]);
    let held = past.newest_known_good(&|pin| pin.image.ends_with("v2")).unwrap();
    assert_eq!(held.images(), ["o/api:v1"]);
    assert_eq!(past.pinned_by().unwrap().commit.short(), "ccccccc");
}

#[test]
fn the_schema_of_a_version_comes_from_the_record_or_its_commit() {
    let promoted = [
        promoted('c', "o/api:v2", "o/api:v3", Some("7")),
        promoted('b', "o/api:v1", "o/api:v2", None),
    ];
    let past = Past {
        pinned: &[pin("api", "o/api:v3")],
        record: &Record::default(),
        promoted: &promoted,
    };
    assert_eq!(past.schema(&["o/api:v3".to_owned()]).as_deref(), Some("7"));
    assert_eq!(past.schema(&["o/api:v2".to_owned()]), None);
}

#[test]
fn a_line_without_entries_is_matched_by_repository() {
    let line = "{\"v\":1,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"live\",\"images\":[\"o/api:v1\",\"o/gone:1\"]}\n";
    let record = Record::parse(line.as_bytes());
    let past = Past {
        pinned: &[pin("api", "o/api:v3")],
        record: &record,
        promoted: &[],
    };
    let version = past.newest_known_good(&|_| false).unwrap();
    assert_eq!(version.pins, [pin("api", "o/api:v1")]);
}

#[test]
fn exactly_the_former_tag_and_digest_come_back() {
    let text = "images:  # pins\n- name: api\n  newName: mirror/api  # kept\n  newTag: v3\n  digest: sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n- name: x\n  newTag: s1\n";
    let request = Request {
        select: Select {
            apps: vec![AppName::parse("api").unwrap()],
            environments: vec![EnvironmentName::parse("production").unwrap()],
            ..Select::default()
        },
        ..Request::default()
    };
    let layout = Layout {
        select: &request.select,
        allow: request.allow,
        config: None,
    };
    let target = layout.targets(&request.select.environments).unwrap().remove(0);
    let path = crate::model::RepoPath::parse(FILE).unwrap();
    let overlay = Overlay {
        files: vec![OverlayFile {
            path,
            text: text.as_bytes().to_vec(),
        }],
        included: Vec::new(),
    };
    let identity = Identity {
        by: "octo".to_owned(),
        run: "1".to_owned(),
        action: "x".to_owned(),
        source: None,
    };
    let account = Account {
        of: CommitSha::parse(&"c".repeat(40)),
        reason: Some("errors\nPromote-By: boss".to_owned()),
        schema: Some("6".to_owned()),
        ..Account::default()
    };
    let wanted = [vec![pin("api", &format!("mirror/api:v1@{DIGEST}"))]];
    let plan = restore(&[(target.clone(), overlay.clone())], &wanted, &account, &identity).unwrap();
    assert_eq!(plan.changes[0].after.reference(), format!("mirror/api:v1@{DIGEST}"));
    let message = plan.message.to_string();
    assert!(
        message.starts_with("roll back api in production to mirror/api:v1@sha256:"),
        "{message}"
    );
    let of = format!(
        "\nPromote-Rollback-Of: {}\nPromote-Schema: 6\nPromote-Reason: errors Promote-By: boss\n",
        "c".repeat(40)
    );
    assert!(message.contains(&of), "{message}");
    let tag = [vec![pin("api", "mirror/api:v1")]];
    let plan = restore(&[(target, overlay)], &tag, &account, &identity).unwrap();
    let after = String::from_utf8(plan.files[0].after.clone()).unwrap();
    assert_eq!(
        after,
        "images:  # pins\n- name: api\n  newName: mirror/api  # kept\n  newTag: v1\n- name: x\n  newTag: s1\n"
    );
}

#[test]
fn what_a_line_calls_good_is_what_comes_back_or_nothing() {
    let text = |image: &str, pinned: &str| {
        format!(
            "{{\"v\":1,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"live\",\"images\":[\"{image}\"],\
             \"pins\":[{{\"file\":\"{FILE}\",\"name\":\"api\",\"image\":\"{pinned}\"}}]}}"
        )
    };
    for (image, pinned, comes_back) in [
        ("o/api:v1", "o/api:v1", true),
        // Another version, another repository, and one that the entry does not have any more.
        ("o/api:v1", "o/api:never", false),
        ("o/api:v1", "evil.example/x:v1", false),
        ("mirror.corp/o/api:v1", "mirror.corp/o/api:v1", false),
    ] {
        let record = Record::parse(text(image, pinned).as_bytes());
        let past = Past {
            pinned: &[pin("api", "o/api:v2")],
            record: &record,
            promoted: &[],
        };
        let good = past.newest_known_good(&|_| false);
        assert_eq!(good.is_some(), comes_back, "{image} {pinned}");
        assert_eq!(past.versions().len(), usize::from(comes_back), "{image} {pinned}");
    }
}
