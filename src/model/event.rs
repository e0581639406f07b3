//! What happens during a run, as it is told to the journal. The receiver decides how it looks.

use super::Secret;

/// One thing worth telling. Texts may hold foreign words: the receiver makes them harmless.
#[derive(Clone, Debug)]
pub enum Event {
    /// A room of the run begins: `plan`, `land`, `wait`. Shown as a group in a step.
    Stage(String),
    /// Something moved. Shown always.
    Progress(String),
    /// What is waited for now, when nothing moved for a while. A terminal may overwrite it.
    Waiting(String),
    /// What is so at this moment. Shown only where it can be overwritten, by whatever comes next.
    Now(String),
    /// Worth knowing, not wrong.
    Notice(String),
    /// Wrong, but not enough to end the run; also a line of the report.
    Warning(String),
    /// For those who look for a fault: shown with `RUNNER_DEBUG=1` or `--verbose`.
    Debug(String),
    /// A point of the report's timeline: `landed`, `synced api-dev`.
    Milestone(String),
    /// An output that is known now.
    Output {
        /// Its name in the contract.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// A secret made during the run, to be masked from now on.
    Mask(Secret),
}
