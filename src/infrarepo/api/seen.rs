//! What one answer of GraphQL says of a commit: the names at its root, and the files and folders that were asked for with it. Pure.

use std::collections::HashMap;
use std::fmt::Write as _;

use git2::{ObjectType, Oid};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::infrarepo::{Entry, EntryKind};
use crate::model::{CommitSha, RepoPath};

/// What is known of a commit. What is not known here is for git to say.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) commit: CommitSha,
    nodes: HashMap<String, Node>,
}

#[derive(Debug)]
enum Node {
    Folder(Vec<Row>),
    File(Row),
}

#[derive(Debug)]
struct Row {
    entry: Entry,
    executable: bool,
    content: Option<Vec<u8>>,
}

/// What is known of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known<'a> {
    /// A regular file; its content, if it came along.
    File {
        /// Whether it is a program.
        executable: bool,
        /// All of its bytes.
        content: Option<&'a [u8]>,
    },
    /// A folder.
    Folder,
    /// A symbolic link or a submodule.
    Other,
    /// There is nothing of that name.
    Nothing,
}

#[derive(Deserialize)]
struct WireFile {
    #[serde(rename = "type")]
    kind: String,
    mode: i64,
    oid: String,
    object: Option<WireObject>,
}

#[derive(Deserialize)]
struct WireObject {
    entries: Option<Vec<WireEntry>>,
    #[serde(flatten)]
    blob: WireBlob,
}

#[derive(Default, Deserialize)]
struct WireBlob {
    text: Option<String>,
}

#[derive(Deserialize)]
struct WireEntry {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    mode: i64,
    oid: String,
    object: Option<WireBlob>,
}

#[derive(Deserialize)]
struct WireTree {
    entries: Vec<WireEntry>,
}

/// Returns the selection on a commit that asks for `paths` (as the variables `$p0`, `$p1`, …), and adds those variables.
pub(super) fn selection(paths: &[RepoPath], variables: &mut Value) -> String {
    let mut out = "oid tree { entries { name type mode oid } }".to_owned();
    for (n, path) in paths.iter().enumerate() {
        variables[format!("p{n}")] = json!(path.as_str());
        let blob = "object { ... on Blob { text } }";
        let inside = "object { ... on Blob { text } ... on Tree { entries { name type mode oid BLOB } } }";
        let inside = inside.replace("BLOB", blob);
        let _ = write!(out, " f{n}: file(path: $p{n}) {{ type mode oid {inside} }}");
    }
    out
}

/// Declares the variables of [`selection`].
pub(super) fn declarations(paths: &[RepoPath]) -> String {
    let mut out = String::new();
    for n in 0..paths.len() {
        let _ = write!(out, ", $p{n}: String!");
    }
    out
}

impl Seen {
    /// Reads what a commit answered to [`selection`]. `None`: it is no such answer.
    pub(super) fn read(commit: &Value, paths: &[RepoPath]) -> Option<Self> {
        let sha = CommitSha::parse(commit.get("oid")?.as_str()?)?;
        let root = WireTree::deserialize(commit.get("tree")?).ok()?;
        let mut nodes = HashMap::new();
        nodes.insert(
            String::new(),
            Node::Folder(root.entries.into_iter().map(Row::of).collect()),
        );
        for (n, path) in paths.iter().enumerate() {
            // Nothing there, or a link on the way: git tells them apart.
            let Some(file) = Option::<WireFile>::deserialize(commit.get(format!("f{n}"))?).ok()? else {
                continue;
            };
            let name = path.parts().last().unwrap_or_default().to_owned();
            let object = file.object.unwrap_or(WireObject {
                entries: None,
                blob: WireBlob::default(),
            });
            let node = match object.entries {
                Some(entries) => Node::Folder(entries.into_iter().map(Row::of).collect()),
                None => Node::File(Row::of(WireEntry {
                    name,
                    kind: file.kind,
                    mode: file.mode,
                    oid: file.oid,
                    object: Some(object.blob),
                })),
            };
            nodes.insert(path.as_str().to_owned(), node);
        }
        Some(Self { commit: sha, nodes })
    }

    /// Returns what is in a folder; `None` where that is not known.
    pub(super) fn list(&self, folder: &RepoPath) -> Option<Vec<Entry>> {
        match self.nodes.get(folder.as_str())? {
            Node::Folder(rows) => Some(rows.iter().map(|row| row.entry.clone()).collect()),
            Node::File(_) => None,
        }
    }

    /// Returns what is at a path; `None` where that is not known.
    pub(super) fn at(&self, path: &RepoPath) -> Option<Known<'_>> {
        match self.nodes.get(path.as_str()) {
            Some(Node::Folder(_)) => return Some(Known::Folder),
            Some(Node::File(row)) => return Some(row.known()),
            None => {}
        }
        // What leads to something that is known is a folder.
        let below = format!("{path}/");
        if self.nodes.keys().any(|known| known.starts_with(&below)) {
            return Some(Known::Folder);
        }
        let (folder, name) = path.split();
        let Node::Folder(rows) = self.nodes.get(folder.as_str())? else {
            return None;
        };
        let row = rows.iter().find(|row| row.entry.name == name);
        Some(row.map_or(Known::Nothing, Row::known))
    }
}

impl Row {
    fn of(wire: WireEntry) -> Self {
        /// The mode of a program.
        const EXECUTABLE: i64 = 0o100_755;
        /// The mode of a symbolic link, which is a blob as well.
        const LINK: i64 = 0o120_000;
        let kind = match wire.kind.as_str() {
            "tree" => EntryKind::Folder,
            "blob" if wire.mode != LINK => EntryKind::File,
            _ => EntryKind::Other,
        };
        let text = wire.object.and_then(|object| object.text);
        // GitHub cuts long texts and repairs what is not UTF-8: the object's name tells whether these are its bytes.
        let same = |text: &String| {
            Oid::hash_object(ObjectType::Blob, text.as_bytes()).is_ok_and(|id| id.to_string() == wire.oid)
        };
        Self {
            entry: Entry {
                name: wire.name,
                kind,
                stands: format!("{:o} {}", wire.mode, wire.oid),
            },
            executable: wire.mode == EXECUTABLE,
            content: text.filter(same).map(String::into_bytes),
        }
    }

    fn known(&self) -> Known<'_> {
        match self.entry.kind {
            EntryKind::Folder => Known::Folder,
            EntryKind::Other => Known::Other,
            EntryKind::File => Known::File {
                executable: self.executable,
                content: self.content.as_deref(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    #[test]
    fn what_came_along_is_known_and_the_rest_is_left_to_git() {
        let id = |text: &str| Oid::hash_object(ObjectType::Blob, text.as_bytes()).unwrap().to_string();
        let entry = |name: &str, text: &str, mode: i64| json!({"name": name, "type": "blob", "mode": mode, "oid": id(text), "object": {"text": text}});
        let mut cut = entry("cut", "all", 0o100_644);
        cut["object"]["text"] = json!("al");
        let commit = json!({
            "oid": "a".repeat(40),
            "tree": {"entries": [
                {"name": "README.md", "type": "blob", "mode": 0o100_644, "oid": id("x")},
                {"name": "apps", "type": "tree", "mode": 0o040_000, "oid": id("y")},
            ]},
            "f0": {"type": "tree", "mode": 0o040_000, "oid": id("z"), "object": {"entries": [
                entry("k.yaml", "images: []\n", 0o100_644), entry("run", "#!", 0o100_755), entry("link", "k.yaml", 0o120_000), cut,
            ]}},
            "f1": null,
        });
        let paths = [path("apps/api/dev"), path("apps/web/dev")];
        let seen = Seen::read(&commit, &paths).unwrap();
        let file = |executable, content| Some(Known::File { executable, content });
        assert_eq!(
            seen.at(&path("apps/api/dev/k.yaml")),
            file(false, Some(&b"images: []\n"[..]))
        );
        assert_eq!(seen.at(&path("apps/api/dev/run")), file(true, Some(&b"#!"[..])));
        assert_eq!(seen.at(&path("apps/api/dev/cut")), file(false, None));
        assert_eq!(seen.at(&path("README.md")), file(false, None));
        assert_eq!(seen.at(&path("apps/api/dev/link")), Some(Known::Other));
        assert_eq!(seen.at(&path("promote.yaml")), Some(Known::Nothing));
        assert_eq!(seen.at(&path("apps/api")), Some(Known::Folder));
        for unknown in ["apps/web/dev", "apps/web", "apps/api/other", "a/b"] {
            assert_eq!(seen.at(&path(unknown)), None, "{unknown}");
        }
        assert_eq!(seen.list(&path("apps/api/dev")).unwrap().len(), 4);
        let mut variables = json!({});
        let asked = selection(&paths, &mut variables);
        assert!(
            asked.contains("f1: file(path: $p1)") && variables["p1"] == "apps/web/dev",
            "{asked}"
        );
    }
}
