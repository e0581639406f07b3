//! What a run of a workflow leaves behind: approvals of its environments, deployments, comments; and the teams that people are in.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::{Ask, GitHub, Reply, World, compare, lock, time, user};

/// Somebody let a job of an environment go on, or not.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The id of the run.
    pub run: u64,
    /// Who.
    pub login: String,
    /// The environments.
    pub environments: Vec<String>,
    /// `approved` or `rejected`.
    pub state: String,
}

/// A deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Its id.
    pub id: u64,
    /// `owner/name`.
    pub repository: String,
    /// What it was made with.
    pub body: Value,
    /// Its statuses, the newest last.
    pub statuses: Vec<Value>,
}

/// A comment on an issue.
struct Comment {
    id: u64,
    number: u64,
    login: String,
    body: String,
}

/// The runs of a repository.
#[derive(Default)]
pub(crate) struct Runs {
    approvals: Mutex<Vec<Approval>>,
    deployments: Mutex<Vec<Deployment>>,
    comments: Mutex<Vec<Comment>>,
    /// Other repositories that the API knows.
    known: Mutex<Vec<String>>,
    /// Environments that jobs of the run have, with their protection rules and the branches that may deploy.
    environments: Mutex<Vec<(String, Value, Vec<String>)>>,
    /// `org/team` with its members.
    teams: Mutex<Vec<(String, Vec<String>)>>,
    /// The pull requests of a commit, and whether each comes from a fork.
    sources: Mutex<Vec<(String, u64, bool)>>,
    /// The commits of source repositories.
    pub(super) commits: Mutex<Vec<compare::Commit>>,
    /// Id tokens that were asked for: their audiences.
    audiences: Mutex<Vec<String>>,
}

impl GitHub {
    /// Knows another repository.
    pub fn know(&self, repository: &str) {
        lock(&self.world.runs.known).push(repository.to_owned());
    }

    /// Notes an approval of a run.
    pub fn approve(&self, approval: Approval) {
        lock(&self.world.runs.approvals).push(approval);
    }

    /// Has an environment with these protection rules, which these branches may deploy to; none: every branch.
    pub fn environment(&self, name: &str, rules: &Value, branches: &[&str]) {
        let branches = branches.iter().map(|branch| (*branch).to_owned()).collect();
        lock(&self.world.runs.environments).push((name.to_owned(), rules.clone(), branches));
    }

    /// Has a team `org/team`.
    pub fn team(&self, name: &str, members: &[&str]) {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        lock(&self.world.runs.teams).push((name.to_owned(), members));
    }

    /// Says which pull request a source commit came from.
    pub fn came_from(&self, commit: &str, number: u64) {
        lock(&self.world.runs.sources).push((commit.to_owned(), number, false));
    }

    /// The same for a pull request from a fork.
    pub fn came_from_fork(&self, commit: &str, number: u64) {
        lock(&self.world.runs.sources).push((commit.to_owned(), number, true));
    }

    /// Makes the deployment that a job's own `environment:` makes when the job of a run starts.
    pub fn job_started(&self, repository: &str, environment: &str, commit: &str, run: u64) {
        let page = format!("{}/{repository}/actions/runs/{run}/job/1", self.world.options.server);
        let made = Deployment {
            id: self.world.next(),
            repository: repository.to_owned(),
            body: json!({"ref": commit, "environment": environment, "task": "deploy"}),
            statuses: vec![json!({"state": "in_progress", "log_url": page})],
        };
        lock(&self.world.runs.deployments).push(made);
    }

    /// Returns the deployments.
    #[must_use]
    pub fn deployments(&self) -> Vec<Deployment> {
        lock(&self.world.runs.deployments).clone()
    }

    /// Has a comment on a pull request of somebody who does not belong to the repository.
    pub fn somebody_comments(&self, number: u64, text: &str) {
        let comment = Comment {
            id: self.world.next(),
            number,
            login: "stranger".to_owned(),
            body: text.to_owned(),
        };
        lock(&self.world.runs.comments).push(comment);
    }

    /// Returns the comments: number and text.
    #[must_use]
    pub fn comments(&self) -> Vec<(u64, String)> {
        let all = lock(&self.world.runs.comments);
        all.iter()
            .map(|comment| (comment.number, comment.body.clone()))
            .collect()
    }

    /// Returns the address that a job asks for an OIDC token.
    #[must_use]
    pub fn oidc_url(&self) -> String {
        format!("{}/oidc/token?api-version=2.0", self.world.url)
    }

    /// Returns the audiences that tokens were asked for with.
    #[must_use]
    pub fn audiences(&self) -> Vec<String> {
        lock(&self.world.runs.audiences).clone()
    }
}

pub(super) fn knows(world: &World, repository: &str) -> bool {
    lock(&world.runs.known).iter().any(|known| known == repository)
}

pub(super) fn members(world: &World, org: &str, team: &str) -> Reply {
    let name = format!("{org}/{team}");
    match lock(&world.runs.teams).iter().find(|(known, _)| *known == name) {
        Some((_, members)) => Reply::json(200, json!(members.iter().map(|login| user(login)).collect::<Vec<_>>())),
        None => Reply::refuse(404, "Not Found"),
    }
}

/// The token of a job for an audience. It is no JWT: who exchanges it here only looks for it.
pub(super) fn oidc(world: &World, ask: &Ask) -> Reply {
    if ask.bearer() != Some("request-token") {
        return Reply::refuse(401, "Unauthorized");
    }
    let audience = ask.query("audience").unwrap_or_default();
    lock(&world.runs.audiences).push(audience.to_owned());
    Reply::json(200, json!({"value": format!("id-token-for-{audience}"), "count": 1}))
}

pub(super) fn serve(world: &World, ask: &Ask, method: &str, path: &[&str]) -> Reply {
    let runs = &world.runs;
    let url = &world.url;
    let stamp = world.stamp();
    let repository = ask.path.get(1..3).map(|parts| parts.join("/")).unwrap_or_default();
    match (method, path) {
        ("GET", ["actions", "runs", id, "approvals"]) => {
            let all = lock(&runs.approvals);
            let found = all.iter().filter(|approval| approval.run.to_string() == *id).map(|approval| {
                let environments = approval.environments.iter().map(|name| {
                    json!({"id": 1, "node_id": "E_1", "name": name, "url": url, "html_url": url, "created_at": stamp, "updated_at": stamp})
                });
                json!({"environments": environments.collect::<Vec<_>>(), "state": approval.state, "user": user(&approval.login), "comment": ""})
            });
            Reply::json(200, json!(found.collect::<Vec<_>>()))
        }
        ("GET", ["environments", name, rest @ ..]) => environment(world, name, rest),
        ("GET", ["commits", sha, "pulls"]) => {
            let sources = lock(&runs.sources).clone();
            let own: Vec<Value> = sources
                .iter()
                .filter(|(commit, ..)| commit == sha)
                .map(|(_, number, fork)| {
                    let mut pull = super::Pull {
                        number: *number,
                        title: "A change".to_owned(),
                        body: String::new(),
                        head: "feature".to_owned(),
                        base: "main".to_owned(),
                        state: "MERGED".to_owned(),
                        merge_commit: Some((*sha).to_owned()),
                        labels: Vec::new(),
                        reviewers: Vec::new(),
                        assignees: Vec::new(),
                        reviews: Vec::new(),
                        auto_merge: None,
                        queued: None,
                        last_head: (*sha).to_owned(),
                        worked_out: String::new(),
                    };
                    pull.last_head = (*sha).to_owned();
                    let mut shown = world.pull_json(&pull, false);
                    if *fork {
                        shown["head"]["repo"]["full_name"] = json!("somebody/api");
                    }
                    shown
                })
                .collect();
            Reply::json(200, json!(own))
        }
        ("GET", ["compare", range @ ..]) => compare::serve(world, ask, &range.join("/")),
        ("GET", ["commits", name]) => {
            let all = lock(&runs.sources).clone();
            match all.iter().find(|(commit, ..)| commit.starts_with(name)) {
                Some((commit, ..)) => Reply::json(200, commit_json(url, None, commit)),
                None => Reply::json(
                    422,
                    json!({"message": format!("No commit found for SHA: {name}"), "documentation_url": "https://docs.github.com/rest"}),
                ),
            }
        }
        ("GET", ["deployments"]) => {
            let all = lock(&runs.deployments).clone();
            let fits = |made: &&Deployment| {
                let is = |key: &str| ask.query(key).is_none_or(|wanted| made.body[key] == wanted);
                made.repository == repository && is("environment") && is("sha") && is("ref") && is("task")
            };
            let found: Vec<Value> = all
                .iter()
                .rev()
                .filter(fits)
                .map(|made| deployment(world, made))
                .collect();
            Reply::json(200, json!(found))
        }
        ("POST", ["deployments"]) => {
            let made = Deployment {
                id: world.next(),
                repository,
                body: ask.body.clone(),
                statuses: Vec::new(),
            };
            let shown = deployment(world, &made);
            lock(&runs.deployments).push(made);
            Reply::json(201, shown)
        }
        (_, ["deployments", id, "statuses"]) => {
            let mut all = lock(&runs.deployments);
            let Some(made) = all.iter_mut().find(|made| made.id.to_string() == *id) else {
                return Reply::refuse(404, "Not Found");
            };
            let shown = |status: &Value| {
                json!({"id": 1, "node_id": "DS_1", "state": status["state"], "creator": user("octo-app"), "description": status["description"].as_str().unwrap_or_default(),
                    "deployment_url": url, "target_url": status["log_url"].as_str().unwrap_or(url), "repository_url": url, "url": url,
                    "environment_url": status["environment_url"].as_str().unwrap_or_default(), "log_url": status["log_url"].as_str().unwrap_or_default(),
                    "created_at": stamp, "updated_at": stamp})
            };
            if method == "GET" {
                return Reply::json(200, json!(made.statuses.iter().rev().map(shown).collect::<Vec<_>>()));
            }
            if ask.body["description"]
                .as_str()
                .is_some_and(|text| text.chars().count() > 140)
            {
                return Reply::refuse(422, "description is too long (maximum is 140 characters)");
            }
            made.statuses.push(ask.body.clone());
            Reply::json(201, shown(&ask.body))
        }
        _ => Reply::refuse(404, "Not Found"),
    }
}

fn deployment(world: &World, made: &Deployment) -> Value {
    let (url, stamp) = (&world.url, time(world.now()));
    let text = |key: &str| made.body[key].as_str().unwrap_or_default().to_owned();
    json!({"id": made.id, "node_id": "D_1", "sha": text("ref"), "ref": text("ref"), "task": made.body["task"].as_str().unwrap_or("deploy"),
        "environment": text("environment"), "creator": user("octo-app"), "payload": made.body["payload"].as_object().cloned().unwrap_or_default(),
        "description": made.body["description"], "statuses_url": url, "repository_url": url, "url": url, "created_at": stamp, "updated_at": stamp})
}

/// An environment, or the branches that may deploy to it.
fn environment(world: &World, name: &str, rest: &[&str]) -> Reply {
    let all = lock(&world.runs.environments);
    let Some((_, rules, branches)) = all.iter().find(|(known, ..)| known == name) else {
        return Reply::refuse(404, "Not Found");
    };
    let (url, stamp) = (&world.url, world.stamp());
    match rest {
        [] => {
            let policy =
                (!branches.is_empty()).then(|| json!({"protected_branches": false, "custom_branch_policies": true}));
            Reply::json(
                200,
                json!({"id": 1, "node_id": "E_1", "name": name, "url": url, "html_url": url, "created_at": stamp, "updated_at": stamp,
                    "protection_rules": rules, "deployment_branch_policy": policy}),
            )
        }
        ["deployment-branch-policies"] => {
            let each = branches
                .iter()
                .map(|name| json!({"id": 1, "node_id": "P_1", "name": name, "type": "branch"}));
            Reply::json(
                200,
                json!({"total_count": branches.len(), "branch_policies": each.collect::<Vec<_>>()}),
            )
        }
        _ => Reply::refuse(404, "Not Found"),
    }
}

/// A commit of the source, as REST shows it.
pub(super) fn commit_json(url: &str, login: Option<&String>, sha: &str) -> Value {
    json!({"url": url, "sha": sha, "node_id": "C_1", "html_url": url, "comments_url": url, "parents": [],
        "commit": {"author": null, "committer": null, "comment_count": 0, "message": "A change", "tree": {"sha": sha, "url": url}, "url": url},
        "author": login.map(|login| user(login)), "committer": null})
}

pub(super) fn comments(world: &World, ask: &Ask, method: &str, number: &str, path: &[&str]) -> Reply {
    let url = &world.url;
    let shown = |comment: &Comment| {
        json!({"id": comment.id, "node_id": "IC_1", "html_url": url, "issue_url": url, "user": user(&comment.login), "url": url,
            "body": comment.body, "author_association": "NONE", "created_at": world.stamp(), "updated_at": world.stamp()})
    };
    let text = ask.body["body"].as_str().unwrap_or_default().to_owned();
    let mut all = lock(&world.runs.comments);
    match (method, number, path) {
        ("GET", number, ["comments"]) => {
            let count = |name: &str, other: usize| ask.query(name).and_then(|text| text.parse().ok()).unwrap_or(other);
            let (size, page) = (count("per_page", 30).min(100), count("page", 1).max(1));
            let found = all.iter().filter(|comment| comment.number.to_string() == number);
            let found = found.skip((page - 1) * size).take(size).map(shown);
            Reply::json(200, json!(found.collect::<Vec<_>>()))
        }
        ("POST", number, ["comments"]) => {
            let comment = Comment {
                id: world.next(),
                number: number.parse().unwrap_or_default(),
                login: "octo-app[bot]".to_owned(),
                body: text,
            };
            let reply = Reply::json(201, shown(&comment));
            all.push(comment);
            reply
        }
        ("PATCH", "comments", [id]) => match all.iter_mut().find(|comment| comment.id.to_string() == *id) {
            Some(comment) => {
                comment.body = text;
                Reply::json(200, shown(comment))
            }
            None => Reply::refuse(404, "Not Found"),
        },
        ("DELETE", "comments", [id]) => {
            all.retain(|comment| comment.id.to_string() != *id);
            Reply::json(204, Value::Null)
        }
        _ => Reply::refuse(404, "Not Found"),
    }
}
