//! Reads the inputs of the infra-repo: its address, whose token opens it, who commits.

use std::rc::Rc;

use super::place::Place;
use crate::githost::inputs::{
    ASSIGNEES, EXCLUDE_AUTHORS, GITHUB_ENVIRONMENT, LABELS, MERGE, MERGE_TIMEOUT, REVIEWERS, TEAM_REVIEWERS,
};
use crate::githost::{self, Merge, People, Run};
use crate::github::{self, App, AppKey};
use crate::http::{Fixed, Tokens};
use crate::infrarepo::inputs::{
    ALIASES, APP_CLIENT_ID, APP_PRIVATE_KEY, AUTHOR, BRANCH, GITHUB_TOKEN, INFRA_REPO, SSH_KEY, SSH_KNOWN_HOSTS, TOKEN,
    USERNAME, VIA,
};
use crate::infrarepo::{self, Address, Author, ByApi, Identity, KnownHosts, RepoAccess, SshAccess, SshKey};
use crate::inputs::{InputSpec, Reader};
use crate::model::{BranchName, EnvironmentName, RepoPath, Secret, is_loopback, may_carry_secret, unseen};
use crate::plan::{Layout, Request};
use crate::promote::{Proposing, Via};

/// Reads where the infra-repo of these environments is and which token opens it.
pub(super) fn target(reader: &Reader<'_>, place: &Place<'_>, environments: &[EnvironmentName]) -> Option<RepoAccess> {
    reader.require(&INFRA_REPO, "");
    let address = reader.parsed(&INFRA_REPO, |text| address(&filled(text, environments)?, place));
    let branch = reader.parsed(&BRANCH, |text| BranchName::parse(&filled(text, environments)?));
    let token = token(reader, place, address.as_ref());
    let user = user(reader, address.as_ref(), token.is_some());
    let ssh = ssh(reader, place, address.as_ref());
    let github = address.as_ref().and_then(|address| api(reader, place, address));
    let app = app(reader, github.as_ref());
    Some(RepoAccess {
        app,
        github,
        by_api: None,
        address: address?,
        branch,
        aliases: reader.list(&ALIASES, alias),
        user,
        token: token.map(|token| -> Rc<dyn Tokens> { Rc::new(Fixed::new(token)) }),
        ssh,
    })
}

/// The place of the environment's name in `branch` and `infra-repo`.
const ENVIRONMENT: &str = "{environment}";

/// Fills in the environment, of which there must be one: a promotion is one commit, on one branch of one repository.
fn filled(text: &str, environments: &[EnvironmentName]) -> Result<String, String> {
    match environments {
        _ if !text.contains(ENVIRONMENT) => Ok(text.to_owned()),
        [one] => Ok(text.replace(ENVIRONMENT, one.as_str())),
        [] => Err("holds `{environment}`, and no `environment` is given: name one".to_owned()),
        [first, second, ..] => Err(format!(
            "is another one for {first} than for {second}: a promotion is one commit on one branch, so run it for each environment"
        )),
    }
}

/// Tells whether an input is a template with the environment's name.
fn is_template(reader: &Reader<'_>, spec: &InputSpec) -> bool {
    reader.given(spec).is_some_and(|given| given.text.contains(ENVIRONMENT))
}

/// Tells whether each environment has a branch, or a repository, of its own.
pub(super) fn is_by_environment(reader: &Reader<'_>) -> bool {
    is_template(reader, &BRANCH) || is_template(reader, &INFRA_REPO)
}

/// Returns the branch of the environment that `from` names, where it is another one than that of the run's own environment.
pub(super) fn branch_of_source(reader: &Reader<'_>, from: Option<&EnvironmentName>) -> Option<BranchName> {
    let from = from?;
    if is_template(reader, &INFRA_REPO) {
        let why = format!(
            "is another one for {from}, so that `from` cannot read it: promote with `tag` and `digest` instead of `from`"
        );
        reader.wrong(&INFRA_REPO, "", &why);
    }
    let given = reader.given(&BRANCH).filter(|_| is_template(reader, &BRANCH))?;
    BranchName::parse(&filled(&given.text, std::slice::from_ref(from)).ok()?).ok()
}

/// Checks a further address. It is compared only, and nothing is ever sent there.
fn alias(text: &str) -> Result<String, String> {
    if text.contains(char::is_whitespace) || !text.contains(['/', ':']) {
        return Err("is no address of a repository, such as https://HOST/PATH or git@HOST:PATH".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads the user that the token is sent with.
fn user(reader: &Reader<'_>, address: Option<&Address>, token: bool) -> Option<String> {
    let user = reader.parsed(&USERNAME, |text| {
        let named = infrarepo::user_name(text);
        named.map(|()| text.to_owned())
    })?;
    match address? {
        Address::Http { user: Some(named), .. } if *named != user => {
            let why = "is not the user in the address of `infra-repo`: give one of them";
            reader.wrong(&USERNAME, "", why);
        }
        Address::Http { .. } if token => {}
        Address::Http { .. } => reader.wrong(&USERNAME, "", "is given without `token`, which it belongs to"),
        Address::Ssh { .. } | Address::Folder(_) => {
            reader.wrong(
                &USERNAME,
                "",
                "is given, and `infra-repo` is no http or https address: drop `username`",
            );
        }
    }
    Some(user)
}

/// Reads what opens an ssh address; on a laptop also what ssh itself would use.
fn ssh(reader: &Reader<'_>, place: &Place<'_>, address: Option<&Address>) -> Option<SshAccess> {
    let key = reader.parsed(&SSH_KEY, SshKey::parse);
    let known = reader.parsed(&SSH_KNOWN_HOSTS, KnownHosts::parse);
    let over_ssh = matches!(address?, Address::Ssh { .. });
    let needless = [&SSH_KEY, &SSH_KNOWN_HOSTS]
        .into_iter()
        .find(|spec| reader.given(spec).is_some());
    if let Some(spec) = needless.filter(|_| !over_ssh) {
        reader.mistake(format!(
            "`{}` is given, and `infra-repo` is no ssh address: write it as git@HOST:PATH or ssh://…, or drop `{}`",
            spec.name, spec.name
        ));
    }
    if !over_ssh {
        return None;
    }
    let agent = place.ssh_agent();
    if agent.is_none() {
        reader.require(&SSH_KEY, ", but `infra-repo` is an ssh address");
    }
    let identity = key.map(Identity::Key).or_else(|| agent.map(Identity::Agent));
    let known = known.or_else(|| KnownHosts::parse("").ok())?;
    Some(SshAccess {
        known_hosts: known.with_own(&place.own_known_hosts()),
        identity: identity?,
    })
}

fn address(text: &str, place: &Place<'_>) -> Result<Address, String> {
    match Address::parse(text, place.github_server())? {
        // An address says where it is; a path is relative to where the run is.
        Address::Folder(folder) if !text.starts_with("file://") => {
            place.path(&folder.to_string_lossy()).map(Address::Folder)
        }
        address => Ok(address),
    }
}

/// Returns the address of a server; `None` for a folder.
fn url(address: &Address) -> Option<&url::Url> {
    match address {
        Address::Http { url, .. } => Some(url),
        Address::Ssh { .. } | Address::Folder(_) => None,
    }
}

/// Returns `token`, else `github-token` where that is for the same place.
fn token(reader: &Reader<'_>, place: &Place<'_>, address: Option<&Address>) -> Option<Secret> {
    let github = reader.secret(&GITHUB_TOKEN);
    let token = reader.secret(&TOKEN);
    let Some(url) = address.and_then(url) else { return token };
    let ours = if place.in_step {
        is_this_repository(url, place)
    } else {
        is_laptops(url, place)
    };
    let by_app = reader.given(&APP_CLIENT_ID).is_some() || reader.given(&APP_PRIVATE_KEY).is_some();
    let token = token.or_else(|| github.filter(|_| ours && !by_app));
    if token.is_none() && !by_app {
        reader.refuse_empty(&TOKEN);
    }
    token
}

/// Tells whether the address is the repository that this run belongs to.
fn is_this_repository(url: &url::Url, place: &Place<'_>) -> bool {
    let (Some(server), Some(repository)) = (place.github_server(), place.repository()) else {
        return false;
    };
    let Ok(server) = url::Url::parse(server) else {
        return false;
    };
    let path = |url: &url::Url| url.path().trim_matches('/').to_ascii_lowercase();
    let ours = format!("{}/{}", path(&server), repository.to_ascii_lowercase());
    let theirs = path(url);
    url.origin() == server.origin() && theirs.strip_suffix(".git").unwrap_or(&theirs) == ours.trim_matches('/')
}

/// Tells whether the laptop's own GitHub token is for this host: `GH_HOST`, github.com and its tenants, and this machine.
fn is_laptops(url: &url::Url, place: &Place<'_>) -> bool {
    let host = url.host_str().unwrap_or_default();
    let known = host == place.laptop_host() || host == "github.com" || host.ends_with(".ghe.com");
    known || (url.scheme() == "http" && may_carry_secret(url).is_ok() && !host.contains(".svc"))
}

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
        } else if target.token.is_none() && target.app.is_none() && !reader.refuse_empty(&TOKEN) {
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
            if reader.given(spec).is_some() {
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

/// Reads the App whose tokens open the infra-repo.
fn app(reader: &Reader<'_>, github: Option<&github::Place>) -> Option<App> {
    let client_id = reader.parsed(&APP_CLIENT_ID, |text| {
        if text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
            Ok(text.to_owned())
        } else {
            Err("is not the client ID of a GitHub App".to_owned())
        }
    });
    let key = reader.parsed(&APP_PRIVATE_KEY, AppKey::parse);
    let given = |spec| reader.given(spec).is_some();
    if given(&APP_CLIENT_ID) != given(&APP_PRIVATE_KEY) {
        reader.require(&APP_CLIENT_ID, ", but `github-app-private-key` is given");
        reader.require(&APP_PRIVATE_KEY, ", but `github-app-client-id` is given");
    }
    let (client_id, key) = (client_id?, key?);
    if given(&TOKEN) {
        reader.mistake("`token` and `github-app-private-key` are both given: drop one of them".to_owned());
    }
    if github.is_none() && given(&INFRA_REPO) {
        reader.mistake(
            "`github-app-client-id` is given, and `infra-repo` is not on GitHub: write it as `owner/name`, or give `token`".to_owned(),
        );
    }
    Some(App {
        client_id,
        key,
        permissions: vec![("contents", "write")],
    })
}

/// Reads which run of a workflow this is, and how its approvals count.
pub(super) fn run(reader: &Reader<'_>, place: &Place<'_>) -> Option<Run> {
    let environment = reader.parsed(&GITHUB_ENVIRONMENT, |text| {
        if text.len() > 255 || text.chars().any(char::is_control) {
            return Err("is not the name of a GitHub environment".to_owned());
        }
        Ok(text.to_owned())
    });
    let exclude_authors = reader.boolean(&EXCLUDE_AUTHORS).unwrap_or_default();
    let token = reader.secret(&GITHUB_TOKEN);
    let (server, repository) = (place.github_server()?, place.repository()?);
    let address = url::Url::parse(&format!("{}/{repository}", server.trim_end_matches('/'))).ok()?;
    let at = match place.github_api() {
        Some((rest, graphql)) => {
            let (rest, graphql) = addresses(reader, rest, graphql)?;
            github::Place::at(&address, rest, graphql)?
        }
        None => github::Place::of(&address)?,
    };
    place.workflow_run(
        at,
        token.map(|token| -> Rc<dyn Tokens> { Rc::new(Fixed::new(token)) }),
        environment,
        exclude_authors,
    )
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

/// Returns where GitHub's API is for the infra-repo, if its host is a GitHub.
fn api(reader: &Reader<'_>, place: &Place<'_>, address: &Address) -> Option<github::Place> {
    let Address::Http { url, github, .. } = address else {
        return None;
    };
    let server = place.github_server().and_then(|server| url::Url::parse(server).ok());
    let laptops = !place.in_step && url.host_str() == Some(place.laptop_host());
    let given = place
        .github_api()
        .map(|(rest, graphql)| addresses(reader, rest, graphql));
    let same = server.is_some_and(|server| server.origin() == url.origin());
    let here = |(rest, _): &(url::Url, url::Url)| is_loopback(url) && is_loopback(rest);
    match given {
        Some(None) if same || laptops || is_loopback(url) => None,
        Some(Some(api)) if same || (laptops && url.host_str() != Some("github.com")) || here(&api) => {
            github::Place::at(url, api.0, api.1)
        }
        _ if *github || laptops => github::Place::of(url),
        _ => None,
    }
}

/// Reads the addresses of the APIs that the run was given.
fn addresses(reader: &Reader<'_>, rest: &str, graphql: Option<&str>) -> Option<(url::Url, url::Url)> {
    let read = |name: &str, text: &str| {
        let url = url::Url::parse(text).map_err(|error| format!("is no URL: {error}"));
        let url = url.and_then(|url| match url.scheme() {
            "https" => Ok(url),
            "http" if is_loopback(&url) => Ok(url),
            _ => Err("is not https: plain http is only for this machine".to_owned()),
        });
        url.map_err(|why| reader.mistake(format!("`{name}` {why}"))).ok()
    };
    let rest_url = read("GITHUB_API_URL", rest.trim_end_matches('/'))?;
    let graphql = if let Some(text) = graphql {
        read("GITHUB_GRAPHQL_URL", text)?
    } else {
        let root = rest.trim_end_matches('/');
        let root = root.strip_suffix("/v3").unwrap_or(root);
        read("GITHUB_API_URL", &format!("{root}/graphql"))?
    };
    Some((rest_url, graphql))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::environment::Environment;

    fn is_ours(url: &str) -> bool {
        let env: Environment = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "My/Infra"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
        let place = Place {
            env: &env,
            in_step: true,
        };
        is_this_repository(&url.parse().unwrap(), &place)
    }

    #[test]
    fn the_jobs_token_is_only_for_its_own_repository() {
        assert!(is_ours("https://github.com/my/infra"));
        assert!(is_ours("https://github.com/my/infra.git"));
        assert!(!is_ours("https://github.com/my/infra2"));
        assert!(!is_ours("https://github.com.evil.example/my/infra"));
        assert!(!is_ours("http://github.com/my/infra"));
    }

    #[test]
    fn the_laptops_token_is_only_for_github_and_this_machine() {
        let env = Environment::new();
        let place = Place {
            env: &env,
            in_step: false,
        };
        let is = |url: &str| is_laptops(&url.parse().unwrap(), &place);
        assert!(is("https://github.com/o/r"));
        assert!(is("http://127.0.0.1:1/o/r"));
        assert!(!is("https://gitlab.example.com/o/r"));
        assert!(!is("https://notgithub.com/o/r"));
    }
}
