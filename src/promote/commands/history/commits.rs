//! What the commits of the branch say: promotions that the record has no line about, pins that somebody changed otherwise, and holds.

use crate::infrarepo::{CommitInfo, MOST_COMMITS, Tip};
use crate::model::{BranchName, CommitSha, Fault, Parts, RepoPath};
use crate::plan::{Allow, Layout, PinTrailer, Place, Trailers};
use crate::report::HistoryRow;

use super::{Past, holds};
use crate::promote::prepare::overlays::find;
use crate::promote::prepare::places::of_app;
use crate::promote::prepare::record::Pair;

/// So many commits are compared at once.
const AT_ONCE: usize = 64;

impl Past<'_> {
    /// Adds the commits of the branch that the record has no line about: those with trailers, and those that changed pins without.
    pub(super) async fn add_commits(&self, pairs: &[Pair], rows: &mut Vec<HistoryRow>) -> Result<(), Fault> {
        let mut places = Vec::new();
        for pair in pairs {
            places.extend(self.files(pair).await?);
        }
        let mut branches: Vec<Option<BranchName>> = places.iter().map(|(place, _)| place.branch.clone()).collect();
        branches.sort();
        branches.dedup();
        for branch in branches {
            let here: Vec<_> = (places.iter())
                .filter(|(place, _)| place.branch == branch)
                .cloned()
                .collect();
            let tip = self.tips.on(branch.as_ref()).await?;
            self.add_commits_of(&tip, pairs, &here, rows).await?;
        }
        Ok(())
    }

    /// The same for the places of one branch.
    async fn add_commits_of(
        &self,
        tip: &Tip,
        pairs: &[Pair],
        places: &[(Place, Vec<RepoPath>)],
        rows: &mut Vec<HistoryRow>,
    ) -> Result<(), Fault> {
        let commits = self.repo.history(&tip.commit, MOST_COMMITS).await?;
        let known: Vec<(CommitSha, String, String)> = (rows.iter())
            .filter_map(|row| Some((row.commit.clone()?, row.app.clone(), row.environment.clone())))
            .collect();
        let is_known = |commit: &CommitInfo, place: &Place| {
            known.iter().any(|(sha, app, environment)| {
                *sha == commit.commit && *app == place.app.as_str() && *environment == place.environment.as_str()
            })
        };
        let mut files: Vec<RepoPath> = places.iter().flat_map(|(_, files)| files.iter().cloned()).collect();
        let pinning = files.len();
        files.push(holds::file()?);
        let mut from = 0;
        while from < commits.len() {
            let part = commits
                .get(from..commits.len().min(from + AT_ONCE + 1))
                .unwrap_or_default();
            let names: Vec<CommitSha> = part.iter().map(|commit| commit.commit.clone()).collect();
            let stands = self.repo.stands(&names, &files).await?;
            for (at, pair) in stands.windows(2).enumerate() {
                let ([newer, older], Some(commit), Some(parent)) = (pair, part.get(at), names.get(at + 1)) else {
                    continue;
                };
                if newer.get(pinning) != older.get(pinning) {
                    rows.extend(holds::rows(self.repo, commit, parent, pairs).await?);
                }
                for (place, own) in places {
                    let changed = files
                        .iter()
                        .zip(newer.iter().zip(older))
                        .any(|(file, (new, old))| own.contains(file) && new != old && old.is_some());
                    if changed && is_known(commit, place) {
                        complete(rows, commit, place, own);
                    } else if changed {
                        rows.extend(self.row(commit, parent, place, own).await?);
                    }
                }
            }
            let past_since = part
                .last()
                .is_some_and(|last| self.since.is_some_and(|since| last.at < since));
            let enough = self.since.is_none() && rows.len() >= self.job.limit && !self.job.metrics;
            if part.len() <= AT_ONCE || past_since || enough {
                break;
            }
            from += AT_ONCE;
        }
        Ok(())
    }

    /// Returns the place of a pair with the files that hold its pins; none where it has no overlay now.
    async fn files(&self, (app, environment): &Pair) -> Result<Vec<(Place, Vec<RepoPath>)>, Fault> {
        let select = of_app(&self.job.select, app.clone());
        let layout = Layout {
            select: &select,
            allow: Allow::default(),
            config: self.config,
        };
        let mut found = Vec::new();
        for place in layout.targets(std::slice::from_ref(environment)).unwrap_or_default() {
            let tip = self.tips.on(place.branch.as_ref()).await?;
            if let Ok(files) = find(self.repo, &tip, &layout, &place).await? {
                found.push((place, files));
            }
        }
        Ok(found)
    }

    /// Returns the row of a commit that changed files of a place; `None` when no pin is another one.
    async fn row(
        &self,
        commit: &CommitInfo,
        parent: &CommitSha,
        place: &Place,
        files: &[RepoPath],
    ) -> Result<Option<HistoryRow>, Fault> {
        let trailers = Trailers::read(&commit.message);
        let said = said(trailers.as_ref(), files);
        let row = |event: &str, from: Vec<String>, to: Vec<String>, by: String, run: String| HistoryRow {
            app: place.app.to_string(),
            environment: place.environment.to_string(),
            at: commit.at,
            event: event.to_owned(),
            commit: Some(commit.commit.clone()),
            from,
            to,
            by,
            run,
            reason: commit.message.lines().next().unwrap_or_default().to_owned(),
            seconds: None,
        };
        if let Some(trailers) = trailers.as_ref().filter(|_| !said.is_empty()) {
            let from = said.iter().map(|pin| pin.before.clone());
            let to = said.iter().map(|pin| pin.after.clone());
            let (by, run) = (trailers.by.clone(), trailers.run.clone());
            return Ok(Some(row("landed", from.collect(), to.collect(), by, run)));
        }
        let before = self.pins(parent, place, files).await?;
        let after = self.pins(&commit.commit, place, files).await?;
        let (mut from, mut to) = (Vec::new(), Vec::new());
        for (file, name, image) in &after {
            let old = before.iter().find(|(of, other, _)| of == file && other == name);
            if old.is_none_or(|(_, _, old)| old != image) {
                from.extend(old.map(|(_, _, old)| old.clone()));
                to.push(image.clone());
            }
        }
        let author = commit.author.split(" <").next().unwrap_or_default().to_owned();
        Ok((!to.is_empty()).then(|| row("not by promote", from, to, author, String::new())))
    }

    async fn pins(
        &self,
        at: &CommitSha,
        place: &Place,
        files: &[RepoPath],
    ) -> Result<Vec<(RepoPath, String, String)>, Fault> {
        let texts = self.repo.read(at, files).await?;
        let mut pins = Vec::new();
        for (file, text) in files.iter().zip(texts) {
            let found = text.and_then(|text| place.syntax.pins(&text).ok()).unwrap_or_default();
            let pinned = found.into_iter().filter(crate::model::Pin::is_pinned);
            pins.extend(
                pinned
                    .map(|pin| (file.clone(), pin.reference(), pin.name))
                    .map(|(file, image, name)| (file, name, image)),
            );
        }
        Ok(pins)
    }
}

/// Returns what the trailers of a commit say of the pins in some files.
fn said<'t>(trailers: Option<&'t Trailers>, files: &[RepoPath]) -> Vec<&'t PinTrailer> {
    let own = |pin: &&PinTrailer| files.iter().any(|file| file.as_str() == pin.file);
    trailers
        .into_iter()
        .flat_map(|trailers| &trailers.pins)
        .filter(own)
        .collect()
}

/// Adds to the oldest rows of a record, which has nothing before them, what their commit replaced.
fn complete(rows: &mut [HistoryRow], commit: &CommitInfo, place: &Place, files: &[RepoPath]) {
    let trailers = Trailers::read(&commit.message);
    let said = said(trailers.as_ref(), files);
    let is_about = |row: &&mut HistoryRow| {
        row.commit.as_ref() == Some(&commit.commit)
            && row.app == place.app.as_str()
            && row.environment == place.environment.as_str()
    };
    for row in rows.iter_mut().filter(is_about).filter(|row| row.from.is_empty()) {
        // An entry that the commit added has only a repository before.
        let was_pinned = |pin: &&&PinTrailer| {
            let before = Parts::of(&pin.before);
            before.tag.is_some() || before.digest.is_some()
        };
        row.from = said.iter().filter(was_pinned).map(|pin| pin.before.clone()).collect();
        if !row.from.is_empty() {
            row.to = said.iter().map(|pin| pin.after.clone()).collect();
        }
    }
}
