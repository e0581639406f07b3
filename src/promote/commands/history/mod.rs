//! `history`: what was live where, when, by whom, and how it ended. The record says it; commits with trailers and changes without them fill
//! what it does not know. Reads only.

mod commits;
mod holds;
mod rows;

use crate::assess::history::Record;
use crate::infrarepo::{InfraRepo, Tip};
use crate::model::{AppName, EnvironmentName, Fault, Outcome, Timestamp, counted};
use crate::plan::Config;
use crate::report::{End, HistoryRow, Report};

use crate::promote::job::History;
use crate::promote::ports::Reading;
use crate::promote::prepare::announce;
use crate::promote::prepare::branches::{Tips, config};
use crate::promote::prepare::names::Names;
use crate::promote::prepare::places::there_are;
use crate::promote::prepare::record::{Pair, read, recorded};
use rows::{metrics, of_record};

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
    // What was recorded later stands first, also within one second; commits come that way.
    rows.reverse();
    past.add_commits(&pairs, &mut rows).await?;
    past.check_names(&rows).await?;
    rows.retain(|row| since.is_none_or(|since| row.at >= since));
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
        Some(0) | None => counted(all, "event"),
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
    /// Returns every pair that has an overlay or a record.
    async fn all(&self) -> Result<Vec<Pair>, Fault> {
        let mut pairs = there_are(self.repo, &self.job.select, self.config, self.tip).await?;
        if let Some(name) = Config::record(self.config) {
            for pair in recorded(self.repo, &name).await? {
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
        Ok(pairs)
    }

    /// Checks the names that were asked for, if one of them has no past.
    ///
    /// # Errors
    /// The infra-repo has no such name.
    async fn check_names(&self, rows: &[HistoryRow]) -> Result<(), Fault> {
        let select = &self.job.select;
        let has_past = |app: Option<&AppName>, environment: Option<&EnvironmentName>| {
            rows.iter().any(|row| {
                app.is_none_or(|app| row.app == app.as_str())
                    && environment.is_none_or(|environment| row.environment == environment.as_str())
            })
        };
        if select.apps.iter().all(|app| has_past(Some(app), None))
            && (select.environments.iter()).all(|environment| has_past(None, Some(environment)))
        {
            return Ok(());
        }
        Names::new(self.repo, self.tip, &self.all().await?, self.config).check_select(select)
    }

    /// Returns the record of every pair that was asked for, or that has an overlay or a record.
    async fn records(&self, reading: Reading<'_>) -> Result<(Vec<Pair>, Vec<(Pair, Record)>), Fault> {
        let select = &self.job.select;
        let name = Config::record(self.config);
        let mut pairs: Vec<Pair> = Vec::new();
        if select.apps.is_empty() || select.environments.is_empty() {
            pairs = self.all().await?;
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
        let records = read(self.repo, &name, &pairs).await?;
        records.tell_damage(reading.ports.journal);
        Ok((
            pairs,
            records.rows.into_iter().map(|row| (row.pair, row.record)).collect(),
        ))
    }
}
