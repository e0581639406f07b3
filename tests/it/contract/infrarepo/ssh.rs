//! What ssh adds to the seam: whose host it is, whose key opens it, and what a host says instead of git. Against the real sshd.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use promote_action::infrarepo::{Attempt, Containment, Identity, KnownHosts, Land, SshAccess};
use promote_action::model::{Fault, Outcome};
use sandbox::git::{SshAgent, SshHostOptions, new_key};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::PIN;
use super::world::{Kind, World, access, path, pins};

async fn landing(world: &World) -> Result<Attempt, Fault> {
    let repo = world.open();
    land_on(&*repo, world).await
}

async fn land_on(repo: &dyn Land, world: &World) -> Result<Attempt, Fault> {
    let base = repo.tip().await?.commit;
    repo.read(&base, &[path(PIN)]).await?;
    repo.land(&world.draft(&base, &[(PIN, &pins("v2"))])).await
}

/// Opens the world's host in another way.
fn with(mut world: World, change: impl FnOnce(&sandbox::git::SshHost) -> SshAccess) -> World {
    let (sshd, _) = world.ssh.take().unwrap();
    let access = change(&sshd);
    world.ssh = Some((sshd, access));
    world
}

async fn refused(world: &World) -> Fault {
    let before = world.host.tip("infra").unwrap();
    let fault = landing(world).await.unwrap_err();
    assert_eq!(world.host.tip("infra").unwrap(), before);
    let shown = format!("{fault} {fault:?} {}", world.journal.text());
    assert!(!shown.contains("BEGIN OPENSSH"), "{shown}");
    fault
}

#[tokio::test]
async fn a_promotion_takes_one_connection() {
    let Some(world) = World::started(Kind::Ssh) else { return };
    assert!(matches!(landing(&world).await.unwrap(), Attempt::Landed(_)));
    assert_eq!(world.ssh.as_ref().unwrap().0.connections(), 1);
    let told = world.journal.text();
    assert!(!told.contains("asking"), "v2 with filters is what it assumed: {told}");
}

#[tokio::test]
async fn keys_of_every_kind_and_format_open_it() {
    let Some(mut world) = World::started(Kind::Ssh) else {
        return;
    };
    for kind in [
        "ed25519",
        "rsa",
        "ecdsa",
        "ecdsa -b 384",
        "rsa -m PEM",
        "rsa -m PKCS8",
        "ecdsa -m PEM",
        "ecdsa -m PKCS8",
    ] {
        world = with(world, |sshd| {
            access(&sshd.known_hosts().unwrap(), &sshd.key(kind).unwrap())
        });
        let landed = landing(&world).await;
        assert!(matches!(landed, Ok(Attempt::Landed(_))), "{kind}: {landed:?}");
        world.host.push_commit("infra", PIN, &pins("v1"), "Back").unwrap();
    }
}

#[tokio::test]
async fn a_host_is_recognised_by_whichever_of_its_keys_is_known() {
    let options = SshHostOptions {
        host_keys: vec!["ed25519", "ecdsa", "rsa"],
        ..SshHostOptions::default()
    };
    let Some(mut world) = World::with_sshd(Kind::Ssh, options) else {
        return;
    };
    for number in 0..3 {
        world = with(world, |sshd| {
            let lines = sshd.known_hosts().unwrap();
            access(lines.lines().nth(number).unwrap(), &sshd.key("ed25519").unwrap())
        });
        let tip = world.open().tip().await;
        assert!(tip.is_ok(), "host key {number}: {tip:?}");
    }
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_refused_with_its_fingerprint() {
    let Some(world) = World::started(Kind::Ssh) else { return };
    let line = world.ssh.as_ref().unwrap().0.known_hosts().unwrap();
    let key = line.split_whitespace().nth(2).unwrap().to_owned();
    let world = with(world, |sshd| access("", &sshd.key("ed25519").unwrap()));
    let fault = refused(&world).await;
    assert_eq!(fault.outcome, Outcome::Denied);
    let text = fault.to_string();
    assert!(text.contains("is not known: it shows SHA256:"), "{text}");
    assert!(
        fault.hints[0].contains("ssh-known-hosts") && fault.hints[0].contains(&key),
        "{:?}",
        fault.hints
    );
    // The line that the hint gives is the one that helps.
    let line = fault.hints[0].split("`ssh-known-hosts`: ").nth(1).unwrap().to_owned();
    let world = with(world, |sshd| access(&line, &sshd.key("ed25519").unwrap()));
    assert!(world.open().tip().await.is_ok());
}

#[tokio::test]
async fn a_changed_or_revoked_host_key_is_refused_loudly() {
    let Some(world) = World::started(Kind::Ssh) else { return };
    let port = world.ssh.as_ref().unwrap().0.port();
    let (_, public) = new_key("ed25519").unwrap();
    let other = format!("[127.0.0.1]:{port} {public}");
    let world = with(world, |sshd| access(&other, &sshd.key("ed25519").unwrap()));
    let fault = refused(&world).await;
    assert_eq!(fault.outcome, Outcome::Denied);
    assert!(fault.to_string().contains("HAS CHANGED"), "{fault}");
    assert!(fault.to_string().matches("SHA256:").count() == 2, "{fault}");
    let world = with(world, |sshd| {
        let line = sshd.known_hosts().unwrap();
        access(&format!("{line}@revoked {line}"), &sshd.key("ed25519").unwrap())
    });
    let fault = refused(&world).await;
    assert!(fault.to_string().contains("is revoked"), "{fault}");
}

#[tokio::test]
async fn a_key_that_the_host_does_not_know_is_denied() {
    let Some(world) = World::started(Kind::Ssh) else { return };
    let world = with(world, |sshd| {
        access(&sshd.known_hosts().unwrap(), &new_key("ed25519").unwrap().0)
    });
    let fault = refused(&world).await;
    assert_eq!(fault.outcome, Outcome::Denied);
    assert!(
        fault
            .to_string()
            .contains("the deploy key is not accepted by [127.0.0.1]:"),
        "{fault}"
    );
    assert!(fault.hints[0].contains("write access"), "{:?}", fault.hints);
}

#[tokio::test]
async fn what_a_host_says_instead_of_git_is_understood() {
    let Some(mut world) = World::started(Kind::Ssh) else {
        return;
    };
    // GitHub lets a read-only key read, and ends `git-receive-pack` before it answers.
    let read_only = "case $SSH_ORIGINAL_COMMAND in git-upload-pack*) eval exec $SSH_ORIGINAL_COMMAND;; esac; \
                     echo 'ERROR: The key you are authenticating with has been marked as read only.' >&2; exit 1";
    for (script, part) in [
        (read_only, "can only read"),
        (
            "echo 'ERROR: Repository not found.' >&2; exit 1",
            "is missing, or the key cannot see it",
        ),
        ("echo 'Welcome to this host'; cat", "not as a git server does"),
        ("exit 0", "ended with exit code 0"),
    ] {
        world = with(world, |sshd| {
            let key = sshd.key_with("ed25519", &format!("command=\"{script}\"")).unwrap();
            access(&sshd.known_hosts().unwrap(), &key)
        });
        let fault = refused(&world).await;
        assert!(fault.to_string().contains(part), "{script}: {fault}");
        assert!(!fault.to_string().contains("is not known"), "{fault}");
    }
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_told() {
    let Some(world) = World::started(Kind::Ssh) else { return };
    let fault = world.open_other("nothing", None).tip().await.unwrap_err();
    assert_eq!(fault.outcome, Outcome::Denied);
    assert!(fault.to_string().contains("is missing"), "{fault}");
}

#[tokio::test]
async fn a_hook_that_declines_is_heard() {
    let Some(world) = World::started(Kind::Ssh) else { return };
    let script = "#!/bin/sh\necho 'no deploys on friday' >&2\nexit 1\n";
    world.host.hook("infra", "pre-receive", script).unwrap();
    let fault = refused(&world).await;
    assert!(fault.to_string().contains("no deploys on friday"), "{fault}");
}

#[tokio::test]
async fn a_host_as_it_is_installed_has_no_v2_and_gives_only_tips() {
    let Some(world) = World::started(Kind::SshV0) else {
        return;
    };
    let config = ["config", "uploadpack.allowReachableSHA1InWant", "false"];
    world.host.git("infra", &config).unwrap();
    let repo = world.open();
    let old = repo.tip().await.unwrap().commit;
    let Attempt::Landed(ours) = land_on(&*repo, &world).await.unwrap() else {
        panic!("nobody else is there");
    };
    let told = world.journal.text();
    assert!(
        told.contains("AcceptEnv GIT_PROTOCOL") && told.contains("v0 without"),
        "{told}"
    );
    assert_eq!(world.open().contains(&ours, &old).await, Containment::Contains);
    let unknown = world.open().contains(&old, &ours).await;
    assert!(matches!(unknown, Containment::Unknown(_)), "{unknown:?}");
}

#[tokio::test]
async fn twenty_thousand_references_in_front_of_every_answer_are_no_problem() {
    let Some(world) = World::started(Kind::SshV0) else {
        return;
    };
    let tip = world.host.tip("infra").unwrap();
    let lines: Vec<String> = (0..20_000)
        .map(|n| format!("{tip} refs/heads/feature/{n:05}\n"))
        .collect();
    let file = world.host.path("infra").join("packed-refs");
    std::fs::write(file, format!("# pack-refs with: sorted \n{}", lines.concat())).unwrap();
    assert!(matches!(landing(&world).await.unwrap(), Attempt::Landed(_)));
}

#[tokio::test]
async fn a_host_that_is_not_there_or_no_ssh_server_is_unreachable() {
    let Some(world) = World::started(Kind::Ssh) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let words = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            let _ = stream.write_all(words).await;
        }
    });
    for (port, part) in [(1, "cannot be reached"), (port, "does not answer as an ssh server")] {
        let address = format!("ssh://git@127.0.0.1:{port}/infra.git");
        let fault = world
            .open_address(&address, None, None)
            .unwrap()
            .tip()
            .await
            .unwrap_err();
        assert_eq!(fault.outcome, Outcome::Unreachable);
        assert!(fault.to_string().contains(part), "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_says_nothing_is_not_waited_for_without_end() {
    let Some(world) = World::started(Kind::Ssh) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!(
        "ssh://git@127.0.0.1:{}/infra.git",
        listener.local_addr().unwrap().port()
    );
    let fault = world
        .open_address(&address, None, None)
        .unwrap()
        .tip()
        .await
        .unwrap_err();
    assert_eq!(fault.outcome, Outcome::Unreachable);
    assert!(fault.to_string().contains("handshake"), "{fault}");
}

#[tokio::test]
async fn the_keys_of_ssh_agent_are_tried_in_turn() {
    let Some(world) = World::started(Kind::Ssh) else { return };
    let agent = SshAgent::start().unwrap();
    let world = with(world, |sshd| SshAccess {
        known_hosts: KnownHosts::parse(&sshd.known_hosts().unwrap()).unwrap(),
        identity: Identity::Agent(agent.socket()),
    });
    assert!(refused(&world).await.to_string().contains("holds no key"));
    agent.add(&new_key("ed25519").unwrap().0).unwrap();
    let fault = refused(&world).await;
    assert!(
        fault.to_string().contains("accepts none of the keys of ssh-agent"),
        "{fault}"
    );
    agent.add(&world.ssh.as_ref().unwrap().0.key("rsa").unwrap()).unwrap();
    assert!(matches!(landing(&world).await.unwrap(), Attempt::Landed(_)));
    drop(agent);
    assert!(refused(&world).await.to_string().contains("cannot be asked"));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let Some(world) = World::started(Kind::Ssh) else {
        return;
    };
    super::sizes::add_wide_folder(&world, 60_000);
    assert!(matches!(landing(&world).await.unwrap(), Attempt::Landed(_)));
    assert!(world.journal.text().contains("one by one"), "{}", world.journal.text());
    // The connection on which the rest would come is given up.
    assert_eq!(world.ssh.as_ref().unwrap().0.connections(), 2);
}

/// A line between us and the host that is cut once, when so many bytes have come from the host.
struct Line {
    port: u16,
    came: Arc<AtomicU64>,
    cut_at: Arc<AtomicU64>,
}

impl Line {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self {
            port: listener.local_addr().unwrap().port(),
            came: Arc::default(),
            cut_at: Arc::new(AtomicU64::new(u64::MAX)),
        };
        let (came, cut_at) = (Arc::clone(&line.came), Arc::clone(&line.cut_at));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let host = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(carry(client, host, Arc::clone(&came), Arc::clone(&cut_at)));
            }
        });
        line
    }
}

async fn carry(client: TcpStream, host: TcpStream, came: Arc<AtomicU64>, cut_at: Arc<AtomicU64>) {
    let (mut client_in, mut client_out) = client.into_split();
    let (mut host_in, mut host_out) = host.into_split();
    let down = async {
        let mut buffer = [0; 512];
        while let Ok(count @ 1..) = host_in.read(&mut buffer).await {
            let sum = came.fetch_add(count as u64, Ordering::SeqCst) + count as u64;
            if sum >= cut_at.load(Ordering::SeqCst) {
                cut_at.store(u64::MAX, Ordering::SeqCst);
                return;
            }
            if client_out.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = down => {}
        _ = tokio::io::copy(&mut client_in, &mut host_out) => {}
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_anywhere_lands_exactly_one_commit() {
    const CUTS: u64 = 8;
    let Some(mut world) = World::started(Kind::Ssh) else {
        return;
    };
    let line = Line::to(world.ssh.as_ref().unwrap().0.port()).await;
    let port = format!(":{}", line.port);
    let own = format!(":{}", world.ssh.as_ref().unwrap().0.port());
    world = with(world, |sshd| {
        let known = sshd.known_hosts().unwrap().replace(&own, &port);
        access(&known, &sshd.key("ed25519").unwrap())
    });
    let address = world
        .ssh
        .as_ref()
        .unwrap()
        .0
        .url(&world.host, "infra")
        .replace(&own, &port);
    let mut whole = 0;
    for cut in 0..=CUTS {
        let came = line.came.swap(0, Ordering::SeqCst);
        if cut > 0 {
            // What the first promotion needed, which nobody cut.
            whole = if cut == 1 { came } else { whole };
            line.cut_at.store(whole * cut / (CUTS + 1), Ordering::SeqCst);
        }
        let repo = world.open_address(&address, None, None).unwrap();
        let base = repo.tip().await.unwrap().commit;
        repo.read(&base, &[path(PIN)]).await.unwrap();
        let draft = world.draft(&base, &[(PIN, &pins(&format!("cut-{cut}")))]);
        let landed = repo.land(&draft).await;
        let Ok(Attempt::Landed(commit)) = landed else {
            panic!("cut {cut} of {CUTS}: {landed:?}");
        };
        assert_eq!(line.cut_at.load(Ordering::SeqCst), u64::MAX, "it was cut");
        assert_eq!(world.host.tip("infra").unwrap(), commit.as_str(), "cut {cut}");
        let count = world.host.git("infra", &["rev-list", "--count", "main"]).unwrap();
        assert_eq!(count.trim(), (cut + 2).to_string(), "cut {cut}");
    }
}

#[tokio::test]
async fn a_connection_that_the_host_closed_meanwhile_is_opened_again() {
    let Some(world) = World::started(Kind::Ssh) else {
        return;
    };
    let repo = world.open();
    let base = repo.tip().await.unwrap().commit;
    world.ssh.as_ref().unwrap().0.hang_up();
    let read = repo.read(&base, &[path(PIN)]).await.unwrap();
    assert_eq!(read, [Some(pins("v1").into_bytes())]);
    assert_eq!(world.ssh.as_ref().unwrap().0.connections(), 2);
}
