//! Where a token comes from. A token that is made during a run goes to the journal before it is used, so that it is masked.

use std::fmt;

use async_trait::async_trait;

use crate::model::{Fault, Secret, Timestamp};

/// A source of tokens for one server.
#[async_trait(?Send)]
pub trait Tokens: fmt::Debug {
    /// Returns the token to send now. A source that makes one again announces it with [`crate::model::Event::Mask`] before it returns it.
    ///
    /// # Errors
    /// There is none, and none can be made.
    async fn token(&self) -> Result<Secret, Fault>;

    /// Returns when what is sent expires and nothing takes its place; `None` where that is not known, or where another one is made in time.
    fn valid_until(&self) -> Option<Timestamp>;

    /// Takes back what was made in this run, at its end. Never fails: what cannot be taken back ends by itself.
    async fn end(&self) {}
}

/// The token that was given.
#[derive(Clone, Debug)]
pub struct Fixed(Secret);

impl Fixed {
    /// Takes the token over.
    #[must_use]
    pub const fn new(token: Secret) -> Self {
        Self(token)
    }
}

#[async_trait(?Send)]
impl Tokens for Fixed {
    async fn token(&self) -> Result<Secret, Fault> {
        Ok(self.0.clone())
    }

    fn valid_until(&self) -> Option<Timestamp> {
        self.0.valid_until()
    }
}
