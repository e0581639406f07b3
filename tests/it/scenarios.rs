//! Whole promotions against the sandbox.
