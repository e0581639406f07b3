//! What this machine permits a run: open files, and signals.

/// Checks that the files can be opened that the runtime opens: it panics where it cannot have those of signals.
pub(super) fn enough_files() -> std::io::Result<()> {
    /// Its poll with two copies, what wakes it, the two ends of the signals' pipe with a copy, and one to spare for a connection.
    const FILES: usize = 8;
    let mut held = Vec::new();
    for _ in 0..FILES {
        match rustix::io::dup(std::io::stderr()) {
            Ok(file) => held.push(file),
            Err(error @ (rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)) => return Err(error.into()),
            // Where stderr is closed, nothing is known.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Whether whoever started this process had it ignore SIGHUP, as `nohup` does.
#[expect(clippy::disallowed_methods, reason = "the kernel says so in a file only")]
pub(super) fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}
