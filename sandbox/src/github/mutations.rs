//! The mutations of GraphQL that a promotion uses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::graphql::{Object, Refused, select};
use super::language::Field;
use super::{Ask, World, lock};

fn number_of(id: &Value) -> Option<u64> {
    id.as_str()?.strip_prefix("PR_")?.parse().ok()
}

pub(super) fn mutate(world: &World, ask: &Ask, field: &Field) -> Result<Value, Refused> {
    let permission = match field.name.as_str() {
        "createCommitOnBranch" | "updateRefs" => "contents",
        "enablePullRequestAutoMerge" | "disablePullRequestAutoMerge" | "enqueuePullRequest" | "dequeuePullRequest" => {
            "pull_requests"
        }
        other => return Err((None, format!("Field '{other}' doesn't exist on type 'Mutation'"))),
    };
    if world.may(ask, permission, "write").is_err() {
        return Err((Some("FORBIDDEN"), "Resource not accessible by integration".to_owned()));
    }
    let input = field.args.get("input").cloned().unwrap_or_default();
    let _one = lock(&world.writing);
    let made = match field.name.as_str() {
        "createCommitOnBranch" => create_commit(world, &input)?,
        "updateRefs" => update_refs(world, &input)?,
        "enablePullRequestAutoMerge" => arm(world, &input)?,
        "disablePullRequestAutoMerge" => disarm(world, &input)?,
        "dequeuePullRequest" => dequeue(world, &input)?,
        _ => enqueue(world, &input)?,
    };
    select(world, &made, &field.fields)
}

fn create_commit(world: &World, input: &Value) -> Result<Object, Refused> {
    let wrong = |why: String| (Some("UNPROCESSABLE"), why);
    let branch = input["branch"]["branchName"].as_str().unwrap_or_default();
    let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    if input["branch"]["repositoryNameWithOwner"] != json!(world.options.name) {
        return Err((
            Some("NOT_FOUND"),
            "Could not resolve to a Repository with the name given.".to_owned(),
        ));
    }
    let name = format!("refs/heads/{branch}");
    let Some(head) = world.reference(&name) else {
        return Err((Some("NOT_FOUND"), format!("The branch \"{branch}\" does not exist.")));
    };
    let expected = input["expectedHeadOid"].as_str().unwrap_or_default();
    if head != expected {
        let why = format!("Expected branch to point to \"{expected}\" but it did not. Pull and try again.");
        return Err((Some("STALE_DATA"), why));
    }
    if let Some(why) = world.forbids(branch) {
        return Err(wrong(why));
    }
    let mut changes = Vec::new();
    for addition in input["fileChanges"]["additions"].as_array().into_iter().flatten() {
        let path = addition["path"].as_str().unwrap_or_default();
        let bytes = STANDARD.decode(addition["contents"].as_str().unwrap_or_default());
        let bytes = bytes.map_err(|_| wrong(format!("Contents of {path} are not valid base64")))?;
        let blob = world.blob(&bytes).map_err(wrong)?;
        // Whatever it was before.
        changes.push((path.to_owned(), "100644".to_owned(), Some(blob)));
    }
    for deletion in input["fileChanges"]["deletions"].as_array().into_iter().flatten() {
        let path = deletion["path"].as_str().unwrap_or_default();
        if world.entry(&head, path).is_none() {
            return Err(wrong(format!(
                "A path was requested for deletion which does not exist as of commit oid `{head}`: {path}"
            )));
        }
        changes.push((path.to_owned(), String::new(), None));
    }
    let headline = input["message"]["headline"].as_str().unwrap_or_default();
    let body = input["message"]["body"].as_str().unwrap_or_default();
    let message = if body.is_empty() {
        headline.to_owned()
    } else {
        format!("{headline}\n\n{body}")
    };
    let base = world.commit(&head).map(|commit| commit.tree);
    let tree = world.tree(base.as_deref(), &changes).map_err(wrong)?;
    let author = ("octo-app[bot]", "octo-app[bot]@users.noreply.github.com");
    let commit = world.make(&tree, &[&head], author, &message).map_err(wrong)?;
    world.swap(&name, Some(&head), &commit).map_err(|_| {
        let why = format!("Expected branch to point to \"{expected}\" but it did not. Pull and try again.");
        (Some("STALE_DATA"), why)
    })?;
    lock(&world.signed).push(commit.clone());
    Ok(Object::Plain(
        "CreateCommitOnBranchPayload",
        json!({"commit": {"oid": commit}, "ref": {"target": {"oid": commit}}}),
    ))
}

fn update_refs(world: &World, input: &Value) -> Result<Object, Refused> {
    let wrong = |why: String| (Some("UNPROCESSABLE"), why);
    if input["repositoryId"] != "R_1" {
        return Err((
            Some("NOT_FOUND"),
            "Could not resolve to a node with the global id given.".to_owned(),
        ));
    }
    for update in input["refUpdates"].as_array().into_iter().flatten() {
        let name = update["name"].as_str().unwrap_or_default();
        let (before, after) = (
            update["beforeOid"].as_str(),
            update["afterOid"].as_str().unwrap_or_default(),
        );
        let zero = "0".repeat(40);
        let there = world.reference(name);
        if let Some(before) = before
            && before != there.as_deref().unwrap_or(&zero)
        {
            let is = there.as_deref().unwrap_or("nothing");
            return Err(wrong(format!(
                "Reference cannot be updated: {name} is at {is} but expected {before}"
            )));
        }
        if world.commit(after).is_none() {
            return Err(wrong(format!("{after} is not a commit")));
        }
        if let Some(why) = name
            .strip_prefix("refs/heads/")
            .and_then(|branch| world.forbids(branch))
        {
            return Err(wrong(why));
        }
        let forced = update["force"].as_bool().unwrap_or(false);
        if let Some(there) = &there
            && !forced
            && !world.is_ancestor(there, after)
        {
            return Err(wrong("Update is not a fast forward".to_owned()));
        }
        world.swap(name, there.as_deref(), after).map_err(wrong)?;
    }
    Ok(Object::Plain("UpdateRefsPayload", json!({"clientMutationId": null})))
}

fn arm(world: &World, input: &Value) -> Result<Object, Refused> {
    let wrong = |why: &str| (Some("UNPROCESSABLE"), why.to_owned());
    let pull = named(world, &input["pullRequestId"])?;
    if !*lock(&world.auto_merge) {
        return Err(wrong("Auto merge is not allowed for this repository"));
    }
    if let Some(expected) = input["expectedHeadOid"].as_str()
        && expected != world.head(&pull)
    {
        return Err(wrong("Head branch was modified. Review and try the merge again."));
    }
    let queue = world.has_rule(&pull.base, "merge_queue");
    let stand = world.stand(&pull);
    match stand.status {
        "CLEAN" => return Err(wrong("Pull request Pull request is in clean status")),
        "UNSTABLE" => return Err(wrong("Pull request Pull request is in unstable status")),
        _ => {}
    }
    let method = input["mergeMethod"].as_str().unwrap_or("MERGE");
    if queue && !input["mergeMethod"].is_null() {
        return Err(wrong("A merge queue decides the merge method"));
    }
    if !queue && !world.allowed(&method.to_lowercase()) {
        return Err(wrong("Merge method is not allowed on this repository"));
    }
    let message = format!(
        "{}\n\n{}",
        input["commitHeadline"].as_str().unwrap_or(&pull.title),
        input["commitBody"].as_str().unwrap_or_default()
    );
    world.change(pull.number, |pull| pull.auto_merge = Some((method.to_owned(), message)));
    Ok(Object::Plain(
        "EnablePullRequestAutoMergePayload",
        json!({"pullRequest": {"number": pull.number}}),
    ))
}

fn disarm(world: &World, input: &Value) -> Result<Object, Refused> {
    let pull = named(world, &input["pullRequestId"])?;
    if pull.auto_merge.is_none() {
        let why = "Can't disable auto-merge for this pull request";
        return Err((Some("UNPROCESSABLE"), why.to_owned()));
    }
    world.change(pull.number, |pull| pull.auto_merge = None);
    Ok(Object::Plain(
        "DisablePullRequestAutoMergePayload",
        json!({"pullRequest": {"number": pull.number}}),
    ))
}

fn dequeue(world: &World, input: &Value) -> Result<Object, Refused> {
    let pull = named(world, &input["id"])?;
    if pull.queued.is_none() {
        let why = "Pull request is not in the merge queue";
        return Err((Some("UNPROCESSABLE"), why.to_owned()));
    }
    world.change(pull.number, |pull| pull.queued = None);
    let entry = json!({"mergeQueueEntry": {"state": "UNMERGEABLE", "position": 1}});
    Ok(Object::Plain("DequeuePullRequestPayload", entry))
}

fn named(world: &World, id: &Value) -> Result<super::Pull, Refused> {
    let pull = number_of(id).and_then(|number| world.pull(number));
    pull.ok_or_else(|| {
        let why = "Could not resolve to a node with the global id given.";
        (Some("NOT_FOUND"), why.to_owned())
    })
}

fn enqueue(world: &World, input: &Value) -> Result<Object, Refused> {
    let wrong = |why: &str| (Some("UNPROCESSABLE"), why.to_owned());
    let pull = named(world, &input["pullRequestId"])?;
    if !world.has_rule(&pull.base, "merge_queue") {
        return Err(wrong("Pull request base branch does not have a merge queue enabled"));
    }
    if let Some(expected) = input["expectedHeadOid"].as_str()
        && expected != world.head(&pull)
    {
        return Err(wrong("Head branch was modified. Review and try the merge again."));
    }
    if !matches!(world.stand(&pull).status, "CLEAN" | "UNSTABLE") {
        return Err(wrong("Pull request is not mergeable"));
    }
    world.change(pull.number, |pull| pull.queued = Some(pull.queued.unwrap_or(0)));
    let entry = json!({"mergeQueueEntry": {"state": "QUEUED", "position": 1}});
    Ok(Object::Plain("EnqueuePullRequestPayload", entry))
}
