//! REST: which endpoint answers, what it wants, and what it refuses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::pulls::Pull;
use super::{Ask, Reply, World, app, lock, run};

pub(super) fn serve(world: &World, ask: &Ask, path: &[&str]) -> Reply {
    let inner = match path {
        ["app", ..] | ["installation", ..] => return app::serve(world, ask, path),
        ["repos", _, _, "installation"] => return app::serve(world, ask, path),
        ["orgs", org, "teams", team, "members"] => {
            return check(world, ask, "members", "read").unwrap_or_else(|| run::members(world, org, team));
        }
        ["repos", owner, name, inner @ ..] => {
            if ask.bearer().is_none() {
                return Reply::refuse(401, "Requires authentication");
            }
            let own = format!("{owner}/{name}") == world.options.name;
            if !own && !run::knows(world, &format!("{owner}/{name}")) {
                return Reply::refuse(404, "Not Found");
            }
            inner
        }
        _ => return Reply::refuse(404, "Not Found"),
    };
    let (permission, level) = match (ask.method.as_str(), inner) {
        ("GET", ["branches", _, "protection"]) => ("administration", "read"),
        ("GET", ["git" | "rules" | "compare" | "commits" | "branches", ..]) => ("contents", "read"),
        ("GET", ["environments", ..]) => ("actions", "read"),
        (_, ["git", ..]) => ("contents", "write"),
        ("GET", ["pulls", ..]) => ("pull_requests", "read"),
        (_, ["pulls", ..]) => ("pull_requests", "write"),
        ("GET", ["issues", ..]) => ("pull_requests", "read"),
        (_, ["issues", ..]) => ("pull_requests", "write"),
        (_, ["actions", ..]) => ("actions", "read"),
        ("GET", ["deployments", ..]) => ("deployments", "read"),
        (_, ["deployments", ..]) => ("deployments", "write"),
        _ => ("metadata", "read"),
    };
    if let Some(reply) = check(world, ask, permission, level) {
        return reply;
    }
    match (ask.method.as_str(), inner) {
        ("GET", ["rules", "branches", branch @ ..]) => {
            let rules = world.rules_of(&branch.join("/"));
            let rules: Vec<Value> = rules.into_iter().map(source).collect();
            Reply::json(200, json!(rules))
        }
        (method, ["git", git @ ..]) => data(world, ask, method, git),
        ("GET", []) => Reply::json(200, world.settings_json(world.may(ask, "contents", "write").is_ok())),
        ("GET", ["branches", name]) => branch(world, name),
        ("GET", ["branches", _, "protection"]) => match &*lock(&world.protection) {
            Value::Null => Reply::refuse(404, "Branch not protected"),
            found => Reply::json(200, found.clone()),
        },
        ("GET", ["pulls"]) => list(world, ask),
        ("POST", ["pulls"]) => open(world, ask),
        (method, ["pulls", number, rest @ ..]) => with_pull(world, number, |pull| one(world, ask, method, pull, rest)),
        (method, ["issues", number, rest @ ..]) => issue(world, ask, method, number, rest),
        (method, rest) => run::serve(world, ask, method, rest),
    }
}

/// A branch; protected by its settings, or by a ruleset.
fn branch(world: &World, name: &str) -> Reply {
    let Some(sha) = world.reference(&format!("refs/heads/{name}")) else {
        return Reply::refuse(404, "Branch not found");
    };
    let url = format!("{}/branches/{name}", world.repository_url());
    let protected = !lock(&world.protection).is_null() || !world.rules_of(name).is_empty();
    Reply::json(
        200,
        json!({"name": name, "commit": run::commit_json(&url, None, &sha), "_links": {"html": url, "self": url}, "protected": protected,
            "protection": {"enabled": protected}, "protection_url": format!("{url}/protection")}),
    )
}

/// Where a rule comes from is part of it.
fn source(mut rule: Value) -> Value {
    rule["ruleset_source_type"] = json!("Repository");
    rule["ruleset_source"] = json!("myorg/infra-repo");
    rule["ruleset_id"] = json!(1);
    rule
}

fn check(world: &World, ask: &Ask, permission: &str, level: &str) -> Option<Reply> {
    world.may(ask, permission, level).err()
}

/// Git's database.
fn data(world: &World, ask: &Ask, method: &str, path: &[&str]) -> Reply {
    let api = world.repository_url();
    let body = &ask.body;
    match (method, path) {
        ("GET", ["ref", name @ ..]) => {
            let name = format!("refs/{}", name.join("/"));
            match world.reference(&name) {
                Some(sha) => Reply::json(200, reference(&api, &name, &sha)),
                None => Reply::refuse(404, "Not Found"),
            }
        }
        ("GET", ["commits", sha]) => match world.commit(sha) {
            Some(commit) => Reply::json(
                200,
                commit.rest(&api, lock(&world.signed).iter().any(|signed| signed == sha)),
            ),
            None => Reply::refuse(404, "Not Found"),
        },
        ("POST", ["blobs"]) => {
            let text = body["content"].as_str().unwrap_or_default();
            let bytes = match body["encoding"].as_str() {
                Some("base64") => match STANDARD.decode(text) {
                    Ok(bytes) => bytes,
                    Err(_) => return Reply::refuse(422, "content is not valid Base64"),
                },
                _ => text.as_bytes().to_vec(),
            };
            match world.blob(&bytes) {
                Ok(sha) => Reply::json(201, json!({"sha": sha, "url": format!("{api}/git/blobs/{sha}")})),
                Err(why) => Reply::refuse(422, &why),
            }
        }
        ("POST", ["trees"]) => {
            let _one = lock(&world.writing);
            let base = body["base_tree"].as_str();
            let mut changes = Vec::new();
            for entry in body["tree"].as_array().into_iter().flatten() {
                let path = entry["path"].as_str().unwrap_or_default().to_owned();
                let mode = entry["mode"].as_str().unwrap_or_default().to_owned();
                if !["100644", "100755", "120000"].contains(&mode.as_str()) {
                    return Reply::refuse(422, "tree.mode is not a supported mode");
                }
                let blob = match (&entry["content"], &entry["sha"]) {
                    (Value::String(text), Value::Null) => world.blob(text.as_bytes()).map(Some),
                    (Value::Null, Value::String(sha)) => Ok(Some(sha.clone())),
                    (Value::Null, Value::Null) if entry.get("sha").is_some() => Ok(None),
                    _ => Err("Must supply either tree.sha or tree.content".to_owned()),
                };
                match blob {
                    Ok(blob) => changes.push((path, mode, blob)),
                    Err(why) => return Reply::refuse(422, &why),
                }
            }
            match world.tree(base, &changes) {
                Ok(sha) => Reply::json(
                    201,
                    json!({"sha": sha, "url": format!("{api}/git/trees/{sha}"), "truncated": false, "tree": []}),
                ),
                Err(why) => Reply::refuse(422, &why),
            }
        }
        ("POST", ["commits"]) => {
            let parents: Vec<&str> = body["parents"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            if parents.iter().any(|parent| world.commit(parent).is_none()) {
                return Reply::refuse(422, "Parent SHA does not exist or is not a commit object");
            }
            let author = body["author"].as_object();
            let of = |key: &str, other: &'static str| {
                let given = author.and_then(|author| author.get(key)?.as_str());
                given.unwrap_or(other).to_owned()
            };
            let name = of("name", "octo-app[bot]");
            let mail = of("email", "octo-app[bot]@users.noreply.github.com");
            let message = body["message"].as_str().unwrap_or_default();
            match world.make(
                body["tree"].as_str().unwrap_or_default(),
                &parents,
                (&name, &mail),
                message,
            ) {
                Ok(sha) => {
                    // Only what the bot itself makes is signed.
                    if author.is_none() {
                        lock(&world.signed).push(sha.clone());
                    }
                    match world.commit(&sha) {
                        Some(commit) => Reply::json(201, commit.rest(&api, author.is_none())),
                        None => Reply::refuse(422, "Tree SHA does not exist"),
                    }
                }
                Err(why) => Reply::refuse(422, &why),
            }
        }
        ("POST", ["refs"]) => {
            let (name, sha) = (
                body["ref"].as_str().unwrap_or_default(),
                body["sha"].as_str().unwrap_or_default(),
            );
            if world.reference(name).is_some() {
                return Reply::refuse(422, "Reference already exists");
            }
            match world.swap(name, None, sha) {
                Ok(()) => Reply::json(201, reference(&api, name, sha)),
                Err(_) => Reply::refuse(422, "Object does not exist"),
            }
        }
        ("DELETE", ["refs", name @ ..]) => {
            let name = format!("refs/{}", name.join("/"));
            if world.reference(&name).is_none() {
                return Reply::refuse(422, "Reference does not exist");
            }
            let _ = world.git(&["update-ref", "-d", &name]);
            Reply::json(204, Value::Null)
        }
        _ => Reply::refuse(404, "Not Found"),
    }
}

fn reference(api: &str, name: &str, sha: &str) -> Value {
    let short = name.strip_prefix("refs/").unwrap_or(name);
    json!({"ref": name, "node_id": "REF_1", "url": format!("{api}/git/refs/{short}"),
        "object": {"type": "commit", "sha": sha, "url": format!("{api}/git/commits/{sha}")}})
}

fn list(world: &World, ask: &Ask) -> Reply {
    let owner = world.options.name.split('/').next().unwrap_or_default();
    let state = ask.query("state").unwrap_or("open").to_uppercase();
    // Without an owner the head is no filter.
    let head = ask
        .query("head")
        .and_then(|head| head.strip_prefix(&format!("{owner}:")));
    let fits = |pull: &&Pull| {
        (state == "ALL" || (pull.state == "OPEN") == (state == "OPEN"))
            && head.is_none_or(|head| head == pull.head)
            && ask.query("base").is_none_or(|base| base == pull.base)
    };
    let all = lock(&world.pulls).clone();
    let found: Vec<Value> = all
        .iter()
        .filter(fits)
        .map(|pull| world.pull_json(pull, false))
        .collect();
    Reply::json(200, json!(found))
}

fn invalid(message: &str) -> Reply {
    let body = json!({"message": "Validation Failed", "errors": [{"resource": "PullRequest", "code": "custom", "message": message}],
        "documentation_url": "https://docs.github.com/rest", "status": "422"});
    Reply::json(422, body)
}

fn open(world: &World, ask: &Ask) -> Reply {
    let text = |key: &str| ask.body[key].as_str().unwrap_or_default().to_owned();
    let (head, base) = (text("head"), text("base"));
    let (Some(head_at), Some(base_at)) = (
        world.reference(&format!("refs/heads/{head}")),
        world.reference(&format!("refs/heads/{base}")),
    ) else {
        return invalid("head or base does not exist");
    };
    let _one = lock(&world.writing);
    let there = lock(&world.pulls)
        .iter()
        .any(|pull| pull.state == "OPEN" && pull.head == head && pull.base == base);
    if there {
        let owner = world.options.name.split('/').next().unwrap_or_default();
        return invalid(&format!("A pull request already exists for {owner}:{head}."));
    }
    if world.is_ancestor(&head_at, &base_at) {
        return invalid(&format!("No commits between {base} and {head}"));
    }
    let pull = Pull {
        number: world.next() + 40,
        title: text("title"),
        body: text("body"),
        head,
        base,
        state: "OPEN".to_owned(),
        merge_commit: None,
        labels: Vec::new(),
        reviewers: Vec::new(),
        assignees: Vec::new(),
        reviews: Vec::new(),
        auto_merge: None,
        queued: None,
        last_head: head_at,
        worked_out: String::new(),
    };
    lock(&world.pulls).push(pull.clone());
    Reply::json(201, world.pull_json(&pull, true))
}

fn with_pull(world: &World, number: &str, then: impl FnOnce(Pull) -> Reply) -> Reply {
    match number.parse().ok().and_then(|number| world.pull(number)) {
        Some(pull) => then(pull),
        None => Reply::refuse(404, "Not Found"),
    }
}

fn one(world: &World, ask: &Ask, method: &str, pull: Pull, path: &[&str]) -> Reply {
    let number = pull.number;
    let body = &ask.body;
    let now = || world.pull(number).unwrap_or_else(|| pull.clone());
    match (method, path) {
        ("GET", []) => Reply::json(200, world.pull_json(&pull, true)),
        ("PATCH", []) => {
            world.change(number, |pull| {
                if let Some(title) = body["title"].as_str() {
                    title.clone_into(&mut pull.title);
                }
                if let Some(text) = body["body"].as_str() {
                    text.clone_into(&mut pull.body);
                }
            });
            Reply::json(200, world.pull_json(&now(), true))
        }
        ("PUT", ["merge"]) => {
            let _one = lock(&world.writing);
            if let Some(sha) = body["sha"].as_str()
                && sha != world.head(&pull)
            {
                return Reply::refuse_briefly(409, "Head branch was modified. Review and try the merge again.");
            }
            let way = body["merge_method"].as_str().unwrap_or("merge");
            let title = body["commit_title"].as_str().unwrap_or(&pull.title);
            let text = body["commit_message"].as_str().unwrap_or_default();
            match world.merge(number, way, &format!("{title}\n\n{text}"), false) {
                Ok(sha) => Reply::json(
                    200,
                    json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"}),
                ),
                Err((status, why)) => Reply::refuse_briefly(status, &why),
            }
        }
        ("POST", ["requested_reviewers"]) => {
            let names: Vec<String> = ["reviewers", "team_reviewers"]
                .iter()
                .flat_map(|key| body[*key].as_array().into_iter().flatten())
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect();
            if names.iter().any(|name| name == "stranger") {
                return Reply::refuse(
                    422,
                    "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the myorg/infra-repo repository.",
                );
            }
            world.change(number, |pull| {
                for name in names {
                    if !pull.reviewers.contains(&name) {
                        pull.reviewers.push(name);
                    }
                }
            });
            Reply::json(201, world.pull_json(&now(), false))
        }
        ("GET", ["reviews"]) => {
            let url = format!("{}/pulls/{number}", world.repository_url());
            let reviews = pull.reviews.iter().enumerate().map(|(n, review)| {
                json!({"id": n + 1, "node_id": "PRR_1", "user": super::user(&review.login), "body": "", "state": review.state,
                    "commit_id": review.commit, "html_url": url, "pull_request_url": url, "submitted_at": world.stamp(),
                    "_links": {"html": {"href": url}, "pull_request": {"href": url}}, "author_association": review.association})
            });
            Reply::json(200, json!(reviews.collect::<Vec<_>>()))
        }
        _ => Reply::refuse(404, "Not Found"),
    }
}

fn issue(world: &World, ask: &Ask, method: &str, number: &str, path: &[&str]) -> Reply {
    let names = |key: &str| -> Vec<String> {
        let all = ask.body[key].as_array().into_iter().flatten();
        all.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    if number == "comments" || path.first() == Some(&"comments") {
        return run::comments(world, ask, method, number, path);
    }
    with_pull(world, number, |pull| match (method, path) {
        ("POST", ["labels"]) => {
            world.change(pull.number, |pull| {
                for name in names("labels") {
                    if !pull.labels.contains(&name) {
                        pull.labels.push(name);
                    }
                }
            });
            let labels = world.pull(pull.number).map(|pull| pull.labels).unwrap_or_default();
            let api = world.repository_url();
            Reply::json(
                200,
                json!(labels.iter().map(|name| super::label(&api, name)).collect::<Vec<_>>()),
            )
        }
        ("POST", ["assignees"]) => {
            world.change(pull.number, |pull| pull.assignees.extend(names("assignees")));
            Reply::json(201, json!({"number": pull.number}))
        }
        _ => Reply::refuse(404, "Not Found"),
    })
}
