//! Symbolic links of the infra-repo, followed inside of it.

use super::InfraRepo;
use crate::model::{CommitSha, Fault, RepoPath, limits};

/// Follows the symbolic links on the way to a path and at its end. Returns the path without links, which may still name nothing.
///
/// # Errors
/// The objects cannot be read. The inner error says, as the end of a sentence, that a link leaves the repository or leads to itself.
pub async fn resolve(repo: &dyn InfraRepo, at: &CommitSha, path: &RepoPath) -> Result<Result<RepoPath, String>, Fault> {
    let mut path = path.clone();
    'again: for _ in 0..limits::GIT_LINKS.things() {
        let parts: Vec<String> = path.parts().map(str::to_owned).collect();
        for end in 1..=parts.len() {
            let (before, after) = parts.split_at(end);
            let Ok(here) = RepoPath::parse(&before.join("/")) else {
                continue;
            };
            let Some(to) = repo.link(at, &here).await? else {
                continue;
            };
            let Some(inside) = linked(before, &to) else {
                return Ok(Err(format!(
                    "is reached by {here}, a symbolic link to {to}, which leaves the repository"
                )));
            };
            match RepoPath::parse(&[inside.as_slice(), after].concat().join("/")) {
                Ok(next) => path = next,
                Err(why) => {
                    return Ok(Err(format!(
                        "is reached by {here}, a symbolic link to {to}, which {why}"
                    )));
                }
            }
            continue 'again;
        }
        return Ok(Ok(path));
    }
    Ok(Err("is reached by symbolic links that lead to each other".to_owned()))
}

/// Returns the parts of the path that a link, at these parts, leads to; `None` if it leaves the repository.
fn linked(link: &[String], to: &str) -> Option<Vec<String>> {
    if to.starts_with('/') {
        return None;
    }
    let mut parts = link.split_last()?.1.to_vec();
    for part in to.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name.to_owned()),
        }
    }
    Some(parts)
}
