//! Says before landing which tokens are known to end while the run may still need them. Pure; that one ends hinders nothing.

use std::time::Duration;

use crate::delivery::Servers;
use crate::model::{Timestamp, in_words};

use crate::promote::job::{Common, Promote};
use crate::promote::prepare::plan::Planned;

/// Returns a warning for each token that says of itself that it ends before the latest end of the run.
pub(in crate::promote) fn ending(job: &Promote, common: &Common, planned: &Planned, now: Timestamp) -> Vec<String> {
    let timeouts = planned.snapshot.places.iter().map(|(place, _)| place.policy.timeout);
    let followed = job.follow && common.argocd.is_some();
    let wait = timeouts.max().filter(|_| followed).unwrap_or_default();
    let longest = job.landing.within.saturating_add(wait);
    let tokens = [
        (
            "token",
            common.infra_repo.token.as_ref().and_then(|token| token.valid_until()),
        ),
        ("argocd-token", common.argocd.as_ref().and_then(Servers::valid_until)),
    ];
    let ends = |(input, until): (&str, Option<Timestamp>)| told(input, until?, now, longest);
    tokens.into_iter().filter_map(ends).collect()
}

fn told(input: &str, until: Timestamp, now: Timestamp, longest: Duration) -> Option<String> {
    let left = until.since(now);
    (left < longest).then(|| {
        format!(
            "`{input}` expires {until} (in {}), and this run can take {}: create the token just before this step, or set shorter timeouts",
            in_words(left),
            in_words(longest)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_told_of_only_if_it_ends_before_the_run() {
        let now = Timestamp::at_unix(1_800_000_000);
        let at = |seconds: u64| Timestamp::at_unix(1_800_000_000 + seconds);
        let longest = Duration::from_secs(20 * 60);
        let said = told("token", at(600), now, longest).unwrap();
        assert!(
            said.starts_with("`token` expires 2027-01-15T08:10:00Z (in 10m), and this run can take 20m:"),
            "{said}"
        );
        assert_eq!(told("token", at(1200), now, longest), None);
        assert!(told("token", at(0), at(5), longest).is_some());
    }
}
