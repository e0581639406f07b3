//! Reads the inputs of the infra-repo: its address, and whose token opens it.

use std::rc::Rc;

use super::github;
use super::place::Place;
use crate::http::{Fixed, Tokens};
use crate::infrarepo::inputs::{ALIASES, BRANCH, GITHUB_TOKEN, INFRA_REPO, SSH_KEY, SSH_KNOWN_HOSTS, TOKEN, USERNAME};
use crate::infrarepo::{self, Address, Identity, KnownHosts, RepoAccess, SshAccess, SshKey};
use crate::inputs::{InputSpec, Reader};
use crate::model::{BranchName, EnvironmentName, Secret, may_carry_secret};

/// Reads where the infra-repo of these environments is and which token opens it.
pub(super) fn target(reader: &Reader<'_>, place: &Place<'_>, environments: &[EnvironmentName]) -> Option<RepoAccess> {
    reader.require(&INFRA_REPO, "");
    let address = reader.parsed(&INFRA_REPO, |text| address(&filled(text, environments)?, place));
    let branch = reader.parsed(&BRANCH, |text| BranchName::parse(&filled(text, environments)?));
    let token = token(reader, place, address.as_ref());
    let user = user(reader, address.as_ref(), token.is_some());
    let ssh = ssh(reader, place, address.as_ref());
    let github = address.as_ref().and_then(|address| github::api(reader, place, address));
    let app = github::app(reader, github.as_ref());
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

/// Whether an input is a template with the environment's name.
fn is_template(reader: &Reader<'_>, spec: &InputSpec) -> bool {
    reader.given(spec).is_some_and(|given| given.text.contains(ENVIRONMENT))
}

/// Whether each environment has a branch, or a repository, of its own.
pub(super) fn is_by_environment(reader: &Reader<'_>) -> bool {
    is_template(reader, &BRANCH) || is_template(reader, &INFRA_REPO)
}

/// Returns the branch that the inputs name, or its template. One of several repositories cannot be read for `from`.
pub(super) fn branch(reader: &Reader<'_>, from: Option<&EnvironmentName>) -> Option<String> {
    if let Some(from) = from.filter(|_| is_template(reader, &INFRA_REPO)) {
        let why = format!(
            "is another one for {from}, so that `from` cannot read it: promote with `tag` and `digest` instead of `from`"
        );
        let text = reader.given(&INFRA_REPO).map_or("", |given| given.text.as_str());
        reader.wrong(&INFRA_REPO, text, &why);
    }
    Some(reader.given(&BRANCH)?.text.clone())
}

/// Checks a further address. It is compared only, and nothing is ever sent there.
fn alias(text: &str) -> Result<String, String> {
    if text.contains(char::is_whitespace) || !text.contains(['/', ':']) {
        return Err("is not an address of a repository, such as https://HOST/PATH or git@HOST:PATH".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads the user that the token is sent with.
fn user(reader: &Reader<'_>, address: Option<&Address>, token: bool) -> Option<String> {
    let user = reader.text(&USERNAME)?;
    if let Err(why) = infrarepo::user_name(&user) {
        // What stands there can be the token.
        reader.mistake(format!("`username` {why}"));
        return None;
    }
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
                "is given, and `infra-repo` is not an http or https address: drop `username`",
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
            "`{}` is given, and `infra-repo` is not an ssh address: write it as git@HOST:PATH or ssh://…, or drop `{}`",
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
    let by_app = github::by_app(reader);
    let token = token.or_else(|| github.filter(|_| ours && !by_app));
    // On a laptop an empty variable is one that is not set: a public repository needs no token.
    if token.is_none() && !by_app && place.in_step {
        reader.refuse_empty(&TOKEN);
    }
    token
}

/// Whether the address is the repository that this run belongs to.
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

/// Whether the laptop's own GitHub token is for this host: `GH_HOST`, github.com and its tenants, and this machine.
fn is_laptops(url: &url::Url, place: &Place<'_>) -> bool {
    let host = url.host_str().unwrap_or_default();
    let known = host == place.laptop_host() || host == "github.com" || host.ends_with(".ghe.com");
    known || (url.scheme() == "http" && may_carry_secret(url).is_ok() && !host.contains(".svc"))
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
