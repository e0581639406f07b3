//! A wait against one of the worlds: looks before, pushes, follows to the end, and keeps what was told.

use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promote_action::assess::rollout::Origin;
use promote_action::clock::SystemClock;
use promote_action::delivery::{self, Drive, Engine, Reader, Servers, Settings};
use promote_action::infrarepo::{self, Address, CommitInfo, Containment, Entry, InfraRepo, Land, Tip};
use promote_action::journal::Journal;
use promote_action::manifest::{Field, PinEdit, Syntax};
use promote_action::model::{
    AppName, ApplicationId, BranchName, Clock, CommitSha, EnvironmentName, Event, Fault, Pin, PinChange, RefName,
    RepoIdentity, RepoPath, Secret, Timestamp,
};
use promote_action::plan::{Policy, ResolvedPolicy};
use promote_action::promote::testing::{Candidate, FollowPorts, FollowRequest, Followed, Which, follow, precheck};
use sandbox::overlay;
use tokio::sync::watch::Sender;

use super::real;
use super::world::{StandIn, World};

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Told {
    fn tell(&self, event: Event) {
        let text = match event {
            Event::Progress(text) | Event::Waiting(text) | Event::Notice(text) | Event::Reached(_, text) => text,
            Event::Warning(text) => format!("warning: {text}"),
            // Nobody watches here.
            Event::Now(_) => return,
            other => format!("{other:?}"),
        };
        self.lines().push(text);
    }
}

/// A clock that runs faster than the wall's by a factor.
struct Paced(SystemClock, u32);

#[async_trait::async_trait(?Send)]
impl Clock for Paced {
    fn now(&self) -> Duration {
        self.0.now() * self.1
    }

    fn wall(&self) -> Timestamp {
        self.0.wall()
    }

    async fn sleep(&self, pause: Duration) {
        self.0.sleep(pause / self.1).await;
    }
}

/// A git host that never answers a question about history.
struct Hanging(Box<dyn Land>);

#[async_trait::async_trait(?Send)]
impl InfraRepo for Hanging {
    fn url(&self) -> String {
        self.0.url()
    }

    fn commit_url(&self, commit: &CommitSha) -> Option<String> {
        self.0.commit_url(commit)
    }

    fn identity(&self) -> RepoIdentity {
        self.0.identity()
    }

    async fn link(&self, at: &CommitSha, path: &RepoPath) -> Result<Option<String>, Fault> {
        self.0.link(at, path).await
    }

    async fn tip(&self) -> Result<Tip, Fault> {
        self.0.tip().await
    }

    async fn reference(&self, name: &RefName) -> Result<Option<CommitSha>, Fault> {
        self.0.reference(name).await
    }

    async fn list(&self, at: &CommitSha, folder: &RepoPath) -> Result<Option<Vec<Entry>>, Fault> {
        self.0.list(at, folder).await
    }

    async fn read(&self, at: &CommitSha, files: &[RepoPath]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        self.0.read(at, files).await
    }

    async fn contains(&self, _: &CommitSha, _: &CommitSha) -> Containment {
        std::future::pending().await
    }

    async fn may_write(&self, branch: &BranchName) -> Result<(), Fault> {
        self.0.may_write(branch).await
    }

    async fn stands(&self, _: &[CommitSha], _: &[RepoPath]) -> Result<Vec<Vec<Option<String>>>, Fault> {
        std::future::pending().await
    }

    async fn history(&self, _: &CommitSha, _: usize) -> Result<Vec<CommitInfo>, Fault> {
        std::future::pending().await
    }
}

/// A world, and a wait in it.
pub(super) struct Stage {
    pub(super) world: Box<dyn World>,
    told: Told,
    /// How much faster our own clock runs.
    pub(super) pace: u32,
    /// Whether git gives no answer during the wait.
    pub(super) git_hangs: bool,
}

impl Stage {
    /// Starts the stand-in, for what cannot be made happen elsewhere, and leaves a note of `why` for who reads the table.
    pub(super) fn with_stand_in(why: &str) -> Self {
        if let Some(run) = std::env::var_os("E2E_RUN") {
            let thread = std::thread::current();
            let test = thread
                .name()
                .and_then(|name| name.rsplit("::").next())
                .unwrap_or_default();
            std::fs::write(std::path::Path::new(&run).join(format!("stand-in-{test}")), why).unwrap();
        }
        Self {
            world: Box::new(StandIn::start()),
            told: Told::default(),
            pace: 1,
            git_hangs: false,
        }
    }

    /// Takes the real thing where there is one, else starts the stand-in.
    pub(super) fn new() -> Self {
        Self {
            world: match real::held() {
                Some(real) => Box::new(real),
                None => Box::new(StandIn::start()),
            },
            told: Told::default(),
            pace: 1,
            git_hangs: false,
        }
    }

    /// Returns a time that is as long for this world as `milliseconds` for the stand-in.
    pub(super) fn time(&self, milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds) * self.world.slowness()
    }

    pub(super) fn policy(&self) -> ResolvedPolicy {
        ResolvedPolicy {
            settle: Duration::from_secs(1),
            timeout: self.time(40_000),
            ..Policy::default().resolve()
        }
    }

    pub(super) fn argocd_as(&self, token: &str) -> Box<dyn Engine> {
        self.argocd_in(token, None)
    }

    pub(super) fn argocd_in(&self, token: &str, project: Option<&str>) -> Box<dyn Engine> {
        let client = promote_action::http::client(&promote_action::http::Connections::default()).unwrap();
        let settings = Settings {
            server: self.world.server().parse().unwrap(),
            token: Secret::new(token),
            tokens: None,
            headers: Vec::new(),
            project: project.map(str::to_owned),
        };
        delivery::open(&Servers::One(settings), &client).unwrap()
    }

    pub(super) fn argocd(&self) -> Box<dyn Engine> {
        self.argocd_as(&self.world.token("ci"))
    }

    fn origin(&self) -> Origin {
        Origin {
            repository: RepoIdentity::of(&self.world.infra_repo()),
            branch: BranchName::parse("main").unwrap(),
            default: None,
        }
    }

    /// Returns the overlay of an app with another tag.
    pub(super) fn with_tag(&self, app: &str, environment: &str, tag: &str) -> String {
        with_tag(&self.world.file(&overlay(app, environment)), app, tag)
    }

    /// Changes the tag of an overlay, as a promotion would. Returns the commit and its pin.
    pub(super) fn push(&self, app: &str, environment: &str, tag: &str) -> (CommitSha, PinChange) {
        let text = self.with_tag(app, environment, tag);
        let file = overlay(app, environment);
        let commit = (self.world).commit(&file, &text, &format!("promote {app} to {environment}"));
        let pin = PinChange {
            cluster: None,
            app: AppName::parse(app).unwrap(),
            environment: EnvironmentName::parse(environment).unwrap(),
            file: RepoPath::parse(&file).unwrap(),
            syntax: Syntax::default(),
            before: Pin {
                name: format!("myorg/{app}"),
                ..Pin::default()
            },
            after: pin(&text, app),
        };
        (CommitSha::parse(&commit).unwrap(), pin)
    }

    pub(super) fn candidate(&self, app: &str, environment: &str) -> Candidate {
        Candidate {
            is_file: false,
            reached: None,
            cluster: None,
            wave: 0,
            which: Which::Named(id(&format!("{app}-{environment}"))),
            app: AppName::parse(app).unwrap(),
            environment: EnvironmentName::parse(environment).unwrap(),
            folder: RepoPath::parse(&format!("apps/{app}/overlays/{environment}")).unwrap(),
            policy: self.policy(),
            images: Vec::new(),
        }
    }

    pub(super) fn precheck(&self, argocd: &dyn Engine, candidate: Candidate) -> Result<usize, Fault> {
        let clock = SystemClock::start();
        let targets = block_on(precheck(argocd, &clock, &self.origin(), None, vec![candidate]))?;
        Ok(targets.len())
    }

    /// Looks before, pushes, and follows to the end.
    pub(super) fn promote(&self, app: &str, environment: &str, tag: &str, policy: ResolvedPolicy) -> Followed {
        self.promote_while(app, environment, tag, policy, |_, _| {})
    }

    /// The same; `meanwhile` happens once the wait has begun.
    pub(super) fn promote_while(
        &self,
        app: &str,
        environment: &str,
        tag: &str,
        policy: ResolvedPolicy,
        meanwhile: impl FnOnce(&dyn World, &Sender<Option<u8>>) + Send,
    ) -> Followed {
        let candidate = Candidate {
            policy,
            ..self.candidate(app, environment)
        };
        self.follow_while(self.argocd().as_ref(), candidate, tag, meanwhile)
    }

    /// The same with the application that a candidate names, as another client.
    pub(super) fn follow_while(
        &self,
        argocd: &dyn Engine,
        candidate: Candidate,
        tag: &str,
        meanwhile: impl FnOnce(&dyn World, &Sender<Option<u8>>) + Send,
    ) -> Followed {
        let clock = Paced(SystemClock::start(), self.pace);
        let (app, environment) = (candidate.app.to_string(), candidate.environment.to_string());
        let candidate = Candidate {
            images: vec![reference(&self.with_tag(&app, &environment, tag), &app)],
            ..candidate
        };
        let targets = block_on(precheck(argocd, &clock, &self.origin(), None, vec![candidate])).unwrap();
        let (commit, pin) = self.push(&app, &environment, tag);
        let pins = [pin];
        let request = FollowRequest {
            targets,
            origin: self.origin(),
            commit: &commit,
            pins: &pins,
            nonce: "nonce-1".to_owned(),
        };
        let place = infrarepo::RepoAccess {
            address: Address::Folder(self.world.folder()),
            branch: None,
            aliases: Vec::new(),
            user: None,
            token: None,
            ssh: None,
            github: None,
            app: None,
            by_api: None,
        };
        let client = promote_action::http::client(&promote_action::http::Connections::default()).unwrap();
        let quiet: Rc<dyn Journal> = Rc::new(Told::default());
        let repo = infrarepo::open(&place, client, Rc::new(SystemClock::start()), quiet).unwrap();
        let repo: Box<dyn InfraRepo> = if self.git_hangs { Box::new(Hanging(repo)) } else { repo };
        let ports = FollowPorts {
            observe: argocd as &dyn Reader,
            drive: Some(argocd as &dyn Drive),
            repo: repo.as_ref(),
            journal: &self.told,
            clock: &clock,
            judge: None,
        };
        let (send, cancel) = tokio::sync::watch::channel(None);
        let world = self.world.as_ref();
        let followed = std::thread::scope(|scope| {
            scope.spawn(|| meanwhile(world, &send));
            block_on(follow(ports, &cancel, request))
        });
        #[expect(clippy::print_stdout, reason = "shown when a test fails")]
        for line in self.told() {
            println!("{line}");
        }
        followed
    }

    /// Returns the commit that `main` is at.
    pub(super) fn tip(&self) -> String {
        let mut git = std::process::Command::new("git");
        let output = git
            .arg("-C")
            .arg(self.world.folder())
            .args(["rev-parse", "main"])
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
    }

    /// Returns all that was told.
    pub(super) fn told(&self) -> Vec<String> {
        self.told.lines().clone()
    }

    pub(super) fn said(&self, part: &str) -> bool {
        self.told().iter().any(|line| line.contains(part))
    }
}

pub(super) fn id(name: &str) -> ApplicationId {
    ApplicationId::parse(name).unwrap()
}

fn with_tag(text: &str, app: &str, tag: &str) -> String {
    let edit = PinEdit {
        name: format!("myorg/{app}"),
        new_tag: Field::Set(tag.to_owned()),
        digest: Field::Keep,
        create: false,
    };
    String::from_utf8(Syntax::default().edit(text.as_bytes(), &[edit]).unwrap().bytes).unwrap()
}

/// Returns the reference that an overlay makes run.
fn pin(text: &str, app: &str) -> Pin {
    let pins = Syntax::default().pins(text.as_bytes()).unwrap();
    let entry = format!("myorg/{app}");
    pins.into_iter().find(|pin| pin.name == entry).unwrap()
}

pub(super) fn reference(text: &str, app: &str) -> String {
    pin(text, app).reference()
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
