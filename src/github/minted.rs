//! The tokens that a run minted and has not revoked yet: kept where a process that breaks finds them.

use std::cell::RefCell;
use std::rc::Rc;

use super::{GitHub, Place};
use crate::http::{Client, Fixed};
use crate::model::{Clock, Secret};

/// The tokens, the oldest first. Its copies are the same list.
#[derive(Clone, Debug, Default)]
pub struct Minted(Rc<RefCell<Vec<Secret>>>);

impl Minted {
    pub(super) fn note(&self, token: Secret) {
        self.0.borrow_mut().push(token);
    }

    /// Takes all of them; none while the list is being changed.
    #[must_use]
    pub fn take(&self) -> Vec<Secret> {
        let all = self.0.try_borrow_mut();
        all.map(|mut all| std::mem::take(&mut *all)).unwrap_or_default()
    }
}

/// Revokes tokens for a run that broke. Nobody is left to hear of one that stays: it expires within the hour.
pub async fn revoke(tokens: Vec<Secret>, place: &Place, http: &Client, clock: &Rc<dyn Clock>) {
    for token in tokens {
        let token = Rc::new(Fixed::new(token));
        let api = GitHub::new(place.clone(), http.clone(), Some(token), Rc::clone(clock));
        let _ = api.revoke().await;
    }
}
