//! Shows the main job from end to end: a real commit's image goes from dev over staging to production, where a canary takes it
//! step by step. Everything runs on this machine: a git server, an Argo CD stand-in, and the product itself, in this process.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a demonstration talks to people, and makes the world that it runs in"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use promote_action::cli::{self, Invocation};
use sandbox::argocd::ArgoCdOptions;
use sandbox::{Options, Sandbox, overlay};

/// How much faster than real time the Argo CD runs: a canary of four minutes is watched in twenty seconds.
const SPEED: f64 = 12.0;

fn main() -> ExitCode {
    match show() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn show() -> anyhow::Result<()> {
    let stage = Stage::set()?;
    let before = stage.sandbox.tip()?;
    stage.introduce()?;
    let tag = stage.image()?;
    let (next, last) = ("1s", "2s");
    stage.promote(
        "The pipeline has built the image of that commit: it goes to dev, which Argo CD syncs by itself.",
        &format!("--app api --environment dev --tag {tag} --settle {next}"),
    )?;
    stage.promote(
        "Its tests are green: what is live and healthy in dev goes to staging.",
        &format!("--app api --from dev --environment staging --settle {next}"),
    )?;
    stage.say(
        "Two people have approved: a step of a workflow takes it to production. That is synced by hand, and a canary judges it at each share.",
    );
    let summary = stage.step(&format!(
        "--app api --from staging --environment production --settle {last}"
    ))?;
    stage.say("The summary of that step, as the run's page shows it (Markdown):");
    println!("{summary}");
    stage.say("What was written to the infra-repo, and nothing else:");
    println!("$ git log -p --reverse {}..main\n", &before[..7]);
    println!("{}", stage.log(&before)?);
    Ok(())
}

/// The world of the demonstration.
struct Stage {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    colour: bool,
}

impl Stage {
    /// Starts the servers, with the history of a small application and of its infra-repo.
    fn set() -> anyhow::Result<Self> {
        let options = Options {
            infra_repo: Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra-repo"),
            argocd: ArgoCdOptions {
                speed: SPEED,
                ..ArgoCdOptions::default()
            },
            ..Options::default()
        };
        let sandbox = Sandbox::start_blocking(options)?;
        for (from, to, message) in [
            (
                "FEATURE_NEW_CHECKOUT: \"false\"",
                "FEATURE_NEW_CHECKOUT: \"true\"",
                "Switch the new checkout on",
            ),
            ("LOG_LEVEL: info", "LOG_LEVEL: notice", "Log a little less"),
        ] {
            let path = "apps/api/base/configmap.yaml";
            let old = sandbox.git(&["cat-file", "blob", &format!("main:{path}")])?;
            sandbox.commit(path, &old.replace(from, to), message)?;
        }
        let source = [("src/main.rs", "fn main() {}\n")];
        sandbox.git.create("api", &source)?;
        for (content, message) in [
            ("fn main() { serve(8080); }\n", "Serve on 8080"),
            ("fn main() { serve(8080, \"/healthz\"); }\n", "Answer health checks"),
        ] {
            sandbox.git.push_commit("api", "src/main.rs", content, message)?;
        }
        // The applications follow what was committed before the story begins.
        for application in ["api-dev", "api-staging"] {
            sandbox.argocd.refresh(application);
        }
        sandbox.argocd.sync("api-production").map_err(anyhow::Error::msg)?;
        Ok(Self {
            sandbox,
            folder: tempfile::tempdir()?,
            colour: std::io::stdout().is_terminal(),
        })
    }

    fn introduce(&self) -> anyhow::Result<()> {
        self.wait_until_settled()?;
        let log = self.sandbox.git.git("api", &["log", "--format=  %h %s", "main"])?;
        self.say("myorg/api, the application that is promoted:");
        print!("{log}");
        self.say("infra-repo, which says what runs where:");
        print!("{}", self.sandbox.git(&["log", "--format=  %h %s", "main"])?);
        for environment in ["dev", "staging", "production"] {
            let file = self.sandbox.overlay("api", environment)?;
            let pin = file.lines().find(|line| line.contains("newTag:")).unwrap_or_default();
            println!("  {:<52} {}", overlay("api", environment), pin.trim());
        }
        self.say("For all that follows:");
        println!("$ export PROMOTE_INFRA_REPO={}", self.sandbox.infra_repo());
        println!("$ export PROMOTE_TOKEN={}", self.sandbox.git_token());
        println!(
            "$ export ARGOCD_SERVER={} ARGOCD_AUTH_TOKEN=…",
            self.sandbox.argocd.url()
        );
        Ok(())
    }

    fn wait_until_settled(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let tip = self.sandbox.tip()?;
        let settled = |name: &str| {
            let application = self.sandbox.argocd.application(name).unwrap_or_default();
            let at = |pointer: &str| {
                application
                    .pointer(pointer)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            at("/status/sync/revision") == tip
                && at("/status/sync/status") == "Synced"
                && at("/status/health/status") == "Healthy"
        };
        while !["api-dev", "api-staging", "api-production"].into_iter().all(settled) {
            ensure!(
                begun.elapsed() < Duration::from_secs(60),
                "the applications do not settle"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Returns the tag that a pipeline gives the image of the newest commit: its abbreviated name.
    fn image(&self) -> anyhow::Result<String> {
        let tag = self.sandbox.git.git("api", &["rev-parse", "--short=7", "main"])?;
        Ok(tag.trim().to_owned())
    }

    /// Runs the product on a laptop.
    fn promote(&self, story: &str, words: &str) -> anyhow::Result<()> {
        self.say(story);
        println!("$ promote {words}\n");
        let env = self.env(&[
            ("PROMOTE_INFRA_REPO", &self.sandbox.infra_repo()),
            ("PROMOTE_TOKEN", self.sandbox.git_token()),
            ("ARGOCD_SERVER", self.sandbox.argocd.url()),
            ("ARGOCD_AUTH_TOKEN", &self.sandbox.argocd.token("ci")),
        ]);
        run(words, env, Box::new(std::io::stdout()), Box::new(std::io::stdout()))
    }

    /// Runs the product as a step of a workflow does, shows its log as the run's page does, and returns the job summary.
    fn step(&self, words: &str) -> anyhow::Result<String> {
        println!("$ promote {words}\n");
        let file = |name: &str| {
            let path = self.folder.path().join(name);
            std::fs::write(&path, "")?;
            path.to_str()
                .map(str::to_owned)
                .context("the folder has a name in UTF-8")
        };
        let (summary, outputs) = (file("summary.md")?, file("outputs")?);
        let env = self.env(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "jane"),
            ("GITHUB_REPOSITORY", "myorg/api"),
            ("GITHUB_RUN_ID", "1234567"),
            ("GITHUB_RUN_ATTEMPT", "1"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_STEP_SUMMARY", &summary),
            ("GITHUB_OUTPUT", &outputs),
            ("INPUT_INFRA-REPO", &self.sandbox.infra_repo()),
            ("INPUT_TOKEN", self.sandbox.git_token()),
            ("INPUT_ARGOCD-SERVER", self.sandbox.argocd.url()),
            ("INPUT_ARGOCD-TOKEN", &self.sandbox.argocd.token("ci")),
        ]);
        run(words, env, Box::new(Page::new()), Box::new(Page::new()))?;
        Ok(std::fs::read_to_string(&summary)?)
    }

    fn env(&self, more: &[(&str, &str)]) -> BTreeMap<String, String> {
        let home = self.folder.path().to_string_lossy().into_owned();
        let mut env = BTreeMap::from([("HOME".to_owned(), home), ("USER".to_owned(), "jane".to_owned())]);
        env.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        env
    }

    fn log(&self, since: &str) -> anyhow::Result<String> {
        let colour = if self.colour { "--color=always" } else { "--color=never" };
        self.sandbox
            .git(&["log", "-p", "--reverse", colour, &format!("{since}..main")])
    }

    fn say(&self, text: &str) {
        if self.colour {
            println!("\n\x1b[1m{text}\x1b[0m");
        } else {
            println!("\n# {text}");
        }
    }
}

fn run(words: &str, env: BTreeMap<String, String>, out: Box<dyn Write>, err: Box<dyn Write>) -> anyhow::Result<()> {
    let invocation = Invocation {
        args: words.split(' ').map(OsString::from).collect(),
        env,
        stdout_is_terminal: true,
        stderr_is_terminal: std::io::stdout().is_terminal(),
        stdin_is_terminal: false,
    };
    let code = cli::run(&invocation, &mut std::io::empty(), out, err);
    ensure!(code == 0, "promote ended with exit code {code}");
    Ok(())
}

/// Shows a step's log as the page of a run does: groups are headings, commands to the runner are not shown.
struct Page {
    begun: Instant,
    line: Vec<u8>,
}

impl Page {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            line: Vec::new(),
        }
    }

    fn show(&self, line: &str) {
        let seconds = self.begun.elapsed().as_secs();
        let command = line.strip_prefix("::").and_then(|rest| rest.split_once("::"));
        match command {
            Some(("group", title)) => println!("── {title}"),
            Some((name, text)) if ["notice", "warning", "error"].iter().any(|kind| name.starts_with(kind)) => {
                println!("{seconds:>6}s   {}", text.replace("%0A", "\n"));
            }
            Some(_) => {}
            None if line.is_empty() => println!(),
            None => println!("{seconds:>6}s   {line}"),
        }
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.show(&String::from_utf8_lossy(&line));
            } else {
                self.line.push(*byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
