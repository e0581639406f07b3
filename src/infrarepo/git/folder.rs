//! An infra-repo in a bare repository on this machine: objects are written beside the others, and the branch moves by compare-and-swap.
//! Never by libgit2's local push, which forces. The repository's hooks do not run.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use async_trait::async_trait;
use git2::{BranchType, Config, ErrorClass, ErrorCode, Oid, Repository};

use rustix::fs::Access;

use super::remote::MOST_SMALL;
use super::tree::{self, Found, oid, sha, too_long};
use crate::infrarepo::{
    Address, Attempt, CommitInfo, Containment, Entry, InfraRepo, Land, MOST_COMMITS, RepoAccess, Tip, Update, given_up,
    holds_credentials, missing_branch,
};
use crate::journal::Journal;
use crate::model::{BranchName, CommitSha, Event, Fault, RefName, RepoIdentity, RepoPath};

const RIGHT: &str = "give this user the right to write to the repository's folder";

/// One bare repository.
pub(in crate::infrarepo) struct Folder {
    repo: Repository,
    address: Address,
    identity: RepoIdentity,
    path: PathBuf,
    branch: Option<BranchName>,
    journal: Rc<dyn Journal>,
    told_of_hooks: Cell<bool>,
    /// Whether the run was cancelled: then nothing is written.
    halted: Cell<bool>,
}

impl Folder {
    /// Opens the repository.
    ///
    /// # Errors
    /// There is none, it is a checkout, or its format is not known.
    pub(in crate::infrarepo) fn open(
        target: &RepoAccess,
        path: &Path,
        journal: Rc<dyn Journal>,
    ) -> Result<Self, Fault> {
        let repo = Repository::open_bare(path).map_err(|error| {
            if path.join(".git").exists() {
                checkout(&path.join(".git"), path)
            } else {
                unusable(path, error)
            }
        })?;
        let file = path.join("config");
        let settings = Config::open(&file).and_then(|config| {
            let bare = config.get_bool("core.bare").unwrap_or(true);
            // Only the repository's own configuration counts, not the user's and not the system's.
            repo.set_config(&config)?;
            Ok(bare)
        });
        if !settings.map_err(|error| unusable(path, error))? {
            return Err(checkout(path, path));
        }
        Ok(Self {
            repo,
            address: target.address.clone(),
            identity: target.identity(),
            path: path.to_owned(),
            branch: target.branch.clone(),
            journal,
            told_of_hooks: Cell::new(false),
            halted: Cell::new(false),
        })
    }

    fn fault(&self, what: &str, error: git2::Error) -> Fault {
        Fault::unreachable(format!("{what} in {}", self.path.display())).because(error)
    }

    fn run<T>(&self, run: impl FnOnce(&Repository) -> Result<T, git2::Error>) -> Result<T, Fault> {
        run(&self.repo).map_err(|error| self.fault("read objects", error))
    }

    fn no_branch(&self, wanted: Option<&BranchName>) -> Fault {
        let names = self.run(|repo| {
            let branches = repo.branches(Some(BranchType::Local))?;
            let name = |branch: Result<(git2::Branch<'_>, BranchType), git2::Error>| {
                let (branch, _) = branch.ok()?;
                Some(String::from_utf8_lossy(branch.name_bytes().ok()?).into_owned())
            };
            Ok(branches.filter_map(name).collect::<Vec<_>>())
        });
        match names {
            Ok(names) => missing_branch(
                &self.path.display().to_string(),
                wanted,
                names.iter().map(String::as_str),
            ),
            Err(fault) => fault,
        }
    }

    /// Moves the reference if it is still where it must be.
    fn swap(&self, update: &Update, new: Oid) -> Result<Attempt, Fault> {
        let name = update.reference.as_str();
        let log = update.message.lines().next().unwrap_or_default();
        let swapped = match &update.expected {
            Some(old) => self.repo.reference_matching(name, new, true, oid(old)?, log),
            None => self.repo.reference(name, new, false, log),
        };
        match swapped {
            Ok(_) => Ok(Attempt::Landed(sha(new))),
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::Modified | ErrorCode::Locked | ErrorCode::NotFound | ErrorCode::Exists
                ) =>
            {
                Ok(Attempt::LostRace {
                    why: error.message().to_owned(),
                })
            }
            Err(error) => Err(write_fault(&self.path, error)),
        }
    }
}

fn write_fault(path: &Path, error: git2::Error) -> Fault {
    let os = error.class() == ErrorClass::Os;
    let fault = Fault::denied(format!("write to {}; nothing was written", path.display())).because(error);
    if os { fault.hint(RIGHT) } else { fault }
}

fn unusable(path: &Path, error: git2::Error) -> Fault {
    let shown = path.display();
    if error.code() == ErrorCode::NotFound {
        return Fault::invalid(format!("{shown} is not a git repository")).hint(
            "give `infra-repo` as `owner/name` for one on GitHub, as an address, or as the folder of a bare repository",
        );
    }
    if error.message().contains("object format") || error.message().contains("objectformat") {
        return tree::sha256(&shown.to_string());
    }
    let fault = Fault::denied(format!("open the repository {shown}"));
    if error.code() == ErrorCode::Owner {
        return fault.because(error).hint("run as the owner of the folder");
    }
    fault.because(error)
}

/// The fault for a work tree: landing there would go beside its index and its files. Its origin is what was meant.
fn checkout(git: &Path, path: &Path) -> Fault {
    let origin = Config::open(&git.join("config")).and_then(|config| config.get_string("remote.origin.url"));
    let fault = Fault::invalid(format!(
        "`infra-repo` {} is a checkout: a promotion goes to the repository that it is a copy of",
        path.display()
    ));
    match origin {
        Ok(origin) if !holds_credentials(&origin) => fault.hint(format!("set `infra-repo` to its origin: {origin}")),
        Ok(_) => {
            fault.hint("set `infra-repo` to its origin (`git remote get-url origin`), without the credentials in it")
        }
        Err(_) => fault.hint("set `infra-repo` to the bare repository or the server that it was cloned from"),
    }
}

#[async_trait(?Send)]
impl InfraRepo for Folder {
    fn url(&self) -> String {
        self.address.to_string()
    }

    fn identity(&self) -> RepoIdentity {
        self.identity.clone()
    }

    fn commit_url(&self, commit: &CommitSha) -> Option<String> {
        self.address.commit_url(commit)
    }

    async fn tip(&self) -> Result<Tip, Fault> {
        let head = self.repo.find_reference("HEAD");
        let target = head.as_ref().ok().and_then(|head| head.symbolic_target_bytes());
        let target = target.map(String::from_utf8_lossy);
        let name = target.as_deref().and_then(|target| target.strip_prefix("refs/heads/"));
        let default = name.and_then(|name| BranchName::parse(name).ok());
        let branch = match (&self.branch, &default) {
            (Some(branch), _) | (None, Some(branch)) => branch.clone(),
            (None, None) => {
                head.map_err(|error| self.fault("read HEAD", error))?;
                return Err(
                    Fault::invalid(format!("{} names no default branch", self.path.display())).hint("set `branch`"),
                );
            }
        };
        let commit = self
            .repo
            .find_reference(branch.reference().as_str())
            .and_then(|reference| reference.peel_to_commit());
        match commit {
            Ok(commit) => Ok(Tip {
                branch,
                commit: sha(commit.id()),
                default,
            }),
            Err(error) if error.code() == ErrorCode::NotFound => Err(self.no_branch(self.branch.as_ref())),
            Err(error) => Err(self.fault(&format!("read {branch}"), error)),
        }
    }

    async fn reference(&self, name: &RefName) -> Result<Option<CommitSha>, Fault> {
        let found = self.repo.find_reference(name.as_str());
        match found.and_then(|reference| reference.peel_to_commit()) {
            Ok(commit) => Ok(Some(sha(commit.id()))),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(self.fault(&format!("read {name}"), error)),
        }
    }

    async fn list(&self, at: &CommitSha, folder: &RepoPath) -> Result<Option<Vec<Entry>>, Fault> {
        let commit = oid(at)?;
        self.run(|repo| match tree::find(repo, commit, folder)? {
            Found::Folder(folder) => tree::list(repo, folder),
            _ => Ok(None),
        })
    }

    async fn read(&self, at: &CommitSha, files: &[RepoPath]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let commit = oid(at)?;
        self.run(|repo| {
            let content = |path: &RepoPath| match tree::find(repo, commit, path)? {
                Found::File(blob, _) => tree::content(repo, blob).map(Some),
                _ => Ok(None),
            };
            files.iter().map(content).collect()
        })
    }

    async fn link(&self, at: &CommitSha, path: &RepoPath) -> Result<Option<String>, Fault> {
        let commit = oid(at)?;
        self.run(|repo| match tree::find(repo, commit, path)? {
            Found::Link(blob) => Ok(String::from_utf8(tree::content(repo, blob)?).ok()),
            _ => Ok(None),
        })
    }

    async fn contains(&self, revision: &CommitSha, ours: &CommitSha) -> Containment {
        if revision == ours {
            return Containment::Contains;
        }
        let (Ok(from), Ok(to)) = (oid(revision), oid(ours)) else {
            return Containment::Unknown(format!("{revision} is not a commit of this repository"));
        };
        match self.repo.graph_descendant_of(from, to) {
            Ok(true) => Containment::Contains,
            Ok(false) => Containment::Lacks,
            Err(error) => Containment::Unknown(error.message().to_owned()),
        }
    }

    async fn may_write(&self, branch: &BranchName) -> Result<(), Fault> {
        let mut heads = self.path.join(branch.reference().as_str());
        while heads.pop() && !heads.exists() {}
        for folder in [self.path.join("objects"), heads] {
            rustix::fs::access(&folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
                Fault::denied(format!("this user has no write permission for {}", folder.display()))
                    .because(std::io::Error::from(error))
                    .hint(RIGHT)
            })?;
        }
        Ok(())
    }

    async fn stands(&self, commits: &[CommitSha], paths: &[RepoPath]) -> Result<Vec<Vec<Option<String>>>, Fault> {
        let commits: Vec<git2::Oid> = commits.iter().map(oid).collect::<Result<_, _>>()?;
        self.run(|repo| {
            let stands = |commit: &git2::Oid| {
                let found = paths.iter().map(|path| Ok(tree::find(repo, *commit, path)?.name()));
                found.collect()
            };
            commits.iter().map(stands).collect()
        })
    }

    async fn history(&self, from: &CommitSha, most: usize) -> Result<Vec<CommitInfo>, Fault> {
        let mut out: Vec<CommitInfo> = Vec::new();
        let (mut next, mut weight) = (Some(oid(from)?), 0);
        while let Some(commit) = next.filter(|_| out.len() < most.min(MOST_COMMITS)) {
            let (info, size) = self.run(|repo| Ok((tree::info(repo, commit)?, repo.odb()?.read_header(commit)?.0)))?;
            next = info.parent.as_ref().map(oid).transpose()?;
            out.push(info);
            weight += size;
            if weight > MOST_SMALL && next.is_some() {
                self.journal.tell(too_long(out.len(), from));
                break;
            }
            // Signals are heard in between.
            tokio::task::yield_now().await;
        }
        Ok(out)
    }
}

#[async_trait(?Send)]
impl Land for Folder {
    async fn land(&self, update: &Update) -> Result<Attempt, Fault> {
        if self.halted.get() {
            return Err(given_up(&self.path.display()));
        }
        if !self.told_of_hooks.replace(true) {
            let text = format!("{} is a folder: its server hooks do not run", self.path.display());
            self.journal.tell(Event::Notice(text));
        }
        let made = tree::commit(&self.repo, update)?;
        self.swap(update, made.commit)
    }

    fn halt(&self) {
        self.halted.set(true);
    }

    fn in_doubt(&self) -> Option<String> {
        None
    }
}
