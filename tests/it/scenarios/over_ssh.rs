//! Whole promotions through an infra-repo behind the real sshd.

use std::path::{Path, PathBuf};

use sandbox::git::{SshAgent, SshHost, SshHostOptions};
use serde_json::Value;

use crate::support::{World, run, skipped};

/// A sandbox whose infra-repo is served over ssh, too, and whose application `api-dev` has its ssh address as source.
fn world() -> Option<(World, SshHost, String)> {
    let Some(sshd) = SshHost::start(SshHostOptions::default()).unwrap() else {
        skipped("sshd is not installed, so nothing was promoted over ssh");
        return None;
    };
    let world = World::new();
    let url = sshd.url(&world.sandbox.git, "infra-repo");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra-repo/argocd/api-dev.yaml");
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.replace("https://github.com/myorg/infra-repo.git", &url);
    let manifest: Value = serde_yaml::from_str(&text).unwrap();
    world.sandbox.argocd.apply(&manifest, true).unwrap();
    Some((world, sshd, url))
}

/// Returns every file below a folder with what is in it.
fn contents(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}

#[test]
fn a_step_promotes_with_a_deploy_key_and_shows_no_line_of_it() {
    let Some((world, sshd, url)) = world() else { return };
    for kind in ["ed25519", "rsa"] {
        let key = sshd.key(kind).unwrap();
        let step = world
            .step()
            .with("app", "api")
            .with("environment", "dev")
            .with("tag", if kind == "rsa" { "rsa1234" } else { "abc1234" })
            .with("settle", "1s")
            .with("infra-repo", &url)
            .with("ssh-key", &key)
            .with("ssh-known-hosts", &sshd.known_hosts().unwrap())
            .env("RUNNER_DEBUG", "1")
            // A step has none of these, whatever the runner's machine has.
            .env("SSH_AUTH_SOCK", "/nowhere/agent");
        let done = step.run();
        assert_eq!(done.outputs["outcome"], "promoted", "{}", done.ran.stdout);
        assert_eq!(done.outputs["commit"], world.sandbox.tip().unwrap());
        let log: Vec<&str> = done
            .ran
            .stdout
            .lines()
            .filter(|line| !line.starts_with("::add-mask::"))
            .collect();
        let mut left = contents(step.folder.path());
        left.push((PathBuf::from("the log"), log.join("\n") + &done.ran.stderr));
        for line in key.lines().filter(|line| !line.starts_with("---")) {
            assert!(
                done.ran.stdout.contains(&format!("::add-mask::{line}")),
                "a line of the key is not masked"
            );
            for (place, text) in &left {
                assert!(!text.contains(line), "a line of the key is in {}", place.display());
            }
        }
    }
    // The record is written, found again and read the same way.
    let recorded = ["live myorg/api:abc1234", "live myorg/api:rsa1234"];
    assert_eq!(super::record::events(&world, "api", "dev"), recorded);
    let step = world
        .step()
        .with("command", "rollback")
        .with("app", "api")
        .with("environment", "dev")
        .with("settle", "1s")
        .with("infra-repo", &url)
        .with("ssh-key", &sshd.key("ed25519").unwrap())
        .with("ssh-known-hosts", &sshd.known_hosts().unwrap());
    let done = step.run();
    assert_eq!(done.outputs["outcome"], "reverted", "{}", done.ran.stdout);
    assert_eq!(done.outputs["rolled-back-to"], "myorg/api:abc1234");
}

#[test]
fn a_laptop_uses_its_agent_and_the_hosts_it_knows() {
    let Some((world, sshd, url)) = world() else { return };
    let home = world.folder.path();
    let shown = home.to_str().unwrap();
    let words = [
        "--app",
        "api",
        "--environment",
        "dev",
        "--tag",
        "abc1234",
        "--infra-repo",
        &url,
    ];
    let ran = run(home, &[("HOME", shown)], &words).exits(2);
    ran.says("`ssh-key` is missing, but `infra-repo` is an ssh address");
    let agent = SshAgent::start().unwrap();
    agent.add(&sshd.key("ed25519").unwrap()).unwrap();
    let socket = agent.socket();
    let env = [("HOME", shown), ("SSH_AUTH_SOCK", socket.to_str().unwrap())];
    let ran = run(home, &env, &words).exits(4);
    ran.says("is not known: it shows SHA256:");
    std::fs::create_dir(home.join(".ssh")).unwrap();
    std::fs::write(home.join(".ssh/known_hosts"), sshd.known_hosts().unwrap()).unwrap();
    run(home, &env, &words).exits(0);
    assert!(world.sandbox.overlay("api", "dev").unwrap().contains("abc1234"));
}

#[test]
fn preflight_sees_whether_the_key_may_write() {
    let Some((world, sshd, url)) = world() else { return };
    let read_only = "command=\"case $SSH_ORIGINAL_COMMAND in git-upload-pack*) eval exec $SSH_ORIGINAL_COMMAND;; esac; \
                     echo 'ERROR: The key you are authenticating with has been marked as read only.' >&2; exit 1\"";
    for (key, code, part) in [
        (sshd.key("ed25519").unwrap(), 0, "has write permission"),
        (sshd.key_with("ed25519", read_only).unwrap(), 4, "can only read"),
    ] {
        let step = world
            .step()
            .with("command", "preflight")
            .with("app", "api")
            .with("environment", "dev")
            .with("infra-repo", &url)
            .with("ssh-key", &key)
            .with("ssh-known-hosts", &sshd.known_hosts().unwrap());
        let done = step.run();
        let all = format!("{}{}", done.ran.stdout, done.ran.stderr);
        assert_eq!(done.ran.code, code, "{all}");
        assert!(all.contains(part), "{all}");
    }
}

#[test]
fn what_is_wrong_with_the_inputs_of_ssh_is_told_before_anything_is_asked() {
    let world = World::new();
    let given = |pairs: &[(&str, &str)]| {
        let step = world
            .step()
            .with("app", "api")
            .with("environment", "dev")
            .with("tag", "v1");
        let step = pairs.iter().fold(step, |step, (name, value)| step.with(name, value));
        let done = step.run();
        assert_eq!(done.ran.code, 2, "{}", done.ran.stdout);
        done.ran.stdout
    };
    let ssh = ("infra-repo", "git@github.com:myorg/infra-repo.git");
    assert!(given(&[ssh]).contains("`ssh-key` is missing, but `infra-repo` is an ssh address: add `ssh-key: "));
    assert!(given(&[ssh, ("ssh-key", "")]).contains("`ssh-key` is empty: the secret or variable"));
    assert!(given(&[ssh, ("ssh-key", "ssh-ed25519 AAAA")]).contains("is a public key"));
    let wrong = [
        ssh,
        ("ssh-key", "-----BEGIN ENCRYPTED PRIVATE KEY-----"),
        ("ssh-known-hosts", "github.com"),
    ];
    let said = given(&wrong);
    assert!(
        said.contains("passphrase") && said.contains("has a line 1 that is not of the form"),
        "{said}"
    );
    let key = ("ssh-key", "-----BEGIN ENCRYPTED PRIVATE KEY-----");
    assert!(given(&[key]).contains("`ssh-key` is given, and `infra-repo` is not an ssh address"));
}
