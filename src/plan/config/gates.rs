//! The keys of an environment that are gates. They come from promote.yaml alone: no input removes or weakens one.

use super::analyses::names;
use super::keys::{Key, Shape, Value, infos, key, leaf};
use super::node::{Content, Node};
use super::reader::Mistakes;
use super::{Environment, FILE};
use crate::assess::gate::windows::{Window, Windows, Zone};
use crate::assess::gate::{Image, Settings};
use crate::inputs::value;
use crate::model::{EnvironmentName, nearest};

/// Every gate's key.
#[expect(clippy::too_many_lines, reason = "a table: one row for each key")]
pub(super) fn gates() -> Vec<Key<Environment>> {
    vec![
        leaf(
            "after",
            Value::OneOrMore,
            "gate: the environments that must pin exactly these images, with the images known good in the record, and live and healthy now",
            |environment: &mut Environment, node, mistakes| {
                not_empty("after", node, mistakes, "an environment");
                for name in mistakes.one_or_more("after", node).unwrap_or_default() {
                    match EnvironmentName::parse(&name) {
                        Ok(name) if environment.gates.after.contains(&name) => {}
                        Ok(name) => environment.gates.after.push(name),
                        Err(why) => mistakes.wrong("after", node, &name, &why),
                    }
                }
            },
        ),
        leaf(
            "soak",
            Value::Duration,
            "gate: for how long the images must have been live in the environments of `after`, by the record, without another version or a failure in between",
            |environment: &mut Environment, node, mistakes| {
                environment.gates.soak = mistakes.parsed("soak", node, value::some_time);
            },
        ),
        flag(
            "verified",
            "gate: whether the newest line of the record in the environments of `after` must be `verified`",
            |environment: &mut Environment| &mut environment.gates.verified,
        ),
        section(
            "windows",
            windows,
            "gate: when a promotion can land here, in local time. No entry of `deny` holds, and if there are entries in `allow`, one of them does",
            |gates| &mut gates.windows,
        ),
        section(
            "image",
            image,
            "gate: what the registry must say of each promoted image",
            |gates| &mut gates.image,
        ),
        flag(
            "newer",
            "gate: whether the source commit of the new image must descend from that of the pinned one. The commit is the tag, or the label \
             `org.opencontainers.image.revision`; the repository is `source` of the app, or that of the run",
            |environment: &mut Environment| &mut environment.gates.newer,
        ),
        leaf(
            "analysis",
            Value::OneOrMore,
            "gate: names of `analyses` that must be successful, each measured once when the promotion is judged",
            |environment: &mut Environment, node, mistakes| {
                not_empty("analysis", node, mistakes, "one of `analyses`");
                environment.gates.analysis = names("analysis", node, mistakes);
            },
        ),
        leaf(
            "approvals",
            Value::Number,
            "gate: how many people must approve, none of whom triggered the run: in the GitHub environment of the job, or by a review of the \
             pull request. No exception skips it",
            |environment: &mut Environment, node, mistakes| {
                environment.gates.approvals = mistakes.parsed("approvals", node, people);
            },
        ),
        leaf(
            "github-environment",
            Value::Text,
            "the GitHub environment whose approvals count for `approvals`; default: the one of the same name",
            |environment: &mut Environment, node, mistakes| {
                environment.gates.github_environment =
                    mistakes.parsed("github-environment", node, value::github_environment);
            },
        ),
        leaf(
            "sync-window",
            Value::Bool,
            "gate: whether Argo CD's own sync windows must permit a sync now; default: `true` with `argocd-server`",
            |environment: &mut Environment, node, mistakes| {
                environment.gates.sync_window = mistakes.parsed("sync-window", node, value::boolean);
            },
        ),
    ]
}

/// A key that is `true` or `false`; left out, it is `false`.
fn flag<T: 'static>(name: &'static str, help: &str, field: fn(&mut T) -> &mut bool) -> Key<T> {
    leaf(name, Value::Bool, help, move |read: &mut T, node, mistakes| {
        *field(read) = mistakes.parsed(name, node, value::boolean).unwrap_or_default();
    })
}

/// A gate with keys of its own; without a value, it is not there.
fn section<T: Default + 'static>(
    name: &'static str,
    keys: fn() -> Vec<Key<T>>,
    help: &str,
    field: fn(&mut Settings) -> &mut Option<T>,
) -> Key<Environment> {
    let shape = Shape::Keys(infos(keys()));
    key(
        name,
        shape,
        help,
        move |environment: &mut Environment, node, mistakes| {
            if !matches!(node.content, Content::Null) {
                let mut read = T::default();
                mistakes.mapping(name, node, &keys(), &mut read);
                if matches!(&node.content, Content::Map(entries) if entries.is_empty()) {
                    mistakes.wrong(name, node, "{}", "is empty: say what it asks for, or remove the key");
                }
                *field(&mut environment.gates) = Some(read);
            }
        },
    )
}

/// Refuses a list without entries: it would be no gate, and look like one.
pub(super) fn not_empty(name: &str, node: &Node, mistakes: &mut Mistakes, what: &str) {
    if matches!(&node.content, Content::List(items) if items.is_empty()) {
        mistakes.wrong(name, node, "[]", &format!("is empty: list {what}, or remove the key"));
    }
}

/// The architectures that images are built for, as registries name them.
const ARCHITECTURES: [&str; 14] = [
    "386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle", "ppc64", "ppc64le", "riscv64",
    "s390x", "wasm",
];
/// The systems.
const SYSTEMS: [&str; 5] = ["linux", "windows", "darwin", "freebsd", "wasip1"];

/// Checks a platform: `SYSTEM/ARCHITECTURE`, and a variant if it has one.
fn platform_of(text: &str) -> Result<(), String> {
    let mut parts = text.split('/');
    let (Some(system), Some(architecture)) = (parts.next(), parts.next()) else {
        let near = nearest(text, ARCHITECTURES).map(|near| format!("; did you mean `linux/{near}`?"));
        let near = near.unwrap_or_default();
        return Err(format!("is not a platform such as `linux/amd64`{near}"));
    };
    let known = |what: &str, word: &str, all: &[&'static str]| {
        if all.contains(&word) {
            return Ok(());
        }
        let near = nearest(word, all.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        let near = near.unwrap_or_default();
        Err(format!("has the {what} {word:?}, for which no image is built{near}"))
    };
    known("system", system, &SYSTEMS)?;
    known("architecture", architecture, &ARCHITECTURES)?;
    if parts.nth(1).is_some() {
        return Err("is not a platform such as `linux/amd64` or `linux/arm/v7`".to_owned());
    }
    Ok(())
}

/// Reads how many people must approve.
fn people(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=20) => Ok(count),
        _ => Err("is not a number of people from 1 to 20".to_owned()),
    }
}

/// Looks for what no single key can know: environments in `after` that do not exist, and gates that need `after`.
pub(super) fn related(items: &[Node], environments: &[Environment], mistakes: &mut Mistakes) {
    let names: Vec<&str> = environments
        .iter()
        .map(|environment| environment.name.as_str())
        .collect();
    for item in items {
        let Content::Map(entries) = &item.content else { continue };
        let entry = |name: &str| entries.iter().find(|(key, ..)| key == name).map(|(.., node)| node);
        let word = |node: &Node| match &node.content {
            Content::Text(text) => Some((node.line, text.clone())),
            _ => None,
        };
        let own = entry("name").and_then(word).map(|(_, name)| name);
        let after: Vec<(usize, String)> = match entry("after").map(|node| (node, &node.content)) {
            Some((_, Content::List(items))) => items.iter().filter_map(word).collect(),
            Some((node, _)) => word(node).into_iter().collect(),
            None => Vec::new(),
        };
        for (line, name) in &after {
            if own.as_ref() == Some(name) {
                mistakes.0.push(format!(
                    "{FILE}: `after` on line {line} names its own environment {name}"
                ));
            } else if !names.contains(&name.as_str()) {
                let near = nearest(name, names.iter().copied());
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                mistakes.0.push(format!(
                    "{FILE}: `after` on line {line} names {name}, which is not in `environments`{near}"
                ));
            }
        }
        let image = entry("image").and_then(|node| match &node.content {
            Content::Map(entries) => entries.iter().find(|(key, ..)| key == "same-as-after"),
            _ => None,
        });
        let image = image.map(|(.., node)| ("same-as-after", node));
        let gates = ["soak", "verified"].map(|gate| Some((gate, entry(gate)?)));
        for (gate, node) in gates.into_iter().flatten().chain(image) {
            let off = match &node.content {
                Content::Other(text) => text.eq_ignore_ascii_case("false"),
                content => matches!(content, Content::Null),
            };
            if after.is_empty() && !off {
                let line = node.line;
                mistakes.0.push(format!(
                    "{FILE}: `{gate}` on line {line} needs `after`, which names the environments that it is about"
                ));
            }
        }
    }
}

/// The keys of `image`.
fn image() -> Vec<Key<Image>> {
    vec![
        flag(
            "exists",
            "whether the image must be in the registry; the other keys imply it",
            |image: &mut Image| &mut image.exists,
        ),
        leaf(
            "platforms",
            Value::OneOrMore,
            "platforms that the image must be built for, such as `linux/amd64`",
            |image: &mut Image, node, mistakes| {
                not_empty("platforms", node, mistakes, "a platform such as `linux/amd64`");
                image.platforms = mistakes.one_or_more("platforms", node).unwrap_or_default();
                for platform in &image.platforms {
                    if let Err(why) = platform_of(platform) {
                        mistakes.wrong("platforms", node, platform, &why);
                    }
                }
            },
        ),
        leaf(
            "digest",
            Value::Choice(&["required"]),
            "`required`: promote writes a digest; it asks the registry for the digest of a tag that comes without one",
            |image: &mut Image, node, mistakes| {
                let read = |text: &str| value::choice(text, &[("required", true)]);
                image.digest = mistakes.parsed("digest", node, read).unwrap_or_default();
            },
        ),
        flag(
            "same-as-after",
            "whether the image must have the digest that the environments of `after` have",
            |image: &mut Image| &mut image.same_as_after,
        ),
    ]
}

/// The keys of `windows`.
fn windows() -> Vec<Key<Windows>> {
    fn list(name: &'static str, help: &str, field: fn(&mut Windows) -> &mut Vec<Window>) -> Key<Windows> {
        let shape = Shape::List(Box::new(Shape::Keys(infos(window()))));
        key(name, shape, help, move |windows: &mut Windows, node, mistakes| {
            *field(windows) = entries(name, node, mistakes);
            not_empty(name, node, mistakes, "a window");
        })
    }
    vec![
        leaf(
            "timezone",
            Value::Text,
            "the IANA time zone of all times, such as `Europe/Berlin`; default: `UTC`",
            |windows: &mut Windows, node, mistakes| {
                windows.zone = mistakes.parsed("timezone", node, Zone::parse).unwrap_or_default();
            },
        ),
        list("allow", "the windows in which a promotion can land", |windows| {
            &mut windows.allow
        }),
        list("deny", "the windows in which no promotion lands", |windows| {
            &mut windows.deny
        }),
    ]
}

/// What one entry of `allow` or `deny` says.
#[derive(Default)]
struct Written {
    days: Vec<String>,
    from: Option<String>,
    to: Option<String>,
    reason: Option<String>,
}

/// The keys of one entry of `allow` or `deny`.
fn window() -> Vec<Key<Written>> {
    vec![
        leaf(
            "days",
            Value::OneOrMore,
            "days of the week, such as `Mon-Fri` or `Mon,Wed`; default: every day",
            |written: &mut Written, node, mistakes| {
                written.days = mistakes.one_or_more("days", node).unwrap_or_default();
            },
        ),
        leaf(
            "from",
            Value::Text,
            "when it begins: `09:00` on each of the days, or a date such as `2026-12-20`; default: `00:00`",
            |written: &mut Written, node, mistakes| written.from = mistakes.text("from", node),
        ),
        leaf(
            "to",
            Value::Text,
            "when it ends: `17:00` (on the next day if that is not after `from`), `24:00`, or the last date, which belongs to it; default: `24:00`",
            |written: &mut Written, node, mistakes| written.to = mistakes.text("to", node),
        ),
        leaf(
            "reason",
            Value::Text,
            "why, for whoever meets the closed gate; required with dates",
            |written: &mut Written, node, mistakes| written.reason = mistakes.text("reason", node),
        ),
    ]
}

fn entries(name: &'static str, node: &Node, mistakes: &mut Mistakes) -> Vec<Window> {
    let items = match &node.content {
        Content::Map(_) => std::slice::from_ref(node),
        _ => mistakes.list(name, node),
    };
    let mut all = Vec::new();
    for item in items {
        let mut written = Written::default();
        let before = mistakes.0.len();
        mistakes.mapping(name, item, &window(), &mut written);
        let Written { days, from, to, reason } = written;
        match Window::parse(&days, from.as_deref(), to.as_deref(), reason) {
            Ok(window) => all.push(window),
            // What is not known is no second mistake.
            Err(_) if mistakes.0.len() > before => {}
            Err(why) => {
                let line = item.line;
                mistakes
                    .0
                    .push(format!("{FILE}: the window of `{name}` on line {line} {why}"));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn mistakes(gates: &str) -> String {
        let text = format!("version: 1\nenvironments:\n- name: production\n{gates}");
        Config::parse(text.as_bytes()).unwrap_err().join("\n")
    }

    #[test]
    fn what_would_be_no_gate_and_looks_like_one_is_a_mistake() {
        for (gates, words) in [
            ("  after: []\n", "list an environment"),
            ("  analysis: []\n", "list one of `analyses`"),
            (
                "  analysis: [sucess-rate]\nanalyses: {success-rate: {template: a.yaml}}\n",
                "on line 4 is not in `analyses`; did you mean `success-rate`?",
            ),
            ("  image: {}\n", "is empty"),
            ("  image: {platforms: []}\n", "list a platform"),
            ("  image: {platforms: [amd64]}\n", "did you mean `linux/amd64`?"),
            ("  image: {platforms: [linux/amd46]}\n", "did you mean `amd64`?"),
            (
                "  image: {platforms: [linux/arm/v7, linx/amd64]}\n",
                "did you mean `linux`?",
            ),
            ("  verify: {}\n", "needs `analysis` or `for`"),
            ("  verify: {analysis: []}\n", "list one of `analyses`"),
        ] {
            let mistakes = mistakes(gates);
            assert!(mistakes.contains(words), "{gates}: {mistakes}");
            assert_eq!(mistakes.lines().count(), 1, "{mistakes}");
        }
    }

    #[test]
    fn windows_are_read_as_people_write_them() {
        let text = b"version: 1\nenvironments:\n- name: production\n  windows:\n    timezone: Europe/Berlin\n    \
            allow: [{days: Mon-Thu, from: \"09:00\", to: 17:00}]\n    deny:\n    - {from: 2026-12-20, to: 2027-01-03, reason: end of the year}\n    \
            - {days: [Fri, Sat]}\n";
        let config = Config::parse(text).unwrap();
        let windows = config.environments[0].gates.windows.clone().unwrap();
        let shown: Vec<String> = (windows.allow.iter().chain(&windows.deny))
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            shown,
            [
                "Mon-Thu 09:00-17:00",
                "2026-12-20 to 2027-01-03 (end of the year)",
                "Fri-Sat"
            ]
        );
    }

    #[test]
    fn a_mistake_in_a_gate_has_its_line_and_the_nearest_name() {
        for (gates, parts) in [
            (
                "  after: [stagin]\n- name: staging\n",
                &["`after` on line 4", "did you mean `staging`?"][..],
            ),
            ("  after: production\n", &["line 4", "its own environment"]),
            ("  soak: 30m\n", &["`soak` on line 4 needs `after`"]),
            (
                "  soak: soon\n  after: [staging]\n- name: staging\n",
                &["`soak` \"soon\" (promote.yaml, line 4)"],
            ),
            ("  verified: true\n", &["`verified` on line 4 needs `after`"]),
            (
                "  image:\n    same-as-after: true\n",
                &["`same-as-after` on line 5 needs `after`"],
            ),
            ("  windws: {}\n", &["`windws` on line 4", "`windows`"][..]),
            (
                "  windows: {timezone: Europe/Berln}\n",
                &["line 4", "did you mean `Europe/Berlin`?"],
            ),
            ("  windows:\n    alow: []\n", &["`alow` on line 5", "`allow`"]),
            (
                "  windows:\n    allow:\n    - {days: Mon-Fry}\n",
                &["`allow` on line 6", "did you mean `Fri`?"],
            ),
            (
                "  windows:\n    deny:\n    - {from: 2026-12-20, to: 2026-12-21}\n",
                &["`deny` on line 6", "needs a `reason`"],
            ),
            (
                "  windows:\n    deny:\n    - {form: \"10:00\"}\n",
                &["`form` on line 6", "`from`"],
            ),
            (
                "  sync-window: maybe\n",
                &["`sync-window` \"maybe\" (promote.yaml, line 4)"],
            ),
            (
                "  windows: [Mon]\n",
                &["`windows` (promote.yaml, line 4) must be a mapping"],
            ),
        ] {
            let said = mistakes(gates);
            for part in parts {
                assert!(said.contains(part), "{part} in {said}");
            }
        }
    }
}
