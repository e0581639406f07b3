//! The catalogue of cases: every one through `set-image`, in a folder of its own.

use std::fs;

use base64::Engine;
use promote_action::set_image;
use serde_json::Value;

use super::reading::{Entry, images, meaning};

const CASES: &str = include_str!("kustomize-edit.json");

fn entries(list: &Value) -> Vec<Entry> {
    let field = |(key, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!value.is_empty() && value != "null").then(|| (key.clone(), value))
    };
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry.as_object().unwrap().iter().filter_map(field).collect())
        .collect()
}

/// The files of a case before it runs.
fn files(case: &Value) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, text) in case["files"].as_object().into_iter().flatten() {
        files.push((name.clone(), text.as_str().unwrap().into()));
    }
    let name = case["file"].as_str().unwrap_or("kustomization.yaml").to_owned();
    if let Some(text) = case["input_kustomization"].as_str() {
        files.push((name, text.into()));
    } else if let Some(text) = case["input_base64"].as_str() {
        files.push((name, base64::engine::general_purpose::STANDARD.decode(text).unwrap()));
    }
    files
}

/// Runs one case; says what is wrong, if something is.
fn run(case: &Value) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let files = files(case);
    let folders = case["dirs"].as_array().cloned().unwrap_or_default();
    for folder in &folders {
        fs::create_dir_all(dir.path().join(folder.as_str().unwrap())).unwrap();
    }
    for (name, bytes) in &files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let arguments = case["cli"].as_array().unwrap().iter();
    let arguments: Vec<String> = arguments.map(|arg| arg.as_str().unwrap().into()).collect();
    let ran = set_image::run(dir.path(), &arguments);

    let read = |(name, _): &(String, Vec<u8>)| fs::read(dir.path().join(name)).unwrap();
    let after: Vec<Vec<u8>> = files.iter().map(read).collect();
    if fs::read_dir(dir.path()).unwrap().count() != files.len() + folders.len() {
        return Err("another file was left in the folder".to_owned());
    }
    let unchanged = files.iter().zip(&after).all(|((_, old), new)| old == new);
    match ran {
        Err(_) if !unchanged => Err("refused, yet the file changed".to_owned()),
        Err(_) if may_refuse(case) => Ok(()),
        Err(fault) => Err(format!("refused: {fault}")),
        Ok(_) => {
            let new = String::from_utf8(after[0].clone()).unwrap();
            judge(case, &new)?;
            again(dir.path(), &arguments, &new)
        }
    }
}

fn may_refuse(case: &Value) -> bool {
    let divergence = case["divergence"].as_str().unwrap_or("");
    let words = ["error", "refus", "trimming", "strict"];
    case["expect"].get("error").is_some() || words.iter().any(|word| divergence.contains(word))
}

/// Compares what was written with what the case wants: the bytes where they are given, else the images.
fn judge(case: &Value, new: &str) -> Result<(), String> {
    let given = ["expect_bytes", "suggested_bytes"];
    if given.iter().any(|key| case[*key].as_str() == Some(new)) {
        return Ok(());
    }
    if case.get("expect_bytes").is_some() || case["expect"].get("error").is_some() {
        return Err(format!("wrote:\n{new}"));
    }
    let got = meaning(images(new).ok_or("the result is not YAML")?);
    let wanted = [&case["expect"]["images"], &case["preserving_images"]];
    let fits = wanted
        .iter()
        .any(|list| list.is_array() && meaning(entries(list)) == got);
    if fits || case.get("divergence").is_some() {
        return Ok(());
    }
    Err(format!("means {got:?}:\n{new}"))
}

/// The same arguments once more must change nothing.
fn again(dir: &std::path::Path, arguments: &[String], new: &str) -> Result<(), String> {
    let file = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.is_file())
        .unwrap();
    match set_image::run(dir, arguments) {
        Ok(told) if fs::read_to_string(&file).unwrap() == new && told.words.concat().contains("unchanged") => Ok(()),
        other => Err(format!("a second run is not without effect: {other:?}")),
    }
}

#[test]
fn every_case_comes_out_as_the_catalogue_says() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let why = run(case).err()?;
            Some(format!("{} {}: {why}", case["id"], case["title"]))
        })
        .collect();
    assert!(cases.len() > 200);
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// Writes the cases as seeds for the fuzzer, in its form: `FUZZ_SEEDS=DIR cargo test --test it seeds`.
#[test]
fn the_cases_are_seeds_for_the_fuzzer() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let folder = std::env::var_os("FUZZ_SEEDS").map(std::path::PathBuf::from);
    let mut seeds = 0;
    for case in &cases {
        let arguments = case["cli"].as_array().unwrap().iter();
        let arguments: Vec<&str> = arguments.map(|arg| arg.as_str().unwrap()).collect();
        for (_, file) in files(case) {
            let seed = [arguments.join("\n").as_bytes(), &[0xFF], &file].concat();
            assert!(seed.split(|byte| *byte == 0xFF).count() == 2, "{}", case["id"]);
            seeds += 1;
            if let Some(folder) = &folder {
                fs::create_dir_all(folder).unwrap();
                fs::write(folder.join(format!("case-{seeds:03}")), &seed).unwrap();
            }
        }
    }
    assert!(seeds > 200);
}
