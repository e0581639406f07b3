//! The seam to the engine, over the stand-in: everything that a promotion asks of it, and the waits that are made of the answers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use promote_action::assess::rollout::Origin;
use promote_action::clock::SystemClock;
use promote_action::delivery::{ArgoCd, Drive, Observe, Problem, Settings};
use promote_action::infrarepo::{self, Address};
use promote_action::journal::Journal;
use promote_action::manifest::{FORMATS, Field, PinEdit};
use promote_action::model::{
    AppName, ApplicationId, BranchName, Clock, CommitSha, EnvironmentName, Event, Fault, Outcome, PinChange,
    RepoIdentity, RepoPath, Secret, Timestamp,
};
use promote_action::plan::{Policy, ResolvedPolicy, SyncMode};
use promote_action::promote::{Candidate, FollowPorts, FollowRequest, Followed, Which, follow, precheck};
use sandbox::argocd::{ArgoCdOptions, Canned};
use sandbox::{Options, Sandbox, overlay};

#[derive(Default)]
struct Told(RefCell<Vec<String>>);

impl Journal for Told {
    fn tell(&self, event: Event) {
        let text = match event {
            Event::Progress(text) | Event::Waiting(text) | Event::Notice(text) | Event::Milestone(text) => text,
            Event::Warning(text) => format!("warning: {text}"),
            other => format!("{other:?}"),
        };
        self.0.borrow_mut().push(text);
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

/// A sandbox at many times the speed, and a wait against it.
struct Stage {
    sandbox: Sandbox,
    told: Told,
    /// How much faster our own clock runs.
    pace: u32,
}

impl Stage {
    fn new() -> Self {
        let options = Options {
            argocd: ArgoCdOptions {
                speed: 20.0,
                reconcile: None,
                ..ArgoCdOptions::default()
            },
            ..Options::default()
        };
        Self {
            sandbox: Sandbox::start_blocking(options).unwrap(),
            told: Told::default(),
            pace: 1,
        }
    }

    fn argocd_as(&self, token: &str) -> ArgoCd {
        let client = promote_action::http::client(None).unwrap();
        let settings = Settings {
            server: self.sandbox.argocd.url().parse().unwrap(),
            token: Secret::new(token),
            headers: Vec::new(),
            project: None,
        };
        ArgoCd::new(client, settings).unwrap()
    }

    fn argocd(&self) -> ArgoCd {
        self.argocd_as(&self.sandbox.argocd.token("ci"))
    }

    fn origin(&self) -> Origin {
        Origin {
            repository: RepoIdentity::of(&self.sandbox.infra_repo()),
            branch: BranchName::parse("main").unwrap(),
        }
    }

    /// Changes the tag of an overlay, as a promotion would. Returns the commit and its pin.
    fn push(&self, app: &str, environment: &str, tag: &str) -> (CommitSha, PinChange) {
        let text = self.sandbox.overlay(app, environment).unwrap();
        let file = overlay(app, environment);
        let commit = self
            .sandbox
            .commit(
                &file,
                &with_tag(&text, app, tag),
                &format!("promote {app} to {environment}"),
            )
            .unwrap();
        let pin = PinChange {
            app: AppName::parse(app).unwrap(),
            environment: EnvironmentName::parse(environment).unwrap(),
            file: RepoPath::parse(&file).unwrap(),
            name: format!("myorg/{app}"),
            line: 1,
            before: String::new(),
            after: reference(&with_tag(&text, app, tag), app),
        };
        (CommitSha::parse(&commit).unwrap(), pin)
    }

    fn precheck(&self, argocd: &ArgoCd, candidate: Candidate) -> Result<usize, Fault> {
        let clock = SystemClock::start();
        let targets = block_on(precheck(argocd, &clock, &self.origin(), vec![candidate]))?;
        Ok(targets.len())
    }

    /// Looks before, pushes, and follows to the end. `meanwhile` happens once the wait has begun.
    fn promote(&self, app: &str, environment: &str, tag: &str, policy: ResolvedPolicy) -> Followed {
        self.promote_while(app, environment, tag, policy, |_| {})
    }

    fn promote_while(
        &self,
        app: &str,
        environment: &str,
        tag: &str,
        policy: ResolvedPolicy,
        meanwhile: impl FnOnce(&tokio::sync::watch::Sender<Option<u8>>) + Send,
    ) -> Followed {
        let argocd = self.argocd();
        let clock = Paced(SystemClock::start(), self.pace);
        let candidate = Candidate {
            policy,
            images: vec![reference(
                &with_tag(&self.sandbox.overlay(app, environment).unwrap(), app, tag),
                app,
            )],
            ..candidate(app, environment)
        };
        let targets = block_on(precheck(&argocd, &clock, &self.origin(), vec![candidate])).unwrap();
        let (commit, pin) = self.push(app, environment, tag);
        let pins = [pin];
        let request = FollowRequest {
            targets,
            origin: self.origin(),
            commit: &commit,
            pins: &pins,
            nonce: "nonce-1".to_owned(),
        };
        let place = infrarepo::Target {
            address: Address::Folder(self.sandbox.git.path("infra-repo")),
            branch: None,
            token: None,
        };
        let client = promote_action::http::client(None).unwrap();
        let quiet: Rc<dyn Journal> = Rc::new(Told::default());
        let repo = infrarepo::open(&place, client, Rc::new(SystemClock::start()), quiet).unwrap();
        let ports = FollowPorts {
            observe: &argocd,
            drive: Some(&argocd as &dyn Drive),
            repo: repo.as_ref(),
            journal: &self.told,
            clock: &clock,
        };
        let (send, cancel) = tokio::sync::watch::channel(None);
        let followed = std::thread::scope(|scope| {
            scope.spawn(|| meanwhile(&send));
            block_on(follow(ports, &cancel, request))
        });
        #[expect(clippy::print_stdout, reason = "shown when a test fails")]
        for line in self.told.0.borrow().iter() {
            println!("{line}");
        }
        followed
    }

    /// Returns how many times something was asked of the server.
    fn asked(&self, method: &str, part: &str) -> usize {
        (self.sandbox.argocd.asked().iter())
            .filter(|asked| asked.method == method && asked.path.contains(part))
            .count()
    }

    fn said(&self, part: &str) -> bool {
        self.told.0.borrow().iter().any(|line| line.contains(part))
    }
}

/// Returns an overlay with another tag.
fn with_tag(text: &str, app: &str, tag: &str) -> String {
    let edit = PinEdit {
        name: format!("myorg/{app}"),
        new_tag: Field::Set(tag.to_owned()),
        digest: Field::Keep,
        create: false,
    };
    String::from_utf8(FORMATS[0].edit(text.as_bytes(), &[edit]).unwrap().bytes).unwrap()
}

/// Returns the reference that an overlay makes run.
fn reference(text: &str, app: &str) -> String {
    let pins = FORMATS[0].pins(text.as_bytes()).unwrap();
    let entry = format!("myorg/{app}");
    pins.iter().find(|pin| pin.name == entry).unwrap().reference()
}

fn candidate(app: &str, environment: &str) -> Candidate {
    Candidate {
        which: Which::Named(ApplicationId::parse(&format!("{app}-{environment}")).unwrap()),
        app: AppName::parse(app).unwrap(),
        environment: EnvironmentName::parse(environment).unwrap(),
        folder: RepoPath::parse(&format!("apps/{app}/overlays/{environment}")).unwrap(),
        policy: policy(),
        images: Vec::new(),
    }
}

fn policy() -> ResolvedPolicy {
    ResolvedPolicy {
        settle: Duration::from_secs(1),
        timeout: Duration::from_secs(40),
        ..Policy::default().resolve()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn an_automated_application_is_refreshed_and_never_synced() {
    let stage = Stage::new();
    let followed = stage.promote("api", "dev", "abc1234", policy());
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    assert!(followed.applications[0].live);
    assert_eq!(stage.asked("POST", "/sync"), 0);
    assert!(stage.asked("GET", "refresh=normal") >= 1);
}

#[test]
fn a_manual_application_is_synced_once() {
    let stage = Stage::new();
    let followed = stage.promote("web", "production", "abc1234", policy());
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    assert_eq!(stage.asked("POST", "/sync"), 1);
    let app = stage.sandbox.argocd.application("web-production").unwrap();
    let notes = &app["status"]["operationState"]["operation"]["info"];
    assert_eq!(notes[0]["value"], "nonce-1", "{notes}");
}

#[test]
fn a_manual_application_that_nobody_syncs_times_out_and_says_what_was_missing() {
    let stage = Stage::new();
    let never = ResolvedPolicy {
        sync: SyncMode::Never,
        timeout: Duration::from_secs(3),
        ..policy()
    };
    let followed = stage.promote("web", "production", "abc1234", never);
    assert_eq!(followed.outcome, Outcome::TimedOut);
    assert!(
        followed.reason.contains("waits for somebody to sync it"),
        "{}",
        followed.reason
    );
    assert_eq!(stage.asked("POST", "/sync"), 0);
}

#[test]
fn a_failed_sync_is_told_with_what_failed() {
    let stage = Stage::new();
    let followed = stage.promote("api", "dev", "fail1", policy());
    assert_eq!(followed.outcome, Outcome::RolloutFailed, "{}", followed.reason);
    assert!(followed.reason.contains("hook"), "{}", followed.reason);
}

#[test]
fn a_later_commit_that_changed_our_pin_supersedes_it() {
    let stage = Stage::new();
    let sandbox = &stage.sandbox;
    let other = with_tag(&sandbox.overlay("api", "dev").unwrap(), "api", "other1");
    let followed = stage.promote_while("api", "dev", "slow1", policy(), |_| {
        std::thread::sleep(Duration::from_millis(700));
        sandbox
            .commit(&overlay("api", "dev"), &other, "promote something else")
            .unwrap();
    });
    assert_eq!(followed.outcome, Outcome::Superseded, "{}", followed.reason);
    let by = followed.superseded_by.unwrap();
    assert_eq!(by.subject, "promote something else");
    assert_eq!(by.commit, sandbox.tip().unwrap());
}

#[test]
fn a_canary_that_pauses_for_a_person_ends_as_on_pause_says() {
    let stage = Stage::new();
    let followed = stage.promote("api", "production", "abc1234", policy());
    assert_eq!(followed.outcome, Outcome::Live, "{}", followed.reason);
    assert!(stage.said("weight"), "the canary's steps are told");
}

#[test]
fn a_failed_analysis_ends_the_wait_with_what_git_must_do() {
    let stage = Stage::new();
    let followed = stage.promote("api", "production", "breach1", policy());
    assert_eq!(followed.outcome, Outcome::RolloutFailed, "{}", followed.reason);
    assert!(followed.reason.contains("abort"), "{}", followed.reason);
    assert!(
        followed.hints.iter().any(|hint| hint.contains("revert")),
        "{:?}",
        followed.hints
    );
}

#[test]
fn a_revoked_token_ends_the_wait() {
    let stage = Stage::new();
    let argocd = &stage.sandbox.argocd;
    let followed = stage.promote_while("api", "dev", "slow1", policy(), |_| {
        std::thread::sleep(Duration::from_millis(500));
        argocd.revoke("ci");
    });
    assert_eq!(followed.outcome, Outcome::Denied, "{}", followed.reason);
}

#[test]
fn a_signal_ends_the_wait_and_nothing_is_sent_after_it() {
    let stage = Stage::new();
    let argocd = &stage.sandbox.argocd;
    let followed = stage.promote_while("web", "production", "slow1", policy(), |cancel| {
        argocd.stop_controller(true);
        std::thread::sleep(Duration::from_millis(300));
        cancel.send_replace(Some(15));
    });
    assert_eq!(followed.outcome, Outcome::Cancelled { signal: 15 });
    let asked = argocd.asked().len();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(argocd.asked().len(), asked);
    assert_eq!(followed.applications.len(), 1);
}

#[test]
fn what_stands_against_it_is_told_before_anything_is_written() {
    let stage = Stage::new();
    let ci = stage.argocd();
    assert_eq!(stage.precheck(&ci, candidate("api", "dev")).unwrap(), 1);
    let outcome = |argocd: &ArgoCd, candidate: Candidate, part: &str| {
        let fault = stage.precheck(argocd, candidate).unwrap_err();
        assert!(fault.to_string().contains(part), "{fault}");
        fault.outcome
    };
    let forged = stage.argocd_as("a.b.c");
    assert_eq!(
        outcome(&forged, candidate("api", "dev"), "does not know this token"),
        Outcome::Denied
    );
    let nobody = stage.argocd_as(&stage.sandbox.argocd.token("nobody"));
    assert_eq!(
        outcome(&nobody, candidate("api", "dev"), "missing, is in another namespace"),
        Outcome::Denied
    );
    let viewer = stage.argocd_as(&stage.sandbox.argocd.token("viewer"));
    assert_eq!(stage.precheck(&viewer, candidate("api", "dev")).unwrap(), 1);
    assert_eq!(
        outcome(&viewer, candidate("api", "production"), "may not sync"),
        Outcome::Denied
    );
    let other_folder = Candidate {
        folder: RepoPath::parse("apps/api/overlays/staging").unwrap(),
        ..candidate("api", "dev")
    };
    assert_eq!(
        outcome(&ci, other_folder, "deploys apps/api/overlays/dev, not"),
        Outcome::Refused
    );
    stage
        .sandbox
        .argocd
        .edit("api-dev", |spec| spec["source"]["targetRevision"] = "release".into());
    assert_eq!(
        outcome(&ci, candidate("api", "dev"), "follows release"),
        Outcome::Refused
    );
    stage.sandbox.argocd.answer(Canned {
        part: "userinfo".to_owned(),
        times: 1,
        status: 200,
        content_type: "text/html".to_owned(),
        body: "<title>Sign in</title>".to_owned(),
    });
    assert_eq!(
        outcome(&ci, candidate("api", "staging"), "Sign in"),
        Outcome::Unreachable
    );
}

#[test]
fn applications_are_found_by_their_source() {
    let stage = Stage::new();
    let candidate = Candidate {
        which: Which::BySource,
        ..candidate("api", "dev")
    };
    assert_eq!(stage.precheck(&stage.argocd(), candidate).unwrap(), 1);
}

#[test]
fn a_second_sync_is_refused_while_one_is_at_work() {
    let stage = Stage::new();
    let argocd = stage.argocd();
    stage.push("web", "production", "slow1");
    let id = ApplicationId::parse("web-production").unwrap();
    let (first, second) = block_on(async {
        let first = argocd.sync(&id, "one").await;
        (first, argocd.sync(&id, "two").await)
    });
    assert!(first.unwrap().operation_requested);
    assert!(matches!(second, Err(Problem::Busy(_))), "{second:?}");
    let whoami = block_on(argocd.whoami()).unwrap();
    assert_eq!(whoami, "ci");
}

#[test]
fn a_failure_says_which_resource_and_why() {
    let stage = Stage::new();
    let soon = ResolvedPolicy {
        timeout: Duration::from_secs(6),
        ..policy()
    };
    let followed = stage.promote("api", "dev", "bad1", soon);
    assert_eq!(followed.outcome, Outcome::TimedOut, "{}", followed.reason);
    let why = &followed.applications[0].reason;
    assert!(
        why.contains("ImagePullBackOff") && why.contains("myorg/api:bad1"),
        "{why}"
    );
    let stage = Stage::new();
    let followed = stage.promote("api", "production", "breach1", policy());
    let why = &followed.applications[0].reason;
    assert!(why.contains("Metric \"success-rate\" assessed Failed"), "{why}");
}

#[test]
fn a_wait_says_at_least_every_half_minute_what_it_waits_for() {
    let mut stage = Stage::new();
    stage.pace = 40;
    let policy = Policy {
        timeout: Some(Duration::from_secs(150)),
        ..Policy::default()
    };
    let followed = stage.promote("api", "dev", "never-abc1234", policy.resolve());
    assert_eq!(followed.outcome, Outcome::TimedOut, "{}", followed.reason);
    let told = stage.told.0.borrow();
    let repeated = told
        .iter()
        .filter(|line| line.contains("api-dev") && line.contains(" left)"))
        .count();
    assert!((3..=5).contains(&repeated), "{told:#?}");
}
