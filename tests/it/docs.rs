//! Generated pages equal what is committed.
