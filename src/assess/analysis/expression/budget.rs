//! What one evaluation may use: elements as the controller counts them, and memory and steps, which it does not count.
//!
//! Whatever is made is counted before it is made, and whatever is walked through before it is walked through, so that no
//! expression of an infra-repo takes the memory of the machine, or keeps a run from hearing a signal.

use super::failure::{Class, Failure};
use crate::assess::analysis::value::Value;
use crate::model::limits::{EXPRESSION_DEPTH, EXPRESSION_MEMORY, EXPRESSION_STEPS, EXPRESSION_TEXT, Limit};

/// The elements that an expression may make, as the controller counts them.
pub(super) const ELEMENTS: usize = 1_000_000;
/// What an element takes in a list.
const ELEMENT: usize = size_of::<Value>();
/// What a list or a text takes besides what is in it.
const HEAD: usize = 64;
/// What a map takes besides its fields: its tree has room for eleven of them.
const TREE: usize = 11 * (ELEMENT + size_of::<String>()) + HEAD;
/// How many bytes of a text are looked at in one step.
const BYTES_OF_A_STEP: usize = 4;

/// What is used so far.
#[derive(Debug, Default)]
pub(super) struct Budget {
    elements: usize,
    memory: usize,
    steps: usize,
}

/// How much a value holds, everything in it included, as often as it stands there.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Weight {
    /// How many values there are.
    pub(super) values: usize,
    /// How many steps a walk through all of them takes.
    pub(super) steps: usize,
    /// How many bytes it has at most when it is printed with its lines indented.
    pub(super) printed: usize,
}

#[cold]
fn beyond(at: usize, what: &str, limit: &Limit) -> Failure {
    Failure::new(Class::Budget, at, format!("the expression {what} more than {limit}"))
}

/// Returns the steps of a look at so many bytes of a text.
pub(super) fn read(bytes: usize) -> usize {
    bytes / BYTES_OF_A_STEP
}

/// How much work a glance is.
const GLANCE: usize = 100_000;

impl Budget {
    /// Makes one that is used up soon: for a condition that is tried out before anything is measured.
    pub(super) fn glance() -> Self {
        Self {
            steps: EXPRESSION_STEPS.things().saturating_sub(GLANCE),
            ..Self::default()
        }
    }

    /// Counts work.
    #[inline]
    pub(super) fn work(&mut self, steps: usize, at: usize) -> Result<(), Failure> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > EXPRESSION_STEPS.things() {
            return Err(beyond(at, "takes", &EXPRESSION_STEPS));
        }
        Ok(())
    }

    /// Counts elements as the controller does, and stops where it runs out of its budget.
    pub(super) fn make(&mut self, elements: usize, at: usize) -> Result<(), Failure> {
        self.elements = self.elements.saturating_add(elements);
        if self.elements >= ELEMENTS {
            let message = "the expression makes more than a million elements";
            return Err(Failure::new(Class::Budget, at, message));
        }
        Ok(())
    }

    /// Counts memory.
    pub(super) fn hold(&mut self, bytes: usize, at: usize) -> Result<(), Failure> {
        self.memory = self.memory.saturating_add(bytes);
        if self.memory > EXPRESSION_MEMORY.bytes() {
            return Err(beyond(at, "makes texts and lists of", &EXPRESSION_MEMORY));
        }
        Ok(())
    }

    /// Counts a list with so many elements, whatever they hold.
    pub(super) fn list(&mut self, elements: usize, at: usize) -> Result<(), Failure> {
        self.work(elements, at)?;
        self.hold(elements.saturating_mul(ELEMENT).saturating_add(HEAD), at)
    }

    /// Counts a map with these names, whatever its fields hold.
    pub(super) fn map(&mut self, fields: usize, names: usize, at: usize) -> Result<(), Failure> {
        let bytes = fields.saturating_mul(2 * (ELEMENT + HEAD)).saturating_add(names);
        self.hold(bytes.saturating_add(TREE), at)
    }

    /// Counts a text.
    pub(super) fn text(&mut self, bytes: usize, at: usize) -> Result<(), Failure> {
        if bytes > EXPRESSION_TEXT.bytes() {
            return Err(beyond(at, "makes a text of", &EXPRESSION_TEXT));
        }
        self.work(read(bytes), at)?;
        self.hold(bytes.saturating_add(HEAD), at)
    }

    /// Counts texts that a text falls into.
    pub(super) fn pieces(&mut self, pieces: usize, bytes: usize, at: usize) -> Result<(), Failure> {
        self.list(pieces, at)?;
        self.hold(pieces.saturating_mul(HEAD).saturating_add(bytes), at)
    }

    /// Counts a walk through a value, and returns what it holds.
    pub(super) fn weigh(&mut self, value: &Value, at: usize) -> Result<Weight, Failure> {
        let mut weight = Weight::default();
        self.add(value, 0, &mut weight, at)?;
        Ok(weight)
    }

    fn add(&mut self, value: &Value, depth: usize, weight: &mut Weight, at: usize) -> Result<(), Failure> {
        let bytes = match value {
            Value::Text(text) => text.len(),
            _ => 0,
        };
        let steps = 1 + read(bytes);
        self.work(steps, at)?;
        weight.values += 1;
        weight.steps += steps;
        weight.printed += 32 + 2 * depth + 2 * bytes;
        match value {
            Value::List(list) => {
                for item in &list.items {
                    self.add(item, depth + 1, weight, at)?;
                }
            }
            Value::Map(fields) => {
                for (name, item) in fields.iter() {
                    weight.printed += 2 * name.len();
                    self.add(item, depth + 1, weight, at)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts a comparison for equality.
    pub(super) fn compare(&mut self, a: &Value, b: &Value, at: usize) -> Result<(), Failure> {
        match (a, b) {
            (Value::Text(a), Value::Text(b)) => self.work(read(a.len().min(b.len())), at),
            (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => self.weigh(a, at).map(drop),
            _ => Ok(()),
        }
    }

    /// Stops at lists and maps that are nested too deep: nothing walks through them on a stack without end.
    pub(super) fn nested(value: Value, at: usize) -> Result<Value, Failure> {
        if usize::from(value.depth()) > EXPRESSION_DEPTH.things() {
            return Err(beyond(at, "nests lists and maps", &EXPRESSION_DEPTH));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::analysis::expression::holds;

    fn fails(text: &str) -> Failure {
        match holds(text, &Value::Float(1.0), 0) {
            Ok(value) => panic!("{text} is {value}"),
            Err(failure) => failure,
        }
    }

    #[test]
    fn what_an_expression_makes_has_a_bound() {
        let (text, any) = ("makes a text of more than 4 MiB", "more than");
        let memory = "makes texts and lists of more than 48 MiB";
        let nested = "nests lists and maps more than 200 levels";
        let long = "let a = reduce(1..18, #acc + #acc, \"aaaaaaaa\");";
        for (expression, message) in [
            ("len(reduce(1..40, #acc + #acc, \"xxxxxxxx\")) > 0", text),
            ("len(sum(map(1..40, \"x\" | repeat(400000)))) > 0", "a million elements"),
            ("reduce(1..40, replace(#acc, \"x\", \"xxxx\"), \"x\") == \"\"", any),
            ("reduce(1..40, join([#acc, #acc], #acc), \"x\") == \"\"", any),
            ("reduce(1..40, toJSON([#acc, #acc]), \"\\n\") == \"\"", any),
            ("reduce(1..90, toBase64(#acc), \"xxxxxxxx\") == \"\"", any),
            ("reduce(1..40, string([#acc, #acc]), \"x\") == \"\"", any),
            (&format!("{long} len(split(a, \"\")) > 0"), memory),
            (&format!("{long} len(map(1..90, a[1:])) > 0"), any),
            ("let a = 1..900000; len(map(1..90, a[1:])) > 0", memory),
            ("let a = 1..400000; len(map(1..90, take(a, 400000))) > 0", memory),
            ("len(map(1..450000, [#])) > 0", memory),
            ("len(map(1..90000, ({\"a\": #}))) > 0", memory),
            ("fromJSON(reduce(1..17, #acc + #acc, \"[[[[],[]\")) == 0", memory),
            ("len(reduce(1..400000, [#acc], 0)) > 0", nested),
            ("len(reduce(1..400000, map([#acc], #), 0)) > 0", nested),
            ("len(reduce(1..50000, ({\"a\": #acc}), 0)) > 0", nested),
            (&format!("\"{}\" == \"\"", "x".repeat(300_000)), "longer than 256 KiB"),
        ] {
            let failure = fails(expression);
            assert!(failure.message.contains(message), "{expression}: {failure}");
            assert_eq!(failure.class(), Some(Class::Budget), "{expression}");
        }
    }

    #[test]
    fn the_work_of_an_expression_has_a_bound() {
        let twice = "reduce(1..40, [#acc, #acc], 0)";
        let long = "let a = reduce(1..18, #acc + #acc, \"aaaaaaaa\");";
        let deep = |before: &str, middle: &str, after: &str, times: usize| {
            format!("{}{middle}{}", before.repeat(times), after.repeat(times))
        };
        for expression in [
            &format!("toJSON({twice}) == \"\""),
            &format!("let a = {twice}; a == a"),
            &format!("max({twice}) > 0 || len(flatten({twice})) > 0"),
            &format!("1 in {twice}"),
            "len(uniq(1..400000)) > 0",
            &format!("let a = 1..900000; {}", deep("any(a, ", "false", ")", 20)),
            &format!("{long} all(1..10000, len(replace(a, \"b\", \"c\")) > 0)"),
            &format!("{long} all(1..10000, indexOf(a, \"aaab\") < 0)"),
            &format!("{long} all(1..10000, not (a matches (\"((a|b){{1,500}}c|\" + string(#) + \"d)\")))"),
            "all(1..100000, not (\"x\" matches (\"((a{50}){10}b?|.\" + string(#) + \"?)z\")))",
            &(deep("(", "len(result == 1 ? \"a\" : \"b\")", " in 1..2 ? 1 : 2)", 90) + " == 1"),
        ] {
            let failure = fails(expression);
            assert!(
                failure.message.contains("more than 5000000 steps"),
                "{expression}: {failure}"
            );
            assert_eq!(failure.class(), Some(Class::Budget), "{expression}");
        }
        // What stands in two places is copied no more often than its size allows.
        for expression in [
            deep("(", "true", " ?: true)", 60),
            deep("(1 < ", "1", " < 2 ? 1 : 2)", 60) + " == 1",
        ] {
            let failure = fails(&expression);
            assert!(failure.message.contains("says so many parts twice"), "{failure}");
        }
    }

    #[test]
    fn nested_calls_with_several_signatures_are_checked_once_a_level() {
        let nested = format!("{}\"x\"{} == \"x\"", "trim(".repeat(90), ")".repeat(90));
        assert_eq!(holds(&nested, &Value::Nil, 0), Ok(true));
    }

    #[test]
    fn a_message_quotes_no_more_than_its_beginning() {
        let failure = fails("asFloat(reduce(1..17, #acc + #acc, \"aaaaaaaa\")) > 0");
        assert!(failure.message.starts_with("`asFloat` cannot read \"aaaa"), "{failure}");
        assert!(failure.message.len() < 1000, "{}", failure.message.len());
    }
}
