//! Going back: which versions an app has had in an environment, which of them is meant, and the plan that restores its pins. Pure: record,
//! trailers and snapshot in; plan, or the versions to choose from, out.

mod past;
#[cfg(test)]
mod tests;
mod version;

pub use past::{MOST_CANDIDATES, Past, Promoted};
pub use version::Version;

use crate::assess::history::RecordedPin;
use crate::manifest::Field;
use crate::model::{CommitSha, Parts, PinChange, RepoPath};
use crate::plan::assemble::{edit, read};
use crate::plan::message::{Message, distinct};
use crate::plan::select::Wanted;
use crate::plan::trailers::{PinTrailer, Trailers};
use crate::plan::{Identity, Overlay, Place, Plan, diff};

/// What stands in the commit of a way back, besides what changes.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The commit that is taken back.
    pub of: Option<CommitSha>,
    /// Why.
    pub reason: Option<String>,
    /// The exceptions that were made use of.
    pub allow: Vec<String>,
    /// What the database has to look like afterwards.
    pub schema: Option<String>,
}

/// Plans one commit that gives entries the tag and the digest of `wanted`, one list for each target. Nothing else changes.
///
/// # Errors
/// Every mistake: a file that cannot be read or edited, an entry that is not there.
pub fn restore(
    targets: &[(Place, Overlay)],
    wanted: &[Vec<RecordedPin>],
    account: &Account,
    identity: &Identity,
) -> Result<Plan, Vec<String>> {
    let mut mistakes = Vec::new();
    let reads = read(targets, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut all = Vec::new();
    for (target, pins) in reads.iter().zip(wanted) {
        let mut here = Vec::new();
        for pin in pins {
            let file = target.files.iter().find(|file| file.path.as_str() == pin.file);
            match file {
                Some(file) => here.push(restored(file.path.clone(), pin)),
                None => mistakes.push(format!("{} is not a file of {} any more", pin.file, target.target.app)),
            }
        }
        all.push(here);
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut plan = Plan::default();
    edit(&mut plan, &reads, &all)?;
    plan.schema.clone_from(&account.schema);
    plan.message = message(&plan.changes, account, identity);
    plan.diff = diff::diff(&plan.files);
    Ok(plan)
}

/// Returns what an entry is to become: exactly the former tag and digest.
fn restored(file: RepoPath, pin: &RecordedPin) -> Wanted {
    let parts = Parts::of(&pin.image);
    let field = |part: Option<&str>| part.map_or(Field::Remove, |part| Field::Set(part.to_owned()));
    Wanted {
        file,
        name: pin.name.clone(),
        tag: field(parts.tag),
        digest: field(parts.digest),
        create: true,
    }
}

fn message(changes: &[PinChange], account: &Account, identity: &Identity) -> Message {
    let references: Vec<String> = changes.iter().map(|change| change.after.reference()).collect();
    let apps = distinct(changes.iter().map(|change| change.app.as_str()));
    let environments = distinct(changes.iter().map(|change| change.environment.as_str()));
    let images = distinct(references.iter().map(String::as_str));
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let trailers = Trailers {
        apps: owned(&apps),
        environments: owned(&environments),
        pins: changes.iter().map(PinTrailer::from).collect(),
        rollback_of: account.of.as_ref().map(ToString::to_string),
        reason: account.reason.clone(),
        allow: account.allow.clone(),
        schema: account.schema.clone(),
        ..Message::by(identity)
    };
    let subject = format!(
        "roll back {} in {} to {}",
        apps.join(", "),
        environments.join(", "),
        images.join(", ")
    );
    Message { subject, trailers }
}
