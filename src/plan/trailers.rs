//! The trailers of a commit: what a promotion says about itself in the last paragraph of the message, written and read in one place.
//!
//! A trailer proves nothing, since anyone who can push can write one: the pin in the tree is the truth.

use crate::model::{Pin, PinChange, unseen};

/// What the last paragraph of a commit's message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers {
    /// `Promote-App`, each once.
    pub apps: Vec<String>,
    /// `Promote-Environment`, each once.
    pub environments: Vec<String>,
    /// `Promote-Pin`.
    pub pins: Vec<PinTrailer>,
    /// `Promote-From`: the environment whose pins were copied.
    pub from: Option<String>,
    /// `Promote-Rollback-Of`: the commit that was taken back.
    pub rollback_of: Option<String>,
    /// `Promote-Allow`: the exceptions that were made use of.
    pub allow: Vec<String>,
    /// `Promote-Reason`.
    pub reason: Option<String>,
    /// `Promote-Schema`: what the database has to look like.
    pub schema: Option<String>,
    /// `Argocd-reference-commit-…`: the commit that the image was built from, as Argo CD's hydrator and gitops-promoter show it.
    pub source: Option<SourceCommit>,
    /// `Promote-By`: who triggered it.
    pub by: String,
    /// `Promote-Run`: the run's address with its attempt, or a random id.
    pub run: String,
    /// `Promote-Action`: name and version.
    pub action: String,
}

/// A commit of the repository that images are built in. What is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCommit {
    /// Its full SHA.
    pub sha: String,
    /// Its author, as `Name <mail>`.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
    /// The address of the repository.
    pub repository: String,
    /// When it was made, as RFC 3339.
    pub date: String,
}

/// Finds one part of a commit.
type PartOf = fn(&mut SourceCommit) -> &mut String;

impl SourceCommit {
    /// The key of each part of it.
    const KEYS: [(&str, PartOf); 5] = [
        ("Argocd-reference-commit-author", |commit| &mut commit.author),
        ("Argocd-reference-commit-sha", |commit| &mut commit.sha),
        ("Argocd-reference-commit-subject", |commit| &mut commit.subject),
        ("Argocd-reference-commit-repourl", |commit| &mut commit.repository),
        ("Argocd-reference-commit-date", |commit| &mut commit.date),
    ];

    /// Whether a tag names this commit: by at least seven of its first digits, alone or between `-`, `_` and `.`.
    #[must_use]
    pub fn is_named_by(&self, tag: &str) -> bool {
        let names = |part: &str| part.len() >= 7 && self.sha.starts_with(part);
        let part = |part: &str| part.strip_prefix('g').is_some_and(names) || names(part);
        tag.split(['-', '_', '.']).any(part)
    }
}

/// `Promote-Pin: FILE NAME BEFORE -> AFTER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinTrailer {
    /// The file.
    pub file: String,
    /// The entry's name.
    pub name: String,
    /// The reference before; only the repository if it was not pinned.
    pub before: String,
    /// The reference after.
    pub after: String,
}

impl PinTrailer {
    fn parse(value: &str) -> Option<Self> {
        // A path may hold spaces; names and references hold none.
        let (rest, after) = value.rsplit_once(" -> ")?;
        let (rest, before) = rest.rsplit_once(' ')?;
        let (file, name) = rest.rsplit_once(' ')?;
        let [file, name, before, after] = [file, name, before, after].map(str::to_owned);
        Some(Self {
            file,
            name,
            before,
            after,
        })
    }

    fn value(&self) -> String {
        format!("{} {} {} -> {}", self.file, self.name, self.before, self.after)
    }

    /// Whether it says that an entry of a file became `pin`.
    #[must_use]
    pub fn made(&self, file: &str, pin: &Pin) -> bool {
        self.file == file && self.name == pin.name && self.after == pin.reference()
    }
}

impl From<&PinChange> for PinTrailer {
    fn from(change: &PinChange) -> Self {
        Self {
            file: change.file.to_string(),
            name: change.name().to_owned(),
            before: change.before.reference(),
            after: change.after.reference(),
        }
    }
}

impl Trailers {
    /// Returns the lines, each with its end. No value can bring a line of its own.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: &str| {
            text.push_str(key);
            text.push_str(": ");
            text.push_str(&one_line(value));
            text.push('\n');
        };
        self.apps.iter().for_each(|app| line("Promote-App", app));
        self.environments
            .iter()
            .for_each(|environment| line("Promote-Environment", environment));
        self.pins.iter().for_each(|pin| line("Promote-Pin", &pin.value()));
        let single = [
            ("Promote-From", &self.from),
            ("Promote-Rollback-Of", &self.rollback_of),
            ("Promote-Schema", &self.schema),
        ];
        for (key, value) in single {
            if let Some(value) = value {
                line(key, value);
            }
        }
        self.allow.iter().for_each(|allow| line("Promote-Allow", allow));
        self.reason.iter().for_each(|reason| line("Promote-Reason", reason));
        if let Some(mut source) = self.source.clone() {
            for (key, part) in SourceCommit::KEYS {
                let value = part(&mut source);
                if !value.is_empty() {
                    line(key, value);
                }
            }
        }
        line("Promote-By", &self.by);
        line("Promote-Run", &self.run);
        line("Promote-Action", &self.action);
        text
    }

    /// Reads the last paragraph of a message. `None` when it has no trailer of a promotion: at least a pin, an app or a run.
    #[must_use]
    pub fn read(message: &str) -> Option<Self> {
        // The subject alone is no paragraph of trailers.
        let (_, last) = message.trim_end().rsplit_once("\n\n")?;
        let mut trailers = Self::default();
        for line in last.lines() {
            let Some((key, value)) = line.split_once(": ") else {
                continue;
            };
            let value = value.trim();
            let once = || Some(value.to_owned());
            match key {
                "Promote-App" => trailers.apps.push(value.to_owned()),
                "Promote-Environment" => trailers.environments.push(value.to_owned()),
                "Promote-Pin" => trailers.pins.extend(PinTrailer::parse(value)),
                "Promote-From" => trailers.from = once(),
                "Promote-Rollback-Of" => trailers.rollback_of = once(),
                "Promote-Allow" => trailers.allow.push(value.to_owned()),
                "Promote-Reason" => trailers.reason = once(),
                "Promote-Schema" => trailers.schema = once(),
                "Promote-By" => value.clone_into(&mut trailers.by),
                "Promote-Run" => value.clone_into(&mut trailers.run),
                "Promote-Action" => value.clone_into(&mut trailers.action),
                _ => {
                    if let Some((_, part)) = SourceCommit::KEYS.iter().find(|(name, _)| *name == key) {
                        value.clone_into(part(trailers.source.get_or_insert_default()));
                    }
                }
            }
        }
        (!trailers.is_empty()).then_some(trailers)
    }

    /// Whether they say that a pin became what a change makes of it.
    #[must_use]
    pub fn set(&self, change: &PinChange) -> bool {
        self.pins
            .iter()
            .any(|pin| pin.made(change.file.as_str(), &change.after))
    }

    const fn is_empty(&self) -> bool {
        self.apps.is_empty() && self.pins.is_empty() && self.run.is_empty()
    }
}

/// Returns the text on one line, without control characters, without characters that nobody sees or that change the reading direction,
/// and without what would end a message early for git.
pub(super) fn one_line(text: &str) -> String {
    let seen = text.chars().filter(|c| !unseen(*c));
    let plain: String = seen.map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Trailers {
        Trailers {
            apps: vec!["api".to_owned()],
            environments: vec!["dev".to_owned(), "staging".to_owned()],
            pins: vec![PinTrailer {
                file: "apps/my api/kustomization.yaml".to_owned(),
                name: "myorg/api".to_owned(),
                before: "myorg/api:v1".to_owned(),
                after: "myorg/api:v2@sha256:aa".to_owned(),
            }],
            from: Some("dev".to_owned()),
            rollback_of: Some("a".repeat(40)),
            allow: vec!["hold".to_owned()],
            reason: Some("errors: 5% of requests".to_owned()),
            schema: Some("42".to_owned()),
            source: Some(SourceCommit {
                sha: "a".repeat(40),
                author: "Jane <jane@h>".to_owned(),
                subject: "Fix: it".to_owned(),
                repository: "https://h/o/api".to_owned(),
                date: String::new(),
            }),
            by: "octo".to_owned(),
            run: "https://h/o/r/actions/runs/7/attempts/2".to_owned(),
            action: "promote-action/1".to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let message = format!("promote api\n\n{}", all().lines());
        assert_eq!(Trailers::read(&message), Some(all()));
    }

    #[test]
    fn a_tag_that_begins_as_the_commit_does_names_it() {
        let commit = SourceCommit {
            sha: "a3f1c8b0123456789abcdef0123456789abcdef0".to_owned(),
            ..SourceCommit::default()
        };
        for (tag, right) in [
            ("a3f1c8b", true),
            ("main-a3f1c8b0", true),
            ("v1.2.3-4-ga3f1c8b", true),
            ("a3f1c8", false),
            ("v1.2.3", false),
            ("b3f1c8b", false),
        ] {
            assert_eq!(commit.is_named_by(tag), right, "{tag}");
        }
    }

    #[test]
    fn only_the_last_paragraph_counts() {
        let lines = all().lines();
        for message in [
            lines.clone(),
            format!("squashed\n\n{lines}\nand some words"),
            format!("Merge\n\n{lines}\nSigned-off-by: Octo <o@h>\n"),
            "a person's commit\n\nwith a body".to_owned(),
        ] {
            assert_eq!(Trailers::read(&message), None, "{message}");
        }
        let signed = format!("x\n\n{lines}Signed-off-by: Octo <o@h>\n");
        assert_eq!(Trailers::read(&signed), Some(all()));
    }

    #[test]
    fn no_value_can_bring_a_trailer_of_its_own() {
        let trailers = Trailers {
            by: "octo\nPromote-By: boss".to_owned(),
            ..all()
        };
        let lines = trailers.lines();
        assert_eq!(lines.lines().filter(|line| line.starts_with("Promote-By:")).count(), 1);
        assert!(lines.contains("Promote-By: octo Promote-By: boss"));
    }
}
