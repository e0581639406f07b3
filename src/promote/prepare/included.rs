//! What an overlay includes: kustomizations of other folders, and the values files of charts.

use crate::infrarepo::InfraRepo;
use crate::manifest::kustomize;
use crate::model::{CommitSha, RepoPath, Syntax};
use crate::plan::{Overlay, OverlayFile, Place};

/// Whether a place is a kustomization.
pub(in crate::promote) fn is_kustomize(place: &Place) -> bool {
    place.syntax.format.name() == Syntax::default().format.name()
}

/// How many included folders are looked into.
const INCLUDED: usize = 30;

/// Reads the kustomizations that an overlay includes, and the values files of the charts that it renders, for a message about an
/// image that it has no entry for. What cannot be read is left out.
pub(in crate::promote) async fn included(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    place: &Place,
    overlay: &Overlay,
) -> Vec<OverlayFile> {
    let mut found: Vec<OverlayFile> = Vec::new();
    let mut open: Vec<(String, Vec<u8>)> = (overlay.files.iter())
        .map(|file| (place.folder.to_string(), file.text.clone()))
        .collect();
    let mut looked = 0;
    while let Some((folder, text)) = open.pop() {
        let includes = kustomize::includes(&text).unwrap_or_default();
        let values = includes.charts.into_iter().filter_map(|chart| chart.values_file);
        let files = values.chain(includes.transformers);
        for file in files.filter_map(|file| kustomize::join(&folder, &file)) {
            found.extend(one(repo, at, &file).await);
        }
        for inner in includes.paths.iter().filter_map(|path| kustomize::join(&folder, path)) {
            looked += 1;
            if looked > INCLUDED {
                return found;
            }
            let Ok(path) = RepoPath::parse(&inner) else { continue };
            let entries = repo.list(at, &path).await.ok().flatten().unwrap_or_default();
            let name = kustomize::FILE_NAMES
                .iter()
                .find(|name| entries.iter().any(|entry| entry.name == **name));
            let Some(name) = name else { continue };
            let Some(file) = one(repo, at, &format!("{inner}/{name}")).await else {
                continue;
            };
            if found.iter().all(|known| known.path != file.path) {
                open.push((inner, file.text.clone()));
                found.push(file);
            }
        }
    }
    found
}

/// Reads one file, if it is there.
async fn one(repo: &dyn InfraRepo, at: &CommitSha, path: &str) -> Option<OverlayFile> {
    let path = RepoPath::parse(path).ok()?;
    let texts = repo.read(at, std::slice::from_ref(&path)).await.ok()?;
    let text = texts.into_iter().flatten().next()?;
    Some(OverlayFile { path, text })
}
