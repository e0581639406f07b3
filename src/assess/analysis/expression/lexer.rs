//! The text of an expression cut into tokens.

use super::failure::{Class, Failure};

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, `true` and `nil` included.
    Name(String),
    /// A number as it is written.
    Number(String),
    /// A text without its quotes.
    Text(String),
    /// An operator or a word that is one.
    Operator(String),
    /// A bracket.
    Bracket(char),
    /// The end.
    End,
}

/// A token and the character it begins at.
pub(super) type Placed = (usize, Result<Token, Failure>);

const WORDS: [&str; 10] = [
    "in",
    "or",
    "and",
    "matches",
    "contains",
    "startsWith",
    "endsWith",
    "let",
    "if",
    "else",
];
const NEGATED: [&str; 5] = ["in", "matches", "contains", "startsWith", "endsWith"];

/// Whether a character may stand in a name.
pub(super) fn in_name(character: char) -> bool {
    begins_name(character) || character.is_numeric()
}

/// Whether a character may begin a name.
pub(super) fn begins_name(character: char) -> bool {
    matches!(character, '_' | '$') || character.is_alphabetic()
}

/// Cuts the text. An error is the last token: the parser meets it when it gets there.
pub(super) fn tokens(text: &str) -> Vec<Placed> {
    let mut lexer = Lexer {
        characters: text.chars().collect(),
        next: 0,
    };
    let mut all = Vec::new();
    loop {
        let before = all.len();
        match lexer.token(&mut all) {
            Ok(true) => {}
            Ok(false) => {
                all.push((text.chars().count(), Ok(Token::End)));
                return all;
            }
            Err(failure) => {
                all.truncate(before);
                all.push((failure.at, Err(failure)));
                return all;
            }
        }
    }
}

struct Lexer {
    characters: Vec<char>,
    next: usize,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.next).copied()
    }

    fn take(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let taken = self.peek().is_some_and(wanted);
        self.next += usize::from(taken);
        taken
    }

    fn run(&mut self, wanted: impl Fn(char) -> bool) {
        while self.take(&wanted) {}
    }

    fn word(&self, start: usize) -> String {
        self.characters
            .get(start..self.next)
            .unwrap_or_default()
            .iter()
            .collect()
    }

    /// Reads what comes next; `false` at the end.
    #[expect(clippy::too_many_lines, reason = "one arm for each sort of token")]
    fn token(&mut self, all: &mut Vec<Placed>) -> Result<bool, Failure> {
        let start = self.next;
        let Some(first) = self.peek() else {
            return Ok(false);
        };
        if first.is_ascii_digit() {
            all.push((start, Ok(self.number(start)?)));
            return Ok(true);
        }
        if begins_name(first) || first.is_numeric() {
            self.name(start, all);
            return Ok(true);
        }
        self.next += 1;
        match first {
            _ if first.is_whitespace() => return Ok(true),
            '\'' | '"' => {
                all.push((start, Ok(Token::Text(self.text(first)?))));
                return Ok(true);
            }
            '`' => {
                all.push((start, Ok(Token::Text(self.raw(start)?))));
                return Ok(true);
            }
            '(' | '[' | '{' | ')' | ']' | '}' => {
                all.push((start, Ok(Token::Bracket(first))));
                return Ok(true);
            }
            '/' if self.take(|c| c == '/') => {
                self.run(|c| c != '\n');
                return Ok(true);
            }
            '/' if self.take(|c| c == '*') => return self.comment(start).map(|()| true),
            '.' if self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                self.next = start;
                all.push((start, Ok(self.number(start)?)));
                return Ok(true);
            }
            '#' => {
                self.take(|c| c == '#');
                all.push((start, Ok(Token::Operator(self.word(start)))));
                let name = self.next;
                self.run(in_name);
                if self.next > name {
                    all.push((name, Ok(Token::Name(self.word(name)))));
                }
                return Ok(true);
            }
            '?' => {
                self.take(|c| matches!(c, '.' | '?'));
            }
            '|' | ':' | '.' => {
                self.take(|c| c == first);
            }
            '&' | '!' | '=' | '*' | '<' | '>' => {
                self.take(|c| matches!(c, '&' | '=' | '*'));
            }
            ',' | ';' | '%' | '+' | '-' | '^' | '/' => {}
            _ => {
                return Err(Failure::new(
                    Class::Syntax,
                    start,
                    format!("`{first}` means nothing in an expression"),
                ));
            }
        }
        all.push((start, Ok(Token::Operator(self.word(start)))));
        Ok(true)
    }

    fn comment(&mut self, start: usize) -> Result<(), Failure> {
        loop {
            match self.peek() {
                None => return Err(Failure::new(Class::Other, start, "the comment has no end")),
                Some('*') if self.characters.get(self.next + 1) == Some(&'/') => {
                    self.next += 2;
                    return Ok(());
                }
                Some(_) => self.next += 1,
            }
        }
    }

    fn number(&mut self, start: usize) -> Result<Token, Failure> {
        let mut digit: fn(char) -> bool = |c| c.is_ascii_digit() || c == '_';
        if self.take(|c| c == '0') {
            if self.take(|c| matches!(c, 'x' | 'X')) {
                digit = |c| c.is_ascii_hexdigit() || c == '_';
            } else if self.take(|c| matches!(c, 'o' | 'O')) {
                digit = |c| matches!(c, '0'..='7' | '_');
            } else if self.take(|c| matches!(c, 'b' | 'B')) {
                digit = |c| matches!(c, '0' | '1' | '_');
            }
        }
        self.run(digit);
        let before_point = self.next;
        if self.take(|c| c == '.') {
            if self.peek() == Some('.') {
                self.next = before_point;
                return Ok(Token::Number(self.word(start)));
            }
            self.run(digit);
        }
        if self.take(|c| matches!(c, 'e' | 'E')) {
            self.take(|c| matches!(c, '+' | '-'));
            self.run(digit);
        }
        if self.take(in_name) {
            let word = self.word(start);
            return Err(Failure::new(Class::Syntax, start, format!("`{word}` is no number")));
        }
        Ok(Token::Number(self.word(start)))
    }

    fn name(&mut self, start: usize, all: &mut Vec<Placed>) {
        self.run(in_name);
        let word = self.word(start);
        if word == "not" {
            all.push((start, Ok(Token::Operator(word))));
            self.run(|c| c == ' ');
            let next = self.next;
            self.run(in_name);
            let word = self.word(next);
            if NEGATED.contains(&word.as_str()) {
                all.push((next, Ok(Token::Operator(word))));
            } else {
                self.next = next;
            }
            return;
        }
        let token = if WORDS.contains(&word.as_str()) {
            Token::Operator(word)
        } else {
            Token::Name(word)
        };
        all.push((start, Ok(token)));
    }

    fn raw(&mut self, start: usize) -> Result<String, Failure> {
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(Failure::new(Class::Syntax, start, "the text has no closing quote")),
                Some('`') => {
                    self.next += 1;
                    if !self.take(|c| c == '`') {
                        return Ok(text);
                    }
                    text.push('`');
                }
                Some(character) => {
                    self.next += 1;
                    text.push(character);
                }
            }
        }
    }

    fn text(&mut self, quote: char) -> Result<String, Failure> {
        let mut text = String::new();
        loop {
            let at = self.next;
            let character = self.peek();
            self.next += 1;
            match character {
                None | Some('\n') => {
                    return Err(Failure::new(Class::Syntax, at, "the text has no closing quote"));
                }
                Some(end) if end == quote => return Ok(text),
                Some('\\') => text.push(self.escape(quote, at)?),
                // Line ends inside of a text are read as one character.
                Some('\r') => text.push('\n'),
                Some(other) => text.push(other),
            }
        }
    }

    fn escape(&mut self, quote: char, at: usize) -> Result<char, Failure> {
        let wrong = |class| Failure::new(class, at, "the escape in the text is none");
        let Some(kind) = self.peek() else {
            return Err(wrong(Class::Syntax));
        };
        self.next += 1;
        Ok(match kind {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' => '\\',
            _ if kind == quote => quote,
            '0'..='7' => {
                self.next -= 1;
                let code = self.digits(8, 3).ok_or_else(|| wrong(Class::Syntax))?;
                return char::from_u32(code)
                    .filter(|_| kind <= '3')
                    .ok_or_else(|| wrong(Class::Other));
            }
            'u' if self.peek() == Some('{') => {
                self.next += 1;
                let start = self.next;
                self.run(|c| c.is_ascii_hexdigit());
                let length = self.next - start;
                self.next = start;
                let code = self.digits(16, length).filter(|_| (1..=6).contains(&length));
                if !self.take(|c| c == '}') {
                    return Err(wrong(Class::Syntax));
                }
                return character(code.ok_or_else(|| wrong(Class::Syntax))?).ok_or_else(|| wrong(Class::Other));
            }
            'x' | 'u' | 'U' => {
                let count = match kind {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let code = self.digits(16, count).ok_or_else(|| wrong(Class::Syntax))?;
                return character(code).ok_or_else(|| wrong(Class::Other));
            }
            _ => return Err(wrong(Class::Syntax)),
        })
    }

    fn digits(&mut self, base: u32, count: usize) -> Option<u32> {
        let mut code = 0_u32;
        for _ in 0..count {
            let digit = self.peek().and_then(|c| c.to_digit(base))?;
            code = code.wrapping_mul(base).wrapping_add(digit);
            self.next += 1;
        }
        Some(code)
    }
}

/// Returns the character of a code; half of a pair becomes the replacement character, as in Go.
fn character(code: u32) -> Option<char> {
    (code <= 0x0010_ffff).then(|| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
}
