//! Pull requests of GitHub: REST to find, open, edit and merge them, GraphQL for how they stand, auto-merge and the queue.

#![expect(
    clippy::indexing_slicing,
    reason = "a JSON value without that key is null, which panics nowhere"
)]

use std::cell::Cell;

use async_trait::async_trait;
use reqwest::Method as Http;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Blocked, Merged, Method, New, People, Pull, Pulls, State};
use crate::github::{Failure, GitHub, Refusal};
use crate::model::{BranchName, CommitSha, Fault};

/// How often the request to open one is sent while its answers are lost and there is none.
const SENDS: u32 = 3;

const STATE: &str = "query($owner: String!, $name: String!, $number: Int!) { repository(owner: $owner, name: $name) { autoMergeAllowed \
    mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed pullRequest(number: $number) { state body headRefOid baseRef { target { oid } } isDraft mergeable \
    mergeStateStatus reviewDecision isMergeQueueEnabled isInMergeQueue mergeQueueEntry { state position } mergeCommit { oid } \
    autoMergeRequest { enabledAt } commits(last: 1) { nodes { commit { statusCheckRollup { state contexts(first: 100) { nodes { ... on \
    CheckRun { name status conclusion } ... on StatusContext { context state } } } } } } } } } }";
const ARM: &str = "mutation($input: EnablePullRequestAutoMergeInput!) { enablePullRequestAutoMerge(input: $input) { pullRequest { number } } }";
const ENQUEUE: &str = "mutation($input: EnqueuePullRequestInput!) { enqueuePullRequest(input: $input) { mergeQueueEntry { state position } } }";

const DISARM: &str = "mutation($input: DisablePullRequestAutoMergeInput!) { disablePullRequestAutoMerge(input: $input) { pullRequest { number } } }";
const DEQUEUE: &str = "mutation($input: DequeuePullRequestInput!) { dequeuePullRequest(input: $input) { mergeQueueEntry { state position } } }";

/// The pull requests of one repository.
pub(super) struct Host {
    api: GitHub,
    /// Whether the last write was a request to merge.
    merges: Cell<bool>,
}

#[derive(Deserialize)]
struct WirePull {
    number: u64,
    node_id: String,
    html_url: String,
    title: String,
    #[serde(default)]
    body: Option<String>,
    head: WireHead,
}

#[derive(Deserialize)]
struct WireHead {
    sha: String,
    #[serde(rename = "ref")]
    name: String,
    #[serde(default)]
    repo: Option<WireRepository>,
}

#[derive(Deserialize)]
struct WireRepository {
    full_name: String,
}

impl WirePull {
    fn pull(self) -> Result<Pull, Fault> {
        let head = CommitSha::parse(&self.head.sha)
            .ok_or_else(|| Fault::unreachable("the answer of GitHub's API has a pull request without a commit"))?;
        Ok(Pull {
            number: self.number,
            id: self.node_id,
            url: self.html_url,
            title: self.title,
            body: self.body.unwrap_or_default(),
            head,
        })
    }
}

impl Host {
    pub(super) const fn new(api: GitHub) -> Self {
        Self {
            api,
            merges: Cell::new(false),
        }
    }

    /// Returns whether it is merged after all, when the answer to the request to merge was lost.
    async fn look(&self, pull: &Pull, lost: Fault) -> Result<Merged, Fault> {
        let state = self.state(pull).await.map_err(|fault| {
            Fault::unreachable(format!(
                "it is not known whether pull request #{} is merged: the answer was lost ({lost}), and {fault}",
                pull.number
            ))
            .hint("run the step again: it finds the pull request")
        })?;
        self.api.known_now();
        Ok(match state {
            State {
                merged: Some(commit), ..
            } => Merged::Done(Some(commit)),
            State { queued: Some(_), .. } => Merged::Queued,
            State { armed: true, .. } => Merged::Armed,
            _ => Merged::Lost(lost.to_string()),
        })
    }

    async fn post(&self, new: &New) -> Result<Pull, Failure> {
        let body = json!({"title": new.title, "head": new.head.as_str(), "base": new.base.as_str(), "body": new.body, "maintainer_can_modify": false});
        let reply = self.api.write(Http::POST, &["pulls"], &body).await?;
        let wire: WirePull = reply.read("pull request").map_err(Failure::Lost)?;
        wire.pull().map_err(Failure::Lost)
    }
}

/// Makes the fault for a pull request that cannot be opened.
fn unopened(said: Refusal, new: &New) -> Fault {
    let what = format!("open a pull request from {} to {}", new.head, new.base);
    if said.says("not permitted to create") {
        return Fault::denied(format!("{what}: {}", said.message))
            .hint("allow it in Settings → Actions → General → Workflow permissions, or use the token of a GitHub App");
    }
    if said.says("no commits between") {
        return Fault::unreachable(format!(
            "{what}: {} (GitHub does not see the new commit yet)",
            said.message
        ))
        .hint("run the step again");
    }
    said.fault(&what)
}

fn words(list: &[String]) -> String {
    list.join(", ")
}

#[async_trait(?Send)]
impl Pulls for Host {
    async fn find(&self, head: &BranchName, base: &BranchName) -> Result<Option<Pull>, Fault> {
        let owned = format!("{}:{head}", self.api.place().owner);
        let query = [
            ("state", "open"),
            ("head", owned.as_str()),
            ("base", base.as_str()),
            ("per_page", "20"),
        ];
        let reply = self.api.get(&["pulls"], &query).await;
        let reply = reply.map_err(|failure| failure.fault(&format!("look for a pull request from {head}")))?;
        let all: Vec<WirePull> = reply.read("list of pull requests")?;
        // A head that GitHub cannot read is no filter at all, and a fork can have the same owner.
        let repository = self.api.place().repository();
        let is_here = |head: &WireHead| {
            let here = |of: &WireRepository| of.full_name.eq_ignore_ascii_case(&repository);
            head.repo.as_ref().is_none_or(here)
        };
        let ours = all
            .into_iter()
            .find(|pull| pull.head.name == head.as_str() && is_here(&pull.head));
        ours.map(WirePull::pull).transpose()
    }

    async fn open(&self, new: &New) -> Result<Pull, Fault> {
        self.merges.set(false);
        let mut lost = None;
        for _ in 0..SENDS {
            let said = match self.post(new).await {
                Ok(pull) => return Ok(pull),
                Err(Failure::Lost(fault)) => {
                    lost = Some(fault);
                    None
                }
                Err(Failure::Limited(said, _) | Failure::Refused(said)) => Some(said),
            };
            match said {
                Some(said) if !said.says("already exists") => return Err(unopened(said, new)),
                _ => {}
            }
            if let Some(pull) = self.find(&new.head, &new.base).await? {
                self.api.known_now();
                return Ok(pull);
            }
        }
        let fault = lost.unwrap_or_else(|| Fault::unreachable("GitHub reports a pull request that it does not list"));
        Err(Fault::unreachable(format!(
            "open a pull request from {} to {}: {fault}",
            new.head, new.base
        ))
        .hint("run the step again: it finds the branch, and opens the pull request"))
    }

    async fn edit(&self, pull: &Pull, title: &str, body: &str) -> Result<(), Fault> {
        let number = pull.number.to_string();
        self.merges.set(false);
        let change = json!({"title": title, "body": body});
        // The same text twice is the same text.
        let edited = self.api.make(Http::PATCH, &["pulls", &number], &change).await;
        edited
            .map(|_| ())
            .map_err(|failure| failure.fault(&format!("edit pull request #{number}")))
    }

    async fn ask(&self, pull: &Pull, people: &People) -> Vec<String> {
        self.merges.set(false);
        let number = pull.number.to_string();
        let mut wishes: Vec<(String, Vec<&str>, Value)> = Vec::new();
        let issue = |last| vec!["issues", number.as_str(), last];
        if !people.labels.is_empty() {
            let what = format!("`pull-request-labels` {}", words(&people.labels));
            wishes.push((what, issue("labels"), json!({"labels": people.labels})));
        }
        let reviews = vec!["pulls", number.as_str(), "requested_reviewers"];
        if !people.reviewers.is_empty() {
            let what = format!("`pull-request-reviewers` {}", words(&people.reviewers));
            wishes.push((what, reviews.clone(), json!({"reviewers": people.reviewers})));
        }
        if !people.teams.is_empty() {
            let what = format!("`pull-request-team-reviewers` {}", words(&people.teams));
            wishes.push((what, reviews, json!({"team_reviewers": people.teams})));
        }
        if !people.assignees.is_empty() {
            let what = format!("`pull-request-assignees` {}", words(&people.assignees));
            wishes.push((what, issue("assignees"), json!({"assignees": people.assignees})));
        }
        let mut warnings = Vec::new();
        for (what, path, body) in wishes {
            // Each of them said twice is said once.
            if let Err(failure) = self.api.make(Http::POST, &path, &body).await {
                warnings.push(
                    failure
                        .fault(&format!("{what} could not be set on pull request #{number}"))
                        .to_string(),
                );
            }
        }
        warnings
    }

    async fn state(&self, pull: &Pull) -> Result<State, Fault> {
        let place = self.api.place();
        let variables = json!({"owner": place.owner, "name": place.name, "number": pull.number});
        let data = self.api.query(STATE, &variables).await;
        let data = data.map_err(|failure| failure.fault(&format!("read pull request #{}", pull.number)))?;
        let repository = &data["repository"];
        read(repository).ok_or_else(|| {
            Fault::unreachable(format!(
                "the answer of {} does not describe pull request #{}",
                self.api.host(),
                pull.number
            ))
        })
    }

    async fn merge(&self, pull: &Pull, head: &CommitSha, method: Method, message: &str) -> Result<Merged, Fault> {
        let number = pull.number.to_string();
        let (title, text) = message.split_once('\n').unwrap_or((message, ""));
        self.merges.set(true);
        let mut body = json!({"sha": head.as_str(), "merge_method": method.rest()});
        if method != Method::Rebase {
            body["commit_title"] = json!(format!("{title} (#{number})"));
            body["commit_message"] = json!(text.trim());
        }
        match self.api.write(Http::PUT, &["pulls", &number, "merge"], &body).await {
            Ok(reply) => Ok(Merged::Done(reply.body["sha"].as_str().and_then(CommitSha::parse))),
            Err(Failure::Lost(fault)) => self.look(pull, fault).await,
            Err(Failure::Limited(said, _)) => Ok(Merged::NotNow(said.message)),
            Err(Failure::Refused(said)) => match said.status {
                409 if said.says("head branch was modified") => Ok(Merged::Moved),
                405 | 409 | 422 => Ok(Merged::NotNow(said.message)),
                _ => Err(said.fault(&format!("merge pull request #{number}"))),
            },
        }
    }

    async fn enqueue(&self, pull: &Pull, head: &CommitSha) -> Result<Merged, Fault> {
        self.merges.set(true);
        let input = json!({"input": {"pullRequestId": pull.id, "expectedHeadOid": head.as_str()}});
        match self.api.mutate(ENQUEUE, &input).await {
            Ok(_) => Ok(Merged::Queued),
            Err(Failure::Lost(fault)) => self.look(pull, fault).await,
            Err(Failure::Limited(said, _) | Failure::Refused(said)) => Ok(Merged::NotNow(said.message)),
        }
    }

    async fn arm(&self, pull: &Pull, head: &CommitSha, method: Option<Method>, message: &str) -> Result<Merged, Fault> {
        self.merges.set(true);
        let mut input = json!({"pullRequestId": pull.id, "expectedHeadOid": head.as_str()});
        if let Some(method) = method {
            let (title, text) = message.split_once('\n').unwrap_or((message, ""));
            input["mergeMethod"] = json!(method.graphql());
            if method != Method::Rebase {
                input["commitHeadline"] = json!(format!("{title} (#{})", pull.number));
                input["commitBody"] = json!(text.trim());
            }
        }
        match self.api.mutate(ARM, &json!({"input": input})).await {
            Ok(_) => Ok(Merged::Armed),
            Err(Failure::Lost(fault)) => self.look(pull, fault).await,
            Err(Failure::Refused(said)) if said.says("auto merge is not allowed") => Err(Fault::refused(format!(
                "GitHub cannot merge pull request #{} by itself: {}",
                pull.number, said.message
            ))
            .hint("allow auto-merge in Settings → General → Pull Requests, or set `merge: now`")),
            Err(Failure::Limited(said, _) | Failure::Refused(said)) => Ok(Merged::NotNow(said.message)),
        }
    }

    async fn stop(&self, pull: &Pull) -> Result<State, Fault> {
        let mut why = None;
        for _ in 0..SENDS {
            let state = self.state(pull).await?;
            self.api.known_now();
            let sent = if state.queued.is_some() {
                self.api.mutate(DEQUEUE, &json!({"input": {"id": pull.id}})).await
            } else if state.armed {
                let input = json!({"input": {"pullRequestId": pull.id}});
                self.api.mutate(DISARM, &input).await
            } else {
                return Ok(state);
            };
            // Whatever the answer is, how it stands has the last word.
            why = sent.err().or(why);
        }
        let state = self.state(pull).await?;
        if state.queued.is_none() && !state.armed {
            return Ok(state);
        }
        let what = format!("stop the merge of pull request #{}", pull.number);
        Err(why.map_or_else(
            || Fault::unreachable(format!("{what}: GitHub still lists it")),
            |why| why.fault(&what),
        ))
    }

    fn halt(&self) {
        self.api.halt();
    }

    fn in_doubt(&self) -> bool {
        self.api.in_doubt()
    }

    fn merge_in_doubt(&self) -> bool {
        self.merges.get() && self.api.in_doubt()
    }
}

impl Method {
    const fn rest(self) -> &'static str {
        match self {
            Self::Squash => "squash",
            Self::Merge => "merge",
            Self::Rebase => "rebase",
        }
    }

    const fn graphql(self) -> &'static str {
        match self {
            Self::Squash => "SQUASH",
            Self::Merge => "MERGE",
            Self::Rebase => "REBASE",
        }
    }
}

/// Reads the answer to [`STATE`].
fn read(repository: &Value) -> Option<State> {
    let pull = &repository["pullRequest"];
    let state = pull["state"].as_str()?;
    let allowed = |name: &str| repository[name].as_bool().unwrap_or(false);
    let merged = (state == "MERGED").then(|| CommitSha::parse(pull["mergeCommit"]["oid"].as_str()?));
    Some(State {
        head: CommitSha::parse(pull["headRefOid"].as_str()?)?,
        body: pull["body"].as_str().unwrap_or_default().to_owned(),
        base: CommitSha::parse(pull["baseRef"]["target"]["oid"].as_str().unwrap_or_default()),
        merged: merged.flatten(),
        closed: state == "CLOSED",
        blocked: blocked(pull),
        has_queue: pull["isMergeQueueEnabled"].as_bool().unwrap_or(false),
        queued: pull["isInMergeQueue"]
            .as_bool()
            .unwrap_or(false)
            .then(|| pull["mergeQueueEntry"]["state"].as_str().unwrap_or("QUEUED").to_owned()),
        armed: !pull["autoMergeRequest"].is_null(),
        method: if allowed("squashMergeAllowed") {
            Method::Squash
        } else if allowed("mergeCommitAllowed") {
            Method::Merge
        } else {
            Method::Rebase
        },
        may_arm: allowed("autoMergeAllowed"),
    })
}

/// Returns what stands in the way of a merge.
fn blocked(pull: &Value) -> Option<Blocked> {
    let word = |name: &str| pull[name].as_str().unwrap_or_default();
    let rollup = &pull["commits"]["nodes"][0]["commit"]["statusCheckRollup"];
    if word("mergeable") == "CONFLICTING" || word("mergeStateStatus") == "DIRTY" {
        return Some(Blocked::Conflict);
    }
    if pull["isDraft"].as_bool().unwrap_or(false) {
        return Some(Blocked::Draft);
    }
    match word("mergeStateStatus") {
        "CLEAN" | "HAS_HOOKS" | "UNSTABLE" => return None,
        "BEHIND" => return Some(Blocked::Behind),
        "BLOCKED" => {}
        _ => return Some(Blocked::Unknown),
    }
    let failed = failed(rollup);
    Some(match (word("reviewDecision"), rollup["state"].as_str()) {
        ("CHANGES_REQUESTED", _) => Blocked::ChangesRequested,
        (_, Some("FAILURE" | "ERROR")) => Blocked::ChecksFailed(failed),
        ("REVIEW_REQUIRED", _) => Blocked::ReviewsMissing,
        (_, Some("PENDING" | "EXPECTED")) => Blocked::ChecksPending,
        _ => Blocked::Rule,
    })
}

/// Returns the names of the checks that failed.
fn failed(rollup: &Value) -> Vec<String> {
    let checks = rollup["contexts"]["nodes"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let bad = |check: &&Value| {
        let conclusion = check["conclusion"].as_str().or_else(|| check["state"].as_str());
        matches!(
            conclusion,
            Some("FAILURE" | "ERROR" | "TIMED_OUT" | "CANCELLED" | "ACTION_REQUIRED" | "STARTUP_FAILURE")
        )
    };
    let name = |check: &Value| {
        check["name"]
            .as_str()
            .or_else(|| check["context"].as_str())
            .map(str::to_owned)
    };
    checks.iter().filter(bad).filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mergeable: &str, status: &str, review: &Value, rollup: &Value) -> Option<Blocked> {
        blocked(
            &json!({"mergeable": mergeable, "mergeStateStatus": status, "reviewDecision": review, "isDraft": false,
            "commits": {"nodes": [{"commit": {"statusCheckRollup": rollup}}]}}),
        )
    }

    #[test]
    fn what_stands_in_the_way_is_told_apart() {
        let none = Value::Null;
        let failing = json!({"state": "FAILURE", "contexts": {"nodes": [
            {"name": "lint", "conclusion": "SUCCESS"}, {"name": "e2e", "conclusion": "FAILURE"}, {"context": "ci/old", "state": "ERROR"},
        ]}});
        for (mergeable, status, review, rollup, expected) in [
            ("MERGEABLE", "CLEAN", none.clone(), none.clone(), None),
            ("MERGEABLE", "UNSTABLE", none.clone(), failing.clone(), None),
            (
                "CONFLICTING",
                "DIRTY",
                none.clone(),
                none.clone(),
                Some(Blocked::Conflict),
            ),
            ("UNKNOWN", "UNKNOWN", none.clone(), none.clone(), Some(Blocked::Unknown)),
            ("MERGEABLE", "BEHIND", none.clone(), none.clone(), Some(Blocked::Behind)),
            (
                "MERGEABLE",
                "BLOCKED",
                json!("REVIEW_REQUIRED"),
                failing,
                Some(Blocked::ChecksFailed(vec!["e2e".to_owned(), "ci/old".to_owned()])),
            ),
            (
                "MERGEABLE",
                "BLOCKED",
                json!("REVIEW_REQUIRED"),
                json!({"state": "PENDING"}),
                Some(Blocked::ReviewsMissing),
            ),
            (
                "MERGEABLE",
                "BLOCKED",
                json!("APPROVED"),
                json!({"state": "PENDING"}),
                Some(Blocked::ChecksPending),
            ),
            (
                "MERGEABLE",
                "BLOCKED",
                json!("CHANGES_REQUESTED"),
                none.clone(),
                Some(Blocked::ChangesRequested),
            ),
            ("MERGEABLE", "BLOCKED", none.clone(), none.clone(), Some(Blocked::Rule)),
        ] {
            assert_eq!(of(mergeable, status, &review, &rollup), expected, "{status}");
        }
    }
}
