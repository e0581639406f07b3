//! Bad input, bad files and repositories that cannot be had: exit 2 or 4, a way out, and nothing written.

use sandbox::overlay;

use crate::support::{World, run};

/// Runs a promotion that must end with `code`, say all of `says`, and write nothing.
#[track_caller]
fn refused(world: &World, words: &str, code: i32, says: &[&str]) {
    let tip = world.sandbox.tip().unwrap();
    let mut ran = world.land(words).exits(code);
    for text in says {
        ran = ran.says(text);
    }
    assert_eq!(world.sandbox.tip().unwrap(), tip, "{words}");
}

#[test]
fn a_name_that_is_not_there_offers_the_nearest_and_lists_what_is() {
    let world = World::new();
    let tag = "--tag abc1234";
    refused(
        &world,
        &format!("--app api --environment stagin {tag}"),
        2,
        &[
            "stagin",
            "): did you mean the environment staging? There are ",
            "production",
        ],
    );
    refused(
        &world,
        &format!("--app apu --environment dev {tag}"),
        2,
        &[
            "apps/apu does not exist at main (",
            "): did you mean the app api? There are ",
            "web",
        ],
    );
    refused(
        &world,
        &format!("--app api --enviroment dev {tag}"),
        2,
        &["--enviroment", "--environment"],
    );
    refused(
        &world,
        &format!("--app api --environment dev --path apps/{{app}} {tag}"),
        2,
        &["apps/api"],
    );
    refused(
        &world,
        &format!("--app api --environment dev --path apps/wrong/{{environment}} {tag}"),
        2,
        &["apps/wrong does not exist at main ("],
    );
}

#[test]
fn a_command_that_shows_or_holds_something_knows_the_names_that_there_are() {
    let world = World::new();
    for command in [
        "status --app",
        "history --app",
        "history --environment dev --app",
        "preflight --app",
    ] {
        refused(
            &world,
            &format!("{command} apu"),
            2,
            &["no app apu in ", "did you mean api?"],
        );
    }
    for command in [
        "status --environment",
        "history --environment",
        "hold --app api --reason x --environment",
    ] {
        refused(
            &world,
            &format!("{command} prod"),
            2,
            &["no environment prod in ", "did you mean production?"],
        );
    }
    refused(
        &world,
        "hold --app apu --environment dev --reason x",
        2,
        &["no app apu in "],
    );
    refused(
        &world,
        "hold --app api --environment dev --reason x --until yesterday",
        2,
        &["`2026-12-24`"],
    );
}

#[test]
fn images_to_choose_from_are_listed_with_both_columns() {
    let world = World::new();
    let both = ["myorg/web", "registry.example.com/shop/web", "nginx"];
    refused(&world, "--app web --environment dev --tag v9", 2, &both);
    refused(&world, "--app web --environment dev --image myorg/other:v9", 2, &both);
}

#[test]
fn tags_and_digests_that_move_or_are_none_are_refused() {
    let world = World::new();
    for tag in ["latest", "main", "staging-latest"] {
        refused(
            &world,
            &format!("--app api --environment dev --tag {tag}"),
            2,
            &[tag, "digest"],
        );
    }
    refused(&world, "--app api --environment dev --tag -v1", 2, &["tag"]);
    refused(&world, "--app api --environment dev --tag a/b", 2, &["a/b"]);
    refused(
        &world,
        "--app api --environment dev --digest sha256:123",
        2,
        &["sha256:123", "64"],
    );
    // The entry has a digest, which would decide.
    refused(
        &world,
        "--app web --environment dev --image nginx:1.30.0",
        2,
        &["nginx", "digest"],
    );
}

#[test]
fn a_kustomization_that_is_missing_or_broken_is_named() {
    let world = World::new();
    let words = "--app api --environment uat --tag abc1234";
    let file = overlay("api", "uat");
    world
        .sandbox
        .commit("apps/api/overlays/uat/other.yaml", "a: 1\n", "Begin uat")
        .unwrap();
    refused(&world, words, 2, &["apps/api/overlays/uat", "kustomization"]);
    for (text, says) in [
        ("images: [\n", "kustomization.yaml"),
        ("images:\n  - name: myorg/api\n    newTag: a\n    newTag: b\n", "newTag"),
        ("resources: []\n", "pins no image"),
    ] {
        world.sandbox.commit(&file, text, "Change uat").unwrap();
        refused(&world, words, 2, &[says]);
    }
}

#[test]
fn a_branch_that_is_not_there_and_an_empty_repository_are_told() {
    let world = World::new();
    let words = "--app api --environment dev --tag abc1234";
    refused(&world, &format!("{words} --branch mian"), 2, &["mian", "main"]);
    world.sandbox.git.create("empty", &[]).unwrap();
    let url = world.sandbox.git.url("empty");
    let env = [("PROMOTE_TOKEN", world.sandbox.git_token())];
    let args = [
        "--app",
        "api",
        "--environment",
        "dev",
        "--tag",
        "a1b2c3d",
        "--infra-repo",
        &url,
    ];
    run(world.folder.path(), &env, &args).exits(2).says("empty");
}

#[test]
fn an_infra_repo_that_rejects_the_token_or_is_not_there_is_exit_4() {
    let world = World::new();
    let url = world.sandbox.infra_repo();
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gone = format!("http://{gone}/infra-repo.git");
    for (url, token, outcome) in [
        (url.as_str(), "wrong", "denied"),
        (&world.sandbox.git.url("nothing"), world.sandbox.git_token(), ""),
        (&gone, "any", "unreachable"),
    ] {
        let args = [
            "--app",
            "api",
            "--environment",
            "dev",
            "--tag",
            "a1b2c3d",
            "--output",
            "json",
            "--landing-timeout",
            "20s",
        ];
        let args: Vec<&str> = args.into_iter().chain(["--infra-repo", url]).collect();
        let ran = run(world.folder.path(), &[("PROMOTE_TOKEN", token)], &args).exits(4);
        let report = ran.report();
        assert!(outcome.is_empty() || report["outcome"] == outcome, "{report:#}");
        assert!(report["reason"].as_str().unwrap().contains(url), "{report:#}");
    }
    assert_eq!(world.commits(), 1);
}

#[test]
fn a_promote_yaml_without_end_ends_in_words() {
    let world = World::new();
    let text = format!("version: 1\n{}", "# x\n".repeat(80 << 10));
    world.sandbox.commit("promote.yaml", &text, "Write too much").unwrap();
    refused(
        &world,
        "--app api --environment dev --tag v2",
        2,
        &["promote.yaml is longer than 256 KiB"],
    );
}
