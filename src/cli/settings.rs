//! Turns the inputs into a job and reports all mistakes of that round at once: single values, and inputs that do not go together.

use std::time::Duration;

use super::inputs::{COMMAND, OUTPUT};
use super::landing::{self, Way};
use super::place::Place;
use super::request::{self, held};
use super::{argocd, github, metrics, repository, secrets, table};
use crate::delivery::Servers;
use crate::delivery::inputs::{ARGOCD_AUTH, ARGOCD_SERVER, ARGOCD_TOKEN};
use crate::http::{Connections, Proxies};
use crate::infrarepo::inputs::{BRANCH, INFRA_REPO, VIA};
use crate::infrarepo::{Address, Author, RepoAccess};
use crate::inputs::{Flags, InputSpec, Reader, value};
use crate::model::{Command, CommitName};
use crate::plan::Request;
use crate::plan::holds::{Of, Until, until};
use crate::plan::inputs as planned;
use crate::promote::inputs::{
    ANALYSIS, CHECK, COMMIT, DRY_RUN, EXIT_CODE, FOR, FULL, GATE_WAIT, HOLD, LANDING_TIMEOUT, LIMIT, METRICS, SINCE,
    TO, WAIT, YES,
};
use crate::promote::{
    Abort, Common, History, Hold, HoldChange, Job, Landing, Promote, Resume, Rollback, Shows, Since, Status, Verify,
    Via, Wait,
};

/// Reads the command.
pub(super) fn command(reader: &Reader<'_>) -> Option<Command> {
    reader.parsed(&COMMAND, |word| {
        Command::parse(word).ok_or_else(|| value::none_of(word, Command::NAMES))
    })
}

/// Reads the form of the result; the mistake in it is reported with the others.
pub(super) fn output(reader: &Reader<'_>, command: Option<Command>) {
    reader.parsed(&OUTPUT, |word| match word {
        "html" if command.is_some_and(|command| command != Command::Status) => {
            Err("is a form of `status` only: use `text` or `json`".to_owned())
        }
        word => value::choice(word, &[("text", ()), ("json", ()), ("html", ())]),
    });
}

/// Reads whether the exit code is to say what was seen: `check` of `status`, `exit-code` of `plan`.
pub(super) fn is_strict(reader: &Reader<'_>, command: Command) -> bool {
    let check = reader.boolean(&CHECK) == Some(true);
    let changes = reader.boolean(&EXIT_CODE) == Some(true);
    match command {
        Command::Status if check => {
            reader.require(&ARGOCD_SERVER, ", but `check` is true");
            true
        }
        Command::Plan => changes,
        _ => false,
    }
}

/// Reads everything that a command needs. `None` if something is missing; the reader knows what.
pub(super) fn read(reader: &Reader<'_>, command: Command, place: &Place<'_>, run: &str) -> Option<(Common, Job)> {
    let mut request = request::read(reader, command);
    let mut infra_repo = repository::target(reader, place, &request.select.environments);
    request.select.own_branch = repository::is_by_environment(reader);
    request.select.branch = repository::branch(reader, request.from.as_ref());
    let author = landing::author(reader);
    let way = landing::via(reader, infra_repo.as_ref());
    let via = landing::by_way(reader, way, &request, infra_repo.as_mut());
    let run_of = github::run(reader, place);
    let mut about = request.select.environments.clone();
    about.extend(request.from.clone());
    let (argocd, login) = argocd::settings(reader, place, &about).unzip();
    request::templates(reader, &request);
    let shows = github::shows(reader, place, run_of.as_ref());
    let more = more(reader, command, author.clone(), via, shows);
    let connections = Connections {
        ca_bundle: secrets::ca_bundle(reader, place),
        proxies: place.proxies(),
    };
    for server in argocd.iter().flat_map(Servers::all) {
        in_the_clear(reader, &connections.proxies, &ARGOCD_SERVER, &server.server);
    }
    if let Some(RepoAccess {
        address: Address::Http { url, .. },
        token: Some(_),
        ..
    }) = &infra_repo
    {
        in_the_clear(reader, &connections.proxies, &INFRA_REPO, url);
    }
    if let Some(RepoAccess {
        github: Some(github),
        by_api: Some(_),
        ..
    }) = &infra_repo
    {
        in_the_clear(reader, &connections.proxies, &VIA, &github.rest);
        in_the_clear(reader, &connections.proxies, &VIA, &github.graphql);
    }
    let metrics = metrics::settings(reader, &connections.proxies);
    let registry = secrets::registry_login(reader);
    let job = job(reader, command, request, more)?;
    let infra_repo = infra_repo?;
    let branch = infra_repo.branch.as_ref();
    let common = Common {
        flags: Flags::of(reader, table::all())
            .with(&INFRA_REPO, Some(infra_repo.address.to_string()))
            .with(&BRANCH, branch.map(ToString::to_string))
            .with(&ARGOCD_SERVER, argocd.as_ref().map(Servers::shown)),
        infra_repo,
        argocd,
        registry,
        metrics,
        connections,
        identity: place.identity(run),
        author: author?,
        run: run_of,
        login: login.flatten(),
        proposes: way == Some(Way::PullRequest),
    };
    Some((common, job))
}

/// What single commands take. All of it is read for every command: what a command does not take is not there for it.
#[expect(clippy::struct_excessive_bools, reason = "inputs, each for itself")]
struct More {
    dry: bool,
    follow: bool,
    landing: Option<Landing>,
    gate_wait: Option<Duration>,
    commit: Option<CommitName>,
    analyses: Vec<String>,
    lasts: Option<Duration>,
    until: Option<Until>,
    full: bool,
    to: Option<String>,
    hold: bool,
    yes: bool,
    limit: Option<usize>,
    since: Option<Since>,
    figures: bool,
    shows: Shows,
}

fn more(reader: &Reader<'_>, command: Command, author: Option<Author>, via: Option<Via>, shows: Shows) -> More {
    let to = reader.text(&TO);
    if let (Some(to), true) = (&to, reader.given(&COMMIT).is_some() && command == Command::Rollback) {
        reader.wrong(&TO, to, "and `commit` are both given: drop one of them");
    }
    let within = reader.duration(&LANDING_TIMEOUT);
    More {
        dry: reader.boolean(&DRY_RUN).unwrap_or_default(),
        follow: wait(reader, command),
        landing: within
            .zip(author)
            .zip(via)
            .map(|((within, author), via)| Landing { within, author, via }),
        gate_wait: reader.duration(&GATE_WAIT),
        commit: reader.parsed(&COMMIT, CommitName::parse),
        analyses: reader.list(&ANALYSIS, value::text),
        lasts: reader.parsed(&FOR, value::some_time),
        until: reader.parsed(&planned::UNTIL, until),
        full: reader.boolean(&FULL).unwrap_or_default(),
        to,
        hold: reader.boolean(&HOLD).unwrap_or(true),
        yes: reader.boolean(&YES).unwrap_or_default(),
        limit: reader.parsed(&LIMIT, |text| match text.parse::<usize>() {
            Ok(limit) if limit > 0 => Ok(limit),
            _ => Err("is not a number of rows, such as 20".to_owned()),
        }),
        since: reader.parsed(&SINCE, Since::parse),
        figures: reader.boolean(&METRICS).unwrap_or_default(),
        shows,
    }
}

fn job(reader: &Reader<'_>, command: Command, request: Request, more: More) -> Option<Job> {
    Some(match command {
        Command::Promote if !more.dry => Job::Promote(Promote {
            request,
            landing: more.landing?,
            gate_wait: more.gate_wait?,
            follow: more.follow,
            shows: more.shows,
        }),
        // `set-image` never comes here: it has no infra-repo.
        Command::Promote | Command::Plan | Command::SetImage => Job::Plan(request),
        Command::Rollback => Job::Rollback(Rollback {
            select: request.select,
            to: more.to,
            commit: more.commit,
            reason: request.reason,
            hold: more.hold,
            schema: request.schema,
            allow: request.allow,
            landing: more.landing?,
            follow: more.follow,
            dry: more.dry,
            ask: !more.yes,
        }),
        Command::History => Job::History(History {
            select: request.select,
            limit: more.limit?,
            since: more.since,
            metrics: more.figures,
        }),
        Command::Wait => Job::Wait(Wait {
            select: request.select,
            commit: more.commit,
        }),
        Command::Verify => Job::Verify(Verify {
            select: request.select,
            analyses: more.analyses,
            lasts: more.lasts,
        }),
        Command::Status => Job::Status(Status {
            select: request.select,
            page: reader.given(&OUTPUT).is_some_and(|given| given.text == "html"),
        }),
        Command::Preflight => Job::Preflight(request.select),
        Command::Abort => Job::Abort(Abort {
            select: request.select,
            reason: request.reason,
        }),
        Command::Resume => Job::Resume(Resume {
            select: request.select,
            reason: request.reason,
            full: more.full,
        }),
        Command::Hold => Job::Hold(holding(reader, HoldChange::Add { until: more.until }, request, more)?),
        Command::Release => Job::Hold(holding(reader, HoldChange::Release, request, more)?),
    })
}

fn holding(reader: &Reader<'_>, change: HoldChange, request: Request, more: More) -> Option<Hold> {
    Some(Hold {
        change,
        apps: reader.list(&planned::APP, Of::app),
        environments: reader.list(&planned::ENVIRONMENT, Of::environment),
        images: held(reader, &request),
        reason: request.reason,
        landing: more.landing?,
        dry: more.dry,
    })
}

/// Refuses a secret that would pass a proxy in the clear.
fn in_the_clear(reader: &Reader<'_>, proxies: &Proxies, spec: &InputSpec, url: &url::Url) {
    if let Err(why) = proxies.may_carry_secret(url) {
        reader.wrong(spec, url.as_str(), &why);
    }
}

/// Whether to wait: what was said, else whether there is a server to ask.
fn wait(reader: &Reader<'_>, command: Command) -> bool {
    let server = argocd::is_given(reader);
    if matches!(
        command,
        Command::Wait | Command::Verify | Command::Abort | Command::Resume
    ) {
        reader.require(&ARGOCD_SERVER, "");
        if !server && reader.given(&ARGOCD_AUTH).is_none() {
            reader.require(&ARGOCD_TOKEN, "");
        }
        return server;
    }
    match reader.boolean(&WAIT) {
        Some(true) if !server && reader.refuse_empty(&ARGOCD_SERVER) => false,
        Some(true) if !server => {
            reader.wrong(
                &WAIT,
                "true",
                "needs `argocd-server`: only Argo CD shows whether the commit is live",
            );
            false
        }
        said => said.unwrap_or(server),
    }
}

#[cfg(test)]
mod tests {
    use super::super::environment::{self, Environment};
    use super::super::table;
    use super::*;
    use crate::inputs::Inputs;
    use crate::plan::Policy;

    /// Reads `command` from variables, and returns the settings, the mistakes and what was asked for.
    fn read_from(pairs: &[(&str, &str)]) -> (Option<(Common, Job)>, Vec<String>, Vec<&'static str>) {
        let env: Environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut inputs = Inputs::new(environment::in_step(&env));
        let mut mistakes = Vec::new();
        environment::read(&env, &mut inputs, &mut mistakes, &mut Vec::new());
        let place = Place {
            env: &env,
            in_step: inputs.in_step,
        };
        let first = Reader::new(&inputs);
        let command = command(&first).unwrap_or(Command::Promote);
        output(&first, Some(command));
        let reader = Reader::of(&inputs, command);
        is_strict(&reader, command);
        let settings = read(&reader, command, &place, "run");
        let asked = first.asked().union(&reader.asked()).copied().collect();
        mistakes.extend(first.mistakes());
        mistakes.extend(reader.mistakes());
        (settings, mistakes, asked)
    }

    const RIGHT: [(&str, &str); 4] = [
        ("PROMOTE_APP", "api"),
        ("PROMOTE_ENVIRONMENT", "dev"),
        ("PROMOTE_TAG", "abc1234"),
        ("PROMOTE_INFRA_REPO", "o/r"),
    ];

    fn with(pairs: &[(&'static str, &'static str)]) -> (Option<(Common, Job)>, Vec<String>) {
        let mut all = RIGHT.to_vec();
        all.extend(pairs);
        let (settings, mistakes, _) = read_from(&all);
        (settings, mistakes)
    }

    #[test]
    fn every_declared_input_is_read() {
        let (_, _, asked) = read_from(&RIGHT);
        let mut declared: Vec<&str> = table::all().map(|spec| spec.name).collect();
        declared.sort_unstable();
        assert_eq!(asked, declared);
    }

    #[test]
    fn what_another_command_takes_does_not_stand_in_the_way() {
        let laptop = [("ARGOCD_AUTH_TOKEN", "secret")];
        for (command, right) in [("hold", true), ("history", true), ("promote", false), ("status", false)] {
            let reason = ("PROMOTE_REASON", "broken");
            let (_, mistakes) = with(&[("PROMOTE_COMMAND", command), reason, laptop[0]]);
            assert_eq!(mistakes.is_empty(), right, "{command}: {mistakes:?}");
        }
    }

    #[test]
    fn few_inputs_are_enough_and_the_rest_has_defaults() {
        let (settings, mistakes) = with(&[]);
        assert_eq!(mistakes, Vec::<String>::new());
        let Some((_, Job::Promote(job))) = settings else {
            panic!("{settings:?}")
        };
        assert_eq!(job.landing.within, std::time::Duration::from_secs(300));
        assert_eq!(job.landing.author.mail, "promote-action@noreply.invalid");
        let select = &job.request.select;
        assert_eq!(select.policy, Policy::default());
        assert!(!job.follow && select.path.is_none() && select.applications.is_none());
    }

    #[test]
    fn a_server_means_waiting_and_a_dry_run_is_a_plan() {
        let server = [("ARGOCD_SERVER", "argocd.example.com"), ("ARGOCD_AUTH_TOKEN", "secret")];
        let follows = |pairs: &[(&'static str, &'static str)]| match with(pairs).0 {
            Some((_, Job::Promote(job))) => job.follow,
            other => panic!("{other:?}"),
        };
        assert!(follows(&server));
        assert!(!follows(&[server[0], server[1], ("PROMOTE_WAIT", "false")]));
        let (settings, _) = with(&[
            server[0],
            server[1],
            ("PROMOTE_WAIT", "false"),
            ("PROMOTE_DRY_RUN", "true"),
        ]);
        assert_eq!(settings.unwrap().1.command(), Command::Plan);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (pairs, part) in [
            (&[("PROMOTE_WAIT", "true")][..], "needs `argocd-server`"),
            (&[("ARGOCD_AUTH_TOKEN", "secret")], "given without `argocd-server`"),
            (
                &[("ARGOCD_SERVER", "a.example")],
                "`argocd-token` is missing, but `argocd-server` is given",
            ),
            (&[("PROMOTE_IMAGE", "myorg/api:v1")], "are both given"),
            (&[("PROMOTE_FROM", "dev")], "is one of `environment`"),
            (
                &[("PROMOTE_TOKEN", "s"), ("PROMOTE_INFRA_REPO", "http://a.example/r")],
                "plain http",
            ),
            (
                &[("PROMOTE_ALLOW", "everything")],
                "is none of `mutable-tag`, `new-entry`, `replace-canary`, `hold`",
            ),
            (&[("PROMOTE_VIA", "mail")], "is none of `push`, `api`, `pull-request`"),
            (
                &[("PROMOTE_FORMAT", "helm")],
                "`format` \"helm\" (PROMOTE_FORMAT) is none of `kustomize`, `values`, `manifests`, `argocd`",
            ),
            (&[("PROMOTE_MERGE", "now")], "without `via: pull-request`"),
            (&[("PROMOTE_AUTHOR", "me")], "`Name <mail>`"),
            (&[("PROMOTE_PATH", "../{app}")], "leaves the repository"),
            (&[("PROMOTE_APPLICATION", "{app}-{env}")], "{env}"),
            (&[("PROMOTE_MESSAGE", "{app} {tag}")], "has {tag}: the placeholders are"),
            (
                &[("PROMOTE_WAIT", "true"), ("ARGOCD_SERVER", "")],
                "`argocd-server` is empty",
            ),
            (&[("PROMOTE_TIMEOUT", "0s")], "leaves no time"),
        ] {
            let pairs: Vec<_> = RIGHT
                .iter()
                .filter(|(k, _)| pairs.iter().all(|(other, _)| other != k))
                .chain(pairs)
                .copied()
                .collect();
            let (_, mistakes, _) = read_from(&pairs);
            assert!(
                mistakes.len() == 1 && mistakes[0].contains(part),
                "{part} in {mistakes:?}"
            );
        }
    }

    #[test]
    fn a_moving_tag_needs_a_digest_or_an_exception() {
        let moving = |more: &[(&'static str, &'static str)]| {
            let mut pairs = vec![RIGHT[0], RIGHT[1], RIGHT[3], ("PROMOTE_TAG", "latest")];
            pairs.extend(more);
            read_from(&pairs).1
        };
        let refused = moving(&[]);
        assert!(
            refused[0].contains("`image: NAME:latest@${{ steps.build.outputs.digest }}`"),
            "{refused:?}"
        );
        assert!(moving(&[("PROMOTE_ALLOW", "mutable-tag")]).is_empty());
        assert!(
            moving(&[(
                "PROMOTE_DIGEST",
                "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
            )])
            .is_empty()
        );
    }

    #[test]
    fn all_mistakes_of_the_round_are_told_at_once() {
        let (settings, mistakes, _) = read_from(&[
            ("GITHUB_ACTIONS", "true"),
            ("INPUT_APP", "api/.."),
            ("INPUT_SYNC", "sometimes"),
            ("INPUT_TIMEOUT", "10"),
            ("INPUT_WAIT", "yes"),
            ("INPUT_DIGEST", "sha256:abc"),
            ("INPUT_NONSENSE", "x"),
            ("INPUT_INFRA-REPO", "https://u:hunter2@a.example/r"),
        ]);
        assert!(settings.is_none());
        let all = mistakes.join("\n");
        for part in [
            "`app`",
            "`environment` is missing",
            "`sync`",
            "`timeout`",
            "`wait`",
            "`digest`",
            "`nonsense`",
            "`infra-repo`",
        ] {
            assert!(all.contains(part), "{part} in {all}");
        }
        assert!(!all.contains("hunter2"));
        assert_eq!(mistakes.len(), 8, "{all}");
    }

    #[test]
    fn the_jobs_token_opens_only_its_own_repository() {
        let step = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "o/app"),
            ("INPUT_APP", "api"),
            ("INPUT_ENVIRONMENT", "dev"),
            ("INPUT_TAG", "v1"),
            ("INPUT_GITHUB-TOKEN", "ghs_secret"),
        ];
        let token = |repo: &'static str| {
            let mut pairs = step.to_vec();
            pairs.push(("INPUT_INFRA-REPO", repo));
            read_from(&pairs).0.unwrap().0.infra_repo.token
        };
        let shown = format!("{:?}", token("o/app").unwrap());
        assert_eq!(shown, "Fixed(Secret(***))");
        assert!(token("o/infra").is_none());
    }

    #[test]
    fn an_empty_token_is_told_with_its_likely_cause() {
        let (_, mistakes, _) = read_from(&[
            ("GITHUB_ACTIONS", "true"),
            ("INPUT_APP", "api"),
            ("INPUT_ENVIRONMENT", "dev"),
            ("INPUT_TAG", "v1"),
            ("INPUT_INFRA-REPO", "o/infra"),
            ("INPUT_TOKEN", ""),
        ]);
        assert!(
            mistakes[0].starts_with("`token` is empty: the secret or variable in `with:` does not exist for this job"),
            "{mistakes:?}"
        );
    }
}
