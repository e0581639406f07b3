//! The binary `promote`: hands arguments, environment and streams to the library and exits with its code.

fn main() -> std::process::ExitCode {
    promote_action::cli::main()
}

/// The static binary's allocator: musl's own maps and unmaps pages all the time, which is most of a short run.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
