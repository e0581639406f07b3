//! Reads the record: what was live where, when, and how it ended. One look at its reference and one at its files, however many there are.

use crate::assess::history::Record;
use crate::infrarepo::{EntryKind, InfraRepo};
use crate::journal::Journal;
use crate::model::{AppName, CommitSha, EnvironmentName, Fault, RefName, RepoPath};

/// An app in an environment.
pub(in crate::promote) type Pair = (AppName, EnvironmentName);

/// The record of some apps in some environments, all of it at one commit.
#[derive(Debug)]
pub(in crate::promote) struct Records {
    /// Where the reference is; `None` while nothing was recorded.
    pub(in crate::promote) at: Option<CommitSha>,
    /// One row for each pair that was asked for, in that order.
    pub(in crate::promote) rows: Vec<Row>,
}

/// The record of one app in one environment.
#[derive(Debug)]
pub(in crate::promote) struct Row {
    /// Which.
    pub(in crate::promote) pair: Pair,
    /// Its file.
    pub(in crate::promote) file: RepoPath,
    /// Whether the file is there.
    pub(in crate::promote) exists: bool,
    /// What it says; empty while nothing was recorded.
    pub(in crate::promote) record: Record,
}

impl Records {
    /// Returns the record of an app in an environment, if it was asked for.
    pub(in crate::promote) fn of(&self, app: &AppName, environment: &EnvironmentName) -> Option<&Record> {
        let row = self
            .rows
            .iter()
            .find(|row| row.pair.0 == *app && row.pair.1 == *environment)?;
        Some(&row.record)
    }

    /// Warns of lines that cannot be read.
    pub(in crate::promote) fn tell_damage(&self, journal: &dyn Journal) {
        for row in self.rows.iter().filter(|row| row.record.damaged() > 0) {
            let (app, environment) = &row.pair;
            journal.warn(format!(
                "{} lines of the record of {app} in {environment} cannot be read",
                row.record.damaged()
            ));
        }
    }
}

/// Reads the record on `name`. A reference that is not there yet, and a file that is not, is an empty record.
///
/// # Errors
/// The infra-repo cannot be read.
pub(in crate::promote) async fn read(repo: &dyn InfraRepo, name: &RefName, pairs: &[Pair]) -> Result<Records, Fault> {
    let files: Vec<RepoPath> = pairs.iter().map(file).collect::<Result<_, _>>()?;
    let at = repo.reference(name).await?;
    let texts = match &at {
        Some(at) => repo.read(at, &files).await?,
        None => Vec::new(),
    };
    let mut texts = texts.into_iter();
    let mut rows = Vec::new();
    for (pair, file) in pairs.iter().zip(files) {
        let text = texts.next().flatten();
        rows.push(Row {
            pair: pair.clone(),
            file,
            exists: text.is_some(),
            record: text.map_or_else(Record::default, |text| Record::parse(&text)),
        });
    }
    Ok(Records { at, rows })
}

/// Returns every app and environment that the record on `name` has a file of.
///
/// # Errors
/// The infra-repo cannot be read.
pub(in crate::promote) async fn recorded(repo: &dyn InfraRepo, name: &RefName) -> Result<Vec<Pair>, Fault> {
    let Some(at) = repo.reference(name).await? else {
        return Ok(Vec::new());
    };
    let mut pairs = Vec::new();
    let folders = repo.list(&at, &root()?).await?.unwrap_or_default();
    for folder in folders.iter().filter(|entry| entry.kind == EntryKind::Folder) {
        let (Ok(environment), Ok(path)) = (EnvironmentName::parse(&folder.name), RepoPath::parse(&folder.name)) else {
            continue;
        };
        for entry in repo.list(&at, &path).await?.unwrap_or_default() {
            let app = entry.name.strip_suffix(".jsonl").map(AppName::parse);
            if let Some(Ok(app)) = app.filter(|_| entry.kind == EntryKind::File) {
                pairs.push((app, environment.clone()));
            }
        }
    }
    Ok(pairs)
}

pub(in crate::promote) fn root() -> Result<RepoPath, Fault> {
    RepoPath::parse("").map_err(Fault::bug)
}

fn file((app, environment): &Pair) -> Result<RepoPath, Fault> {
    RepoPath::parse(&format!("{environment}/{app}.jsonl"))
        .map_err(|why| Fault::bug(format!("a file of the record {why}")))
}
