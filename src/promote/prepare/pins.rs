//! The pins of a place, now and at an earlier commit.

use crate::infrarepo::InfraRepo;
use crate::model::{CommitSha, Fault, Pin, RepoPath};
use crate::plan::{Overlay, OverlayFile, Place};

/// Returns the entries of a place that are pinned, each with its file.
pub(in crate::promote) fn placed(place: &Place, overlay: &Overlay) -> Vec<(RepoPath, Pin)> {
    let pins = overlay.files.iter().flat_map(|file| {
        let pins = place.syntax.pins(&file.text).unwrap_or_default();
        pins.into_iter().map(|pin| (file.path.clone(), pin))
    });
    pins.filter(|(_, pin)| pin.is_pinned()).collect()
}

/// Returns what the files of a place pinned at a commit.
///
/// # Errors
/// The infra-repo cannot be read.
pub(in crate::promote) async fn placed_at(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    place: &Place,
    overlay: &Overlay,
) -> Result<Vec<(RepoPath, Pin)>, Fault> {
    let files: Vec<RepoPath> = overlay.files.iter().map(|file| file.path.clone()).collect();
    let texts = repo.read(at, &files).await?;
    let files = files.into_iter().zip(texts);
    let then = Overlay {
        files: files
            .filter_map(|(path, text)| text.map(|text| OverlayFile { path, text }))
            .collect(),
        included: Vec::new(),
    };
    Ok(placed(place, &then))
}
