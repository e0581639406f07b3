//! Whether a promotion would replace a canary of another version that is under way. Of what was seen alone; asks nobody.

use crate::inputs::about;
use crate::model::{Canary, Fault, Parts, PinChange};

use crate::plan::Select;
use crate::promote::followee::Followee;
use crate::promote::prepare::plan::Planned;

/// Returns what forbids it: each canary of another image that the plan would replace, where `allow: replace-canary` does not hold.
pub(in crate::promote) fn replaced(planned: &Planned, followees: &[Followee], select: &Select) -> Option<Fault> {
    let mut why = Vec::new();
    for followee in followees {
        let mut places = planned.snapshot.places.iter().map(|(place, _)| place);
        let allowed = places.any(|place| followee.deploys(place) && place.allow.replace_canary);
        let here = |change: &&PinChange| followee.carries(change);
        let changes: Vec<&PinChange> = planned.plan.changes.iter().filter(here).collect();
        let lost = followee
            .canaries
            .iter()
            .filter(|canary| !allowed && loses(canary, &changes));
        why.extend(lost.map(|canary| format!("{}: {canary}", followee.id)));
    }
    if why.is_empty() {
        return None;
    }
    let what = format!(
        "this promotion would replace a canary that is not finished: {}",
        why.join("; ")
    );
    let command = |name| format!("promote {name} {}", about(&select.apps, &select.environments));
    Some(
        Fault::refused(what)
            .hint("to replace the canary, set `allow: replace-canary`")
            .hint(format!("to finish the canary first: `{}`", command("resume --full")))
            .hint(format!("to stop the canary first: `{}`", command("abort"))),
    )
}

/// Whether a change gives the canary's pods another image. Where its images are not known, any change does.
fn loses(canary: &Canary, changes: &[&PinChange]) -> bool {
    changes.iter().any(|change| {
        let after = change.after.reference();
        let same = |image: &&String| Parts::of(image).same_repository(&Parts::of(&after));
        canary.images.is_empty() || canary.images.iter().filter(same).any(|image| *image != after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AppName, EnvironmentName, Pin, RepoPath, Syntax};

    #[test]
    fn only_a_canary_of_another_version_is_lost() {
        let pin = |tag: &str| Pin {
            name: "myorg/api".to_owned(),
            new_tag: Some(tag.to_owned()),
            ..Pin::default()
        };
        let change = PinChange {
            cluster: None,
            app: AppName::parse("api").unwrap(),
            environment: EnvironmentName::parse("production").unwrap(),
            file: RepoPath::parse("kustomization.yaml").unwrap(),
            syntax: Syntax::default(),
            before: pin("v1"),
            after: pin("v3"),
        };
        let canary = |images: &[&str]| Canary {
            images: images.iter().map(|image| (*image).to_owned()).collect(),
            ..Canary::default()
        };
        for (images, lost) in [
            (&["myorg/api:v2"][..], true),
            (&["myorg/api:v3"], false),
            (&["docker.io/myorg/api:v2", "proxy:v1"], true),
            (&["proxy:v1"], false),
            (&[], true),
        ] {
            assert_eq!(loses(&canary(images), &[&change]), lost, "{images:?}");
        }
        assert!(!loses(&canary(&[]), &[]));
    }
}
