//! Classes of characters, and escapes that stand for one.

use std::fmt::Write as _;

use super::{Problem, Reader};

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

impl Reader<'_> {
    /// Reads `\d`, `\pL` and the like after the backslash: whether it is negated, and the items of a class.
    pub(super) fn set(&mut self) -> Result<Option<(bool, String)>, Problem> {
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
    pub(super) fn character(&mut self) -> Result<char, Problem> {
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

    pub(super) fn class(&mut self) -> Result<(), Problem> {
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

    pub(super) fn member(&mut self) -> Result<char, Problem> {
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
pub(super) fn set(negated: bool, items: &str) -> String {
    match (items.is_empty(), negated) {
        (true, true) => "[\\x00-\\x{10FFFF}]".to_owned(),
        (true, false) => "[^\\x00-\\x{10FFFF}]".to_owned(),
        (false, _) => format!("[{}{items}]", if negated { "^" } else { "" }),
    }
}
