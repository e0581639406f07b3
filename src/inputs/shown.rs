//! How a value is shown in a message: in quotes, cut, and of an address only scheme, host and path.

use super::InputKind;
use crate::model::without_tokens;

/// Says what is wrong with a value: which, where it came from, and `why`, the end of the sentence. A secret's value is not shown.
#[must_use]
pub fn wrong(name: &str, kind: InputKind, text: &str, origin: &str, why: &str) -> String {
    let value = match kind {
        InputKind::Secret | InputKind::SecretLines => String::new(),
        InputKind::Address => format!(" {}", quoted(&without_tokens(&address(text)))),
        _ => format!(" {}", quoted(&without_tokens(text))),
    };
    format!("`{name}`{value} ({origin}) {why}")
}

/// Puts a text in quotes, cut after 200 letters.
#[must_use]
pub fn quoted(text: &str) -> String {
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// Returns an address with its scheme, host and path alone, whatever else it holds and however wrong it is. What could be a user, a
/// password or a token is `***`.
#[must_use]
pub fn address(text: &str) -> String {
    let (text, tail) = match text.find(['?', '#']) {
        Some(at) => (text.get(..at).unwrap_or_default(), "?***"),
        None => (text, ""),
    };
    let (scheme, rest) = scheme(text);
    let (user, host) = match user_end(rest) {
        Some(("git", host)) => ("git@", host),
        Some((_, host)) => ("***@", host),
        None => ("", rest),
    };
    // A port has digits only. What else stands behind a colon is a path only where a user stands before it: `git@HOST:PATH`.
    let host = match host.split_once(':') {
        Some((before, after)) => {
            let port = after.split('/').next().unwrap_or_default();
            let is_port = port.bytes().all(|b| b.is_ascii_digit());
            let is_path = scheme.is_empty() && !user.is_empty() && is_plain(before);
            if is_port || is_path {
                format!("{before}:{after}")
            } else {
                format!("{before}:***")
            }
        }
        None => host.to_owned(),
    };
    format!("{scheme}{user}{host}{tail}")
}

/// Splits the scheme with its slashes, however many there are, from the rest.
fn scheme(text: &str) -> (&str, &str) {
    let is_scheme =
        |scheme: &str| !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
    match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) && rest.starts_with(['/', '\\']) => {
            let slashes = rest.len() - rest.trim_start_matches(['/', '\\']).len();
            // `host:/path` is no scheme; only what people write before a host is.
            if slashes == 1 && !["http", "https", "ssh", "git", "file"].contains(&scheme.to_ascii_lowercase().as_str())
            {
                return ("", text);
            }
            text.split_at(scheme.len() + 1 + slashes)
        }
        _ => ("", text),
    }
}

/// Splits at the last `@`, written out or as `%40`.
fn user_end(text: &str) -> Option<(&str, &str)> {
    let plain = text.rfind('@').map(|at| (at, 1));
    let encoded = text.to_ascii_lowercase().rfind("%40").map(|at| (at, 3));
    let (at, long) = plain.into_iter().chain(encoded).max()?;
    Some((text.get(..at)?, text.get(at + long..)?))
}

fn is_plain(host: &str) -> bool {
    host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_scheme_host_and_path_are_shown() {
        for (text, right) in [
            ("https://me:hunter2@host/x", "https://***@host/x"),
            ("https://me:hun@ter2@host/x", "https://***@host/x"),
            ("https://hunter2@host/x", "https://***@host/x"),
            ("me:hunter2@host:x", "***@host:x"),
            ("https://host/o/r?access_token=hunter2", "https://host/o/r?***"),
            ("https://host/o/r#hunter2", "https://host/o/r?***"),
            ("https:/x:hunter2@host/o", "https:/***@host/o"),
            ("https:///x:hunter2@host/o", "https:///***@host/o"),
            ("https:\\\\x:hunter2@host/o", "https:\\\\***@host/o"),
            ("https://x:hunter2%40host/o", "https://***@host/o"),
            ("https://x:hunter2", "https://x:***"),
            ("https://x:hunter2/o", "https://x:***"),
            ("x:hunter2", "x:***"),
            ("git@github.com:o/r", "git@github.com:o/r"),
            ("https://host:8443/o/r", "https://host:8443/o/r"),
            ("o/r", "o/r"),
            ("/srv/git/r.git", "/srv/git/r.git"),
            ("file:///srv/r.git", "file:///srv/r.git"),
        ] {
            assert_eq!(address(text), right, "{text}");
        }
    }

    #[test]
    fn a_token_in_the_place_of_another_value_is_not_shown() {
        let token = "ghs_0123456789abcdefghij";
        for (text, right) in [
            (token.to_owned(), "`x` \"***\" (--x) is wrong"),
            (format!("myorg/api:{token}"), "`x` \"myorg/api:***\" (--x) is wrong"),
            (format!("{token} <"), "`x` \"*** <\" (--x) is wrong"),
            ("ghs_api/v1".to_owned(), "`x` \"ghs_api/v1\" (--x) is wrong"),
        ] {
            assert_eq!(wrong("x", InputKind::Text, &text, "--x", "is wrong"), right);
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        assert!(quoted(&"x".repeat(300)).ends_with("x\"…"));
    }
}
