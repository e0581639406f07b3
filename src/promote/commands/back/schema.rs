//! The schema guard: whether the database fits the version that is to come back.

use crate::model::Fault;

use crate::promote::commands::back::Choice;

/// What the database has to look like before and after, for each app in each environment that changes.
pub(super) struct Schema(Vec<(String, Option<String>, Option<String>)>);

impl Schema {
    pub(super) fn of(choices: &[Choice]) -> Self {
        let changing = choices.iter().filter_map(|choice| {
            let (from, to) = choice.schema.clone()?;
            Some((format!("{} in {}", choice.app, choice.environment), from, to))
        });
        Self(changing.collect())
    }

    /// Returns the schema of what comes back, where all of it has the same.
    pub(super) fn target(&self) -> Option<String> {
        let (_, _, first) = self.0.first()?;
        let same = self.0.iter().all(|(_, _, to)| to == first);
        first.clone().filter(|_| same)
    }

    /// Whether the database has to change: `true`, `false` or `unknown`.
    pub(super) fn changed(&self) -> &'static str {
        let differs =
            |(_, from, to): &(String, Option<String>, Option<String>)| from.is_some() && to.is_some() && from != to;
        if self.0.iter().any(differs) {
            return "true";
        }
        let known = |(_, from, to): &(String, Option<String>, Option<String>)| from.is_some() && to.is_some();
        if self.0.iter().all(known) { "false" } else { "unknown" }
    }

    /// Returns what is worth a warning: nothing is known of the versions. `given` is what the database looks like now, as the run says.
    pub(super) fn notices(&self, given: Option<&str>) -> Vec<String> {
        let unknown = self.0.iter().filter(|(_, from, to)| from.is_none() && to.is_none());
        let of: Vec<&str> = unknown.map(|(of, _, _)| of.as_str()).collect();
        if of.is_empty() {
            return Vec::new();
        }
        let why = match given {
            Some(given) => format!("the schema is {given} now, and none is known for either version"),
            None => "no schema is known for either version".to_owned(),
        };
        vec![format!(
            "{}: {why}. Check that the earlier version works with the database as it is",
            of.join(", ")
        )]
    }

    /// Returns what forbids to go back: the database does not fit, or is not known to. `given` is what it looks like now, as the run says.
    pub(super) fn forbids(&self, given: Option<&str>) -> Option<Fault> {
        let said = |schema: &Option<String>| schema.clone().unwrap_or_else(|| "unknown".to_owned());
        let wrong: Vec<&(String, Option<String>, Option<String>)> = (self.0.iter())
            .filter(|(_, from, to)| from != to && !(to.is_some() && to.as_deref() == given))
            .collect();
        let (_, _, to) = wrong.first()?;
        let why: Vec<String> = wrong
            .iter()
            .map(|(of, from, to)| {
                format!(
                    "{of}: the schema is {} now, and the earlier version needs {}",
                    said(from),
                    said(to)
                )
            })
            .collect();
        let fault = Fault::refused(why.join("; "));
        Some(match to {
            Some(to) => fault.hint(format!("take the database back first, then add `--schema {to}`")),
            None => fault.hint(
                "choose a version whose schema is known with `--to`, or promote the earlier image with `promote --image` once the database fits",
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(rows: &[(Option<&str>, Option<&str>)]) -> Schema {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Schema(
            rows.iter()
                .map(|(from, to)| ("api in dev".to_owned(), own(*from), own(*to)))
                .collect(),
        )
    }

    #[test]
    fn a_database_that_does_not_fit_stops_a_way_back() {
        for (from, to, given, changed, forbidden) in [
            (Some("2"), Some("2"), None, "false", false),
            (Some("2"), Some("1"), None, "true", true),
            (Some("2"), Some("1"), Some("1"), "true", false),
            (Some("2"), Some("1"), Some("2"), "true", true),
            (None, None, None, "unknown", false),
            (Some("2"), None, None, "unknown", true),
            (Some("2"), None, Some("1"), "unknown", true),
            (None, Some("1"), None, "unknown", true),
            (None, Some("1"), Some("1"), "unknown", false),
        ] {
            let schema = schema(&[(from, to)]);
            assert_eq!(schema.changed(), changed, "{from:?} {to:?}");
            assert_eq!(schema.forbids(given).is_some(), forbidden, "{from:?} {to:?} {given:?}");
        }
        let unknown = schema(&[(None, None)]);
        let said = "api in dev: the schema is 7 now, and none is known for either version. Check that";
        assert!(
            unknown.notices(Some("7"))[0].starts_with(said),
            "{:?}",
            unknown.notices(Some("7"))
        );
        assert!(unknown.notices(None)[0].starts_with("api in dev: no schema is known for either version."));
        let none = schema(&[]);
        assert_eq!((none.changed(), none.forbids(None).is_none()), ("false", true));
        let both = schema(&[(Some("2"), Some("2")), (Some("2"), Some("1"))])
            .forbids(None)
            .unwrap();
        assert!(
            both.message.contains("is 2 now, and the earlier version needs 1"),
            "{both}"
        );
    }
}
