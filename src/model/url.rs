//! Reads URLs. Knows no scheme; what may be asked of a host is decided elsewhere.

use url::{ParseError, Url};

/// Reads a URL.
///
/// # Errors
/// Says what is wrong, and nothing of the text, which may hold a password.
pub fn read_url(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| match error {
        // Nothing here holds the tables that would turn one into the other.
        ParseError::IdnaError => {
            "the host is not a name in ASCII: write it as DNS has it, each part with other letters as `xn--…`"
                .to_owned()
        }
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_written_as_dns_has_it() {
        assert_eq!(
            read_url("https://xn--bcher-kva.example/a").unwrap().host_str(),
            Some("xn--bcher-kva.example")
        );
        assert_eq!(
            read_url("https://Git.EXAMPLE.com").unwrap().host_str(),
            Some("git.example.com")
        );
        let refused = read_url("https://bücher.example/a").unwrap_err();
        assert!(refused.contains("`xn--…`"), "{refused}");
    }
}
