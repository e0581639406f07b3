//! Which revisions of an application are about our commit, and what they are to it.

use std::collections::BTreeMap;

use crate::model::{AppSnapshot, AppSource, BranchName, CommitSha, RepoIdentity, SyncState};

/// What a revision is to our commit, as git says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is our commit.
    Ours,
    /// A descendant in whose tree our pin stands.
    Carries,
    /// A descendant in whose tree somebody changed our pin.
    Replaced,
    /// It does not have our commit in its history.
    Lacks,
    /// It is not known, with the reason.
    Unknown(String),
}

impl Standing {
    /// Whether our commit is in its history.
    #[must_use]
    pub const fn has_ours(&self) -> bool {
        matches!(self, Self::Ours | Self::Carries | Self::Replaced)
    }

    /// Whether it brings our change.
    #[must_use]
    pub const fn brings_ours(&self) -> bool {
        matches!(self, Self::Ours | Self::Carries)
    }
}

/// What is known of the revisions seen so far. A revision that is not in it counts as unknown.
pub type Standings = BTreeMap<CommitSha, Standing>;

/// Which sources are about our commit: the branch that was pushed to, in that repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The repository.
    pub repository: RepoIdentity,
    /// The branch.
    pub branch: BranchName,
    /// The repository's default branch; `None` when that is not known.
    pub default: Option<BranchName>,
}

impl Origin {
    /// Whether a source follows it. `HEAD` and nothing mean the default branch, which counts as ours while it is not known.
    #[must_use]
    pub fn feeds(&self, source: &AppSource) -> bool {
        let follows = source.target_revision.as_str();
        let follows = follows.strip_prefix("refs/heads/").unwrap_or(follows);
        let default = || self.default.as_ref().is_none_or(|default| *default == self.branch);
        !source.chart
            && self.repository.is(&source.repository)
            && (follows == self.branch.as_str() || (matches!(follows, "" | "HEAD") && default()))
    }

    /// Returns the revisions of `all`, one a source of `app`, that come from it.
    fn of<'a>(&self, app: &AppSnapshot, all: &'a [String]) -> Vec<&'a String> {
        if app.sources.len() <= 1 {
            return all
                .iter()
                .take(1)
                .filter(|_| app.sources.iter().any(|s| self.feeds(s)))
                .collect();
        }
        (app.sources.iter().zip(all))
            .filter(|(source, _)| self.feeds(source))
            .map(|(_, revision)| revision)
            .collect()
    }

    /// Whether what an application is compared with is `tip` in each source that comes from it.
    #[must_use]
    pub fn is_compared_with(&self, app: &AppSnapshot, tip: &CommitSha) -> bool {
        if let Some(hydration) = &app.hydration {
            return hydration.dry.as_ref() == Some(tip);
        }
        let ours = self.of(app, &app.revisions);
        !ours.is_empty() && ours.iter().all(|revision| *revision == tip.as_str())
    }

    /// Returns what a manual application has deployed and what it is compared with, when these differ.
    #[must_use]
    pub fn behind(&self, app: &AppSnapshot) -> Option<(CommitSha, CommitSha)> {
        let first = |all| (self.of(app, all).first()).and_then(|revision| CommitSha::parse(revision));
        let (deployed, tip) = (first(&app.last_synced)?, first(&app.revisions)?);
        (!app.automated && app.sync == SyncState::OutOfSync && deployed != tip).then_some((deployed, tip))
    }

    /// Returns every revision of `app` that git has to be asked about.
    #[must_use]
    pub fn revisions(&self, app: &AppSnapshot) -> Vec<CommitSha> {
        let none: &[String] = &[];
        let operation = app.operation.as_ref().map_or(none, |operation| &operation.revisions);
        let mut all: Vec<CommitSha> = [app.revisions.as_slice(), operation, &app.last_synced]
            .into_iter()
            .flat_map(|revisions| self.of(app, revisions))
            .filter_map(|revision| CommitSha::parse(revision))
            .collect();
        if let Some(hydration) = &app.hydration {
            // What is synced is the hydrator's own commit; git is asked about the dry ones.
            all = [&hydration.dry, &hydration.compared]
                .into_iter()
                .flatten()
                .cloned()
                .collect();
        }
        all.sort();
        all.dedup();
        all
    }

    /// Returns what `revisions`, one a source of `app`, are to our commit: all of ours must have it.
    #[must_use]
    pub fn standing(&self, app: &AppSnapshot, revisions: &[String], known: &Standings) -> Standing {
        let ours = self.of(app, revisions);
        if ours.is_empty() {
            return Standing::Unknown("it has not been compared yet".to_owned());
        }
        let mut all: Vec<Standing> = Vec::new();
        for revision in ours {
            let Some(sha) = CommitSha::parse(revision) else {
                return Standing::Unknown(format!("it shows {revision:?} instead of a commit"));
            };
            all.push(match &app.hydration {
                Some(_) => hydrated(app, &sha, known),
                None => look_up(known, &sha),
            });
        }
        worst(all)
    }
}

/// The dry commit decides; a commit of the hydrator's own is ours if it was written for one that has ours.
fn hydrated(app: &AppSnapshot, synced: &CommitSha, known: &Standings) -> Standing {
    let Some(hydration) = &app.hydration else {
        return look_up(known, synced);
    };
    let nothing_to_write = hydration.hydrated.is_none() && hydration.phase == "Hydrated";
    if (hydration.hydrated.as_ref() == Some(synced) || nothing_to_write)
        && let Some(dry) = &hydration.dry
    {
        return look_up(known, dry);
    }
    // A later dry commit may have been compared without anything to write.
    match &hydration.compared {
        Some(compared) if hydration.phase == "Hydrated" => look_up(known, compared),
        _ => Standing::Lacks,
    }
}

fn look_up(known: &Standings, sha: &CommitSha) -> Standing {
    (known.get(sha).cloned()).unwrap_or_else(|| Standing::Unknown("git has not been asked yet".to_owned()))
}

fn worst(all: Vec<Standing>) -> Standing {
    let rank = |standing: &Standing| match standing {
        Standing::Ours => 0,
        Standing::Carries => 1,
        Standing::Replaced => 2,
        Standing::Unknown(_) => 3,
        Standing::Lacks => 4,
    };
    all.into_iter()
        .max_by_key(rank)
        .unwrap_or_else(|| Standing::Unknown("none of its sources is this folder".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha(digit: char) -> CommitSha {
        CommitSha::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn origin() -> Origin {
        Origin {
            repository: RepoIdentity::of("https://github.com/myorg/infra"),
            branch: BranchName::parse("main").unwrap(),
            default: None,
        }
    }

    #[test]
    fn head_is_the_default_branch_and_no_other() {
        let release = |default: Option<&str>| Origin {
            branch: BranchName::parse("release").unwrap(),
            default: default.map(|name| BranchName::parse(name).unwrap()),
            ..origin()
        };
        let follows = |what| source("https://github.com/myorg/infra", what);
        for what in ["HEAD", ""] {
            assert!(release(None).feeds(&follows(what)), "{what}");
            assert!(release(Some("release")).feeds(&follows(what)), "{what}");
            assert!(!release(Some("main")).feeds(&follows(what)), "{what}");
        }
        for what in ["release", "refs/heads/release"] {
            assert!(release(Some("main")).feeds(&follows(what)), "{what}");
        }
        assert!(!release(Some("main")).feeds(&follows("main")));
    }

    fn source(repo: &str, follows: &str) -> AppSource {
        AppSource {
            repo_url: repo.to_owned(),
            repository: RepoIdentity::of(repo),
            target_revision: follows.to_owned(),
            ..AppSource::default()
        }
    }

    fn known() -> Standings {
        BTreeMap::from([
            (sha('1'), Standing::Ours),
            (sha('0'), Standing::Lacks),
            (sha('2'), Standing::Carries),
        ])
    }

    #[test]
    fn s67_only_the_git_source_of_ours_counts() {
        let app = AppSnapshot {
            sources: vec![
                AppSource {
                    chart: true,
                    ..source("https://charts.example", "1.2.3")
                },
                source("git@github.com:myorg/infra.git", "main"),
            ],
            ..AppSnapshot::default()
        };
        let revisions = ["1.2.3".to_owned(), sha('1').to_string()];
        assert_eq!(origin().standing(&app, &revisions, &known()), Standing::Ours);
    }

    #[test]
    fn s68_every_source_of_ours_must_have_it() {
        let app = AppSnapshot {
            sources: vec![source("https://github.com/myorg/infra", "main"); 2],
            ..AppSnapshot::default()
        };
        let both = |a: char, b: char| origin().standing(&app, &[sha(a).to_string(), sha(b).to_string()], &known());
        assert_eq!(both('1', '0'), Standing::Lacks);
        assert_eq!(both('1', '2'), Standing::Carries);
    }

    #[test]
    fn s44_a_branch_name_is_no_revision() {
        let app = AppSnapshot {
            sources: vec![source("https://github.com/myorg/infra", "main")],
            ..AppSnapshot::default()
        };
        let standing = origin().standing(&app, &["main".to_owned()], &known());
        assert!(matches!(standing, Standing::Unknown(_)));
    }

    #[test]
    fn s71_s73_a_hydrated_commit_stands_for_its_dry_one() {
        let app = |dry: char| AppSnapshot {
            sources: vec![source("https://github.com/myorg/infra", "main")],
            hydration: Some(crate::model::Hydration {
                phase: "Hydrated".to_owned(),
                dry: Some(sha(dry)),
                hydrated: Some(sha('9')),
                ..crate::model::Hydration::default()
            }),
            ..AppSnapshot::default()
        };
        let synced = [sha('9').to_string()];
        assert_eq!(origin().standing(&app('1'), &synced, &known()), Standing::Ours);
        assert_eq!(origin().standing(&app('0'), &synced, &known()), Standing::Lacks);
    }
}
