//! Where the images of a promotion with `from` came from, and since when they have been live there, by the record.

use crate::infrarepo::InfraRepo;
use crate::model::Timestamp;
use crate::plan::{Config, Request};
use crate::report::FromRow;

use crate::promote::prepare::applications::promoted_of;
use crate::promote::prepare::plan::Planned;
use crate::promote::prepare::record::{self, Pair};

/// Returns the row of the report; `None` without `from`, and where nothing is copied. A record that cannot be read says nothing.
pub(super) async fn look(repo: &dyn InfraRepo, request: &Request, planned: &Planned) -> Option<FromRow> {
    let environment = request.from.as_ref().filter(|_| !planned.plan.changes.is_empty())?;
    Some(FromRow {
        environment: environment.to_string(),
        live_since: live_since(repo, planned).await,
    })
}

/// Returns since when every app has run there what is promoted; `None` where the record does not say that of each of them.
async fn live_since(repo: &dyn InfraRepo, planned: &Planned) -> Option<Timestamp> {
    let name = Config::record(planned.snapshot.config.as_ref())?;
    let sources = &planned.snapshot.sources;
    let pairs: Vec<Pair> = (sources.iter())
        .map(|(place, _)| (place.app.clone(), place.environment.clone()))
        .collect();
    let records = record::read(repo, &name, &pairs).await.ok()?;
    let since: Option<Vec<Timestamp>> = (sources.iter())
        .map(|(place, overlay)| {
            let record = records.of(&place.app, &place.environment)?;
            record.live_since(&promoted_of(place, overlay, planned))
        })
        .collect();
    since?.into_iter().max()
}
