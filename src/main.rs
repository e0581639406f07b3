//! The binary `promote`: hands arguments and environment to the library and exits with its code.

fn main() {}
