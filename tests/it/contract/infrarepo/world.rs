//! An infra-repo on a real git server or in a folder, opened as the product opens it, with a clock that does not wait.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use promote_action::github::Place;
use promote_action::http::{Connections, Fixed, Tokens};
use promote_action::infrarepo::{
    self, Address, Author, ByApi, FileEdit, Identity, KnownHosts, Land, RepoAccess, SshAccess, SshKey, Update,
};
use promote_action::journal::Journal;
use promote_action::model::{BranchName, Clock, CommitSha, Event, Fault, RefName, RepoPath, Secret, Timestamp};
use sandbox::git::{GitHost, GitHostOptions, Quirk, SshHost, SshHostOptions};
use sandbox::github::{GitHub, GitHubOptions};

use crate::support::skipped;

/// Whom the token of a host that wants names belongs to.
const USER: &str = "deploy-bot";
pub(super) const TOKEN: &str = "s3cret-token-of-the-host";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    V2,
    WithoutFilters,
    V0,
    MultiAck,
    ContentType,
    Named,
    Ssh,
    SshV0,
    Folder,
    Api,
}

pub(super) struct World {
    pub(super) host: Arc<GitHost>,
    /// The APIs of the repositories that were opened by theirs.
    githubs: RefCell<Vec<GitHub>>,
    /// The same repositories over ssh, with what opens them.
    pub(super) ssh: Option<(SshHost, SshAccess)>,
    kind: Kind,
    pub(super) journal: Rc<Words>,
    pub(super) clock: Rc<QuickClock>,
}

pub(super) fn pins(tag: &str) -> String {
    format!("images:\n  - name: myorg/api\n    newTag: {tag}\n")
}

pub(super) fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

pub(super) fn reference(text: &str) -> RefName {
    RefName::parse(text).unwrap()
}

impl World {
    /// Starts a world. `None`, said loudly: sshd is not installed here.
    pub(super) fn started(kind: Kind) -> Option<Self> {
        if !matches!(kind, Kind::Ssh | Kind::SshV0) {
            return Some(Self::start(kind));
        }
        let options = SshHostOptions {
            protocol_v2: kind == Kind::Ssh,
            ..SshHostOptions::default()
        };
        Self::with_sshd(kind, options)
    }

    /// The same, with an sshd of one's own.
    pub(super) fn with_sshd(kind: Kind, options: SshHostOptions) -> Option<Self> {
        let Some(sshd) = SshHost::start(options).unwrap() else {
            skipped("sshd is not installed, so nothing was tried over ssh");
            return None;
        };
        let access = access(&sshd.known_hosts().unwrap(), &sshd.key("ed25519").unwrap());
        let world = Self {
            ssh: Some((sshd, access)),
            ..Self::start(kind)
        };
        // Without protocol v2 only the tips can be had otherwise, and the suite looks at other commits, too.
        let config = ["config", "uploadpack.allowReachableSHA1InWant", "true"];
        world.host.git("infra", &config).unwrap();
        Some(world)
    }

    pub(super) fn start(kind: Kind) -> Self {
        let options = GitHostOptions {
            token: Some(TOKEN.to_owned()),
            filters: !matches!(kind, Kind::WithoutFilters | Kind::V0 | Kind::MultiAck),
            protocol_v2: kind != Kind::V0,
            user: (kind == Kind::Named).then(|| USER.to_owned()),
            quirk: match kind {
                Kind::MultiAck => Some(Quirk::MultiAck),
                Kind::ContentType => Some(Quirk::ContentType),
                _ => None,
            },
            ..GitHostOptions::default()
        };
        let host = Arc::new(GitHost::start_blocking(options).unwrap());
        let pins = pins("v1");
        let files = [
            ("README.md", "# Infra\n"),
            ("apps/api/overlays/dev/kustomization.yaml", pins.as_str()),
            ("apps/web/overlays/dev/kustomization.yaml", pins.as_str()),
        ];
        host.create("infra", &files).unwrap();
        Self {
            host,
            githubs: RefCell::default(),
            ssh: None,
            kind,
            journal: Rc::default(),
            clock: Rc::default(),
        }
    }

    pub(super) fn open(&self) -> Box<dyn Land> {
        self.open_other("infra", None)
    }

    pub(super) fn open_at(&self, branch: &str) -> Box<dyn Land> {
        self.open_other("infra", Some(branch))
    }

    pub(super) fn open_other(&self, name: &str, branch: Option<&str>) -> Box<dyn Land> {
        if self.kind == Kind::Api {
            return self.open_by_api(name, branch);
        }
        let address = match (&self.ssh, self.kind) {
            (Some((sshd, _)), _) => sshd.url(&self.host, name),
            (_, Kind::Folder) => self.host.path(name).to_str().unwrap().to_owned(),
            _ => self.host.url(name),
        };
        self.open_address(&address, branch, Some(TOKEN)).unwrap()
    }

    /// Opens a repository by the API of its GitHub.
    fn open_by_api(&self, name: &str, branch: Option<&str>) -> Box<dyn Land> {
        let github = self.github(name);
        let access = self.by_api(&github, branch);
        self.githubs.borrow_mut().push(github);
        let http = promote_action::http::client(&promote_action::http::Connections::default()).unwrap();
        infrarepo::open(&access, http, self.clock.clone(), self.journal.clone()).unwrap()
    }

    /// Starts the API of a repository.
    pub(super) fn github(&self, name: &str) -> GitHub {
        let options = GitHubOptions {
            name: format!("myorg/{name}"),
            repository: name.to_owned(),
            token: TOKEN.to_owned(),
            exchanges: std::env::var_os("SANDBOX_EXCHANGES").map(PathBuf::from),
            ..GitHubOptions::default()
        };
        GitHub::start_blocking(&self.host, options).unwrap()
    }

    /// What opens a repository by an API.
    pub(super) fn by_api(&self, github: &GitHub, branch: Option<&str>) -> RepoAccess {
        self.by_api_at(github, &github.api_url(), &github.graphql_url(), branch)
    }

    /// The same with addresses of one's own.
    pub(super) fn by_api_at(&self, github: &GitHub, rest: &str, graphql: &str, branch: Option<&str>) -> RepoAccess {
        let address = github.repository_url();
        let url = address.parse().unwrap();
        RepoAccess {
            github: Place::at(&url, rest.parse().unwrap(), graphql.parse().unwrap()),
            by_api: Some(ByApi::default()),
            ..self.access(&address, branch, Some(TOKEN))
        }
    }

    /// Whether the author of a commit is whom it names.
    pub(super) fn keeps_authors(&self) -> bool {
        self.kind != Kind::Api
    }

    pub(super) fn open_address(
        &self,
        address: &str,
        branch: Option<&str>,
        token: Option<&str>,
    ) -> Result<Box<dyn Land>, Fault> {
        let target = self.access(address, branch, token);
        let http = promote_action::http::client(&promote_action::http::Connections::default()).unwrap();
        infrarepo::open(&target, http, self.clock.clone(), self.journal.clone())
    }

    fn access(&self, address: &str, branch: Option<&str>, token: Option<&str>) -> RepoAccess {
        RepoAccess {
            address: Address::parse(address, None).unwrap(),
            branch: branch.map(|branch| BranchName::parse(branch).unwrap()),
            aliases: Vec::new(),
            user: (self.kind == Kind::Named).then(|| USER.to_owned()),
            token: token.map(|token| -> Rc<dyn Tokens> { Rc::new(Fixed::new(Secret::new(token))) }),
            ssh: self.ssh.as_ref().map(|(_, access)| access.clone()),
            github: None,
            app: None,
            by_api: None,
        }
    }

    /// Opens an address over connections of one's own.
    pub(super) fn open_with(&self, address: &str, connections: &Connections) -> Result<Box<dyn Land>, Fault> {
        let access = self.access(address, None, Some(TOKEN));
        let http = promote_action::http::client(connections)?;
        infrarepo::open(&access, http, self.clock.clone(), self.journal.clone())
    }

    pub(super) fn draft(&self, base: &CommitSha, edits: &[(&str, &str)]) -> Update {
        draft(&self.clock, base, edits)
    }

    /// Commits one entry of any mode to `main`.
    pub(super) fn commit_entry(&self, mode: &str, object: &str, path: &str) {
        let stream = format!(
            "commit refs/heads/main\ncommitter S <s@example.com> now\ndata 1\n.\nfrom refs/heads/main^0\nM {mode} {object} {path}\n"
        );
        let args = ["fast-import", "--quiet", "--date-format=now"];
        self.host.git_with("infra", &args, stream.as_bytes()).unwrap();
    }

    pub(super) fn many_commits(&self, count: usize) {
        use std::fmt::Write;
        let mut stream = String::new();
        for n in 0..count {
            let from = if n == 0 { "from refs/heads/main^0\n" } else { "" };
            let committer = "committer S <s@example.com> now\ndata 1\n.\n";
            write!(
                stream,
                "commit refs/heads/main\n{committer}{from}M 100644 inline n\ndata 4\n{n:04}\n"
            )
            .unwrap();
        }
        let args = ["fast-import", "--quiet", "--date-format=now"];
        self.host.git_with("infra", &args, stream.as_bytes()).unwrap();
    }
}

/// What opens a host with these lines of `known_hosts` and this key.
pub(super) fn access(known_hosts: &str, key: &str) -> SshAccess {
    SshAccess {
        known_hosts: KnownHosts::parse(known_hosts).unwrap(),
        identity: Identity::Key(SshKey::parse(key).unwrap()),
    }
}

pub(super) fn draft(clock: &QuickClock, base: &CommitSha, edits: &[(&str, &str)]) -> Update {
    let edit = |(file, content): &(&str, &str)| FileEdit::Write {
        path: path(file),
        content: content.as_bytes().to_vec(),
    };
    Update {
        reference: reference("refs/heads/main"),
        expected: Some(base.clone()),
        parents: vec![base.clone()],
        edits: edits.iter().map(edit).collect(),
        message: "Promote api\n\nPromote-App: api\n".to_owned(),
        author: Author {
            name: "A Bot".to_owned(),
            mail: "bot@example.com".to_owned(),
        },
        at: clock.wall(),
    }
}

/// Time that passes only when somebody waits, and then at once.
#[derive(Default)]
pub(super) struct QuickClock {
    now: Cell<Duration>,
}

#[async_trait(?Send)]
impl Clock for QuickClock {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn wall(&self) -> Timestamp {
        Timestamp::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + self.now.get())
    }

    async fn sleep(&self, pause: Duration) {
        self.now.set(self.now.get() + pause);
        tokio::task::yield_now().await;
    }
}

/// Keeps what was told, as text.
#[derive(Default)]
pub(super) struct Words(RefCell<Vec<String>>);

impl Words {
    pub(super) fn text(&self) -> String {
        self.0.borrow().join("\n")
    }
}

impl Journal for Words {
    fn tell(&self, event: Event) {
        self.0.borrow_mut().push(format!("{event:?}"));
    }
}
