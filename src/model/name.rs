//! Names that people give to apps, environments and clusters.

use std::fmt;

/// Reads `[A-Za-z0-9][A-Za-z0-9._-]*`, the form of all of them.
fn parse(text: &str) -> Result<String, String> {
    let first = text.chars().next();
    let right = first.is_some_and(|c| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if right {
        Ok(text.to_owned())
    } else {
        Err("must be letters, digits, `.`, `_` and `-`, and begin with a letter or digit".to_owned())
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(String);

        impl $type {
            /// Reads a name.
            ///
            /// # Errors
            /// Says what a name must look like, as the end of a sentence.
            pub fn parse(text: &str) -> Result<Self, String> {
                parse(text).map(Self)
            }

            /// Returns the name as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name!(
    /// An app: what `{app}` in a template stands for.
    AppName
);
name!(
    /// An environment: what `{environment}` in a template stands for.
    EnvironmentName
);
name!(
    /// One of several clusters that an environment has: what `{cluster}` in a template stands for.
    ClusterName
);
