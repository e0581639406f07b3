//! The keys of promote.yaml: held against the text (unknown keys and keys that stand twice, each with its line), and the source of the
//! reference page and of the schema for editors.
//!
//! The typed reader cannot say this: it takes the last of two equal map keys in silence, and knows no nearest name.

use std::collections::BTreeMap;

use yaml_rust2::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::Marker;

use crate::model::nearest;

use super::FILE;
use crate::plan::{Allow, OnPause, OnSuperseded, SyncMode};

/// A key that promote.yaml knows.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it says, for the reference page.
    pub(super) help: &'static str,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// What may stand at a place.
pub(super) enum Shape {
    /// A scalar, or a list of scalars.
    Leaf(Value),
    /// A mapping of these keys.
    Keys(&'static [Key]),
    /// A mapping of any keys, each with such a value.
    Each(&'static Shape),
    /// A list of such values.
    List(&'static Shape),
}

/// What a scalar says.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// The version of the file.
    Version,
    /// Any text.
    Text,
    /// A name as an app or an environment has.
    Name,
    /// A text, or a list of them.
    OneOrMore,
    /// A list of texts.
    Texts,
    /// A duration such as `10m`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of these words.
    Choices(&'static [&'static str]),
}

const fn leaf(name: &'static str, value: Value, help: &'static str) -> Key {
    Key {
        name,
        help,
        required: false,
        shape: Shape::Leaf(value),
    }
}

impl Key {
    const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

const PATH: Key = leaf(
    "path",
    Value::Text,
    "template with `{app}` and `{environment}`: the folder with the kustomization",
);
const APPLICATION: Key = leaf(
    "application",
    Value::OneOrMore,
    "one or more templates `[namespace/]name` of Argo CD applications, or `by-source`",
);

const LAYOUT: &[Key] = &[PATH, APPLICATION];
const ENVIRONMENT: &[Key] = &[
    leaf("name", Value::Name, "the environment's name").required(),
    PATH,
    APPLICATION,
    leaf(
        "sync",
        Value::Choice(&SyncMode::WORDS),
        "`auto`, `trigger` or `never`, as the input `sync`",
    ),
    leaf("timeout", Value::Duration, "as the input `timeout`"),
    leaf("pause-timeout", Value::Duration, "as the input `pause-timeout`"),
    leaf("settle", Value::Duration, "as the input `settle`"),
    leaf(
        "on-pause",
        Value::Choice(&OnPause::WORDS),
        "`wait`, `succeed` or `fail`, as the input `on-pause`",
    ),
    leaf(
        "on-superseded",
        Value::Choice(&OnSuperseded::WORDS),
        "`fail` or `succeed`, as the input `on-superseded`",
    ),
    leaf(
        "allow",
        Value::Choices(&Allow::WORDS),
        "the exceptions that a run may ask for here: `mutable-tag`, `new-entry`",
    ),
];
const APP: &[Key] = &[
    leaf(
        "images",
        Value::Texts,
        "the repositories that `tag`, `digest` and `from` are about, without tag",
    ),
    PATH,
    APPLICATION,
];

/// What may stand at the root.
pub(super) const ROOT: Shape = Shape::Keys(&[
    leaf("version", Value::Version, "`1`; required").required(),
    Key {
        name: "layout",
        help: "where overlays and applications are",
        required: false,
        shape: Shape::Keys(LAYOUT),
    },
    leaf(
        "message",
        Value::Text,
        "template of the commit's subject, as the input `message`",
    ),
    Key {
        name: "environments",
        help: "the environments, in the order of promotion; when given, no other is known",
        required: false,
        shape: Shape::List(&Shape::Keys(ENVIRONMENT)),
    },
    Key {
        name: "apps",
        help: "what is special about single apps, by name",
        required: false,
        shape: Shape::Each(&Shape::Keys(APP)),
    },
]);

/// A collection that is being read.
struct Open {
    shape: Option<&'static Shape>,
    /// `None` for a list.
    mapping: Option<Mapping>,
}

/// What a mapping that is being read has shown so far.
#[derive(Default)]
struct Mapping {
    /// The keys, with their lines.
    seen: BTreeMap<String, usize>,
    /// The key whose value comes next.
    key: Option<String>,
}

/// How many values a file may stand for, aliases written out.
const MOST_VALUES: usize = 100_000;
/// How deep it may be nested; the typed reader takes a time that grows with the square.
const DEEPEST: usize = 32;

/// Counts the values of a document as if its aliases were written out, which the typed reader does.
#[derive(Default)]
struct Weights {
    /// What each anchor stands for, once it is read to its end. The number 0 is no anchor.
    anchors: BTreeMap<usize, usize>,
    /// The collections that are being read: anchor, and the values in it so far.
    open: Vec<(usize, usize)>,
    whole: usize,
}

impl Weights {
    /// Takes an event.
    ///
    /// # Errors
    /// The document stands for too much, or for itself.
    fn take(&mut self, event: &Event) -> Result<(), &'static str> {
        const ALIASES: &str = "aliases stand for too much, or for themselves: write them out";
        let (anchor, weight) = match event {
            Event::MappingStart(anchor, _) | Event::SequenceStart(anchor, _) => {
                self.open.push((*anchor, 1));
                return if self.open.len() > DEEPEST {
                    Err("it is nested too deeply")
                } else {
                    Ok(())
                };
            }
            Event::MappingEnd | Event::SequenceEnd => self.open.pop().unwrap_or_default(),
            Event::Scalar(_, _, anchor, _) => (*anchor, 1),
            Event::Alias(anchor) => match self.anchors.get(anchor) {
                Some(weight) => (0, *weight),
                None => return Err(ALIASES),
            },
            _ => return Ok(()),
        };
        self.anchors.insert(anchor, weight);
        let within = self.open.last_mut().map_or(&mut self.whole, |(_, within)| within);
        *within = within.saturating_add(weight);
        if *within > MOST_VALUES { Err(ALIASES) } else { Ok(()) }
    }
}

/// Returns every unknown key and every key that stands twice.
///
/// # Errors
/// The typed reader must not read the text: it is no YAML, or would take more time or memory than anybody has.
pub(super) fn check(text: &str) -> Result<Vec<String>, String> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut weights = Weights::default();
    let mut mistakes = Vec::new();
    loop {
        let (event, mark) = parser.next_token().map_err(|error| format!("{FILE}: {error}"))?;
        weights
            .take(&event)
            .map_err(|why| format!("{FILE}: line {}: {why}", mark.line()))?;
        match event {
            Event::StreamEnd | Event::DocumentEnd => break,
            Event::MappingStart(..) => {
                let shape = enter(&mut open);
                open.push(Open {
                    shape,
                    mapping: Some(Mapping::default()),
                });
            }
            Event::SequenceStart(..) => {
                let shape = enter(&mut open);
                open.push(Open { shape, mapping: None });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
            }
            Event::Scalar(value, ..) => scalar(&mut open, value, mark, &mut mistakes),
            Event::Alias(_) => {
                enter(&mut open);
            }
            Event::Nothing | Event::StreamStart | Event::DocumentStart => {}
        }
    }
    Ok(mistakes)
}

/// Takes the place of the next value, and returns what may stand there; `None` where nothing is known.
fn enter(open: &mut [Open]) -> Option<&'static Shape> {
    let Some(within) = open.last_mut() else {
        return Some(&ROOT);
    };
    match (&mut within.mapping, within.shape) {
        (Some(mapping), Some(Shape::Keys(keys))) => {
            let key = mapping.key.take()?;
            keys.iter().find(|known| known.name == key).map(|known| &known.shape)
        }
        (Some(mapping), Some(Shape::Each(value))) => {
            mapping.key = None;
            Some(value)
        }
        (Some(mapping), _) => {
            mapping.key = None;
            None
        }
        (None, Some(Shape::List(item))) => Some(item),
        (None, _) => None,
    }
}

fn scalar(open: &mut [Open], value: String, mark: Marker, mistakes: &mut Vec<String>) {
    let Some(Open {
        shape,
        mapping: Some(Mapping { seen, key }),
    }) = open.last_mut()
    else {
        return;
    };
    if key.take().is_some() {
        return;
    }
    let line = mark.line();
    if let Some(first) = seen.get(&value) {
        mistakes.push(format!(
            "{FILE}: the key `{value}` on line {line} stands on line {first} already"
        ));
    }
    if let Some(Shape::Keys(keys)) = shape
        && !keys.iter().any(|known| known.name == value)
    {
        let names = keys.iter().map(|known| known.name);
        let meant = match nearest(&value, names.clone()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known here: {}", names.collect::<Vec<_>>().join(", ")),
        };
        mistakes.push(format!("{FILE}: unknown key `{value}` on line {line}; {meant}"));
    }
    seen.entry(value.clone()).or_insert(line);
    *key = Some(value);
}
