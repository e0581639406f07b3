//! Whatever a push is answered with, what is told equals the branch, or says that it is not known: every answer, whether the branch moved
//! or not, on the first send and on a later one.

use promote_action::infrarepo::{Attempt, Land};
use promote_action::model::{Fault, Outcome};
use sandbox::git::{Fault as Harm, FaultyProxy};

use super::PIN;
use super::world::{Kind, TOKEN, World, path, pins};

/// Answers to a push that the server did not get, with those to one that it did.
const ANSWERS: [(Harm, Harm); 12] = [
    (Harm::Status(401), Harm::StatusAfter(401)),
    (Harm::Status(403), Harm::StatusAfter(403)),
    (Harm::Status(404), Harm::StatusAfter(404)),
    (Harm::Status(418), Harm::StatusAfter(418)),
    (Harm::Status(500), Harm::StatusAfter(500)),
    (Harm::Status(503), Harm::StatusAfter(503)),
    (Harm::CutBefore, Harm::CutAfter),
    (Harm::CutBefore, Harm::RedirectAfter),
    (
        Harm::Report("ng refs/heads/main hook declined"),
        Harm::ReportAfter("ng refs/heads/main hook declined"),
    ),
    (
        Harm::Report("ng refs/heads/main fetch first"),
        Harm::ReportAfter("ng refs/heads/main fetch first"),
    ),
    (
        Harm::Report("ng refs/heads/main failed to update ref"),
        Harm::ReportAfter("ng refs/heads/main failed to update ref"),
    ),
    (
        Harm::Report("ok refs/heads/other"),
        Harm::ReportAfter("ok refs/heads/other"),
    ),
];

async fn landing(faults: &[(usize, Harm)]) -> (World, Result<Attempt, Fault>) {
    let world = World::start(Kind::V2);
    let proxy = FaultyProxy::start(world.host.address(), faults).unwrap();
    let repo = world.open_address(&proxy.url("infra"), None, Some(TOKEN)).unwrap();
    let base = repo.tip().await.unwrap().commit;
    repo.read(&base, &[path(PIN)]).await.unwrap();
    let result = Land::land(&*repo, &world.draft(&base, &[(PIN, &pins("v2"))])).await;
    assert_eq!(repo.in_doubt(), None, "all is known");
    (world, result)
}

/// How many requests come before the push.
const BEFORE: usize = 3;

#[tokio::test]
async fn what_is_told_of_a_push_equals_the_branch() {
    for (not_done, done) in ANSWERS {
        // A lost push is followed by a look at the branch, and then sent again.
        let first_lost = [(BEFORE, Harm::CutBefore)];
        for (earlier, at) in [(&[][..], BEFORE), (&first_lost, BEFORE + 2)] {
            for (harm, moved) in [(not_done, false), (done, true)] {
                let mut faults = earlier.to_vec();
                faults.push((at, harm));
                let (world, result) = landing(&faults).await;
                let tip = world.host.tip("infra").unwrap();
                let told = format!("{harm:?} {earlier:?}: {result:?}");
                match result {
                    Ok(Attempt::Landed(commit)) => assert_eq!(tip, commit.as_str(), "{told}"),
                    Ok(Attempt::LostRace { .. }) => assert!(!moved, "{told}"),
                    Err(fault) => {
                        assert!(fault.to_string().contains("nothing was written"), "{told}");
                        assert!(!moved, "{told}");
                    }
                }
                if moved {
                    assert_eq!(world.host.read("infra", PIN).unwrap(), pins("v2"), "{told}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_branch_that_cannot_be_read_after_a_push_is_told_as_not_known() {
    for harm in [
        Harm::StatusAfter(401),
        Harm::ReportAfter("ng refs/heads/main hook declined"),
        Harm::CutAfter,
    ] {
        let mut faults = vec![(BEFORE, harm)];
        faults.extend((BEFORE + 1..BEFORE + 20).map(|n| (n, Harm::Status(503))));
        let world = World::start(Kind::V2);
        let proxy = FaultyProxy::start(world.host.address(), &faults).unwrap();
        let repo = world.open_address(&proxy.url("infra"), None, Some(TOKEN)).unwrap();
        let base = repo.tip().await.unwrap().commit;
        repo.read(&base, &[path(PIN)]).await.unwrap();
        let fault = repo.land(&world.draft(&base, &[(PIN, &pins("v2"))])).await.unwrap_err();
        let tip = world.host.tip("infra").unwrap();
        assert_eq!(fault.outcome, Outcome::Unreachable);
        let told = format!("{fault} {:?}", fault.hints);
        assert!(
            told.contains("it is not known whether") && told.contains(&tip),
            "{told}"
        );
        assert!(!told.contains("nothing was written"), "{told}");
        assert_eq!(repo.in_doubt().unwrap(), format!("commit {tip}"));
    }
}

#[tokio::test]
async fn a_refused_push_is_told_as_it_is_when_somebody_else_moved_the_branch() {
    let world = World::start(Kind::V2);
    let faults = [(BEFORE, Harm::Report("ng refs/heads/main hook declined"))];
    let proxy = FaultyProxy::start(world.host.address(), &faults).unwrap();
    let repo = world.open_address(&proxy.url("infra"), None, Some(TOKEN)).unwrap();
    let base = repo.tip().await.unwrap().commit;
    repo.read(&base, &[path(PIN)]).await.unwrap();
    let other = world.host.push_commit("infra", "a", "1", "Other").unwrap();
    let fault = repo.land(&world.draft(&base, &[(PIN, &pins("v2"))])).await.unwrap_err();
    assert_eq!(fault.outcome, Outcome::Denied);
    assert!(fault.to_string().contains("nothing was written"), "{fault}");
    assert_eq!(world.host.tip("infra").unwrap(), other);
}
