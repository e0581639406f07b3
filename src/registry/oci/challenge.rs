//! What a registry asks for with 401: `WWW-Authenticate` (RFC 9110 §11.6.1), in which a value can hold commas.

/// How a registry wants to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With the login itself.
    Basic,
    /// With a token of a service.
    Bearer {
        /// The address of the service.
        realm: String,
        /// The registry's name there.
        service: String,
        /// What the token is for.
        scope: String,
    },
}

/// Returns the challenge that promote can answer; a token before a password.
pub(super) fn best(headers: &[&str]) -> Option<Challenge> {
    let mut basic = false;
    for header in headers {
        for (scheme, parameters) in challenges(header) {
            let of = |name: &str| {
                let found = parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.clone())
            };
            if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = of("realm")
            {
                return Some(Challenge::Bearer {
                    realm,
                    service: of("service").unwrap_or_default(),
                    scope: of("scope").unwrap_or_default(),
                });
            }
            basic |= scheme.eq_ignore_ascii_case("basic");
        }
    }
    basic.then_some(Challenge::Basic)
}

/// Splits a header into its challenges: each a scheme with parameters.
fn challenges(header: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut all: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for part in parts(header) {
        let (before, value) = match part.split_once('=') {
            Some((before, value)) => (before.trim(), Some(value.trim())),
            None => (part.trim(), None),
        };
        // `Bearer realm` begins a challenge; a name alone goes on with it.
        let (scheme, name) = match before.split_once(' ') {
            Some((scheme, name)) => (Some(scheme), name.trim()),
            None if value.is_none() => (Some(before), ""),
            None => (None, before),
        };
        if let Some(scheme) = scheme.filter(|scheme| !scheme.is_empty()) {
            all.push((scheme.to_owned(), Vec::new()));
        }
        if let (Some((_, parameters)), Some(value)) = (all.last_mut(), value) {
            parameters.push((name.to_owned(), unquoted(value)));
        }
    }
    all
}

/// Splits at commas that are not in quotes.
fn parts(header: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in header.chars() {
        if c == ',' && !quoted {
            parts.push(String::new());
            continue;
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut out = String::new();
    let mut escaped = false;
    for c in inner.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            out.push(c);
            escaped = false;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_whatever_its_values_hold() {
        let bearer = |header: &str| match best(&[header]) {
            Some(Challenge::Bearer { realm, service, scope }) => (realm, service, scope),
            other => panic!("{other:?}"),
        };
        let read =
            bearer(r#"Bearer realm="https://auth.example/token",service="reg, one",scope="repository:a/b:pull,push""#);
        assert_eq!(read.0, "https://auth.example/token");
        assert_eq!(
            (read.1.as_str(), read.2.as_str()),
            ("reg, one", "repository:a/b:pull,push")
        );
        assert_eq!(bearer(r#"bearer Realm="https://a/\"x\"""#).0, "https://a/\"x\"");
        assert_eq!(bearer(r#"Basic realm="x", Bearer realm=https://a"#).0, "https://a");
        assert_eq!(best(&["Basic realm=\"a b\""]), Some(Challenge::Basic));
        assert_eq!(best(&["Basic"]), Some(Challenge::Basic));
        assert_eq!(best(&["Negotiate", "Bearer service=x"]), None);
    }
}
