//! How the git host is reached: TLS of an authority of one's own, and proxies that the environment names.

use sandbox::git::{ForwardProxy, TlsFront};

use crate::support::{Ran, World, start};

/// Promotes at `url` under `env`, with more words for the command line.
fn promote(world: &World, url: &str, env: &[(&str, &str)], words: &str) -> Ran {
    let home = world.folder.path().to_str().unwrap();
    let mut all = vec![
        ("HOME", home),
        ("USER", "jane"),
        ("PROMOTE_TOKEN", world.sandbox.git_token()),
    ];
    all.extend(env);
    let words = format!("--app api --environment dev --tag abc1234 --output json --infra-repo {url} {words}");
    let args: Vec<&str> = words.split_whitespace().collect();
    start(world.folder.path(), &all, &args).wait()
}

/// Puts TLS before the git host; returns it with the words that make its authority known.
fn tls(world: &World, names: &[&str]) -> (TlsFront, String) {
    let tls = TlsFront::start(world.sandbox.git.address(), names).unwrap();
    let file = world.folder.path().join("authority.pem");
    std::fs::write(&file, tls.authority()).unwrap();
    let words = format!("--ca-bundle {}", file.to_str().unwrap());
    (tls, words)
}

#[test]
fn an_authority_of_ones_own_is_believed_only_when_it_is_given() {
    let world = World::new();
    let (tls, bundle) = tls(&world, &["localhost"]);
    let url = format!("https://localhost:{}/infra-repo.git", tls.address().port());
    let before = world.sandbox.tip().unwrap();
    let report = promote(&world, &url, &[], "").ends("unreachable", 4);
    assert!(
        report["hints"][0].as_str().unwrap().contains("`ca-bundle`"),
        "{report:#}"
    );
    assert_eq!(world.sandbox.tip().unwrap(), before);
    assert!(world.sandbox.git.requests().is_empty(), "nothing was sent over it");
    promote(&world, &url, &[], &bundle).ends("landed", 0);
    assert_ne!(world.sandbox.tip().unwrap(), before);
}

#[test]
fn a_certificate_of_another_host_is_not_believed() {
    let world = World::new();
    let (tls, bundle) = tls(&world, &["git.example"]);
    let url = format!("https://localhost:{}/infra-repo.git", tls.address().port());
    promote(&world, &url, &[], &bundle).ends("unreachable", 4);
    assert!(world.sandbox.git.requests().is_empty());
}

#[test]
fn a_connection_that_fails_is_named_in_plain_words() {
    let world = World::new();
    let plain = format!("https://{}/infra-repo.git", world.sandbox.git.address());
    for (url, words) in [
        ("http://127.0.0.1:1/infra-repo.git", "connection refused"),
        (plain.as_str(), "does not speak TLS"),
    ] {
        let report = promote(&world, url, &[], "").ends("unreachable", 4);
        assert!(report["reason"].as_str().unwrap().contains(words), "{report:#}");
    }
}

#[test]
fn https_goes_through_the_proxy_that_the_environment_names() {
    for name in ["HTTPS_PROXY", "https_proxy"] {
        let world = World::new();
        let (tls, bundle) = tls(&world, &["git.example"]);
        let proxy = ForwardProxy::start(tls.address()).unwrap();
        let url = "https://git.example/infra-repo.git";
        promote(&world, url, &[(name, &proxy.url())], &bundle).ends("landed", 0);
        let seen = proxy.seen();
        // What is asked and with which token, the proxy does not see.
        assert!(
            !seen.is_empty() && seen.iter().all(|line| line == "CONNECT git.example:443 HTTP/1.1"),
            "{seen:?}"
        );
    }
}

#[test]
fn plain_http_inside_a_cluster_goes_through_its_proxy_unless_the_host_is_exempt() {
    let world = World::new();
    let proxy = ForwardProxy::start(world.sandbox.git.address()).unwrap();
    let url = "http://git.tools.svc/infra-repo.git";
    for name in ["HTTP_PROXY", "http_proxy"] {
        let seen = proxy.seen().len();
        promote(&world, url, &[(name, &proxy.url())], "").exits(0);
        assert!(
            proxy.seen()[seen..]
                .iter()
                .all(|line| line.starts_with("POST http://git.tools.svc/infra-repo.git/"))
        );
        assert!(proxy.seen().len() > seen);
    }
    let seen = proxy.seen().len();
    let near = world.sandbox.infra_repo();
    for name in ["NO_PROXY", "no_proxy"] {
        let env = [("HTTP_PROXY", proxy.url()), (name, "127.0.0.1,.svc".to_owned())];
        let env = env.each_ref().map(|(name, value)| (*name, value.as_str()));
        promote(&world, &near, &env, "").ends("no-change", 0);
    }
    assert_eq!(proxy.seen().len(), seen);
}
