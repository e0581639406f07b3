//! Admits a text for editing, and answers questions about its lines and blanks by byte offset.

use crate::ManifestFault;

/// Ten megabytes, by either way of counting; kustomize needs more than a minute for such a file.
const LIMIT: usize = 10_500_000;

/// Returns the text, if it is one that a YAML reader of any version accepts.
///
/// # Errors
/// It is too large, no UTF-8, or holds a control character or a byte order mark after its start.
pub(crate) fn admit(bytes: &[u8]) -> Result<&str, ManifestFault> {
    if bytes.len() > LIMIT {
        return Err(ManifestFault::new("the file is larger than 10 MB, too large to edit")
            .hint("move generated content into files of its own"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.get(..error.valid_up_to()).map_or(1, line_of_end);
        ManifestFault::new("the file is not UTF-8 text")
            .at(line)
            .hint("save the file as UTF-8")
    })?;
    match forbidden(bytes) {
        None => Ok(text),
        Some(at) => {
            let found = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('\0');
            Err(
                ManifestFault::new(format!("{} is not allowed in YAML", found.escape_unicode()))
                    .at(bytes.get(..at).map_or(1, line_of_end))
                    .hint("remove that character"),
            )
        }
    }
}

/// Returns the line, from 1, on which `before` ends.
fn line_of_end(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

/// Finds what libyaml's reader refuses: control characters, non-characters, and a byte order mark that is not at the start.
fn forbidden(bytes: &[u8]) -> Option<usize> {
    // Most files hold nothing else.
    let (words, rest) = bytes.as_chunks::<8>();
    if words.iter().all(|word| are_plain(*word)) && rest.iter().all(|byte| is_plain(*byte)) {
        return None;
    }
    let mut before = [0_u8; 2];
    for (at, byte) in bytes.iter().copied().enumerate() {
        match (before, byte) {
            (_, 0..=8 | 11 | 12 | 14..=31 | 127) => return Some(at),
            ([_, 0xC2], 0x80..=0x84 | 0x86..=0x9F) => return Some(at.saturating_sub(1)),
            ([0xEF, 0xBB], 0xBF) if at > 2 => return Some(at.saturating_sub(2)),
            ([0xEF, 0xBF], 0xBE | 0xBF) => return Some(at.saturating_sub(2)),
            _ => {}
        }
        before = [before[1], byte];
    }
    None
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r')
}

/// Returns whether each of eight bytes is plain, in one step: the highest bit of each says what holds for it.
fn are_plain(bytes: [u8; 8]) -> bool {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    const HIGH: u64 = each(0x80);
    let word = u64::from_ne_bytes(bytes);
    if word & HIGH != 0 {
        return false;
    }
    // No sum below reaches into the next byte, since none of the bytes is above 0x7F.
    let differs = |byte: u8| (word ^ each(byte)) + each(0x7F);
    let is_shown = word + each(0x80 - b' ');
    let is_delete = word + each(1);
    let is_control = differs(b'\t') & differs(b'\n') & differs(b'\r') & !is_shown;
    (is_control | is_delete) & HIGH == 0
}

/// A text, asked by byte offset. Offsets outside it are answered as its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'t>(pub(crate) &'t str);

impl<'t> Text<'t> {
    /// Returns the text from `start` to `end`; empty if that is no range of whole characters.
    pub(crate) fn slice(self, start: usize, end: usize) -> &'t str {
        self.0.get(start..end).unwrap_or("")
    }

    /// Returns what follows `start`.
    pub(crate) fn from(self, start: usize) -> &'t str {
        self.slice(start, self.0.len())
    }

    /// Returns the byte at `at`, if there is one.
    pub(crate) fn byte(self, at: usize) -> Option<u8> {
        self.0.as_bytes().get(at).copied()
    }

    /// Returns the line of `at`, from 1.
    pub(crate) fn line(self, at: usize) -> usize {
        1 + self.breaks(0, at)
    }

    /// Returns how many line breaks stand between two places.
    pub(crate) fn breaks(self, start: usize, end: usize) -> usize {
        let between = self.slice(start, end);
        let lone = if between.contains('\r') {
            between.matches('\r').count() - between.matches("\r\n").count()
        } else {
            0
        };
        between.matches('\n').count() + lone
    }

    /// Returns where the line of `at` begins.
    pub(crate) fn line_start(self, at: usize) -> usize {
        let start = self.slice(0, at).rfind(['\n', '\r']).map_or(0, |found| found + 1);
        if start == 0 && self.0.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            start
        }
    }

    /// Returns where the line of `at` ends, before its line break.
    pub(crate) fn line_end(self, at: usize) -> usize {
        self.from(at)
            .find(['\n', '\r'])
            .map_or(self.0.len(), |found| at + found)
    }

    /// Returns the line break at `at`, empty if there is none.
    pub(crate) fn line_break(self, at: usize) -> &'t str {
        let rest = self.from(at);
        let length = match rest.as_bytes() {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        rest.get(..length).unwrap_or("")
    }

    /// Returns where the next line begins, or the end of the text.
    pub(crate) fn next_line(self, at: usize) -> usize {
        let end = self.line_end(at);
        end + self.line_break(end).len()
    }

    /// Returns where the line before the one of `at` ends, before its line break; `None` on the first line.
    pub(crate) fn previous_line_end(self, at: usize) -> Option<usize> {
        let start = self.line_start(at);
        let before = self.slice(0, start);
        let end = before
            .strip_suffix("\r\n")
            .or_else(|| before.strip_suffix(['\n', '\r']))?;
        Some(end.len())
    }

    /// Returns the line break that a new line beside the one of `at` gets: its own, else that of the line before, else LF.
    pub(crate) fn break_beside(self, at: usize) -> &'t str {
        let own = self.line_break(self.line_end(at));
        if !own.is_empty() {
            return own;
        }
        let before = self.previous_line_end(at).map_or("", |end| self.line_break(end));
        if before.is_empty() { "\n" } else { before }
    }

    /// Returns the indentation of `at`: what its line holds before it.
    pub(crate) fn indentation(self, at: usize) -> &'t str {
        self.slice(self.line_start(at), at)
    }

    /// Returns the last character before `at` on its line that is no blank. Looks no further back than that: lines may be long.
    pub(crate) fn last_before(self, at: usize) -> Option<char> {
        let before = self.slice(0, at).trim_end_matches([' ', '\t']);
        let last = before.chars().next_back()?;
        let is_mark = last == '\u{feff}' && before.len() == last.len_utf8();
        (!is_mark && !matches!(last, '\n' | '\r')).then_some(last)
    }

    /// Returns the blanks directly before `at`.
    pub(crate) fn blanks_before(self, at: usize) -> &'t str {
        let kept = self.slice(0, at).trim_end_matches([' ', '\t']).len();
        self.slice(kept, at)
    }

    /// Whether nothing but blanks stands before `at` on its line.
    pub(crate) fn is_first_on_line(self, at: usize) -> bool {
        self.last_before(at).is_none()
    }

    /// Returns the next offset from `at` on that is no blank on the same line.
    pub(crate) fn skip_blanks(self, at: usize) -> usize {
        let rest = self.from(at);
        at + (rest.len() - rest.trim_start_matches([' ', '\t']).len())
    }

    /// Returns the next offset from `at` on that is no blank, line break or comment.
    pub(crate) fn skip_to_token(self, mut at: usize) -> usize {
        loop {
            at = self.skip_blanks(at);
            match self.byte(at) {
                Some(b'\n' | b'\r') => at += 1,
                Some(b'#') => at = self.line_end(at),
                _ => return at.min(self.0.len()),
            }
        }
    }

    /// Returns the end of the line's content after `at`, if only blanks and a comment follow: the end of the line.
    pub(crate) fn rest_is_comment(self, at: usize) -> bool {
        matches!(self.byte(self.skip_blanks(at)), None | Some(b'\n' | b'\r' | b'#'))
    }

    /// Returns the offset behind the colon that ends the key at `key_end`, if the key has one.
    pub(crate) fn after_colon(self, key_end: usize) -> Option<usize> {
        let at = self.skip_to_token(key_end);
        (self.byte(at) == Some(b':')).then_some(at + 1)
    }

    /// Returns where the value of the key at `key_end` begins, behind its anchor and tag.
    pub(crate) fn value_start(self, key_end: usize) -> usize {
        let mut at = self.after_colon(key_end).unwrap_or(key_end);
        loop {
            at = self.skip_to_token(at);
            if !matches!(self.byte(at), Some(b'&' | b'!')) {
                return at;
            }
            let token = self.from(at);
            at += token.find([' ', '\t', '\n', '\r']).unwrap_or(token.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_are_judged_as_each_of_them() {
        for byte in 0..=u8::MAX {
            for (at, other) in (0..8).zip(*b" ~\t\n\ra0-") {
                let mut bytes = [other; 8];
                bytes[at] = byte;
                assert_eq!(are_plain(bytes), is_plain(byte), "{bytes:?}");
            }
        }
    }

    #[test]
    fn breaks_of_every_kind_are_counted_once() {
        assert_eq!(Text("a\nb\r\nc\rd").breaks(0, 8), 3);
        assert_eq!(Text("a\nb\nc").breaks(0, 5), 2);
    }
}
