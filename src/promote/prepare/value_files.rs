//! The value files of an application: which files of the infra-repo it reads, and of several that set a key, the last one.

use serde_json::Value;

use crate::infrarepo::InfraRepo;
use crate::manifest::{Format as _, Options, kustomize, values};
use crate::model::{AppSource, CommitSha, Fault, Pin, PinChange, RepoPath, Syntax};

/// Returns the pin of a later value file that sets what a change writes, with that file. `feeds`: whether the source is the infra-repo.
///
/// # Errors
/// The infra-repo cannot be read.
pub(super) async fn hiding(
    repo: &dyn InfraRepo,
    at: &CommitSha,
    (source, feeds): (&AppSource, bool),
    change: &PinChange,
) -> Result<Option<(RepoPath, Pin)>, Fault> {
    if change.syntax.format.name() != values::Values.name() {
        return Ok(None);
    }
    let later = later(source, feeds, &change.file);
    if later.is_empty() {
        return Ok(None);
    }
    let texts = repo.read(at, &later).await?;
    let reader = Syntax {
        format: change.syntax.format,
        options: Options {
            images: vec![change.after.repository().to_owned()],
            ..change.syntax.options.clone()
        },
    };
    let found = later.into_iter().zip(texts).rev().find_map(|(file, text)| {
        let pins = reader.pins(&text?).unwrap_or_default();
        let pin = pins
            .into_iter()
            .find(|pin| pin.name == change.name() && pin.is_pinned())?;
        Some((file, pin))
    });
    Ok(found.filter(|(_, pin)| pin.version() != change.after.version()))
}

/// Returns the value files that a source lists, as paths of the infra-repo; `None` if it lists none. `feeds`: whether the source is the
/// infra-repo. Which repository `$NAME/…` is in is not looked up.
pub(super) fn listed(source: &AppSource, feeds: bool) -> Option<Vec<RepoPath>> {
    let all = entries(source)?;
    let ours = all.into_iter().filter(|(home, _)| home.is_some() || feeds);
    Some(ours.map(|(_, path)| path).collect())
}

/// Returns the value files of a source that come after one, in their order.
fn later(source: &AppSource, feeds: bool, file: &RepoPath) -> Vec<RepoPath> {
    let all = entries(source).unwrap_or_default();
    let is_it = |(home, path): &(Option<String>, RepoPath)| path == file && (home.is_some() || feeds);
    let Some(at) = all.iter().rposition(is_it) else {
        return Vec::new();
    };
    let home = all.get(at).and_then(|(home, _)| home.clone());
    let after = all.into_iter().skip(at.saturating_add(1));
    after
        .filter(|(other, _)| *other == home)
        .map(|(_, path)| path)
        .collect()
}

/// Returns the value files of a source, each with the name of the source that it is in (`$NAME/…`), if that is another one.
fn entries(source: &AppSource) -> Option<Vec<(Option<String>, RepoPath)>> {
    let set: Value = serde_json::from_str(&source.overrides).ok()?;
    let all = set.pointer("/helm/valueFiles")?.as_array()?;
    let entry = |entry: &Value| {
        let entry = entry.as_str().filter(|entry| !entry.contains("://"))?;
        let named = entry.strip_prefix('$').and_then(|rest| rest.split_once('/'));
        let path = match (named, entry.strip_prefix('/')) {
            (Some((_, path)), _) | (None, Some(path)) => kustomize::join("", path),
            (None, None) => kustomize::join(&source.path, entry),
        };
        let home = named.map(|(home, _)| home.to_owned());
        Some((home, RepoPath::parse(&path?).ok()?))
    };
    Some(all.iter().filter_map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_after_one_are_those_of_the_same_repository() {
        let of = |files: &str, feeds: bool| {
            let source = AppSource {
                path: "charts/web".to_owned(),
                overrides: format!("{{\"helm\": {{\"valueFiles\": {files}}}}}"),
                ..AppSource::default()
            };
            let file = RepoPath::parse("envs/dev.yaml").unwrap();
            let later = later(&source, feeds, &file);
            later.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let plain = r#"["values.yaml", "../../envs/dev.yaml", "/envs/all.yaml", "$other/x.yaml", "https://example.com/y.yaml"]"#;
        assert_eq!(of(plain, true), ["envs/all.yaml"]);
        assert!(of(plain, false).is_empty(), "they are files of another repository");
        let named = r#"["$values/envs/dev.yaml", "values.yaml", "$values/envs/all.yaml"]"#;
        assert_eq!(of(named, false), ["envs/all.yaml"]);
        assert!(of(r#"["$values/envs/all.yaml", "$values/envs/dev.yaml"]"#, true).is_empty());
        assert!(of("null", true).is_empty());
    }
}
