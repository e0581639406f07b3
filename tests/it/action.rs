//! The runner contract: the binary as a step of a workflow.
