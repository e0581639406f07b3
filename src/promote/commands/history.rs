//! `history`: what was live where, when, by whom, and how it ended. The record says it; commits with trailers and changes without them fill
//! what it does not know. Reads only.

use std::time::Duration;

use crate::assess::history::{Line, Record, figures, percentile};
use crate::infrarepo::{CommitInfo, InfraRepo, MOST_COMMITS, Tip};
use crate::model::{BranchName, CommitSha, EnvironmentName, Fault, Outcome, Parts, RepoPath, Timestamp};
use crate::plan::{Allow, Config, Layout, PinTrailer, Place, Trailers};
use crate::report::{End, HistoryRow, MetricsRow, Report};

use crate::promote::job::History;
use crate::promote::ports::Reading;
use crate::promote::prepare::announce;
use crate::promote::prepare::branches::{Tips, config};
use crate::promote::prepare::overlays::find;
use crate::promote::prepare::places::{of_app, there_are};
use crate::promote::prepare::record::{Pair, Records, read, recorded};

/// So many commits are compared at once.
const AT_ONCE: usize = 64;

/// Fills the report with the past of every app in every environment that was asked for, or that there is, the newest first.
///
/// # Errors
/// The infra-repo cannot be read, or nothing that was asked for is there.
pub(in crate::promote) async fn run(job: &History, reading: Reading<'_>, report: &mut Report) -> Result<End, Fault> {
    let Reading { ports, repo, .. } = reading;
    let tip = repo.tip().await?;
    let config = config(repo, &tip.commit).await?;
    let since = job.since.map(|since| since.from(ports.clock.wall()));
    let past = Past {
        job,
        repo,
        config: config.as_ref(),
        tip: &tip,
        tips: Tips::new(repo, &tip),
        since,
    };
    let (pairs, records) = past.records(reading).await?;
    let mut rows: Vec<HistoryRow> = records
        .iter()
        .flat_map(|(pair, record)| of_record(pair, record))
        .collect();
    past.add_commits(&pairs, &mut rows).await?;
    rows.retain(|row| since.is_none_or(|since| row.at >= since));
    // What was recorded later stands first, also within one second.
    rows.reverse();
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    let all = rows.len();
    rows.truncate(job.limit);
    if job.metrics {
        report.metrics = metrics(&records, since);
    }
    report.history = rows;
    report.infra_repo = Some(announce::at(repo, &tip, Some(&tip.commit)));
    let shown = report.history.len();
    let what = match all.checked_sub(shown) {
        _ if all == 0 => "nothing is known".to_owned(),
        Some(0) | None => format!("{all} events"),
        Some(_) => format!("the newest {shown} of {all} events"),
    };
    let reason = format!("{what}, {} at {} of {}", tip.branch, tip.commit.short(), repo.url());
    Ok(End::new(Outcome::Ok, reason))
}

struct Past<'a> {
    job: &'a History,
    repo: &'a dyn InfraRepo,
    config: Option<&'a Config>,
    tip: &'a Tip,
    tips: Tips<'a>,
    since: Option<Timestamp>,
}

impl Past<'_> {
    /// Returns the record of every pair that was asked for, or that has an overlay or a record.
    async fn records(&self, reading: Reading<'_>) -> Result<(Vec<Pair>, Vec<(Pair, Record)>), Fault> {
        let select = &self.job.select;
        let name = Config::record(self.config);
        let mut pairs: Vec<Pair> = Vec::new();
        if select.apps.is_empty() || select.environments.is_empty() {
            pairs = there_are(self.repo, select, self.config, self.tip).await?;
            if let Some(name) = &name {
                for pair in recorded(self.repo, name).await? {
                    if !pairs.contains(&pair) {
                        pairs.push(pair);
                    }
                }
            }
            pairs.retain(|(app, environment)| {
                (select.apps.is_empty() || select.apps.contains(app))
                    && (select.environments.is_empty() || select.environments.contains(environment))
            });
        } else {
            for app in &select.apps {
                let each = select.environments.iter();
                pairs.extend(each.map(|environment| (app.clone(), environment.clone())));
            }
        }
        let Some(name) = name else {
            let none = pairs.iter().map(|pair| (pair.clone(), Record::default())).collect();
            return Ok((pairs, none));
        };
        let Records { rows, .. } = read(self.repo, &name, &pairs).await?;
        for row in rows.iter().filter(|row| row.record.damaged() > 0) {
            let (app, environment) = &row.pair;
            reading.ports.journal.warn(format!(
                "{} lines of the record of {app} in {environment} cannot be read",
                row.record.damaged()
            ));
        }
        Ok((pairs, rows.into_iter().map(|row| (row.pair, row.record)).collect()))
    }

    /// Adds the commits of the branch that the record has no line about: those with trailers, and those that changed pins without.
    async fn add_commits(&self, pairs: &[Pair], rows: &mut Vec<HistoryRow>) -> Result<(), Fault> {
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
            self.add_commits_of(&tip, &here, rows).await?;
        }
        Ok(())
    }

    /// The same for the places of one branch.
    async fn add_commits_of(
        &self,
        tip: &Tip,
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
        let files: Vec<RepoPath> = places.iter().flat_map(|(_, files)| files.iter().cloned()).collect();
        if files.is_empty() {
            return Ok(());
        }
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
                for (place, own) in places {
                    let changed = files
                        .iter()
                        .zip(newer.iter().zip(older))
                        .any(|(file, (new, old))| own.contains(file) && new != old && old.is_some());
                    if changed && !is_known(commit, place) {
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
        let own = |pin: &&PinTrailer| files.iter().any(|file| file.as_str() == pin.file);
        let said: Vec<&PinTrailer> = trailers
            .iter()
            .flat_map(|trailers| &trailers.pins)
            .filter(own)
            .collect();
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

/// Returns the rows of a record, the oldest first.
fn of_record((app, environment): &Pair, record: &Record) -> Vec<HistoryRow> {
    let mut lines: Vec<&Line> = record.newest_first().collect();
    lines.reverse();
    let mut rows = Vec::new();
    let (mut now, mut before): (&[String], &[String]) = (&[], &[]);
    for line in lines {
        if line.images != now {
            (before, now) = (now, &line.images);
        }
        rows.push(HistoryRow {
            app: app.to_string(),
            environment: environment.to_string(),
            at: line.at,
            event: line.event.name().to_owned(),
            commit: line.commit.clone(),
            from: changed(before, now),
            to: changed(now, before),
            by: line.by.clone(),
            run: line.run.clone(),
            reason: line.reason.clone(),
            seconds: line.seconds,
        });
    }
    rows
}

/// Returns the images of one list that the other does not have; all of them, where the lists have no repository in common.
fn changed(images: &[String], other: &[String]) -> Vec<String> {
    let own: Vec<String> = images.iter().filter(|image| !other.contains(image)).cloned().collect();
    let common = |image: &String| {
        let parts = Parts::of(image);
        other.iter().any(|other| Parts::of(other).same_repository(&parts))
    };
    if own.is_empty() || !own.iter().any(common) {
        images.to_vec()
    } else {
        own
    }
}

/// Returns the figures of each environment.
fn metrics(records: &[(Pair, Record)], since: Option<Timestamp>) -> Vec<MetricsRow> {
    let mut environments: Vec<&EnvironmentName> = Vec::new();
    for ((_, environment), _) in records {
        if !environments.contains(&environment) {
            environments.push(environment);
        }
    }
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    let of = |environment: &&EnvironmentName| {
        let own = records.iter().filter(|((_, own), _)| own == *environment);
        let figures = figures(own.map(|(_, record)| record), since);
        MetricsRow {
            environment: environment.to_string(),
            deployments: figures.deployments,
            failures: figures.failures,
            failure_rate: share(figures.failures, figures.deployments),
            restore_median_seconds: seconds(percentile(&figures.restored, 0.5)),
            restore_p90_seconds: seconds(percentile(&figures.restored, 0.9)),
            live_median_seconds: seconds(percentile(&figures.live, 0.5)),
        }
    };
    environments.iter().map(of).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a record has far fewer lines")]
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 1000.0).round() / 1000.0)
}
