//! The seam to the people who approved: the environments of a run, the reviews of a pull request, the authors of source commits. GitHub.
//! Changes nothing.

use std::collections::BTreeMap;
use std::rc::Rc;

use async_trait::async_trait;
use serde::Deserialize;

use crate::github::{GitHub, Place};
use crate::http::{Client, Tokens};
use crate::model::{BranchName, Clock, CommitSha, Fault};

/// How many reviews or commits GitHub lists at once.
const PAGE: &str = "100";

/// The run of a workflow.
#[derive(Clone, Debug)]
pub struct Run {
    /// The repository that it belongs to.
    pub place: Place,
    /// The token for it.
    pub token: Option<Rc<dyn Tokens>>,
    /// Its id.
    pub id: u64,
    /// Its attempt, from 1.
    pub attempt: u32,
    /// Who triggered it, and who triggered it first.
    pub actors: Vec<String>,
    /// The commit that it is for.
    pub commit: Option<String>,
    /// The page of the run.
    pub page: String,
    /// The GitHub environment that the input names.
    pub environment: Option<String>,
    /// Whether authors of what is released do not count as approvers.
    pub exclude_authors: bool,
}

impl Run {
    /// Returns the GitHub environment for one of the infra-repo: the one that promote.yaml names, else that of the input, else the one of the
    /// same name.
    #[must_use]
    pub fn environment_of<'a>(&'a self, named: Option<&'a str>, environment: &'a str) -> &'a str {
        named.or(self.environment.as_deref()).unwrap_or(environment)
    }
}

/// The reviews of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The head that they are of.
    pub head: CommitSha,
    /// Who approves it.
    pub by: Vec<String>,
}

/// Reads who approved.
#[async_trait(?Send)]
pub trait Approvers {
    /// Returns who approved an environment of this run.
    ///
    /// # Errors
    /// That cannot be read, or GitHub does not say whether it is about this attempt.
    async fn of_run(&self, environment: &str) -> Result<Vec<String>, Fault>;

    /// Whether GitHub has an environment of this name.
    ///
    /// # Errors
    /// That cannot be read.
    async fn has_environment(&self, name: &str) -> Result<bool, Fault>;

    /// Returns who approves the current head of the open pull request from `head` to `base`; `None` where there is no such pull request.
    /// Only people who belong to the repository count: in a public one, anybody can review.
    ///
    /// # Errors
    /// That cannot be read.
    async fn of_pull(&self, head: &BranchName, base: &BranchName) -> Result<Option<Reviewed>, Fault>;

    /// Returns who wrote the commits of the source repository `owner/name` from `before` to `after`.
    ///
    /// # Errors
    /// That cannot be read, or not for all of them.
    async fn authors(&self, repository: &str, before: &str, after: &str) -> Result<Vec<String>, Fault>;
}

#[derive(Deserialize)]
struct User {
    login: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl User {
    /// Whether it is a person: GitHub says of every account what it is.
    fn is_person(&self) -> bool {
        self.kind.as_deref() != Some("Bot")
    }
}

/// What GitHub calls those who belong to a repository. Everybody else can review and comment as well where the repository is public.
pub(super) const BELONGING: [&str; 3] = ["OWNER", "MEMBER", "COLLABORATOR"];

#[derive(Deserialize)]
struct Approval {
    state: String,
    user: User,
    environments: Vec<Environment>,
}

#[derive(Deserialize)]
struct Environment {
    name: String,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
    #[serde(rename = "ref")]
    name: String,
}

#[derive(Deserialize)]
struct Review {
    user: Option<User>,
    state: String,
    commit_id: Option<String>,
    author_association: String,
}

#[derive(Deserialize)]
struct Comparison {
    total_commits: usize,
    commits: Vec<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
    author: Option<User>,
}

/// People of GitHub.
struct Host {
    run: Option<(GitHub, Run)>,
    infra_repo: Option<GitHub>,
}

/// Opens it: for the run, and for the pull requests of the infra-repo.
#[must_use]
pub fn open(
    run: Option<&Run>,
    infra_repo: Option<(&Place, Option<Rc<dyn Tokens>>)>,
    http: &Client,
    clock: &Rc<dyn Clock>,
) -> Box<dyn Approvers> {
    let new = |place: &Place, token| GitHub::new(place.clone(), http.clone(), token, Rc::clone(clock));
    Box::new(Host {
        run: run.map(|run| (new(&run.place, run.token.clone()), run.clone())),
        infra_repo: infra_repo.map(|(place, token)| new(place, token)),
    })
}

#[async_trait(?Send)]
impl Approvers for Host {
    async fn of_run(&self, environment: &str) -> Result<Vec<String>, Fault> {
        let Some((api, run)) = &self.run else {
            return Err(Fault::refused("this is not a run of a workflow"));
        };
        if run.attempt > 1 {
            return Err(Fault::refused(format!(
                "this is attempt {} of the run, and GitHub does not report which attempt an approval is for: start a new run",
                run.attempt
            )));
        }
        let id = run.id.to_string();
        let reply = api.get(&["actions", "runs", &id, "approvals"], &[]).await;
        let reply = reply.map_err(|failure| failure.fault("read the approvals of this run (`actions: read`)"))?;
        let all: Vec<Approval> = reply.read("list of approvals")?;
        let here = |approval: &Approval| {
            let named = approval
                .environments
                .iter()
                .any(|one| one.name.eq_ignore_ascii_case(environment));
            named && approval.state == "approved" && approval.user.is_person()
        };
        Ok(all
            .into_iter()
            .filter(here)
            .map(|approval| approval.user.login)
            .collect())
    }

    async fn has_environment(&self, name: &str) -> Result<bool, Fault> {
        let Some((api, _)) = &self.run else {
            return Ok(false);
        };
        match api.get(&["environments", name], &[]).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_missing() => Ok(false),
            Err(failure) => Err(failure.fault(&format!("read the environment {name} (`actions: read`)"))),
        }
    }

    async fn of_pull(&self, head: &BranchName, base: &BranchName) -> Result<Option<Reviewed>, Fault> {
        let Some(api) = &self.infra_repo else {
            return Ok(None);
        };
        let owned = format!("{}:{head}", api.place().owner);
        let query = [("state", "open"), ("head", owned.as_str()), ("base", base.as_str())];
        let reply = api.get(&["pulls"], &query).await;
        let reply = reply.map_err(|failure| failure.fault("look for the pull request (`pull-requests: read`)"))?;
        let all: Vec<Pull> = reply.read("list of pull requests")?;
        let Some(pull) = all.into_iter().find(|pull| pull.head.name == head.as_str()) else {
            return Ok(None);
        };
        let number = pull.number.to_string();
        let reply = api.get(&["pulls", &number, "reviews"], &[("per_page", PAGE)]).await;
        let reply = reply.map_err(|failure| failure.fault("read the reviews of the pull request"))?;
        let reviews: Vec<Review> = reply.read("list of reviews")?;
        if reviews.len().to_string() == PAGE {
            return Err(Fault::refused(format!(
                "pull request #{number} has too many reviews to read"
            )));
        }
        // The last word of each person counts; a comment takes nothing back.
        let mut last: BTreeMap<String, Review> = BTreeMap::new();
        for review in reviews.into_iter().filter(|review| review.state != "COMMENTED") {
            if let Some(user) = &review.user {
                last.insert(user.login.clone(), review);
            }
        }
        let counts = |review: &Review| {
            review.state == "APPROVED"
                && review.commit_id.as_deref() == Some(&pull.head.sha)
                && review.user.as_ref().is_some_and(User::is_person)
                && BELONGING.contains(&review.author_association.as_str())
        };
        let head = CommitSha::parse(&pull.head.sha);
        let head =
            head.ok_or_else(|| Fault::unreachable(format!("the head of pull request #{number} is no commit")))?;
        let by = last.into_iter().filter(|(_, review)| counts(review));
        Ok(Some(Reviewed {
            head,
            by: by.map(|(login, _)| login).collect(),
        }))
    }

    async fn authors(&self, repository: &str, before: &str, after: &str) -> Result<Vec<String>, Fault> {
        let Some((api, _)) = &self.run else {
            return Err(Fault::refused("this is not a run of a workflow"));
        };
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        let range = format!("{before}...{after}");
        let what = format!("read the commits {range} of {repository}");
        let path = ["repos", owner, name, "compare", &range];
        let reply = api.get_any(&path, &[("per_page", PAGE)]).await;
        let found: Comparison = reply.map_err(|failure| failure.fault(&what))?.read("comparison")?;
        if found.commits.len() < found.total_commits {
            return Err(Fault::refused(format!(
                "{what}: there are {}, too many to read",
                found.total_commits
            )));
        }
        let mut authors = Vec::new();
        for commit in found.commits {
            let Some(author) = commit.author else {
                let short = crate::model::short(&commit.sha).to_owned();
                return Err(Fault::refused(format!(
                    "{what}: GitHub knows no user for the author of {short}"
                )));
            };
            authors.push(author.login);
        }
        Ok(authors)
    }
}
