//! The command line: help, inputs, mistakes, exit codes.
