//! Many writers on one branch.
