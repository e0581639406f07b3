//! The binary `promote`: hands arguments, environment and streams to the library and exits with its code.

fn main() -> std::process::ExitCode {
    promote_action::cli::main()
}
