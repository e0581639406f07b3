//! Which holds are about a place under other names: one file can be that of several apps and environments, and `path` can call any file
//! that of any app. A hold is about a file's pins, whatever a run calls them.

use super::reading::{Alias, Hold, Holds, Of};
use crate::model::{AppName, EnvironmentName, Repository};
use crate::plan::{Allow, Layout, Place, Select};

impl Holds {
    /// Lets each hold count at the `places` whose folder is that of the app and environment that it names: by the layout, or by the layout
    /// without the run's own `path`.
    #[must_use]
    pub fn reaching(mut self, layout: &Layout<'_>, places: &[Place]) -> Self {
        if let Self::Read(holds) = &mut self {
            for hold in holds {
                hold.also = places.iter().filter_map(|place| alias(hold, layout, place)).collect();
            }
        }
        self
    }
}

/// Returns a place that a hold is about though it names another.
fn alias(hold: &Hold, layout: &Layout<'_>, place: &Place) -> Option<Alias> {
    if hold.app.is(place.app.as_str()) && hold.environment.is(place.environment.as_str()) {
        return None;
    }
    let app = match &hold.app {
        Of::Every => place.app.clone(),
        Of::One(name) => AppName::parse(name).ok()?,
    };
    let environment = match &hold.environment {
        Of::Every => place.environment.clone(),
        Of::One(name) => EnvironmentName::parse(name).ok()?,
    };
    is_there(layout, place, &app, &environment).then(|| Alias {
        app: place.app.clone(),
        environment: place.environment.clone(),
        images: images(layout, &app),
    })
}

/// Whether the folder of an app in an environment is that of a place.
fn is_there(layout: &Layout<'_>, place: &Place, app: &AppName, environment: &EnvironmentName) -> bool {
    if layout.select.own_branch && *environment != place.environment {
        return false;
    }
    let given = Select {
        apps: vec![app.clone()],
        ..layout.select.clone()
    };
    let plain = Select {
        path: None,
        format: None,
        ..given.clone()
    };
    [given, plain].iter().any(|select| {
        let layout = Layout {
            select,
            allow: Allow::default(),
            config: layout.config,
        };
        let there = layout.targets(std::slice::from_ref(environment)).unwrap_or_default();
        there
            .iter()
            .any(|other| other.folder == place.folder && other.branch == place.branch)
    })
}

/// Returns the images that promote.yaml gives an app; empty where it names none.
fn images(layout: &Layout<'_>, app: &AppName) -> Vec<Repository> {
    let known = layout.config.and_then(|config| config.apps.get(app));
    known.map(|app| app.images.clone()).unwrap_or_default()
}
