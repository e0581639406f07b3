//! The keys of promote.yaml, held against the text: unknown keys and keys that stand twice, each with its line.
//!
//! The typed reader cannot say this: it takes the last of two equal map keys in silence, and knows no nearest name.

use yaml_rust2::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::Marker;

use crate::model::nearest;

use super::FILE;

/// What may stand at a place.
enum Shape {
    /// A scalar, or a list of scalars.
    Leaf,
    /// A mapping of these keys.
    Keys(&'static [(&'static str, Shape)]),
    /// A mapping of any keys, each with such a value.
    Each(&'static Shape),
    /// A list of such values.
    List(&'static Shape),
}

const ROOT: Shape = Shape::Keys(&[
    ("version", Shape::Leaf),
    (
        "layout",
        Shape::Keys(&[("path", Shape::Leaf), ("application", Shape::Leaf)]),
    ),
    ("message", Shape::Leaf),
    (
        "environments",
        Shape::List(&Shape::Keys(&[
            ("name", Shape::Leaf),
            ("path", Shape::Leaf),
            ("application", Shape::Leaf),
            ("sync", Shape::Leaf),
            ("timeout", Shape::Leaf),
            ("pause-timeout", Shape::Leaf),
            ("settle", Shape::Leaf),
            ("on-pause", Shape::Leaf),
            ("on-superseded", Shape::Leaf),
            ("allow", Shape::Leaf),
        ])),
    ),
    (
        "apps",
        Shape::Each(&Shape::Keys(&[
            ("images", Shape::Leaf),
            ("path", Shape::Leaf),
            ("application", Shape::Leaf),
        ])),
    ),
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
    seen: Vec<(String, usize)>,
    /// The key whose value comes next.
    key: Option<String>,
}

/// Returns every unknown key and every key that stands twice. Silent about text that is not YAML: the typed reader says that.
pub(super) fn check(text: &str) -> Vec<String> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut mistakes = Vec::new();
    while let Ok((event, mark)) = parser.next_token() {
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
    mistakes
}

/// Takes the place of the next value, and returns what may stand there; `None` where nothing is known.
fn enter(open: &mut [Open]) -> Option<&'static Shape> {
    let Some(within) = open.last_mut() else {
        return Some(&ROOT);
    };
    match (&mut within.mapping, within.shape) {
        (Some(mapping), Some(Shape::Keys(keys))) => {
            let key = mapping.key.take()?;
            keys.iter().find(|(name, _)| *name == key).map(|(_, shape)| shape)
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
    if let Some((_, first)) = seen.iter().find(|(name, _)| *name == value) {
        mistakes.push(format!(
            "{FILE}: the key `{value}` on line {line} stands on line {first} already"
        ));
    }
    if let Some(Shape::Keys(keys)) = shape
        && !keys.iter().any(|(name, _)| *name == value)
    {
        let names = keys.iter().map(|(name, _)| *name);
        let meant = match nearest(&value, names.clone()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known here: {}", names.collect::<Vec<_>>().join(", ")),
        };
        mistakes.push(format!("{FILE}: unknown key `{value}` on line {line}; {meant}"));
    }
    seen.push((value.clone(), line));
    *key = Some(value);
}
