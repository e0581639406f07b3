//! How the files of an update are stored where it is to land, and whether its edits fit to them.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value without that key is null, which panics nowhere"
)]

use serde_json::{Value, json};

use super::Api;
use super::seen::Known;
use super::write::not_written;
use crate::infrarepo::{FileEdit, FileMode, Update};
use crate::model::{CommitSha, Fault};

/// What stands at the path of an edit, as its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// An ordinary file.
    Plain,
    /// A program.
    Executable,
}

impl Mode {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Plain => "100644",
            Self::Executable => "100755",
        }
    }
}

/// What the files of an update are stored as, in the order of its edits.
pub(super) struct Shape {
    pub(super) modes: Vec<Mode>,
    /// The tree that they change; `None` where it was not asked for, or there is none.
    pub(super) tree: Option<String>,
}

impl Api {
    /// Finds out how the files are stored, and whether the edits fit to them.
    pub(super) async fn shape(&self, update: &Update, whole: bool) -> Result<Shape, Fault> {
        let Some(parent) = update.parents.first() else {
            let modes = update
                .edits
                .iter()
                .map(|edit| mode_of(edit, &Known::Nothing))
                .collect::<Result<_, _>>()?;
            return Ok(Shape { modes, tree: None });
        };
        if !whole {
            let cached =
                |edit: &FileEdit| self.known(parent, |seen| seen.at(edit.path()).map(|known| mode_of(edit, &known)));
            let cached: Option<Vec<Result<Mode, Fault>>> = update.edits.iter().map(cached).collect();
            if let Some(cached) = cached {
                let modes = cached.into_iter().collect::<Result<_, _>>()?;
                return Ok(Shape { modes, tree: None });
            }
        }
        self.ask_shape(update, parent).await
    }

    #[expect(clippy::too_many_lines, reason = "one question with its answer")]
    pub(super) async fn ask_shape(&self, update: &Update, parent: &CommitSha) -> Result<Shape, Fault> {
        use std::fmt::Write as _;
        // Each file with every folder on the way to it.
        let mut paths: Vec<String> = Vec::new();
        for edit in &update.edits {
            let text = edit.path().as_str();
            let folders = text.match_indices('/').filter_map(|(at, _)| text.get(..at));
            for path in folders.chain([text]) {
                if !paths.iter().any(|known| known == path) {
                    paths.push(path.to_owned());
                }
            }
        }
        let place = self.github.place();
        let mut variables = json!({"owner": place.owner, "name": place.name, "oid": parent.as_str()});
        let (mut declared, mut asked) = (String::new(), String::new());
        for (n, path) in paths.iter().enumerate() {
            variables[format!("p{n}")] = json!(path);
            let _ = write!(declared, ", $p{n}: String!");
            let _ = write!(asked, " f{n}: file(path: $p{n}) {{ type mode }}");
        }
        let query = format!(
            "query($owner: String!, $name: String!, $oid: GitObjectID!{declared}) {{ repository(owner: $owner, name: $name) {{ id object(oid: $oid) {{ \
             ... on Commit {{ tree {{ oid }}{asked} }} }} }} }}"
        );
        let data = self.github.query(&query, &variables).await;
        let data = data.map_err(|failure| not_written(failure.fault(&format!("read {}", parent.short()))))?;
        let repository = &data["repository"];
        self.id.replace(repository["id"].as_str().map(str::to_owned));
        let commit = &repository["object"];
        let at = |path: &str| {
            paths
                .iter()
                .position(|known| known == path)
                .map(|n| &commit[format!("f{n}")])
        };
        let mut modes = Vec::new();
        for edit in &update.edits {
            let text = edit.path().as_str();
            for (end, _) in text.match_indices('/') {
                let folder = text.get(..end).unwrap_or_default();
                if at(folder).is_some_and(|found| !found.is_null() && found["type"] != "tree") {
                    return Err(Fault::invalid(format!(
                        "{text} cannot be written: {folder} is not a folder"
                    )));
                }
            }
            let found = at(text).unwrap_or(&Value::Null);
            let known = match (found["type"].as_str(), found["mode"].as_i64()) {
                (None, _) => Known::Nothing,
                (Some("tree"), _) => Known::Folder,
                (Some("blob"), Some(mode)) if mode != 0o120_000 => Known::File {
                    executable: mode == 0o100_755,
                    content: None,
                },
                _ => Known::Other,
            };
            modes.push(mode_of(edit, &known)?);
        }
        let tree = commit["tree"]["oid"].as_str().map(str::to_owned);
        Ok(Shape { modes, tree })
    }
}

/// Checks an edit against what stands at its path, and returns how the file is stored.
fn mode_of(edit: &FileEdit, known: &Known<'_>) -> Result<Mode, Fault> {
    match (edit, known) {
        (FileEdit::Write { .. } | FileEdit::Delete { .. }, Known::File { executable, .. }) => {
            Ok(if *executable { Mode::Executable } else { Mode::Plain })
        }
        (FileEdit::Create { mode, .. }, Known::Nothing) => Ok(match mode {
            FileMode::Plain => Mode::Plain,
            FileMode::Executable => Mode::Executable,
        }),
        (FileEdit::Create { path, .. }, Known::File { .. }) => Err(Fault::bug(format!("{path} exists already"))),
        (FileEdit::Create { path, .. }, _) => Err(Fault::invalid(format!(
            "{path} cannot be written: it is a folder or a link"
        ))),
        (FileEdit::Write { path, .. } | FileEdit::Delete { path }, _) => {
            Err(Fault::bug(format!("{path} is not a file where it is changed")))
        }
    }
}
