//! Which environments share one folder: a change for one of them would be a change for all.

use crate::model::EnvironmentName;

use super::{Layout, Place};

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

/// Returns a warning if a place is the folder of other environments as well.
#[must_use]
pub fn shared(layout: &Layout<'_>, place: &Place) -> Option<String> {
    if layout.select.own_branch {
        return None;
    }
    let known = layout
        .config
        .map(|config| config.environments.as_slice())
        .unwrap_or_default();
    let others: Vec<EnvironmentName> = known
        .iter()
        .map(|environment| environment.name.clone())
        .filter(|name| *name != place.environment && layout.branch(name) == place.branch)
        .filter(|name| {
            let theirs = layout.targets(std::slice::from_ref(name)).unwrap_or_default();
            theirs
                .iter()
                .any(|other| other.app == place.app && other.folder == place.folder)
        })
        .collect();
    let template = layout.path(&place.app, &place.environment);
    let who = match others.as_slice() {
        [] if !known.is_empty() || template.contains("{environment}") => return None,
        [] => "every environment that uses this folder".to_owned(),
        some => {
            let names: Vec<&str> = some.iter().map(EnvironmentName::as_str).collect();
            names.join(", ")
        }
    };
    Some(format!(
        "`path` {template:?} has no {{environment}}: the change of {} for {} also changes {who}",
        place.folder, place.environment
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AppName;
    use crate::plan::{Allow, Config, Select};

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

    #[test]
    fn who_shares_a_folder_is_named() {
        let of = |path: &str, config: Option<&Config>| {
            let select = select(path);
            let layout = layout(&select, config);
            let places = layout.targets(&environments(&["dev"]));
            places.unwrap().iter().find_map(|place| shared(&layout, place))
        };
        let said = of("apps/{app}/base", None).unwrap();
        assert!(
            said.ends_with("also changes every environment that uses this folder"),
            "{said}"
        );
        assert_eq!(of("apps/{app}/{environment}", None), None);
        let config = Config::parse(
            b"version: 1\nlayout: {path: \"apps/{app}/base\"}\nenvironments: [{name: dev}, {name: qa}, {name: prod, path: \"p/{app}\"}]\n",
        )
        .unwrap();
        let select = Select {
            path: None,
            ..select("")
        };
        let layout = layout(&select, Some(&config));
        let places = layout.targets(&environments(&["dev", "prod"])).unwrap();
        let said: Vec<_> = places.iter().map(|place| shared(&layout, place)).collect();
        assert!(said[0].as_ref().unwrap().ends_with("also changes qa"), "{said:?}");
        assert_eq!(said[2], None);
    }
}
