//! The comparison of two commits of a source repository, over a history that the test gives.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Ask, GitHub, Reply, World, lock, user};

/// A commit of a source repository.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    sha: String,
    parents: Vec<String>,
    login: String,
    message: String,
}

/// GitHub does not list more at once.
const PAGE: usize = 100;

impl GitHub {
    /// Has a source commit, by its full or abbreviated name.
    pub fn source_commit(&self, sha: &str, parents: &[&str], login: &str, message: &str) {
        lock(&self.world.runs.commits).push(Commit {
            sha: sha.to_owned(),
            parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
            login: login.to_owned(),
            message: message.to_owned(),
        });
    }

    /// Has the source commits of a range `base...head`, one for each author, in one line.
    pub fn wrote(&self, range: &str, logins: &[&str]) {
        let (base, head) = range.split_once("...").unwrap_or_default();
        self.source_commit(base, &[], "octocat", "The base");
        let mut parent = base.to_owned();
        for (at, login) in logins.iter().enumerate() {
            let sha = if at + 1 == logins.len() {
                head.to_owned()
            } else {
                format!("{head}{at}")
            };
            self.source_commit(&sha, &[&parent], login, "A change");
            parent = sha;
        }
    }
}

/// Finds a commit by its name or the beginning of it.
fn find<'a>(commits: &'a [Commit], name: &str) -> Option<&'a Commit> {
    let whole = commits.iter().find(|commit| commit.sha == name);
    whole.or_else(|| commits.iter().find(|commit| commit.sha.starts_with(name)))
}

/// Returns a commit with everything before it.
fn reachable<'a>(commits: &'a [Commit], from: &'a Commit) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut todo = vec![from];
    while let Some(commit) = todo.pop() {
        if found.insert(commit.sha.as_str()) {
            todo.extend(commit.parents.iter().filter_map(|parent| find(commits, parent)));
        }
    }
    found
}

pub(super) fn serve(world: &World, ask: &Ask, range: &str) -> Reply {
    let commits = lock(&world.runs.commits).clone();
    let Some((base, head)) = range.split_once("...") else {
        return Reply::refuse(404, "Not Found");
    };
    let (Some(base), Some(head)) = (find(&commits, base), find(&commits, head)) else {
        return Reply::refuse(404, "Not Found");
    };
    let (behind, ahead) = (reachable(&commits, base), reachable(&commits, head));
    let url = &world.url;
    let page = format!("{url}/compare/{range}");
    let shown = |commit: &Commit| {
        let signature = json!({"name": commit.login, "email": format!("{}@example.com", commit.login), "date": "2026-01-01T00:00:00Z"});
        json!({"url": url, "sha": commit.sha, "node_id": "C_1", "html_url": url, "comments_url": url, "parents": [],
            "commit": {"author": signature, "committer": signature, "comment_count": 0, "message": commit.message,
                "tree": {"sha": commit.sha, "url": url}, "url": url},
            "author": user(&commit.login), "committer": null})
    };
    let new: Vec<&Commit> = commits
        .iter()
        .filter(|commit| ahead.contains(commit.sha.as_str()) && !behind.contains(commit.sha.as_str()))
        .collect();
    let lacking = behind.difference(&ahead).count();
    let status = match (new.len(), lacking) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let Some(common) = commits
        .iter()
        .rev()
        .find(|commit| ahead.contains(commit.sha.as_str()) && behind.contains(commit.sha.as_str()))
    else {
        return Reply::refuse(404, "No common ancestor between the two commits.");
    };
    let most = ask
        .query("per_page")
        .and_then(|most| most.parse().ok())
        .unwrap_or(PAGE)
        .min(PAGE);
    let listed: Vec<Value> = new.iter().take(most).map(|commit| shown(commit)).collect();
    Reply::json(
        200,
        json!({"url": page, "html_url": page, "permalink_url": page, "diff_url": page, "patch_url": page, "base_commit": shown(base),
            "merge_base_commit": shown(common), "status": status, "ahead_by": new.len(), "behind_by": lacking,
            "total_commits": new.len(), "commits": listed}),
    )
}
