//! Runs the sandbox by hand: starts it, says what to paste, and waits for Ctrl-C.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use sandbox::argocd::ArgoCdOptions;
use sandbox::dex::{Dex, DexOptions};
use sandbox::github::{GitHub, GitHubOptions};
use sandbox::prometheus::{Prometheus, Series};
use sandbox::{Options, Sandbox};

const HELP: &str = "\
Starts a git server with an infra-repo and an Argo CD that deploys it, on loopback, until Ctrl-C.

Usage: sandbox [OPTIONS]

  --infra-repo DIR   the files of the infra-repo (default: examples/infra-repo)
  --speed N          how much faster than real time the Argo CD runs (default: 5)
  --port N           the Argo CD's port (default: any free one)
  --git-token TEXT   the token that the git server wants (default: sandbox-git-token)
  --env-file FILE    writes addresses and tokens there as the variables that promote reads, once everything listens
  --measure NUMBER   starts a Prometheus that answers every query with that number, too
  --root-path PATH   the path before the Argo CD's /api, such as /argocd
  --app-client-id ID an App of the GitHub with this client ID is installed on the infra-repo
  --reviewer LOGIN   somebody who approves each head of a pull request within two seconds; can be repeated. As many reviews are required
  -h, --help         this text

Usage: sandbox dex LISTEN ARGOCD SUBJECT GROUP...
  Starts only a Dex for the Argo CD at the address ARGOCD, at LISTEN: it exchanges the tokens of jobs, which /jobs/token gives out, for logins
  of these groups.

Image tags decide what becomes of a version: bad… (image cannot be pulled), crash… (crash loop), slow… (20 s), never… (never
ready), fail… (a hook of the sync fails), breach… (the canary's analysis fails). Everything else becomes healthy.
SANDBOX_EXCHANGES=FILE adds every exchange with the Argo CD to a file, as a line of JSON.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "-h" || arg == "--help") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    if let [command, listen, argocd, subject, groups @ ..] = args.as_slice()
        && command == "dex"
    {
        let options = DexOptions {
            listen: listen.clone(),
            argocd: argocd.clone(),
            subject: subject.clone(),
            groups: groups.to_vec(),
            life: 3600,
        };
        return match dex(options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("sandbox: {error:#}");
                ExitCode::from(2)
            }
        };
    }
    match options(&args).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// How everything is started.
struct Start {
    options: Options,
    env_file: Option<PathBuf>,
    /// What every query of a Prometheus returns.
    measure: Option<String>,
    /// The App of the GitHub.
    client_id: Option<String>,
    /// Who approves pull requests.
    reviewers: Vec<String>,
}

fn options(args: &[String]) -> anyhow::Result<Start> {
    let mut env_file = None;
    let mut measure = None;
    let mut client_id = None;
    let mut reviewers = Vec::new();
    let mut options = Options {
        argocd: ArgoCdOptions {
            speed: 5.0,
            exchanges: std::env::var_os("SANDBOX_EXCHANGES").map(PathBuf::from),
            ..ArgoCdOptions::default()
        },
        ..Options::default()
    };
    let mut args = args.iter();
    while let Some(flag) = args.next() {
        let mut value = || {
            args.next()
                .cloned()
                .ok_or_else(|| anyhow::anyhow!("{flag} needs a value; see --help"))
        };
        match flag.as_str() {
            "--infra-repo" => options.infra_repo = value()?.into(),
            "--speed" => options.argocd.speed = value()?.parse()?,
            "--port" => options.argocd.port = value()?.parse()?,
            "--git-token" => options.git_token = value()?,
            "--env-file" => env_file = Some(value()?.into()),
            "--measure" => measure = Some(value()?),
            "--app-client-id" => client_id = Some(value()?),
            "--reviewer" => reviewers.push(value()?),
            "--root-path" => options.argocd.root_path = value()?.trim_end_matches('/').to_owned(),
            other => anyhow::bail!("unknown option {other}; see --help"),
        }
    }
    Ok(Start {
        options,
        env_file,
        measure,
        client_id,
        reviewers,
    })
}

fn run(start: Start) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sandbox = Sandbox::start_blocking(start.options)?;
    let options = GitHubOptions {
        token: sandbox.git_token().to_owned(),
        ..GitHubOptions::default()
    };
    let github = GitHub::start_blocking(&sandbox.git, options)?;
    github.know("myorg/api");
    if let Some(id) = &start.client_id {
        github.install(id, 3600, 0);
    }
    github.require_reviews(start.reviewers.len());
    println!("{}", greeting(&sandbox));
    let mut variables = variables(&sandbox, &github);
    if let Some(number) = start.measure {
        let prometheus = Prometheus::start()?;
        prometheus.otherwise(Series::Vector(vec![number.leak()]));
        variables.push_str(&format!("PROMETHEUS_URL='{}'\n", prometheus.url()));
    }
    if let Some(file) = start.env_file {
        std::fs::write(file, variables)?;
    }
    let reviewing = review(&github, &start.reviewers);
    runtime.block_on(async {
        tokio::select! {
            end = tokio::signal::ctrl_c() => end,
            () = reviewing => Ok(()),
        }
    })?;
    // Requests that are on their way end before their folders go.
    drop(sandbox);
    std::thread::sleep(Duration::from_millis(50));
    Ok(())
}

fn dex(options: DexOptions) -> anyhow::Result<()> {
    println!("{}", Dex::start(options)?.url());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    Ok(())
}

/// Approves the head of each pull request within two seconds.
async fn review(github: &GitHub, reviewers: &[String]) {
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let open = github.pulls().into_iter();
        for pull in open.filter(|pull| pull.state == "OPEN" && !github.is_reviewed(pull.number)) {
            for login in reviewers {
                github.review(pull.number, login, "APPROVED");
            }
        }
    }
}

fn variables(sandbox: &Sandbox, github: &GitHub) -> String {
    format!(
        "PROMOTE_INFRA_REPO='{}'\nPROMOTE_TOKEN='{}'\nARGOCD_SERVER='{}'\nARGOCD_AUTH_TOKEN='{}'\nGITHUB_REPO='{}'\nGITHUB_REST='{}'\nGITHUB_GRAPHQL='{}'\nGITHUB_OIDC='{}'\n",
        sandbox.infra_repo(),
        sandbox.git_token(),
        sandbox.argocd.url(),
        sandbox.argocd.token("ci"),
        github.repository_url(),
        github.api_url(),
        github.graphql_url(),
        github.oidc_url(),
    )
}

fn greeting(sandbox: &Sandbox) -> String {
    let (repo, server) = (sandbox.infra_repo(), sandbox.argocd.url());
    let (git_token, token) = (sandbox.git_token(), sandbox.argocd.token("ci"));
    let in_checkout = std::path::Path::new("sandbox/Cargo.toml").exists();
    let promote = if in_checkout { "cargo run -q --" } else { "promote" };
    let clone = repo.replacen("http://", &format!("http://x:{git_token}@"), 1);
    format!(
        "infra-repo   {repo}   (password {git_token}, any user)
Argo CD      {server}
  token ci      {token}
  token viewer  {viewer}   (may read, not sync)

# Look around:
git clone {clone}
curl -s -H 'Authorization: Bearer {token}' '{server}/api/v1/applications/api-dev?refresh=normal'

# Promote (in another terminal):
export PROMOTE_TOKEN={git_token} ARGOCD_AUTH_TOKEN={token} ARGOCD_SERVER={server}
{promote} --infra-repo {repo} --app api --environment dev --tag abc1234
{promote} --infra-repo {repo} --app api --from dev --environment staging
{promote} --infra-repo {repo} --app api --from staging --environment production

Ctrl-C ends it.",
        viewer = sandbox.argocd.token("viewer"),
    )
}
