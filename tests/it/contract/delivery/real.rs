//! A real Argo CD, Argo Rollouts and Kubernetes API on loopback, started by `tests/e2e/run`, which says where it is.
//! There is one for the whole suite: each test has it alone, and finds every application synced and healthy.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promote_action::clock::SystemClock;
use promote_action::http::{Client, Request};
use promote_action::model::Clock;
use promote_action::model::Secret;
use serde_json::{Value, json};

use super::stage::block_on;
use super::world::{World, until};

const APPS: [&str; 6] = [
    "api-dev",
    "api-staging",
    "api-production",
    "web-dev",
    "web-staging",
    "web-production",
];
/// Where applications are that are not in the server's own namespace.
const TEAM: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-a\n";
/// The machine may have other work.
const LONGEST: Duration = Duration::from_secs(240);

static REAL: Mutex<Option<Real>> = Mutex::new(None);

/// Where everything is, and what was last seen to work.
struct Real {
    /// The folder of the running stack: tokens, repositories.
    run: PathBuf,
    port: u16,
    clone: tempfile::TempDir,
    /// The overlays of the applications, as they were when these were healthy.
    good: BTreeMap<&'static str, String>,
    admin: String,
    issued: u32,
}

/// The real thing, in the hands of one test.
pub(super) struct Held {
    real: MutexGuard<'static, Option<Real>>,
    ci: String,
}

/// Returns the real thing, if there is one. The first to ask seeds it.
pub(super) fn held() -> Option<Held> {
    let run = PathBuf::from(std::env::var_os("E2E_RUN")?);
    // A test that failed leaves it usable: what it broke is put right now.
    let mut real = REAL.lock().unwrap_or_else(PoisonError::into_inner);
    let real_now = real.get_or_insert_with(|| Real::seed(run));
    real_now.settle();
    real_now.issued += 1;
    let body = json!({"id": real_now.token_id()});
    let answer = real_now.rest("POST", "account/ci/token", &body);
    let ci = answer["token"].as_str().unwrap().to_owned();
    Some(Held { real, ci })
}

fn overlay(name: &str) -> String {
    let (app, environment) = name.split_once('-').unwrap();
    sandbox::overlay(app, environment)
}

/// Runs a command and returns what it prints.
#[track_caller]
fn ran(command: &mut Command, input: &str) -> String {
    let mut child = (command.stdin(Stdio::piped()).stdout(Stdio::piped()))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the name of an application, with its namespace before it where that is not the server's own.
fn name_of(app: &Value) -> String {
    let (name, namespace) = (&app["metadata"]["name"], &app["metadata"]["namespace"]);
    match (name.as_str().unwrap(), namespace.as_str().unwrap()) {
        (name, "argocd") => name.to_owned(),
        (name, namespace) => format!("{namespace}/{name}"),
    }
}

/// The namespace of an application, and its name in it.
fn parts(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or(("argocd", name))
}

fn named(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set; run tests/e2e/run"))
}

impl Real {
    fn seed(run: PathBuf) -> Self {
        let mut real = Self {
            run,
            port: named("PORT_BASE").parse().unwrap(),
            clone: tempfile::tempdir().unwrap(),
            good: BTreeMap::new(),
            admin: String::new(),
            issued: 0,
        };
        let password = std::fs::read_to_string(real.run.join("admin-password")).unwrap();
        let login = json!({"username": "admin", "password": password.trim()});
        let session = real.rest("POST", "session", &login);
        session["token"].as_str().unwrap().clone_into(&mut real.admin);
        let bare = real.folder();
        // A suite that was broken off may have left its own.
        let _ = std::fs::remove_dir_all(&bare);
        ran(
            Command::new("git")
                .args(["init", "-q", "--bare", "-b", "main"])
                .arg(&bare),
            "",
        );
        ran(
            Command::new("git")
                .arg("-C")
                .arg(&bare)
                .args(["config", "http.receivepack", "true"]),
            "",
        );
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra-repo");
        ran(
            Command::new("cp")
                .arg("-r")
                .arg(example.join("."))
                .arg(real.clone.path()),
            "",
        );
        real.git(&["init", "-q", "-b", "main"]);
        real.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
        // The canary of an afternoon, in a minute, judged by the answers of the host beside it.
        let prometheus = format!("http://127.0.0.1:{}", real.port + 70);
        for (file, from, to) in [
            (
                "success-rate.yaml",
                "http://prometheus.monitoring.svc:9090",
                prometheus.as_str(),
            ),
            ("success-rate.yaml", ": 20s", ": 2s"),
            ("rollout.yaml", "duration: 1m", "duration: 10s"),
        ] {
            let path = real.clone.path().join("apps/api/base-rollout").join(file);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{file} has {from}");
            std::fs::write(&path, text.replace(from, to)).unwrap();
        }
        real.push("Begin");
        real.kubectl(&["apply", "-f", "-"], TEAM);
        real.project(&json!({"sourceNamespaces": ["team-*"]}));
        real
    }

    /// Puts everything right that the last test left broken.
    fn settle(&mut self) {
        std::fs::write(self.run.join("prom-value"), "1").unwrap();
        self.stack("start");
        self.windows(&Value::Null);
        let all = self.applications();
        for stranger in all.keys().filter(|name| !APPS.contains(&name.as_str())) {
            self.remove(stranger);
        }
        for name in APPS {
            match all.get(name) {
                Some(app) if app["spec"]["source"]["targetRevision"] == "main" => {}
                _ => self.make(name),
            }
            self.refresh(name);
        }
        for name in self.broken() {
            self.repair(name);
        }
        until("every application is synced and healthy", LONGEST, || {
            self.broken().is_empty()
        });
        for name in APPS {
            self.good.insert(name, self.file(&overlay(name)));
        }
    }

    /// Goes back to what was healthy, or syncs what never was.
    fn repair(&self, name: &str) {
        until(&format!("{name} is idle"), LONGEST, || {
            self.application(name)["operation"].is_null()
        });
        if let Some(good) = self.good.get(name).filter(|good| **good != self.file(&overlay(name))) {
            self.commit(&overlay(name), good, "Put it back");
        }
        self.refresh(name);
        if self.application(name)["spec"]["syncPolicy"]["automated"].is_null() {
            self.rest("POST", &format!("applications/{name}/sync"), &json!({}));
        }
    }

    /// Returns those that are not synced, healthy and idle.
    fn broken(&self) -> Vec<&'static str> {
        let all = self.applications();
        let settled = |name: &&str| {
            let app = all.get(*name).unwrap_or(&Value::Null);
            app["status"]["sync"]["status"] == "Synced"
                && app["status"]["health"]["status"] == "Healthy"
                && app["operation"].is_null()
        };
        APPS.into_iter().filter(|name| !settled(name)).collect()
    }

    /// Returns the name of the newest token.
    fn token_id(&self) -> String {
        format!("suite-{}-{}", std::process::id(), self.issued)
    }

    /// Returns a token of a role of the project, which is made for it.
    fn role_token(&self) -> String {
        let rules: Vec<String> = (["get", "sync"].iter())
            .map(|what| format!("p, proj:default:deployer, applications, {what}, default/*, allow"))
            .collect();
        self.project(&json!({"roles": [{"name": "deployer", "policies": rules}]}));
        let mut token = Value::Null;
        until("the project has the role", LONGEST, || {
            let answer = self.rest(
                "POST",
                "projects/default/roles/deployer/token",
                &json!({"expiresIn": 3600}),
            );
            token = answer["token"].clone();
            token.is_string()
        });
        token.as_str().unwrap().to_owned()
    }

    fn applications(&self) -> BTreeMap<String, Value> {
        let list = self.kubectl(&["get", "applications", "-A", "-o", "json"], "");
        let mut list: Value = serde_json::from_str(&list).unwrap();
        let items = list["items"].as_array_mut().unwrap();
        (items.drain(..)).map(|app| (name_of(&app), app)).collect()
    }

    fn make(&self, name: &str) {
        let manifest = std::fs::read_to_string(self.clone.path().join(format!("argocd/{name}.yaml"))).unwrap();
        let manifest = manifest.replace("https://github.com/myorg/infra-repo.git", &self.infra_repo());
        self.kubectl(&["apply", "-f", "-"], &manifest);
    }

    fn refresh(&self, name: &str) {
        self.rest("GET", &format!("applications/{name}?refresh=normal"), &Value::Null);
    }

    fn windows(&self, windows: &Value) {
        self.project(&json!({"syncWindows": windows}));
    }

    /// Changes the project that all applications are in.
    fn project(&self, spec: &Value) {
        let patch = json!({"spec": spec}).to_string();
        let project = ["-n", "argocd", "patch", "appproject", "default"];
        self.kubectl(&[&project[..], &["--type=merge", "-p", &patch]].concat(), "");
    }

    /// Asks the server as its administrator.
    fn rest(&self, method: &str, path: &str, body: &Value) -> Value {
        let client = promote_action::http::client(&promote_action::http::Connections::default()).unwrap();
        let url = format!("{}/api/v1/{path}", self.server());
        let request = Request::new(method.parse().unwrap(), url.parse().unwrap())
            .bearer(&Secret::new(self.admin.as_str()))
            .header("content-type".parse().unwrap(), "application/json".parse().unwrap());
        let request = if body.is_null() {
            request
        } else {
            request.body(body.to_string().into_bytes())
        };
        let text = asked(&client, request);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {path}: {text}"))
    }

    fn kubectl(&self, args: &[&str], input: &str) -> String {
        let mut kubectl = Command::new(Path::new(&named("BIN")).join("kubectl"));
        ran(kubectl.env("KUBECONFIG", self.run.join("kubeconfig")).args(args), input)
    }

    /// Starts or stops the controller.
    fn stack(&self, what: &str) {
        let mut stack = Command::new(Path::new(&named("REAL_ARGOCD")).join("stack"));
        let stack = stack
            .env("RUN", &self.run)
            .args([what, "argocd-application-controller"]);
        // What it starts keeps its streams.
        let status = stack
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{what} the controller");
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        let git = git.arg("-C").arg(self.clone.path());
        ran(
            git.args(["-c", "user.name=other", "-c", "user.email=other@example.com"])
                .args(args),
            "",
        )
    }

    fn push(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["push", "-q", "origin", "main"]);
    }

    fn server(&self) -> String {
        format!("http://127.0.0.1:{}", self.port + 80)
    }

    fn infra_repo(&self) -> String {
        format!("http://127.0.0.1:{}/infra-repo.git", self.port + 70)
    }

    fn folder(&self) -> PathBuf {
        self.run.join("git/infra-repo.git")
    }

    fn file(&self, path: &str) -> String {
        std::fs::read_to_string(self.clone.path().join(path)).unwrap()
    }

    fn commit(&self, path: &str, text: &str, message: &str) -> String {
        std::fs::write(self.clone.path().join(path), text).unwrap();
        self.push(message);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn application(&self, name: &str) -> Value {
        let (namespace, name) = parts(name);
        serde_json::from_str(&self.kubectl(&["-n", namespace, "get", "application", name, "-o", "json"], "")).unwrap()
    }

    fn remove(&self, name: &str) {
        let (namespace, name) = parts(name);
        self.kubectl(&["-n", namespace, "delete", "application", name], "");
    }

    fn follow(&self, name: &str, branch: &str) {
        let patch = json!({"spec": {"source": {"targetRevision": branch}}}).to_string();
        self.kubectl(
            &[
                "-n",
                "argocd",
                "patch",
                "application",
                name,
                "--type=merge",
                "-p",
                &patch,
            ],
            "",
        );
    }
}

impl Held {
    fn real(&self) -> &Real {
        self.real.as_ref().unwrap()
    }
}

impl World for Held {
    fn server(&self) -> String {
        self.real().server()
    }

    fn token(&self, account: &str) -> String {
        if account == "ci" {
            return self.ci.clone();
        }
        if account == "deployer" {
            return self.real().role_token();
        }
        let file = self.real().run.join(format!("token-{account}"));
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    fn revoke(&self) {
        let path = format!("account/ci/token/{}", self.real().token_id());
        self.real().rest("DELETE", &path, &Value::Null);
    }

    fn infra_repo(&self) -> String {
        self.real().infra_repo()
    }

    fn folder(&self) -> PathBuf {
        self.real().folder()
    }

    fn file(&self, path: &str) -> String {
        self.real().file(path)
    }

    fn commit(&self, path: &str, text: &str, message: &str) -> String {
        self.real().commit(path, text, message)
    }

    fn application(&self, name: &str) -> Value {
        self.real().application(name)
    }

    fn follow(&self, name: &str, branch: &str) {
        self.real().follow(name, branch);
    }

    fn make(&self, name: &str, spec: &Value) {
        let (namespace, name) = parts(name);
        let manifest = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": spec,
            "metadata": {"name": name, "namespace": namespace}});
        self.real().kubectl(&["apply", "-f", "-"], &manifest.to_string());
    }

    fn remove(&self, name: &str) {
        self.real().remove(name);
    }

    fn controller(&self, runs: bool) {
        self.real().stack(if runs { "start" } else { "stop" });
    }

    fn window(&self, name: &str, closed: Option<(&str, &str)>) {
        let deny = |(schedule, duration)| json!([{"kind": "deny", "schedule": schedule, "duration": duration, "applications": [name]}]);
        self.real().windows(&closed.map_or(Value::Null, deny));
    }

    fn breach(&self) {
        std::fs::write(self.real().run.join("prom-value"), "0.5").unwrap();
    }

    fn hook(&self) {
        let folder = "apps/web/overlays/production";
        let job = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: web-migrate\n  annotations:\n    \
                   argocd.argoproj.io/hook: PreSync\nspec:\n  backoffLimit: 0\n  template:\n    spec:\n      \
                   restartPolicy: Never\n      containers:\n        - name: migrate\n          image: myorg/web\n";
        self.commit(&format!("{folder}/migrate.yaml"), job, "Migrate before each sync");
        let overlay = format!("{folder}/kustomization.yaml");
        let text = self
            .file(&overlay)
            .replace("resources: [", "resources: [migrate.yaml, ");
        self.commit(&overlay, &text, "Run the migration");
    }

    // Its node runs no probe: what a kubelet would tell of one is put beside the pods.
    fn probe_fails(&self, environment: &str, tag: &str) {
        let mut pods = Vec::new();
        until("there are pods of it", LONGEST, || {
            let list = self
                .real()
                .kubectl(&["-n", environment, "get", "pods", "-o", "json"], "");
            let mut list: Value = serde_json::from_str(&list).unwrap();
            pods = list["items"].as_array_mut().unwrap().split_off(0);
            pods.retain(|pod| {
                pod["spec"]["containers"][0]["image"]
                    .as_str()
                    .is_some_and(|image| image.ends_with(tag))
            });
            !pods.is_empty()
        });
        let at = Clock::wall(&SystemClock::start()).to_string();
        for pod in pods {
            let name = pod["metadata"]["name"].as_str().unwrap();
            let object = json!({"kind": "Pod", "namespace": environment, "name": name, "uid": pod["metadata"]["uid"]});
            let event = json!({"apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "Unhealthy", "count": 3,
                "metadata": {"name": format!("{name}.1"), "namespace": environment}, "involvedObject": object,
                "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
                "source": {"component": "kubelet", "host": "node-1"}, "firstTimestamp": at, "lastTimestamp": at});
            self.real().kubectl(&["apply", "-f", "-"], &event.to_string());
        }
    }

    fn streams(&self) -> usize {
        let client = promote_action::http::client(&promote_action::http::Connections::default()).unwrap();
        let url = format!("http://127.0.0.1:{}/metrics", self.real().port + 83);
        let text = asked(&client, Request::get(url.parse().unwrap()));
        let is = |line: &&str| {
            line.starts_with("grpc_server_started_total") && line.contains("\"Watch\"") && line.contains("application.")
        };
        text.lines()
            .find(is)
            .and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .unwrap_or(0)
    }

    fn slowness(&self) -> u32 {
        6
    }
}

/// Sends a request and returns the answer's text.
fn asked(client: &Client, request: Request) -> String {
    let answer = block_on(async { client.open(request).await.unwrap().whole(64 << 20).await.unwrap() });
    String::from_utf8(answer.body).unwrap()
}
