//! Parses single inputs into values and keeps every mistake; what inputs mean together is decided in `settings`.

use std::cell::RefCell;
use std::time::Duration;

use super::given::{Given, Inputs, shown};
use crate::model::{InputSpec, Secret, nearest};

/// Reads inputs one by one.
pub(super) struct Reader<'a> {
    inputs: &'a Inputs,
    mistakes: RefCell<Vec<String>>,
    #[cfg(test)]
    asked: RefCell<std::collections::BTreeSet<&'static str>>,
}

impl<'a> Reader<'a> {
    /// Makes a reader of what was given.
    #[must_use]
    pub(super) fn new(inputs: &'a Inputs) -> Self {
        Self {
            inputs,
            mistakes: RefCell::default(),
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    /// Notes a mistake, once: a sentence of its own.
    pub(super) fn mistake(&self, sentence: String) {
        let mut mistakes = self.mistakes.borrow_mut();
        if !mistakes.contains(&sentence) {
            mistakes.push(sentence);
        }
    }

    /// Notes what is wrong with the value of an input; `why` is the end of the sentence.
    pub(super) fn wrong(&self, spec: &InputSpec, text: &str, why: &str) {
        let origin = self.inputs.get(spec).map_or("", |given| given.origin.as_str());
        let value = if spec.is_secret() {
            String::new()
        } else {
            format!(" {}", shown(text))
        };
        self.mistake(format!("`{}`{value} ({origin}) {why}", spec.name));
    }

    /// Returns the mistakes.
    #[must_use]
    pub(super) fn mistakes(self) -> Vec<String> {
        self.mistakes.into_inner()
    }

    /// Returns the names of the inputs that were asked for.
    #[cfg(test)]
    pub(super) fn asked(&self) -> std::collections::BTreeSet<&'static str> {
        self.asked.borrow().clone()
    }

    /// Returns what was given, as it is.
    pub(super) fn given(&self, spec: &InputSpec) -> Option<&'a Given> {
        #[cfg(test)]
        self.asked.borrow_mut().insert(spec.name);
        self.inputs.get(spec)
    }

    /// Notes that an input is missing, unless it was given; an empty one is told why it may be empty.
    pub(super) fn require(&self, spec: &InputSpec, why: &str) {
        if self.given(spec).is_none() && !self.refuse_empty(spec) {
            let way = match (self.inputs.in_step, spec.is_secret()) {
                (true, _) => format!("add `{}: {}` to `with:`", spec.name, spec.example),
                (false, true) => format!("give {} FILE or set {}", spec.flag(), spec.variable()),
                (false, false) => format!("give {} {}", spec.flag(), spec.example),
            };
            self.mistake(format!("`{}` is missing{why}: {way}", spec.name));
        }
    }

    /// Notes that an input is there but empty, where it was meant to be given. Tells whether it was so.
    pub(super) fn refuse_empty(&self, spec: &InputSpec) -> bool {
        let Some(origin) = self.inputs.empty(spec) else {
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
    pub(super) fn text(&self, spec: &InputSpec) -> Option<String> {
        let given = self.given(spec).map(|given| given.text.clone());
        given.or_else(|| spec.default.filter(|_| !spec.in_file).map(str::to_owned))
    }

    /// Returns the parsed value of an input, else of its default (unless `promote.yaml` may say it).
    pub(super) fn parsed<T>(&self, spec: &InputSpec, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
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
    pub(super) fn list<T: PartialEq>(&self, spec: &InputSpec, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
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
    pub(super) fn secret(&self, spec: &InputSpec) -> Option<Secret> {
        self.given(spec).map(|given| Secret::new(&*given.text))
    }

    /// Returns what one of a few words means.
    pub(super) fn choice<T>(&self, spec: &InputSpec, words: &[&str], parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.parsed(spec, |text| parse(text).ok_or_else(|| none_of(text, words)))
    }

    /// Returns a boolean.
    pub(super) fn boolean(&self, spec: &InputSpec) -> Option<bool> {
        self.parsed(spec, |text| match text {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(
                "does not meet the YAML 1.2 core schema: a boolean is one of `true | True | TRUE | false | False | FALSE`"
                    .to_owned(),
            ),
        })
    }

    /// Returns a duration.
    pub(super) fn duration(&self, spec: &InputSpec) -> Option<Duration> {
        self.parsed(spec, duration)
    }
}

/// Says, as the end of a sentence, which words there are instead of this one.
#[must_use]
pub(super) fn none_of(text: &str, words: &[&str]) -> String {
    let near = nearest(text, words.iter().copied()).map(|near| format!(": did you mean `{near}`?"));
    let right = match words {
        [one] => format!("is not `{one}`, the only value in this version"),
        many => format!("is none of `{}`", many.join("`, `")),
    };
    format!("{right}{}", near.unwrap_or_default())
}

/// Reads `90s`, `10m`, `1h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    // Far beyond every job's end; keeps all sums of durations in range.
    const MOST: Duration = Duration::from_secs(366 * 24 * 3600);
    const RIGHT: &str = "such as `90s`, `10m` or `1h30m`";
    if text.bytes().all(|b| b.is_ascii_digit()) && text != "0" {
        return Err(format!(
            "has no unit: a duration is written {RIGHT}, so perhaps `{text}s`"
        ));
    }
    match humantime::parse_duration(text) {
        Ok(value) if value > MOST => Err("is more than a year".to_owned()),
        Ok(value) => Ok(value),
        Err(error) => Err(format!("is no duration {RIGHT}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{infrarepo, plan, promote};

    fn inputs(in_step: bool, spec: &InputSpec, text: &str) -> Inputs {
        let mut inputs = Inputs::new(in_step);
        inputs.take(spec, text, "INPUT_X".to_owned());
        inputs
    }

    #[test]
    fn booleans_are_read_as_the_toolkit_reads_them() {
        let spec = &promote::inputs::WAIT;
        for (text, right) in [
            ("true", Some(true)),
            ("True", Some(true)),
            ("FALSE", Some(false)),
            ("yes", None),
            ("tRUE", None),
            ("1", None),
        ] {
            let inputs = inputs(true, spec, text);
            let reader = Reader::new(&inputs);
            assert_eq!(reader.boolean(spec), right, "{text}");
            assert_eq!(reader.mistakes().is_empty(), right.is_some(), "{text}");
        }
    }

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert!(duration("90").unwrap_err().contains("`90s`"));
        for text in ["soon", "-1s", "10 minutess", "99999999999999y", "500y"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_are_by_comma_or_line_and_hold_each_value_once() {
        let spec = &plan::inputs::APP;
        let inputs = inputs(true, spec, "a, b\n\n c ,a");
        let reader = Reader::new(&inputs);
        assert_eq!(reader.list(spec, |text| Ok(text.to_owned())), ["a", "b", "c"]);
    }

    #[test]
    fn an_empty_required_input_says_why_it_may_be_empty() {
        let spec = &infrarepo::inputs::TOKEN;
        let inputs = inputs(true, spec, "");
        let reader = Reader::new(&inputs);
        reader.require(spec, "");
        let said = reader.mistakes().join("");
        assert!(
            said.starts_with("`token` is empty: the secret or variable in `with:`"),
            "{said}"
        );
        assert!(said.contains("forks and Dependabot get none"), "{said}");
    }

    #[test]
    fn a_secret_is_not_shown_in_its_mistake() {
        let spec = &infrarepo::inputs::TOKEN;
        let inputs = inputs(true, spec, "hunter2");
        let reader = Reader::new(&inputs);
        reader.wrong(spec, "hunter2", "is wrong");
        assert_eq!(reader.mistakes(), ["`token` (INPUT_X) is wrong"]);
    }

    #[test]
    fn a_mistyped_word_is_offered_the_nearest() {
        let said = none_of("atuo", &["auto", "never"]);
        assert_eq!(said, "is none of `auto`, `never`: did you mean `auto`?");
    }
}
