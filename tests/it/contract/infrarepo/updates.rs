//! What a record, a file of holds and the branch of a pull request need: any reference, commits without history, files that come and go.

use promote_action::infrarepo::{Attempt, FileEdit, FileMode, Land, Update, resolve};
use promote_action::model::{CommitSha, Outcome};

use super::world::{World, path, reference};
use super::{PIN, one_suite};

one_suite!(
    any_reference_is_read,
    a_record_lives_on_a_reference_of_its_own,
    files_come_and_go_with_their_folders,
    a_file_is_no_folder,
    a_branch_of_its_own_is_moved_anywhere,
    links_are_followed_inside_the_repository,
);

const RECORD: &str = "refs/promote/record";

fn create(file: &str, content: &str) -> FileEdit {
    FileEdit::Create {
        path: path(file),
        content: content.as_bytes().to_vec(),
        mode: FileMode::Plain,
    }
}

fn write(file: &str, content: &str) -> FileEdit {
    FileEdit::Write {
        path: path(file),
        content: content.as_bytes().to_vec(),
    }
}

fn update(
    world: &World,
    to: &str,
    expected: Option<&CommitSha>,
    parents: &[&CommitSha],
    edits: Vec<FileEdit>,
) -> Update {
    Update {
        reference: reference(to),
        expected: expected.cloned(),
        parents: parents.iter().copied().cloned().collect(),
        edits,
        ..world.draft(&CommitSha::parse(&"0".repeat(40)).unwrap(), &[])
    }
}

async fn landed(repo: &dyn Land, update: &Update) -> CommitSha {
    match repo.land(update).await.unwrap() {
        Attempt::Landed(commit) => commit,
        lost @ Attempt::LostRace { .. } => panic!("{lost:?}"),
    }
}

/// Returns the files of a commit.
fn files(world: &World, commit: &CommitSha) -> String {
    let list = ["ls-tree", "-r", "--format=%(objectmode) %(path)", commit.as_str()];
    world.host.git("infra", &list).unwrap()
}

async fn any_reference_is_read(world: World) {
    let main = world.host.tip("infra").unwrap();
    let repo = world.open();
    assert_eq!(repo.reference(&reference(RECORD)).await.unwrap(), None);
    world.host.git("infra", &["update-ref", RECORD, &main]).unwrap();
    world
        .host
        .git("infra", &["update-ref", "refs/promote/record2", &main])
        .unwrap();
    for name in [RECORD, "refs/heads/main"] {
        let found = repo.reference(&reference(name)).await.unwrap();
        assert_eq!(found.unwrap().as_str(), main, "{name}");
    }
    world.host.create("nothing", &[]).unwrap();
    let empty = world.open_other("nothing", None);
    assert_eq!(empty.reference(&reference(RECORD)).await.unwrap(), None);
}

async fn a_record_lives_on_a_reference_of_its_own(world: World) {
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    repo.read(&tip, &[path(PIN)]).await.unwrap();
    let line = create("dev/api.jsonl", "{\"v\":1}\n");
    let first = update(
        &world,
        RECORD,
        None,
        &[],
        vec![line, create("staging/api.jsonl", "{}\n")],
    );
    let first = landed(&*repo, &first).await;
    assert_eq!(
        files(&world, &first),
        "100644 dev/api.jsonl\n100644 staging/api.jsonl\n"
    );
    let again = update(&world, RECORD, None, &[], vec![create("x", "y")]);
    let lost = repo.land(&again).await.unwrap();
    assert!(matches!(lost, Attempt::LostRace { .. }), "it must not exist: {lost:?}");
    // Somebody who sees it for the first time appends to it.
    let other = world.open();
    other.tip().await.unwrap();
    let seen = other.reference(&reference(RECORD)).await.unwrap().unwrap();
    assert_eq!(seen, first);
    let name = path("dev/api.jsonl");
    let before = other.read(&seen, std::slice::from_ref(&name)).await.unwrap();
    assert_eq!(before, [Some(b"{\"v\":1}\n".to_vec())]);
    let edits = vec![
        write("dev/api.jsonl", "{\"v\":1}\n{\"v\":1}\n"),
        create("dev/web.jsonl", "{}\n"),
    ];
    let second = landed(&*other, &update(&world, RECORD, Some(&seen), &[&seen], edits)).await;
    assert_eq!(
        files(&world, &second),
        "100644 dev/api.jsonl\n100644 dev/web.jsonl\n100644 staging/api.jsonl\n"
    );
    let stale = update(
        &world,
        RECORD,
        Some(&first),
        &[&first],
        vec![write("dev/api.jsonl", "")],
    );
    let lost = repo.land(&stale).await.unwrap();
    assert!(matches!(lost, Attempt::LostRace { .. }), "{lost:?}");
    let count = world.host.git("infra", &["rev-list", "--count", RECORD]).unwrap();
    assert_eq!(count, "2\n");
    assert_eq!(repo.tip().await.unwrap().commit, tip, "the branch stays");
    world.host.git("infra", &["fsck", "--strict", "--full"]).unwrap();
}

async fn files_come_and_go_with_their_folders(world: World) {
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    let script = FileEdit::Create {
        path: path("tools/new/run.sh"),
        content: b"#!/bin/sh\n".to_vec(),
        mode: FileMode::Executable,
    };
    let edits = vec![
        create("promote-holds.yaml", "[]\n"),
        FileEdit::Delete {
            path: path("apps/web/overlays/dev/kustomization.yaml"),
        },
        script,
        write(PIN, "images: []\n"),
    ];
    let commit = landed(&*repo, &update(&world, "refs/heads/main", Some(&tip), &[&tip], edits)).await;
    assert_eq!(
        files(&world, &commit),
        format!("100644 README.md\n100644 {PIN}\n100644 promote-holds.yaml\n100755 tools/new/run.sh\n")
    );
    assert_eq!(repo.list(&commit, &path("apps/web")).await.unwrap(), None);
    let all = ["README.md", PIN, "promote-holds.yaml", "tools/new/run.sh"];
    let edits = all.map(|file| FileEdit::Delete { path: path(file) }).to_vec();
    let empty = landed(
        &*repo,
        &update(&world, "refs/heads/main", Some(&commit), &[&commit], edits),
    )
    .await;
    assert_eq!(files(&world, &empty), "");
    world.host.git("infra", &["fsck", "--strict", "--full"]).unwrap();
}

async fn a_file_is_no_folder(world: World) {
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    for (file, part) in [
        ("README.md/below", "README.md is not a folder"),
        ("apps", "it is a folder"),
    ] {
        let edits = vec![create(file, "x")];
        let wrong = update(&world, "refs/heads/main", Some(&tip), &[&tip], edits);
        let fault = repo.land(&wrong).await.unwrap_err();
        assert_eq!(fault.outcome, Outcome::Invalid, "{fault}");
        assert!(fault.to_string().contains(part), "{fault}");
    }
    assert_eq!(repo.tip().await.unwrap().commit, tip);
}

async fn a_branch_of_its_own_is_moved_anywhere(world: World) {
    let branch = "refs/heads/promote/api-dev";
    let repo = world.open();
    let old = repo.tip().await.unwrap().commit;
    let edits = || vec![write(PIN, "images: []\n")];
    let first = landed(&*repo, &update(&world, branch, None, &[&old], edits())).await;
    world.host.push_commit("infra", "a", "1", "Meanwhile").unwrap();
    let new = repo.tip().await.unwrap().commit;
    // Neither is an ancestor of the other: only the expected value protects it.
    let second = landed(&*repo, &update(&world, branch, Some(&first), &[&new], edits())).await;
    let merged = landed(
        &*repo,
        &update(&world, branch, Some(&second), &[&second, &first], vec![]),
    )
    .await;
    let parents = world
        .host
        .git("infra", &["log", "-1", "--format=%P", merged.as_str()])
        .unwrap();
    assert_eq!(parents.trim(), format!("{second} {first}"));
    let found = repo.reference(&reference(branch)).await.unwrap();
    assert_eq!(found, Some(merged));
    world.host.git("infra", &["fsck", "--strict", "--full"]).unwrap();
}

async fn links_are_followed_inside_the_repository(world: World) {
    let links = [
        ("apps/eu", "web/overlays"),
        ("apps/prod", "./eu/dev"),
        ("loop", "apps/../loop"),
        ("out", "../infra/apps"),
        ("root", "/etc"),
    ];
    for (name, to) in links {
        let args = ["hash-object", "-w", "--stdin"];
        let blob = world.host.git_with("infra", &args, to.as_bytes()).unwrap();
        world.commit_entry("120000", blob.trim(), name);
    }
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    let real = "apps/web/overlays/dev/kustomization.yaml";
    for given in ["apps/prod/kustomization.yaml", "apps/eu/dev/kustomization.yaml", real] {
        let found = resolve(&*repo, &tip, &path(given)).await.unwrap();
        assert_eq!(found, Ok(path(real)), "{given}");
    }
    let nothing = resolve(&*repo, &tip, &path("apps/eu/none")).await.unwrap();
    assert_eq!(nothing, Ok(path("apps/web/overlays/none")));
    for (given, part) in [
        ("loop/x", "lead to each other"),
        ("out", "leaves the repository"),
        ("root/x", "leaves"),
    ] {
        let why = resolve(&*repo, &tip, &path(given)).await.unwrap().unwrap_err();
        assert!(why.contains(part), "{given}: {why}");
    }
}
