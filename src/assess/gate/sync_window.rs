//! `sync-window`: Argo CD's own sync windows let every application be synced now.

use super::{Evidence, Gate, Reading, Seen, Settings};
use crate::assess::window;
use crate::model::{SyncWindows, WindowKind};

/// The row of the table.
pub(super) const GATE: Gate = Gate {
    name: "sync-window",
    skip: Some("skip-sync-window"),
    is_set: |settings, evidence| {
        let server = evidence.places.iter().any(|place| place.deployed.is_some());
        settings.sync_window.unwrap_or(server)
    },
    judge,
};

/// What was seen of an application that deploys an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// Its name.
    pub name: String,
    /// Whether Argo CD syncs it by itself.
    pub automated: bool,
    /// Whether nobody syncs it in this run: with `sync: never` the time of the sync is somebody else's choice.
    pub left_alone: bool,
    /// Its windows; `None` for an application that does not exist yet.
    pub windows: Option<Seen<SyncWindows>>,
}

fn judge(evidence: &Evidence, _: &Settings) -> Reading {
    evidence.each(|place| match &place.deployed {
        None => Reading::Unknown("no `argocd-server` is set, so the sync windows are not known".to_owned()),
        Some(all) => Reading::all(&all.iter().map(|one| of(one, evidence)).collect::<Vec<_>>()),
    })
}

fn of(app: &Deployed, evidence: &Evidence) -> Reading {
    let name = &app.name;
    if app.left_alone {
        return Reading::Open(format!("{name}: `sync` is `never`"));
    }
    let windows = match &app.windows {
        None => return Reading::Open(format!("{name} does not exist yet")),
        Some(Err(why)) => return Reading::Unknown(format!("the sync windows of {name} could not be read: {why}")),
        Some(Ok(windows)) => windows,
    };
    if windows.assigned.is_empty() {
        return Reading::Open(format!("{name} has no sync window"));
    }
    // What the server says of now counts now; what its schedules say counts later.
    let open = if evidence.now <= evidence.at {
        window::is_open_now(windows, app.automated)
    } else {
        window::is_open_at(windows, app.automated, evidence.now).unwrap_or(false)
    };
    if open {
        return Reading::Open(format!("the sync windows of {name} permit a sync"));
    }
    let why = format!("a sync window of {name} is closed: {}", listed(windows));
    match window::opens(windows, app.automated, evidence.now) {
        Some(at) => Reading::until(why, at),
        None => Reading::closed(why, "change the sync windows of the application's project in Argo CD"),
    }
}

fn listed(windows: &SyncWindows) -> String {
    let denies: Vec<String> = (windows.active.iter())
        .filter(|window| window.kind == WindowKind::Deny)
        .map(|window| format!("deny `{}` for {}", window.schedule, window.duration))
        .collect();
    if !denies.is_empty() {
        return denies.join(", ");
    }
    let allows = windows
        .assigned
        .iter()
        .filter(|window| window.kind == WindowKind::Allow);
    let allows: Vec<String> = allows
        .map(|window| format!("allow `{}` for {}", window.schedule, window.duration))
        .collect();
    format!("outside {}", allows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, evidence};
    use super::*;
    use crate::assess::window::tests::window;

    fn read(now: &str, app: Deployed) -> Reading {
        let mut evidence = evidence(now);
        evidence.places[0].deployed = Some(vec![app]);
        judge(&evidence, &Settings::default())
    }

    fn app(active: bool) -> Deployed {
        let night = window(WindowKind::Deny, "0 22 * * *", "8h");
        Deployed {
            name: "api-production".to_owned(),
            automated: true,
            left_alone: false,
            windows: Some(Ok(SyncWindows {
                manual_possible: !active,
                active: active.then(|| night.clone()).into_iter().collect(),
                assigned: vec![night],
            })),
        }
    }

    #[test]
    fn it_is_closed_until_the_window_opens() {
        let closed = read("2026-11-24T23:30:00Z", app(true));
        assert_eq!(closed.opens_at(), Some(at("2026-11-25T06:00:00Z")));
        assert!(closed.why().contains("deny `0 22 * * *` for 8h"), "{}", closed.why());
        assert!(read("2026-11-24T12:00:00Z", app(false)).is_open());
    }

    #[test]
    fn it_is_open_where_nobody_syncs_and_unknown_where_nothing_was_read() {
        let alone = Deployed {
            left_alone: true,
            ..app(true)
        };
        assert!(read("2026-11-24T23:30:00Z", alone).is_open());
        let new = Deployed {
            windows: None,
            ..app(true)
        };
        assert!(read("2026-11-24T23:30:00Z", new).is_open());
        let unread = Deployed {
            windows: Some(Err("403".to_owned())),
            ..app(true)
        };
        assert!(matches!(read("2026-11-24T23:30:00Z", unread), Reading::Unknown(_)));
        let without = judge(&evidence("2026-11-24T23:30:00Z"), &Settings::default());
        assert!(matches!(without, Reading::Unknown(_)));
    }
}
