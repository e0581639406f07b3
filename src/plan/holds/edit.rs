//! Adds holds to the text of the file, and removes some. Every other byte stays.

use super::image::HeldImage;
use super::reading::{Hold, Of, records as read};
use crate::manifest::records;
use crate::model::Timestamp;

/// What a file begins with that did not exist.
const HEADER: &str = "# What must not be promoted. People and promote write here: `promote hold` adds entries, `promote release` removes them.\n";

/// A hold to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHold {
    /// Whose images.
    pub app: Of,
    /// Where.
    pub environment: Of,
    /// Which images: a tag, digest or reference; `None` = all.
    pub image: Option<String>,
    /// Why.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

/// A text before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldEdit {
    /// Nothing was left to do.
    Unchanged,
    /// The new text.
    Changed(Vec<u8>),
}

/// What a release removes: entries of exactly this app and environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// Whose; `*` is the entries that say `*`.
    pub app: Of,
    /// Where; likewise.
    pub environment: Of,
    /// The entries about this image; `None` = those that hold everything, so that the end of a freeze does not bring back versions that
    /// were rolled back.
    pub image: Option<HeldImage>,
}

/// Adds holds to the text of the file; `None` = there is no file yet. Leaves out what an entry already says that is not expired and
/// does not end earlier. `hide` takes the secrets of the run out of the reason and the author.
///
/// # Errors
/// The file cannot be read or edited, with the line, as a sentence without a full stop.
pub fn add(text: Option<&[u8]>, holds: &[NewHold], hide: &dyn Fn(&str) -> String) -> Result<HoldEdit, String> {
    let old = text.unwrap_or(HEADER.as_bytes());
    let there = read(old)?;
    let mut entries: Vec<Vec<(&str, String)>> = Vec::new();
    for hold in holds {
        let image = hold.image.as_deref().map(HeldImage::parse).transpose();
        let image = image.map_err(|why| format!("the image {:?} {why}", hold.image))?;
        if !there.iter().any(|other| says(other, hold, image.as_ref())) {
            entries.push(entry(&NewHold {
                reason: hide(&hold.reason),
                by: hide(&hold.by),
                ..hold.clone()
            }));
        }
    }
    if entries.is_empty() {
        return Ok(HoldEdit::Unchanged);
    }
    let entries: Vec<Vec<(&str, &str)>> = (entries.iter())
        .map(|entry| entry.iter().map(|(key, value)| (*key, value.as_str())).collect())
        .collect();
    let new = records::append(old, &entries).map_err(|fault| told(&fault))?;
    Ok(HoldEdit::Changed(new))
}

/// Removes the entries that match one of `wanted`, expired ones too. Returns the removed ones with the edit.
///
/// # Errors
/// As [`add`].
pub fn release(text: &[u8], wanted: &[Released]) -> Result<(HoldEdit, Vec<Hold>), String> {
    let there = read(text)?;
    let goes = |hold: &Hold| wanted.iter().any(|wanted| matches(hold, wanted));
    let numbers: Vec<usize> = (there.iter().enumerate())
        .filter(|(_, hold)| goes(hold))
        .map(|(number, _)| number)
        .collect();
    if numbers.is_empty() {
        return Ok((HoldEdit::Unchanged, Vec::new()));
    }
    let new = records::remove(text, &numbers).map_err(|fault| told(&fault))?;
    let removed = there.into_iter().filter(goes).collect();
    Ok((HoldEdit::Changed(new), removed))
}

fn matches(hold: &Hold, wanted: &Released) -> bool {
    let image = match (&wanted.image, &hold.image) {
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
        (Some(wanted), Some(other)) => wanted.covers(other),
    };
    hold.app == wanted.app && hold.environment == wanted.environment && image
}

/// Whether an entry already says what a new hold would.
fn says(entry: &Hold, hold: &NewHold, image: Option<&HeldImage>) -> bool {
    let lasts = match (entry.until, hold.until) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(there), Some(new)) => there >= new,
    };
    entry.app == hold.app
        && entry.environment == hold.environment
        && entry.image.as_ref() == image
        && lasts
        && !entry.is_expired(hold.since)
}

fn entry(hold: &NewHold) -> Vec<(&'static str, String)> {
    let mut entry = vec![
        ("app", hold.app.as_str().to_owned()),
        ("environment", hold.environment.as_str().to_owned()),
    ];
    entry.extend(hold.image.clone().map(|image| ("image", image)));
    entry.push(("reason", crate::plan::trailers::one_line(&hold.reason)));
    entry.push(("by", crate::plan::trailers::one_line(&hold.by)));
    entry.push(("since", hold.since.to_string()));
    entry.extend(hold.until.map(|until| ("until", until.to_string())));
    entry
}

fn told(fault: &crate::manifest::ManifestFault) -> String {
    let hint = fault.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{fault}{hint}")
}
