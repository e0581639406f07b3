//! Many writers on one branch of a server with eight workers: all land, one after the other, and nothing is lost.
//! `PROMOTE_WRITERS` sets how many there are.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

use promote_action::clock::SystemClock;
use promote_action::infrarepo::{self, Address, Attempt, Land, Target};
use promote_action::model::{Clock, CommitSha, Secret};
use tokio::task::LocalSet;

use super::world::{Kind, TOKEN, Words, World, draft, path, pins};

fn writers() -> usize {
    std::env::var("PROMOTE_WRITERS").map_or(16, |text| text.parse().unwrap())
}

fn open(url: &str) -> Box<dyn Land> {
    let target = Target {
        address: Address::parse(url, None).unwrap(),
        branch: None,
        token: Some(Secret::new(TOKEN)),
    };
    let http = promote_action::http::client(None).unwrap();
    infrarepo::open(&target, http, Rc::new(SystemClock::start()), Rc::new(Words::default())).unwrap()
}

/// Writes `text(now)` to `file` until it lands; returns the commit and how often the race was lost.
async fn write(repo: &dyn Land, file: &str, text: impl Fn(&str) -> String) -> (CommitSha, u32) {
    let clock = SystemClock::start();
    let quick = super::world::QuickClock::default();
    let mut lost = 0;
    loop {
        let base = repo.tip().await.unwrap().commit;
        let now = repo.read(&base, &[path(file)]).await.unwrap().remove(0).unwrap();
        let now = String::from_utf8(now).unwrap();
        let draft = draft(&quick, &base, &[(file, &text(&now))]);
        if let Attempt::Landed(commit) = repo.land(&draft).await.unwrap() {
            return (commit, lost);
        }
        lost += 1;
        let most = Duration::from_millis(100 << lost.min(6)).min(Duration::from_secs(10));
        clock
            .sleep(most.mul_f64(f64::from(getrandom::u32().unwrap()) / f64::from(u32::MAX)))
            .await;
    }
}

/// Runs all writers and returns their commits and sorted retries.
async fn all(
    world: &World,
    file: impl Fn(usize) -> String,
    text: impl Fn(usize, &str) -> String + Copy + 'static,
) -> (HashSet<CommitSha>, Vec<u32>) {
    let set = LocalSet::new();
    let mut tasks = Vec::new();
    for n in 0..writers() {
        let (url, file) = (world.host.url("infra"), file(n));
        tasks.push(set.spawn_local(async move { write(&*open(&url), &file, |now| text(n, now)).await }));
    }
    set.await;
    let (mut commits, mut retries) = (HashSet::new(), Vec::new());
    for task in tasks {
        let (commit, lost) = task.await.unwrap();
        commits.insert(commit);
        retries.push(lost);
    }
    retries.sort_unstable();
    (commits, retries)
}

/// Everything on the branch since `first`, each with one parent, is exactly what the writers say is theirs.
fn assert_linear(world: &World, first: &str, commits: &HashSet<CommitSha>) {
    let range = format!("{first}..main");
    let log = world.host.git("infra", &["rev-list", "--parents", &range]).unwrap();
    let there: HashSet<CommitSha> = log
        .lines()
        .map(|line| CommitSha::parse(line.split(' ').next().unwrap()).unwrap())
        .collect();
    assert!(log.lines().all(|line| line.split(' ').count() == 2), "a merge");
    assert_eq!(log.lines().count(), writers());
    assert_eq!(&there, commits);
    world.host.git("infra", &["fsck", "--strict", "--full"]).unwrap();
}

#[tokio::test]
async fn writers_of_different_apps_all_land() {
    let world = World::start(Kind::V2);
    let names: Vec<String> = (0..writers())
        .map(|n| format!("apps/app-{n}/overlays/dev/kustomization.yaml"))
        .collect();
    let pin = pins("v1");
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), pin.as_str())).collect();
    let first = world.host.commit("infra", "main", &files, "Apps").unwrap();
    let start = Instant::now();
    let (commits, retries) = all(&world, |n| names[n].clone(), |n, _| pins(&format!("v2-{n}"))).await;
    println!(
        "{} writers in {:?}: retries median {}, p95 {}, max {}, sum {}",
        writers(),
        start.elapsed(),
        retries[retries.len() / 2],
        retries[retries.len() * 95 / 100],
        retries[retries.len() - 1],
        retries.iter().sum::<u32>()
    );
    assert_linear(&world, &first, &commits);
    for (n, name) in names.iter().enumerate() {
        assert_eq!(world.host.read("infra", name).unwrap(), pins(&format!("v2-{n}")));
    }
}

#[tokio::test]
async fn writers_of_the_same_app_land_in_turn() {
    let world = World::start(Kind::V2);
    let first = world.host.tip("infra").unwrap();
    // Each adds its line to what it read: a lost update would lose a line.
    let (commits, _) = all(&world, |_| "README.md".to_owned(), |n, now| format!("{now}{n}\n")).await;
    assert_linear(&world, &first, &commits);
    let text = world.host.read("infra", "README.md").unwrap();
    let lines: HashSet<&str> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), writers());
}
