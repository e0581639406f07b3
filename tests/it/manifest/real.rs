//! Real kustomizations of public repositories, beside what the real kustomize makes of them.
//! They are other people's: read in place through `CONFORMANCE_DIR`, never copied.

use std::collections::BTreeMap;
use std::path::Path;

use promote_action::manifest::ManifestFault;
use promote_action::manifest::kustomize::{parse_arguments, set_images};
use serde_json::Value;

use super::reading::{Entry, assert_rest_is_kept, images, meaning};

fn edit(text: &str, arguments: &[String]) -> Result<(String, bool), ManifestFault> {
    let edits = parse_arguments(arguments)?;
    let (edited, _) = set_images(text.as_bytes(), &edits)?;
    assert_rest_is_kept(text.as_bytes(), &edited.bytes, &edited.spans);
    assert_eq!(
        edited.changed.is_empty(),
        edited.bytes == text.as_bytes(),
        "{arguments:?}"
    );
    Ok((String::from_utf8(edited.bytes).unwrap(), !edited.changed.is_empty()))
}

fn entries(list: &Value) -> Vec<Entry> {
    let field = |(key, value): (&String, &Value)| {
        let value = value.as_str().filter(|value| !value.is_empty())?;
        Some((key.clone(), value.to_owned()))
    };
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry.as_object().unwrap().iter().filter_map(field).collect())
        .collect()
}

/// Runs one edit of one file; returns how we and kustomize relate.
fn compare(file: &Value, edit_of: &Value) -> (&'static str, String) {
    let text = file["text"].as_str().unwrap();
    let arguments: Vec<String> = edit_of["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arg| arg.as_str().unwrap().into())
        .collect();
    let place = format!(
        "{}/{} {arguments:?}",
        file["repo"].as_str().unwrap(),
        file["path"].as_str().unwrap()
    );
    let (new, _) = match (edit(text, &arguments), edit_of["exit"].as_i64() == Some(0)) {
        (Ok(edited), true) => edited,
        (Ok(_), false) => return ("kustomize refuses, we edit", format!("{place}: {}", edit_of["stderr"])),
        (Err(fault), true) => return ("we refuse, kustomize edits", format!("{place}: {fault}")),
        (Err(_), false) => return ("both refuse", String::new()),
    };
    let (again, changed) = edit(&new, &arguments).unwrap();
    assert!(!changed && again == new, "{place}: a second run changes the file");
    if let Some(back) = way_back(text, &arguments) {
        let (old, _) = edit(&new, &[back]).unwrap();
        assert_eq!(old, text, "{place}: the way back leads elsewhere");
    }
    let (ours, theirs) = (meaning(images(&new).unwrap()), meaning(entries(&edit_of["images"])));
    if ours == theirs {
        return ("the same images", String::new());
    }
    (
        "other images",
        format!("{place}:\n  ours   {ours:?}\n  theirs {theirs:?}"),
    )
}

/// Returns the argument that undoes `NAME=*:TAG`, where a single line was changed and no quotes were needed.
fn way_back(text: &str, arguments: &[String]) -> Option<String> {
    let [argument] = arguments else { return None };
    let (name, tag) = argument.split_once("=*:")?;
    // Longer than any word that is a boolean or null, or with more dots than a number.
    let plain = |tag: &str| {
        (tag.len() > 5 && tag.starts_with(|c: char| c.is_ascii_alphabetic())) || tag.matches('.').count() > 1
    };
    let old = images(text)?;
    let entry = old
        .iter()
        .find(|entry| entry.get("name").is_some_and(|known| known == name))?;
    let old_tag = entry.get("newTag")?;
    let simple = !entry.contains_key("digest") && !entry.contains_key("tagSuffix");
    (simple && plain(tag) && plain(old_tag)).then(|| format!("{name}=*:{old_tag}"))
}

#[test]
fn real_files_come_out_as_kustomize_means_them() {
    let Ok(dir) = std::env::var("CONFORMANCE_DIR") else {
        crate::support::skipped("real kustomizations: CONFORMANCE_DIR is not set");
        return;
    };
    let lines = std::fs::read_to_string(Path::new(&dir).join("cases/real-kustomizations.jsonl")).unwrap();
    let mut classes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut files = 0;
    for line in lines.lines() {
        let file: Value = serde_json::from_str(line).unwrap();
        files += 1;
        for edit_of in file["oracle"].as_array().unwrap() {
            let (class, example) = compare(&file, edit_of);
            classes.entry(class).or_default().push(example);
        }
    }
    eprintln!("{files} real files:");
    for (class, examples) in &classes {
        eprintln!("{:6} {class}", examples.len());
        for example in examples.iter().filter(|example| !example.is_empty()).take(8) {
            eprintln!("       {example}");
        }
    }
    assert!(files > 600);
    for class in [
        "other images",
        "we refuse, kustomize edits",
        "kustomize refuses, we edit",
    ] {
        assert!(!classes.contains_key(class), "{class}");
    }
}
