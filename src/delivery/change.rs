//! What a stream of changes can say.

use crate::model::AppSnapshot;

use super::Problem;

/// What a stream of changes says.
#[derive(Clone, Debug)]
pub enum Change {
    /// An application, as it is now; also at the beginning, for every one there is.
    Seen(Box<AppSnapshot>),
    /// An application was deleted: as it was last.
    Deleted(Box<AppSnapshot>),
    /// The connection lives. It proves nothing else.
    Alive,
    /// Nothing more will come.
    Broken(Problem),
}
