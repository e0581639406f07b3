//! `plan`: everything that `promote` does before it writes, and the diff. Is given nothing that writes.

use crate::model::{Fault, Outcome};
use crate::plan::Request;
use crate::report::{End, Report};

use crate::promote::commands::finish::{changed, pinned};
use crate::promote::ports::Reading;
use crate::promote::prepare::{Preparation, Prepared};

/// Prepares the promotion, and shows what it would write.
///
/// # Errors
/// As the preparation.
pub(in crate::promote) async fn run(
    request: &Request,
    reading: Reading<'_>,
    report: &mut Report,
) -> Result<End, Fault> {
    let Prepared {
        planned,
        forbidden,
        gates,
        ..
    } = Preparation::listing(request, reading).prepare(report).await?.of;
    let (changes, shut) = (&planned.plan.changes, gates.shut().join(", "));
    let reason = if let Some(fault) = &forbidden {
        let what = match changes.as_slice() {
            [] => String::new(),
            changes => format!("; it would change {}", changed(changes)),
        };
        let refused = format!("`promote` would be refused: {fault}");
        reading.ports.journal.warn(refused.clone());
        format!("{refused}{what}")
    } else if changes.is_empty() {
        format!("nothing would change: {} already", pinned(&planned.plan.pins))
    } else if shut.is_empty() {
        format!("would change {}; nothing was written", changed(changes))
    } else {
        format!(
            "`promote` would be refused until these gates are open: {shut}; it would change {}",
            changed(changes)
        )
    };
    let mut end = End::new(Outcome::Planned, reason);
    end.hints = forbidden.map(|fault| fault.hints).unwrap_or_default();
    Ok(end)
}
