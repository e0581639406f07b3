//! Hides secrets in every text on its way out: plain, in base64 at each of the three alignments, percent-encoded, and as JSON writes them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::Secret;

/// Shorter texts are no secrets, and hiding them would make every line unreadable.
pub(super) const SHORTEST: usize = 4;

/// What RFC 3986 never encodes stays.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Knows every secret of the run. Has no `Debug`.
#[derive(Default)]
pub struct Redactor {
    /// The longest first, so that a part never uncovers the rest of a whole.
    forms: Vec<String>,
}

impl Redactor {
    /// Makes a redactor that knows `secrets`.
    #[must_use]
    pub fn new(secrets: &[Secret]) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            redactor.learn(secret);
        }
        redactor
    }

    /// Learns another secret.
    pub fn learn(&mut self, secret: &Secret) {
        let text = secret.expose().trim();
        if text.len() < SHORTEST {
            return;
        }
        self.forms.push(text.to_owned());
        self.forms.extend(json(text));
        self.forms.extend(percent(text));
        self.forms.extend(base64(text));
        self.forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.forms.dedup();
    }

    /// Returns the text with every secret replaced by `***`, and everything that begins like one for half of its length:
    /// who answers with a secret, or we, may have cut it short.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in &self.forms {
            if text.contains(head(form)) {
                text = without(&text, form);
            }
        }
        text
    }
}

/// Returns the part of a secret that is enough to be one.
fn head(form: &str) -> &str {
    const LEAST: usize = 8;
    let end = form.ceil_char_boundary(form.len().div_ceil(2).max(LEAST));
    form.get(..end).unwrap_or(form)
}

fn without(text: &str, form: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, found)) = rest.find(head(form)).and_then(|at| rest.split_at_checked(at)) {
        let same = found.chars().zip(form.chars()).take_while(|(a, b)| a == b);
        let length = same.map(|(c, _)| c.len_utf8()).sum();
        out.push_str(before);
        out.push_str("***");
        rest = found.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn json(text: &str) -> Option<String> {
    let quoted = serde_json::to_string(text).ok()?;
    quoted.get(1..quoted.len() - 1).map(str::to_owned)
}

fn percent(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for set in [NON_ALPHANUMERIC, UNRESERVED] {
        let upper = utf8_percent_encode(text, set).to_string();
        forms.push(upper.replace("%20", "+"));
        forms.push(lower_hex(&upper));
        forms.push(upper);
    }
    forms
}

/// Writes the digits of `%2F` in lower case.
fn lower_hex(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        out.push('%');
        out.push_str(&digits.to_ascii_lowercase());
        out.push_str(rest);
    }
    out
}

/// Returns what the secret looks like inside the base64 of any text around it: the characters that depend on its bytes alone.
fn base64(text: &str) -> Vec<String> {
    const LEAST: usize = 6;
    let mut forms = Vec::new();
    for shift in 0..3_usize {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(text.as_bytes());
        let (from, to) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let coded = engine.encode(&bytes);
            forms.extend(
                coded
                    .get(from..to)
                    .filter(|form| form.len() >= LEAST)
                    .map(str::to_owned),
            );
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_hidden_in_every_form() {
        let secret = "s3cr3t/with+odd chars?\"ä";
        let redactor = Redactor::new(&[Secret::new(secret)]);
        for text in [
            secret.to_owned(),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            lower_hex(&utf8_percent_encode(secret, UNRESERVED).to_string()),
            serde_json::to_string(secret).unwrap(),
        ] {
            let clean = redactor.clean(&format!("a{text}b"));
            assert!(clean.contains("***") && clean.len() < 12, "{clean}");
        }
    }

    #[test]
    fn a_whole_is_hidden_before_its_parts() {
        let redactor = Redactor::new(&[Secret::new("part"), Secret::new("part-and-more")]);
        assert_eq!(redactor.clean("x part-and-more y part"), "x *** y ***");
    }

    #[test]
    fn a_secret_that_was_cut_short_is_hidden_and_its_first_letters_are_not() {
        let redactor = Redactor::new(&[Secret::new("0123456789-ä-abcdefghij"), Secret::new("hunter2")]);
        for (text, clean) in [
            ("x 0123456789-ä-abc y", "x *** y"),
            ("x 0123456789-ä", "x ***"),
            ("0123456789-ä-abcdefghij0123456789-ä-", "******"),
            ("0123456789", "0123456789"),
            ("hunter hunter2", "hunter ***"),
        ] {
            assert_eq!(redactor.clean(text), clean, "{text}");
        }
        let coded = STANDARD.encode("Bearer 0123456789-ä-abcdefghij");
        assert!(redactor.clean(&coded[..28]).contains("***"));
    }

    #[test]
    fn a_text_that_hides_nothing_is_left_alone() {
        let redactor = Redactor::new(&[Secret::new(""), Secret::new("a")]);
        assert_eq!(redactor.clean("banana"), "banana");
    }

    proptest! {
        #[test]
        fn base64_of_anything_around_a_secret_hides_it(before in ".{0,5}", after in ".{0,5}", secret in "[!-~]{8,40}") {
            let redactor = Redactor::new(&[Secret::new(&*secret)]);
            let coded = STANDARD.encode(format!("{before}{secret}{after}"));
            prop_assert!(redactor.clean(&coded).contains("***"));
        }
    }
}
