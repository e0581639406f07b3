//! On which branch a run works: that of the inputs, or the one that promote.yaml names for the environment.

use std::cell::RefCell;

use crate::infrarepo::{Entry, EntryKind, InfraRepo, Tip};
use crate::model::{BranchName, CommitSha, EnvironmentName, Fault, RepoPath};
use crate::plan::{Allow, CONFIG_FILE, Config, Layout, Select};

/// Where a run begins.
pub(in crate::promote) struct Start {
    /// The branch that is committed to.
    pub(in crate::promote) tip: Tip,
    /// The branch of the inputs, else the default: that of the environments that name none.
    pub(in crate::promote) base: Tip,
    /// The repository's default branch, where it is another one than `base`.
    pub(in crate::promote) default: Option<Tip>,
    /// promote.yaml at `tip`, else the one at `base`, else that of the default branch, if there is one: no input gets rid of its gates.
    pub(in crate::promote) config: Option<Config>,
}

/// Reads the tip of the branch of some environments. Without environments it is that of the inputs.
///
/// # Errors
/// The repository cannot be read, or `invalid`: the environments have several branches, promote.yaml names another one than the input
/// `branch`, or one that is not there.
pub(in crate::promote) async fn start(
    repo: &dyn InfraRepo,
    select: &Select,
    environments: &[EnvironmentName],
) -> Result<Start, Fault> {
    let base = repo.tip().await?;
    let default = default(repo, &base).await?;
    let config = match (config(repo, &base.commit).await?, &default) {
        (None, Some(default)) => self::config(repo, &default.commit).await?,
        (config, _) => config,
    };
    let named = |config: &Option<Config>| -> Vec<(EnvironmentName, BranchName)> {
        let layout = layout(select, config.as_ref());
        let branch = |name: &EnvironmentName| layout.branch(name).unwrap_or_else(|| base.branch.clone());
        environments.iter().map(|name| (name.clone(), branch(name))).collect()
    };
    let branches = named(&config);
    let Some((first, branch)) = branches.first() else {
        return Ok(Start {
            tip: base.clone(),
            base,
            default,
            config,
        });
    };
    if let Some((other, another)) = branches.iter().find(|(_, another)| another != branch) {
        return Err(Fault::invalid(format!(
            "`branch` is {branch} for {first} and {another} for {other}: a promotion is one commit on one branch, so run it for each environment"
        )));
    }
    if *branch == base.branch {
        return Ok(Start {
            tip: base.clone(),
            base,
            default,
            config,
        });
    }
    if let Some(given) = &select.branch {
        return Err(Fault::invalid(format!(
            "`branch` is {given}, but promote.yaml names {branch} for {first}: the layout comes from it alone (drop the input)"
        )));
    }
    let tip = tip_of(repo, &base, &layout(select, config.as_ref()), first).await?;
    let own = self::config(repo, &tip.commit).await?;
    if own.is_some()
        && let Some((name, other)) = named(&own)
            .iter()
            .find(|(_, other)| other != branch && *other != base.branch)
    {
        return Err(Fault::invalid(format!(
            "promote.yaml on {} names the branch {branch} for {name}, and promote.yaml there names {other}: one of them is wrong",
            base.branch
        )));
    }
    Ok(Start {
        tip,
        base,
        default,
        config: own.or(config),
    })
}

/// Reads the tip of the default branch; `None` where it is `base`, or the repository has none.
async fn default(repo: &dyn InfraRepo, base: &Tip) -> Result<Option<Tip>, Fault> {
    let Some(name) = base.default.as_ref().filter(|name| **name != base.branch) else {
        return Ok(None);
    };
    let commit = repo.reference(&name.reference()).await?;
    Ok(commit.map(|commit| Tip {
        branch: name.clone(),
        commit,
        default: base.default.clone(),
    }))
}

fn layout<'a>(select: &'a Select, config: Option<&'a Config>) -> Layout<'a> {
    Layout {
        select,
        allow: Allow::default(),
        config,
    }
}

/// Reads the tip of the branch of one environment.
///
/// # Errors
/// The repository cannot be read, or it has no such branch.
pub(in crate::promote) async fn tip_of(
    repo: &dyn InfraRepo,
    base: &Tip,
    layout: &Layout<'_>,
    environment: &EnvironmentName,
) -> Result<Tip, Fault> {
    Tips::new(repo, base).of(layout, environment).await
}

/// The tips of several branches, each read once.
pub(in crate::promote) struct Tips<'a> {
    repo: &'a dyn InfraRepo,
    /// That of the places that have no branch of their own.
    pub(in crate::promote) base: &'a Tip,
    known: RefCell<Vec<Tip>>,
}

impl<'a> Tips<'a> {
    pub(in crate::promote) const fn new(repo: &'a dyn InfraRepo, base: &'a Tip) -> Self {
        Self {
            repo,
            base,
            known: RefCell::new(Vec::new()),
        }
    }

    /// The repository whose tips these are.
    pub(in crate::promote) const fn repo(&self) -> &'a dyn InfraRepo {
        self.repo
    }

    /// Returns the tip of the branch of an environment.
    ///
    /// # Errors
    /// The repository cannot be read, or it has no such branch.
    pub(in crate::promote) async fn of(
        &self,
        layout: &Layout<'_>,
        environment: &EnvironmentName,
    ) -> Result<Tip, Fault> {
        let branch = layout.branch(environment);
        self.on(branch.as_ref()).await.map_err(|mut fault| {
            fault.message = format!("{} (environment {environment})", fault.message);
            fault
        })
    }

    /// Returns the tip of a branch; `None` is the base.
    ///
    /// # Errors
    /// The repository cannot be read, or it has no such branch.
    pub(in crate::promote) async fn on(&self, branch: Option<&BranchName>) -> Result<Tip, Fault> {
        let Some(branch) = branch.filter(|branch| **branch != self.base.branch) else {
            return Ok(self.base.clone());
        };
        let known = self.known.borrow().iter().find(|tip| tip.branch == *branch).cloned();
        if let Some(tip) = known {
            return Ok(tip);
        }
        let commit = self.repo.reference(&branch.reference()).await?;
        let commit = commit.ok_or_else(|| {
            Fault::invalid(format!("{} has no branch {branch}", self.repo.url()))
                .hint("check the environment, and its `branch`")
        })?;
        let tip = Tip {
            branch: branch.clone(),
            commit,
            default: self.base.default.clone(),
        };
        self.known.borrow_mut().push(tip.clone());
        Ok(tip)
    }
}

/// Reads promote.yaml at a commit.
///
/// # Errors
/// The repository cannot be read, or every mistake in the file.
pub(in crate::promote) async fn config(repo: &dyn InfraRepo, at: &CommitSha) -> Result<Option<Config>, Fault> {
    let root = root()?;
    let entries = repo.list(at, &root).await?.unwrap_or_default();
    if let Some(other) = misnamed(CONFIG_FILE, &entries) {
        return Err(
            Fault::invalid(format!("the infra-repo has {other} at its root, which nobody reads"))
                .hint(format!("rename it to {CONFIG_FILE}")),
        );
    }
    let Some(entry) = entries.iter().find(|entry| entry.name == CONFIG_FILE) else {
        return Ok(None);
    };
    if entry.kind != EntryKind::File {
        return Err(Fault::invalid(format!(
            "{CONFIG_FILE} in the infra-repo is not a regular file"
        )));
    }
    let texts = repo
        .read(
            at,
            &[root
                .join(CONFIG_FILE)
                .map_err(|why| Fault::bug(format!("{CONFIG_FILE} {why}")))?],
        )
        .await?;
    match texts.into_iter().next().flatten() {
        Some(text) => Config::parse(&text)
            .map(Some)
            .map_err(|mistakes| Fault::mistakes(&mistakes)),
        None => Ok(None),
    }
}

/// Returns an entry that is meant as a file and has another name: `.yml`, or capitals. What it says would count for nothing.
pub(in crate::promote) fn misnamed<'a>(file: &str, entries: &'a [Entry]) -> Option<&'a str> {
    let stem = |name: &str| {
        let name = name.to_ascii_lowercase();
        let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
        stem.map(str::to_owned)
    };
    let is_meant =
        |entry: &&Entry| entry.name != file && stem(&entry.name).is_some() && stem(&entry.name) == stem(file);
    entries.iter().find(is_meant).map(|entry| entry.name.as_str())
}

fn root() -> Result<RepoPath, Fault> {
    RepoPath::parse("").map_err(|why| Fault::bug(format!("the root {why}")))
}
