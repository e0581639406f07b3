//! Which certificates of a server are taken, and what is told of the others.

use promote_action::http::Connections;
use promote_action::model::{Fault, Outcome};
use sandbox::git::{Shown, TlsFront};

use super::world::{Kind, World};

async fn tip(world: &World, front: &TlsFront, bundle: Option<&str>) -> Result<(), Fault> {
    let connections = Connections {
        ca_bundle: bundle.map(str::to_owned),
        ..Connections::default()
    };
    let url = format!("https://localhost:{}/infra.git", front.address().port());
    world.open_with(&url, &connections)?.tip().await.map(|_| ())
}

#[tokio::test]
async fn a_certificate_that_is_itself_in_the_bundle_is_taken() {
    let world = World::start(Kind::V2);
    for shown in [
        Shown::Issued,
        Shown::IssuedByP384,
        Shown::IssuedByUnknown,
        Shown::SelfSigned,
        Shown::SelfSignedAuthority,
    ] {
        let front = TlsFront::showing(shown, world.host.address(), &["localhost"]).unwrap();
        let taken = tip(&world, &front, Some(front.authority())).await;
        assert!(taken.is_ok(), "{shown:?}: {taken:?}");
        let fault = tip(&world, &front, None).await.unwrap_err();
        assert_eq!(fault.outcome, Outcome::Unreachable, "{shown:?}");
        assert!(fault.hints[0].contains("`ca-bundle`"), "{shown:?}: {:?}", fault.hints);
    }
}

#[tokio::test]
async fn one_for_another_name_or_of_another_server_is_not() {
    let world = World::start(Kind::V2);
    for shown in [
        Shown::Issued,
        Shown::IssuedByUnknown,
        Shown::SelfSigned,
        Shown::SelfSignedAuthority,
    ] {
        let other = TlsFront::showing(shown, world.host.address(), &["localhost"]).unwrap();
        let front = TlsFront::showing(shown, world.host.address(), &["git.corp.test"]).unwrap();
        let fault = tip(&world, &front, Some(front.authority())).await.unwrap_err();
        let told = format!("{fault} {:?}", fault.hints);
        assert!(told.contains("not for this host name"), "{shown:?}: {told}");
        let fault = tip(&world, &front, Some(other.authority())).await.unwrap_err();
        let told = format!("{fault} {:?}", fault.hints);
        assert!(
            !told.contains("give the certificate"),
            "it was given: {shown:?}: {told}"
        );
        assert!(told.len() < 700, "{told}");
    }
}
