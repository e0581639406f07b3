//! Which source commits lie between the images that an environment pins and those that it gets: for the gate `newer`, and for people who
//! decide about a promotion.

use std::time::Duration;

use crate::assess::gate::{Between, Descent, Replacement, Seen, Settings};
use crate::githost::{Comparison, SourceCommits};
use crate::model::{AppName, EnvironmentName, Pin, Reference};
use crate::registry::host;
use crate::report::{Relation, ReleasedCommit, ReleasedRow};

use crate::promote::ports::Reading;
use crate::promote::prepare::plan::Planned;
use crate::promote::underway::all;

/// The label with the commit that an image is built from.
/// <https://github.com/opencontainers/image-spec/blob/main/annotations.md>
const REVISION: &str = "org.opencontainers.image.revision";
/// How long a list is waited for that no gate needs.
const PATIENCE: Duration = Duration::from_secs(10);

/// An image that changes, and what its commits are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::promote) struct Wish {
    app: AppName,
    environment: EnvironmentName,
    /// What is pinned; `None` where nothing is.
    before: Option<Reference>,
    after: Reference,
    /// The source repository as `owner/name`; `None` where nobody names one.
    repository: Option<String>,
    /// Whether a registry can be asked for labels.
    labels: bool,
    /// Whether the gate needs it.
    is_gate: bool,
}

/// What was seen of an image that changes.
#[derive(Clone, Debug)]
pub(in crate::promote) struct Answer {
    pub(in crate::promote) app: AppName,
    pub(in crate::promote) environment: EnvironmentName,
    is_gate: bool,
    replaced: Replacement,
    row: Option<ReleasedRow>,
}

impl Answer {
    /// Returns what the gate judges, if there is one.
    pub(in crate::promote) fn replaced(&self) -> Option<Replacement> {
        self.is_gate.then(|| self.replaced.clone())
    }

    /// Returns the commits for the report, if they are known.
    pub(in crate::promote) fn row(&self) -> Option<ReleasedRow> {
        self.row.clone()
    }
}

/// Returns what is to be asked. `lists` = the commits are shown even where no gate needs them, as far as they are easily known.
pub(in crate::promote) fn question(
    reading: Reading<'_>,
    planned: &Planned,
    environments: &[(EnvironmentName, Settings)],
    lists: bool,
) -> Vec<Wish> {
    let config = planned.snapshot.config.as_ref();
    let own = reading.sources.and_then(SourceCommits::own);
    let has_token = reading.sources.is_some_and(SourceCommits::has_token);
    let parsed = |pin: &Pin| Reference::parse(&pin.reference()).ok();
    let mut wishes = Vec::new();
    for change in &planned.plan.changes {
        let mut here = environments.iter().filter(|(name, _)| *name == change.environment);
        let is_gate = here.any(|(_, settings)| settings.newer);
        let named = config.and_then(|config| config.apps.get(&change.app)?.source.clone());
        // A list that nobody asked for costs no request that is likely to be refused.
        let is_listed = lists && reading.sources.is_some() && (named.is_some() || (own.is_some() && has_token));
        let Some(after) = parsed(&change.after).filter(|_| is_gate || is_listed) else {
            continue;
        };
        wishes.push(Wish {
            app: change.app.clone(),
            environment: change.environment.clone(),
            before: parsed(&change.before).filter(|before| before.tag.is_some() || before.digest.is_some()),
            after,
            labels: is_gate || named.is_some(),
            repository: named.or_else(|| own.clone()),
            is_gate,
        });
    }
    wishes
}

/// Asks registries and the host of the sources.
pub(in crate::promote) async fn released(reading: Reading<'_>, planned: &Planned, question: &[Wish]) -> Vec<Answer> {
    let images = (question.iter()).flat_map(|wish| wish.before.iter().chain(std::iter::once(&wish.after)));
    let pinned = planned.plan.pins.iter();
    let mut hosts: Vec<String> = images
        .map(host)
        .chain(pinned.filter_map(|pin| Some(host(&Reference::parse(&pin.after.reference()).ok()?))))
        .collect();
    hosts.sort();
    hosts.dedup();
    // Which of them the login is for is not known, and it goes to no other one.
    let spread = reading.common.registry.login.is_some() && hosts.len() > 1;
    all(question.iter().map(|wish| of_one(reading, wish, spread))).await
}

async fn of_one(reading: Reading<'_>, wish: &Wish, spread: bool) -> Answer {
    let mut row = None;
    let mut pinned = None;
    if let Some(before) = &wish.before {
        let asked = compared(reading, wish, before, spread);
        let seen = if wish.is_gate {
            asked.await
        } else {
            tokio::select! {
                seen = Box::pin(asked) => seen,
                () = reading.ports.clock.sleep(PATIENCE) => Err("no answer in time".to_owned()),
            }
        };
        if let Ok((between, repository, Some(comparison))) = &seen {
            row = Some(listed(wish, repository, between, comparison));
        }
        pinned = Some((before.to_string(), seen.map(|(between, ..)| between)));
    }
    Answer {
        app: wish.app.clone(),
        environment: wish.environment.clone(),
        is_gate: wish.is_gate,
        replaced: Replacement {
            image: wish.after.to_string(),
            pinned,
        },
        row,
    }
}

/// Compares the commits of two images. Images of one commit need no comparison.
async fn compared(
    reading: Reading<'_>,
    wish: &Wish,
    before: &Reference,
    spread: bool,
) -> Seen<(Between, String, Option<Comparison>)> {
    let labels = wish.labels && !spread;
    let (old, new) = tokio::join!(commit(reading, before, labels), commit(reading, &wish.after, labels));
    let (old, new) = (old?, new?);
    let repository = wish.repository.clone();
    if old == new {
        let between = Between {
            before: old,
            after: new,
            descent: Descent::Identical,
        };
        return Ok((between, repository.unwrap_or_default(), None));
    }
    let setting = format!(
        "set `source` of {} in promote.yaml to the repository of its source",
        wish.app
    );
    let repository = repository.ok_or_else(|| format!("the source of {} is not known: {setting}", wish.after))?;
    let sources = (reading.sources).ok_or_else(|| {
        format!("there is no GitHub to compare {old} with {new}: neither the run nor the infra-repo is on one")
    })?;
    let comparison = sources.compare(&repository, &old, &new).await;
    let comparison = comparison.map_err(|fault| format!("{fault}; if it is another repository, {setting}"))?;
    let between = Between {
        before: old,
        after: new,
        descent: comparison.descent,
    };
    Ok((between, repository, Some(comparison)))
}

/// Finds the commit that an image is built from: in its tag, or in its label.
async fn commit(reading: Reading<'_>, image: &Reference, labels: bool) -> Seen<String> {
    let named = image.tag.as_ref().and_then(|tag| tag.commit());
    // Decimal digits alone can be a date or the number of a build.
    let is_sure = named.is_some_and(|name| name.len() == 40 || !name.bytes().all(|b| b.is_ascii_digit()));
    if let Some(name) = named.filter(|_| is_sure || !labels) {
        return Ok(name.to_owned());
    }
    if !labels {
        return Err(format!(
            "the tag of {image} names no commit, and its registry was not asked for its labels"
        ));
    }
    let found = reading.images.image(image).await.map_err(|problem| problem.to_string());
    let label = found.as_ref().ok().and_then(|seen| seen.labels.get(REVISION));
    let is_commit = |text: &&String| (7..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    match (label.filter(is_commit), named) {
        (Some(label), _) => Ok(label.clone()),
        (None, Some(name)) => Ok(name.to_owned()),
        (None, None) => {
            found?;
            Err(format!(
                "{image} names no commit: neither its tag nor its label `{REVISION}`"
            ))
        }
    }
}

fn listed(wish: &Wish, repository: &str, between: &Between, comparison: &Comparison) -> ReleasedRow {
    ReleasedRow {
        app: wish.app.to_string(),
        environment: wish.environment.to_string(),
        repository: repository.to_owned(),
        before: between.before.clone(),
        after: between.after.clone(),
        relation: match between.descent {
            Descent::Identical => Relation::Identical,
            Descent::Newer { .. } => Relation::Ahead,
            Descent::Older { .. } => Relation::Behind,
            Descent::Diverged { .. } => Relation::Diverged,
        },
        total: comparison.total,
        url: comparison.page.clone(),
        commits: (comparison.commits.iter())
            .map(|one| ReleasedCommit {
                commit: one.commit.clone(),
                subject: one.subject.clone(),
                author: one.author.clone(),
            })
            .collect(),
    }
}
