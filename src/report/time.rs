//! How long something took, as people read it.

use std::time::Duration;

use crate::model::in_words;

/// Returns how long a run took: with a digit behind the point where that is much of it.
pub(super) fn duration(seconds: f64) -> String {
    if (0.0..10.0).contains(&seconds) {
        return format!("{seconds:.1}s");
    }
    in_words(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        assert_eq!(
            [duration(0.25), duration(72.0), duration(3720.0)],
            ["0.2s", "1m12s", "1h02m"]
        );
    }
}
