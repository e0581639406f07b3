//! Which environments share one folder: a change for one of them would be a change for all.

use super::message::distinct;
use super::{Allow, Layout, Place, Policy, SyncMode};
use crate::model::RepoPath;

/// Returns why apps cannot be promoted to `places` from `sources` at once: two environments of one app, or one and where it is copied from,
/// are the same folder.
#[must_use]
pub fn overlaps(places: &[Place], sources: &[Place], own_branch: bool) -> Vec<String> {
    let mut mistakes = Vec::new();
    for (at, place) in places.iter().enumerate() {
        let same = |other: &&Place| other.app == place.app && other.folder == place.folder;
        let here = |source: &&Place| source.branch == place.branch && !own_branch;
        if let Some(source) = sources.iter().find(same).filter(here) {
            mistakes.push(format!(
                "`from` is {} and `environment` is {}, but `path` makes both {}: there is nothing to copy (put {{environment}} into `path`)",
                source.environment, place.environment, place.folder
            ));
        }
        let later = places.get(at + 1..).unwrap_or_default();
        if let Some(other) = later.iter().find(same) {
            mistakes.push(format!(
                "`environment` has {} and {}, but `path` makes both {}: promote to one of them, or put {{environment}} into `path`",
                place.environment, other.environment, place.folder
            ));
        }
    }
    mistakes
}

/// Returns the places of the same app in other environments on the same branch, in the order of promote.yaml, without exceptions. Those
/// that cannot be filled are left out.
#[must_use]
pub fn others(layout: &Layout<'_>, place: &Place) -> Vec<Place> {
    let config = layout.config.filter(|_| !layout.select.own_branch);
    let known = config.map(|config| config.environments.as_slice()).unwrap_or_default();
    let plain = Layout {
        allow: Allow::default(),
        ..*layout
    };
    let asked = &layout.select.environments;
    let names = known.iter().map(|environment| &environment.name);
    let there = names
        .filter(|name| **name != place.environment && !asked.contains(name) && layout.branch(name) == place.branch);
    let places = there.flat_map(|name| plain.targets(std::slice::from_ref(name)).unwrap_or_default());
    places.filter(|other| other.app == place.app).collect()
}

/// Returns a mistake if a link leads from the folder of a place to the folder that the layout has for another app: whoever may change the
/// link would change what is not theirs. `real` is the folder without links.
#[must_use]
pub fn foreign(layout: &Layout<'_>, place: &Place, real: &RepoPath) -> Option<String> {
    if *real == place.folder {
        return None;
    }
    let known = layout
        .config
        .map(|config| config.environments.as_slice())
        .unwrap_or_default();
    let names = known.iter().map(|environment| &environment.name);
    let templates = names
        .chain([&place.environment])
        .map(|environment| layout.template(None, Some(environment)));
    let owner = templates
        .filter_map(|template| app_of(template, real))
        .find(|app| *app != place.app.as_str())?;
    Some(format!(
        "{} is a symbolic link to {real}, which is the folder of {owner}: promote {owner}, or remove the link",
        place.folder
    ))
}

/// Returns the name that stands for `{app}` in a path that a template makes.
fn app_of<'a>(template: &str, path: &'a RepoPath) -> Option<&'a str> {
    let mut app = None;
    let (mut wanted, mut there) = (
        template.split('/').filter(|part| !part.is_empty()),
        path.as_str().split('/'),
    );
    loop {
        match (wanted.next(), there.next()) {
            (None, None) => return app,
            (Some(part), Some(name)) => match (part.split_once("{app}"), part.contains('{')) {
                (Some((before, after)), _) if !before.contains('{') && !after.contains('{') => {
                    app = Some(name.strip_prefix(before)?.strip_suffix(after)?);
                }
                (_, true) => {}
                (None, false) if part == name => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// Returns a place of another environment as one that a change of `place` reaches: with the other environment's own policy, applications
/// and exceptions.
///
/// An input is about the environments that were asked for, so no input starts a sync here. `sync: never` holds for all of them.
///
/// # Errors
/// Every exception of `allow` that the other environment does not list.
pub fn reached(layout: &Layout<'_>, place: &Place, other: &Place) -> Result<Place, Vec<String>> {
    let given = layout.select.policy;
    let config = layout.config.and_then(|config| config.environment(&other.environment));
    let own = config.map(|here| here.policy).unwrap_or_default();
    let asked = Policy {
        sync: given.sync.filter(|sync| *sync == SyncMode::Never),
        prune: None,
        ..given
    };
    let mut policy = own.or(asked).resolve();
    if given.sync == Some(SyncMode::Never) {
        policy.sync = SyncMode::Never;
    }
    let checked = layout.targets(std::slice::from_ref(&other.environment))?;
    let allow = checked.first().map(|checked| checked.allow).unwrap_or_default();
    Ok(Place {
        folder: place.folder.clone(),
        syntax: place.syntax.clone(),
        images: place.images.clone(),
        reached: Some(other.folder.clone()),
        policy,
        allow,
        ..other.clone()
    })
}

/// Returns a warning if a change of a place reaches other environments as well.
#[must_use]
pub fn shared(layout: &Layout<'_>, place: &Place, reached: &[&Place]) -> Option<String> {
    if layout.select.own_branch {
        return None;
    }
    let known = layout.config.is_some_and(|config| !config.environments.is_empty());
    let template = layout.path(&place.app, &place.environment);
    if reached.is_empty() {
        return (!known && !template.contains("{environment}")).then(|| {
            format!(
                "`path` {template:?} has no {{environment}}: the change of {} for {} also changes every environment that uses this folder",
                place.folder, place.environment
            )
        });
    }
    let names: Vec<&str> = reached.iter().map(|other| other.environment.as_str()).collect();
    Some(format!(
        "the change of {} for {} also changes {}: the gates and policies there apply too",
        place.folder,
        place.environment,
        distinct(names.into_iter()).join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AppName, EnvironmentName};
    use crate::plan::{Config, Select};

    fn environments(names: &[&str]) -> Vec<EnvironmentName> {
        names.iter().map(|name| EnvironmentName::parse(name).unwrap()).collect()
    }

    fn select(path: &str) -> Select {
        Select {
            apps: vec![AppName::parse("api").unwrap(), AppName::parse("web").unwrap()],
            path: Some(path.to_owned()),
            ..Select::default()
        }
    }

    fn layout<'a>(select: &'a Select, config: Option<&'a Config>) -> Layout<'a> {
        Layout {
            select,
            allow: Allow::default(),
            config,
        }
    }

    #[test]
    fn one_folder_is_not_two_environments() {
        let select = select("apps/{app}/base");
        let layout = layout(&select, None);
        let dev = layout.targets(&environments(&["dev"])).unwrap();
        let both = layout.targets(&environments(&["dev", "staging"])).unwrap();
        let said = overlaps(&dev, &layout.targets(&environments(&["staging"])).unwrap(), false);
        assert!(said.len() == 2 && said[0].contains("`from` is staging"), "{said:?}");
        let said = overlaps(&both, &[], false);
        assert!(said.len() == 2 && said[0].contains("dev and staging"), "{said:?}");
        assert!(overlaps(&dev, &[], false).is_empty());
    }

    const SHARED: &str = "version: 1
layout: {path: \"apps/{app}/base\"}
environments:
- {name: dev, sync: trigger, allow: [skip-windows]}
- {name: qa, sync: never, allow: [skip-windows]}
- {name: prod, path: \"p/{app}\"}
";

    #[test]
    fn who_shares_a_folder_is_named() {
        let of = |path: &str| {
            let select = select(path);
            let layout = layout(&select, None);
            let places = layout.targets(&environments(&["dev"]));
            places.unwrap().iter().find_map(|place| shared(&layout, place, &[]))
        };
        let said = of("apps/{app}/base").unwrap();
        assert!(
            said.ends_with("also changes every environment that uses this folder"),
            "{said}"
        );
        assert_eq!(of("apps/{app}/{environment}"), None);
        let config = Config::parse(SHARED.as_bytes()).unwrap();
        let select = Select {
            path: None,
            ..select("")
        };
        let layout = layout(&select, Some(&config));
        let places = layout.targets(&environments(&["dev"])).unwrap();
        let others = others(&layout, &places[0]);
        let same: Vec<&Place> = others.iter().filter(|other| other.folder == places[0].folder).collect();
        let said = shared(&layout, &places[0], &same).unwrap();
        assert!(said.contains("also changes qa:"), "{said}");
        assert_eq!(shared(&layout, &places[0], &[]), None);
    }

    #[test]
    fn what_is_reached_keeps_its_own_policy_and_exceptions() {
        let config = Config::parse(SHARED.as_bytes()).unwrap();
        let mut select = Select {
            path: None,
            ..select("")
        };
        select.policy.sync = Some(SyncMode::Trigger);
        let mut layout = layout(&select, Some(&config));
        let dev = layout.targets(&environments(&["dev"])).unwrap().remove(0);
        let others = others(&layout, &dev);
        let (qa, prod) = (&others[0], &others[1]);
        let sync = |other: &Place| reached(&layout, &dev, other).map(|place| place.policy.sync);
        assert_eq!(sync(qa), Ok(SyncMode::Never));
        assert_eq!(sync(prod), Ok(SyncMode::Auto));
        let place = reached(&layout, &dev, prod).unwrap();
        assert_eq!(place.folder, dev.folder);
        assert_eq!(place.reached.as_ref().unwrap().as_str(), "p/api");
        assert!(layout.allow.skip.add("skip-windows"));
        assert!(reached(&layout, &dev, qa).is_ok());
        let said = reached(&layout, &dev, prod).unwrap_err();
        assert!(said[0].contains("skip-windows") && said[0].contains("prod"), "{said:?}");
    }
}
