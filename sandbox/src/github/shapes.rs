//! Repositories, users and labels as REST shows them.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::{World, lock};

impl World {
    /// The repository as REST shows it alone; how pull requests are merged only to who may write.
    pub(crate) fn settings_json(&self, may_write: bool) -> Value {
        let mut out = self.repository_json();
        for key in ["git_url", "ssh_url", "svn_url"] {
            out[key] = out["html_url"].clone();
        }
        out["network_count"] = json!(0);
        out["subscribers_count"] = json!(0);
        out["has_discussions"] = json!(false);
        if may_write {
            out["allow_auto_merge"] = json!(*lock(&self.auto_merge));
            for (key, method) in [
                ("squash_merge", "squash"),
                ("merge_commit", "merge"),
                ("rebase_merge", "rebase"),
            ] {
                out[format!("allow_{key}")] = json!(self.allowed(method));
            }
        }
        out
    }

    /// The repository as REST shows it.
    pub(crate) fn repository_json(&self) -> Value {
        let url = self.repository_url();
        let (owner, name) = self.options.name.split_once('/').unwrap_or_default();
        let page = format!("{}/{}", self.options.server, self.options.name);
        let mut out = json!({"id": 1, "node_id": "R_1", "name": name, "full_name": self.options.name, "owner": user(owner), "html_url": page,
            "url": url, "description": null, "clone_url": page, "default_branch": self.default_branch(), "homepage": null, "language": null,
            "license": null, "mirror_url": null, "pushed_at": self.stamp(), "created_at": self.stamp(), "updated_at": self.stamp()});
        for key in ["private", "fork", "has_pages", "archived", "disabled"] {
            out[key] = json!(false);
        }
        for key in ["has_downloads", "has_issues", "has_projects", "has_wiki"] {
            out[key] = json!(true);
        }
        for key in [
            "forks",
            "forks_count",
            "open_issues",
            "open_issues_count",
            "size",
            "stargazers_count",
            "watchers",
            "watchers_count",
        ] {
            out[key] = json!(0);
        }
        for key in [
            "archive",
            "assignees",
            "blobs",
            "branches",
            "collaborators",
            "comments",
            "commits",
            "compare",
            "contents",
            "contributors",
            "deployments",
            "downloads",
            "events",
            "forks",
            "git_commits",
            "git_refs",
            "git_tags",
            "git",
            "hooks",
            "issue_comment",
            "issue_events",
            "issues",
            "keys",
            "labels",
            "languages",
            "merges",
            "milestones",
            "notifications",
            "pulls",
            "releases",
            "ssh",
            "stargazers",
            "statuses",
            "subscribers",
            "subscription",
            "svn",
            "tags",
            "teams",
            "trees",
        ] {
            out[format!("{key}_url")] = json!(format!("{url}/{key}"));
        }
        out
    }
}

/// A user as REST shows one.
pub(crate) fn user(login: &str) -> Value {
    let mut out = json!({"login": login, "id": 1, "node_id": "U_1", "gravatar_id": null, "type": if login.ends_with("[bot]") { "Bot" } else { "User" }, "site_admin": false});
    for key in [
        "avatar",
        "events",
        "followers",
        "following",
        "gists",
        "html",
        "organizations",
        "received_events",
        "repos",
        "starred",
        "subscriptions",
    ] {
        out[format!("{key}_url")] = json!(format!("https://users.example/{login}/{key}"));
    }
    out["url"] = json!(format!("https://users.example/{login}"));
    out
}

pub(crate) fn label(api: &str, name: &str) -> Value {
    json!({"id": 1, "node_id": "L_1", "url": format!("{api}/labels/x"), "name": name, "description": "", "color": "ededed", "default": false})
}

/// Seconds since 1970 as RFC 3339.
pub(crate) fn time(seconds: u64) -> String {
    let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    humantime::format_rfc3339_seconds(at).to_string()
}
