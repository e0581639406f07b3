//! Regular expressions in Go's syntax (RE2), for `matches` and for the rules that name metrics.
//!
//! The text is read by Go's rules, which decides whether it is valid, and written again for a small engine. What that one
//! does not do as Go does is refused.

use std::fmt::Write as _;

use regex_lite::Regex;

use super::failure::{Class, Failure};

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
        let mut reader = Reader::new(text);
        reader.read()?;
        let engine = Regex::new(&reader.out)
            .map_err(|error| Problem::NotEvaluated(format!("the regular expression \"{text}\" ({error})")))?;
        Ok(Self {
            engine,
            ascii: reader.ascii,
        })
    }

    /// Tells whether a text has a match anywhere.
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

/// General categories and scripts, and which characters of ASCII are in them.
const CATEGORIES: [(&str, &str); 24] = [
    ("L", "A-Za-z"),
    ("Lu", "A-Z"),
    ("Ll", "a-z"),
    ("Lt", ""),
    ("Lm", ""),
    ("Lo", ""),
    ("M", ""),
    ("N", "0-9"),
    ("Nd", "0-9"),
    ("Nl", ""),
    ("No", ""),
    ("P", "!-#%-\\*,-/:;\\?@\\[-\\]_\\{\\}"),
    ("Pc", "_"),
    ("Pd", "\\-"),
    ("S", "\\$\\+<=>\\^`\\|~"),
    ("Sc", "\\$"),
    ("Z", "\\x20"),
    ("Zs", "\\x20"),
    ("C", "\\x00-\\x1F\\x7F"),
    ("Cc", "\\x00-\\x1F\\x7F"),
    ("Latin", "A-Za-z"),
    ("Greek", ""),
    ("Cyrillic", ""),
    ("Any", "\\x00-\\x7F"),
];

const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

struct Reader<'a> {
    text: &'a str,
    characters: Vec<char>,
    next: usize,
    out: String,
    ascii: bool,
    groups: usize,
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
            groups: 0,
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
        self.ascii |= !character.is_ascii() && self.out.contains("(?i");
    }

    fn read(&mut self) -> Result<(), Problem> {
        while let Some(character) = self.peek(0) {
            self.next += 1;
            let mut operand = true;
            let mut repetition = false;
            match character {
                '(' => {
                    operand = self.open()?;
                }
                ')' => {
                    self.groups = self
                        .groups
                        .checked_sub(1)
                        .ok_or_else(|| self.invalid("a `)` without its `(`"))?;
                    self.out.push(')');
                }
                '|' => {
                    self.out.push('|');
                    operand = false;
                }
                '*' | '+' | '?' => {
                    self.repeat(&character.to_string())?;
                    repetition = true;
                }
                '{' => match self.counted()? {
                    Some(count) => {
                        self.repeat(&count)?;
                        repetition = true;
                    }
                    None => self.literal('{'),
                },
                '[' => self.class()?,
                '\\' => self.escape()?,
                '.' | '^' | '$' => self.out.push(character),
                other => self.literal(other),
            }
            self.repeatable = operand;
            self.repeated = repetition;
        }
        if self.groups > 0 {
            Err(self.invalid("a `(` without its `)`"))
        } else {
            Ok(())
        }
    }

    fn repeat(&mut self, operator: &str) -> Result<(), Problem> {
        if !self.repeatable {
            return Err(self.invalid("nothing to repeat"));
        }
        if self.repeated {
            return Err(self.invalid("a repetition of a repetition"));
        }
        self.out.push_str(operator);
        if self.take('?') {
            self.out.push('?');
        }
        Ok(())
    }

    /// Reads `{2}`, `{2,}` or `{2,5}` after the brace; anything else leaves the brace a character.
    fn counted(&mut self) -> Result<Option<String>, Problem> {
        let start = self.next;
        let rest: String = self.characters.get(start..).unwrap_or_default().iter().collect();
        let Some((inside, _)) = rest.split_once('}') else {
            return Ok(None);
        };
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
        if least > 1000 || most > 1000 || !open && most < least {
            return Err(self.invalid("a count of repetitions that is out of range"));
        }
        self.next = start + inside.chars().count() + 1;
        Ok(Some(format!("{{{inside}}}")))
    }

    /// Reads what follows `(`; returns whether it can be repeated at once.
    fn open(&mut self) -> Result<bool, Problem> {
        if self.peek(0) != Some('?') {
            self.groups += 1;
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
            self.groups += 1;
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
                        self.groups += 1;
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

    /// Reads `\d`, `\pL` and the like after the backslash: whether it is negated, and the items of a class.
    fn set(&mut self) -> Result<Option<(bool, String)>, Problem> {
        let Some(kind) = self.peek(0) else { return Ok(None) };
        let items = match kind {
            'd' | 'D' => "0-9".to_owned(),
            's' | 'S' => "\\t\\n\\x0C\\r\\x20".to_owned(),
            'w' | 'W' => "0-9A-Za-z_".to_owned(),
            'p' | 'P' => {
                self.next += 1;
                let name = if self.take('{') {
                    let start = self.next;
                    while self.peek(0).is_some_and(|c| c != '}') {
                        self.next += 1;
                    }
                    let name: String = self
                        .characters
                        .get(start..self.next)
                        .unwrap_or_default()
                        .iter()
                        .collect();
                    if !self.take('}') {
                        return Err(self.invalid("a class without its end"));
                    }
                    name
                } else {
                    self.next += 1;
                    self.characters
                        .get(self.next - 1)
                        .map_or_else(String::new, char::to_string)
                };
                let (turned, name) = name
                    .strip_prefix('^')
                    .map_or((false, name.as_str()), |name| (true, name));
                let Some((_, items)) = CATEGORIES.iter().find(|(known, _)| *known == name) else {
                    return Err(Problem::NotEvaluated(format!(
                        "the class `\\p{{{name}}}` in a regular expression"
                    )));
                };
                self.ascii = true;
                return Ok(Some(((kind == 'P') != turned, (*items).to_owned())));
            }
            _ => return Ok(None),
        };
        self.next += 1;
        Ok(Some((kind.is_ascii_uppercase(), items)))
    }

    /// Reads an escape that stands for one character, after the backslash.
    fn character(&mut self) -> Result<char, Problem> {
        let Some(kind) = self.peek(0) else {
            return Err(self.invalid("a `\\` at its end"));
        };
        self.next += 1;
        let code = match kind {
            'a' => 7,
            'f' => 0xc,
            't' => 9,
            'n' => 0xa,
            'r' => 0xd,
            'v' => 0xb,
            '1'..='7' if !matches!(self.peek(0), Some('0'..='7')) => {
                return Err(self.invalid("a reference to a group"));
            }
            '0'..='7' => {
                let mut code = kind.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    if let Some(digit) = self.peek(0).and_then(|c| c.to_digit(8)) {
                        code = code * 8 + digit;
                        self.next += 1;
                    }
                }
                code
            }
            'x' => {
                let braces = self.take('{');
                let mut code = 0_u32;
                let mut digits = 0;
                while let Some(digit) = self.peek(0).and_then(|c| c.to_digit(16))
                    && (braces || digits < 2)
                {
                    code = code.saturating_mul(16).saturating_add(digit);
                    digits += 1;
                    self.next += 1;
                }
                if digits == 0 || braces && !self.take('}') || !braces && digits < 2 {
                    return Err(self.invalid("an escape that is none"));
                }
                code
            }
            _ if kind.is_ascii() && !kind.is_ascii_alphanumeric() => u32::from(kind),
            _ => return Err(self.invalid("an escape that is none")),
        };
        char::from_u32(code).ok_or_else(|| self.invalid("a code of no character"))
    }

    fn class(&mut self) -> Result<(), Problem> {
        let negated = self.take('^');
        let mut items = String::new();
        let mut first = true;
        loop {
            let Some(character) = self.peek(0) else {
                return Err(self.invalid("a `[` without its `]`"));
            };
            if character == ']' && !first {
                self.next += 1;
                break;
            }
            first = false;
            if character == '[' && self.peek(1) == Some(':') {
                let rest: String = self
                    .characters
                    .get(self.next + 2..)
                    .unwrap_or_default()
                    .iter()
                    .collect();
                if let Some((name, _)) = rest.split_once(":]") {
                    let plain = name.strip_prefix('^').unwrap_or(name);
                    if !CLASSES.contains(&plain) {
                        return Err(self.invalid("a class that does not exist"));
                    }
                    let _ = write!(items, "[:{name}:]");
                    self.next += name.chars().count() + 4;
                    continue;
                }
            }
            if character == '\\' {
                self.next += 1;
                match self.set()? {
                    Some((false, set)) => {
                        items.push_str(&set);
                        continue;
                    }
                    Some((true, _)) => {
                        return Err(Problem::NotEvaluated("a negated class inside of a class".to_owned()));
                    }
                    None => self.next -= 1,
                }
            }
            let low = self.member()?;
            let mut high = low;
            if self.peek(0) == Some('-') && self.peek(1).is_some_and(|c| c != ']') {
                self.next += 1;
                high = self.member()?;
            }
            if high < low {
                return Err(self.invalid("a range that ends before it begins"));
            }
            let _ = write!(items, "\\x{{{:X}}}", u32::from(low));
            if high > low {
                let _ = write!(items, "-\\x{{{:X}}}", u32::from(high));
            }
        }
        self.out.push_str(&set(negated, &items));
        Ok(())
    }

    fn member(&mut self) -> Result<char, Problem> {
        let Some(character) = self.peek(0) else {
            return Err(self.invalid("a `[` without its `]`"));
        };
        self.next += 1;
        if character == '\\' {
            self.character()
        } else {
            Ok(character)
        }
    }
}

/// Writes a class; one without members matches nothing, or, negated, anything.
fn set(negated: bool, items: &str) -> String {
    match (items.is_empty(), negated) {
        (true, true) => "[\\x00-\\x{10FFFF}]".to_owned(),
        (true, false) => "[^\\x00-\\x{10FFFF}]".to_owned(),
        (false, _) => format!("[{}{items}]", if negated { "^" } else { "" }),
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
