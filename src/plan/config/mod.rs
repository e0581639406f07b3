//! `promote.yaml`, the infra-repo's own say: layout, environments in order, apps, policies. Text in, configuration or mistakes out.
//! Read at the tip that is committed to; never holds addresses, secrets or exceptions for a run.

use std::collections::BTreeMap;

use crate::assess::gate;
use crate::manifest::{ImageKeys, values};
use crate::model::{AppName, BranchName, ClusterName, EnvironmentName, RefName, Repository, limits};

use self::node::{Content, Node};
use self::reader::Mistakes;
use super::{Allow, Policy};

mod analyses;
mod clusters;
mod gates;
mod keys;
mod node;
mod reader;
mod schema;

pub use analyses::{AnalysisSource, Filling, Verify};
pub use schema::{reference, schema};

/// The name of the file, at the root of the infra-repo.
pub const FILE: &str = "promote.yaml";

/// The longest file that is read, in bytes: thousands of apps fit.
const MOST: usize = limits::PROMOTE_YAML.bytes();

/// The reference that keeps the record where promote.yaml names no other.
pub const RECORD: &str = "refs/promote/record";

/// Where the record is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordPlace {
    /// On this reference.
    On(RefName),
    /// There is none.
    Nowhere,
}

impl RecordPlace {
    fn parse(text: &str) -> Result<Self, String> {
        /// Names that others own: tags, and what hosts keep for pull requests, merge requests and changes.
        const TAKEN: [&str; 4] = ["refs/tags/", "refs/pull/", "refs/merge-requests/", "refs/changes/"];
        if text == "none" {
            return Ok(Self::Nowhere);
        }
        if let Some(taken) = TAKEN.iter().find(|taken| text.starts_with(**taken)) {
            return Err(format!(
                "must not be in {taken}: use a reference such as {RECORD}, or `none`"
            ));
        }
        RefName::parse(text)
            .map(Self::On)
            .map_err(|why| format!("{why}, or `none`"))
    }
}

/// The configuration, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Template of the overlay's folder.
    pub path: Option<String>,
    /// Templates of the applications.
    pub applications: Option<Vec<String>>,
    /// The name of the format.
    pub format: Option<String>,
    /// Where images stand in Helm values.
    pub keys: Option<Vec<ImageKeys>>,
    /// Further addresses of the infra-repo.
    pub aliases: Vec<String>,
    /// Template of the commit's subject.
    pub message: Option<String>,
    /// Where the record of what was live is kept; `None` = on [`RECORD`].
    pub record: Option<RecordPlace>,
    /// The environments, in the order of promotion; empty = any.
    pub environments: Vec<Environment>,
    /// What is said of single apps.
    pub apps: BTreeMap<AppName, App>,
    /// The analyses, by name.
    pub analyses: BTreeMap<String, AnalysisSource>,
}

/// One of `environments`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// Its own template of the overlay's folder.
    pub path: Option<String>,
    /// Its own templates of the applications.
    pub applications: Option<Vec<String>>,
    /// The name of its own format.
    pub format: Option<String>,
    /// Where images stand in its own Helm values.
    pub keys: Option<Vec<ImageKeys>>,
    /// The branch that it has for itself.
    pub branch: Option<BranchName>,
    /// Its clusters, where it has several.
    pub clusters: Vec<ClusterName>,
    /// The clusters that are synced together, one wave after the other; empty: all at once.
    pub waves: Vec<Vec<ClusterName>>,
    /// How its applications are followed.
    pub policy: Policy,
    /// Its gates.
    pub gates: gate::Settings,
    /// The exceptions that a run may ask for here.
    pub allow: Allow,
    /// How it is verified at the end of a promotion.
    pub verify: Option<Verify>,
}

/// One of `apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    /// The images that `tag`, `digest` and `from` are about.
    pub images: Vec<Repository>,
    /// The repository of its source as `owner/name`, on the GitHub of the run or of the infra-repo; `None` = that of the run.
    pub source: Option<String>,
    /// Its own template of the overlay's folder.
    pub path: Option<String>,
    /// Its own templates of the applications.
    pub applications: Option<Vec<String>>,
    /// The name of its own format.
    pub format: Option<String>,
    /// Where images stand in its own Helm values.
    pub keys: Option<Vec<ImageKeys>>,
}

impl Config {
    /// Reads the text of a promote.yaml.
    ///
    /// # Errors
    /// Every mistake, each a sentence with its line where one is known: unknown keys (with the nearest one), keys that stand twice,
    /// values of the wrong form.
    pub fn parse(text: &[u8]) -> Result<Self, Vec<String>> {
        if text.len() > MOST {
            return Err(vec![format!("{FILE} is longer than {} KiB", MOST / 1024)]);
        }
        let text = std::str::from_utf8(text).map_err(|_| vec![format!("{FILE} is not UTF-8")])?;
        // Editors on Windows begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let control = |character: char| character.is_control() && !['\t', '\n', '\r', '\u{85}'].contains(&character);
        if let Some(line) = text.lines().position(|line| line.contains(control)) {
            return Err(vec![format!(
                "{FILE}: line {} has a control character, which YAML does not allow",
                line + 1
            )]);
        }
        let root = node::read(text).map_err(|why| vec![format!("{FILE}: {why}")])?;
        let (mut config, mut mistakes) = (Self::default(), Mistakes::default());
        mistakes.mapping("", &root, &keys::root(), &mut config);
        let named = config.environments.iter().flat_map(|environment| {
            let verified = environment.verify.iter().flat_map(|verify| &verify.analyses);
            environment.gates.analysis.iter().chain(verified)
        });
        mistakes.0.extend(analyses::unknown(&config, named));
        if mistakes.0.is_empty() {
            Ok(config)
        } else {
            Err(mistakes.0)
        }
    }

    /// Returns the reference that keeps the record; `None` where promote.yaml says that there is none.
    #[must_use]
    pub fn record(config: Option<&Self>) -> Option<RefName> {
        match config.and_then(|config| config.record.as_ref()) {
            None => RefName::parse(RECORD).ok(),
            Some(RecordPlace::On(name)) => Some(name.clone()),
            Some(RecordPlace::Nowhere) => None,
        }
    }

    /// Returns what is said of an environment.
    #[must_use]
    pub fn environment(&self, name: &EnvironmentName) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == *name)
    }
}

impl keys::Places for Config {
    fn places(&mut self) -> (&mut Option<String>, &mut Option<Vec<String>>) {
        (&mut self.path, &mut self.applications)
    }

    fn formats(&mut self) -> (&mut Option<String>, &mut Option<Vec<ImageKeys>>) {
        (&mut self.format, &mut self.keys)
    }
}

impl keys::Places for Environment {
    fn places(&mut self) -> (&mut Option<String>, &mut Option<Vec<String>>) {
        (&mut self.path, &mut self.applications)
    }

    fn formats(&mut self) -> (&mut Option<String>, &mut Option<Vec<ImageKeys>>) {
        (&mut self.format, &mut self.keys)
    }
}

impl keys::Places for App {
    fn places(&mut self) -> (&mut Option<String>, &mut Option<Vec<String>>) {
        (&mut self.path, &mut self.applications)
    }

    fn formats(&mut self) -> (&mut Option<String>, &mut Option<Vec<ImageKeys>>) {
        (&mut self.format, &mut self.keys)
    }
}

fn environments(node: &Node, mistakes: &mut Mistakes) -> Vec<Environment> {
    let keys = keys::environment();
    let mut environments: Vec<Environment> = Vec::new();
    for item in mistakes.list("environments", node) {
        let named = match &item.content {
            Content::Map(entries) => entries.iter().find(|(key, ..)| key == "name"),
            _ => None,
        };
        let name = named.and_then(|(_, _, node)| {
            let name = mistakes.text("name", node)?;
            mistakes.parsed("name", node, |_| EnvironmentName::parse(&name))
        });
        if let (Some((_, line, _)), Some(name)) = (named, &name)
            && environments.iter().any(|other| other.name == *name)
        {
            mistakes.0.push(format!(
                "{FILE}: the environment {name} on line {line} is already in `environments`"
            ));
        }
        // Mistakes in an environment whose name is wrong are looked for as well.
        let Some(stand_in) = name.clone().or_else(|| EnvironmentName::parse("unnamed").ok()) else {
            continue;
        };
        let mut environment = Environment {
            name: stand_in,
            path: None,
            applications: None,
            format: None,
            keys: None,
            branch: None,
            clusters: Vec::new(),
            waves: Vec::new(),
            policy: Policy::default(),
            gates: gate::Settings::default(),
            allow: Allow::default(),
            verify: None,
        };
        mistakes.mapping("environments", item, &keys, &mut environment);
        clusters::check(item.line, &environment, mistakes);
        environments.extend(name.map(|_| environment));
    }
    gates::related(mistakes.list("environments", node), &environments, mistakes);
    environments
}

/// Reads where images stand in Helm values: one mapping, or a list of them.
fn image_keys(node: &Node, mistakes: &mut Mistakes) -> Option<Vec<ImageKeys>> {
    let items = match &node.content {
        Content::Null => return None,
        Content::Map(_) => std::slice::from_ref(node),
        _ => mistakes.list("keys", node),
    };
    let mut all = Vec::new();
    for item in items {
        let mut keys = ImageKeys::default();
        mistakes.mapping("keys", item, &keys::image(), &mut keys);
        match values::check(&keys) {
            Ok(()) => all.push(keys),
            Err(why) => mistakes.0.push(format!("{FILE}: `keys` on line {} {why}", item.line)),
        }
    }
    Some(all)
}

fn apps(node: &Node, mistakes: &mut Mistakes) -> BTreeMap<AppName, App> {
    let keys = keys::app();
    let mut apps = BTreeMap::new();
    for (name, line, node) in mistakes.entries("apps", node) {
        let mut app = App::default();
        mistakes.mapping("apps", node, &keys, &mut app);
        match AppName::parse(name) {
            Ok(name) => drop(apps.insert(name, app)),
            Err(why) => mistakes
                .0
                .push(format!("{FILE}: the app name {name:?} on line {line} {why}")),
        }
    }
    apps
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{OnPause, OnSuperseded, SyncMode};
    use super::*;

    fn mistakes(text: &str) -> String {
        Config::parse(text.as_bytes()).unwrap_err().join("\n")
    }

    #[test]
    fn everything_that_is_declared_is_read() {
        let config = Config::parse(
            b"version: 1\nlayout:\n  path: k8s/{environment}/{app}\n  application: [\"{app}-{environment}\"]\nmessage: \"deploy {app}\"\n\
              environments:\n- name: dev\n- name: production\n  sync: trigger\n  timeout: 1h\n  pause-timeout: 2h\n  settle: 30s\n  on-pause: fail\n  on-superseded: succeed\n  allow: [mutable-tag]\n  path: prod/{app}\n  application: prod-{app}\n\
              apps:\n  api: {images: [myorg/api]}\n  web:\n",
        )
        .unwrap();
        assert_eq!(config.path.as_deref(), Some("k8s/{environment}/{app}"));
        let production = config
            .environment(&EnvironmentName::parse("production").unwrap())
            .unwrap();
        assert_eq!(production.policy.sync, Some(SyncMode::Trigger));
        assert_eq!(production.policy.timeout, Some(Duration::from_secs(3600)));
        assert_eq!(production.policy.on_pause, Some(OnPause::Fail));
        assert_eq!(production.policy.on_superseded, Some(OnSuperseded::Succeed));
        assert!(production.allow.mutable_tag && !production.allow.new_entry);
        assert_eq!(production.applications.as_deref(), Some(&["prod-{app}".to_owned()][..]));
        assert_eq!(config.apps.len(), 2);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
        let said = mistakes("version: 1\nlayout:\n  paht: x\n");
        assert!(
            said.contains("line 3") && said.contains("`paht`") && said.contains("`path`"),
            "{said}"
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_named_with_both_lines() {
        let said = mistakes("version: 1\napps:\n  api: {images: [a/b]}\n  web: {}\n  api: {images: [c/d]}\n");
        assert!(
            said.contains("`api`") && said.contains("line 5") && said.contains("line 3"),
            "{said}"
        );
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let said = mistakes("version: 2\nenvironments:\n- name: dev\n  sync: sometimes\n  timeout: soon\n- name: -x\n");
        for part in [
            "`version` \"2\" (promote.yaml, line 1)",
            "`sync`",
            "`timeout` \"soon\" (promote.yaml, line 5)",
            "\"-x\"",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }

    #[test]
    fn a_file_that_is_no_mapping_is_an_error() {
        assert!(Config::parse(b"- a\n").is_err());
        assert!(Config::parse(b"").is_err());
        assert!(Config::parse(b"version: [\n").is_err());
        assert!(Config::parse(b"\xff").is_err());
        // A byte order mark is no part of the first key.
        assert!(Config::parse("\u{feff}version: 1\r\nenvironments:\r\n- name: dev\r\n".as_bytes()).is_ok());
    }

    #[test]
    fn aliases_are_read_while_they_stand_for_what_people_write() {
        let config = Config::parse(
            b"version: 1\nenvironments:\n- {name: dev, application: &both [\"{app}-{environment}\", \"{app}-x\"]}\n- {name: qa, application: *both}\n",
        )
        .unwrap();
        assert_eq!(config.environments[1].applications.as_ref().map(Vec::len), Some(2));
        assert!(
            mistakes("version: 1\napps: &a {api: *a}\n")
                .contains("line 2: the aliases expand to too much text, or to themselves")
        );
        for (depth, words) in [(40, "line 2: it is nested too deeply"), (100_000, "promote.yaml: ")] {
            let said = mistakes(&format!("version: 1\nmessage: {}", "[".repeat(depth)));
            assert!(said.contains(words), "{said}");
        }
        let said = mistakes("version: 1\nmessage: \"{app} {nope}\"\n");
        assert!(said.contains("line 2") && said.contains("has {nope}"), "{said}");
        let said = mistakes("version: 1\nenvironments:\n- name: dev\n  windows: {allow: []}\n");
        assert!(said.contains("`allow`") && said.contains("is empty"), "{said}");
        let wide = "x, ".repeat(500);
        let text = format!("version: 1\nmessage: &a [{wide}]\nlayout: [{}]\n", "*a, ".repeat(500));
        assert!(
            mistakes(&text).contains("line 3: the aliases expand"),
            "{}",
            mistakes(&text)
        );
    }

    #[test]
    fn the_record_has_a_place_unless_the_file_says_that_there_is_none() {
        let record = |text: &str| {
            let config = Config::parse(format!("version: 1\n{text}\n").as_bytes()).unwrap();
            Config::record(Some(&config)).map(|name| name.to_string())
        };
        assert_eq!(
            Config::record(None).map(|name| name.to_string()).as_deref(),
            Some(RECORD)
        );
        assert_eq!(record("").as_deref(), Some(RECORD));
        assert_eq!(
            record("record: refs/heads/history").as_deref(),
            Some("refs/heads/history")
        );
        assert_eq!(record("record: none"), None);
        for taken in [
            "refs/tags/v1",
            "refs/pull/1/head",
            "refs/merge-requests/1/head",
            "refs/changes/01/1/1",
        ] {
            let found = mistakes(&format!("version: 1\nrecord: {taken}\n"));
            assert!(
                found.contains("must not be in refs/") && found.contains(RECORD),
                "{found}"
            );
        }
        assert!(mistakes("version: 1\nrecord: history\n").contains("`record` \"history\" (promote.yaml, line 2)"));
    }

    #[test]
    fn every_key_of_the_reference_is_one_that_the_reader_takes() {
        let rows = reference();
        assert!(
            rows.iter().any(|(path, _)| path == "environments[].pause-timeout"),
            "{rows:?}"
        );
        assert!(rows.iter().any(|(path, _)| path == "apps.NAME.images"), "{rows:?}");
    }
}
