//! The runner's workflow commands, written as its own parser reads them: `::name key=value::data`.

/// Returns a command. `data` may hold several lines.
pub(super) fn command(name: &str, title: Option<&str>, data: &str) -> String {
    let title = title.map(|title| format!(" title={}", property(title)));
    format!("::{name}{}::{}", title.unwrap_or_default(), escaped(data))
}

/// Escapes data. `%` first: it is what the others become.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_properties_are_escaped() {
        assert_eq!(
            command("error", Some("a:b,c"), "100%\nx"),
            "::error title=a%3Ab%2Cc::100%25%0Ax"
        );
        assert_eq!(command("endgroup", None, ""), "::endgroup::");
    }
}
