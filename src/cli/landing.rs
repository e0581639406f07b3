//! Reads how a commit lands: who is its author, and whether git pushes it, GitHub's API makes it, or a pull request brings it.

use crate::githost::inputs::{ASSIGNEES, LABELS, MERGE, MERGE_TIMEOUT, REVIEWERS, TEAM_REVIEWERS};
use crate::githost::{self, Merge, People};
use crate::infrarepo::inputs::{AUTHOR, TOKEN, VIA};
use crate::infrarepo::{Author, ByApi, RepoAccess};
use crate::inputs::{Given, Reader};
use crate::model::{EnvironmentName, RepoPath, unseen};
use crate::plan::{Layout, Request};
use crate::promote::{Proposing, Via};

/// Reads `Name <mail>`.
pub(super) fn author(reader: &Reader<'_>) -> Option<Author> {
    reader.parsed(&AUTHOR, |text| {
        let text: String = text.chars().filter(|c| !unseen(*c)).collect();
        let parts = text.strip_suffix('>').and_then(|text| text.split_once('<'));
        let right = |text: &str| !text.is_empty() && !text.contains(['<', '>']) && !text.chars().any(char::is_control);
        match parts.map(|(name, mail)| (name.trim(), mail.trim())) {
            Some((name, mail)) if right(name) && right(mail) && !mail.contains(char::is_whitespace) => Ok(Author {
                name: name.to_owned(),
                mail: mail.to_owned(),
            }),
            _ => Err("is not of the form `Name <mail>`".to_owned()),
        }
    })
}

/// How a commit lands, as the input `via` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Git pushes it.
    Push,
    /// GitHub's API makes it.
    Api,
    /// A pull request brings it.
    PullRequest,
}

/// Reads how it lands, and checks that the infra-repo can be written that way.
pub(super) fn via(reader: &Reader<'_>, target: Option<&RepoAccess>) -> Option<Way> {
    let words = [
        ("push", Way::Push),
        ("api", Way::Api),
        ("pull-request", Way::PullRequest),
    ];
    let way = reader.choice(&VIA, &words)?;
    let name = if way == Way::Api { "api" } else { "pull-request" };
    if way == Way::Push {
        return Some(way);
    }
    if way == Way::Api && reader.given(&AUTHOR).is_some() {
        reader.mistake(
            "`author` is given with `via: api`: GitHub sets the owner of the token as the author, so drop `author`"
                .to_owned(),
        );
    }
    if let Some(target) = target {
        if target.github.is_none() {
            let why =
                "needs an infra-repo on GitHub: write it as `owner/name` or https://HOST/OWNER/NAME, or drop `via`";
            reader.wrong(&VIA, name, why);
        } else if target.token.is_none() && !super::github::by_app(reader) && !reader.refuse_empty(&TOKEN) {
            reader.require(&TOKEN, &format!(", but `via` is `{name}`"));
        }
    }
    Some(way)
}

/// Reads how the pull request is made and merged.
pub(super) fn proposing(reader: &Reader<'_>, way: Option<Way>) -> Option<Proposing> {
    let merge = reader.choice(
        &MERGE,
        &[("none", Merge::None), ("auto", Merge::Auto), ("now", Merge::Now)],
    );
    let within = reader.duration(&MERGE_TIMEOUT);
    let login = |text: &str| {
        let right = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_[]".contains(c));
        let name = text.strip_prefix('@').unwrap_or(text);
        if right || text != name {
            Ok(name.to_owned())
        } else {
            Err("is not the login of a GitHub user".to_owned())
        }
    };
    let team = |text: &str| {
        // `org/team` is how GitHub's pages write it; the API wants the team alone.
        Ok(text.rsplit('/').next().unwrap_or(text).to_owned())
    };
    let people = People {
        labels: reader.list(&LABELS, |text| Ok(text.to_owned())),
        reviewers: reader.list(&REVIEWERS, login),
        teams: reader.list(&TEAM_REVIEWERS, team),
        assignees: reader.list(&ASSIGNEES, login),
    };
    if way.is_some_and(|way| way != Way::PullRequest) {
        for spec in &githost::inputs::ALL {
            // In a step every input with a default is given: what says no more than that asks for nothing.
            let asks = |given: &Given| Some(given.text.as_str()) != spec.default;
            if reader.given(spec).is_some_and(asks) {
                reader.mistake(format!(
                    "`{}` is given without `via: pull-request`: set `via`, or drop `{}`",
                    spec.name, spec.name
                ));
            }
        }
    }
    Some(Proposing {
        merge: merge?,
        within: within?,
        people,
    })
}

/// Prepares the infra-repo for the way by which commits land, and returns that way.
pub(super) fn by_way(
    reader: &Reader<'_>,
    way: Option<Way>,
    request: &Request,
    target: Option<&mut RepoAccess>,
) -> Option<Via> {
    let proposing = proposing(reader, way);
    if let Some(target) = target.filter(|_| matches!(way, Some(Way::Api | Way::PullRequest))) {
        if let Some(app) = target.app.as_mut().filter(|_| way == Some(Way::PullRequest)) {
            app.permissions.push(("pull_requests", "write"));
            if proposing.as_ref().is_some_and(|how| !how.people.teams.is_empty()) {
                app.permissions.push(("members", "read"));
            }
        }
        target.by_api = Some(ByApi {
            expected: expected(request),
            with_author: way == Some(Way::PullRequest) && reader.given(&AUTHOR).is_some(),
        });
    }
    match way? {
        Way::PullRequest => Some(Via::PullRequest(proposing?)),
        Way::Push | Way::Api => Some(Via::Branch),
    }
}

/// Returns the folders that will probably be read: those of the layout that the inputs say, or of the default.
fn expected(request: &Request) -> Vec<RepoPath> {
    let layout = Layout {
        select: &request.select,
        allow: request.allow,
        config: None,
    };
    let environments: Vec<EnvironmentName> = (request.select.environments.iter())
        .chain(&request.from)
        .cloned()
        .collect();
    let targets = layout.targets(&environments).unwrap_or_default();
    targets.into_iter().map(|target| target.folder).collect()
}
