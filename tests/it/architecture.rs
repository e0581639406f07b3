//! The structure of the code, as ARCHITECTURE.md promises it: ranked folders, pure rooms, one home for each heavy crate.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// Each room with its rank: a file imports its own room or a lower rank, never sideways or up.
const RANKS: [(&str, u8); 21] = [
    ("model", 0),
    ("manifest", 1),
    ("assess", 1),
    ("report", 1),
    ("inputs", 1),
    ("http", 1),
    ("journal", 1),
    ("clock", 1),
    ("plan", 2),
    ("github", 2),
    ("infrarepo", 3),
    ("githost", 3),
    ("delivery", 3),
    ("metrics", 3),
    ("registry", 3),
    ("promote", 4),
    ("set_image", 4),
    ("runner", 5),
    ("cli", 6),
    ("main", 7),
    ("lib", 7),
];

/// The folders and files inside `promote/` with their ranks; whatever is not named here is the base. A file imports its own folder or a
/// lower rank. The façade and the tests' entrance are not judged: they name what others may use.
const INSIDE: [(&str, u8); 6] = [
    ("run", 4),
    ("commands", 3),
    ("land", 2),
    ("follow", 2),
    ("prepare", 1),
    ("testing", 4),
];

/// Folders whose files still import each other in a circle, and the evaluator of expressions, which is recursive. None may join them.
const STILL_CIRCULAR: [&str; 4] = [
    "assess/analysis/expression",
    "manifest/kustomize",
    "plan/config",
    "promote/follow",
];

/// Rooms that decide: no clock, environment, file system, network, and nothing to wait for.
const PURE: [&str; 6] = ["model", "manifest", "assess", "report", "inputs", "plan"];

/// Crates that reach outside, and the rooms that may name them.
const HOMES: [(&str, &[&str]); 13] = [
    (
        "reqwest",
        &[
            "http",
            "infrarepo",
            "delivery",
            "github",
            "githost",
            "metrics",
            "registry",
        ],
    ),
    ("rustls", &["http"]),
    ("backon", &["http"]),
    ("git2", &["infrarepo"]),
    ("russh", &["infrarepo"]),
    (
        "tokio",
        &[
            "http",
            "clock",
            "infrarepo",
            "delivery",
            "metrics",
            "promote",
            "runner",
            "cli",
        ],
    ),
    ("jiff", &["assess"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("imara_diff", &["plan"]),
    ("yaml_rust2", &["assess", "manifest", "plan"]),
    ("promote_manifest", &["model", "lib"]),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns every source file with its room.
fn files() -> Vec<(String, PathBuf)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&source(), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(source()).unwrap();
            let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
            (first.trim_end_matches(".rs").to_owned(), path)
        })
        .collect()
}

/// Collects `crate::ROOM` and the first name of every other path, outside test modules.
#[derive(Default)]
struct Names {
    rooms: BTreeSet<String>,
    /// Rooms with what is named of them.
    inner: BTreeSet<(String, String)>,
    crates: BTreeSet<String>,
    asynchronous: Vec<String>,
    /// Every path, as it is written.
    paths: BTreeSet<Vec<String>>,
}

impl Names {
    fn take(&mut self, parts: &[String]) {
        self.paths.insert(parts.to_vec());
        match parts {
            [first, room, rest @ ..] if first == "crate" => {
                self.rooms.insert(room.clone());
                self.inner.extend(rest.first().map(|part| (room.clone(), part.clone())));
            }
            [first, ..] => {
                self.crates.insert(first.clone());
            }
            [] => {}
        }
        if let [first, second, ..] = parts
            && first == "std"
        {
            self.crates.insert(format!("std::{second}"));
        }
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| {
            let mut parts = before.to_vec();
            parts.push(name.to_string());
            parts
        };
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.take(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.take(&with(&name.ident)),
            syn::UseTree::Glob(_) => self.take(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }
}

impl Names {
    /// Returns the names of files beside `path` that it imports: `super::NAME`, or the same path from the crate's root.
    fn siblings(&self, path: &Path) -> BTreeSet<String> {
        let inside = path.strip_prefix(source()).unwrap();
        let mut folder: Vec<String> = vec!["crate".to_owned()];
        folder.extend(
            inside
                .parent()
                .unwrap()
                .components()
                .map(|part| part.as_os_str().to_str().unwrap().to_owned()),
        );
        let after =
            |paths: &[String], before: &[String]| paths.strip_prefix(before).and_then(|rest| rest.first().cloned());
        self.paths
            .iter()
            .filter_map(|parts| after(parts, &["super".to_owned()]).or_else(|| after(parts, &folder)))
            .collect()
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let test = item.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|argument| argument.is_ident("test"))
        });
        if !test {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if parts.len() > 1 {
            self.take(&parts);
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.asyncness.is_some() {
            self.asynchronous.push(signature.ident.to_string());
        }
        syn::visit::visit_signature(self, signature);
    }
}

fn names(path: &Path) -> Names {
    let text = std::fs::read_to_string(path).unwrap();
    let mut names = Names::default();
    names.visit_file(&syn::parse_file(&text).unwrap());
    names
}

/// Returns what a file of a room names of that room: the first part below the room in each `crate::ROOM::PART`, outside test modules.
fn parts(path: &Path, room: &str) -> BTreeSet<String> {
    names(path)
        .inner
        .into_iter()
        .filter(|(of, _)| of == room)
        .map(|(_, part)| part)
        .collect()
}

fn rank(room: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == room).map(|(_, rank)| *rank)
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    for (room, path) in files() {
        let Some(own) = rank(&room) else {
            wrong.push(format!("{}: the room {room} has no rank", path.display()));
            continue;
        };
        // The editor is a crate of its own, and can see nothing else of ours.
        if room == "manifest" {
            continue;
        }
        for other in names(&path).rooms {
            match rank(&other) {
                Some(_) if other == room => {}
                Some(rank) if rank < own => {}
                Some(rank) => wrong.push(format!(
                    "{} ({room}, rank {own}) imports {other} (rank {rank})",
                    path.display()
                )),
                // A function or type of the crate's root would hide a room.
                None => wrong.push(format!("{} imports crate::{other}, which is no room", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the files of `promote/` with the folder or file that each belongs to.
fn inside_promote() -> Vec<(String, PathBuf)> {
    let rooms = files().into_iter().filter(|(room, _)| room == "promote");
    rooms
        .map(|(_, path)| {
            let inside = path.strip_prefix(source().join("promote")).unwrap();
            let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
            (first.trim_end_matches(".rs").to_owned(), path)
        })
        .filter(|(part, _)| part != "mod")
        .collect()
}

#[test]
fn imports_inside_promote_point_down() {
    let rank = |part: &str| {
        INSIDE
            .iter()
            .find(|(name, _)| *name == part)
            .map_or(0, |(_, rank)| *rank)
    };
    let mut wrong = Vec::new();
    let mut arrows: BTreeSet<(String, String)> = BTreeSet::new();
    for (own, path) in inside_promote() {
        for other in parts(&path, "promote").into_iter().filter(|other| *other != own) {
            let (from, to) = (rank(&own), rank(&other));
            if to > from || (to == from && from > 0) {
                wrong.push(format!(
                    "{} ({own}, rank {from}) imports {other} (rank {to})",
                    path.display()
                ));
            }
            arrows.insert((own.clone(), other));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The files of the base may use each other, but not in a circle.
    assert_eq!(circles(&arrows), Vec::<String>::new());
}

/// Returns the names that lead back to themselves.
fn circles(arrows: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut open: BTreeSet<(String, String)> = arrows.clone();
    loop {
        // Whoever imports nothing that is left is in no circle.
        let left: BTreeSet<String> = open.iter().map(|(from, _)| from.clone()).collect();
        let before = open.len();
        open.retain(|(_, to)| left.contains(to));
        if open.len() == before {
            return left.into_iter().collect();
        }
    }
}

#[test]
fn files_of_a_folder_import_each_other_in_no_circle() {
    // A folder's own file is its base and its façade: children may use what it declares.
    let mut folders: std::collections::BTreeMap<PathBuf, BTreeSet<(String, String)>> =
        std::collections::BTreeMap::new();
    for (_, path) in files() {
        let folder = path.parent().unwrap().to_path_buf();
        let own = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if ["mod", "lib", "main", "testing", "tests"].contains(&own.as_str()) {
            continue;
        }
        let siblings =
            |name: &str| folder.join(format!("{name}.rs")).exists() || folder.join(name).join("mod.rs").exists();
        for other in names(&path).siblings(&path) {
            if other != own && siblings(&other) {
                folders.entry(folder.clone()).or_default().insert((own.clone(), other));
            }
        }
    }
    let mut found = Vec::new();
    for (folder, arrows) in folders {
        if !circles(&arrows).is_empty() {
            found.push(folder.strip_prefix(source()).unwrap().to_str().unwrap().to_owned());
        }
    }
    found.retain(|folder| !STILL_CIRCULAR.contains(&folder.as_str()));
    assert_eq!(
        found,
        Vec::<String>::new(),
        "these have files that import each other in a circle"
    );
}

#[test]
fn pure_rooms_reach_nothing() {
    const OUTSIDE: [&str; 10] = [
        "tokio",
        "reqwest",
        "git2",
        "getrandom",
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "log",
    ];
    let mut wrong = Vec::new();
    for (room, path) in files() {
        if !PURE.contains(&room.as_str()) {
            continue;
        }
        let names = names(&path);
        for outside in OUTSIDE {
            if names.crates.contains(outside) {
                wrong.push(format!("{} names {outside}", path.display()));
            }
        }
        // The clock's trait is declared with the nouns; nothing pure calls it.
        if !names.asynchronous.is_empty() && !path.ends_with("model/clock.rs") {
            wrong.push(format!(
                "{} has async functions: {:?}",
                path.display(),
                names.asynchronous
            ));
        }
        if std::fs::read_to_string(&path).unwrap().contains("clippy::disallowed") {
            wrong.push(format!(
                "{} asks for an exception from the lints that keep it pure",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn heavy_crates_have_a_home() {
    let mut wrong = Vec::new();
    for (room, path) in files() {
        let names = names(&path);
        for (name, homes) in HOMES {
            if names.crates.contains(name) && !homes.contains(&room.as_str()) {
                wrong.push(format!("{} names {name}, whose homes are {homes:?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_open_with_what_they_do_and_stay_short() {
    let mut wrong = Vec::new();
    for (_, path) in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.starts_with("//! ") {
            wrong.push(format!(
                "{} does not open with a sentence of documentation",
                path.display()
            ));
        }
        let lines = text
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]"))
            .count();
        if lines > 500 {
            wrong.push(format!(
                "{} has {lines} lines before its tests: split it by concept",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_story_and_its_clients_wait() {
    // The story waits; a stream reader and a client may wait for their backoff, and the edge for a run that was cancelled.
    const SLEEPERS: [&str; 9] = [
        "github/app.rs",
        "github/oidc.rs",
        "model/clock.rs",
        "clock.rs",
        "http/retry.rs",
        "infrarepo/",
        "delivery/",
        "promote/",
        "cli/execute.rs",
    ];
    let mut wrong = Vec::new();
    for (_, path) in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let inside = path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned();
        if text.contains(".sleep(") && !SLEEPERS.iter().any(|allowed| inside.starts_with(allowed)) {
            wrong.push(inside);
        }
    }
    assert!(wrong.is_empty(), "these wait on their own: {}", wrong.join(", "));
}

#[test]
fn every_room_is_on_the_page() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md")).unwrap();
    for (room, _) in files()
        .iter()
        .filter(|(room, _)| !["main", "lib"].contains(&room.as_str()))
    {
        let named = [
            format!("`{room}`"),
            format!("`{room}/`"),
            format!("{room}/"),
            format!("{room}.rs"),
        ];
        assert!(
            named.iter().any(|name| page.contains(name)),
            "ARCHITECTURE.md does not name the room {room}"
        );
    }
}
