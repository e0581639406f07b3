//! The seam to the repositories that images are built from: what one commit is to another one, and which commits lie between. GitHub.
//! Changes nothing.

use std::rc::Rc;

use async_trait::async_trait;
use serde::Deserialize;

use super::Run;
use crate::assess::gate::Descent;
use crate::github::{GitHub, Place};
use crate::http::{Client, Tokens};
use crate::model::{Clock, Fault};

/// How many commits GitHub lists at once.
const PAGE: &str = "100";

/// Two commits of a repository, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What the second one is to the first one.
    pub descent: Descent,
    /// The page that shows it.
    pub page: String,
    /// How many commits the second one has that the first one lacks.
    pub total: u64,
    /// Those commits, the newest first; of more than a hundred, the hundred oldest.
    pub commits: Vec<SourceCommit>,
}

/// A commit of a source repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCommit {
    /// Its SHA.
    pub commit: String,
    /// The first line of its message.
    pub subject: String,
    /// The name of its author.
    pub author: String,
}

/// Compares commits.
#[async_trait(?Send)]
pub trait SourceCommits {
    /// Returns the repository of the run as `owner/name`, if there is a run.
    fn own(&self) -> Option<String>;

    /// Whether there is a token for the repository of the run.
    fn has_token(&self) -> bool;

    /// Compares two commits of a repository `owner/name`. One request, where the first token sees the repository.
    ///
    /// # Errors
    /// No token sees the repository, a commit is not in it, or GitHub gives no usable answer.
    async fn compare(&self, repository: &str, before: &str, after: &str) -> Result<Comparison, Fault>;
}

#[derive(Deserialize)]
struct Compared {
    status: String,
    ahead_by: u64,
    behind_by: u64,
    total_commits: u64,
    html_url: String,
    commits: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    sha: String,
    commit: Described,
    author: Option<User>,
}

#[derive(Deserialize)]
struct Described {
    message: String,
    author: Option<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    name: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

/// One GitHub, asked as the run, and then as whoever writes to the infra-repo: the first often sees only its own repository.
struct Host {
    asked: Vec<GitHub>,
    own: Option<String>,
    has_token: bool,
}

/// Opens the GitHub of the run, or without a run that of the infra-repo; `None` where neither is on one. Each token goes only to the API that
/// its own repository is at.
#[must_use]
pub fn open(
    run: Option<&Run>,
    infra_repo: Option<(&Place, Option<Rc<dyn Tokens>>)>,
    http: &Client,
    clock: &Rc<dyn Clock>,
) -> Option<Box<dyn SourceCommits>> {
    let new = |place: &Place, token| GitHub::new(place.clone(), http.clone(), token, Rc::clone(clock));
    let mut asked: Vec<GitHub> = run.iter().map(|run| new(&run.place, run.token.clone())).collect();
    let infra_repo = infra_repo.filter(|(place, token)| match run {
        Some(run) => token.is_some() && place.rest == run.place.rest,
        None => true,
    });
    asked.extend(infra_repo.map(|(place, token)| new(place, token)));
    (!asked.is_empty()).then(|| -> Box<dyn SourceCommits> {
        Box::new(Host {
            asked,
            own: run.map(|run| run.place.repository()),
            has_token: run.is_some_and(|run| run.token.is_some()),
        })
    })
}

#[async_trait(?Send)]
impl SourceCommits for Host {
    fn own(&self) -> Option<String> {
        self.own.clone()
    }

    fn has_token(&self) -> bool {
        self.has_token
    }

    async fn compare(&self, repository: &str, before: &str, after: &str) -> Result<Comparison, Fault> {
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        let range = format!("{before}...{after}");
        let what = format!("compare the commits {range} of {repository}");
        let mut first = None;
        for api in &self.asked {
            let path = ["repos", owner, name, "compare", &range];
            match api.get_any(&path, &[("per_page", PAGE)]).await {
                Ok(reply) => return reply.read::<Compared>("comparison")?.read(&what),
                // What one token does not see, the next one can.
                Err(failure) => {
                    let is_refused = failure.refusal().is_some();
                    first.get_or_insert(failure);
                    if !is_refused {
                        break;
                    }
                }
            }
        }
        Err(first.map_or_else(
            || Fault::refused(format!("{what}: there is no GitHub to ask")),
            |failure| failure.fault(&what),
        ))
    }
}

impl Compared {
    fn read(self, what: &str) -> Result<Comparison, Fault> {
        let (ahead, behind) = (self.ahead_by, self.behind_by);
        let descent = match self.status.as_str() {
            "identical" => Descent::Identical,
            "ahead" => Descent::Newer { ahead },
            "behind" => Descent::Older { behind },
            "diverged" => Descent::Diverged { ahead, behind },
            other => {
                return Err(Fault::unreachable(format!(
                    "{what}: GitHub answered with the unknown status {other:?}"
                )));
            }
        };
        let commits = self.commits.into_iter().rev().map(|listed| SourceCommit {
            commit: listed.sha,
            subject: listed.commit.message.lines().next().unwrap_or_default().to_owned(),
            author: (listed.commit.author.map(|author| author.name))
                .or_else(|| listed.author.map(|user| user.login))
                .unwrap_or_default(),
        });
        Ok(Comparison {
            descent,
            page: self.html_url,
            total: self.total_commits,
            commits: commits.collect(),
        })
    }
}
