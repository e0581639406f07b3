//! What the inputs were given as, and by whom: flags and environment joined, nothing parsed yet.

use std::collections::BTreeMap;

use crate::infrarepo;
use crate::model::{InputSpec, Secret};

/// The text of an input, and where it came from. Has no `Debug`: the text may be a secret.
#[derive(Clone)]
pub(super) struct Given {
    /// The text, without white space around it.
    pub(super) text: String,
    /// The flag or variable.
    pub(super) origin: String,
}

/// Every input that was given, each from the source that comes first.
#[derive(Default)]
pub(super) struct Inputs {
    given: BTreeMap<&'static str, Given>,
    empty: BTreeMap<&'static str, String>,
    /// Whether this is a step of a workflow.
    pub(super) in_step: bool,
}

impl Inputs {
    /// Makes a set in which nothing was given yet.
    #[must_use]
    pub(super) fn new(in_step: bool) -> Self {
        Self {
            in_step,
            ..Self::default()
        }
    }

    /// Takes a value, unless a source that comes first has said one. Empty means unset, but is remembered.
    pub(super) fn take(&mut self, spec: &InputSpec, text: &str, origin: String) {
        let text = text.trim();
        if text.is_empty() {
            self.empty.entry(spec.name).or_insert(origin);
        } else {
            self.given.entry(spec.name).or_insert_with(|| Given {
                text: text.to_owned(),
                origin,
            });
        }
    }

    /// Returns what was given.
    #[must_use]
    pub(super) fn get(&self, spec: &InputSpec) -> Option<&Given> {
        self.given.get(spec.name)
    }

    /// Returns who gave an empty text, if nobody gave another.
    #[must_use]
    pub(super) fn empty(&self, spec: &InputSpec) -> Option<&str> {
        let set = self.given.contains_key(spec.name);
        self.empty.get(spec.name).map(String::as_str).filter(|_| !set)
    }

    /// Returns every secret, whole and in the parts that might be shown alone.
    #[must_use]
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for spec in super::table::all().filter(|spec| spec.is_secret()) {
            let Some(given) = self.get(spec) else { continue };
            secrets.push(Secret::new(&*given.text));
            for line in given.text.lines().map(str::trim) {
                let value = line.split_once(':').map(|(_, value)| value.trim());
                let parts = [Some(line), value.filter(|_| spec.is_repeatable())];
                secrets.extend(
                    parts
                        .into_iter()
                        .flatten()
                        .filter(|part| *part != given.text)
                        .map(Secret::new),
                );
            }
        }
        secrets
    }
}

/// Returns a value as it may be shown in a message: in quotes, cut, without user and password of an address.
#[must_use]
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 200;
    let start = text.find("://").map_or(0, |at| at + 3);
    let without = match text.rfind('@') {
        Some(at) if start < at && infrarepo::holds_credentials(text) => {
            format!(
                "{}***{}",
                text.get(..start).unwrap_or_default(),
                text.get(at..).unwrap_or_default()
            )
        }
        _ => text.to_owned(),
    };
    match without.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", without.get(..end).unwrap_or_default()),
        None => format!("{without:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{delivery, plan};

    #[test]
    fn the_first_source_wins_and_empty_is_no_source() {
        let mut inputs = Inputs::default();
        inputs.take(&plan::inputs::TAG, "  ", "--tag".to_owned());
        assert_eq!(inputs.empty(&plan::inputs::TAG), Some("--tag"));
        inputs.take(&plan::inputs::TAG, " v1 ", "PROMOTE_TAG".to_owned());
        inputs.take(&plan::inputs::TAG, "v2", "late".to_owned());
        let given = inputs.get(&plan::inputs::TAG).unwrap();
        assert_eq!((given.text.as_str(), given.origin.as_str()), ("v1", "PROMOTE_TAG"));
        assert_eq!(inputs.empty(&plan::inputs::TAG), None);
    }

    #[test]
    fn every_line_and_every_header_value_is_a_secret() {
        let mut inputs = Inputs::default();
        inputs.take(&infrarepo::inputs::TOKEN, "one\ntwo", String::new());
        inputs.take(&delivery::inputs::ARGOCD_HEADERS, "A: x:y\nB: z", String::new());
        let secrets: Vec<_> = inputs.secrets().iter().map(|s| s.expose().to_owned()).collect();
        for part in ["one\ntwo", "one", "two", "A: x:y", "x:y", "B: z", "z"] {
            assert!(secrets.contains(&part.to_owned()), "{part} in {secrets:?}");
        }
    }

    #[test]
    fn a_password_is_not_echoed() {
        assert_eq!(shown("https://me:hunter2@host/x"), "\"https://***@host/x\"");
        assert_eq!(shown("https://me:hun@ter2@host/x"), "\"https://***@host/x\"");
        assert_eq!(shown("me:hunter2@host:x"), "\"***@host:x\"");
    }
}
