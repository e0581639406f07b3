//! What else goes live with a promotion: commits of the branch that are not synced yet and change what an application deploys, its folder or
//! what that includes.

use crate::infrarepo::{CommitInfo, InfraRepo};
use crate::journal::Journal;
use crate::manifest::kustomize;
use crate::model::{AppSnapshot, ApplicationId, CommitSha, Fault, RepoPath, SyncState};
use crate::plan::{OnUnsynced, Overlay, Place, Trailers};
use crate::report::{Report, RidingAlongRow};

use crate::assess::rollout::Origin;
use crate::promote::followee::Followee;
use crate::promote::prepare::applications::origin;
use crate::promote::prepare::included::{included, is_kustomize};
use crate::promote::prepare::plan::Planned;

/// How many commits are looked through for the one that is synced.
const LOOK_BACK: usize = 200;

/// Puts the commits into the report, and reports them where they are others than before. Returns what forbids to write: such commits, or
/// ones that could not be read, where `on-unsynced` is `refuse`.
pub(super) async fn look(
    repo: &dyn InfraRepo,
    planned: &Planned,
    followees: &[Followee],
    report: &mut Report,
    journal: &dyn Journal,
) -> Option<Fault> {
    let origin = origin(repo, planned);
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for followee in followees {
        let strict = followee.policy.on_unsynced == OnUnsynced::Refuse;
        let said = match of_one(repo, planned, followee, &origin).await {
            Ok(found) if found.is_empty() => continue,
            Ok(found) => {
                let said = in_words(&followee.id, &found);
                rows.extend(found);
                said
            }
            Err(fault) => format!("which commits go live with {} could not be read: {fault}", followee.id),
        };
        if strict {
            refused.push((followee.id.to_string(), said));
        } else {
            journal.warn(said);
        }
    }
    report.riding_along = rows;
    let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let said: Vec<&str> = refused.iter().map(|(_, said)| said.as_str()).collect();
    let hint = format!("sync {} first, or set `on-unsynced: warn`", names.join(", "));
    Some(Fault::refused(said.join("; ")).hint(hint))
}

/// Returns the commits that ride along with one application, the newest first.
async fn of_one(
    repo: &dyn InfraRepo,
    planned: &Planned,
    followee: &Followee,
    origin: &Origin,
) -> Result<Vec<RidingAlongRow>, Fault> {
    let tip = &planned.snapshot.tip.commit;
    let mut places = planned.snapshot.places.iter();
    let here = places.find(|(place, _)| followee.deploys(place));
    let (Some(app), Some((place, overlay))) = (&followee.baseline, here) else {
        return Ok(Vec::new());
    };
    let commits = unsynced(repo, tip, origin, (place, overlay), app).await?;
    let others = commits.iter().filter(|commit| !is_the_promotion(commit, planned));
    Ok(others.map(|commit| row(commit, &followee.id)).collect())
}

/// Returns the commits before `tip` that an application has not synced and that change what it deploys, the newest first.
///
/// # Errors
/// The history cannot be read, or does not hold what is synced.
async fn unsynced(
    repo: &dyn InfraRepo,
    tip: &CommitSha,
    origin: &Origin,
    (place, overlay): (&Place, &Overlay),
    app: &AppSnapshot,
) -> Result<Vec<CommitInfo>, Fault> {
    let Some(synced) = synced(app, origin).filter(|synced| synced != tip) else {
        return Ok(Vec::new());
    };
    let mut commits = repo.history(tip, LOOK_BACK).await?;
    let Some(at) = commits.iter().position(|commit| commit.commit == synced) else {
        return Err(Fault::unreachable(format!(
            "the synced commit {} is not among the {} before {}",
            synced.short(),
            commits.len(),
            tip.short()
        )));
    };
    commits.truncate(at + 1);
    let names: Vec<CommitSha> = commits.iter().map(|commit| commit.commit.clone()).collect();
    let paths = deployed(repo, tip, place, overlay).await;
    let stands = repo.stands(&names, &paths).await?;
    let pairs = stands.windows(2).zip(commits);
    let touching = pairs.filter(|(pair, _)| pair.first() != pair.last());
    Ok(touching.map(|(_, commit)| commit).collect())
}

/// Returns what the next promotion of a place takes along, before there is a plan: the rows, and the sentence about them. `None` for nothing.
///
/// # Errors
/// As [`unsynced`].
pub(in crate::promote) async fn forecast(
    repo: &dyn InfraRepo,
    tip: &CommitSha,
    origin: &Origin,
    at: (&Place, &Overlay),
    (id, app): (&ApplicationId, &AppSnapshot),
) -> Result<Option<(Vec<RidingAlongRow>, String)>, Fault> {
    let commits = unsynced(repo, tip, origin, at, app).await?;
    let rows: Vec<RidingAlongRow> = commits.iter().map(|commit| row(commit, id)).collect();
    let said = in_words(id, &rows);
    Ok((!rows.is_empty()).then_some((rows, said)))
}

/// Returns the commit of the branch that an application runs: what it is compared with, if it is in sync with that, else what was last synced.
fn synced(app: &AppSnapshot, origin: &Origin) -> Option<CommitSha> {
    let in_sync = app.sync == SyncState::Synced;
    if let Some(hydration) = &app.hydration {
        return hydration.compared.clone().filter(|_| in_sync);
    }
    let at = app.sources.iter().position(|source| origin.feeds(source))?;
    let revisions = if in_sync { &app.revisions } else { &app.last_synced };
    CommitSha::parse(revisions.get(at)?)
}

/// Returns what an application deploys: its folder or file, and all that it includes.
async fn deployed(repo: &dyn InfraRepo, at: &CommitSha, place: &Place, overlay: &Overlay) -> Vec<RepoPath> {
    let mut paths = vec![place.folder.clone()];
    if !is_kustomize(place) {
        return paths;
    }
    let included = included(repo, at, place, overlay).await;
    let own = overlay.files.iter().map(|file| (place.folder.clone(), &file.text));
    let more = included.iter().map(|file| (file.path.split().0, &file.text));
    for (folder, text) in own.chain(more) {
        let entries = kustomize::includes(text).unwrap_or_default().paths;
        let named = entries.iter().filter_map(|path| kustomize::join(folder.as_str(), path));
        paths.extend(named.filter_map(|path| RepoPath::parse(&path).ok()));
    }
    paths.sort();
    paths.dedup();
    paths
}

/// Whether a commit is what is being promoted: it set one of the pins to what they are to be.
fn is_the_promotion(commit: &CommitInfo, planned: &Planned) -> bool {
    let trailers = Trailers::read(&commit.message);
    trailers.is_some_and(|trailers| planned.plan.pins.iter().any(|pin| trailers.set(pin)))
}

fn row(commit: &CommitInfo, id: &ApplicationId) -> RidingAlongRow {
    RidingAlongRow {
        commit: commit.commit.clone(),
        subject: commit.message.lines().next().unwrap_or_default().to_owned(),
        author: commit.author.split(" <").next().unwrap_or_default().to_owned(),
        application: id.to_string(),
    }
}

/// How many commits are named in a sentence.
const NAMED: usize = 5;

fn in_words(id: &ApplicationId, rows: &[RidingAlongRow]) -> String {
    let named = rows.iter().take(NAMED);
    let named = named.map(|row| format!("{} \"{}\" by {}", row.commit.short(), row.subject, row.author));
    let more = rows.len().saturating_sub(NAMED);
    let more = if more == 0 {
        String::new()
    } else {
        format!(", and {more} more")
    };
    let count = if rows.len() == 1 {
        "1 commit that is".to_owned()
    } else {
        format!("{} commits that are", rows.len())
    };
    format!(
        "{id} also goes live with {count} not synced yet: {}{more}",
        named.collect::<Vec<_>>().join(", ")
    )
}
