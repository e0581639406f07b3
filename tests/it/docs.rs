//! Generated pages equal what is committed.

use std::fs;
use std::path::Path;

use promote_action::cli::{reference, table};

/// Compares every generated file with the one in the repository; with `UPDATE_DOCS=1` writes it instead.
#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in reference::pages() {
        let file = root.join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &text).unwrap();
        }
        let committed = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == text,
            "{path} differs from the declarations: run UPDATE_DOCS=1 cargo test --test it docs, and commit it"
        );
    }
}

#[test]
fn the_action_declares_every_input_and_only_defaults_that_no_file_may_override() {
    let action: serde_yaml::Value = serde_yaml::from_str(&page("action.yml")).unwrap();
    let inputs = action["inputs"].as_mapping().unwrap();
    assert_eq!(inputs.len(), table::all().count());
    for spec in table::all() {
        let input = &action["inputs"][spec.name];
        assert!(
            input["description"].as_str().is_some_and(|text| text.len() > 20),
            "{}",
            spec.name
        );
        let default = input["default"].as_str();
        if spec.in_file {
            assert_eq!(
                default, None,
                "{}: the runner would pass it on, and promote.yaml would never be asked",
                spec.name
            );
        } else {
            assert_eq!(default, spec.action_default.or(spec.default), "{}", spec.name);
        }
    }
    let expressions: Vec<_> = inputs
        .values()
        .filter(|input| input["default"].as_str().is_some_and(|text| text.contains("${{")))
        .collect();
    assert_eq!(
        expressions.len(),
        1,
        "only `github-token` has an expression as its default"
    );
    assert_eq!(action["runs"]["using"].as_str(), Some("docker"));
}

#[test]
fn the_pages_hold_every_input_output_and_code() {
    let inputs = page("docs/reference/inputs.md");
    for spec in table::all() {
        assert!(inputs.contains(&format!("| `{}`", spec.name)), "{}", spec.name);
        assert!(!spec.help.is_empty() && !spec.example.is_empty(), "{}", spec.name);
        assert!(
            spec.default.is_some() || !spec.absent.is_empty(),
            "{} says what its absence means",
            spec.name
        );
    }
    let codes = page("docs/reference/exit-codes.md");
    for code in [
        "| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 9 |", "| 10 |", "| 130 |", "| 143 |",
    ] {
        assert!(codes.contains(code), "{code}");
    }
}

fn page(path: &str) -> String {
    reference::pages()
        .into_iter()
        .find(|(known, _)| *known == path)
        .unwrap()
        .1
}
