//! Random files and arguments through the real kustomize and through us: the same images come out, or the difference has a name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use promote_action::manifest::kustomize::{parse_arguments, set_images};
use promote_action::manifest::{Edited, ManifestFault};

use super::reading::{Tree, assert_rest_is_kept, images, meaning, tree};
use super::sample::{Dice, arguments, file};

pub(super) const VERSION: &str = "5.8.2";

/// Returns the program: `KUSTOMIZE`, or the one in the cache, which CI fills.
pub(super) fn program() -> Result<PathBuf, String> {
    if let Some(given) = std::env::var_os("KUSTOMIZE") {
        return Ok(PathBuf::from(given));
    }
    let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let folder = home
        .ok_or("there is no cache folder")?
        .join(format!("promote-action/kustomize-{VERSION}"));
    let path = folder.join("kustomize");
    if path.is_file() {
        return Ok(path);
    }
    if std::env::var_os("CI").is_none() {
        return Err(format!(
            "kustomize {VERSION} is not in the cache; run once with CI=true or give its path in KUSTOMIZE"
        ));
    }
    let module = format!("sigs.k8s.io/kustomize/kustomize/v5@v{VERSION}");
    let built = Command::new("go")
        .args(["install", "-trimpath", "-ldflags", "-s -w", &module])
        .env("GOBIN", &folder)
        .env("CGO_ENABLED", "0")
        .output();
    match built {
        Ok(done) if done.status.success() && path.is_file() => Ok(path),
        Ok(done) => Err(format!(
            "go install {module}: {}",
            String::from_utf8_lossy(&done.stderr)
        )),
        Err(error) => Err(format!("go: {error}")),
    }
}

/// What kustomize made of a file: the new text, or the first line of its error.
pub(super) fn theirs(program: &Path, dir: &Path, text: &str, arguments: &[String]) -> Result<String, String> {
    let path = dir.join("kustomization.yaml");
    std::fs::write(&path, text).unwrap();
    let ran = Command::new(program)
        .args(["edit", "set", "image", "--"])
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if ran.status.success() {
        Ok(std::fs::read_to_string(&path).unwrap())
    } else {
        Err(String::from_utf8_lossy(&ran.stderr)
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned())
    }
}

fn ours(text: &str, arguments: &[String]) -> Result<Edited, ManifestFault> {
    set_images(text.as_bytes(), &parse_arguments(arguments)?).map(|(edited, _)| edited)
}

/// Reasons for which we refuse what kustomize edits. Each would silently change something else, or is ambiguous.
const REFUSALS: [(&str, &str); 9] = [
    (
        "without a line break",
        "a block scalar that the end of the file cuts off",
    ),
    ("would change with it", "a changed anchor would change its aliases"),
    ("supplies it", "what a merge supplies cannot be taken away"),
    ("two entries are named", "kustomize drops the second entry"),
    ("the file has the key", "kustomize writes the list twice"),
    ("` twice", "kustomize takes the last of two equal fields"),
    ("has the YAML tag", "an explicit type that is no string"),
    ("would change more than the pin", "the self-check stopped the edit"),
    ("is not allowed in YAML", "a character that only newer readers allow"),
];

/// Compares one pair; returns the name of the class it belongs to, or what is wrong.
fn compare(program: &Path, dir: &Path, seed: u64) -> Result<&'static str, String> {
    let mut dice = Dice::new(seed);
    let (text, arguments) = (file(&mut dice), arguments(&mut dice));
    let tell = |what: &str| format!("seed {seed}: {what}\narguments {arguments:?}\n--- file\n{text}\n---");
    let (edited, their_text) = match (ours(&text, &arguments), theirs(program, dir, &text, &arguments)) {
        (Ok(edited), Ok(theirs)) => (edited, theirs),
        (Err(_), Err(_)) => return Ok("both refuse"),
        (Ok(edited), Err(error)) => {
            let repaired =
                error.contains("Go struct field Image.images.") || error.contains("Go struct field Image.imageTags.");
            let fine = repaired
                && !edited.changed.is_empty()
                && theirs(program, dir, &String::from_utf8(edited.bytes).unwrap(), &arguments).is_ok();
            return if fine {
                Ok("we repair a number in the target")
            } else {
                Err(tell(&format!("we edit, kustomize refuses: {error}")))
            };
        }
        (Err(fault), Ok(_)) => {
            let known = REFUSALS.iter().find(|(words, _)| fault.message.contains(words));
            return known
                .map(|(_, class)| *class)
                .ok_or_else(|| tell(&format!("we refuse: {fault}")));
        }
    };
    assert_rest_is_kept(text.as_bytes(), &edited.bytes, &edited.spans);
    let our_text = String::from_utf8(edited.bytes).unwrap();
    let again =
        ours(&our_text, &arguments).map_err(|fault| tell(&format!("the result is refused: {fault}\n{our_text}")))?;
    if !again.changed.is_empty() {
        return Err(tell(&format!("a second run changes\n{our_text}")));
    }
    let Some(mut mine) = images(&our_text) else {
        return match tree(&text) {
            // Lines of spaces after a block with a stated indentation, such as `|2-`.
            None => Ok("yaml-rust2 does not read the file either"),
            Some(_) => Err(tell(&format!("the result is not YAML\n{our_text}"))),
        };
    };
    let mut names = Vec::new();
    mine.retain(|entry| {
        let name = entry.get("name").cloned().unwrap_or_default();
        let first = !names.contains(&name);
        names.push(name);
        first
    });
    let (mine, their) = (meaning(mine), meaning(images(&their_text).unwrap()));
    if mine != their {
        return Err(tell(&format!(
            "other images:\nours   {mine:?}\ntheirs {their:?}\n{our_text}"
        )));
    }
    if rest(&our_text) != rest(&text) {
        return Err(tell(&format!("other fields changed:\n{our_text}")));
    }
    Ok("the same images")
}

/// Everything but the images.
fn rest(text: &str) -> Option<Vec<(Tree, Tree)>> {
    let is_images = |key: &Tree| matches!(key, Tree::Text(key) if key.eq_ignore_ascii_case("images") || key.eq_ignore_ascii_case("imageTags"));
    match tree(text)? {
        Tree::Map(fields) => Some(fields.into_iter().filter(|(key, _)| !is_images(key)).collect()),
        _ => Some(Vec::new()),
    }
}

#[test]
fn random_files_come_out_as_kustomize_means_them() {
    let program = match program() {
        Ok(program) => program,
        Err(why) => {
            crate::support::skipped(&format!("comparison with the real kustomize: {why}"));
            return;
        }
    };
    let thorough = std::env::var_os("CI").is_some() || std::env::var_os("KUSTOMIZE").is_some();
    let pairs = std::env::var("PAIRS").ok().and_then(|pairs| pairs.parse().ok());
    let pairs: u64 = pairs.unwrap_or(if thorough { 2_000 } else { 200 });
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| Dice::new(u64::from(std::process::id())).number() >> 16);
    eprintln!("comparing {pairs} files with kustomize {VERSION}, seeds from SEED={seed} on");
    let workers = 2;
    let results: Vec<Result<&'static str, String>> = std::thread::scope(|scope| {
        let start = |worker: u64| {
            let program = &program;
            scope.spawn(move || {
                let memory = Path::new("/dev/shm");
                let dir = if memory.is_dir() {
                    tempfile::tempdir_in(memory)
                } else {
                    tempfile::tempdir()
                };
                let dir = dir.unwrap();
                let mine = (worker..pairs).step_by(workers);
                mine.map(|number| compare(program, dir.path(), seed + number))
                    .collect::<Vec<_>>()
            })
        };
        let running: Vec<_> = (0..workers as u64).map(start).collect();
        running.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for result in results {
        match result {
            Ok(class) => *classes.entry(class).or_default() += 1,
            Err(why) => wrong.push(why),
        }
    }
    for (class, count) in &classes {
        eprintln!("{count:6} {class}");
    }
    assert!(
        wrong.is_empty(),
        "{} of {pairs} differ; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(4)].join("\n=====\n")
    );
}
