//! Regular expressions in Go's syntax (RE2), for `matches` and for the rules that name metrics.
//!
//! The text is read by Go's rules, which decides whether it is valid, and written again for a small engine. What that one
//! does not do as Go does is refused.

mod classes;

use std::fmt::Write as _;

use regex_lite::Regex;

use super::failure::{Class, Failure};
use classes::set;

/// Why a regular expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Go refuses it, too.
    Invalid(String),
    /// Go can do more than this engine.
    NotEvaluated(String),
}

impl Problem {
    pub(super) fn failure(self, at: usize) -> Failure {
        match self {
            Self::Invalid(why) => Failure::new(Class::Regex, at, why),
            Self::NotEvaluated(what) => Failure::not_evaluated(at, what),
        }
    }
}

/// A regular expression.
#[derive(Debug, Clone)]
pub struct Pattern {
    engine: Regex,
    /// It was written for texts in ASCII.
    ascii: bool,
}

impl Pattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// It is none, or it needs more than the engine has.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Written::read(text)?.build()
    }

    /// Whether a text has a match anywhere.
    ///
    /// # Errors
    /// The text has letters beyond ASCII, and the expression asks for classes of them.
    pub fn is_in(&self, text: &str) -> Result<bool, Problem> {
        if self.ascii && !text.is_ascii() {
            let what = "classes of letters and ignored case beyond ASCII".to_owned();
            return Err(Problem::NotEvaluated(what));
        }
        Ok(self.engine.is_match(text))
    }
}

/// A regular expression that is valid, before its engine is built.
pub(super) struct Written<'a> {
    text: &'a str,
    out: String,
    ascii: bool,
    /// How many states the engine has, about.
    states: usize,
}

/// The largest count of repetitions in Go, and the largest product of counts that are one in the other.
const MOST_REPEATED_ONCE: u32 = 1000;
const MOST_REPEATED: usize = 1000;
/// How many steps a state takes to be built.
const STEPS_OF_A_STATE: usize = 100;
/// How many states an engine may have: Go compiles them in no time, this engine does not.
const MOST_STATES: usize = 20_000;

impl<'a> Written<'a> {
    /// Reads a regular expression.
    pub(super) fn read(text: &'a str) -> Result<Self, Problem> {
        let mut reader = Reader::new(text);
        reader.read()?;
        Ok(Self {
            text,
            ascii: reader.ascii,
            states: reader.shape().states,
            out: reader.out,
        })
    }

    /// Returns the steps that building the engine takes.
    pub(super) fn steps_to_build(&self) -> usize {
        self.states.min(MOST_STATES).saturating_mul(STEPS_OF_A_STATE)
    }

    /// Returns the steps that the engine takes at most for a text of so many bytes.
    pub(super) fn steps_through(&self, bytes: usize) -> usize {
        self.states.saturating_mul(bytes.saturating_add(1))
    }

    /// Builds the engine.
    pub(super) fn build(self) -> Result<Pattern, Problem> {
        let refused = |why: &str| Problem::NotEvaluated(format!("the regular expression \"{}\" ({why})", self.text));
        if self.states > MOST_STATES {
            return Err(refused("it has too many repetitions"));
        }
        let engine = Regex::new(&self.out).map_err(|error| refused(&error.to_string()))?;
        Ok(Pattern {
            engine,
            ascii: self.ascii,
        })
    }
}

/// How large a part of a regular expression is once its counted repetitions are written out.
#[derive(Debug, Clone, Copy, Default)]
struct Shape {
    states: usize,
    /// The product of the counts that are one in the other; 0 counts as 1.
    repeated: usize,
}

impl Shape {
    fn and(self, next: Self) -> Self {
        Self {
            states: self.states.saturating_add(next.states),
            repeated: self.repeated.max(next.repeated),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    characters: Vec<char>,
    next: usize,
    out: String,
    ascii: bool,
    /// What stands in each group that is open, the whole expression first, without what was read last.
    shapes: Vec<Shape>,
    /// What was read last, which a repetition is about.
    last: Shape,
    /// Something stands before that can be repeated.
    repeatable: bool,
    /// What stands before is a repetition.
    repeated: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            characters: text.chars().collect(),
            next: 0,
            out: String::new(),
            ascii: false,
            shapes: vec![Shape::default()],
            last: Shape::default(),
            repeatable: false,
            repeated: false,
        }
    }

    fn invalid(&self, why: &str) -> Problem {
        Problem::Invalid(format!("\"{}\" is no regular expression: {why}", self.text))
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.next + ahead).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let taken = self.peek(0) == Some(wanted);
        self.next += usize::from(taken);
        taken
    }

    fn literal(&mut self, character: char) {
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            let _ = write!(self.out, "\\x{:02X}", u32::from(character));
        } else {
            self.out.push(character);
        }
    }

    fn read(&mut self) -> Result<(), Problem> {
        while let Some(character) = self.peek(0) {
            self.next += 1;
            let mut operand = true;
            let mut repetition = false;
            let written = self.out.len();
            match character {
                '(' => {
                    operand = self.open()?;
                }
                ')' => {
                    if self.shapes.len() == 1 {
                        return Err(self.invalid("a `)` without its `(`"));
                    }
                    let inside = self.shapes.pop().unwrap_or_default();
                    self.last = inside.and(self.last);
                    self.out.push(')');
                }
                '|' => {
                    self.out.push('|');
                    operand = false;
                }
                '*' | '+' | '?' => {
                    self.repeat(&character.to_string(), None)?;
                    repetition = true;
                }
                '{' => match self.counted()? {
                    Some((count, most)) => {
                        self.repeat(&count, Some(most))?;
                        repetition = true;
                    }
                    None => self.literal('{'),
                },
                '[' => self.class()?,
                '\\' => self.escape()?,
                '.' | '^' | '$' => self.out.push(character),
                other => self.literal(other),
            }
            if !matches!(character, '(' | ')') && !repetition {
                self.follows(self.out.len() - written);
            }
            self.repeatable = operand;
            self.repeated = repetition;
        }
        if self.shapes.len() > 1 {
            Err(self.invalid("a `(` without its `)`"))
        } else {
            Ok(())
        }
    }

    /// Begins a part of so many states after what was read last.
    fn follows(&mut self, states: usize) {
        let last = std::mem::replace(&mut self.last, Shape { states, repeated: 1 });
        if let Some(open) = self.shapes.last_mut() {
            *open = open.and(last);
        }
    }

    /// Begins a group.
    fn group(&mut self) {
        self.follows(1);
        self.shapes.push(Shape::default());
        self.last = Shape::default();
    }

    /// Returns what all of it comes to.
    fn shape(&self) -> Shape {
        self.shapes.iter().fold(self.last, |all, open| all.and(*open))
    }

    fn repeat(&mut self, operator: &str, most: Option<u32>) -> Result<(), Problem> {
        if !self.repeatable {
            return Err(self.invalid("nothing to repeat"));
        }
        if self.repeated {
            return Err(self.invalid("a repetition of a repetition"));
        }
        let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(1).max(1);
        self.last.states = self.last.states.saturating_mul(most).saturating_add(2);
        self.last.repeated = self.last.repeated.max(1).saturating_mul(most);
        if most > 1 && self.last.repeated > MOST_REPEATED {
            return Err(self.invalid("a count of repetitions that is out of range"));
        }
        self.out.push_str(operator);
        if self.take('?') {
            self.out.push('?');
        }
        Ok(())
    }

    /// Reads `{2}`, `{2,}` or `{2,5}` after the brace; anything else leaves the brace a character.
    fn counted(&mut self) -> Result<Option<(String, u32)>, Problem> {
        let start = self.next;
        let rest = self.characters.get(start..).unwrap_or_default();
        let within = |character: &&char| character.is_ascii_digit() || **character == ',';
        let inside: String = rest.iter().take_while(within).collect();
        if rest.get(inside.len()) != Some(&'}') {
            return Ok(None);
        }
        let inside = inside.as_str();
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let padded = text.len() > 1 && text.starts_with('0');
            (plain && !padded).then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let (least, most) = match inside.split_once(',') {
            None => (number(inside), number(inside)),
            Some((least, "")) => (number(least), Some(0)),
            Some((least, most)) => (number(least), number(most)),
        };
        let (Some(least), Some(most)) = (least, most) else {
            return Ok(None);
        };
        let open = inside.ends_with(',');
        if least > MOST_REPEATED_ONCE || most > MOST_REPEATED_ONCE || !open && most < least {
            return Err(self.invalid("a count of repetitions that is out of range"));
        }
        self.next = start + inside.chars().count() + 1;
        Ok(Some((format!("{{{inside}}}"), least.max(most))))
    }

    /// Reads what follows `(`; returns whether it can be repeated at once.
    fn open(&mut self) -> Result<bool, Problem> {
        if self.peek(0) != Some('?') {
            self.group();
            self.out.push('(');
            return Ok(false);
        }
        self.next += 1;
        let named = self.peek(0) == Some('P') && self.peek(1) == Some('<') || self.peek(0) == Some('<');
        if named {
            while self.peek(0) != Some('<') {
                self.next += 1;
            }
            self.next += 1;
            let start = self.next;
            while self.peek(0).is_some_and(|c| c == '_' || c.is_ascii_alphanumeric()) {
                self.next += 1;
            }
            if self.next == start || !self.take('>') {
                return Err(self.invalid("a group with a name that is none"));
            }
            self.group();
            self.out.push('(');
            return Ok(false);
        }
        let mut flags = String::from("(?");
        let (mut negated, mut any) = (false, false);
        loop {
            let Some(flag) = self.peek(0) else {
                return Err(self.invalid("a `(?` without its end"));
            };
            self.next += 1;
            match flag {
                'i' | 'm' | 's' | 'U' => {
                    any = true;
                    self.ascii |= flag == 'i' && !negated;
                    flags.push(flag);
                }
                '-' if !negated => {
                    negated = true;
                    any = false;
                    flags.push('-');
                }
                ':' | ')' if !negated || any => {
                    if flag == ':' {
                        self.group();
                    }
                    if flag == ')' && !any {
                        // `(?)` sets nothing.
                        return Ok(self.repeatable);
                    }
                    self.out.push_str(&flags);
                    self.out.push(flag);
                    return Ok(false);
                }
                _ => return Err(self.invalid("a `(?` that Go does not know")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Problem> {
        let Some(kind) = self.peek(0) else {
            return Err(self.invalid("a `\\` at its end"));
        };
        match kind {
            'A' | 'b' | 'B' | 'z' => {
                self.next += 1;
                self.out.push('\\');
                self.out.push(kind);
            }
            'Q' => {
                self.next += 1;
                while let Some(character) = self.peek(0) {
                    if character == '\\' && self.peek(1) == Some('E') {
                        self.next += 2;
                        break;
                    }
                    self.next += 1;
                    self.literal(character);
                }
            }
            'C' => return Err(Problem::NotEvaluated("`\\C` in a regular expression".to_owned())),
            _ => {
                if let Some((negated, items)) = self.set()? {
                    self.out.push_str(&set(negated, &items));
                } else {
                    let character = self.character()?;
                    self.literal(character);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_s_syntax_decides_what_is_valid() {
        for text in [
            "a**", "*", "(", "a)", "[", "[b-a]", "\\1", "(?=a)", "(?x)a", "a{1001}", "\\y", "[[:no:]]", "a\\", "+a",
            "(?P<>a)",
        ] {
            assert!(matches!(Pattern::parse(text), Err(Problem::Invalid(_))), "{text}");
        }
        for (text, found) in [
            ("", true),
            ("rate", true),
            ("^rate", false),
            ("(?i)RATE$", true),
            ("\\pL+", true),
            ("[[:alpha:]]-r", true),
            ("s{2}", true),
            ("s{,2}", false),
            ("{", false),
            ("\\Qs-r\\E", true),
            ("(?P<n>succ)(?:e)s+-", true),
            ("[]a]", true),
            ("\\x72ate", true),
            ("\\d", false),
            ("[^\\w-]", false),
            ("suc*?ess", true),
        ] {
            let pattern = Pattern::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem:?}"));
            assert_eq!(pattern.is_in("success-rate"), Ok(found), "{text}");
        }
    }
}
