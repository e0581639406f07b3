//! Hides secrets in every text on its way out: plain, in base64 at each of the three alignments, percent-encoded, in hexadecimal, and
//! as JSON or HTML writes them; whole, or any run of half of one.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::views;
use crate::assess::gate::GATES;
use crate::model::{Command, Health, Outcome, Secret, SyncState};

/// Shorter texts are no secrets, and hiding them would make every line unreadable.
pub(super) const SHORTEST: usize = 4;

/// A part of a secret that is shorter than this is not recognized.
const LEAST: usize = 8;

/// What RFC 3986 never encodes stays.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Knows every secret of the run. Has no `Debug`.
#[derive(Default)]
pub struct Redactor {
    forms: Vec<Form>,
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

    /// Learns another secret, unless hiding it would hide nothing (see [`weakness`]).
    pub fn learn(&mut self, secret: &Secret) {
        let text = secret.expose().trim();
        if !is_hidden(text) {
            return;
        }
        let mut forms = vec![text.to_owned()];
        forms.extend(json(text));
        // As code in a table of Markdown.
        forms.push(text.replace('`', "'").replace('|', "\\|"));
        forms.extend(percent(text));
        forms.extend(base64(text));
        forms.extend(hex(text));
        for form in forms {
            if self.forms.iter().all(|known| known.text != form) {
                self.forms.push(Form::new(form));
            }
        }
    }

    /// Returns the text with every secret replaced by `***`, and every run of at least half of one: whoever answers with a secret
    /// may have cut it anywhere.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let find = |text: &str| -> Vec<Range<usize>> { self.forms.iter().flat_map(|form| form.find(text)).collect() };
        let mut found = find(text);
        if !self.forms.is_empty() && text.contains(['&', '\\']) {
            for view in views::of(text) {
                found.extend(find(&view.text).iter().map(|range| view.range(range)));
            }
        }
        if found.is_empty() {
            return text.to_owned();
        }
        found.sort_by_key(|range| (range.start, range.end));
        let (mut out, mut end) = (String::with_capacity(text.len()), 0);
        for range in found {
            if range.start >= end {
                out.push_str(text.get(end..range.start).unwrap_or_default());
                out.push_str("***");
            }
            end = end.max(range.end);
        }
        out.push_str(text.get(end..).unwrap_or_default());
        out
    }
}

/// Whether a secret can be hidden without hiding what is none.
pub(super) fn is_hidden(secret: &str) -> bool {
    secret.len() >= SHORTEST && !is_own_word(secret)
}

/// Returns why a value that was given as a secret is not hidden, or in a step hidden badly, as the end of a sentence.
#[must_use]
pub fn weakness(secret: &Secret, in_step: bool) -> Option<String> {
    let text = secret.expose().trim();
    if text.is_empty() {
        None
    } else if is_own_word(text) {
        Some("is a word that every report contains, so promote does not mask it".to_owned())
    } else if text.len() < SHORTEST {
        Some(format!(
            "has fewer than {SHORTEST} characters, so promote does not mask it"
        ))
    } else if text.len() < LEAST {
        let who = if in_step {
            "GitHub masks these characters wherever they appear in the job's log"
        } else {
            "promote masks these characters wherever they appear in its output"
        };
        Some(format!("has fewer than {LEAST} characters: {who}"))
    } else {
        None
    }
}

/// Whether a text is a word of the report's closed lists, of JSON or of every address.
fn is_own_word(text: &str) -> bool {
    ["true", "false", "null", "http", "https"].contains(&text)
        || Outcome::ALL.iter().any(|word| word.name() == text)
        || Command::ALL.iter().any(|word| word.name() == text)
        || Health::ALL.iter().any(|word| word.to_string() == text)
        || SyncState::ALL.iter().any(|word| word.to_string() == text)
        || GATES.iter().any(|gate| gate.name == text)
}

/// One spelling of a secret.
struct Form {
    text: String,
    /// A run of it that is as long as this is hidden.
    run: usize,
    /// Where the parts begin that are looked for: every run of that length holds one of them whole.
    parts: Vec<Range<usize>>,
}

impl Form {
    fn new(text: String) -> Self {
        let length = text.len();
        let run = length.div_ceil(2).max(LEAST).min(length);
        let parts = if run == length {
            std::iter::once(0..length).collect()
        } else {
            let part = run.div_ceil(2);
            let starts = (0..length / part).map(|at| at * part);
            starts
                .map(|at| text.floor_char_boundary(at)..text.floor_char_boundary(at + part))
                .collect()
        };
        Self { text, run, parts }
    }

    /// Returns where runs of it are.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for part in &self.parts {
            let Some(needle) = self.text.get(part.clone()) else {
                continue;
            };
            for at in everywhere(text, needle) {
                let (before, after) = (
                    same_end(text, at, &self.text, part.start),
                    same_start(text, at, &self.text, part.start),
                );
                if before + after >= self.run {
                    found.push(text.floor_char_boundary(at - before)..text.ceil_char_boundary(at + after));
                }
            }
        }
        found
    }
}

/// Returns each place of `needle`, also those that overlap: only one of them may be where the rest is the same, too.
fn everywhere<'a>(text: &'a str, needle: &'a str) -> impl Iterator<Item = usize> + 'a {
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + text.get(from..)?.find(needle)?;
        from = text.ceil_char_boundary(at + 1);
        Some(at)
    })
}

/// Returns how many bytes before `at` and before `of` are the same.
fn same_end(text: &str, at: usize, form: &str, of: usize) -> usize {
    let (text, form) = (
        text.as_bytes().iter().take(at).rev(),
        form.as_bytes().iter().take(of).rev(),
    );
    text.zip(form).take_while(|(a, b)| a == b).count()
}

/// Returns how many bytes from `at` and from `of` on are the same.
fn same_start(text: &str, at: usize, form: &str, of: usize) -> usize {
    let (text, form) = (text.as_bytes().iter().skip(at), form.as_bytes().iter().skip(of));
    text.zip(form).take_while(|(a, b)| a == b).count()
}

/// Returns its bytes as hexadecimal digits, in both cases.
fn hex(text: &str) -> [String; 2] {
    let pairs: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let lower = pairs.concat();
    [lower.to_ascii_uppercase(), lower]
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
            hex(secret)[0].clone(),
            hex(secret)[1].clone(),
        ] {
            let clean = redactor.clean(&format!("a{text}b"));
            assert!(clean.contains("***") && clean.len() < 12, "{clean}");
        }
    }

    #[test]
    fn escapes_of_html_and_of_json_hide_no_secret() {
        let redactor = Redactor::new(&[Secret::new("Ab1&Cd2<Ef3>Gh4\"Ij5'Kl6+Mn7/Op8")]);
        for text in [
            "Ab1&amp;Cd2&lt;Ef3&gt;Gh4&quot;Ij5&apos;Kl6+Mn7/Op8",
            "Ab1&amp;Cd2&lt;Ef3&gt;Gh4&#34;Ij5&#39;Kl6&#43;Mn7/Op8",
            "Ab1&#38;Cd2&#60;Ef3&#62;Gh4&#34;Ij5&#039;Kl6&#43;Mn7&#47;Op8",
            "Ab1&#x26;Cd2&#x3C;Ef3&#x3e;Gh4&#X22;Ij5&#x27;Kl6&#x2B;Mn7&#x2F;Op8",
            r#"Ab1\u0026Cd2\u003cEf3\u003eGh4\"Ij5'Kl6+Mn7/Op8"#,
            r"Ab1\u0026Cd2\u003CEf3\u003EGh4\u0022Ij5\u0027Kl6\u002BMn7\/Op8",
            r"Ab1\u0026amp;Cd2\u0026lt;Ef3\u0026gt;Gh4\u0026#34;Ij5\u0026#39;Kl6+Mn7/Op8",
            "Ab1&amp;Cd2&lt;Ef3>Gh4\"Ij5",
        ] {
            assert_eq!(redactor.clean(&format!("ä {text} b")), "ä *** b", "{text}");
        }
        for text in ["Ab1&amp;x &lt;p&gt; \\u0026", "&;&#;&#x;&#xffffffff; \\u00 \\"] {
            assert_eq!(redactor.clean(text), text);
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
            ("x -ä-abcdefghij y", "x *** y"),
            ("x 6789-ä-abcde y", "x *** y"),
            ("x abcdefghij y", "x abcdefghij y"),
            ("0123456789", "0123456789"),
            ("hunter hunter2", "hunter ***"),
        ] {
            assert_eq!(redactor.clean(text), clean, "{text}");
        }
        let coded = STANDARD.encode("Bearer 0123456789-ä-abcdefghij");
        assert!(redactor.clean(&coded[..28]).contains("***"));
    }

    #[test]
    fn a_word_of_every_report_is_no_secret_and_a_short_one_is_warned_about() {
        for word in [
            "true",
            "promoted",
            "rollout-failed",
            "plan",
            "Healthy",
            "OutOfSync",
            "sync-window",
            "https",
            "abc",
        ] {
            let secret = Secret::new(word);
            assert_eq!(Redactor::new(std::slice::from_ref(&secret)).clean(word), word);
            assert!(weakness(&secret, false).unwrap().contains("does not mask"), "{word}");
        }
        let short = weakness(&Secret::new("hunter2"), false).unwrap();
        assert!(short.contains("promote masks these characters"), "{short}");
        let short = weakness(&Secret::new("hunter2"), true).unwrap();
        assert!(short.starts_with("has fewer than 8 characters"), "{short}");
        assert_eq!(weakness(&Secret::new("hunter2-"), true), None);
        assert_eq!(weakness(&Secret::new(" "), true), None);
    }

    #[test]
    fn a_secret_that_repeats_itself_is_found_wherever_it_begins() {
        let redactor = Redactor::new(&[Secret::new("aaaaaaaaaaab")]);
        assert_eq!(redactor.clean("aaaaaaaaaaaaaaaab"), "***");
        let redactor = Redactor::new(&[Secret::new("abababababab-x")]);
        assert_eq!(redactor.clean("yabababababababab-x z"), "y*** z");
    }

    #[test]
    fn a_text_that_hides_nothing_is_left_alone() {
        let redactor = Redactor::new(&[Secret::new(""), Secret::new("a")]);
        assert_eq!(redactor.clean("banana"), "banana");
    }

    proptest! {
        /// Wherever it is cut, and whatever stands around it.
        #[test]
        fn every_run_of_half_a_secret_is_hidden(secret in "[!-~äß€]{12,60}", from in 0_usize..60, more in 0_usize..60) {
            let redactor = Redactor::new(&[Secret::new(&*secret)]);
            let length = (secret.len().div_ceil(2).max(LEAST) + more).min(secret.len());
            let from = secret.floor_char_boundary(from % (secret.len() - length + 1));
            let run = secret.get(from..secret.ceil_char_boundary(from + length)).unwrap();
            let clean = redactor.clean(&format!(" {run} "));
            prop_assert!(clean.contains("***") && !clean.contains(run), "{run:?} became {clean:?}");
        }

        #[test]
        fn base64_of_anything_around_a_secret_hides_it(before in ".{0,5}", after in ".{0,5}", secret in "[!-~]{8,40}") {
            let redactor = Redactor::new(&[Secret::new(&*secret)]);
            let coded = STANDARD.encode(format!("{before}{secret}{after}"));
            prop_assert!(redactor.clean(&coded).contains("***"));
        }
    }
}
