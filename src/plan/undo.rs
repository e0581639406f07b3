//! Going back: which versions an app has had in an environment, which of them is meant, and the plan that restores its pins. Pure: record,
//! trailers and snapshot in; plan, or the versions to choose from, out.

use crate::assess::history::{Line, Record, RecordedPin};
use crate::manifest::Field;
use crate::model::{CommitSha, Parts, PinChange, Reference, Timestamp};

use super::assemble::{edit, read};
use super::message::{Message, distinct};
use super::select::Wanted;
use super::trailers::{PinTrailer, Trailers};
use super::{Identity, Overlay, Place, Plan, diff};

/// How many versions are offered where none is known to be good.
pub const MOST_CANDIDATES: usize = 10;

/// A version that an app had in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The entries that pinned it.
    pub pins: Vec<RecordedPin>,
    /// When it ended as it did; `None` where only a later commit names it.
    pub at: Option<Timestamp>,
    /// How it ended: the event of the record, or `landed` where only trailers name it.
    pub ended: String,
    /// Whether the record knows it to be good.
    pub good: bool,
}

impl Version {
    /// Returns its references, each once.
    #[must_use]
    pub fn images(&self) -> Vec<String> {
        let mut images = Vec::new();
        for pin in &self.pins {
            if !images.contains(&pin.image) {
                images.push(pin.image.clone());
            }
        }
        images
    }

    /// Whether one of its images is the one that `to` names: by a tag, a digest or a reference.
    #[must_use]
    pub fn is(&self, to: &str) -> bool {
        self.pins.iter().any(|pin| names(to, &pin.image))
    }
}

/// Whether a tag, digest or reference names an image.
fn names(to: &str, image: &str) -> bool {
    let has = Parts::of(image);
    if to.starts_with("sha256:") {
        return has.digest == Some(to);
    }
    if !to.contains(['/', ':', '@']) {
        return has.tag == Some(to);
    }
    Reference::parse(to).is_ok_and(|to| {
        to.repository.same_as(has.repository)
            && to.tag.as_ref().is_none_or(|tag| has.tag == Some(tag.as_str()))
            && to
                .digest
                .as_ref()
                .is_none_or(|digest| has.digest == Some(digest.as_str()))
    })
}

/// Returns the tag or digest of an image that begins with `to`: at least seven of the first digits of a commit's SHA, or of a digest.
fn begun<'a>(to: &str, image: &'a str) -> Option<&'a str> {
    let parts = Parts::of(image);
    let is_hash = |digits: &str| digits.len() >= 7 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let (digits, name) = match to.strip_prefix("sha256:") {
        Some(digits) => (digits, parts.digest),
        None => (to, parts.tag),
    };
    let of_hash = |name: &&str| is_hash(name.strip_prefix("sha256:").unwrap_or(name));
    name.filter(|name| is_hash(digits) && name.starts_with(to))
        .filter(of_hash)
}

/// A commit that says what it pinned.
#[derive(Clone, Debug)]
pub struct Promoted {
    /// Which.
    pub commit: CommitSha,
    /// When it was committed.
    pub at: Timestamp,
    /// What it says.
    pub trailers: Trailers,
}

/// What an app pins in an environment, with everything that is known of its past there.
#[derive(Debug)]
pub struct Past<'a> {
    /// The entries that are pinned now.
    pub pinned: &'a [RecordedPin],
    /// Its record.
    pub record: &'a Record,
    /// The commits of the branch that say what they pinned, the newest first.
    pub promoted: &'a [Promoted],
}

impl Past<'_> {
    /// Returns the references that are pinned now, each once.
    #[must_use]
    pub fn images(&self) -> Vec<String> {
        Version {
            pins: self.pinned.to_vec(),
            at: None,
            ended: String::new(),
            good: false,
        }
        .images()
    }

    /// Returns every version but the one that is pinned now, those of the record first, each with the newest first.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let mut versions: Vec<Version> = Vec::new();
        let recorded = self.record.versions().into_iter().map(|version| Version {
            pins: self.pins_of(version.line),
            at: Some(version.last.at),
            ended: version.last.event.name().to_owned(),
            good: version.good,
        });
        let named = self.promoted.iter().flat_map(|commit| {
            let each = |reference: fn(&PinTrailer) -> &String, at| Version {
                pins: self.own(&commit.trailers, reference),
                at,
                ended: "landed".to_owned(),
                good: false,
            };
            [each(|pin| &pin.after, Some(commit.at)), each(|pin| &pin.before, None)]
        });
        for version in recorded.chain(named) {
            let known = versions.iter().any(|known| has_all(&known.pins, &version.pins));
            if !version.pins.is_empty() && !known && !self.is_pinned(&version.pins) {
                versions.push(version);
            }
        }
        versions
    }

    /// Completes a short name of a version: at least seven of the first digits of a digest, or of a tag that is a commit's SHA. What is the name
    /// of a version as it is, or the beginning of none, is returned unchanged.
    ///
    /// # Errors
    /// The names that begin with it, where there are several.
    pub fn completed(&self, to: &str) -> Result<String, Vec<String>> {
        let versions = self.versions();
        let earlier = versions.iter().flat_map(|version| &version.pins);
        let mut found: Vec<&str> = Vec::new();
        for pin in self.pinned.iter().chain(earlier) {
            if names(to, &pin.image) {
                return Ok(to.to_owned());
            }
            found.extend(begun(to, &pin.image).filter(|name| !found.contains(name)));
        }
        match found.as_slice() {
            [] => Ok(to.to_owned()),
            [name] => Ok((*name).to_owned()),
            several => Err(several.iter().map(|name| (*name).to_owned()).collect()),
        }
    }

    /// Returns the newest version that is known to be good, is not pinned now, and that nobody holds.
    #[must_use]
    pub fn newest_known_good(&self, held: &dyn Fn(&str) -> bool) -> Option<Version> {
        let free = |line: &Line| {
            let pins = self.pins_of(line);
            !pins.is_empty() && !self.is_pinned(&pins) && !pins.iter().any(|pin| held(&pin.image))
        };
        let version = self.record.newest_known_good(free)?;
        Some(Version {
            pins: self.pins_of(version.line),
            at: Some(version.last.at),
            ended: version.last.event.name().to_owned(),
            good: true,
        })
    }

    /// Returns the pins of a version that the app is not known to have had: a tag or digest for its only image, or a reference for the image of
    /// that repository.
    ///
    /// # Errors
    /// Says why that is no version of it.
    pub fn unknown(&self, to: &str) -> Result<Vec<RecordedPin>, String> {
        let bare = to.starts_with("sha256:") || !to.contains(['/', ':', '@']);
        let fits = |pin: &&RecordedPin| bare || Parts::of(&pin.image).same_repository(&Parts::of(to));
        let homes: Vec<&RecordedPin> = self.pinned.iter().filter(fits).collect();
        let [home, others @ ..] = homes.as_slice() else {
            return Err(format!(
                "{to} is not one of its images: it pins {}",
                self.images().join(", ")
            ));
        };
        if bare
            && others
                .iter()
                .any(|other| !Parts::of(&other.image).same_repository(&Parts::of(&home.image)))
        {
            return Err(format!(
                "it has several images ({}): give `to` as a reference",
                self.images().join(", ")
            ));
        }
        let (now, given) = (Parts::of(&home.image), Parts::of(to));
        let rest = match (bare, to.starts_with("sha256:")) {
            (true, true) => format!("@{to}"),
            (true, false) => format!(":{to}"),
            (false, _) => {
                let tag = given.tag.map(|tag| format!(":{tag}"));
                let digest = given.digest.map(|digest| format!("@{digest}"));
                tag.unwrap_or_default() + &digest.unwrap_or_default()
            }
        };
        if now.digest.is_some() && !rest.contains('@') {
            return Err(format!(
                "{} has a digest: give the one of {to} as well, as in NAME:TAG@sha256:…",
                home.image
            ));
        }
        if rest.is_empty() {
            return Err(format!("{to} has neither tag nor digest"));
        }
        let own = homes.iter().map(|pin| RecordedPin {
            image: format!("{}{rest}", Parts::of(&pin.image).repository),
            ..(*pin).clone()
        });
        Ok(own.collect())
    }

    /// Whether these pins are what is pinned now.
    #[must_use]
    pub fn is_pinned(&self, pins: &[RecordedPin]) -> bool {
        has_all(self.pinned, pins)
    }

    /// Returns the newest commit that pinned one of the images that are pinned now, by its trailers.
    #[must_use]
    pub fn pinned_by(&self) -> Option<&Promoted> {
        self.promoted.iter().find(|commit| {
            let own = self.own(&commit.trailers, |pin| &pin.after);
            own.iter().any(|pin| self.pinned.contains(pin))
        })
    }

    /// Returns what the database has to look like for these images, by the record or the trailers.
    #[must_use]
    pub fn schema(&self, images: &[String]) -> Option<String> {
        let mut recorded = self.record.newest_first().filter(|line| line.is_about(images));
        let recorded = recorded.find_map(|line| line.schema.clone());
        recorded.or_else(|| {
            self.promoted.iter().find_map(|commit| {
                let own = self.own(&commit.trailers, |pin| &pin.after);
                let about = own.iter().any(|pin| images.contains(&pin.image));
                commit.trailers.schema.clone().filter(|_| about)
            })
        })
    }

    /// Returns the entries of a line that are here now. A line without entries names images, which say by their repository whose they are.
    fn pins_of(&self, line: &Line) -> Vec<RecordedPin> {
        if !line.pins.is_empty() {
            let here = |pin: &&RecordedPin| {
                self.pinned
                    .iter()
                    .any(|now| now.file == pin.file && now.name == pin.name)
            };
            return line.pins.iter().filter(here).cloned().collect();
        }
        let mut pins = Vec::new();
        for now in self.pinned {
            let own = Parts::of(&now.image);
            let image = (line.images.iter()).find(|image| Parts::of(image).same_repository(&own));
            pins.extend(image.map(|image| RecordedPin {
                image: image.clone(),
                ..now.clone()
            }));
        }
        pins
    }

    /// Returns what trailers say of the entries that are here now.
    fn own(&self, trailers: &Trailers, reference: fn(&PinTrailer) -> &String) -> Vec<RecordedPin> {
        let here = |pin: &&PinTrailer| {
            self.pinned
                .iter()
                .any(|now| now.file == pin.file && now.name == pin.name)
        };
        let pinned = trailers.pins.iter().filter(here).map(|pin| RecordedPin {
            file: pin.file.clone(),
            name: pin.name.clone(),
            image: reference(pin).clone(),
        });
        // An entry that a commit added has only a repository before.
        let parts = |image: &str| {
            let parts = Parts::of(image);
            parts.tag.is_some() || parts.digest.is_some()
        };
        pinned.filter(|pin| parts(&pin.image)).collect()
    }
}

/// Whether every one of `pins` is among `all`.
fn has_all(all: &[RecordedPin], pins: &[RecordedPin]) -> bool {
    pins.iter().all(|pin| all.contains(pin))
}

/// What stands in the commit of a way back, besides what changes.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The commit that is taken back.
    pub of: Option<CommitSha>,
    /// Why.
    pub reason: Option<String>,
    /// The exceptions that were made use of.
    pub allow: Vec<String>,
    /// What the database has to look like afterwards.
    pub schema: Option<String>,
}

/// Plans one commit that gives entries the tag and the digest of `wanted`, one list for each target. Nothing else changes.
///
/// # Errors
/// Every mistake: a file that cannot be read or edited, an entry that is not there.
pub fn restore(
    targets: &[(Place, Overlay)],
    wanted: &[Vec<RecordedPin>],
    account: &Account,
    identity: &Identity,
) -> Result<Plan, Vec<String>> {
    let mut mistakes = Vec::new();
    let reads = read(targets, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut all = Vec::new();
    for (target, pins) in reads.iter().zip(wanted) {
        let mut here = Vec::new();
        for pin in pins {
            let file = target.files.iter().find(|file| file.path.as_str() == pin.file);
            match file {
                Some(file) => here.push(restored(file.path.clone(), pin)),
                None => mistakes.push(format!("{} is not a file of {} any more", pin.file, target.target.app)),
            }
        }
        all.push(here);
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut plan = Plan::default();
    edit(&mut plan, &reads, &all)?;
    plan.schema.clone_from(&account.schema);
    plan.message = message(&plan.changes, account, identity);
    plan.diff = diff::diff(&plan.files);
    Ok(plan)
}

/// Returns what an entry is to become: exactly the former tag and digest.
fn restored(file: crate::model::RepoPath, pin: &RecordedPin) -> Wanted {
    let parts = Parts::of(&pin.image);
    let field = |part: Option<&str>| part.map_or(Field::Remove, |part| Field::Set(part.to_owned()));
    Wanted {
        file,
        name: pin.name.clone(),
        tag: field(parts.tag),
        digest: field(parts.digest),
        create: true,
    }
}

fn message(changes: &[PinChange], account: &Account, identity: &Identity) -> Message {
    let references: Vec<String> = changes.iter().map(|change| change.after.reference()).collect();
    let apps = distinct(changes.iter().map(|change| change.app.as_str()));
    let environments = distinct(changes.iter().map(|change| change.environment.as_str()));
    let images = distinct(references.iter().map(String::as_str));
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let trailers = Trailers {
        apps: owned(&apps),
        environments: owned(&environments),
        pins: changes.iter().map(PinTrailer::from).collect(),
        rollback_of: account.of.as_ref().map(ToString::to_string),
        reason: account.reason.clone(),
        allow: account.allow.clone(),
        schema: account.schema.clone(),
        ..Message::by(identity)
    };
    let subject = format!(
        "roll back {} in {} to {}",
        apps.join(", "),
        environments.join(", "),
        images.join(", ")
    );
    Message { subject, trailers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::history::EventKind;
    use crate::model::{AppName, EnvironmentName};
    use crate::plan::{Layout, OverlayFile, Request, Select};

    const FILE: &str = "apps/api/overlays/production/kustomization.yaml";
    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn pin(name: &str, image: &str) -> RecordedPin {
        RecordedPin {
            file: FILE.to_owned(),
            name: name.to_owned(),
            image: image.to_owned(),
        }
    }

    fn at(minute: u64) -> Timestamp {
        Timestamp::at_unix(minute * 60)
    }

    fn record(lines: &[(&str, &str)]) -> Record {
        let mut record = Record::default();
        for (minute, (event, image)) in (0..).zip(lines) {
            record.push(Line {
                at: at(minute),
                event: EventKind::parse(event),
                commit: None,
                images: vec![(*image).to_owned()],
                pins: vec![pin("api", image)],
                schema: None,
                by: String::new(),
                run: String::new(),
                reason: String::new(),
                seconds: None,
                of: None,
            });
        }
        record
    }

    fn promoted(digit: char, before: &str, after: &str, schema: Option<&str>) -> Promoted {
        Promoted {
            commit: CommitSha::parse(&digit.to_string().repeat(40)).unwrap(),
            at: at(9),
            trailers: Trailers {
                pins: vec![PinTrailer {
                    file: FILE.to_owned(),
                    name: "api".to_owned(),
                    before: before.to_owned(),
                    after: after.to_owned(),
                }],
                schema: schema.map(str::to_owned),
                ..Trailers::default()
            },
        }
    }

    fn images(versions: &[Version]) -> Vec<String> {
        versions
            .iter()
            .map(|version| format!("{} {}", version.ended, version.images().join(" ")))
            .collect()
    }

    #[test]
    fn a_version_is_named_by_tag_digest_or_reference() {
        let version = Version {
            pins: vec![pin("api", &format!("ghcr.io/o/api:v1@{DIGEST}")), pin("x", "o/x:s1")],
            at: None,
            ended: String::new(),
            good: false,
        };
        let full = format!("ghcr.io/o/api:v1@{DIGEST}");
        for to in ["v1", "s1", DIGEST, "ghcr.io/o/api:v1", &full, "docker.io/o/x:s1"] {
            assert!(version.is(to), "{to}");
        }
        for to in ["v", "ghcr.io/o/api:v2", "o/api:v1", "sha256:00", "o/x:s1@sha256:1"] {
            assert!(!version.is(to), "{to}");
        }
    }

    #[test]
    fn the_first_digits_of_a_version_are_completed() {
        let (one, other) = ("0123456a".repeat(5), "0123456b".repeat(5));
        let record = record(&[
            ("live", &format!("o/api:{other}")),
            ("live", &format!("o/api:v3@{DIGEST}")),
            ("live", "o/api:20261127"),
        ]);
        let past = Past {
            pinned: &[pin("api", &format!("o/api:{one}"))],
            record: &record,
            promoted: &[],
        };
        let short = DIGEST.get(..14).unwrap();
        for (to, name) in [
            ("0123456a", one.as_str()),
            ("0123456b0", &other),
            (&other, &other),
            (short, DIGEST),
            ("2026112", "20261127"),
            // Six digits, no digits, and the beginning of nothing.
            ("012345", "012345"),
            ("v3", "v3"),
            ("fffffff", "fffffff"),
        ] {
            assert_eq!(past.completed(to).as_deref(), Ok(name), "{to}");
        }
        assert_eq!(past.completed("0123456"), Err(vec![one, other]));
    }

    #[test]
    fn the_past_is_the_record_and_then_the_trailers() {
        let record = record(&[("live", "o/api:v1"), ("live", "o/api:v2"), ("failed", "o/api:v3")]);
        let promoted = [
            promoted('c', "o/api:v2", "o/api:v3", None),
            promoted('b', "o/api:v0", "o/api:v1", None),
        ];
        let past = Past {
            pinned: &[pin("api", "o/api:v3")],
            record: &record,
            promoted: &promoted,
        };
        assert_eq!(
            images(&past.versions()),
            ["live o/api:v2", "live o/api:v1", "landed o/api:v0"]
        );
        let free = past.newest_known_good(&|_| false).unwrap();
        assert_eq!(free.images(), ["o/api:v2"]);
        let held = past.newest_known_good(&|image| image.ends_with("v2")).unwrap();
        assert_eq!(held.images(), ["o/api:v1"]);
        assert_eq!(past.pinned_by().unwrap().commit.short(), "ccccccc");
    }

    #[test]
    fn the_schema_of_a_version_comes_from_the_record_or_its_commit() {
        let promoted = [
            promoted('c', "o/api:v2", "o/api:v3", Some("7")),
            promoted('b', "o/api:v1", "o/api:v2", None),
        ];
        let past = Past {
            pinned: &[pin("api", "o/api:v3")],
            record: &Record::default(),
            promoted: &promoted,
        };
        assert_eq!(past.schema(&["o/api:v3".to_owned()]).as_deref(), Some("7"));
        assert_eq!(past.schema(&["o/api:v2".to_owned()]), None);
    }

    #[test]
    fn a_line_without_entries_is_matched_by_repository() {
        let line =
            "{\"v\":1,\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"live\",\"images\":[\"o/api:v1\",\"o/gone:1\"]}\n";
        let record = Record::parse(line.as_bytes());
        let past = Past {
            pinned: &[pin("api", "o/api:v3")],
            record: &record,
            promoted: &[],
        };
        let version = past.newest_known_good(&|_| false).unwrap();
        assert_eq!(version.pins, [pin("api", "o/api:v1")]);
    }

    #[test]
    fn exactly_the_former_tag_and_digest_come_back() {
        let text = "images:  # pins\n- name: api\n  newName: mirror/api  # kept\n  newTag: v3\n  digest: sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n- name: x\n  newTag: s1\n";
        let request = Request {
            select: Select {
                apps: vec![AppName::parse("api").unwrap()],
                environments: vec![EnvironmentName::parse("production").unwrap()],
                ..Select::default()
            },
            ..Request::default()
        };
        let layout = Layout {
            select: &request.select,
            allow: request.allow,
            config: None,
        };
        let target = layout.targets(&request.select.environments).unwrap().remove(0);
        let path = crate::model::RepoPath::parse(FILE).unwrap();
        let overlay = Overlay {
            files: vec![OverlayFile {
                path,
                text: text.as_bytes().to_vec(),
            }],
            included: Vec::new(),
        };
        let identity = Identity {
            by: "octo".to_owned(),
            run: "1".to_owned(),
            action: "x".to_owned(),
            source: None,
        };
        let account = Account {
            of: CommitSha::parse(&"c".repeat(40)),
            reason: Some("errors\nPromote-By: boss".to_owned()),
            schema: Some("6".to_owned()),
            ..Account::default()
        };
        let wanted = [vec![pin("api", &format!("mirror/api:v1@{DIGEST}"))]];
        let plan = restore(&[(target.clone(), overlay.clone())], &wanted, &account, &identity).unwrap();
        assert_eq!(plan.changes[0].after.reference(), format!("mirror/api:v1@{DIGEST}"));
        let message = plan.message.to_string();
        assert!(
            message.starts_with("roll back api in production to mirror/api:v1@sha256:"),
            "{message}"
        );
        let of = format!(
            "\nPromote-Rollback-Of: {}\nPromote-Schema: 6\nPromote-Reason: errors Promote-By: boss\n",
            "c".repeat(40)
        );
        assert!(message.contains(&of), "{message}");
        let tag = [vec![pin("api", "mirror/api:v1")]];
        let plan = restore(&[(target, overlay)], &tag, &account, &identity).unwrap();
        let after = String::from_utf8(plan.files[0].after.clone()).unwrap();
        assert_eq!(
            after,
            "images:  # pins\n- name: api\n  newName: mirror/api  # kept\n  newTag: v1\n- name: x\n  newTag: s1\n"
        );
    }
}
