//! What registries say of the images that are promoted, for the gate `image`: all of them side by side.

use crate::assess::gate::{Found, Pulled, Seen, Settings};
use crate::model::{AppName, EnvironmentName, Pin, PinChange, Reference};
use crate::plan::Select;
use crate::registry::{Images, Problem, host};

use crate::promote::ports::Reading;
use crate::promote::prepare::earlier::{self, Step};
use crate::promote::prepare::plan::Planned;
use crate::promote::underway::all;

/// An image that is asked for, with what the environments of `after` pin in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::promote) struct Wish {
    app: AppName,
    environment: EnvironmentName,
    image: Reference,
    earlier: Vec<(EnvironmentName, Seen<Reference>)>,
}

/// What was seen of an app's image in an environment.
pub(in crate::promote) type Answer = (AppName, EnvironmentName, Pulled);

/// Returns what is to be asked.
pub(in crate::promote) async fn question(
    reading: Reading<'_>,
    select: &Select,
    planned: &Planned,
    environments: &[(EnvironmentName, Settings)],
) -> Vec<Wish> {
    let mut wishes = Vec::new();
    let mut asked = Vec::new();
    for (environment, settings) in environments {
        let Some(wanted) = &settings.image else { continue };
        for pin in planned.plan.pins.iter().filter(|pin| pin.environment == *environment) {
            let Ok(image) = Reference::parse(&pin.after.reference()) else {
                continue;
            };
            let after = settings.after.iter().filter(|_| wanted.same_as_after);
            let steps: Vec<Step> = after
                .map(|from| Step {
                    app: pin.app.clone(),
                    to: environment.clone(),
                    from: from.clone(),
                })
                .collect();
            asked.extend(steps.iter().cloned());
            wishes.push((pin, image, steps));
        }
    }
    let pinned = earlier::pins(reading.repo, select, planned, &asked).await;
    let mut pinned = pinned.into_iter();
    let wish = |(pin, image, steps): (&PinChange, Reference, Vec<Step>)| Wish {
        app: pin.app.clone(),
        environment: pin.environment.clone(),
        image,
        earlier: (steps.into_iter().zip(pinned.by_ref()))
            .map(|(step, there)| (step.from, there.and_then(|pins| same(&pin.after, &pins))))
            .collect(),
    };
    wishes.into_iter().map(wish).collect()
}

fn same(promoted: &Pin, there: &[Pin]) -> Result<Reference, String> {
    let named = |other: &&Pin| other.name == promoted.name || other.repository() == promoted.repository();
    let other = there.iter().find(named);
    let other = other.ok_or_else(|| format!("it pins no {}", promoted.repository()))?;
    Reference::parse(&other.reference()).map_err(|why| format!("{} {why}", other.reference()))
}

/// Asks the registries.
pub(in crate::promote) async fn pulled(reading: Reading<'_>, question: &[Wish]) -> Vec<Answer> {
    let mut hosts: Vec<String> = (question.iter())
        .flat_map(|wish| {
            std::iter::once(host(&wish.image)).chain(
                wish.earlier
                    .iter()
                    .filter_map(|(_, there)| Some(host(there.as_ref().ok()?))),
            )
        })
        .collect();
    hosts.sort();
    hosts.dedup();
    let spread = reading.common.registry.login.is_some() && hosts.len() > 1;
    let answers = question.iter().map(|wish| async {
        let found = if spread {
            // Which of them the login is for is not known, and it goes to no other one.
            Err(format!(
                "the images are in several registries ({}), and the login is for one",
                hosts.join(", ")
            ))
        } else {
            found(reading.images, &wish.image).await
        };
        let mut earlier = Vec::new();
        for (environment, there) in &wish.earlier {
            let digest = match there {
                Err(why) => Err(why.clone()),
                Ok(_) if spread => Err("it was not asked for".to_owned()),
                Ok(Reference {
                    digest: Some(digest), ..
                }) => Ok(digest.to_string()),
                Ok(image) => reading
                    .images
                    .digest(image)
                    .await
                    .map(|digest| digest.to_string())
                    .map_err(|problem| problem.to_string()),
            };
            earlier.push((environment.clone(), digest));
        }
        let pulled = Pulled {
            image: wish.image.to_string(),
            is_pinned: wish.image.digest.is_some(),
            found,
            earlier,
        };
        (wish.app.clone(), wish.environment.clone(), pulled)
    });
    all(answers).await
}

async fn found(images: &dyn Images, image: &Reference) -> Seen<Option<Found>> {
    match images.image(image).await {
        Ok(seen) => Ok(Some(Found {
            digest: seen.digest.to_string(),
            platforms: seen.platforms,
        })),
        Err(Problem::Missing(_)) => Ok(None),
        Err(problem) => Err(problem.to_string()),
    }
}
