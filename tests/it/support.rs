//! What the other modules share: the binary under a scrubbed environment, the sandbox, git.
