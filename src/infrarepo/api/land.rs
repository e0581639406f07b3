//! Landing by GitHub's API. A commit that only changes plain files of a branch is one request, which names the head that it stands on
//! (`createCommitOnBranch`); every other commit on a branch is made of its parts, and the branch moves by compare-and-swap (`updateRefs`).

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value without that key is null, which panics nowhere"
)]

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::Api;
use super::seen::Known;
use crate::github::{Failure, Refusal};
use crate::infrarepo::git::rejection;
use crate::infrarepo::{Attempt, Containment, FileEdit, FileMode, InfraRepo, Land, Update, given_up};
use crate::model::{CommitSha, Event, Fault, RepoPath};

/// How often a write is sent while its answers are lost and the branch has not moved.
const SENDS: u32 = 4;
/// The first pause before it is sent again.
const PAUSE: Duration = Duration::from_millis(300);
/// How many bytes of files one commit can have: GitHub takes 40 MB in a request, and base64 makes four of three.
/// <https://github.com/grafana/github-api-commit-action/issues/66>
const MOST_BYTES: usize = 29 << 20;
/// How far a lost commit is looked for, in commits.
const LOOKED_BACK: u32 = 50;
/// What GitHub writes for an object that is not there.
const NONE: &str = "0000000000000000000000000000000000000000";

const COMMIT: &str = "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } ref { target { oid } } } }";
const MOVE: &str = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";
const LOOK: &str = "query($owner: String!, $name: String!, $ref: String!, $first: Int!) { repository(owner: $owner, name: $name) { \
                    ref(qualifiedName: $ref) { target { oid ... on Commit { history(first: $first) { nodes { oid message parents(first: 1) { \
                    nodes { oid } } } } } } } } }";

/// What stands at the path of an edit, as its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    Executable,
}

impl Mode {
    const fn text(self) -> &'static str {
        match self {
            Self::Plain => "100644",
            Self::Executable => "100755",
        }
    }
}

/// What the files of an update are stored as, in the order of its edits.
struct Shape {
    modes: Vec<Mode>,
    /// The tree that they change; `None` where it was not asked for, or there is none.
    tree: Option<String>,
}

/// Where a branch is after a write whose answer was lost.
enum Found {
    /// The commit of this update is there.
    Ours(CommitSha),
    /// Where it was.
    Unmoved,
    /// At a commit without it.
    Other(String),
}

fn not_written(mut fault: Fault) -> Fault {
    if !fault.message.contains("nothing was written") {
        fault.message.push_str("; nothing was written");
    }
    fault
}

impl Api {
    /// Notes that it is known what became of the write.
    fn known_now<T>(&self, what: T) -> T {
        self.doubt.replace(None);
        what
    }

    /// Finds out how the files are stored, and whether the edits fit to them.
    async fn shape(&self, update: &Update, whole: bool) -> Result<Shape, Fault> {
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
    async fn ask_shape(&self, update: &Update, parent: &CommitSha) -> Result<Shape, Fault> {
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

    /// Makes the commit in one request.
    async fn commit(&self, update: &Update, expected: &CommitSha, branch: &str) -> Result<Attempt, Fault> {
        let place = self.github.place().repository();
        let what = format!("commit to {branch} of {place}");
        let input = input(update, expected, branch, &place);
        let mut lost: Option<Fault> = None;
        for attempt in 1.. {
            if self.halted.get() {
                return Err(given_up(&place));
            }
            self.doubt.replace(Some(format!("the commit on {}", expected.short())));
            let refusal = match self.github.mutate(COMMIT, &json!({"input": input})).await {
                Ok(data) => {
                    let answer = &data["createCommitOnBranch"];
                    if let Some(commit) = answer["commit"]["oid"].as_str().and_then(CommitSha::parse) {
                        let target = answer["ref"]["target"]["oid"].as_str().and_then(CommitSha::parse);
                        self.moved
                            .replace(target.map(|target| (update.reference.clone(), target)));
                        return Ok(self.known_now(Attempt::Landed(commit)));
                    }
                    Err(Fault::unreachable(format!(
                        "the answer of {} names no commit",
                        self.github.host()
                    )))
                }
                Err(Failure::Lost(fault)) => Err(fault),
                Err(Failure::Limited(..)) if lost.is_none() => {
                    let fault = Fault::unreachable(format!("{what}: the rate limit is reached"));
                    return Err(self.known_now(not_written(fault)));
                }
                Err(Failure::Limited(said, _) | Failure::Refused(said)) => Ok(said),
            };
            let said = match refusal {
                Ok(said) if lost.is_none() => return self.known_now(refused(said, update, &what)),
                Ok(said) => Some(said),
                Err(fault) => {
                    self.pause(attempt, &fault).await;
                    lost = Some(fault);
                    None
                }
            };
            let because = lost.as_ref().map(ToString::to_string).unwrap_or_default();
            match (self.look(update, expected, &because).await?, said) {
                (Found::Ours(commit), _) => return Ok(self.known_now(Attempt::Landed(commit))),
                (Found::Other(why), _) => return Ok(self.known_now(Attempt::LostRace { why })),
                (Found::Unmoved, Some(said)) => return self.known_now(refused(said, update, &what)),
                (Found::Unmoved, None) if attempt < SENDS => {}
                (Found::Unmoved, None) => {
                    let fault = lost.unwrap_or_else(|| Fault::unreachable(what));
                    return Err(self.known_now(not_written(fault)));
                }
            }
        }
        Err(given_up(&place))
    }

    async fn pause(&self, attempt: u32, fault: &Fault) {
        self.journal
            .tell(Event::Debug(format!("attempt {attempt} to commit: {fault}")));
        self.github.clock().sleep(PAUSE * attempt).await;
    }

    /// Looks whether the commit is on the branch after all.
    async fn look(&self, update: &Update, expected: &CommitSha, why: &str) -> Result<Found, Fault> {
        let place = self.github.place();
        let reference = update.reference.short();
        let variables =
            json!({"owner": place.owner, "name": place.name, "ref": update.reference.as_str(), "first": LOOKED_BACK});
        let data = self.github.query(LOOK, &variables).await.map_err(|failure| {
            let fault = failure.fault(&format!("{reference} cannot be read"));
            Fault::unreachable(format!(
                "it is not known whether the commit on {} is on {reference} of {}: the answer was lost ({why}), and {}",
                expected.short(),
                place.repository(),
                fault.message
            ))
            .hint("run the step again: it finds the commit, or lands it")
        })?;
        let target = &data["repository"]["ref"]["target"];
        if target["oid"].as_str() == Some(expected.as_str()) {
            return Ok(Found::Unmoved);
        }
        let message = update.message.trim();
        let commits = target["history"]["nodes"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let ours = commits.iter().find(|commit| {
            commit["message"].as_str().map(str::trim) == Some(message)
                && commit["parents"]["nodes"][0]["oid"].as_str() == Some(expected.as_str())
        });
        let ours = ours.and_then(|commit| CommitSha::parse(commit["oid"].as_str()?));
        Ok(ours.map_or_else(
            || Found::Other(format!("{reference} is no longer at {}", expected.short())),
            Found::Ours,
        ))
    }

    /// Makes the commit of its parts and moves the branch to it.
    async fn build(&self, update: &Update, shape: &Shape) -> Result<Attempt, Fault> {
        let place = self.github.place().repository();
        let what = format!("make a commit in {place}");
        let mut entries = Vec::new();
        for (edit, mode) in update.edits.iter().zip(&shape.modes) {
            let path = edit.path().as_str();
            let mut entry = json!({"path": path, "mode": mode.text(), "type": "blob"});
            match content(edit).map(|content| (content, std::str::from_utf8(content))) {
                None => entry["sha"] = Value::Null,
                Some((_, Ok(text))) => entry["content"] = json!(text),
                Some((bytes, Err(_))) => {
                    let blob = json!({"content": STANDARD.encode(bytes), "encoding": "base64"});
                    entry["sha"] = json!(self.make(&["git", "blobs"], &blob, &what).await?);
                }
            }
            entries.push(entry);
        }
        let tree = match (&shape.tree, entries.is_empty()) {
            (Some(tree), true) => tree.clone(),
            (base, _) => {
                let mut body = json!({"tree": entries});
                if let Some(base) = base {
                    body["base_tree"] = json!(base);
                }
                self.make(&["git", "trees"], &body, &what).await?
            }
        };
        let parents: Vec<&str> = update.parents.iter().map(CommitSha::as_str).collect();
        let mut body = json!({"message": update.message, "tree": tree, "parents": parents});
        if self.how.with_author {
            body["author"] =
                json!({"name": update.author.name, "email": update.author.mail, "date": update.at.to_string()});
        }
        let commit = self.make(&["git", "commits"], &body, &what).await?;
        let commit = CommitSha::parse(&commit)
            .ok_or_else(|| Fault::unreachable(format!("the answer of {} names no commit", self.github.host())))?;
        self.swap(update, &commit).await
    }

    /// Makes an object, and returns its name. An object that nothing points to changes nothing, so it is sent again while there is no answer.
    async fn make(&self, path: &[&str], body: &Value, what: &str) -> Result<String, Fault> {
        let made = self.github.make(Method::POST, path, body).await;
        let made = made.map_err(|failure| not_written(failure.fault(what)))?;
        let sha = made.body["sha"].as_str().map(str::to_owned);
        sha.ok_or_else(|| Fault::unreachable(format!("the answer of {} names no object", self.github.host())))
    }

    /// Moves the branch, if it is still where it must be.
    async fn swap(&self, update: &Update, commit: &CommitSha) -> Result<Attempt, Fault> {
        let place = self.github.place().repository();
        let reference = update.reference.short();
        let what = format!("move {reference} of {place}");
        let id = self.repository_id().await?;
        let before = update.expected.as_ref().map_or(NONE, CommitSha::as_str);
        let input = json!({"input": {"repositoryId": id, "refUpdates": [{
            "name": update.reference.as_str(), "beforeOid": before, "afterOid": commit.as_str(), "force": true,
        }]}});
        for attempt in 1.. {
            if self.halted.get() {
                return Err(given_up(&place));
            }
            self.doubt.replace(Some(format!("commit {commit}")));
            let Err(failure) = self.github.mutate(MOVE, &input).await else {
                self.moved.replace(Some((update.reference.clone(), commit.clone())));
                return Ok(self.known_now(Attempt::Landed(commit.clone())));
            };
            if let Failure::Lost(fault) = &failure {
                self.pause(attempt, fault).await;
            }
            // The reference has the last word, whatever the answer was.
            let tip = self.git.reference(&update.reference).await.map_err(|fault| {
                Fault::unreachable(format!(
                    "it is not known whether commit {commit} is on {reference} of {place}: {reference} cannot be read: {fault}"
                ))
                .hint("run the step again: it finds the commit, or lands it")
            })?;
            let is_there = match &tip {
                Some(tip) => self.contains(tip, commit).await == Containment::Contains,
                None => false,
            };
            if is_there {
                return Ok(self.known_now(Attempt::Landed(commit.clone())));
            }
            if tip != update.expected {
                let why = format!("{reference} is no longer where it was");
                return Ok(self.known_now(Attempt::LostRace { why }));
            }
            match failure {
                Failure::Lost(_) if attempt < SENDS => {}
                Failure::Lost(fault) => return Err(self.known_now(not_written(fault))),
                Failure::Limited(said, _) | Failure::Refused(said) => {
                    return self.known_now(refused(said, update, &what));
                }
            }
        }
        Err(given_up(&place))
    }

    async fn repository_id(&self) -> Result<String, Fault> {
        if let Some(id) = self.id.borrow().clone() {
            return Ok(id);
        }
        let place = self.github.place();
        let variables = json!({"owner": place.owner, "name": place.name});
        let query = "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { id } }";
        let data = self.github.query(query, &variables).await;
        let data = data.map_err(|failure| not_written(failure.fault(&format!("read {}", place.repository()))))?;
        let id = data["repository"]["id"].as_str().unwrap_or_default().to_owned();
        self.id.replace(Some(id.clone()));
        Ok(id)
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

/// Returns the new bytes of an edit; `None` for a file that goes.
fn content(edit: &FileEdit) -> Option<&[u8]> {
    match edit {
        FileEdit::Write { content, .. } | FileEdit::Create { content, .. } => Some(content),
        FileEdit::Delete { .. } => None,
    }
}

/// The input of `createCommitOnBranch`.
fn input(update: &Update, expected: &CommitSha, branch: &str, repository: &str) -> Value {
    let path = |path: &RepoPath| path.as_str().to_owned();
    let mut additions = Vec::new();
    let mut deletions = Vec::new();
    for edit in &update.edits {
        match content(edit) {
            Some(bytes) => additions.push(json!({"path": path(edit.path()), "contents": STANDARD.encode(bytes)})),
            None => deletions.push(json!({"path": path(edit.path())})),
        }
    }
    let (headline, body) = update.message.split_once('\n').unwrap_or((&update.message, ""));
    json!({
        "branch": {"repositoryNameWithOwner": repository, "branchName": branch},
        "expectedHeadOid": expected.as_str(),
        "message": {"headline": headline, "body": body.trim()},
        "fileChanges": {"additions": additions, "deletions": deletions},
    })
}

/// Sorts a refusal: somebody else was faster, or a rule that is said with a way out.
fn refused(said: Refusal, update: &Update, what: &str) -> Result<Attempt, Fault> {
    if said.kind.as_deref() == Some("STALE_DATA") || said.says("expected branch to point to") {
        return Ok(Attempt::LostRace { why: said.message });
    }
    let place = said.place.clone();
    match rejection::classify(&said.message, "", &update.reference, &place) {
        rejection::Refusal::LostRace => Ok(Attempt::LostRace { why: said.message }),
        _ if matches!(said.status, 401 | 404) || said.kind.as_deref() == Some("NOT_FOUND") => {
            Err(not_written(said.fault(what)))
        }
        rejection::Refusal::Rule(fault) | rejection::Refusal::Passing(fault) => Err(not_written(fault)),
    }
}

#[async_trait(?Send)]
impl Land for Api {
    async fn land(&self, update: &Update) -> Result<Attempt, Fault> {
        let place = self.github.place().repository();
        if self.halted.get() {
            return Err(given_up(&place));
        }
        let Some(branch) = update.reference.as_str().strip_prefix("refs/heads/") else {
            // No rule of a branch asks for a signature there.
            return self.git.land(update).await;
        };
        let bytes: usize = update.edits.iter().filter_map(content).map(<[u8]>::len).sum();
        if bytes > MOST_BYTES {
            return Err(not_written(
                Fault::refused(format!(
                    "the commit has {} MiB of files, and GitHub's API takes at most {} MiB",
                    bytes >> 20,
                    MOST_BYTES >> 20
                ))
                .hint("set `via: push`"),
            ));
        }
        let on_head = match &update.expected {
            Some(expected) if update.parents == [expected.clone()] && !self.how.with_author => Some(expected),
            _ => None,
        };
        let shape = self.shape(update, on_head.is_none()).await?;
        let plain = shape.modes.iter().all(|mode| *mode == Mode::Plain);
        match on_head {
            Some(expected) if plain && !update.edits.is_empty() => self.commit(update, expected, branch).await,
            _ => {
                let shape = match (&shape.tree, update.parents.first()) {
                    (None, Some(parent)) => self.ask_shape(update, parent).await?,
                    _ => shape,
                };
                self.build(update, &shape).await
            }
        }
    }

    fn halt(&self) {
        self.halted.set(true);
        self.git.halt();
    }

    fn in_doubt(&self) -> Option<String> {
        self.doubt.borrow().clone().or_else(|| self.git.in_doubt())
    }
}
