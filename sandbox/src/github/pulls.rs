//! Pull requests: how they stand by their reviews, checks and rules, and what a merge, auto-merge and the queue do.

use serde_json::{Value, json};

use super::{World, lock};

/// A review.
#[derive(Clone, Debug)]
pub struct Review {
    /// Who.
    pub login: String,
    /// What its author is to the repository.
    pub association: String,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED` or `DISMISSED`.
    pub state: String,
    /// The head that it is about.
    pub commit: String,
}

/// A pull request.
#[derive(Clone, Debug)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// The name of its branch.
    pub head: String,
    /// The name of the branch that it is for.
    pub base: String,
    /// `OPEN`, `CLOSED` or `MERGED`.
    pub state: String,
    /// What its merge made.
    pub merge_commit: Option<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Users and teams whose review was asked for.
    pub reviewers: Vec<String>,
    /// Users that it is assigned to.
    pub assignees: Vec<String>,
    /// Its reviews, the newest last.
    pub reviews: Vec<Review>,
    /// The method and message of its auto-merge.
    pub auto_merge: Option<(String, String)>,
    /// How often it was looked at since it came into the queue.
    pub queued: Option<u32>,
    /// The head when it was closed or merged.
    pub last_head: String,
    /// The head for which it was worked out whether it can be merged.
    pub(crate) worked_out: String,
}

/// What is said of a merge.
pub(crate) struct Stand {
    pub(crate) mergeable: &'static str,
    pub(crate) status: &'static str,
    pub(crate) review: Option<&'static str>,
}

impl World {
    pub(crate) fn pull(&self, number: u64) -> Option<Pull> {
        lock(&self.pulls).iter().find(|pull| pull.number == number).cloned()
    }

    pub(crate) fn change(&self, number: u64, change: impl FnOnce(&mut Pull)) {
        if let Some(pull) = lock(&self.pulls).iter_mut().find(|pull| pull.number == number) {
            change(pull);
        }
    }

    /// The head of an open one is wherever its branch is.
    pub(crate) fn head(&self, pull: &Pull) -> String {
        let live = (pull.state == "OPEN")
            .then(|| self.reference(&format!("refs/heads/{}", pull.head)))
            .flatten();
        live.unwrap_or_else(|| pull.last_head.clone())
    }

    pub(crate) fn rules_of(&self, branch: &str) -> Vec<Value> {
        let rules = lock(&self.rules);
        rules
            .iter()
            .filter(|(of, _)| of == branch)
            .map(|(_, rule)| rule.clone())
            .collect()
    }

    pub(crate) fn has_rule(&self, branch: &str, kind: &str) -> bool {
        self.rules_of(branch).iter().any(|rule| rule["type"] == kind)
    }

    /// The checks of a commit: name and conclusion (`None`: it is not done).
    pub(crate) fn checks_of(&self, commit: &str) -> Vec<(String, Option<String>)> {
        let all = lock(&self.checks);
        let given = all.iter().filter(|(of, ..)| of == commit);
        let mut checks: Vec<(String, Option<String>)> =
            given.map(|(_, name, end)| (name.clone(), Some(end.clone()))).collect();
        for name in lock(&self.required_checks).iter() {
            if checks.iter().all(|(known, _)| known != name) {
                checks.push((name.clone(), None));
            }
        }
        checks
    }

    pub(crate) fn approvals(&self, pull: &Pull) -> (usize, bool) {
        let head = self.head(pull);
        let mut last: Vec<&Review> = Vec::new();
        for review in pull.reviews.iter().filter(|review| review.state != "COMMENTED") {
            last.retain(|other| other.login != review.login);
            last.push(review);
        }
        let approved = last
            .iter()
            .filter(|review| review.state == "APPROVED" && review.commit == head);
        (
            approved.count(),
            last.iter().any(|review| review.state == "CHANGES_REQUESTED"),
        )
    }

    pub(crate) fn stand(&self, pull: &Pull) -> Stand {
        let head = self.head(pull);
        let unknown = Stand {
            mergeable: "UNKNOWN",
            status: "UNKNOWN",
            review: None,
        };
        if pull.worked_out != head {
            // The first look starts the work.
            self.change(pull.number, |pull| pull.worked_out.clone_from(&head));
            return unknown;
        }
        let base = self.reference(&format!("refs/heads/{}", pull.base)).unwrap_or_default();
        let wanted = *lock(&self.required_reviews);
        let (approvals, objected) = self.approvals(pull);
        let review = match (wanted, objected) {
            (_, true) => Some("CHANGES_REQUESTED"),
            (0, _) => None,
            (wanted, _) if approvals >= wanted => Some("APPROVED"),
            _ => Some("REVIEW_REQUIRED"),
        };
        if self.merged_tree(&base, &head).is_none() {
            return Stand {
                mergeable: "CONFLICTING",
                status: "DIRTY",
                review,
            };
        }
        let required = lock(&self.required_checks).clone();
        let checks = self.checks_of(&head);
        let ok = |end: &Option<String>| matches!(end.as_deref(), Some("SUCCESS" | "NEUTRAL" | "SKIPPED"));
        let passed = |name: &String| checks.iter().any(|(known, end)| known == name && ok(end));
        let blocked = matches!(review, Some("REVIEW_REQUIRED" | "CHANGES_REQUESTED")) || !required.iter().all(passed);
        let status = if blocked {
            "BLOCKED"
        } else if checks.iter().all(|(_, end)| ok(end)) {
            "CLEAN"
        } else {
            "UNSTABLE"
        };
        Stand {
            mergeable: "MERGEABLE",
            status,
            review,
        }
    }

    /// Merges. Returns the commit, or the words of the refusal with its status.
    pub(crate) fn merge(&self, number: u64, method: &str, message: &str, queue: bool) -> Result<String, (u16, String)> {
        let pull = self.pull(number).ok_or((404, "Not Found".to_owned()))?;
        let stand = self.stand(&pull);
        if pull.state != "OPEN" || stand.mergeable != "MERGEABLE" || stand.status == "BLOCKED" {
            let why = match (stand.mergeable, stand.review) {
                ("MERGEABLE", Some("REVIEW_REQUIRED")) => format!(
                    "At least {} approving review is required by reviewers with write access.",
                    lock(&self.required_reviews)
                ),
                ("MERGEABLE", Some("CHANGES_REQUESTED")) => {
                    "Changes were requested by a reviewer with write access.".to_owned()
                }
                ("MERGEABLE", _) if stand.status == "BLOCKED" => {
                    format!(
                        "Required status check \"{}\" is expected.",
                        lock(&self.required_checks).join("\", \"")
                    )
                }
                _ => "Pull Request is not mergeable".to_owned(),
            };
            return Err((405, why));
        }
        let on = format!("refs/heads/{}", pull.base);
        if self.has_rule(&pull.base, "merge_queue") && !queue {
            return Err((405, "Changes must be made through the merge queue".to_owned()));
        }
        if !self.allowed(method) {
            return Err((
                405,
                format!("{} merges are not allowed on this repository.", capital(method)),
            ));
        }
        let base = self.reference(&on).unwrap_or_default();
        let head = self.head(&pull);
        let broken = |why: String| (500, why);
        let tree = self
            .merged_tree(&base, &head)
            .ok_or((405, "Pull Request is not mergeable".to_owned()))?;
        let author = ("octo-app[bot]", "octo-app[bot]@users.noreply.github.com");
        let commit = match method {
            "merge" => self.make(&tree, &[&base, &head], author, message).map_err(broken)?,
            "squash" => self.make(&tree, &[&base], author, message).map_err(broken)?,
            _ => {
                let own = self.commit(&head).map(|commit| commit.message).unwrap_or_default();
                self.make(&tree, &[&base], author, &own).map_err(broken)?
            }
        };
        self.swap(&on, Some(&base), &commit).map_err(|_| {
            (
                409,
                "Base branch was modified. Review and try the merge again.".to_owned(),
            )
        })?;
        self.change(number, |pull| {
            pull.last_head = head;
            pull.state = "MERGED".to_owned();
            pull.merge_commit = Some(commit.clone());
            pull.auto_merge = None;
            pull.queued = None;
        });
        Ok(commit)
    }

    pub(crate) fn allowed(&self, method: &str) -> bool {
        lock(&self.methods).iter().any(|allowed| allowed == method)
    }

    /// Something changed: what is armed and can be merged now is.
    pub(crate) fn settle(&self) {
        let armed: Vec<Pull> = lock(&self.pulls)
            .iter()
            .filter(|pull| pull.state == "OPEN" && pull.auto_merge.is_some())
            .cloned()
            .collect();
        for pull in armed {
            self.stand(&pull);
            let again = self.pull(pull.number).unwrap_or(pull);
            if !matches!(self.stand(&again).status, "CLEAN" | "UNSTABLE") {
                continue;
            }
            if self.has_rule(&again.base, "merge_queue") {
                self.change(again.number, |pull| {
                    pull.queued = Some(0);
                    pull.auto_merge = None;
                });
            } else if let Some((method, message)) = &again.auto_merge {
                let _ = self.merge(again.number, &method.to_lowercase(), message, false);
            }
        }
    }

    /// The queue works while somebody looks: at the third look the entry is merged, or ejected if that is how it goes.
    pub(crate) fn work_queue(&self, number: u64) {
        let Some(looks) = self.pull(number).and_then(|pull| pull.queued) else {
            return;
        };
        if looks < 2 {
            self.change(number, |pull| pull.queued = Some(looks + 1));
            return;
        }
        let mut ejections = lock(&self.ejections);
        if *ejections > 0 {
            *ejections -= 1;
            drop(ejections);
            self.change(number, |pull| pull.queued = None);
            return;
        }
        drop(ejections);
        let base = self.pull(number).map(|pull| pull.base).unwrap_or_default();
        // Somebody else's change is merged just before, as in a group.
        if let Some((path, content)) = lock(&self.group).take() {
            let files = [(path.as_str(), content.as_str())];
            let _ = self
                .git
                .commit(&self.options.repository, &base, &files, "Another change of the group");
        }
        let method = lock(&self.methods).first().cloned().unwrap_or_default();
        let message = self
            .pull(number)
            .map(|pull| format!("{} (#{number})\n\n{}", pull.title, pull.head))
            .unwrap_or_default();
        let head = self.pull(number).map(|pull| self.head(&pull)).unwrap_or_default();
        let message = self.commit(&head).map_or(message, |commit| commit.message);
        if self.merge(number, &method, &message, true).is_err() {
            self.change(number, |pull| pull.queued = None);
        }
    }

    /// As REST shows it; `whole` = as it is shown alone.
    pub(crate) fn pull_json(&self, pull: &Pull, whole: bool) -> Value {
        let api = self.repository_url();
        let (number, head) = (pull.number, self.head(pull));
        let url = format!("{api}/pulls/{number}");
        let page = format!("{}/{}/pull/{number}", self.options.server, self.options.name);
        let owner = self.options.name.split('/').next().unwrap_or_default();
        let link = |to: &str| json!({"href": to});
        let side = |branch: &str, sha: &str| {
            json!({
                "label": format!("{owner}:{branch}"), "ref": branch, "sha": sha, "user": super::user(owner), "repo": self.repository_json(),
            })
        };
        let base = self.reference(&format!("refs/heads/{}", pull.base)).unwrap_or_default();
        let mut out = json!({
            "_links": {"comments": link(&url), "commits": link(&url), "statuses": link(&url), "html": link(&page), "issue": link(&url),
                "review_comments": link(&url), "review_comment": link(&url), "self": link(&url)},
            "assignee": null,
            "labels": pull.labels.iter().map(|name| super::label(&api, name)).collect::<Vec<_>>(),
            "base": side(&pull.base, &base), "head": side(&pull.head, &head),
            "body": pull.body, "closed_at": null, "comments_url": url, "commits_url": url, "created_at": self.stamp(), "diff_url": url,
            "html_url": page, "id": 1000 + number, "node_id": format!("PR_{number}"), "issue_url": url,
            "merge_commit_sha": pull.merge_commit, "merged_at": null, "milestone": null, "number": number, "patch_url": url,
            "review_comment_url": url, "review_comments_url": url, "statuses_url": url,
            "state": if pull.state == "OPEN" { "open" } else { "closed" }, "locked": false, "title": pull.title,
            "updated_at": self.stamp(), "url": url, "user": super::user("octo-app"), "author_association": "CONTRIBUTOR", "auto_merge": null,
        });
        if whole {
            let more = json!({"additions": 1, "changed_files": 1, "comments": 0, "commits": 1, "deletions": 1, "mergeable": null,
                "mergeable_state": "unknown", "merged": pull.state == "MERGED", "maintainer_can_modify": false, "merged_by": null, "review_comments": 0});
            for (key, value) in more.as_object().into_iter().flatten() {
                out[key] = value.clone();
            }
        }
        out
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
