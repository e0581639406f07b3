//! Decides before a commit whether a pin changes what an application runs. Pure, and of one observation of an application that is compared
//! with the commit that the pin stands in.

use crate::model::{AppSnapshot, Managed, Pin};

use super::rollout::images;
use super::source::is_silent;

/// What an application shows of a pin as it stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It runs what the pin says, or is to run it: another version takes its place.
    Seen,
    /// Something sets another version of the image after the pin.
    Overridden(String),
    /// Nothing of what it deploys names the image, but this one of each other image.
    Unused {
        /// The images that its workloads are to run.
        others: Vec<String>,
        /// Whether the server names no image of a hook: the image can be one of these.
        silent: bool,
    },
    /// The application does not show it: an operator or a hook can use the image.
    Hidden,
}

/// Returns what `app` shows of a pin. `managed` is what the compared commit makes of each resource; without it only what is certain counts.
#[must_use]
pub fn effect(app: &AppSnapshot, managed: &[Managed], pin: &Pin) -> Effect {
    let image = pin.reference();
    let to_run = || {
        let wanted = managed.iter().filter(|resource| resource.wanted);
        wanted.flat_map(|resource| &resource.images)
    };
    let results = app.operation.iter().flat_map(|operation| &operation.results);
    let seen = app.images.iter().chain(results.flat_map(|result| &result.images));
    let all = seen.clone().chain(to_run());
    let wanted = std::slice::from_ref(&image);
    if pin.is_pinned() && images::missing(wanted, &all).is_empty() {
        return Effect::Seen;
    }
    match images::sibling(&image, to_run()) {
        Some(other) if pin.is_pinned() => return Effect::Overridden(other.clone()),
        Some(_) => return Effect::Seen,
        None => {}
    }
    let mut others: Vec<String> = to_run().cloned().collect();
    others.sort();
    others.dedup();
    if others.is_empty() || images::sibling(&image, seen).is_some() {
        return Effect::Hidden;
    }
    Effect::Unused {
        others,
        silent: is_silent(app),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Operation, Phase, SyncResult};

    fn pin(name: &str, tag: Option<&str>) -> Pin {
        Pin {
            name: name.to_owned(),
            new_tag: tag.map(str::to_owned),
            ..Pin::default()
        }
    }

    fn to_run(images: &[&str]) -> Vec<Managed> {
        vec![Managed {
            wanted: true,
            images: images.iter().map(|&image| image.to_owned()).collect(),
            ..Managed::default()
        }]
    }

    fn app(images: &[&str], result: Option<&[&str]>) -> AppSnapshot {
        let texts = |all: &[&str]| all.iter().map(|&image| image.to_owned()).collect();
        AppSnapshot {
            images: texts(images),
            operation: result.map(|images| Operation {
                phase: Phase::Succeeded,
                results: vec![SyncResult {
                    images: texts(images),
                    ..SyncResult::default()
                }],
                ..Operation::default()
            }),
            ..AppSnapshot::default()
        }
    }

    #[test]
    fn a_pin_has_an_effect_where_its_image_runs_or_is_to_run() {
        let v1 = pin("myorg/api", Some("v1"));
        for (runs, result, target) in [
            (&["myorg/api:v1"][..], None, &["other:v1"][..]),
            (&["mirror.corp/myorg/api:v1@sha256:aa"], None, &[]),
            (&[], None, &["myorg/api:v1"]),
            (&["myorg/api:v0"], None, &["myorg/api:v1", "myorg/api:debug"]),
            // A hook of the last sync.
            (&[], Some(&["myorg/api:v1"][..]), &["other:v1"]),
        ] {
            let seen = effect(&app(runs, result), &to_run(target), &v1);
            assert_eq!(seen, Effect::Seen, "{runs:?} {target:?}");
        }
        // An entry that says no version yet gets one.
        let none = pin("myorg/api", None);
        assert_eq!(effect(&app(&[], None), &to_run(&["myorg/api:v7"]), &none), Effect::Seen);
        let tagged = pin("myorg/api:latest", Some("v1"));
        assert_eq!(
            effect(&app(&[], None), &to_run(&["myorg/api:v1"]), &tagged),
            Effect::Seen
        );
    }

    #[test]
    fn a_pin_that_something_sets_after_it_has_none() {
        let fixed = effect(
            &app(&["myorg/api:fixed"], None),
            &to_run(&["myorg/api:fixed"]),
            &pin("myorg/api", Some("v1")),
        );
        assert_eq!(fixed, Effect::Overridden("myorg/api:fixed".to_owned()));
    }

    #[test]
    fn a_pin_that_no_workload_names_has_none_unless_it_can_be_a_hooks() {
        let v1 = pin("API_IMAGE", Some("v1"));
        let other = to_run(&["other:v1"]);
        let unused = |silent| Effect::Unused {
            others: vec!["other:v1".to_owned()],
            silent,
        };
        assert_eq!(effect(&app(&["other:v1"], None), &other, &v1), unused(false));
        assert_eq!(effect(&app(&[], Some(&["other:v1"])), &other, &v1), unused(false));
        assert_eq!(effect(&app(&[], Some(&[])), &other, &v1), unused(true));
        // Nothing is to run anything: it can only be a hook's, or an operator's.
        assert_eq!(effect(&app(&[], Some(&[])), &[], &v1), Effect::Hidden);
        assert_eq!(effect(&app(&["API_IMAGE:v0"], None), &other, &v1), Effect::Hidden);
    }
}
