//! GraphQL: the types and mutations that a promotion uses. A field that a type does not have is an error, as at GitHub.

use serde_json::{Map, Value, json};

use super::language::{Field, parse};
use super::mutations;
use super::objects::Entry;
use super::pulls::Pull;
use super::{Ask, Reply, World, lock};

/// What a field is selected from.
#[derive(Clone)]
pub(super) enum Object {
    Repository,
    Reference(String),
    Commit(String),
    Tree(String),
    Entry(Entry),
    Blob(String),
    Pull(Box<Pull>),
    Check(Value),
    /// The checks of a commit.
    Rollup(Vec<Value>, &'static str),
    Connection(&'static str, Vec<Object>),
    /// Plain fields under the name of their type.
    Plain(&'static str, Value),
}

/// What a field is.
enum Out {
    Value(Value),
    One(Object),
    Many(Vec<Object>),
}

/// The kind and the words of an error.
pub(super) type Refused = (Option<&'static str>, String);

pub(super) fn serve(world: &World, ask: &Ask) -> Reply {
    if ask.method != "POST" {
        return Reply::refuse(404, "Not Found");
    }
    if let Err(reply) = world.may(ask, "metadata", "read")
        && reply.status == 401
    {
        return reply;
    }
    let text = ask.body["query"].as_str().unwrap_or_default();
    let operation = match parse(text, &ask.body["variables"]) {
        Ok(operation) => operation,
        Err(why) => return errors(None, &why, Value::Null),
    };
    let mut data = Map::new();
    for field in &operation.fields {
        let found = if operation.mutates {
            mutations::mutate(world, ask, field)
        } else {
            query(world, ask, field)
        };
        match found {
            Ok(value) => drop(data.insert(field.alias.clone(), value)),
            Err((kind, why)) => {
                data.insert(field.alias.clone(), Value::Null);
                return errors(kind, &why, Value::Object(data));
            }
        }
    }
    Reply::json(200, json!({"data": data}))
}

fn errors(kind: Option<&str>, message: &str, data: Value) -> Reply {
    let mut error = json!({"message": message, "path": [], "locations": [{"line": 1, "column": 1}]});
    if let Some(kind) = kind {
        error["type"] = json!(kind);
    }
    let mut body = json!({"errors": [error]});
    if !data.is_null() {
        body["data"] = data;
    }
    Reply::json(200, body)
}

fn query(world: &World, ask: &Ask, field: &Field) -> Result<Value, Refused> {
    if field.name != "repository" {
        return Err((None, format!("Field '{}' doesn't exist on type 'Query'", field.name)));
    }
    let named = format!(
        "{}/{}",
        field.args.get("owner").and_then(Value::as_str).unwrap_or_default(),
        field.args.get("name").and_then(Value::as_str).unwrap_or_default()
    );
    if named != world.options.name || world.may(ask, "contents", "read").is_err() {
        let why = format!("Could not resolve to a Repository with the name '{named}'.");
        return Err((Some("NOT_FOUND"), why));
    }
    select(world, &Object::Repository, &field.fields)
}

pub(super) fn select(world: &World, object: &Object, fields: &[Field]) -> Result<Value, Refused> {
    let mut out = Map::new();
    for field in fields {
        if let Some(on) = &field.on {
            if on == kind(object)
                && let Value::Object(more) = select(world, object, &field.fields)?
            {
                out.extend(more);
            }
            continue;
        }
        let value = match resolve(world, object, field)? {
            Out::Value(value) => {
                if !field.fields.is_empty() && !value.is_null() {
                    return Err((
                        None,
                        format!("Selections can't be made on scalars (field '{}')", field.name),
                    ));
                }
                value
            }
            Out::One(inner) => select(world, &inner, &field.fields)?,
            Out::Many(all) => {
                let all = all.iter().map(|inner| select(world, inner, &field.fields));
                Value::Array(all.collect::<Result<_, _>>()?)
            }
        };
        out.insert(field.alias.clone(), value);
    }
    Ok(Value::Object(out))
}

fn kind(object: &Object) -> &str {
    match object {
        Object::Repository => "Repository",
        Object::Reference(_) => "Ref",
        Object::Commit(_) => "Commit",
        Object::Tree(_) => "Tree",
        Object::Entry(_) => "TreeEntry",
        Object::Blob(_) => "Blob",
        Object::Pull(_) => "PullRequest",
        Object::Check(check) if check["name"].is_string() => "CheckRun",
        Object::Check(_) => "StatusContext",
        Object::Rollup(..) => "StatusCheckRollup",
        Object::Connection(name, _) => name,
        Object::Plain(name, _) => name,
    }
}

fn plain(name: &'static str, value: Value) -> Out {
    if value.is_null() {
        Out::Value(value)
    } else {
        Out::One(Object::Plain(name, value))
    }
}

fn connection(name: &'static str, nodes: Vec<Object>, field: &Field) -> Result<Out, Refused> {
    let first = field
        .args
        .get("first")
        .or_else(|| field.args.get("last"))
        .and_then(Value::as_u64);
    let Some(first) = first.filter(|first| (1..=100).contains(first)) else {
        return Err((
            Some("MISSING_PAGINATION_BOUNDARIES"),
            format!(
                "You must provide a `first` or `last` value to properly paginate the `{}` connection.",
                field.name
            ),
        ));
    };
    let first = usize::try_from(first).unwrap_or(100);
    let mut nodes = nodes;
    nodes.truncate(first);
    Ok(Out::One(Object::Connection(name, nodes)))
}

fn resolve(world: &World, object: &Object, field: &Field) -> Result<Out, Refused> {
    let text = |name: &str| {
        field
            .args
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let none = || {
        (
            None,
            format!("Field '{}' doesn't exist on type '{}'", field.name, kind(object)),
        )
    };
    Ok(match (object, field.name.as_str()) {
        (_, "__typename") => Out::Value(json!(kind(object))),
        (Object::Repository, "id") => Out::Value(json!("R_1")),
        (Object::Repository, "nameWithOwner") => Out::Value(json!(world.options.name)),
        (Object::Repository, "autoMergeAllowed") => Out::Value(json!(*lock(&world.auto_merge))),
        (Object::Repository, "mergeCommitAllowed") => Out::Value(json!(world.allowed("merge"))),
        (Object::Repository, "squashMergeAllowed") => Out::Value(json!(world.allowed("squash"))),
        (Object::Repository, "rebaseMergeAllowed") => Out::Value(json!(world.allowed("rebase"))),
        (Object::Repository, "defaultBranchRef") => reference(world, &format!("refs/heads/{}", world.default_branch())),
        (Object::Repository, "ref") => reference(world, &text("qualifiedName")),
        (Object::Repository, "object") => match world.commit(&text("oid")) {
            Some(commit) => Out::One(Object::Commit(commit.oid)),
            None => Out::Value(Value::Null),
        },
        (Object::Repository, "pullRequest") => {
            let number = field.args.get("number").and_then(Value::as_u64).unwrap_or_default();
            world.work_queue(number);
            match world.pull(number) {
                Some(pull) => Out::One(Object::Pull(Box::new(pull))),
                None => {
                    return Err((
                        Some("NOT_FOUND"),
                        format!("Could not resolve to a PullRequest with the number of {number}."),
                    ));
                }
            }
        }
        (Object::Reference(name), "name") => Out::Value(json!(name.strip_prefix("refs/heads/").unwrap_or(name))),
        (Object::Reference(name), "target") => match world.reference(name) {
            Some(commit) => Out::One(Object::Commit(commit)),
            None => Out::Value(Value::Null),
        },
        (Object::Commit(oid), "oid") => Out::Value(json!(oid)),
        (Object::Commit(oid), name) => commit(world, oid, name, field)?,
        (Object::Tree(oid), "oid") => Out::Value(json!(oid)),
        (Object::Tree(oid), "entries") => Out::Many(world.list(oid).into_iter().map(Object::Entry).collect()),
        (Object::Entry(entry), name) => match name {
            "name" => Out::Value(json!(entry.name)),
            "type" => Out::Value(json!(entry.kind)),
            "mode" => Out::Value(json!(entry.mode)),
            "oid" => Out::Value(json!(entry.oid)),
            "object" => Out::One(match entry.kind.as_str() {
                "tree" => Object::Tree(entry.oid.clone()),
                "blob" => Object::Blob(entry.oid.clone()),
                _ => return Ok(Out::Value(Value::Null)),
            }),
            _ => return Err(none()),
        },
        (Object::Blob(oid), name) => match name {
            "oid" => Out::Value(json!(oid)),
            "text" => Out::Value(json!(world.text(oid))),
            "isTruncated" => Out::Value(json!(false)),
            _ => return Err(none()),
        },
        (Object::Pull(pull), name) => pull_field(world, pull, name, field)?,
        (Object::Connection(_, nodes), "nodes") => Out::Many(nodes.clone()),
        (Object::Connection(_, nodes), "totalCount") => Out::Value(json!(nodes.len())),
        (Object::Rollup(_, state), "state") => Out::Value(json!(state)),
        (Object::Rollup(checks, _), "contexts") => {
            let nodes = checks.iter().cloned().map(Object::Check).collect();
            connection("StatusCheckRollupContextConnection", nodes, field)?
        }
        (Object::Check(value) | Object::Plain(_, value), name) => match value.get(name) {
            Some(Value::Object(inner)) => {
                let oid = inner.get("oid").and_then(Value::as_str);
                match oid {
                    Some(oid) => Out::One(Object::Commit(oid.to_owned())),
                    None => Out::One(Object::Plain("Object", Value::Object(inner.clone()))),
                }
            }
            Some(value) => Out::Value(value.clone()),
            None => return Err(none()),
        },
        _ => return Err(none()),
    })
}

fn reference(world: &World, name: &str) -> Out {
    match world.reference(name) {
        Some(_) => Out::One(Object::Reference(name.to_owned())),
        None => Out::Value(Value::Null),
    }
}

fn commit(world: &World, oid: &str, name: &str, field: &Field) -> Result<Out, Refused> {
    let none = || (None, format!("Field '{name}' doesn't exist on type 'Commit'"));
    let commit = world.commit(oid).ok_or_else(none)?;
    let chain = |first: String| {
        let mut all = Vec::new();
        let mut next = Some(first);
        while let Some(oid) = next.filter(|_| all.len() < 100) {
            next = world.commit(&oid).and_then(|commit| commit.parents.first().cloned());
            all.push(Object::Commit(oid));
        }
        all
    };
    Ok(match name {
        "message" => Out::Value(json!(commit.message)),
        "tree" => Out::One(Object::Tree(commit.tree)),
        "file" => {
            let path = field.args.get("path").and_then(Value::as_str).unwrap_or_default();
            match world.entry(oid, path) {
                Some(entry) => Out::One(Object::Entry(entry)),
                None => Out::Value(Value::Null),
            }
        }
        "parents" => connection(
            "CommitConnection",
            commit.parents.into_iter().map(Object::Commit).collect(),
            field,
        )?,
        "history" => connection("CommitHistoryConnection", chain(oid.to_owned()), field)?,
        "statusCheckRollup" => {
            let checks = world.checks_of(oid);
            if checks.is_empty() {
                return Ok(Out::Value(Value::Null));
            }
            let is = |word: &str| checks.iter().any(|(_, end)| end.as_deref() == Some(word));
            let state = if is("FAILURE") {
                "FAILURE"
            } else if checks.iter().any(|(_, end)| end.is_none()) {
                "PENDING"
            } else {
                "SUCCESS"
            };
            let nodes: Vec<Value> = checks
                .iter()
                .map(|(name, end)| json!({"name": name, "status": if end.is_some() { "COMPLETED" } else { "IN_PROGRESS" }, "conclusion": end}))
                .collect();
            Out::One(Object::Rollup(nodes, state))
        }
        _ => return Err(none()),
    })
}

fn pull_field(world: &World, pull: &Pull, name: &str, field: &Field) -> Result<Out, Refused> {
    let value = match name {
        "id" => json!(format!("PR_{}", pull.number)),
        "number" => json!(pull.number),
        "title" => json!(pull.title),
        "body" => json!(pull.body),
        "state" => json!(pull.state),
        "isDraft" => json!(false),
        "headRefOid" => json!(world.head(pull)),
        "baseRef" => return Ok(reference(world, &format!("refs/heads/{}", pull.base))),
        "mergeable" => json!(if pull.state == "OPEN" {
            world.stand(pull).mergeable
        } else {
            "UNKNOWN"
        }),
        "mergeStateStatus" => {
            json!(if pull.state == "OPEN" {
                world
                    .stand(&world.pull(pull.number).unwrap_or_else(|| pull.clone()))
                    .status
            } else {
                "UNKNOWN"
            })
        }
        "reviewDecision" => json!(
            world
                .stand(&world.pull(pull.number).unwrap_or_else(|| pull.clone()))
                .review
        ),
        "isMergeQueueEnabled" => json!(world.has_rule(&pull.base, "merge_queue")),
        "isInMergeQueue" => json!(pull.queued.is_some()),
        "mergeQueueEntry" => {
            let entry = pull.queued.map(|_| json!({"state": "AWAITING_CHECKS", "position": 1}));
            return Ok(plain("MergeQueueEntry", json!(entry)));
        }
        "autoMergeRequest" => {
            let request = pull.auto_merge.as_ref().map(|_| json!({"enabledAt": world.stamp()}));
            return Ok(plain("AutoMergeRequest", json!(request)));
        }
        "mergeCommit" => {
            return Ok(match &pull.merge_commit {
                Some(oid) => Out::One(Object::Commit(oid.clone())),
                None => Out::Value(Value::Null),
            });
        }
        "commits" => {
            let node = Object::Plain("PullRequestCommit", json!({"commit": {"oid": world.head(pull)}}));
            return connection("PullRequestCommitConnection", vec![node], field);
        }
        _ => return Err((None, format!("Field '{name}' doesn't exist on type 'PullRequest'"))),
    };
    Ok(Out::Value(value))
}
