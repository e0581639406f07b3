//! Why a call to the engine gave no answer, sorted by what to do about it.

use std::time::Duration;

use crate::model::Fault;

/// Why a call gave no answer. Texts are the server's own words, or ours where it had none; never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The token is not known, not valid any more, or revoked. Final.
    Token(String),
    /// Not permitted; also how a server hides what is not there.
    Forbidden(String),
    /// Not there. Said only to who asked with the project.
    Missing(String),
    /// Another operation is at work.
    Busy(String),
    /// A sync window is closed.
    Window(String),
    /// The server understood and says no. Final.
    Refused(String),
    /// No answer in time.
    Slow(String),
    /// May go away by itself.
    Passing {
        /// What happened.
        why: String,
        /// How long the server asks us to wait.
        after: Option<Duration>,
    },
    /// Whoever answered is not the engine's API: a login page, a wrong address. Final.
    Foreign(String),
}

impl Problem {
    /// Returns what happened.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Token(why)
            | Self::Forbidden(why)
            | Self::Missing(why)
            | Self::Busy(why)
            | Self::Window(why)
            | Self::Refused(why)
            | Self::Slow(why)
            | Self::Passing { why, .. }
            | Self::Foreign(why) => why,
        }
    }

    /// Returns the end that this problem means for a run. `doing` says what was asked, such as `read application api-dev`.
    #[must_use]
    pub fn fault(&self, doing: &str) -> Fault {
        let text = format!("{doing}: {}", self.why());
        match self {
            Self::Token(_) => Fault::denied(text).hint(
                "give a valid `argocd-token` (`argocd account generate-token`, or a project role's token)",
            ),
            Self::Forbidden(_) | Self::Missing(_) | Self::Refused(_) | Self::Window(_) | Self::Busy(_) => {
                Fault::denied(text)
            }
            Self::Slow(_) | Self::Passing { .. } => {
                Fault::unreachable(text).hint("check that `argocd-server` is reachable from here, then run it again")
            }
            Self::Foreign(_) => Fault::unreachable(text).hint(
                "set `argocd-server` to the API of Argo CD, with its root path; a proxy in front of it can need `argocd-headers`",
            ),
        }
    }
}
