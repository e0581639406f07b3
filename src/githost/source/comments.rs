//! The one comment of promotions on a pull request of the source, found by its hidden marker and updated in place.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{Edit, Host, SourcePull};
use crate::githost::approvers::BELONGING;
use crate::github::Failure;
use crate::model::Fault;
use crate::plan::is_comment;

/// How many comments GitHub lists at once, and how many pages are read.
const PAGE: usize = 100;
const PAGES: usize = 20;
/// How often the comment is written while another run writes it, too, or the answer is lost.
const WRITES: u32 = 4;

#[derive(Deserialize)]
struct WirePull {
    number: u64,
    state: String,
    #[serde(default)]
    merged_at: Option<String>,
    #[serde(default)]
    merge_commit_sha: Option<String>,
    head: WireSide,
    base: WireSide,
}

#[derive(Deserialize)]
struct WireSide {
    #[serde(default)]
    sha: String,
    /// None where the fork is gone.
    repo: Option<WireRepo>,
}

#[derive(Deserialize)]
struct WireRepo {
    full_name: String,
}

#[derive(Deserialize)]
struct WireComment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<WireUser>,
    #[serde(default)]
    author_association: String,
}

#[derive(Deserialize)]
struct WireUser {
    #[serde(default, rename = "type")]
    kind: String,
}

impl WireComment {
    /// Whether it is by somebody who does not belong to the repository. Where that is public, everybody can write a comment with the marker.
    fn is_strangers(&self) -> bool {
        let is_user = self.user.as_ref().is_some_and(|user| user.kind == "User");
        is_user && !self.author_association.is_empty() && !BELONGING.contains(&self.author_association.as_str())
    }
}

impl WirePull {
    /// Says how surely a commit came from it; the higher, the surer.
    fn fits(&self, commit: &str) -> u8 {
        let made = self.merge_commit_sha.as_deref() == Some(commit);
        match (made, self.merged_at.is_some() || self.state == "closed") {
            (true, true) => 4,
            _ if self.head.sha == commit => 3,
            (_, true) => 2,
            _ => 1,
        }
    }

    fn pull(&self) -> SourcePull {
        let name = |side: &WireSide| side.repo.as_ref().map(|repo| repo.full_name.clone());
        SourcePull {
            number: self.number,
            fork: name(&self.head) != name(&self.base),
        }
    }
}

impl Host {
    pub(super) async fn find_pull(&self, commit: &str) -> Result<Option<SourcePull>, Fault> {
        let what = format!("look for the pull request of {commit} (`pull-requests: read`)");
        let all: Vec<WirePull> = match self.api.get(&["commits", commit, "pulls"], &[]).await {
            Ok(reply) => reply.read("list of pull requests")?,
            Err(failure) if super::is_missing(&failure) => return Ok(None),
            Err(failure) => return Err(failure.fault(&what)),
        };
        // The first of those that fit best.
        let best = all.iter().rev().max_by_key(|pull| pull.fits(commit));
        Ok(best.map(WirePull::pull))
    }

    /// Returns the comments of promotions: those with the marker, the oldest first.
    async fn comments(&self, number: u64) -> Result<Vec<(u64, String)>, Fault> {
        let name = number.to_string();
        let mut found = Vec::new();
        for page in 1..=PAGES {
            let (size, page) = (PAGE.to_string(), page.to_string());
            let query = [("per_page", size.as_str()), ("page", page.as_str())];
            let reply = self.api.get(&["issues", &name, "comments"], &query).await;
            let what = format!("read the comments of pull request #{number} (`pull-requests: read`)");
            let reply = reply.map_err(|failure| failure.fault(&what))?;
            let all: Vec<WireComment> = reply.read("list of comments")?;
            let last = all.len() < PAGE;
            let known = all.into_iter().filter(|one| !one.is_strangers());
            let marked = known.filter_map(|one| Some((one.id, one.body?)));
            found.extend(marked.filter(|(_, body)| is_comment(body)));
            if last {
                break;
            }
        }
        found.sort_by_key(|(id, _)| *id);
        Ok(found)
    }

    pub(super) async fn write_comment(&self, pull: SourcePull, edit: &Edit<'_>) -> Result<(), Fault> {
        let number = pull.number.to_string();
        let mut own = None;
        let mut lost = None;
        for _ in 0..WRITES {
            let all = self.comments(pull.number).await?;
            let Some((id, body)) = all.first() else {
                let body = json!({"body": edit(None)});
                match self
                    .api
                    .write(Method::POST, &["issues", &number, "comments"], &body)
                    .await
                {
                    Ok(reply) => own = reply.read::<WireComment>("comment").ok().map(|comment| comment.id),
                    Err(Failure::Lost(fault)) => lost = Some(fault),
                    Err(failure) => return Err(refused(failure, pull)),
                }
                continue;
            };
            // Two runs began one at the same time: the older one stays.
            if let Some(own) = own.filter(|own| own != id) {
                let name = own.to_string();
                let _ = self
                    .api
                    .write(Method::DELETE, &["issues", "comments", &name], &json!({}))
                    .await;
            }
            let wanted = edit(Some(body));
            // GitHub drops blank lines at the end.
            if wanted.trim() == body.trim() {
                return Ok(());
            }
            let name = id.to_string();
            let body = json!({"body": wanted});
            // The same text twice is the same text.
            let edited = self
                .api
                .make(Method::PATCH, &["issues", "comments", &name], &body)
                .await;
            edited.map_err(|failure| refused(failure, pull))?;
        }
        match lost {
            Some(fault) => Err(Fault::unreachable(format!(
                "comment on pull request #{}: {fault}",
                pull.number
            ))),
            // Other runs write it as often: each of them has seen this row.
            None => Ok(()),
        }
    }
}

/// Makes the fault of a comment that may not be written.
fn refused(failure: Failure, pull: SourcePull) -> Fault {
    let what = format!("comment on pull request #{} (`pull-requests: write`)", pull.number);
    let forbidden = failure.refusal().is_some_and(|said| matches!(said.status, 403 | 404));
    if pull.fork && forbidden {
        return Fault::denied(format!(
            "pull request #{} comes from a fork, and the token of this run has no permission to comment on it",
            pull.number
        ));
    }
    failure.fault(&what)
}
