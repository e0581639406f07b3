//! `promote.yaml`, the infra-repo's own say: layout, environments in order, apps, policies. Text in, configuration or mistakes out.
//! Read at the tip that is committed to; never holds addresses, secrets or exceptions for a run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::model::{AppName, EnvironmentName, Repository};

use super::{Allow, OnPause, OnSuperseded, Policy, SyncMode};

mod keys;
mod schema;

pub use schema::{reference, schema};

/// The name of the file, at the root of the infra-repo.
pub const FILE: &str = "promote.yaml";

/// The longest file that is read, in bytes: thousands of apps fit.
const MOST: usize = 256 * 1024;
/// The longest time that can be said, as for the inputs: far beyond every job's end.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// The configuration, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Template of the overlay's folder.
    pub path: Option<String>,
    /// Templates of the applications.
    pub applications: Option<Vec<String>>,
    /// Template of the commit's subject.
    pub message: Option<String>,
    /// The environments, in the order of promotion; empty = any.
    pub environments: Vec<Environment>,
    /// What is said of single apps.
    pub apps: BTreeMap<AppName, App>,
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
    /// How its applications are followed.
    pub policy: Policy,
    /// The exceptions that a run may ask for here.
    pub allow: Allow,
}

/// One of `apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    /// The images that `tag`, `digest` and `from` are about.
    pub images: Vec<Repository>,
    /// Its own template of the overlay's folder.
    pub path: Option<String>,
    /// Its own templates of the applications.
    pub applications: Option<Vec<String>>,
}

/// The file as it is written.
#[derive(Deserialize)]
struct Written {
    version: u64,
    #[serde(default)]
    layout: Option<WrittenLayout>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    environments: Option<Vec<WrittenEnvironment>>,
    #[serde(default)]
    apps: Option<BTreeMap<String, Option<WrittenApp>>>,
}

#[derive(Deserialize)]
struct WrittenLayout {
    path: Option<String>,
    application: Option<OneOrMore>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WrittenEnvironment {
    name: String,
    path: Option<String>,
    application: Option<OneOrMore>,
    sync: Option<String>,
    timeout: Option<String>,
    pause_timeout: Option<String>,
    settle: Option<String>,
    on_pause: Option<String>,
    on_superseded: Option<String>,
    #[serde(default)]
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct WrittenApp {
    #[serde(default)]
    images: Vec<String>,
    path: Option<String>,
    application: Option<OneOrMore>,
}

/// A template, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl From<OneOrMore> for Vec<String> {
    fn from(written: OneOrMore) -> Self {
        match written {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
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
        let mut mistakes = keys::check(text).map_err(|bomb| vec![bomb])?;
        let written: Written = match serde_yaml::from_str(text) {
            Ok(written) => written,
            Err(error) => {
                // The list of keys explains a broken document better, where it found something.
                if mistakes.is_empty() {
                    mistakes.push(format!("{FILE}: {error}"));
                }
                return Err(mistakes);
            }
        };
        let mut say = |what: String| mistakes.push(format!("{FILE}: {what}"));
        if written.version != 1 {
            say(format!(
                "version is {}: this version of promote-action reads version 1",
                written.version
            ));
        }
        let layout = written.layout.unwrap_or(WrittenLayout {
            path: None,
            application: None,
        });
        let config = Self {
            path: layout.path,
            applications: layout.application.map(Into::into),
            message: written.message,
            environments: environments(written.environments.unwrap_or_default(), &mut say),
            apps: apps(written.apps.unwrap_or_default(), &mut say),
        };
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }

    /// Returns what is said of an environment.
    #[must_use]
    pub fn environment(&self, name: &EnvironmentName) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == *name)
    }
}

fn environments(written: Vec<WrittenEnvironment>, say: &mut impl FnMut(String)) -> Vec<Environment> {
    let mut environments: Vec<Environment> = Vec::new();
    for environment in written {
        let name = match EnvironmentName::parse(&environment.name) {
            Ok(name) => name,
            Err(why) => {
                say(format!("the environment name {:?} {why}", environment.name));
                continue;
            }
        };
        if environments.iter().any(|other| other.name == name) {
            say(format!("the environment {name} stands twice in `environments`"));
        }
        let policy = policy(&environment, &mut |key, why| {
            say(format!("`{key}` of the environment {name} {why}"));
        });
        let mut allow = Allow::default();
        for word in &environment.allow {
            if let Err(why) = allow.add(word) {
                say(format!("`allow` of the environment {name} {why}"));
            }
        }
        environments.push(Environment {
            name,
            path: environment.path,
            applications: environment.application.map(Into::into),
            policy,
            allow,
        });
    }
    environments
}

fn policy(environment: &WrittenEnvironment, say: &mut impl FnMut(&str, String)) -> Policy {
    let mut duration = |key: &str, text: &Option<String>| -> Option<Duration> {
        let text = text.as_deref()?;
        let read = humantime::parse_duration(text).ok().filter(|time| *time <= LONGEST);
        if read.is_none() {
            say(
                key,
                format!("is {text:?}: it must be a duration such as 90s, 10m or 1h30m, and at most a year"),
            );
        }
        read
    };
    let timeout = duration("timeout", &environment.timeout);
    let pause_timeout = duration("pause-timeout", &environment.pause_timeout);
    let settle = duration("settle", &environment.settle);
    let mut word = |key: &str, text: &Option<String>, words: &[&str]| -> Option<String> {
        let text = text.as_deref()?;
        if words.contains(&text) {
            return Some(text.to_owned());
        }
        say(key, format!("is {text:?}: it must be one of {}", words.join(", ")));
        None
    };
    let sync = word("sync", &environment.sync, &SyncMode::WORDS);
    let on_pause = word("on-pause", &environment.on_pause, &OnPause::WORDS);
    let on_superseded = word("on-superseded", &environment.on_superseded, &OnSuperseded::WORDS);
    Policy {
        sync: sync.as_deref().and_then(SyncMode::parse),
        timeout,
        pause_timeout,
        settle,
        on_pause: on_pause.as_deref().and_then(OnPause::parse),
        on_superseded: on_superseded.as_deref().and_then(OnSuperseded::parse),
    }
}

fn apps(written: BTreeMap<String, Option<WrittenApp>>, say: &mut impl FnMut(String)) -> BTreeMap<AppName, App> {
    let mut apps = BTreeMap::new();
    for (name, app) in written {
        let name = match AppName::parse(&name) {
            Ok(name) => name,
            Err(why) => {
                say(format!("the app name {name:?} {why}"));
                continue;
            }
        };
        let Some(app) = app else {
            apps.insert(name, App::default());
            continue;
        };
        let mut images = Vec::new();
        for image in &app.images {
            match Repository::parse(image) {
                Ok(image) => images.push(image),
                Err(why) => say(format!(
                    "the image {image:?} of the app {name} {why} (without tag or digest)"
                )),
            }
        }
        apps.insert(
            name,
            App {
                images,
                path: app.path,
                applications: app.application.map(Into::into),
            },
        );
    }
    apps
}

#[cfg(test)]
mod tests {
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
        for part in ["version is 2", "`sync`", "`timeout`", "\"-x\""] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }

    #[test]
    fn a_file_that_is_no_mapping_is_an_error() {
        assert!(Config::parse(b"- a\n").is_err());
        assert!(Config::parse(b"").is_err());
        assert!(Config::parse(b"version: [\n").is_err());
        assert!(Config::parse(b"\xff").is_err());
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
                .contains("line 2: aliases stand for too much, or for themselves")
        );
        for (depth, words) in [(40, "line 2: it is nested too deeply"), (100_000, "promote.yaml: ")] {
            let said = mistakes(&format!("version: 1\nmessage: {}", "[".repeat(depth)));
            assert!(said.contains(words), "{said}");
        }
        let wide = "x, ".repeat(500);
        let text = format!("version: 1\nmessage: &a [{wide}]\nlayout: [{}]\n", "*a, ".repeat(500));
        assert!(
            mistakes(&text).contains("line 3: aliases stand for"),
            "{}",
            mistakes(&text)
        );
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
