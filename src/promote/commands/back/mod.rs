//! Going back: from what is asked for to a commit that restores earlier pins, and on until they are live. `rollback` and the end of a promotion
//! that failed share it.

mod carry;
mod choose;
mod past;
mod schema;

pub(in crate::promote) use carry::{Done, carry_out};

use crate::assess::history::RecordedPin;
use crate::infrarepo::{FileEdit, FileMode};
use crate::model::{AppName, CommitName, CommitSha, EnvironmentName, Fault, PinChange, RepoPath, Timestamp};
use crate::plan::holds::{self, HoldEdit, NewHold, Of, Pinned};
use crate::plan::undo::{self, Account};
use crate::plan::{Allow, Plan, Select};

use crate::promote::commands::back::past::Known;
use crate::promote::commands::back::schema::Schema;
use crate::promote::followee::Followee;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::{self, Evidence};
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::snapshot::{Asked, Snapshot, snapshot};
use crate::promote::proposal::Proposal;

/// What to go back to.
#[derive(Clone, Copy, Debug)]
pub(in crate::promote) enum To<'a> {
    /// The newest version that is known to be good.
    KnownGood,
    /// The version with this tag, digest or reference.
    Version(&'a str),
    /// What was pinned before this commit.
    Commit(&'a CommitName),
    /// What a promotion of this run replaced, by its commit.
    Replaced(&'a [PinChange], &'a CommitSha),
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::promote) struct Aim<'a> {
    /// Which apps in which environments.
    pub(in crate::promote) select: &'a Select,
    /// What to go back to.
    pub(in crate::promote) to: To<'a>,
    /// Why.
    pub(in crate::promote) reason: Option<&'a str>,
    /// Whether what is taken back is held.
    pub(in crate::promote) hold: bool,
    /// What the database looks like now.
    pub(in crate::promote) schema: Option<&'a str>,
    /// The exceptions that are asked for.
    pub(in crate::promote) allow: Allow,
}

/// The version that is meant for an app in an environment.
#[derive(Debug)]
struct Choice {
    app: AppName,
    environment: EnvironmentName,
    /// The entries as they are to be.
    pins: Vec<RecordedPin>,
    /// Why these, as the end of a sentence.
    reason: String,
    /// Whether the app never had it there, as far as is known.
    unknown: bool,
    /// What the database has to look like for what is pinned, and for the version; `None` where nothing changes.
    schema: Option<(Option<String>, Option<String>)>,
}

impl Choice {
    fn why(self) -> String {
        format!("{} in {}: {}", self.app, self.environment, self.reason)
    }
}

/// A way back, prepared against a tip.
pub(in crate::promote) struct Back {
    /// The plan with its snapshot.
    pub(in crate::promote) planned: Planned,
    /// The applications that will be followed, as they are before anything is written.
    pub(in crate::promote) followees: Vec<Followee>,
    /// The commit that is taken back.
    pub(in crate::promote) of: Option<CommitSha>,
    /// When that commit was made, if it is known.
    pub(in crate::promote) of_at: Option<Timestamp>,
    /// Why this version, one sentence for each app in each environment.
    pub(in crate::promote) why: Vec<String>,
    /// Whether the database has to change: `true`, `false` or `unknown`.
    pub(in crate::promote) schema_changed: &'static str,
    /// What forbids it: `dry-run` shows it.
    pub(in crate::promote) forbidden: Option<Fault>,
    /// The references that are held with the commit.
    pub(in crate::promote) held: Vec<String>,
}

/// Reads the tip, decides which version is meant, and plans its return.
///
/// # Errors
/// No version fits (`refused`, with those there are), the files do not (`invalid`), a server gives no answer, or the run was cancelled.
pub(in crate::promote) async fn prepare(
    aim: &Aim<'_>,
    reading: Reading<'_>,
    evidence: &mut Evidence,
) -> Result<Proposal<Back>, Fault> {
    let Reading {
        common, ports, repo, ..
    } = reading;
    let mut snapshot = snapshot(
        repo,
        Asked {
            allow: aim.allow,
            ..Asked::all_of(aim.select)
        },
    )
    .await?;
    let known = Known::read(repo, &snapshot, ports.journal).await?;
    let now = ports.clock.wall();
    let choices = choose::all(aim, reading, &snapshot, &known, now).await?;
    let of = known.taken_back(aim, repo, &snapshot, &choices).await;
    let of_at = known.commits.iter().find(|commit| Some(&commit.commit) == of.as_ref());
    let of_at = of_at.map(|commit| commit.at);
    let schema = Schema::of(&choices);
    for notice in schema.notices(aim.schema) {
        ports.journal.warn(notice);
    }
    let account = account(aim, &choices, of.clone(), &schema);
    let wanted: Vec<Vec<RecordedPin>> = choices.iter().map(|choice| choice.pins.clone()).collect();
    let plan = undo::restore(&snapshot.places, &wanted, &account, &common.identity);
    let mut plan = plan.map_err(|mistakes| Fault::mistakes(&mistakes))?;
    snapshot.join(&mut plan);
    let mut edits = edits(&plan);
    let forbidden = schema
        .forbids(aim.schema)
        .or_else(|| held_elsewhere(&snapshot, &plan, now));
    let held = if aim.hold && !plan.changes.is_empty() {
        hold(aim, &plan, &known, reading, &mut edits)?
    } else {
        Vec::new()
    };
    let tip = snapshot.tip.clone();
    let message = plan.message.to_string();
    let planned = Planned { snapshot, plan };
    let followees = match reading.observe {
        Some(observe) => applications::look(observe, repo, ports.clock, &planned, evidence).await?,
        None => Vec::new(),
    };
    Ok(Proposal {
        tip,
        edits,
        message,
        of: Back {
            planned,
            followees,
            of,
            of_at,
            why: choices.into_iter().map(Choice::why).collect(),
            schema_changed: schema.changed(),
            forbidden,
            held,
        },
    })
}

fn account(aim: &Aim<'_>, choices: &[Choice], of: Option<CommitSha>, schema: &Schema) -> Account {
    let unknown = choices.iter().any(|choice| choice.unknown);
    Account {
        of,
        reason: aim.reason.map(str::to_owned),
        allow: unknown.then(|| "unknown-version".to_owned()).into_iter().collect(),
        schema: schema.target(),
    }
}

fn edits(plan: &Plan) -> Vec<FileEdit> {
    let files = plan.files.iter();
    files
        .map(|file| FileEdit::Write {
            path: file.path.clone(),
            content: file.after.clone(),
        })
        .collect()
}

impl Proposal<Back> {
    /// Lets only pass what nothing forbids.
    ///
    /// # Errors
    /// What forbids it.
    pub(in crate::promote) fn allowed(mut self) -> Result<Self, Fault> {
        match self.of.forbidden.take() {
            Some(fault) if !self.edits.is_empty() => Err(fault),
            _ => Ok(self),
        }
    }
}

/// Returns what forbids to go back to a version that another environment holds, which the change reaches.
fn held_elsewhere(snapshot: &Snapshot, plan: &Plan, now: Timestamp) -> Option<Fault> {
    let places = snapshot.places.iter().map(|(place, _)| place);
    for place in places.filter(|place| place.reached.is_some()) {
        let (app, environment) = (&place.app, &place.environment);
        for change in plan.changes.iter().filter(|change| place.has(change)) {
            let image = change.after.reference();
            let of = Pinned {
                app,
                environment,
                name: change.name(),
                image: &image,
            };
            if let Some(held) = snapshot.holds.holding(of, now) {
                let why = format!("{image} of {app} in {environment}, which has the same folder, is {held}");
                return Some(Fault::refused(why).hint("choose another version with `to`, or run `promote release`"));
            }
        }
    }
    None
}

/// Adds the hold of each image that goes to the commit. Returns their references.
fn hold(
    aim: &Aim<'_>,
    plan: &Plan,
    known: &Known,
    reading: Reading<'_>,
    edits: &mut Vec<FileEdit>,
) -> Result<Vec<String>, Fault> {
    let changes = plan.changes.iter().filter(|change| change.before.is_pinned());
    let new: Vec<NewHold> = changes
        .map(|change| NewHold {
            app: Of::One(change.app.to_string()),
            environment: Of::One(change.environment.to_string()),
            image: Some(change.before.reference()),
            reason: match aim.reason {
                Some(reason) => reason.to_owned(),
                None => format!("rolled back to {}", change.after.reference()),
            },
            by: reading.common.identity.by.clone(),
            since: reading.ports.clock.wall(),
            until: None,
        })
        .collect();
    let edit = holds::add(known.holds_file.as_deref(), &new, &|text| {
        reading.ports.journal.hide(text)
    });
    let edit = edit.map_err(|why| Fault::invalid(why).hint("repair the file, or set `hold: false`"))?;
    if let HoldEdit::Changed(content) = edit {
        let path = RepoPath::parse(holds::FILE).map_err(Fault::bug)?;
        edits.push(if known.holds_file.is_some() {
            FileEdit::Write { path, content }
        } else {
            let mode = FileMode::Plain;
            FileEdit::Create { path, content, mode }
        });
    }
    Ok(new.into_iter().filter_map(|hold| hold.image).collect())
}
