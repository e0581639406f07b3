//! Large and hostile repositories: folders that weigh much, very many references, answers without an end.

use std::fmt::Write;

use promote_action::infrarepo::{Attempt, Containment};
use promote_action::model::{CommitSha, Outcome};
use sandbox::git::Canned;

use super::PIN;
use super::world::{Kind, TOKEN, World, path, pins};

/// Adds folders whose listings together weigh more than 1 MB for 60,000 files.
pub(super) fn add_wide_folder(world: &World, files: usize) {
    let mut stream =
        "commit refs/heads/main\ncommitter S <s@example.com> now\ndata 1\n.\nfrom refs/heads/main^0\n".to_owned();
    for n in 0..files {
        write!(stream, "M 100644 inline wide/{}/{n}\ndata 5\n{n:05}\n", n % 10).unwrap();
    }
    let args = ["fast-import", "--quiet", "--date-format=now"];
    world.host.git_with("infra", &args, stream.as_bytes()).unwrap();
}

fn down(world: &World) -> u64 {
    world.host.requests().iter().map(|seen| seen.down).sum()
}

#[tokio::test]
async fn heavy_folders_are_fetched_one_by_one() {
    let world = World::start(Kind::V2);
    add_wide_folder(&world, 60_000);
    let repo = world.open();
    let base = repo.tip().await.unwrap().commit;
    repo.read(&base, &[path(PIN), path("apps/web/overlays/dev/kustomization.yaml")])
        .await
        .unwrap();
    assert!(world.journal.text().contains("one by one"), "{}", world.journal.text());
    let attempt = repo.land(&world.draft(&base, &[(PIN, &pins("v2"))])).await.unwrap();
    let Attempt::Landed(ours) = attempt else {
        panic!("{attempt:?}")
    };
    world.host.git("infra", &["fsck", "--strict"]).unwrap();
    world.host.forget_requests();
    world.host.push_commit("infra", "wide/1/1", "new", "Wide").unwrap();
    let tip = repo.tip().await.unwrap().commit;
    let read = repo.read(&tip, &[path(PIN)]).await.unwrap();
    assert_eq!(read, [Some(pins("v2").into_bytes())]);
    assert_eq!(repo.contains(&tip, &ours).await, Containment::Contains);
    assert!(down(&world) < 12_000, "{} bytes down", down(&world));
}

#[tokio::test]
async fn a_search_for_a_commit_ends_after_500_and_says_so() {
    let world = World::start(Kind::V2);
    let ours = CommitSha::parse(&world.host.tip("infra").unwrap()).unwrap();
    world.many_commits(600);
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    let Containment::Unknown(why) = repo.contains(&tip, &ours).await else {
        panic!("it was not looked so far back");
    };
    assert!(why.contains("not among the 500 commits before"), "{why}");
    assert_eq!(repo.history(&tip, 10_000).await.unwrap().len(), 500);
}

#[tokio::test]
async fn a_newer_tip_costs_only_what_changed() {
    let world = World::start(Kind::V2);
    add_wide_folder(&world, 9_000);
    let repo = world.open();
    let first = repo.tip().await.unwrap().commit;
    repo.read(&first, &[path(PIN)]).await.unwrap();
    assert!(down(&world) > 200_000, "{} bytes down", down(&world));
    for n in 0..3 {
        world.host.forget_requests();
        world
            .host
            .push_commit("infra", "wide/1/1", &n.to_string(), "Wide")
            .unwrap();
        let tip = repo.tip().await.unwrap().commit;
        let read = repo.read(&tip, &[path(PIN), path("wide/1/1")]).await.unwrap();
        assert_eq!(read, [Some(pins("v1").into_bytes()), Some(n.to_string().into_bytes())]);
        assert!(down(&world) < 3_000, "{} bytes down", down(&world));
    }
}

#[tokio::test]
async fn folders_are_left_out_from_one_megabyte_on() {
    // 9,000 files in one folder weigh 0.3 MB, 60,000 more than 1 MB: names of objects do not compress.
    for (files, one_by_one) in [(9_000, false), (60_000, true)] {
        let world = World::start(Kind::V2);
        add_wide_folder(&world, files);
        let repo = world.open();
        let base = repo.tip().await.unwrap().commit;
        repo.read(&base, &[path(PIN)]).await.unwrap();
        assert_eq!(world.journal.text().contains("one by one"), one_by_one, "{files}");
        let rows = world.host.requests();
        // Commit and folders in one answer, or: what was cut off, the commit, the root, four folders.
        assert_eq!(rows.len(), if one_by_one { 1 + 1 + 1 + 5 + 1 } else { 3 }, "{rows:?}");
        let largest = rows.iter().map(|seen| seen.down).max().unwrap();
        assert_eq!(largest > 1024 * 1024, one_by_one, "{largest}");
    }
}

#[tokio::test]
async fn very_many_folders_are_not_waited_for() {
    let world = World::start(Kind::V2);
    let repo = world.open();
    let base = repo.tip().await.unwrap().commit;
    // A pack says in front how many objects follow. Nothing follows here: what is cut off there is not missed.
    let kind = "application/x-git-upload-pack-result".to_owned();
    world.host.answer(Canned {
        path: "git-upload-pack".to_owned(),
        times: 1,
        status: 200,
        headers: vec![("content-type".to_owned(), kind)],
        body: b"000dpackfile\n0011\x01PACK\0\0\0\x02\0\x01\0\0".to_vec(),
    });
    let read = repo.read(&base, &[path(PIN)]).await.unwrap();
    assert_eq!(read, [Some(pins("v1").into_bytes())]);
    assert!(world.journal.text().contains("one by one"), "{}", world.journal.text());
}

#[tokio::test]
async fn twenty_thousand_other_references_cost_nothing() {
    let world = World::start(Kind::V2);
    let tip = world.host.tip("infra").unwrap();
    let mut packed = "# pack-refs with: peeled fully-peeled sorted\n".to_owned();
    for n in 0..20_000 {
        writeln!(packed, "{tip} refs/pull/{n:05}/head").unwrap();
    }
    std::fs::write(world.host.path("infra").join("packed-refs"), packed).unwrap();
    let repo = world.open();
    let base = repo.tip().await.unwrap().commit;
    repo.read(&base, &[path(PIN)]).await.unwrap();
    let attempt = repo.land(&world.draft(&base, &[(PIN, &pins("v2"))])).await.unwrap();
    assert!(matches!(attempt, Attempt::Landed(_)));
    assert!(down(&world) < 4_000, "{} bytes down", down(&world));
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() {
    let world = World::start(Kind::V2);
    world.host.answer(Canned {
        path: "git-upload-pack".to_owned(),
        times: 9,
        status: 200,
        headers: vec![(
            "content-type".to_owned(),
            "application/x-git-upload-pack-result".to_owned(),
        )],
        body: vec![b'0'; 40 * 1024 * 1024],
    });
    let fault = world.open().tip().await.unwrap_err();
    assert_eq!(fault.outcome, Outcome::Unreachable);
    assert!(fault.to_string().contains("more than"), "{fault}");
}

#[tokio::test]
async fn bytes_that_are_not_gits_never_land_and_never_panic() {
    let world = World::start(Kind::V2);
    let at = CommitSha::parse(&world.host.tip("infra").unwrap()).unwrap();
    let kind = |service: &str| vec![("content-type".to_owned(), format!("application/x-{service}-result"))];
    for body in [
        "",
        "0000",
        "0009done\n",
        "000dpackfile\n0006\u{1}P0000",
        "00000000",
        "000eunpack ok\n0000",
        "zzzz",
    ] {
        for service in ["git-upload-pack", "git-receive-pack"] {
            let times = 30;
            let (status, headers) = (200, kind(service));
            let body = body.as_bytes().to_vec();
            let path = service.to_owned();
            world.host.answer(Canned {
                path,
                times,
                status,
                headers,
                body,
            });
            let repo = world.open_address(&world.host.url("infra"), None, Some(TOKEN)).unwrap();
            let landed = repo.land(&world.draft(&at, &[(PIN, &pins("v2"))])).await;
            assert!(landed.is_err(), "{landed:?}");
            world.host.forget_answers();
            assert_eq!(world.host.tip("infra").unwrap(), at.as_str());
        }
    }
}
