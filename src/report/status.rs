//! The rows of `status`: what is pinned where, since when, and how it runs; as a table for people.

use serde::Serialize;

use super::columns::columns;
use super::mark::Mark;
use super::rows::{RolloutRow, Texts};
use crate::model::{CommitSha, Health, Parts, SyncState, Timestamp, counted};

/// One app in one environment.
#[derive(Clone, Debug, Serialize)]
pub struct StatusRow {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The cluster, where each has a folder of its own; else `None`.
    pub cluster: Option<String>,
    /// The references that are pinned.
    pub images: Vec<String>,
    /// What `commit` replaced, as references; empty where it is not known, or where nothing was pinned before.
    pub previous: Vec<String>,
    /// The commit that last changed one of the pins, whoever made it; `None` when it is not among the last 500.
    pub commit: Option<CommitSha>,
    /// When that was, as RFC 3339.
    pub at: Option<Timestamp>,
    /// How long ago, in seconds.
    pub age_seconds: Option<u64>,
    /// Who triggered it.
    pub by: Option<String>,
    /// The worst of its applications; `None` when no server was asked.
    pub sync: Option<SyncState>,
    /// The worst health of its applications; `None` when no server was asked.
    pub health: Option<Health>,
    /// The pinned references that are not among what its applications run.
    pub not_running: Vec<String>,
    /// Whether every application runs what is pinned, synced and healthy, by the rules of `wait`; `None` when none was read.
    pub live: Option<bool>,
    /// Why it is not live; `None` when it is, or when no application was read.
    pub reason: Option<String>,
    /// The environments of the same app that pin something else.
    pub differs_from: Vec<String>,
    /// The environments of the same app that have had its version and have gone on since.
    pub behind: Vec<BehindRow>,
    /// Its canary, while one is under way.
    pub rollout: Option<RolloutRow>,
}

/// How far an environment is behind another one.
#[derive(Clone, Debug, Serialize)]
pub struct BehindRow {
    /// The other environment.
    pub environment: String,
    /// How many versions that one has had since.
    pub by: usize,
}

impl Texts for StatusRow {
    fn texts(&mut self) -> Vec<&mut String> {
        let mut texts = vec![&mut self.app, &mut self.environment];
        texts.extend(&mut self.cluster);
        let Self {
            images,
            previous,
            not_running,
            differs_from,
            ..
        } = self;
        for list in [images, previous, not_running, differs_from] {
            texts.extend(list);
        }
        texts.extend(self.behind.iter_mut().map(|behind| &mut behind.environment));
        texts.extend(self.rollout.iter_mut().flat_map(Texts::texts));
        texts.extend(&mut self.by);
        texts.extend(&mut self.reason);
        texts
    }
}

/// Says in one line how the worst of the rows stands, with its mark.
pub(super) fn verdict(rows: &[StatusRow]) -> (Mark, String) {
    let seen: Vec<(Health, SyncState, &StatusRow)> = (rows.iter())
        .filter_map(|row| Some((row.health?, row.sync?, row)))
        .collect();
    let of = rows.len();
    let Some((health, sync, worst)) = seen.iter().max_by_key(|(health, sync, _)| (*health, *sync)) else {
        return (
            Mark::Shown,
            format!("{}, without their state in Argo CD", counted(of, "overlay")),
        );
    };
    let place = format!("{} in {}", worst.app, worst.environment);
    let is_green = (*health, *sync) == (Health::Healthy, SyncState::Synced);
    if !is_green && seen.iter().all(|(_, _, row)| row.live == Some(true)) {
        let state = if *health == Health::Healthy {
            sync.to_string()
        } else {
            health.to_string()
        };
        return (
            Mark::Good,
            format!("{} of {of} run what is pinned; {place} is {state}", seen.len()),
        );
    }
    let (mark, what) = match (health, sync) {
        (Health::Healthy, SyncState::Synced) => {
            let are = if seen.len() == 1 { "is" } else { "are" };
            return match rows.iter().find(|row| !row.not_running.is_empty()) {
                Some(row) => (
                    Mark::Unwatched,
                    format!("{} in {} does not run what is pinned", row.app, row.environment),
                ),
                None => (Mark::Good, format!("{} of {of} {are} synced and healthy", seen.len())),
            };
        }
        (Health::Healthy, sync) => (Mark::Unwatched, sync.to_string()),
        (Health::Suspended | Health::Progressing, _) => (Mark::Unwatched, health.to_string()),
        (Health::Missing | Health::Degraded | Health::Unknown, _) => (Mark::Bad, health.to_string()),
    };
    let such = seen.iter().filter(|(other, _, _)| other == health).count();
    let others = match such {
        0 | 1 => String::new(),
        _ if *health == Health::Healthy => String::new(),
        many => format!(", {} more {health}", many - 1),
    };
    (mark, format!("{place} is {what}{others}"))
}

/// The head of a column, and its cell in a row.
type Column = (&'static str, fn(&StatusRow) -> String);

/// All columns, in their order.
const COLUMNS: [Column; 10] = [
    ("app", |row| row.app.clone()),
    ("environment", environment),
    ("image", image),
    ("previous", previous),
    ("since", since),
    ("by", |row| row.by.clone().unwrap_or_default()),
    ("commit", |row| {
        row.commit.as_ref().map_or("?", CommitSha::short).to_owned()
    }),
    ("Argo CD", engine),
    ("canary", canary),
    ("differs from", |row| drift(row).join(", ")),
];

/// Returns the table as text.
pub(super) fn table(rows: &[StatusRow]) -> String {
    let (heads, cells) = cells(rows);
    let heads = heads.into_iter().map(str::to_owned).collect();
    let rows: Vec<_> = std::iter::once(heads).chain(cells).collect();
    columns(&rows).join("\n")
}

/// Returns the heads and the cells of the columns that at least one row fills.
pub(super) fn cells(rows: &[StatusRow]) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let filled: Vec<_> = (COLUMNS.iter())
        .filter(|(_, cell)| rows.iter().any(|row| !cell(row).is_empty()))
        .collect();
    let heads = filled.iter().map(|(head, _)| *head).collect();
    let row = |row| filled.iter().map(|(_, cell)| cell(row)).collect();
    (heads, rows.iter().map(row).collect())
}

fn environment(row: &StatusRow) -> String {
    match &row.cluster {
        Some(cluster) => format!("{} ({cluster})", row.environment),
        None => row.environment.clone(),
    }
}

fn image(row: &StatusRow) -> String {
    if row.images.is_empty() {
        return "(nothing pinned)".to_owned();
    }
    let images: Vec<String> = row.images.iter().map(|image| short(image)).collect();
    images.join(", ")
}

/// Returns what was pinned before; without the repository where that is the one of an image that is pinned now.
fn previous(row: &StatusRow) -> String {
    let each = row.previous.iter().map(|before| {
        let repository = Parts::of(before).repository;
        let kept = row.images.iter().any(|image| Parts::of(image).repository == repository);
        let text = short(before);
        match text.get(repository.len() + 1..) {
            Some(version) if kept => version.to_owned(),
            _ => text,
        }
    });
    each.collect::<Vec<_>>().join(", ")
}

fn since(row: &StatusRow) -> String {
    row.age_seconds
        .map_or_else(|| "?".to_owned(), |seconds| format!("{} ago", age(seconds)))
}

fn engine(row: &StatusRow) -> String {
    let (Some(sync), Some(health)) = (&row.sync, &row.health) else {
        return String::new();
    };
    let not_running = if row.not_running.is_empty() {
        ""
    } else {
        ", not running it"
    };
    format!("{sync}, {health}{not_running}")
}

fn canary(row: &StatusRow) -> String {
    row.rollout
        .as_ref()
        .map_or_else(String::new, |rollout| format!("at {}%", rollout.weight))
}

/// Returns the environments that a row differs from, with how far it is behind where that is known.
fn drift(row: &StatusRow) -> Vec<String> {
    let each = row.differs_from.iter().map(|name| {
        let behind = row.behind.iter().find(|behind| behind.environment == *name);
        behind.map_or_else(|| name.clone(), |behind| format!("{name} ({} behind)", behind.by))
    });
    each.collect()
}

/// Returns a reference with its digest cut to twelve digits.
pub(super) fn short(image: &str) -> String {
    let parts = image
        .split_once('@')
        .and_then(|(name, digest)| Some((name, digest.split_once(':')?)));
    match parts {
        Some((name, (algorithm, digest))) => {
            format!("{name}@{algorithm}:{}…", digest.get(..12).unwrap_or(digest))
        }
        None => image.to_owned(),
    }
}

/// Returns an age in its largest unit: `3d`, `5h`, `12m`, `40s`.
pub(super) fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(app: &str, state: Option<(SyncState, Health)>) -> StatusRow {
        StatusRow {
            app: app.to_owned(),
            environment: "dev".to_owned(),
            cluster: None,
            images: vec!["myorg/api:v1".to_owned()],
            previous: Vec::new(),
            commit: None,
            at: None,
            age_seconds: None,
            by: None,
            sync: state.map(|(sync, _)| sync),
            health: state.map(|(_, health)| health),
            not_running: Vec::new(),
            live: state.map(|(sync, health)| (sync, health) == (SyncState::Synced, Health::Healthy)),
            reason: None,
            differs_from: Vec::new(),
            behind: Vec::new(),
            rollout: None,
        }
    }

    #[test]
    fn the_heading_says_the_worst() {
        let good = || row("api", Some((SyncState::Synced, Health::Healthy)));
        let with = |sync, health| verdict(&[good(), row("web", Some((sync, health)))]);
        assert_eq!(
            verdict(&[good(), good()]),
            (Mark::Good, "2 of 2 are synced and healthy".to_owned())
        );
        assert_eq!(
            with(SyncState::Synced, Health::Degraded),
            (Mark::Bad, "web in dev is Degraded".to_owned())
        );
        assert_eq!(
            with(SyncState::OutOfSync, Health::Healthy),
            (Mark::Unwatched, "web in dev is OutOfSync".to_owned())
        );
        assert_eq!(with(SyncState::Synced, Health::Progressing).0, Mark::Unwatched);
        assert_eq!(verdict(&[row("api", None)]).0, Mark::Shown);
        let mut drifting = row("web", Some((SyncState::OutOfSync, Health::Healthy)));
        drifting.live = Some(true);
        assert_eq!(
            verdict(&[good(), drifting]),
            (
                Mark::Good,
                "2 of 2 run what is pinned; web in dev is OutOfSync".to_owned()
            )
        );
        let mut other = good();
        other.not_running = vec!["myorg/api:v1".to_owned()];
        assert_eq!(verdict(&[good(), other]).0, Mark::Unwatched);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = StatusRow {
            app: "api".to_owned(),
            environment: "production".to_owned(),
            cluster: None,
            images: vec!["myorg/api:v1".to_owned()],
            previous: Vec::new(),
            commit: CommitSha::parse(&"0123456789".repeat(4)),
            at: None,
            age_seconds: Some(90),
            by: None,
            sync: Some(SyncState::Synced),
            health: Some(Health::Healthy),
            not_running: vec!["myorg/api:v1".to_owned()],
            live: Some(false),
            reason: Some("api-dev does not run myorg/api:v1".to_owned()),
            differs_from: vec!["dev".to_owned()],
            behind: Vec::new(),
            rollout: None,
        };
        let text = table(&[row]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].find("image"), lines[1].find("myorg"));
        assert!(
            lines[1].contains("1m ago  0123456  Synced, Healthy, not running it  dev"),
            "{text}"
        );
    }
}
