//! The structure of the code, as ARCHITECTURE.md promises it.
