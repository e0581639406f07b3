//! Whether a plan would promote something that is held. Of what was read alone; asks nobody.

use crate::model::{Event, Fault, Timestamp};
use crate::plan::holds::{FILE, Held, HeldImage, Holds, Pinned};

use crate::promote::pasted;
use crate::promote::ports::Reading;
use crate::promote::prepare::plan::Planned;

/// Returns what is held of what a plan changes. Where `allow: hold` is in force, it passes, and the commit says so.
pub(in crate::promote) fn judge(planned: &mut Planned, now: Timestamp, reading: Reading<'_>) -> Option<Fault> {
    let journal = reading.ports.journal;
    let mut release = None;
    let (mut why, mut passed) = (Vec::new(), Vec::new());
    for change in &planned.plan.changes {
        let reference = change.after.reference();
        let holds = &planned.snapshot.holds;
        let of = Pinned {
            app: &change.app,
            environment: &change.environment,
            name: change.name(),
            image: &reference,
        };
        let Some(held) = holds.holding(of, now) else {
            continue;
        };
        let mut places = planned.snapshot.places.iter().map(|(place, _)| place);
        let allowed =
            places.any(|place| place.app == change.app && place.environment == change.environment && place.allow.hold);
        if let (Held::By(hold), false) = (held, allowed) {
            let (app, environment) = (hold.app.as_str(), hold.environment.as_str());
            let image = hold.image.as_ref().map(HeldImage::as_str);
            release.get_or_insert_with(|| pasted::release(reading, app, environment, image));
        }
        let said = match held {
            Held::By(_) => format!("{reference} of {} in {} is {held}", change.app, change.environment),
            // One file, one sentence.
            Held::Unreadable(_) => format!("everything is {held}"),
        };
        let list = if allowed { &mut passed } else { &mut why };
        if !list.contains(&said) {
            list.push(said);
        }
    }
    if !passed.is_empty() {
        let allow = &mut planned.plan.message.trailers.allow;
        if !allow.iter().any(|word| word == "hold") {
            allow.push("hold".to_owned());
        }
        for said in passed {
            journal.tell(Event::Notice(format!("promoted anyway (`allow: hold`): {said}")));
        }
    }
    if why.is_empty() {
        return None;
    }
    let fault = Fault::refused(why.join("; "));
    Some(match (&planned.snapshot.holds, release) {
        (Holds::Unreadable(_), _) => fault.hint(format!("correct {FILE} at the root of the infra-repo")),
        (Holds::Read(_), release) => {
            let release = release.unwrap_or_else(|| "promote release".to_owned());
            fault
                .hint(format!(
                    "promote another version, or release this one when the reason is gone: `{release}`"
                ))
                .hint("to promote it anyway, set `allow: hold` and `reason`")
        }
    })
}
