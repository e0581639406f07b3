//! Answers in git's protocol that are about something else than was asked for: other references, other objects, nothing at all. None of
//! them counts.

use promote_action::infrarepo::Containment;
use promote_action::model::{CommitSha, Outcome};
use sandbox::git::Canned;

use super::PIN;
use super::world::{Kind, TOKEN, World, path, reference};

const RESULT: &str = "application/x-git-upload-pack-result";

fn packet(text: &[u8]) -> Vec<u8> {
    [format!("{:04x}", text.len() + 4).as_bytes(), text].concat()
}

/// An answer to `ls-refs` with these lines.
fn listing(lines: &[String]) -> Vec<u8> {
    let lines = lines.iter().map(|line| packet(format!("{line}\n").as_bytes()));
    [lines.collect::<Vec<_>>().concat(), b"0000".to_vec()].concat()
}

/// An answer to a fetch with a pack of no object, after these lines on where the history is cut off.
fn nothing(cut: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    if !cut.is_empty() {
        out.extend(packet(b"shallow-info\n"));
        out.extend(
            cut.iter()
                .flat_map(|commit| packet(format!("shallow {commit}").as_bytes())),
        );
        out.extend_from_slice(b"0001");
    }
    out.extend(packet(b"packfile\n"));
    let pack = [b"\x01PACK\0\0\0\x02\0\0\0\0".as_slice(), &[0; 20]].concat();
    out.extend(packet(&pack));
    out.extend_from_slice(b"0000");
    out
}

/// Answers so many fetches and listings like this.
fn lie(world: &World, times: usize, body: Vec<u8>) {
    world.host.answer(Canned {
        path: "git-upload-pack".to_owned(),
        times,
        status: 200,
        headers: vec![("content-type".to_owned(), RESULT.to_owned())],
        body,
    });
}

#[tokio::test]
async fn references_that_were_not_asked_for_count_for_nothing() {
    let world = World::start(Kind::V2);
    let tip = world.host.tip("infra").unwrap();
    let repo = world
        .open_address(&world.host.url("infra"), Some("main"), Some(TOKEN))
        .unwrap();
    for other in [
        "refs/heads/main2",
        "refs/heads/mai",
        "refs/tags/main",
        "main",
        "refs/heads/main^{}",
    ] {
        lie(&world, 2, listing(&[format!("{tip} {other}")]));
        let fault = repo.tip().await.unwrap_err();
        assert_eq!(fault.outcome, Outcome::Invalid, "{other}: {fault}");
        world.host.forget_answers();
        lie(&world, 1, listing(&[format!("{tip} {other}")]));
        assert_eq!(
            repo.reference(&reference("refs/heads/main")).await.unwrap(),
            None,
            "{other}"
        );
    }
    assert_eq!(repo.tip().await.unwrap().commit.as_str(), tip);
}

#[tokio::test]
async fn an_answer_without_the_object_that_was_asked_for_is_none() {
    let world = World::start(Kind::V2);
    let at = CommitSha::parse(&world.host.tip("infra").unwrap()).unwrap();
    // The folders, and then the file.
    for spared in [0, 1] {
        let repo = world.open();
        if spared == 1 {
            repo.list(&at, &path("apps")).await.unwrap();
        }
        lie(&world, 9, nothing(&[]));
        let fault = repo.read(&at, &[path(PIN)]).await.unwrap_err();
        world.host.forget_answers();
        assert_eq!(fault.outcome, Outcome::Unreachable, "{fault}");
        assert!(fault.to_string().contains("did not send the object"), "{fault}");
    }
}

#[tokio::test]
async fn an_answer_about_other_commits_leaves_open_what_a_commit_contains() {
    let world = World::start(Kind::V2);
    let ours = CommitSha::parse(&world.host.push_commit("infra", "a", "1", "Ours").unwrap()).unwrap();
    let middle = world.host.push_commit("infra", "b", "1", "Between").unwrap();
    let tip = CommitSha::parse(&world.host.push_commit("infra", "c", "1", "Later").unwrap()).unwrap();
    for cut in [vec![], vec![middle], vec![tip.to_string()]] {
        let repo = world.open();
        lie(&world, 9, nothing(&cut));
        let found = repo.contains(&tip, &ours).await;
        world.host.forget_answers();
        assert!(matches!(found, Containment::Unknown(_)), "{cut:?}: {found:?}");
        // What was not known is asked again.
        assert_eq!(repo.contains(&tip, &ours).await, Containment::Contains, "{cut:?}");
    }
    // An older commit is known to lack it, with nothing between them.
    let older = world.host.git("infra", &["rev-parse", "main~3"]).unwrap();
    let repo = world.open();
    let found = repo.contains(&CommitSha::parse(older.trim()).unwrap(), &tip).await;
    assert_eq!(found, Containment::Lacks);
}
