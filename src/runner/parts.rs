//! What in a secret is a secret by itself: a server that complains of a header repeats a part of it, not all.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

/// The schemes of `Authorization` that have a secret as the rest of the line.
const SCHEMES: [&str; 6] = ["Bearer", "Basic", "Token", "ApiKey", "Api-Key", "Key"];

/// With or without padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ENGINES: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT),
    GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT),
];

/// Returns the secret, its lines, and of each line what stands after the name of a header or a scheme, each cookie's value, and what
/// Basic authentication says in base64.
pub(super) fn of(secret: &str) -> Vec<String> {
    let mut parts = Parts(Vec::new());
    parts.push(secret);
    for line in secret.lines() {
        parts.push(line);
        parts.line(line.trim());
        if let Some((name, value)) = line.split_once(':')
            && !name.trim().is_empty()
            && name
                .trim()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            parts.line(value.trim());
        }
    }
    parts.0
}

struct Parts(Vec<String>);

impl Parts {
    fn push(&mut self, part: &str) {
        let part = part.trim();
        if !part.is_empty() && self.0.iter().all(|known| known != part) {
            self.0.push(part.to_owned());
        }
    }

    /// Adds what is in the value of a header.
    fn line(&mut self, value: &str) {
        if let Some((scheme, rest)) = value.split_once([' ', '\t'])
            && SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))
        {
            self.push(rest);
            self.pairs(rest, ',');
            if scheme.eq_ignore_ascii_case("Basic") {
                self.basic(rest.trim());
            }
        }
        self.pairs(value, ';');
    }

    /// Adds what Basic authentication says: the user with the password, and the password.
    fn basic(&mut self, coded: &str) {
        let bytes = ENGINES.iter().find_map(|engine| engine.decode(coded).ok());
        let Some(plain) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return;
        };
        self.push(&plain);
        if let Some((_, password)) = plain.split_once(':') {
            self.push(password);
        }
    }

    /// Adds the values of `NAME=VALUE; NAME=VALUE`, if all of it is that.
    fn pairs(&mut self, text: &str, separator: char) {
        let named = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"\"()<>@,;:\\/[]?={}".contains(&byte))
        };
        let pairs: Option<Vec<(&str, &str)>> = (text.split(separator).map(str::trim))
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').filter(|(name, _)| named(name)))
            .collect();
        for (_, value) in pairs.unwrap_or_default() {
            let value = value.trim_matches('"');
            self.push(value);
            self.push(&percent_decode_str(value).decode_utf8_lossy());
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

    use super::*;

    #[track_caller]
    fn holds(secret: &str, parts: &[&str]) {
        let all = of(secret);
        for part in parts {
            assert!(all.iter().any(|known| known == part), "{part} in {all:?}");
        }
    }

    #[test]
    fn what_follows_a_scheme_and_what_basic_says_are_secrets() {
        holds("Bearer abcd-1234", &["Bearer abcd-1234", "abcd-1234"]);
        holds("X-Auth: bearer  abcd-1234", &["abcd-1234"]);
        holds("Token token=\"abcd-1234\"", &["abcd-1234"]);
        for coded in [
            STANDARD.encode("bobby:hunter2:x"),
            STANDARD_NO_PAD.encode("bobby:hunter2:x"),
        ] {
            holds(&format!("Basic {coded}"), &[&coded, "bobby:hunter2:x", "hunter2:x"]);
            holds(&format!("A: 1\nB: Basic {coded}"), &[&coded, "hunter2:x"]);
        }
        assert!(!of("Basic bobby").iter().any(|part| part.contains('\u{fffd}')));
    }

    #[test]
    fn each_cookie_is_a_secret() {
        holds(
            "Cookie: cf_auth=AAAAbbbb1111; session=\"DDDDeeee==\"; c=a%2Fb%20c",
            &["AAAAbbbb1111", "DDDDeeee==", "a%2Fb%20c", "a/b c"],
        );
        assert_eq!(of("a sentence; with=one"), ["a sentence; with=one"]);
        assert_eq!(of("https://a.example/?x=yyyyyy"), ["https://a.example/?x=yyyyyy"]);
        assert_eq!(of("abcdefgh=="), ["abcdefgh==", "="]);
    }
}
