//! Reads secret headers, one `Name: value` a line.

use crate::http;
use crate::inputs::{InputSpec, Reader};
use crate::model::Secret;

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
}
