//! Parses single inputs into values and keeps every mistake; what inputs mean together is decided by whoever reads them.

use std::cell::RefCell;
use std::time::Duration;

use super::{Given, InputSpec, Inputs, value, wrong};
use crate::model::{Command, Secret};

/// Reads inputs one by one.
pub struct Reader<'a> {
    inputs: &'a Inputs,
    command: Option<Command>,
    mistakes: RefCell<Vec<String>>,
    #[cfg(test)]
    asked: RefCell<std::collections::BTreeSet<&'static str>>,
}

impl<'a> Reader<'a> {
    /// Makes a reader of what was given.
    #[must_use]
    pub fn new(inputs: &'a Inputs) -> Self {
        Self {
            inputs,
            command: None,
            mistakes: RefCell::default(),
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    /// Makes a reader of what a command takes: the environment of a step or of a laptop is the same for all commands, and what another one
    /// would take is not there for this one.
    #[must_use]
    pub fn of(inputs: &'a Inputs, command: Command) -> Self {
        Self {
            command: Some(command),
            ..Self::new(inputs)
        }
    }

    /// Notes a mistake, once: a sentence of its own.
    pub fn mistake(&self, sentence: String) {
        let mut mistakes = self.mistakes.borrow_mut();
        if !mistakes.contains(&sentence) {
            mistakes.push(sentence);
        }
    }

    /// Notes what is wrong with the value of an input; `why` is the end of the sentence.
    pub fn wrong(&self, spec: &InputSpec, text: &str, why: &str) {
        let origin = self.inputs.get(spec).map_or("", |given| given.origin.as_str());
        self.mistake(wrong(spec.name, spec.kind, text, origin, why));
    }

    /// Returns the mistakes.
    #[must_use]
    pub fn mistakes(self) -> Vec<String> {
        self.mistakes.into_inner()
    }

    /// Returns the names of the inputs that were asked for.
    #[cfg(test)]
    pub fn asked(&self) -> std::collections::BTreeSet<&'static str> {
        self.asked.borrow().clone()
    }

    /// Returns what was given, as it is.
    pub fn given(&self, spec: &InputSpec) -> Option<&'a Given> {
        #[cfg(test)]
        self.asked.borrow_mut().insert(spec.name);
        self.inputs.get(spec).filter(|_| self.takes(spec))
    }

    fn takes(&self, spec: &InputSpec) -> bool {
        self.command.is_none_or(|command| spec.is_taken_by(command))
    }

    /// Notes that an input is missing, unless it was given; an empty one says why it can be empty.
    pub fn require(&self, spec: &InputSpec, why: &str) {
        if self.given(spec).is_none() && !self.refuse_empty(spec) {
            // YAML and shells read a text with a space as it is meant only in quotes.
            let quote = if spec.example.contains(' ') { "\"" } else { "" };
            // Where something is changed is not copied from an example.
            let example = if matches!(spec.name, "app" | "environment") {
                "NAME"
            } else {
                spec.example
            };
            let way = match (self.inputs.in_step, spec.is_secret()) {
                (true, _) => format!("add `{}: {quote}{example}{quote}` to `with:`", spec.name),
                (false, true) => format!("give {} FILE or set {}", spec.flag(), spec.variable()),
                (false, false) => format!("give {} {quote}{example}{quote}", spec.flag()),
            };
            self.mistake(format!("`{}` is missing{why}: {way}", spec.name));
        }
    }

    /// Notes that an input is there but empty, where it was meant to be given. Returns whether it was so.
    pub fn refuse_empty(&self, spec: &InputSpec) -> bool {
        let Some(origin) = self.inputs.empty(spec).filter(|_| self.takes(spec)) else {
            return false;
        };
        let why = if self.inputs.in_step {
            "the secret or variable in `with:` does not exist for this job (environment secrets need `environment:`; forks and Dependabot \
             get none)"
                .to_owned()
        } else {
            format!("{origin} holds nothing")
        };
        let outputs = if self.inputs.in_step && !spec.is_secret() {
            "; or it is an output that no step or job has set"
        } else {
            ""
        };
        self.mistake(format!("`{}` is empty: {why}{outputs}", spec.name));
        true
    }

    /// Returns the text of an input, else its default.
    pub fn text(&self, spec: &InputSpec) -> Option<String> {
        let given = self.given(spec).map(|given| given.text.clone());
        given.or_else(|| spec.default.filter(|_| !spec.in_file).map(str::to_owned))
    }

    /// Returns the parsed value of an input, else of its default (unless `promote.yaml` may say it).
    pub fn parsed<T>(&self, spec: &InputSpec, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(spec)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.wrong(spec, &text, &why);
                None
            }
        }
    }

    /// Returns each part of a list by comma or line, once, in the order given.
    pub fn list<T: PartialEq>(&self, spec: &InputSpec, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let text = self.text(spec).unwrap_or_default();
        let mut values = Vec::new();
        for part in text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
            match parse(part) {
                Ok(value) if values.contains(&value) => {}
                Ok(value) => values.push(value),
                Err(why) => self.wrong(spec, part, &why),
            }
        }
        values
    }

    /// Returns a secret.
    pub fn secret(&self, spec: &InputSpec) -> Option<Secret> {
        self.given(spec).map(|given| Secret::new(&*given.text))
    }

    /// Returns what one of a few words means.
    pub fn choice<T: Copy>(&self, spec: &InputSpec, words: &[(&str, T)]) -> Option<T> {
        self.parsed(spec, |text| value::choice(text, words))
    }

    /// Returns a boolean.
    pub fn boolean(&self, spec: &InputSpec) -> Option<bool> {
        self.parsed(spec, value::boolean)
    }

    /// Returns a duration.
    pub fn duration(&self, spec: &InputSpec) -> Option<Duration> {
        self.parsed(spec, value::duration)
    }
}

#[cfg(test)]
mod tests {
    use super::super::InputKind;
    use super::*;

    const WAIT: InputSpec = InputSpec {
        name: "wait",
        kind: InputKind::Bool,
        ..InputSpec::PLAIN
    };
    const APP: InputSpec = InputSpec {
        name: "app",
        kind: InputKind::List,
        ..InputSpec::PLAIN
    };
    const TOKEN: InputSpec = InputSpec {
        name: "token",
        kind: InputKind::Secret,
        ..InputSpec::PLAIN
    };

    fn inputs(in_step: bool, spec: &InputSpec, text: &str) -> Inputs {
        let mut inputs = Inputs::new(in_step);
        inputs.take(spec, text, "INPUT_X".to_owned());
        inputs
    }

    #[test]
    fn booleans_are_read_as_the_toolkit_reads_them() {
        for (text, right) in [
            ("true", Some(true)),
            ("True", Some(true)),
            ("FALSE", Some(false)),
            ("yes", None),
            ("tRUE", None),
            ("1", None),
        ] {
            let inputs = inputs(true, &WAIT, text);
            let reader = Reader::new(&inputs);
            assert_eq!(reader.boolean(&WAIT), right, "{text}");
            assert_eq!(reader.mistakes().is_empty(), right.is_some(), "{text}");
        }
    }

    #[test]
    fn lists_are_by_comma_or_line_and_hold_each_value_once() {
        let inputs = inputs(true, &APP, "a, b\n\n c ,a");
        let reader = Reader::new(&inputs);
        assert_eq!(reader.list(&APP, |text| Ok(text.to_owned())), ["a", "b", "c"]);
    }

    #[test]
    fn an_empty_required_input_says_why_it_may_be_empty() {
        let inputs = inputs(true, &TOKEN, "");
        let reader = Reader::new(&inputs);
        reader.require(&TOKEN, "");
        let said = reader.mistakes().join("");
        assert!(
            said.starts_with("`token` is empty: the secret or variable in `with:`"),
            "{said}"
        );
        assert!(said.contains("forks and Dependabot get none"), "{said}");
    }

    #[test]
    fn a_secret_is_not_shown_in_its_mistake() {
        let inputs = inputs(true, &TOKEN, "hunter2");
        let reader = Reader::new(&inputs);
        reader.wrong(&TOKEN, "hunter2", "is wrong");
        assert_eq!(reader.mistakes(), ["`token` (INPUT_X) is wrong"]);
    }
}
