//! The seam to registries, over the stand-in and over two real ones on loopback: Debian's docker-registry with a login, and the one of
//! go-containerregistry without. What the real ones hold is pushed with crane.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use promote_action::model::{Reference, Secret};
use promote_action::registry::{self, Image, Images, Problem, Settings, open};
use sandbox::front::{Front, Manner};
use sandbox::registry::{Access, Family, Registry};

const LABEL: &str = "org.opencontainers.image.revision";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// The login that is sent: a user with a password, or nobody.
type Login = Option<(&'static str, &'static str)>;

fn asking<T>(login: Login, ask: impl AsyncFnOnce(&dyn Images) -> T) -> T {
    asking_at(None, login, ask)
}

/// As [`asking`], with a login that is for one registry only.
fn asking_at<T>(host: Option<&str>, login: Login, ask: impl AsyncFnOnce(&dyn Images) -> T) -> T {
    let client = promote_action::http::client(&promote_action::http::Connections::default()).unwrap();
    let login = login.map(|(user, password)| registry::Login {
        user: user.to_owned(),
        password: Secret::new(password),
        host: host.map(str::to_owned),
    });
    let images = open(client, Settings { login });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(ask(&images))
}

fn parsed(reference: &str) -> Reference {
    Reference::parse(reference).unwrap_or_else(|why| panic!("{reference} {why}"))
}

fn image(login: Login, reference: &str) -> Result<Image, Problem> {
    let reference = parsed(reference);
    asking(login, async |images| images.image(&reference).await)
}

fn digest(login: Login, reference: &str) -> Result<String, Problem> {
    let reference = parsed(reference);
    asking(login, async |images| images.digest(&reference).await).map(|digest| digest.to_string())
}

/// What every registry has below `team/api`, with the digest of each tag as whoever pushed it knows it.
const TAGS: [(&str, &[&str]); 4] = [
    ("oci", &["linux/amd64"]),
    ("docker", &["linux/arm64"]),
    ("oci-index", &["linux/amd64", "linux/arm64"]),
    ("docker-index", &["linux/amd64", "linux/arm64"]),
];

/// What holds of every registry that has those tags.
fn suite(host: &str, login: Login, pushed: impl Fn(&str) -> String) {
    for (tag, platforms) in TAGS {
        let name = format!("{host}/team/api:{tag}");
        let expected = pushed(tag);
        assert_eq!(digest(login, &name), Ok(expected.clone()), "{tag}");
        let seen = image(login, &name).unwrap_or_else(|problem| panic!("{tag}: {problem}"));
        assert_eq!(seen.digest.to_string(), expected, "{tag}");
        assert_eq!(seen.platforms, platforms, "{tag}");
        assert_eq!(
            seen.labels.get(LABEL).map(String::as_str),
            Some(COMMIT),
            "{tag}: {seen:?}"
        );
        let by_digest = format!("{host}/team/api@{expected}");
        assert_eq!(digest(login, &by_digest), Ok(expected.clone()), "{tag}");
        // With both the digest decides, as it does for whoever runs the image.
        let both = format!("{host}/team/api:gone@{expected}");
        assert_eq!(digest(login, &both), Ok(expected), "{tag}");
    }
    for missing in [
        format!("{host}/team/api:gone"),
        format!("{host}/team/api@sha256:{}", "0".repeat(64)),
        format!("{host}/team/nothing:v1"),
    ] {
        let problem = digest(login, &missing).unwrap_err();
        assert!(matches!(problem, Problem::Missing(_)), "{missing}: {problem}");
    }
}

/// Fills a stand-in with what the suite looks for.
fn filled() -> Registry {
    let registry = Registry::start().unwrap();
    let push = |tag, family, platform| registry.push("team/api", tag, family, platform, &[(LABEL, COMMIT)]);
    push(Some("oci"), Family::Oci, "linux/amd64");
    push(Some("docker"), Family::Docker, "linux/arm64");
    for (tag, family) in [("oci-index", Family::Oci), ("docker-index", Family::Docker)] {
        let images = [push(None, family, "linux/amd64"), push(None, family, "linux/arm64")];
        let images = [(images[0].as_str(), "linux/amd64"), (images[1].as_str(), "linux/arm64")];
        registry.push_index("team/api", tag, family, &images);
    }
    registry
}

fn digest_in(registry: &Registry) -> impl Fn(&str) -> String {
    |tag: &str| registry.digest("team/api", tag).unwrap()
}

#[test]
fn the_stand_in_is_read_whatever_it_asks_for() {
    let registry = filled();
    let login = Some(("ci", "pull-it"));
    for (access, login) in [
        (Access::Open, None),
        (Access::AnonymousToken, None),
        (Access::Basic("ci", "pull-it"), login),
        (Access::Token("ci", "pull-it"), login),
    ] {
        registry.access(access);
        suite(registry.host(), login, digest_in(&registry));
    }
}

#[test]
fn a_login_that_is_missing_or_wrong_is_not_a_missing_image() {
    let registry = filled();
    let name = format!("{}/team/api:oci", registry.host());
    for access in [Access::Basic("ci", "pull-it"), Access::Token("ci", "pull-it")] {
        registry.access(access);
        for login in [None, Some(("ci", "wrong"))] {
            let problem = digest(login, &name).unwrap_err();
            assert!(matches!(problem, Problem::Denied(_)), "{problem}");
            assert!(!problem.to_string().contains("wrong"), "{problem}");
        }
    }
    registry.access(Access::Open);
    registry.close("team/api");
    let problem = digest(None, &name).unwrap_err();
    assert!(
        matches!(problem, Problem::Denied(_)) && problem.to_string().contains("(403)"),
        "{problem}"
    );
    for status in [429, 500, 503] {
        registry.fail(Some(status));
        let problem = digest(None, &name).unwrap_err();
        assert!(
            matches!(problem, Problem::Unreachable(_)) && problem.to_string().contains(&status.to_string()),
            "{problem}"
        );
    }
}

#[test]
fn what_has_another_digest_than_was_said_counts_as_no_answer() {
    let registry = filled();
    let name = format!("{}/team/api:oci", registry.host());
    let pinned = format!("{}/team/api@{}", registry.host(), digest(None, &name).unwrap());
    registry.wrong_header(true);
    for name in [&name, &pinned] {
        let problem = digest(None, name).unwrap_err();
        assert!(matches!(problem, Problem::Unreachable(_)), "{problem}");
    }
    registry.wrong_header(false);
    registry.spoil(true);
    for name in [&name, &pinned] {
        let problem = image(None, name).unwrap_err();
        assert!(matches!(problem, Problem::Unreachable(_)), "{problem}");
    }
}

#[test]
fn a_login_is_not_sent_to_the_host_of_a_redirect() {
    let (registry, storage) = (filled(), filled());
    registry.blobs_at(storage.host());
    let name = format!("{}/team/api:oci", registry.host());
    for access in [Access::Basic("ci", "pull-it"), Access::Token("ci", "pull-it")] {
        registry.access(access);
        let seen = image(Some(("ci", "pull-it")), &name).unwrap();
        assert_eq!(seen.labels.get(LABEL).map(String::as_str), Some(COMMIT));
    }
    let asked = storage.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.iter().all(|asked| asked.authorization.is_none()), "{asked:?}");
    assert!(registry.asked().iter().any(|asked| asked.authorization.is_some()));
}

#[test]
fn a_login_for_one_registry_is_not_sent_to_another() {
    let registry = filled();
    let image = parsed(&format!("{}/team/api:oci", registry.host()));
    let login = Some(("ci", "pull-it"));
    for access in [Access::Basic("ci", "pull-it"), Access::Token("ci", "pull-it")] {
        registry.access(access);
        let own = asking_at(Some(registry.host()), login, async |images| images.digest(&image).await);
        assert!(own.is_ok(), "{own:?}");
        let before = registry.asked().len();
        let other = asking_at(Some("ghcr.io"), login, async |images| images.digest(&image).await);
        assert!(matches!(other, Err(Problem::Denied(_))), "{other:?}");
        let asked = registry.asked().split_off(before);
        assert!(asked.iter().all(|asked| asked.authorization.is_none()), "{asked:?}");
    }
}

#[test]
fn the_host_of_a_redirect_cannot_ask_for_the_login() {
    let registry = filled();
    let nobody = "127.0.0.1:9".parse().unwrap();
    let tokens = Front::before(nobody).unwrap();
    let token = Arc::new(br#"{"token": "t"}"#.to_vec());
    tokens.on("", Manner::Says(200, String::new(), token));
    let bearer = format!("Bearer realm=\"{}/token\",service=\"s\"", tokens.url());
    for challenge in ["Basic realm=\"storage\"", &bearer] {
        let storage = Front::before(nobody).unwrap();
        let head = format!("WWW-Authenticate: {challenge}\r\n");
        storage.on("", Manner::Says(401, head, Arc::default()));
        registry.blobs_at(&storage.address().to_string());
        let name = format!("{}/team/api:oci", registry.host());
        let problem = image(Some(("ci", "pull-it")), &name).unwrap_err();
        assert!(matches!(problem, Problem::Denied(_)), "{problem}");
        assert_eq!((storage.met().len(), tokens.met().len()), (1, 0));
    }
}

/// A real registry that is stopped when it is dropped.
struct Real {
    process: Child,
    host: String,
    folder: tempfile::TempDir,
    crane: PathBuf,
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Finds a program on the path, or where `.ci/run` puts what it builds.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")));
    let built = cache.map(|cache| cache.join("promote-action/bin"));
    std::env::split_paths(&path)
        .chain(built)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

impl Real {
    /// Starts one, and waits until its port answers.
    fn started(crane: PathBuf, start: impl FnOnce(&str, &Path) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let process = start(&host, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while std::net::TcpStream::connect(&host).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "no registry at {host}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            process,
            host,
            folder,
            crane,
        }
    }

    fn crane(&self, args: &[&str]) -> String {
        let output = Command::new(&self.crane)
            .args(args)
            .env("DOCKER_CONFIG", self.folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "crane {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Pushes what the suite looks for.
    fn fill(&self) {
        let layer = self.folder.path().join("layer.tar");
        // The end of an archive is two blocks of zeros; that is a whole archive without files.
        std::fs::write(&layer, [0; 1024]).unwrap();
        let layer = layer.to_str().unwrap();
        let name = |tag: &str| format!("{}/team/api:{tag}", self.host);
        let label = format!("{LABEL}={COMMIT}");
        for family in ["oci", "docker"] {
            let base: &[&str] = if family == "oci" { &["--oci-empty-base"] } else { &[] };
            for architecture in ["amd64", "arm64", "unknown"] {
                let tag = name(&format!("{family}-{architecture}"));
                self.crane(&[&["append", "-f", layer, "-t", &tag], base].concat());
                let platform = match architecture {
                    "unknown" => "unknown/unknown".to_owned(),
                    known => format!("linux/{known}"),
                };
                self.crane(&[
                    "mutate",
                    &tag,
                    "--label",
                    &label,
                    "--set-platform",
                    &platform,
                    "-t",
                    &tag,
                ]);
            }
            let [one, two, attestation] =
                ["amd64", "arm64", "unknown"].map(|architecture| name(&format!("{family}-{architecture}")));
            let index = name(&format!("{family}-index"));
            let base: &[&str] = if family == "docker" {
                &["--docker-empty-base"]
            } else {
                &[]
            };
            let add = [
                "index",
                "append",
                "-m",
                &one,
                "-m",
                &two,
                "-m",
                &attestation,
                "-t",
                &index,
            ];
            self.crane(&[&add, base].concat());
        }
        self.crane(&["tag", &name("oci-amd64"), "oci"]);
        self.crane(&["tag", &name("docker-arm64"), "docker"]);
    }

    fn digest(&self, tag: &str) -> String {
        self.crane(&["digest", &format!("{}/team/api:{tag}", self.host)])
    }
}

#[test]
fn the_registry_of_go_containerregistry_is_read() {
    let Some(crane) = program("crane") else {
        crate::support::skipped("the seam to registries over a real one without a login: crane is not installed");
        return;
    };
    let server = crane.clone();
    let real = Real::started(crane, |host, _| {
        let mut command = Command::new(server);
        command.args(["registry", "serve", "--address", host]);
        command
    });
    real.fill();
    suite(&real.host, None, |tag| real.digest(tag));
}

/// `ci` with the password `pull-it`, as `htpasswd -B` writes it.
const HTPASSWD: &str = "ci:$2b$04$KXOmzPVw40mNsQO.UVY8kOg78ej1tyFHjfaBiGH8Hd348IMMpE2ZO\n";

#[test]
fn the_registry_of_debian_is_read_with_a_login() {
    let (Some(crane), Some(server)) = (program("crane"), program("docker-registry")) else {
        crate::support::skipped(
            "the seam to registries over a real one with a login: crane or the package docker-registry is not installed",
        );
        return;
    };
    let real = Real::started(crane, |host, folder| {
        let path = |name: &str| folder.join(name).display().to_string();
        std::fs::write(path("htpasswd"), HTPASSWD).unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{host}\"}}\n\
             auth: {{htpasswd: {{realm: loopback, path: {}}}}}\n",
            path("data"),
            path("htpasswd")
        );
        std::fs::write(path("config.yml"), config).unwrap();
        let mut command = Command::new(server);
        command.args(["serve", &path("config.yml")]);
        command
    });
    real.crane(&["auth", "login", &real.host, "-u", "ci", "-p", "pull-it"]);
    real.fill();
    suite(&real.host, Some(("ci", "pull-it")), |tag| real.digest(tag));
    for login in [None, Some(("ci", "wrong"))] {
        let problem = digest(login, &format!("{}/team/api:oci", real.host)).unwrap_err();
        assert!(matches!(problem, Problem::Denied(_)), "{problem}");
    }
}
