//! What the inputs were given as, and by whom: flags and environment joined, nothing parsed yet.

use std::collections::BTreeMap;

use super::InputSpec;
use crate::model::Secret;

/// The text of an input, and where it came from. Has no `Debug`: the text may be a secret.
#[derive(Clone)]
pub struct Given {
    /// The text, without white space around it.
    pub text: String,
    /// The flag or variable.
    pub origin: String,
}

/// Every input that was given, each from the source that comes first.
#[derive(Default)]
pub struct Inputs {
    given: BTreeMap<&'static str, Given>,
    empty: BTreeMap<&'static str, String>,
    /// Whether this is a step of a workflow.
    pub in_step: bool,
}

impl Inputs {
    /// Makes a set in which nothing was given yet.
    #[must_use]
    pub fn new(in_step: bool) -> Self {
        Self {
            in_step,
            ..Self::default()
        }
    }

    /// Takes a value, unless a source that comes first has said one. Empty means unset, but is remembered.
    pub fn take(&mut self, spec: &InputSpec, text: &str, origin: String) {
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
    pub fn get(&self, spec: &InputSpec) -> Option<&Given> {
        self.given.get(spec.name)
    }

    /// Returns who gave an empty text, if nobody gave another.
    #[must_use]
    pub fn empty(&self, spec: &InputSpec) -> Option<&str> {
        let set = self.given.contains_key(spec.name);
        self.empty.get(spec.name).map(String::as_str).filter(|_| !set)
    }

    /// Returns every secret among `specs`, complete and in the parts that might be shown alone.
    #[must_use]
    pub fn secrets<'s>(&self, specs: impl Iterator<Item = &'s InputSpec>) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for spec in specs.filter(|spec| spec.is_secret()) {
            let Some(given) = self.get(spec) else { continue };
            secrets.push(Secret::new(&*given.text));
            for line in given.text.lines().map(str::trim) {
                let value = line.split_once(':').map(|(_, value)| value.trim());
                // A token for each environment: `NAME=TOKEN`.
                let named = line.split_once('=').map(|(_, token)| token.trim());
                let parts = [Some(line), value.filter(|_| spec.is_repeatable()), named];
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

#[cfg(test)]
mod tests {
    use super::super::InputKind;
    use super::*;

    const TAG: InputSpec = InputSpec {
        name: "tag",
        ..InputSpec::PLAIN
    };
    const TOKEN: InputSpec = InputSpec {
        name: "token",
        kind: InputKind::Secret,
        ..InputSpec::PLAIN
    };
    const HEADERS: InputSpec = InputSpec {
        name: "headers",
        kind: InputKind::SecretLines,
        ..InputSpec::PLAIN
    };

    #[test]
    fn the_first_source_wins_and_empty_is_no_source() {
        let mut inputs = Inputs::default();
        inputs.take(&TAG, "  ", "--tag".to_owned());
        assert_eq!(inputs.empty(&TAG), Some("--tag"));
        inputs.take(&TAG, " v1 ", "PROMOTE_TAG".to_owned());
        inputs.take(&TAG, "v2", "late".to_owned());
        let given = inputs.get(&TAG).unwrap();
        assert_eq!((given.text.as_str(), given.origin.as_str()), ("v1", "PROMOTE_TAG"));
        assert_eq!(inputs.empty(&TAG), None);
    }

    #[test]
    fn every_line_and_every_header_value_is_a_secret() {
        let mut inputs = Inputs::default();
        inputs.take(&TOKEN, "one\ntwo", String::new());
        inputs.take(&HEADERS, "A: x:y\nB: z", String::new());
        let secrets = inputs.secrets([TAG, TOKEN, HEADERS].iter());
        let secrets: Vec<_> = secrets.iter().map(|secret| secret.expose().to_owned()).collect();
        for part in ["one\ntwo", "one", "two", "A: x:y", "x:y", "B: z", "z"] {
            assert!(secrets.contains(&part.to_owned()), "{part} in {secrets:?}");
        }
    }
}
