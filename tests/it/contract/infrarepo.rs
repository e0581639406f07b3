//! The seam `infrarepo`: one suite over git's protocol v2, v2 without partial clones, v0, hosts with a peculiarity, ssh with v2 and v0, a bare
//! folder, and commits by GitHub's API.

mod answers;
mod faults;
mod lies;
mod pushes;
mod sizes;
mod ssh;
mod trust;
mod updates;
mod world;

use promote_action::infrarepo::{Attempt, Containment, Entry, EntryKind};
use promote_action::model::{CommitSha, Outcome};
use world::{World, path};

/// Makes one test of each case for each kind of infra-repo.
macro_rules! one_suite {
    ($($case:ident),* $(,)?) => {
        $crate::contract::infrarepo::one_suite!(@kind v2, V2, $($case),*);
        $crate::contract::infrarepo::one_suite!(@kind without_filters, WithoutFilters, $($case),*);
        $crate::contract::infrarepo::one_suite!(@kind v0, V0, $($case),*);
        $crate::contract::infrarepo::one_suite!(@kind multi_ack, MultiAck, $($case),*);
        $crate::contract::infrarepo::one_suite!(@kind content_type, ContentType, $($case),*);
        $crate::contract::infrarepo::one_suite!(@kind named, Named, $($case),*);
        $crate::contract::infrarepo::one_suite!(@kind ssh_v2, Ssh, $($case),*);
        $crate::contract::infrarepo::one_suite!(@kind ssh_v0, SshV0, $($case),*);
        $crate::contract::infrarepo::one_suite!(@kind folder, Folder, $($case),*);
        $crate::contract::infrarepo::one_suite!(@kind api, Api, $($case),*);
    };
    (@kind $name:ident, $kind:ident, $($case:ident),*) => {
        mod $name {
            use $crate::contract::infrarepo::world::{Kind, World};
            $(
                #[tokio::test]
                async fn $case() {
                    if let Some(world) = World::started(Kind::$kind) {
                        super::$case(world).await;
                    }
                }
            )*
        }
    };
}
pub(crate) use one_suite;

one_suite!(
    the_default_branch_is_found,
    a_branch_is_found_by_its_exact_name,
    a_missing_branch_offers_the_nearest,
    an_empty_repository_is_told,
    files_are_read_in_order,
    folders_are_listed,
    a_commit_changes_its_files_and_nothing_else,
    a_stale_base_loses_and_lands_when_read_again,
    of_two_from_one_base_one_lands,
    after_a_halt_nothing_is_pushed,
    the_history_tells_what_contains_what,
    looking_back_is_along_first_parents,
    two_hundred_commits_between_are_no_problem,
);

const PIN: &str = "apps/api/overlays/dev/kustomization.yaml";

async fn the_default_branch_is_found(world: World) {
    let trunk = world.host.commit("infra", "trunk", &[("a", "b")], "Trunk").unwrap();
    world
        .host
        .git("infra", &["symbolic-ref", "HEAD", "refs/heads/trunk"])
        .unwrap();
    let tip = world.open().tip().await.unwrap();
    assert_eq!((tip.branch.as_str(), tip.commit.as_str()), ("trunk", trunk.as_str()));
}

async fn a_branch_is_found_by_its_exact_name(world: World) {
    let wanted = world.host.commit("infra", "env/dev", &[("a", "1")], "Dev").unwrap();
    world.host.commit("infra", "env/dev-2", &[("a", "2")], "Dev 2").unwrap();
    let args = ["tag", "-a", "-m", "Tag", "env/dev", "refs/heads/env/dev-2"];
    world.host.git("infra", &args).unwrap();
    let tip = world.open_at("env/dev").tip().await.unwrap();
    assert_eq!((tip.branch.as_str(), tip.commit.as_str()), ("env/dev", wanted.as_str()));
}

async fn a_missing_branch_offers_the_nearest(world: World) {
    let fault = world.open_at("mian").tip().await.unwrap_err();
    assert_eq!(fault.outcome, Outcome::Invalid);
    assert!(fault.to_string().contains("no branch mian"), "{fault}");
    assert!(fault.hints[0].contains("main"), "{:?}", fault.hints);
}

async fn an_empty_repository_is_told(world: World) {
    world.host.create("nothing", &[]).unwrap();
    for branch in [None, Some("main")] {
        let fault = world.open_other("nothing", branch).tip().await.unwrap_err();
        assert_eq!(fault.outcome, Outcome::Invalid);
        assert!(fault.to_string().contains("is empty"), "{fault}");
    }
}

async fn files_are_read_in_order(world: World) {
    let link = world
        .host
        .git_with("infra", &["hash-object", "-w", "--stdin"], b"README.md")
        .unwrap();
    world.commit_entry("120000", link.trim(), "link");
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    let names = [
        "README.md",
        PIN,
        "nothing",
        "apps",
        "link",
        "README.md/below",
        "apps/none/x",
        "README.md",
    ];
    let files = repo.read(&tip, &names.map(path)).await.unwrap();
    let texts: Vec<Option<String>> = files
        .into_iter()
        .map(|file| file.map(|file| String::from_utf8(file).unwrap()))
        .collect();
    let readme = Some("# Infra\n".to_owned());
    let expected = [
        readme.clone(),
        Some(world::pins("v1")),
        None,
        None,
        None,
        None,
        None,
        readme,
    ];
    assert_eq!(texts, expected);
    assert_eq!(repo.read(&tip, &[]).await.unwrap(), Vec::<Option<Vec<u8>>>::new());
}

async fn folders_are_listed(world: World) {
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    let entry = |name: &str, kind| (name.to_owned(), kind);
    let known = |entries: Vec<Entry>| -> Vec<(String, EntryKind)> {
        let each = entries.into_iter();
        each.map(|entry| {
            let (mode, object) = entry.stands.split_once(' ').unwrap();
            let right = if entry.kind == EntryKind::Folder {
                "40000"
            } else {
                "100644"
            };
            assert!(mode == right && object.len() == 40, "{entry:?}");
            (entry.name, entry.kind)
        })
        .collect()
    };
    let root = known(repo.list(&tip, &path("")).await.unwrap().unwrap());
    assert_eq!(
        root,
        [entry("README.md", EntryKind::File), entry("apps", EntryKind::Folder)]
    );
    let overlay = known(repo.list(&tip, &path("apps/api/overlays/dev")).await.unwrap().unwrap());
    assert_eq!(overlay, [entry("kustomization.yaml", EntryKind::File)]);
    for none in ["apps/web/none", "README.md", "nothing/at/all"] {
        assert_eq!(repo.list(&tip, &path(none)).await.unwrap(), None, "{none}");
    }
}

async fn a_commit_changes_its_files_and_nothing_else(world: World) {
    let script = world
        .host
        .git_with("infra", &["hash-object", "-w", "--stdin"], b"#!/bin/sh\n")
        .unwrap();
    world.commit_entry("100755", script.trim(), "apps/run.sh");
    let repo = world.open();
    let base = repo.tip().await.unwrap().commit;
    repo.read(&base, &[path(PIN)]).await.unwrap();
    let new = world::pins("v2");
    let draft = world.draft(&base, &[(PIN, &new), ("apps/run.sh", "#!/bin/sh\nexit 1\n")]);
    let Attempt::Landed(commit) = repo.land(&draft).await.unwrap() else {
        panic!("nobody else is there");
    };
    assert_eq!(world.host.tip("infra").unwrap(), commit.as_str());
    let changed = [
        "diff",
        "--raw",
        "--no-renames",
        "--abbrev=1",
        base.as_str(),
        commit.as_str(),
    ];
    let changed = world.host.git("infra", &changed).unwrap();
    let lines: Vec<&str> = changed.lines().collect();
    assert_eq!(lines.len(), 2, "{changed}");
    assert!(
        lines[0].starts_with(":100644 100644") && lines[0].ends_with(PIN),
        "{changed}"
    );
    assert!(lines[1].starts_with(":100755 100755"), "{changed}");
    assert_eq!(world.host.read("infra", PIN).unwrap(), new);
    let format = ["log", "-1", "--format=%P|%an <%ae>|%cn|%at|%ct|%B"];
    let expected = format!(
        "{base}|A Bot <bot@example.com>|A Bot|{at}|{at}|Promote api\n\nPromote-App: api\n\n",
        at = draft.at.unix_seconds()
    );
    if world.keeps_authors() {
        assert_eq!(world.host.git("infra", &format).unwrap(), expected);
    }
    world.host.git("infra", &["fsck", "--strict", "--full"]).unwrap();
    // The new commit is read back, and the next one lands on it, with what is here already.
    assert_eq!(repo.tip().await.unwrap().commit, commit);
    let read = repo.read(&commit, &[path(PIN)]).await.unwrap();
    assert_eq!(read, [Some(new.into_bytes())]);
    let next = world.draft(&commit, &[(PIN, &world::pins("v3"))]);
    assert!(matches!(repo.land(&next).await.unwrap(), Attempt::Landed(_)));
    world.host.git("infra", &["fsck", "--strict", "--full"]).unwrap();
}

async fn a_stale_base_loses_and_lands_when_read_again(world: World) {
    let repo = world.open();
    let base = repo.tip().await.unwrap().commit;
    repo.read(&base, &[path(PIN)]).await.unwrap();
    let other = world
        .host
        .push_commit("infra", "apps/web/x.yaml", "x: 1\n", "Faster")
        .unwrap();
    let lost = repo
        .land(&world.draft(&base, &[(PIN, &world::pins("v2"))]))
        .await
        .unwrap();
    assert!(matches!(lost, Attempt::LostRace { .. }), "{lost:?}");
    assert_eq!(world.host.tip("infra").unwrap(), other);
    let tip = repo.tip().await.unwrap().commit;
    assert_eq!(tip.as_str(), other);
    assert_eq!(
        repo.read(&tip, &[path("apps/web/x.yaml")]).await.unwrap(),
        [Some(b"x: 1\n".to_vec())]
    );
    let landed = repo
        .land(&world.draft(&tip, &[(PIN, &world::pins("v2"))]))
        .await
        .unwrap();
    assert!(matches!(landed, Attempt::Landed(_)), "{landed:?}");
    assert_eq!(world.host.read("infra", "apps/web/x.yaml").unwrap(), "x: 1\n");
    assert_eq!(
        world.host.git("infra", &["rev-list", "--count", "main"]).unwrap(),
        "3\n"
    );
    world.host.git("infra", &["fsck", "--strict", "--full"]).unwrap();
}

async fn of_two_from_one_base_one_lands(world: World) {
    let (one, two) = (world.open(), world.open());
    let base = one.tip().await.unwrap().commit;
    let draft_one = world.draft(&base, &[(PIN, &world::pins("v2"))]);
    let draft_two = world.draft(&base, &[("README.md", "# Two\n")]);
    let (one, two) = tokio::join!(one.land(&draft_one), two.land(&draft_two));
    let attempts = [one.unwrap(), two.unwrap()];
    let landed: Vec<&CommitSha> = attempts
        .iter()
        .filter_map(|attempt| {
            if let Attempt::Landed(commit) = attempt {
                Some(commit)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(landed.len(), 1, "{attempts:?}");
    assert_eq!(world.host.tip("infra").unwrap(), landed[0].as_str());
    assert_eq!(
        world.host.git("infra", &["rev-list", "--count", "main"]).unwrap(),
        "2\n"
    );
}

async fn after_a_halt_nothing_is_pushed(world: World) {
    let repo = world.open();
    let tip = repo.tip().await.unwrap();
    repo.halt();
    let fault = repo
        .land(&world.draft(&tip.commit, &[(PIN, "images: []\n")]))
        .await
        .unwrap_err();
    assert!(fault.to_string().contains("nothing was written"), "{fault}");
    assert_eq!(repo.tip().await.unwrap(), tip);
}

async fn the_history_tells_what_contains_what(world: World) {
    let sha = |text: &str| CommitSha::parse(text).unwrap();
    let first = sha(&world.host.tip("infra").unwrap());
    let side = sha(&world.host.commit("infra", "side", &[("side", "1")], "Side").unwrap());
    let ours = sha(&world.host.push_commit("infra", "a", "1", "Ours").unwrap());
    let later = sha(&world.host.push_commit("infra", "b", "1", "Later").unwrap());
    let tree = format!("{later}^{{tree}}");
    let args = [
        "commit-tree",
        &tree,
        "-p",
        side.as_str(),
        "-p",
        later.as_str(),
        "-m",
        "Merge",
    ];
    let merge = sha(world.host.git("infra", &args).unwrap().trim());
    world
        .host
        .git("infra", &["update-ref", "refs/heads/merged", merge.as_str()])
        .unwrap();
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    repo.read(&tip, &[path(PIN)]).await.unwrap();
    for (revision, verdict) in [
        (&ours, Containment::Contains),
        (&later, Containment::Contains),
        (&merge, Containment::Contains),
        (&first, Containment::Lacks),
        (&side, Containment::Lacks),
    ] {
        for _ in 0..2 {
            assert_eq!(repo.contains(revision, &ours).await, verdict, "{revision}");
        }
    }
    let nowhere = sha(&"a".repeat(40));
    let unknown = repo.contains(&nowhere, &ours).await;
    assert!(matches!(unknown, Containment::Unknown(_)), "{unknown:?}");
    assert_eq!(repo.contains(&nowhere, &nowhere).await, Containment::Contains);
}

async fn looking_back_is_along_first_parents(world: World) {
    let first = world.host.tip("infra").unwrap();
    for n in 0..6 {
        world
            .host
            .push_commit("infra", "n", &n.to_string(), &format!("Number {n}\n\nPromote-Run: {n}"))
            .unwrap();
    }
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    let some = repo.history(&tip, 3).await.unwrap();
    let subjects: Vec<&str> = some.iter().map(|info| info.message.lines().next().unwrap()).collect();
    assert_eq!(subjects, ["Number 5", "Number 4", "Number 3"]);
    assert_eq!(some[0].commit, tip);
    assert_eq!(some[0].author, "Somebody Else <else@example.com>");
    assert!(some[0].message.contains("Promote-Run: 5"));
    let all = repo.history(&tip, 100).await.unwrap();
    assert_eq!(all.len(), 7);
    assert_eq!((all[6].commit.as_str(), &all[6].parent), (first.as_str(), &None));
    assert_eq!(all[0].parent.as_ref(), Some(&all[1].commit));
}

async fn two_hundred_commits_between_are_no_problem(world: World) {
    let ours = CommitSha::parse(&world.host.tip("infra").unwrap()).unwrap();
    world.many_commits(200);
    let repo = world.open();
    let tip = repo.tip().await.unwrap().commit;
    assert_eq!(repo.contains(&tip, &ours).await, Containment::Contains);
    assert_eq!(repo.contains(&ours, &tip).await, Containment::Lacks);
}
