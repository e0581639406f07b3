//! The images that hooks in the repository name: Argo CD lists no hook among what it compares.

use crate::infrarepo::{self, InfraRepo};
use crate::manifest::kustomize;
use crate::model::{CommitSha, Fault, Parts, Pin, RepoPath, limits};

/// How many folders and files are read.
const FOLDERS: usize = limits::INCLUDED_FOLDERS.things();
/// The annotations of a hook.
const MARKS: [&str; 2] = ["argocd.argoproj.io/hook:", "helm.sh/hook:"];

/// The images that the hooks of a folder name.
#[derive(Debug)]
pub(super) struct Hooks {
    images: Vec<String>,
    /// Whether everything that the folder includes could be read.
    pub(super) complete: bool,
}

impl Hooks {
    /// Reads the files that the kustomization of a folder includes. What cannot be read is missing, and `complete` says so.
    pub(super) async fn of(repo: &dyn InfraRepo, at: &CommitSha, folder: &RepoPath) -> Self {
        let mut hooks = Self {
            images: Vec::new(),
            complete: true,
        };
        let (mut open, mut looked) = (vec![folder.clone()], Vec::new());
        while let Some(path) = open.pop() {
            if looked.contains(&path) {
                continue;
            }
            if looked.len() == FOLDERS {
                hooks.complete = false;
                break;
            }
            match hooks.look(repo, at, &path).await {
                Ok(named) => open.extend(named),
                Err(_) => hooks.complete = false,
            }
            looked.push(path);
        }
        hooks
    }

    /// Takes in a folder or file, and returns what it includes.
    async fn look(&mut self, repo: &dyn InfraRepo, at: &CommitSha, path: &RepoPath) -> Result<Vec<RepoPath>, Fault> {
        let path = match infrarepo::resolve(repo, at, path).await? {
            Ok(path) => path,
            Err(why) => return Err(Fault::refused(why)),
        };
        let Some(entries) = repo.list(at, &path).await? else {
            let text = text(repo, at, &path).await?;
            self.read(&String::from_utf8_lossy(&text));
            return Ok(Vec::new());
        };
        let is_there = |name: &&&str| entries.iter().any(|entry| entry.name == **name);
        let name = kustomize::FILE_NAMES.iter().find(is_there);
        let Some(file) = name.and_then(|name| path.join(name).ok()) else {
            return Ok(Vec::new());
        };
        let includes = kustomize::includes(&text(repo, at, &file).await?);
        let includes = includes.map_err(|why| Fault::refused(why.to_string()))?;
        self.complete &= includes.remotes.is_empty() && includes.charts.is_empty();
        let local = includes.paths.iter();
        let local = local.filter_map(|named| RepoPath::parse(&kustomize::join(path.as_str(), named)?).ok());
        Ok(local.collect())
    }

    /// Takes in a file of manifests: only the documents that are hooks count.
    fn read(&mut self, text: &str) {
        let is_hook = |document: &&str| MARKS.iter().any(|mark| document.contains(mark));
        for document in text.split("\n---").filter(is_hook) {
            let values = document.lines().filter_map(|line| {
                let line = line.trim_start().trim_start_matches("- ");
                line.strip_prefix("image:")
            });
            let clean = |value: &str| {
                let value = value.split(" #").next().unwrap_or_default();
                value.trim().trim_matches(['"', '\'']).to_owned()
            };
            self.images.extend(values.map(clean));
        }
    }

    /// Whether one of them is what an entry is about.
    pub(super) fn names(&self, pin: &Pin) -> bool {
        let name = Parts::of(&pin.name);
        let same = |image: &String| Parts::of(image).same_repository(&name);
        self.images.iter().any(same)
    }
}

async fn text(repo: &dyn InfraRepo, at: &CommitSha, file: &RepoPath) -> Result<Vec<u8>, Fault> {
    let texts = repo.read(at, std::slice::from_ref(file)).await?;
    Ok(texts.into_iter().flatten().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hooks_name_the_images_of_hooks() {
        let mut hooks = Hooks {
            images: Vec::new(),
            complete: true,
        };
        hooks.read(
            "kind: Job\nmetadata:\n  annotations:\n    argocd.argoproj.io/hook: PreSync\nspec:\n  containers:\n  - image: \"myorg/migrate:v1\" # set\n---\nkind: Deployment\nspec:\n  image: myorg/api:v1\n",
        );
        let named = |name: &str| {
            hooks.names(&Pin {
                name: name.to_owned(),
                ..Pin::default()
            })
        };
        assert!(named("myorg/migrate") && named("docker.io/myorg/migrate"));
        assert!(!named("myorg/api"));
    }
}
