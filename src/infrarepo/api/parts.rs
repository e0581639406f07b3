//! A commit that is made of its parts, file by file, and the move of the branch to it by compare-and-swap (`updateRefs`).

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value without that key is null, which panics nowhere"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::Api;
use super::shape::Shape;
use super::write::{SENDS, content, not_written, refused};
use crate::github::Failure;
use crate::infrarepo::{Attempt, Containment, InfraRepo, Update, given_up};
use crate::model::{CommitSha, Fault};

/// What GitHub writes for an object that is not there.
const NONE: &str = "0000000000000000000000000000000000000000";

const MOVE: &str = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";

impl Api {
    /// Makes the commit of its parts and moves the branch to it.
    pub(super) async fn build(&self, update: &Update, shape: &Shape) -> Result<Attempt, Fault> {
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
