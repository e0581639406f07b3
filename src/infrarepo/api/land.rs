//! Landing by GitHub's API. A commit that only changes plain files of a branch is one request, which names the head that it stands on
//! (`createCommitOnBranch`); every other commit on a branch is made of its parts.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value without that key is null, which panics nowhere"
)]

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Api;
use super::shape::Mode;
use super::write::{SENDS, content, not_written, refused};
use crate::github::Failure;
use crate::infrarepo::{Attempt, Land, Update, given_up};
use crate::model::{CommitSha, Event, Fault, RepoPath};

/// The first pause before it is sent again.
const PAUSE: Duration = Duration::from_millis(300);
/// How many bytes of files one commit can have: GitHub takes 40 MB in a request, and base64 makes four of three.
/// <https://github.com/grafana/github-api-commit-action/issues/66>
const MOST_BYTES: usize = 29 << 20;
/// How far a lost commit is looked for, in commits.
const LOOKED_BACK: u32 = 50;

const COMMIT: &str = "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { commit { oid } ref { target { oid } } } }";
const LOOK: &str = "query($owner: String!, $name: String!, $ref: String!, $first: Int!) { repository(owner: $owner, name: $name) { \
                    ref(qualifiedName: $ref) { target { oid ... on Commit { history(first: $first) { nodes { oid message parents(first: 1) { \
                    nodes { oid } } } } } } } } }";

/// Where a branch is after a write whose answer was lost.
enum Found {
    /// The commit of this update is there.
    Ours(CommitSha),
    /// Where it was.
    Unmoved,
    /// At a commit without it.
    Other(String),
}

impl Api {
    /// Notes that it is known what became of the write.
    pub(super) fn known_now<T>(&self, what: T) -> T {
        self.doubt.replace(None);
        what
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

    pub(super) async fn pause(&self, attempt: u32, fault: &Fault) {
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
