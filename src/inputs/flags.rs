//! The flags of a run that say where everything is and how it is treated: what a command needs as well that the report advises.

use super::{InputKind, InputSpec, Reader};
use crate::model::{Command, Part};

/// The flags of a run, secrets aside. They complete commands that stand in a text.
#[derive(Clone, Debug, Default)]
pub struct Flags(Vec<(&'static InputSpec, String)>);

/// What belongs to one run alone, or to a secret: another command has its own.
const OWN: [&str; 9] = [
    "app",
    "environment",
    "dry-run",
    "gate-wait",
    "argocd-auth",
    "argocd-oidc-client-id",
    "argocd-oidc-connector",
    "github-app-client-id",
    "github-token",
];

impl Flags {
    /// Takes those of `specs` that were given and that another command can take over.
    pub fn of(reader: &Reader<'_>, specs: impl Iterator<Item = &'static InputSpec>) -> Self {
        let kept = specs.filter(|spec| is_kept(spec)).filter_map(|spec| {
            let text = &reader.given(spec)?.text;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let joined = lines.collect::<Vec<_>>().join(",");
            let is_list = matches!(spec.kind, InputKind::List | InputKind::Choices(_) | InputKind::Address);
            let is_one_line = !text.contains('\n') || is_list;
            is_one_line.then_some((spec, joined))
        });
        Self(kept.collect())
    }

    /// Replaces the value of one that was given, by what it came to.
    #[must_use]
    pub fn with(mut self, spec: &InputSpec, value: Option<String>) -> Self {
        let given = self.0.iter_mut().find(|(other, _)| other.name == spec.name);
        if let (Some((_, text)), Some(value)) = (given, value) {
            *text = value;
        }
        self
    }

    /// Returns the text with its commands complete: each `promote COMMAND --app …` in backquotes gets the flags of the run that the command
    /// takes and that it does not have yet.
    #[must_use]
    pub fn completed(&self, text: &str) -> String {
        let mut out = String::new();
        for (at, part) in text.split('`').enumerate() {
            if at > 0 {
                out.push('`');
            }
            out.push_str(part);
            // Every second part stands between two backquotes.
            if at % 2 == 1 {
                out.push_str(&self.lacking(part).unwrap_or_default());
            }
        }
        out
    }

    /// Returns what a command lacks; `None` for what is no command about apps.
    fn lacking(&self, line: &str) -> Option<String> {
        let mut words = line.split_whitespace();
        let command = Command::parse(words.next().filter(|word| *word == "promote").and(words.next())?)?;
        let has: Vec<&str> = words.filter_map(|word| word.strip_prefix("--")).collect();
        has.contains(&"app").then_some(())?;
        let lacks = self
            .0
            .iter()
            .filter(|(spec, _)| spec.is_taken_by(command) && !has.contains(&spec.name));
        let words = lacks.map(|(spec, value)| format!("--{} {}", spec.name, for_shell(value)));
        Some(words.fold(String::new(), |all, word| all + " " + &word))
    }
}

/// Returns the flags that name apps and environments.
#[must_use]
pub fn about<A: ToString, E: ToString>(apps: &[A], environments: &[E]) -> String {
    format!("--app {} --environment {}", joined(apps), joined(environments))
}

fn joined<T: ToString>(names: &[T]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Whether an input says where something is, or how a commit lands and is followed.
fn is_kept(spec: &InputSpec) -> bool {
    let about = matches!(
        spec.part,
        Part::Select | Part::Repository | Part::Delivery | Part::Land | Part::Wait | Part::Sync | Part::Follow
    );
    about && !spec.is_secret() && !OWN.contains(&spec.name)
}

/// Quotes a word for a shell, if it needs that.
#[must_use]
pub fn for_shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,=+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Inputs;
    use super::*;

    static SPECS: [InputSpec; 5] = [
        InputSpec {
            name: "path",
            ..InputSpec::PLAIN
        },
        InputSpec {
            name: "token",
            kind: InputKind::Secret,
            part: Part::Repository,
            ..InputSpec::PLAIN
        },
        InputSpec {
            name: "via",
            part: Part::Land,
            ..InputSpec::PLAIN
        },
        InputSpec {
            name: "argocd-server",
            kind: InputKind::Address,
            part: Part::Delivery,
            ..InputSpec::PLAIN
        },
        InputSpec {
            name: "tag",
            part: Part::Image,
            ..InputSpec::PLAIN
        },
    ];

    fn flags() -> Flags {
        let mut inputs = Inputs::default();
        let values = [
            "deploy/{app} 2",
            "s3cret",
            "pull-request",
            "dev=https://a.example\nlive=https://b.example",
            "v1",
        ];
        for (spec, text) in SPECS.iter().zip(values) {
            inputs.take(spec, text, String::new());
        }
        Flags::of(&Reader::new(&inputs), SPECS.iter())
    }

    #[test]
    fn a_command_gets_the_flags_that_it_takes() {
        let server = "--argocd-server dev=https://a.example,live=https://b.example";
        assert_eq!(
            flags().completed("go back: `promote rollback --app api`, or see `promote wait --app api --path x`"),
            format!(
                "go back: `promote rollback --app api --path 'deploy/{{app}} 2' --via pull-request {server}`, \
                 or see `promote wait --app api --path x {server}`"
            )
        );
        for text in [
            "use `promote release`",
            "`kubectl get pods --app api`",
            "set `to`",
            "no command --app",
            "`promote fly --app api`",
        ] {
            assert_eq!(flags().completed(text), text);
        }
        let moved = flags().with(&SPECS[0], Some("base".to_owned()));
        assert_eq!(
            moved.completed("`promote history --app api`"),
            "`promote history --app api --path base`"
        );
    }
}
