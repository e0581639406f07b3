//! What servers say beside git's protocol: who may not, where it moved to, when to come again, and why a push is refused.

use std::rc::Rc;

use promote_action::http::Fixed;
use promote_action::infrarepo::{Address, Attempt, Land};
use promote_action::model::{Fault, Outcome, Secret};
use sandbox::git::{Canned, GitHost, GitHostOptions};

use super::PIN;
use super::world::{Kind, TOKEN, World, path, pins};

fn canned(path: &str, times: usize, status: u16, headers: &[(&str, &str)], body: &str) -> Canned {
    Canned {
        path: path.to_owned(),
        times,
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    }
}

async fn no_tip(world: &World, address: &str, token: Option<&str>) -> Fault {
    let fault = world
        .open_address(address, None, token)
        .unwrap()
        .tip()
        .await
        .unwrap_err();
    let shown = format!("{fault} {:?} {}", fault, world.journal.text());
    assert!(!shown.contains(TOKEN), "{shown}");
    fault
}

async fn landing(repo: &dyn Land, world: &World) -> Result<Attempt, Fault> {
    let base = repo.tip().await?.commit;
    repo.read(&base, &[path(PIN)]).await?;
    repo.land(&world.draft(&base, &[(PIN, &pins("v2"))])).await
}

#[tokio::test]
async fn who_asks_must_be_known() {
    let world = World::start(Kind::V2);
    let url = world.host.url("infra");
    let fault = no_tip(&world, &url, None).await;
    assert_eq!(fault.outcome, Outcome::Denied);
    assert!(fault.hints[0].contains("give `token`"), "{:?}", fault.hints);
    let fault = no_tip(&world, &url, Some("wrong")).await;
    assert!(fault.to_string().contains("rejected the token"), "{fault}");
}

#[tokio::test]
async fn a_missing_repository_may_be_one_that_the_token_cannot_see() {
    let world = World::start(Kind::V2);
    let fault = no_tip(&world, &world.host.url("nothing"), Some(TOKEN)).await;
    assert_eq!(fault.outcome, Outcome::Denied);
    assert!(
        fault.to_string().contains("missing, or the token cannot see it"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_web_page_is_no_git_server() {
    let page = ("content-type", "text/html; charset=utf-8");
    let fault = met_by_a_page(200, &[page]).await;
    assert_eq!(fault.outcome, Outcome::Unreachable);
    assert!(fault.to_string().contains("text/html"), "{fault}");
    // Azure DevOps answers so where a token is not valid.
    let fault = met_by_a_page(203, &[page, ("x-vss-e2eid", "1")]).await;
    assert_eq!(fault.outcome, Outcome::Denied);
    assert!(fault.to_string().contains("rejected the token"), "{fault}");
    // Why stands in a header there, whatever the status (microsoft/azure-pipelines-agent#1559).
    let why = (
        "x-tfs-serviceerror",
        "Access%20Denied%3A%20the%20token%20has%20expired.",
    );
    for status in [203, 401, 403, 500] {
        let fault = met_by_a_page(status, &[page, ("x-vss-e2eid", "1"), why]).await;
        assert!(
            fault.to_string().contains("Access Denied: the token has expired."),
            "{status}: {fault}"
        );
    }
}

/// Asks a host that answers with a page to log in.
async fn met_by_a_page(status: u16, headers: &[(&str, &str)]) -> Fault {
    let world = World::start(Kind::V2);
    world
        .host
        .answer(canned("infra.git", 9, status, headers, "<html>log in</html>"));
    no_tip(&world, &world.host.url("infra"), Some(TOKEN)).await
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unreachable() {
    let world = World::start(Kind::V2);
    let fault = no_tip(&world, "http://127.0.0.1:1/infra.git", Some(TOKEN)).await;
    assert_eq!(fault.outcome, Outcome::Unreachable);
    assert!(fault.to_string().contains("cannot be reached"), "{fault}");
    assert!(fault.to_string().to_lowercase().contains("refused"), "{fault}");
}

#[tokio::test]
async fn a_renamed_repository_is_followed_on_its_host() {
    let world = World::start(Kind::V2);
    for status in [301, 308] {
        let to = world.host.url("infra");
        for service in ["git-upload-pack", "git-receive-pack"] {
            let header = [("location", format!("{to}/{service}"))];
            let header = header.each_ref().map(|(name, value)| (*name, value.as_str()));
            world
                .host
                .answer(canned(&format!("old.git/{service}"), 1, status, &header, ""));
        }
        let repo = world.open_other("old", None);
        assert!(matches!(landing(&*repo, &world).await.unwrap(), Attempt::Landed(_)));
        world.host.push_commit("infra", PIN, &pins("v1"), "Back").unwrap();
    }
}

#[tokio::test]
async fn a_token_is_not_sent_to_another_host() {
    let world = World::start(Kind::V2);
    let other = GitHost::start_blocking(GitHostOptions::default()).unwrap();
    other.create("infra", &[("a", "1")]).unwrap();
    let to = format!("{}/git-upload-pack", other.url("infra"));
    world.host.answer(canned("infra.git", 9, 301, &[("location", &to)], ""));
    let fault = no_tip(&world, &world.host.url("infra"), Some(TOKEN)).await;
    assert_eq!(fault.outcome, Outcome::Denied);
    assert!(fault.to_string().contains("another port of its host"), "{fault}");
    assert_eq!(other.requests(), []);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let world = World::start(Kind::V2);
    world
        .host
        .answer(canned("infra.git", 1, 429, &[("retry-after", "7")], ""));
    world.host.answer(canned("infra.git", 1, 503, &[], ""));
    world
        .host
        .answer(canned("receive-pack", 1, 429, &[("retry-after", "8")], ""));
    let dates = [
        ("retry-after", "Sun, 06 Nov 1994 08:49:46 GMT"),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    world.host.answer(canned("receive-pack", 1, 503, &dates, ""));
    let repo = world.open();
    assert!(matches!(landing(&*repo, &world).await.unwrap(), Attempt::Landed(_)));
    assert!(
        world.journal.text().contains("asking again in 7s"),
        "{}",
        world.journal.text()
    );
    assert!(
        world.journal.text().contains("asking again in 8s"),
        "{}",
        world.journal.text()
    );
    assert!(
        world.journal.text().contains("asking again in 9s"),
        "{}",
        world.journal.text()
    );
    assert_eq!(
        world.host.git("infra", &["rev-list", "--count", "main"]).unwrap(),
        "2\n"
    );
}

#[tokio::test]
async fn a_server_that_stays_busy_ends_the_run() {
    let world = World::start(Kind::V2);
    world.host.answer(canned("infra.git", 99, 502, &[], ""));
    let fault = no_tip(&world, &world.host.url("infra"), Some(TOKEN)).await;
    assert_eq!(fault.outcome, Outcome::Unreachable);
    assert_eq!(world.host.requests().len(), 4);
}

#[tokio::test]
async fn a_refusal_by_status_says_what_to_grant() {
    let world = World::start(Kind::V2);
    let plain = [("content-type", "text/plain")];
    let words = "remote: Permission to myorg/infra denied to a-bot.\n";
    world.host.answer(canned("receive-pack", 1, 403, &plain, words));
    let repo = world.open();
    let fault = landing(&*repo, &world).await.unwrap_err();
    assert_eq!(fault.outcome, Outcome::Denied);
    let text = fault.to_string();
    assert!(
        text.contains("denied to a-bot") && text.contains("nothing was written"),
        "{text}"
    );
    assert!(fault.hints[0].contains("let the token push"), "{:?}", fault.hints);
}

#[tokio::test]
async fn rules_of_the_host_are_told_and_not_tried_again() {
    for (hook, script, part) in [
        (
            "pre-receive",
            "echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2",
            "is protected",
        ),
        (
            "pre-receive",
            "echo 'error: GH013: Repository rule violations found' >&2; echo '- Commits must have verified signatures.' >&2",
            "signed",
        ),
        ("update", "echo 'no deploys on friday' >&2", "no deploys on friday"),
    ] {
        let world = World::start(Kind::V2);
        world
            .host
            .hook("infra", hook, &format!("#!/bin/sh\n{script}\nexit 1\n"))
            .unwrap();
        let before = world.host.tip("infra").unwrap();
        let repo = world.open();
        let fault = landing(&*repo, &world).await.unwrap_err();
        assert_eq!(fault.outcome, Outcome::Denied);
        assert!(fault.to_string().contains(part), "{fault}");
        assert_eq!(world.host.tip("infra").unwrap(), before);
        let pushes = world
            .host
            .requests()
            .into_iter()
            .filter(|seen| seen.path.ends_with("receive-pack"));
        assert_eq!(pushes.count(), 1, "{part}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_well_is_asked_again() {
    let world = World::start(Kind::V2);
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let report = line("unpack ok\n") + &line("ng refs/heads/main Internal Server Error\n") + "0000";
    let body = line(&format!("\u{1}{report}")) + "0000";
    let kind = [("content-type", "application/x-git-receive-pack-result")];
    world.host.answer(canned("receive-pack", 2, 200, &kind, &body));
    let repo = world.open();
    assert!(matches!(landing(&*repo, &world).await.unwrap(), Attempt::Landed(_)));
    world.host.answer(canned("receive-pack", 9, 200, &kind, &body));
    let before = world.host.tip("infra").unwrap();
    let base = repo.tip().await.unwrap().commit;
    let fault = repo.land(&world.draft(&base, &[(PIN, &pins("v3"))])).await.unwrap_err();
    assert_eq!(fault.outcome, Outcome::Unreachable);
    assert!(fault.to_string().contains("nothing was written"), "{fault}");
    assert_eq!(world.host.tip("infra").unwrap(), before);
}

#[tokio::test]
async fn a_promotion_takes_four_requests_and_the_assumed_protocol() {
    let world = World::start(Kind::V2);
    let repo = world.open();
    landing(&*repo, &world).await.unwrap();
    let seen = world.host.requests();
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    let (read, write) = ("/infra.git/git-upload-pack", "/infra.git/git-receive-pack");
    assert_eq!(paths, [read, read, read, write]);
    assert!(seen.iter().all(|seen| seen.status == 200 && seen.method == "POST"));
}

#[tokio::test]
async fn servers_without_partial_clones_or_v2_are_found_out_and_told_of() {
    for (kind, said) in [
        (Kind::WithoutFilters, "v2 without partial clones"),
        (Kind::V0, "v0 without"),
    ] {
        let world = World::start(kind);
        landing(&*world.open(), &world).await.unwrap();
        assert!(world.journal.text().contains(said), "{}", world.journal.text());
    }
}

#[tokio::test]
async fn names_by_sha_256_are_refused_clearly() {
    let world = World::start(Kind::V2);
    let folder = world.host.path("new");
    std::fs::create_dir_all(&folder).unwrap();
    world
        .host
        .git("new", &["init", "-q", "--bare", "--object-format=sha256", "."])
        .unwrap();
    for address in [world.host.url("new"), folder.to_str().unwrap().to_owned()] {
        let opened = world.open_address(&address, None, Some(TOKEN));
        let fault = match opened {
            Ok(repo) => repo.tip().await.unwrap_err(),
            Err(fault) => fault,
        };
        assert_eq!(fault.outcome, Outcome::Invalid, "{address}: {fault}");
        assert!(fault.to_string().contains("SHA-256"), "{fault}");
    }
}

#[tokio::test]
async fn a_checkout_is_refused_with_its_origin() {
    let world = World::start(Kind::Folder);
    let work = tempfile::tempdir().unwrap();
    let clone = work.path().join("clone");
    let shown = clone.to_str().unwrap();
    world.host.git("infra", &["clone", "-q", ".", shown]).unwrap();
    let refused = |address: &str| world.open_address(address, None, None).map(|_| ()).unwrap_err();
    for address in [shown.to_owned(), format!("{shown}/.git")] {
        let fault = refused(&address);
        assert!(fault.to_string().contains("is a checkout"), "{fault}");
        assert!(fault.hints[0].contains("infra.git"), "{:?}", fault.hints);
    }
    let config = clone.join(".git/config");
    let text = std::fs::read_to_string(&config).unwrap();
    let url = text.lines().find(|line| line.contains("url =")).unwrap().to_owned();
    std::fs::write(&config, text.replace(&url, "\turl = https://me:hunter2@host/a")).unwrap();
    let fault = refused(shown);
    assert!(!format!("{fault:?}").contains("hunter2"), "{fault:?}");
    assert!(refused("./nowhere/at/all").hints[0].contains("owner/name"));
}

#[tokio::test]
async fn a_folder_says_that_its_hooks_do_not_run() {
    let world = World::start(Kind::Folder);
    world.host.hook("infra", "pre-receive", "#!/bin/sh\nexit 1\n").unwrap();
    landing(&*world.open(), &world).await.unwrap();
    assert!(world.journal.text().contains("hooks do not run"));
}

#[test]
fn a_target_shows_no_secret() {
    let target = promote_action::infrarepo::RepoAccess {
        address: Address::parse("myorg/infra", None).unwrap(),
        branch: None,
        aliases: Vec::new(),
        user: None,
        token: Some(Rc::new(Fixed::new(Secret::new(TOKEN)))),
        ssh: None,
        github: None,
        app: None,
        by_api: None,
    };
    assert!(!format!("{target:?}").contains(TOKEN));
}
