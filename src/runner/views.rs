//! A text with its escapes read, so that a secret is found however it was escaped: as HTML, as JSON, or as one in the other.

use std::ops::Range;

/// A text that was read from another one, and where each of its bytes stands there.
pub(super) struct View {
    pub(super) text: String,
    /// One place more than there are bytes: the end.
    places: Vec<usize>,
}

/// Reads an escape that a text begins with: the character, and how many bytes stand for it.
type Escape = fn(&str) -> Option<(char, usize)>;

/// The names of characters in HTML that some library writes.
const NAMES: [(&str, char); 12] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("plus", '+'),
    ("equals", '='),
    ("sol", '/'),
    ("bsol", '\\'),
    ("grave", '`'),
    ("colon", ':'),
    ("percnt", '%'),
];

/// Returns the views of a text that differ from it.
pub(super) fn of(text: &str) -> Vec<View> {
    let readers: [Escape; 2] = [of_html, of_json];
    let mut views = Vec::new();
    for (first, second) in [(0, 1), (1, 0)] {
        let read = |view: &str, reader: usize| readers.get(reader).and_then(|reader| View::read(view, *reader));
        let Some(view) = read(text, first) else { continue };
        let deeper = read(&view.text, second).map(|deeper| deeper.of(&view));
        views.push(view);
        views.extend(deeper);
    }
    views
}

impl View {
    fn read(text: &str, escape: Escape) -> Option<Self> {
        let (mut read, mut places) = (String::new(), Vec::new());
        let (mut at, mut any) = (0, false);
        while let Some(rest) = text.get(at..)
            && let Some(character) = rest.chars().next()
        {
            let (character, length) = match escape(rest) {
                Some(escaped) => {
                    any = true;
                    escaped
                }
                None => (character, character.len_utf8()),
            };
            read.push(character);
            places.resize(read.len(), at);
            at += length;
        }
        places.push(at);
        any.then_some(Self { text: read, places })
    }

    /// Returns the same view, of the text that `outer` is a view of.
    fn of(self, outer: &Self) -> Self {
        let places = self.places.iter().map(|place| outer.place(*place)).collect();
        Self { places, ..self }
    }

    fn place(&self, at: usize) -> usize {
        self.places.get(at).or(self.places.last()).copied().unwrap_or_default()
    }

    /// Returns where a range of the view stands in the text.
    pub(super) fn range(&self, range: &Range<usize>) -> Range<usize> {
        self.place(range.start)..self.place(range.end)
    }
}

/// Reads `&amp;`, `&#38;` or `&#x26;`.
fn of_html(text: &str) -> Option<(char, usize)> {
    const LONGEST: usize = 12;
    let rest = text.strip_prefix('&')?;
    let end = rest.bytes().take(LONGEST).position(|byte| byte == b';')?;
    let name = rest.get(..end)?;
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
        None => NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1,
    };
    Some((character, end + 2))
}

/// Reads `\u0026`, `\"`, `\\` or `\/`.
fn of_json(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('\\')?;
    if let Some(digits) = rest.strip_prefix('u') {
        let code = u32::from_str_radix(digits.get(..4)?, 16).ok()?;
        return Some((char::from_u32(code)?, 6));
    }
    let character = rest
        .chars()
        .next()
        .filter(|character| matches!(character, '"' | '\\' | '/'))?;
    Some((character, 2))
}
