//! What a test sets and sees: tokens, rules, reviews, checks, faults, and everything that was asked.

use serde_json::Value;

use super::{GitHub, Pull, Review, lock, rule_words};
use crate::argocd::Asked;

impl GitHub {
    /// Accepts another token with these permissions (`("contents", "write")`, …). Git lets the last of them read.
    pub fn let_in(&self, token: &str, permissions: &[(&str, &str)]) {
        let permissions = permissions
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        lock(&self.world.tokens).push((token.to_owned(), Some(permissions.collect())));
        self.world.git.let_read(token);
    }

    /// Gives a branch a rule, such as `{"type": "pull_request"}`. Git's pushes are held to it, too.
    ///
    /// # Errors
    /// The hook cannot be written.
    pub fn rule(&self, branch: &str, rule: &Value) -> anyhow::Result<()> {
        lock(&self.world.rules).push((branch.to_owned(), rule.clone()));
        let words = rule_words(rule["type"].as_str().unwrap_or_default());
        let hook = format!(
            "#!/bin/sh\n[ \"$1\" = refs/heads/{branch} ] || exit 0\necho 'error: GH013: Repository rule violations found for refs/heads/{branch}.' >&2\n\
             echo '- {words}' >&2\nexit 1\n"
        );
        self.world.git.hook(&self.world.options.repository, "update", &hook)
    }

    /// Protects `main` by its settings, as `GET …/branches/main/protection` shows it. Only a token with `administration: read` sees that.
    pub fn protect(&self, protection: &Value) {
        lock(&self.world.protection).clone_from(protection);
    }

    /// Wants so many approving reviews before a merge.
    pub fn require_reviews(&self, count: usize) {
        *lock(&self.world.required_reviews) = count;
    }

    /// Wants a check to succeed before a merge.
    pub fn require_check(&self, name: &str) {
        lock(&self.world.required_checks).push(name.to_owned());
    }

    /// Allows these ways to merge only: `squash`, `merge`, `rebase`.
    pub fn allow_methods(&self, methods: &[&str]) {
        *lock(&self.world.methods) = methods.iter().map(|method| (*method).to_owned()).collect();
    }

    /// Allows auto-merge, or not.
    pub fn allow_auto_merge(&self, allowed: bool) {
        *lock(&self.world.auto_merge) = allowed;
    }

    /// Lets the queue eject the next entries.
    pub fn eject(&self, times: u32) {
        *lock(&self.world.ejections) = times;
    }

    /// Lets the queue merge somebody else's change of a file just before the next entry.
    pub fn merge_with(&self, path: &str, content: &str) {
        *lock(&self.world.group) = Some((path.to_owned(), content.to_owned()));
    }

    /// Returns a pull request.
    #[must_use]
    pub fn pull(&self, number: u64) -> Option<Pull> {
        self.world.pull(number)
    }

    /// Returns all pull requests.
    #[must_use]
    pub fn pulls(&self) -> Vec<Pull> {
        lock(&self.world.pulls).clone()
    }

    /// Reviews the head of a pull request.
    pub fn review(&self, number: u64, login: &str, state: &str) {
        self.review_as(number, login, state, "MEMBER");
    }

    /// Reviews it as somebody who is to the repository what GitHub calls `association`, such as `NONE`.
    pub fn review_as(&self, number: u64, login: &str, state: &str, association: &str) {
        if let Some(pull) = self.world.pull(number) {
            let review = Review {
                login: login.to_owned(),
                association: association.to_owned(),
                state: state.to_owned(),
                commit: self.world.head(&pull),
            };
            self.world.change(number, |pull| pull.reviews.push(review));
            self.world.settle();
        }
    }

    /// Whether somebody has reviewed the head of a pull request.
    #[must_use]
    pub fn is_reviewed(&self, number: u64) -> bool {
        let pull = self.world.pull(number);
        pull.is_some_and(|pull| {
            let head = self.world.head(&pull);
            pull.reviews.iter().any(|review| review.commit == head)
        })
    }

    /// Ends a check on the head of a pull request: `SUCCESS`, `FAILURE`, ….
    pub fn check(&self, number: u64, name: &str, conclusion: &str) {
        if let Some(pull) = self.world.pull(number) {
            let head = self.world.head(&pull);
            let mut checks = lock(&self.world.checks);
            checks.retain(|(commit, known, _)| !(*commit == head && known == name));
            checks.push((head, name.to_owned(), conclusion.to_owned()));
            drop(checks);
            self.world.settle();
        }
    }

    /// Closes a pull request.
    pub fn close(&self, number: u64) {
        if let Some(pull) = self.world.pull(number) {
            let head = self.world.head(&pull);
            self.world.change(number, |pull| {
                pull.last_head = head;
                pull.state = "CLOSED".to_owned();
                pull.auto_merge = None;
            });
        }
    }

    /// Merges a pull request, as a person does.
    ///
    /// # Errors
    /// The words of the refusal.
    pub fn merge(&self, number: u64, method: &str) -> Result<String, String> {
        let pull = self.world.pull(number).ok_or("no such pull request")?;
        self.world.stand(&pull);
        let merged = self
            .world
            .merge(number, method, &format!("{} (#{number})", pull.title), false);
        merged.map_err(|(_, why)| why)
    }

    /// Answers the next matching requests (method and path, or the name of a mutation) with a status and the wish to be left alone.
    pub fn busy(&self, part: &str, times: u32, status: u16, seconds: u32) {
        lock(&self.world.busy).push((part.to_owned(), times, status, seconds));
    }

    /// Has somebody else commit a file to `main` when a matching request comes, just before it is worked on; once.
    pub fn overtake(&self, part: &str, path: &str, content: &str) {
        let row = (part.to_owned(), path.to_owned(), content.to_owned());
        lock(&self.world.overtakers).push(row);
    }

    /// Returns the commits that the API made, and so signed.
    #[must_use]
    pub fn signed(&self) -> Vec<String> {
        lock(&self.world.signed).clone()
    }

    /// Returns what was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.world.exchanges.asked()
    }
}
