//! How an application is named.

use std::fmt;

/// Which application: its name, and the namespace of its object where that is not the server's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApplicationId {
    namespace: Option<String>,
    name: String,
    environment: Option<String>,
}

impl ApplicationId {
    /// Reads `name` or `namespace/name`, each a Kubernetes name.
    ///
    /// # Errors
    /// Says what an application's name looks like, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if !is_kubernetes_name(name) || namespace.is_some_and(|namespace| !is_kubernetes_name(namespace)) {
            return Err(
                "is not an application: it must be `name` or `namespace/name`, each of lower-case letters, digits, `-` and `.`"
                    .to_owned(),
            );
        }
        Ok(Self {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            environment: None,
        })
    }

    /// Says in which environment it is looked for, which says which server is meant where there are several.
    #[must_use]
    pub fn within(self, environment: &str) -> Self {
        Self {
            environment: Some(environment.to_owned()),
            ..self
        }
    }

    /// Returns the environment that it is looked for in.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// Returns the namespace, if one was given.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn is_kubernetes_name(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 253
        && edge(text.bytes().next())
        && edge(text.bytes().next_back())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}

impl fmt::Display for ApplicationId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(out, "{namespace}/")?;
        }
        out.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_may_have_a_namespace() {
        let id = ApplicationId::parse("team-a/api-dev").unwrap();
        assert_eq!((id.namespace(), id.name()), (Some("team-a"), "api-dev"));
        assert_eq!(id.to_string(), "team-a/api-dev");
        assert_eq!(ApplicationId::parse("api-dev").unwrap().namespace(), None);
        for wrong in ["", "/api", "a/b/c", "Api", "a b", "-a", "a?x=1"] {
            assert!(ApplicationId::parse(wrong).is_err(), "{wrong}");
        }
    }
}
