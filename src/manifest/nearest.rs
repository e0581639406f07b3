//! The nearest name to a mistyped one.

/// Returns the one of `known` that `text` is most likely meant to be, if any comes near: by spelling, or as an abbreviation (`prod`).
#[must_use]
pub fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ABBREVIATION: usize = 3;
    let lower = text.to_ascii_lowercase();
    known
        .into_iter()
        .filter_map(|name| {
            let other = name.to_ascii_lowercase();
            let distance = strsim::damerau_levenshtein(&lower, &other);
            let near = distance <= 1 + other.len().min(lower.len()) / 4 && 2 * distance < other.len().max(lower.len());
            let short = lower.len() >= ABBREVIATION && other.starts_with(&lower);
            (near || short).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_abbreviations_are_understood() {
        assert_eq!(nearest("yaml", ["text", "json", "html"]), None);
        let known = ["dev", "staging", "production"];
        for (text, meant) in [
            ("stagin", Some("staging")),
            ("prod", Some("production")),
            ("Dev", Some("dev")),
            ("edv", Some("dev")),
            ("qa", None),
        ] {
            assert_eq!(nearest(text, known), meant, "{text}");
        }
    }
}
