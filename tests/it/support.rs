//! What the other modules share: the binary under a scrubbed environment, the sandbox beside it, and a step as a runner makes one.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sandbox::argocd::ArgoCdOptions;
use sandbox::{Options, Sandbox};
use serde_json::Value;

/// The longest that a run of the binary may take, so that one that hangs is a failure with its output and not a test that never ends.
const PATIENCE: Duration = Duration::from_secs(90);

/// What came out of a run of the binary.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Returns the report of a run with `--output json`, held against its schema.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        let report =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("stdout is no report: {error}\n{self:?}"));
        crate::docs::report::fits(&report);
        report
    }

    /// Checks the exit code, and shows everything if it is another one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        let Self {
            code: is,
            stdout,
            stderr,
        } = &self;
        assert_eq!(*is, code, "\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Checks that the text came out somewhere.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let both = format!("--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        assert!(both.contains(text), "{text:?} is missing in\n{both}");
        self
    }

    /// Checks outcome and exit code of a run with `--output json`, and returns the report.
    #[track_caller]
    pub(crate) fn ends(self, outcome: &str, code: i32) -> Value {
        let ran = self.exits(code);
        let report = ran.report();
        assert_eq!(report["outcome"], outcome, "{}\n{report:#}", ran.stderr);
        assert_eq!(report["exit_code"], code, "{report:#}");
        report
    }
}

/// A run of the binary that has begun.
pub(crate) struct Running {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// Sends a signal by its number.
    pub(crate) fn signal(&self, number: i32) {
        Self::signal_to(self.child.id(), number);
    }

    /// Sends a signal to the one process that this one has started.
    pub(crate) fn signal_within(&self, number: i32) {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        Self::signal_to(children.trim().parse().unwrap(), number);
    }

    fn signal_to(id: u32, number: i32) {
        let id = id.to_string();
        let sent = Command::new("kill").args([format!("-{number}"), id]).status();
        assert!(sent.unwrap().success());
    }

    /// Returns the process's number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ran {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break Some(status);
            }
            if begun.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let (stdout, stderr) = (self.stdout.join().unwrap(), self.stderr.join().unwrap());
        let Some(status) = status else {
            panic!("still running after {PATIENCE:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        };
        Ran {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr,
        }
    }
}

/// Whether this process, and so each that it starts, ignores SIGHUP.
pub(crate) fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1
}

/// Starts the binary with this environment and nothing else of ours.
pub(crate) fn start(folder: &Path, env: &[(&str, &str)], args: &[&str]) -> Running {
    launch(Command::new(env!("CARGO_BIN_EXE_promote")).args(args), folder, env)
}

fn launch(command: &mut Command, folder: &Path, env: &[(&str, &str)]) -> Running {
    let mut child = command
        .current_dir(folder)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let read = |mut from: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    Running {
        stdout: read(Box::new(child.stdout.take().unwrap())),
        stderr: read(Box::new(child.stderr.take().unwrap())),
        child,
    }
}

/// Runs the binary to its end with this environment and nothing else of ours.
#[track_caller]
pub(crate) fn run(folder: &Path, env: &[(&str, &str)], args: &[&str]) -> Ran {
    start(folder, env, args).wait()
}

/// A step of a workflow: the runner's files and variables in a folder of its own.
pub(crate) struct Step {
    pub(crate) folder: tempfile::TempDir,
    env: BTreeMap<String, String>,
}

/// What a step left behind.
pub(crate) struct Stepped {
    pub(crate) ran: Ran,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
}

impl Step {
    /// Makes a step of a job in `myorg/api`, with the runner's own variables.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("workspace")).unwrap();
        let mut step = Self {
            folder,
            env: BTreeMap::new(),
        };
        for (name, file) in [
            ("GITHUB_OUTPUT", "output"),
            ("GITHUB_ENV", "env"),
            ("GITHUB_PATH", "path"),
            ("GITHUB_STATE", "state"),
            ("GITHUB_STEP_SUMMARY", "summary"),
            ("GITHUB_EVENT_PATH", "event.json"),
        ] {
            let text = if file == "event.json" { "{}" } else { "" };
            std::fs::write(step.path(file), text).unwrap();
            let path = step.path(file).to_str().unwrap().to_owned();
            step = step.env(name, &path);
        }
        let path = |name: &str| step.path(name).to_str().unwrap().to_owned();
        let (workspace, temp) = (path("workspace"), path(""));
        for (name, value) in [
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("NO_COLOR", "1"),
            ("GITHUB_ACTION", "promote"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_TRIGGERING_ACTOR", "octocat"),
            ("GITHUB_API_URL", "https://api.github.com"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REPOSITORY", "myorg/api"),
            ("GITHUB_REPOSITORY_OWNER", "myorg"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_RUN_ID", "1234567"),
            ("GITHUB_RUN_NUMBER", "42"),
            ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567"),
            ("GITHUB_WORKFLOW", "deploy"),
            ("GITHUB_WORKSPACE", &workspace),
            ("HOME", &temp),
            ("RUNNER_TEMP", &temp),
            ("RUNNER_OS", "Linux"),
            ("RUNNER_ARCH", "X64"),
        ] {
            step = step.env(name, value);
        }
        step
    }

    /// Returns a path in the step's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets an input, as `with:` does.
    pub(crate) fn with(self, input: &str, value: &str) -> Self {
        let name = format!("INPUT_{}", input.replace(' ', "_").to_uppercase());
        self.env(&name, value)
    }

    /// Starts the step.
    pub(crate) fn start(&self) -> Running {
        start(&self.path("workspace"), &self.variables(), &[])
    }

    /// Starts the step in so many KiB of address space.
    pub(crate) fn start_in(&self, kibibytes: u32) -> Running {
        let mut command = Command::new("sh");
        let limit = format!("ulimit -v {kibibytes}; exec \"$@\"");
        command.args(["-c", &limit, "sh", env!("CARGO_BIN_EXE_promote")]);
        // A shell drops variables whose names are none for it.
        let all: Vec<(String, &str)> = (self.variables().into_iter())
            .map(|(name, value)| (name.replace('-', "_"), value))
            .collect();
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        launch(&mut command, &self.path("workspace"), &all)
    }

    /// Starts the step as the first process of a namespace of its own, as in a container. `None` where that is not permitted.
    pub(crate) fn start_as_first(&self) -> Option<Running> {
        let own = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
        let tried = Command::new("unshare").args(own).arg("true").output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            return None;
        }
        let mut unshare = Command::new("unshare");
        unshare.args(own).arg(env!("CARGO_BIN_EXE_promote"));
        let mut variables = self.variables();
        let path = std::env::var("PATH").unwrap_or_default();
        variables.push(("PATH", &path));
        Some(launch(&mut unshare, &self.path("workspace"), &variables))
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        let all = self.env.iter();
        all.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Runs the step to its end.
    #[track_caller]
    pub(crate) fn run(&self) -> Stepped {
        self.after(self.start().wait())
    }

    /// Reads what a run left in the step's files.
    #[track_caller]
    pub(crate) fn after(&self, ran: Ran) -> Stepped {
        let read = |file| std::fs::read_to_string(self.path(file)).unwrap();
        Stepped {
            outputs: outputs(&read("output")),
            summary: read("summary"),
            ran,
        }
    }
}

/// Reads a file of outputs as the runner does: `name=value`, or `name<<DELIMITER` up to the delimiter's line.
pub(crate) fn outputs(text: &str) -> BTreeMap<String, String> {
    let mut outputs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((name, end)) = line.split_once("<<") {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            outputs.insert(name.to_owned(), value.join("\n"));
        } else if let Some((name, value)) = line.split_once('=') {
            outputs.insert(name.to_owned(), value.to_owned());
        } else {
            assert!(
                line.is_empty(),
                "a runner does not understand this line of outputs: {line:?}"
            );
        }
    }
    outputs
}

/// A sandbox, and the binary beside it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    /// Starts a sandbox whose Argo CD runs 20 times as fast and compares nothing without being asked.
    pub(crate) fn new() -> Self {
        Self::at_speed(20.0)
    }

    /// The same at another speed.
    pub(crate) fn at_speed(speed: f64) -> Self {
        let options = Options {
            argocd: ArgoCdOptions {
                speed,
                reconcile: None,
                exchanges: std::env::var_os("SANDBOX_EXCHANGES").map(PathBuf::from),
                ..ArgoCdOptions::default()
            },
            ..Options::default()
        };
        Self {
            sandbox: Sandbox::start_blocking(options).unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Starts the binary on a laptop, with the token of the git host and words separated by blanks.
    pub(crate) fn start(&self, words: &str) -> Running {
        self.start_with(&[], words)
    }

    fn start_with(&self, more: &[(&str, &str)], words: &str) -> Running {
        self.start_at(&self.sandbox.infra_repo(), more, words)
    }

    fn start_at(&self, repo: &str, more: &[(&str, &str)], words: &str) -> Running {
        let home = self.folder.path().to_str().unwrap();
        let mut env = vec![
            ("HOME", home),
            ("USER", "jane"),
            ("PROMOTE_TOKEN", self.sandbox.git_token()),
        ];
        env.extend(more);
        let mut args: Vec<&str> = words.split_whitespace().collect();
        args.extend(["--infra-repo", repo]);
        start(self.folder.path(), &env, &args)
    }

    /// Runs the binary against the git host only.
    #[track_caller]
    pub(crate) fn land(&self, words: &str) -> Ran {
        self.start(words).wait()
    }

    /// The same with more variables, which count before its own.
    #[track_caller]
    pub(crate) fn land_with(&self, more: &[(&str, &str)], words: &str) -> Ran {
        self.start_with(more, words).wait()
    }

    /// Starts the binary against git host and Argo CD as the account `ci`, with a report on stdout.
    pub(crate) fn start_live(&self, words: &str) -> Running {
        let token = self.sandbox.argocd.token("ci");
        self.start_as(&token, words)
    }

    /// The same with another Argo CD token.
    pub(crate) fn start_as(&self, token: &str, words: &str) -> Running {
        let server = self.sandbox.argocd.url();
        let env = [("ARGOCD_SERVER", server), ("ARGOCD_AUTH_TOKEN", token)];
        self.start_with(&env, &format!("{words} --output json"))
    }

    /// Runs the binary against Argo CD and another address of the infra-repo, with a report on stdout.
    #[track_caller]
    pub(crate) fn live_at(&self, repo: &str, words: &str) -> Ran {
        let (token, server) = (self.sandbox.argocd.token("ci"), self.sandbox.argocd.url());
        let env = [("ARGOCD_SERVER", server), ("ARGOCD_AUTH_TOKEN", &*token)];
        self.start_at(repo, &env, &format!("{words} --output json")).wait()
    }

    /// Lets the canary of api in production wait for a person where it waits a minute otherwise.
    pub(crate) fn let_the_canary_wait_for_a_person(&self) {
        let path = "apps/api/base-rollout/rollout.yaml";
        let rollout = self.sandbox.git.read("infra-repo", path).unwrap();
        let waits = rollout.replace("pause:\n            duration: 1m", "pause: {}");
        assert_ne!(rollout, waits);
        self.sandbox.commit(path, &waits, "Wait for a person").unwrap();
    }

    /// Runs the binary against git host and Argo CD, with a report on stdout.
    #[track_caller]
    pub(crate) fn live(&self, words: &str) -> Ran {
        self.start_live(words).wait()
    }

    /// Makes a step with everything that reaches the sandbox.
    pub(crate) fn step(&self) -> Step {
        Step::new()
            .with("infra-repo", &self.sandbox.infra_repo())
            .with("token", self.sandbox.git_token())
            .with("argocd-server", self.sandbox.argocd.url())
            .with("argocd-token", &self.sandbox.argocd.token("ci"))
    }

    /// Returns how many commits `main` has.
    pub(crate) fn commits(&self) -> u32 {
        let count = self.sandbox.git(&["rev-list", "--count", "main"]).unwrap();
        count.trim().parse().unwrap()
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, so: impl Fn(&Sandbox) -> bool) {
        let begun = Instant::now();
        while !so(&self.sandbox) {
            assert!(begun.elapsed() < PATIENCE / 3, "it never came: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Says that a test could not do its work here. Written past the harness, which keeps what a passing test prints.
pub(crate) fn skipped(what: &str) {
    noted(&format!("SKIPPED: {what}"));
}

/// Writes a line that stands in the log of a test that passes, too.
pub(crate) fn noted(line: &str) {
    use std::io::Write;
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}
