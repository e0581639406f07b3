//! Generated pages equal what is committed; what they promise holds.

use std::fs;
use std::path::Path;

use promote_action::cli::{reference, table};
use promote_action::model::{Command, limits};
use promote_action::plan::Config;
use serde_json::Value;

mod commands;
mod limit_rows;
pub(crate) mod report;
mod schema;
mod shells;
mod words;
mod workflow;

/// Compares every generated file with the one in the repository; with `UPDATE_DOCS=1` writes it instead.
#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, text) in reference::pages()
        .into_iter()
        .chain(report::pages())
        .chain([("docs/limits.md", limits::page())])
    {
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

/// Every promise of SECURITY.md names what holds it: tests by the file that they are in, or whole files.
#[test]
fn what_holds_a_promise_of_security_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let is_file = |span: &str| {
        ["src/", "tests/", "release/", ".ci/"]
            .iter()
            .any(|folder| span.starts_with(folder))
    };
    let (mut names, mut tests, mut files) = (Vec::new(), 0, 0);
    for span in text.split('`').skip(1).step_by(2) {
        if is_file(span) {
            let held = fs::read_to_string(root.join(span)).unwrap_or_else(|error| panic!("{span}: {error}"));
            for name in names.drain(..) {
                assert!(held.contains(&format!("fn {name}(")), "{span} has no test {name}");
                tests += 1;
            }
            files += 1;
        } else if span.contains('_')
            && span
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            names.push(span);
        }
    }
    assert!(names.is_empty(), "{names:?} are in no file");
    assert!(tests > 30 && files > 30, "{tests} tests in {files} files");
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
        assert!(
            ["", "Default: ", "Required"]
                .iter()
                .any(|start| spec.absent.starts_with(start) && start.is_empty() == spec.absent.is_empty()),
            "{}: {:?} is neither a default nor a condition",
            spec.name,
            spec.absent
        );
    }
    let codes = page("docs/reference/exit-codes.md");
    for code in [
        "| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 4 |", "| 5 |", "| 9 |", "| 10 |", "| 130 |", "| 143 |",
    ] {
        assert!(codes.contains(code), "{code}");
    }
}

/// What the reader of promote.yaml and the schema for editors must agree on: a text, and whether it is right.
const CONFIGURATIONS: &[(&str, bool)] = &[
    ("version: 1\n", true),
    ("version: 1\nlayout:\nenvironments:\napps:\n", true),
    ("version: 1\napps:\n  api:\n  web: {images: [a/b]}\n", true),
    ("version: 1\nlayout: {path: a, application: [a, by-source]}\n", true),
    ("version: 2\n", false),
    ("layout: {path: a}\n", false),
    ("version: 1\npolicies: {}\n", false),
    ("version: 1\nlayout: {paht: a}\n", false),
    ("version: 1\nenvironments: [{sync: auto}]\n", false),
    ("version: 1\nenvironments: [{name: dev, sycn: auto}]\n", false),
    ("version: 1\nenvironments: [{name: dev, sync: sometimes}]\n", false),
    ("version: 1\nenvironments: [{name: dev, timeout: soon}]\n", false),
    ("version: 1\nenvironments: [{name: dev, allow: [everything]}]\n", false),
    ("version: 1\nenvironments: [{name: -dev}]\n", false),
    ("version: 1\napps: {\"a/b\": {}}\n", false),
    ("version: 1\napps: {api: {argocd-token: x}}\n", false),
];

#[test]
fn the_reader_of_promote_yaml_and_its_schema_agree() {
    let schema: Value = serde_json::from_str(&page("docs/reference/promote-yaml.schema.json")).unwrap();
    let examples = ["examples/promote.yaml", "examples/pipeline/promote.yaml"];
    let examples = examples.map(|file| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap());
    let examples = examples.iter().map(|text| (text.as_str(), true));
    for (text, right) in CONFIGURATIONS.iter().copied().chain(examples) {
        let read = Config::parse(text.as_bytes());
        assert_eq!(read.is_ok(), right, "{read:?} of\n{text}");
        let mistakes = schema::mistakes(&schema, &serde_yaml::from_str(text).unwrap(), false);
        assert_eq!(mistakes.is_empty(), right, "{mistakes:#?} of\n{text}");
    }
}

#[test]
fn a_report_with_a_field_or_a_word_that_the_schema_does_not_know_is_found() {
    let schema: Value = serde_json::from_str(&report::pages()[0].1).unwrap();
    let right = serde_json::to_value(promote_action::report::Report::new(Command::Plan)).unwrap();
    assert_eq!(schema::mistakes(&schema, &right, true), Vec::<String>::new());
    for (field, value) in [
        ("outcome", Value::from("fine")),
        ("schema", Value::from(2)),
        ("app", Value::from("api")),
        ("new", Value::from(1)),
        ("gates", serde_json::json!([{"name": "x"}])),
    ] {
        let mut wrong = right.clone();
        wrong[field] = value;
        assert!(!schema::mistakes(&schema, &wrong, true).is_empty(), "{field}");
    }
}

fn page(path: &str) -> String {
    reference::pages()
        .into_iter()
        .find(|(known, _)| *known == path)
        .unwrap()
        .1
}
