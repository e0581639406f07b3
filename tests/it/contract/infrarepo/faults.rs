//! Faults of the network before servers that talk in other ways, and what is found out after an answer was lost.
//! `scenarios::faults` drives the whole promotion through the same faults before a server that talks v2.

use std::time::Duration;

use promote_action::infrarepo::{Attempt, Land};
use promote_action::model::Fault;
use sandbox::git::{Fault as Harm, FaultyProxy};

use super::PIN;
use super::world::{Kind, TOKEN, World, path, pins};

const HARMS: [Harm; 8] = [
    Harm::CutBefore,
    Harm::CutAfter,
    Harm::Truncate,
    Harm::Status(503),
    Harm::StatusAfter(502),
    Harm::Delay(Duration::from_millis(30)),
    Harm::Slow,
    Harm::HalfClosed,
];

/// Promotes as the story does: a lost race is read again; a pin that is there already ends it.
async fn promote(repo: &dyn Land, world: &World) -> Result<String, Fault> {
    loop {
        let base = repo.tip().await?.commit;
        let file = repo.read(&base, &[path(PIN)]).await?;
        if file == [Some(pins("v2").into_bytes())] {
            return Ok(format!("there at {base}"));
        }
        match repo.land(&world.draft(&base, &[(PIN, &pins("v2"))])).await? {
            Attempt::Landed(commit) => return Ok(commit.to_string()),
            Attempt::LostRace { .. } => {}
        }
    }
}

async fn under(kind: Kind, faults: &[(usize, Harm)]) -> (World, Result<String, Fault>, usize) {
    let world = World::start(kind);
    let proxy = FaultyProxy::start(world.host.address(), faults).unwrap();
    let repo = world.open_address(&proxy.url("infra"), None, Some(TOKEN)).unwrap();
    let result = promote(&*repo, &world).await;
    (world, result, proxy.seen().len())
}

fn commits(world: &World) -> usize {
    world
        .host
        .git("infra", &["rev-list", "--count", "main"])
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_single_fault_of_any_kind_is_survived_anywhere() {
    for (kind, requests) in [(Kind::WithoutFilters, 5), (Kind::V0, 5)] {
        let (_, _, clean) = under(kind, &[]).await;
        println!("{kind:?} ({clean} requests):");
        assert!(clean <= requests, "{kind:?} takes {clean} requests");
        for harm in HARMS {
            let mut row = Vec::new();
            for at in 0..clean {
                let (world, result, seen) = under(kind, &[(at, harm)]).await;
                let tip = world.host.tip("infra").unwrap();
                assert_eq!(commits(&world), 2, "{kind:?} {harm:?} at {at}: {result:?}");
                assert_eq!(result.unwrap(), tip, "{kind:?} {harm:?} at {at}");
                row.push(format!("at {at} landed once in {seen}"));
            }
            println!("  {harm:?}: {}", row.join(", "));
        }
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_below_somebody_elses_commit() {
    let world = World::start(Kind::V2);
    // Somebody else commits on top before we can look.
    let hook = "#!/bin/sh\nread old new ref\nset -e\n\
        next=$(git -c user.name=N -c user.email=n@example.com commit-tree $new^{tree} -p $new -m Next)\ngit update-ref $ref $next\n";
    world.host.hook("infra", "post-receive", hook).unwrap();
    let proxy = FaultyProxy::start(world.host.address(), &[(3, Harm::CutAfter)]).unwrap();
    let repo = world.open_address(&proxy.url("infra"), None, Some(TOKEN)).unwrap();
    let ours = promote(&*repo, &world).await.unwrap();
    assert_eq!(commits(&world), 3);
    assert_eq!(world.host.git("infra", &["rev-parse", "main^"]).unwrap().trim(), ours);
}

#[tokio::test]
async fn a_lost_answer_to_a_lost_race_is_a_lost_race() {
    let world = World::start(Kind::V2);
    let proxy = FaultyProxy::start(world.host.address(), &[(3, Harm::CutAfter)]).unwrap();
    let repo = world.open_address(&proxy.url("infra"), None, Some(TOKEN)).unwrap();
    let base = repo.tip().await.unwrap().commit;
    repo.read(&base, &[path(PIN)]).await.unwrap();
    world.host.push_commit("infra", "other", "1", "Faster").unwrap();
    let attempt = repo.land(&world.draft(&base, &[(PIN, &pins("v2"))])).await.unwrap();
    assert!(matches!(attempt, Attempt::LostRace { .. }), "{attempt:?}");
    assert_eq!(commits(&world), 2);
}
