//! Reads secret headers, one `Name: value` a line.

use crate::http;
use crate::inputs::{InputSpec, Reader};
use crate::model::{EnvironmentName, Secret};

/// The headers that promote sets itself, in small letters.
pub(super) struct Own {
    pub(super) names: &'static [&'static str],
    /// What to use instead of them.
    pub(super) instead: &'static str,
}

/// Reads the headers of an input.
pub(super) fn headers(reader: &Reader<'_>, spec: &InputSpec, own: &Own) -> Vec<(String, Secret)> {
    let Some(given) = reader.given(spec) else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (number, line) in given
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        match header(line, own) {
            Ok(header) => headers.push(header),
            Err(why) => reader.wrong(spec, "", &format!("line {} {why}", number + 1)),
        }
    }
    headers
}

/// Reads the headers of an input that has a line `ENVIRONMENT=Name: value` for each server and header. A header that names no environment goes
/// to the only one; where there are several, nobody knows whose secret it is.
pub(super) fn headers_of_each(
    reader: &Reader<'_>,
    spec: &InputSpec,
    own: &Own,
    known: &[&EnvironmentName],
) -> Vec<(EnvironmentName, (String, Secret))> {
    let Some(given) = reader.given(spec) else {
        return Vec::new();
    };
    let mut headers = Vec::new();
    let lines = given.text.lines().enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        match header_of_one(line, own, known) {
            Ok(header) => headers.push(header),
            Err(why) => reader.wrong(spec, "", &format!("line {} {why}", number + 1)),
        }
    }
    headers
}

/// Reads `ENVIRONMENT=Name: value`. The error must not repeat the value.
fn header_of_one(
    line: &str,
    own: &Own,
    known: &[&EnvironmentName],
) -> Result<(EnvironmentName, (String, Secret)), String> {
    let name = line.split_once(':').map_or("", |(name, _)| name);
    // No name of a header has a `=`.
    match (name.split_once('='), known) {
        (None, [only]) => Ok(((*only).clone(), header(line, own)?)),
        (None, _) => Err(
            "names no environment, and `argocd-server` has several servers: write `ENVIRONMENT=Name: value`, a line for each server".to_owned(),
        ),
        (Some((environment, _)), _) => {
            let environment = environment.trim();
            let found = known.iter().find(|name| name.as_str() == environment);
            let found = found.ok_or("names an environment that `argocd-server` has no line for")?;
            let (_, rest) = line.split_once('=').unwrap_or_default();
            Ok(((*found).clone(), header(rest, own)?))
        }
    }
}

/// Reads `Name: value`. The error must not repeat the line: it is a secret.
fn header(line: &str, own: &Own) -> Result<(String, Secret), String> {
    let (name, value) = line.split_once(':').ok_or("is not of the form `Name: value`")?;
    let (name, value) = (name.trim(), value.trim());
    if !http::is_header_name(name) {
        return Err("has a name that is none of HTTP's: letters, digits and `-`".to_owned());
    }
    if own.names.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(format!("sets a header that promote sets itself: {}", own.instead));
    }
    if !http::is_header_value(value) {
        return Err("has a value that no header can have".to_owned());
    }
    Ok((name.to_owned(), Secret::new(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_header_is_told_without_its_value() {
        let own = Own {
            names: &["authorization"],
            instead: "use `token`",
        };
        for line in [
            "hunter2",
            "a b: hunter2",
            "Authorization: hunter2",
            "X: hunter2\u{1}",
            "X:",
        ] {
            let why = header(line, &own).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert_eq!(header("X-A: b:c", &own).unwrap().1.expose(), "b:c");
    }

    #[test]
    fn a_header_goes_to_the_environment_that_it_names() {
        let own = Own {
            names: &["authorization"],
            instead: "use `token`",
        };
        let [dev, production] = ["dev", "production"].map(|name| EnvironmentName::parse(name).unwrap());
        let both = [&dev, &production];
        let (environment, (name, value)) = header_of_one("production = X-A: b=c", &own, &both).unwrap();
        assert_eq!(
            (environment.as_str(), &*name, value.expose()),
            ("production", "X-A", "b=c")
        );
        for (line, part) in [
            ("X-A: hunter2", "write `ENVIRONMENT=Name: value`"),
            ("X-A: dev=hunter2", "write `ENVIRONMENT=Name: value`"),
            ("staging=X-A: hunter2", "has no line for"),
            ("dev=Authorization: hunter2", "promote sets itself"),
            ("dev=hunter2", "write `ENVIRONMENT=Name: value`"),
        ] {
            let why = header_of_one(line, &own, &both).unwrap_err();
            assert!(why.contains(part) && !why.contains("hunter2"), "{line}: {why}");
        }
        assert_eq!(header_of_one("X-A: b", &own, &[&dev]).unwrap().0, dev);
    }
}
