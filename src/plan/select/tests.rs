//! Entries of one repository, and entries whose name is no repository.

use crate::model::{AppName, EnvironmentName, Reference, Tag};
use crate::plan::{Config, Identity, Layout, NoPlan, Overlay, OverlayFile, Request, Select, plan};

const TWO: &str = "- {name: WEB_IMAGE, newName: ghcr.io/acme/shop, newTag: v1}\n- {name: WORKER_IMAGE, newName: ghcr.io/acme/shop, newTag: v1}\n";
const ALIAS: &str =
    "- {name: ghcr.io/acme/shop, newTag: v1}\n- {name: worker, newName: ghcr.io/acme/shop, newTag: v1}\n";

/// Plans an overlay with these entries, where promote.yaml lists `listed` for the app; returns the entries that change.
fn planned(entries: &str, listed: Option<&str>, lines: &[&str], new_entry: bool) -> Result<Vec<String>, String> {
    let config = listed.map(|images| {
        let text = format!(
            "version: 1\nenvironments: [{{name: dev, allow: [new-entry]}}]\napps: {{api: {{images: [{images}]}}}}\n"
        );
        Config::parse(text.as_bytes()).unwrap()
    });
    let mut request = Request {
        select: Select {
            apps: vec![AppName::parse("api").unwrap()],
            environments: vec![EnvironmentName::parse("dev").unwrap()],
            ..Select::default()
        },
        ..Request::default()
    };
    request.allow.new_entry = new_entry;
    match lines {
        [tag] if !tag.contains(':') => request.tag = Some(Tag::parse(tag).unwrap()),
        lines => request.images = lines.iter().map(|line| Reference::named(line).unwrap()).collect(),
    }
    let layout = Layout {
        select: &request.select,
        allow: request.allow,
        config: config.as_ref(),
    };
    let place = layout.targets(&request.select.environments).unwrap().remove(0);
    let overlay = Overlay {
        files: vec![OverlayFile {
            path: place.folder.join("kustomization.yaml").unwrap(),
            text: format!("images:\n{entries}").into_bytes(),
        }],
        included: Vec::new(),
    };
    let identity = Identity {
        by: "octo".to_owned(),
        run: "1".to_owned(),
        action: "x".to_owned(),
        source: None,
    };
    match plan(&request, "x", &[(place, overlay)], &[], &identity) {
        Ok(plan) => Ok(plan.changes.iter().map(|change| change.name().to_owned()).collect()),
        Err(NoPlan::Mistakes(mistakes)) => {
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            Err(mistakes.concat())
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn promote_yaml_lets_one_line_set_all_entries_of_a_repository() {
    for (entries, names) in [(TWO, "WEB_IMAGE, WORKER_IMAGE"), (ALIAS, "ghcr.io/acme/shop, worker")] {
        for listed in ["ghcr.io/acme/shop", names] {
            for line in ["v2", "ghcr.io/acme/shop:v2"] {
                let found = planned(entries, Some(listed), &[line], false).unwrap();
                assert_eq!(found.join(", "), names, "{listed}: {line}");
            }
        }
    }
    // Docker Hub's names are one repository.
    let nginx = "- {name: docker.io/library/nginx, newTag: v1}\n- {name: nginx, newTag: v1}\n";
    assert_eq!(planned(nginx, Some("nginx"), &["v2"], false).unwrap().len(), 2);
}

#[test]
fn without_it_one_mistake_names_a_way_that_works() {
    for (entries, line) in [
        (TWO, "ghcr.io/acme/shop:v2"),
        (TWO, "v2"),
        (ALIAS, "ghcr.io/acme/shop:v2"),
        (ALIAS, "v2"),
    ] {
        let why = planned(entries, None, &[line], false).unwrap_err();
        assert!(
            why.contains("`apps: {api: {images: [ghcr.io/acme/shop]}}` in promote.yaml"),
            "{why}"
        );
        let way = if entries == TWO { "(WEB_IMAGE:" } else { "worker:" };
        assert!(why.contains(way), "{why}");
    }
    assert_eq!(planned(ALIAS, None, &["worker:v2"], false).unwrap(), ["worker"]);
    let each = ["ghcr.io/acme/shop:v2", "worker:v3"];
    assert_eq!(planned(ALIAS, None, &each, false).unwrap().len(), 2);
    let each = ["WEB_IMAGE:v2", "WORKER_IMAGE:v3"];
    assert_eq!(planned(TWO, None, &each, false).unwrap().len(), 2);
}

#[test]
fn an_entry_is_named_as_the_file_names_it() {
    let digest = format!("sha256:{}", "b".repeat(64));
    let held = format!("api:v1@{digest}");
    for name in ["$(API)", "ghcr.io/Acme/API", held.as_str(), "(.*)/api"] {
        let entry = format!("- {{name: \"{name}\", newName: ghcr.io/acme/api, newTag: v1}}\n");
        assert_eq!(planned(&entry, None, &[&format!("{name}:v2")], false).unwrap(), [name]);
        assert_eq!(
            planned(&entry, Some(&format!("\"{name}\"")), &["v2"], false).unwrap(),
            [name]
        );
    }
    // A name that no entry has is none that could be added.
    for new_entry in [false, true] {
        let why = planned(TWO, None, &["ghcr.io/Acme/API:v2"], new_entry).unwrap_err();
        assert!(why.contains("must be lower case") && why.contains("WEB_IMAGE"), "{why}");
    }
}

#[test]
fn a_regular_expression_is_named_as_what_it_is() {
    let entry = "- {name: \".*/api\", newTag: v1}\n";
    for line in ["ghcr.io/acme/api:v2", "v2", ".*/api:v2"] {
        let why = planned(entry, None, &[line], false).unwrap_err();
        assert!(
            why.contains("entry .*/api") && why.contains("regular expression") && why.contains("newName"),
            "{why}"
        );
    }
    let added = planned(entry, None, &["ghcr.io/acme/api:v2"], true).unwrap();
    assert_eq!(added, ["ghcr.io/acme/api"]);
}
