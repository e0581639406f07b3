//! What kustomize refuses: unknown fields, and values of another type than its own.

use super::entry::{FieldName, Form, Value};
use super::nodes::Reading;
use super::schema::{IMAGE_KEYS, Shape, TOP};
use crate::ManifestFault;
use crate::nearest;
use crate::yaml::{Kind, Located, Node, Style, Text, kind};

/// Returns what kustomize takes a scalar for.
pub(super) fn kind_of(text: &str, style: Style, tag: Option<&str>) -> Kind {
    match tag.map(|tag| tag.strip_prefix("tag:yaml.org,2002:").unwrap_or("")) {
        None if style == Style::Plain => kind(text),
        Some("null") => Kind::Null,
        Some("bool") => Kind::Bool,
        Some("int" | "float") => match kind(text) {
            number @ Kind::Number(_) => number,
            _ => Kind::Number(f64::NAN),
        },
        _ => Kind::Text,
    }
}

/// Refuses a scalar that is not of the wanted type.
pub(super) fn check_scalar(text: &str, kind: Kind, shape: Shape, line: usize) -> Result<(), ManifestFault> {
    let fits = match (kind, shape) {
        (Kind::Number(value), _) if !value.is_finite() => {
            return Err(
                ManifestFault::new(format!("`{text}` is a number that kustomize cannot read"))
                    .at(line)
                    .hint("put it in quotes"),
            );
        }
        (Kind::Null, _) | (_, Shape::Any) | (Kind::Text, Shape::Text) | (Kind::Bool, Shape::Flag) => true,
        (Kind::Number(value), Shape::Whole) => value.fract() == 0.0,
        _ => false,
    };
    let found = match kind {
        _ if fits => return Ok(()),
        Kind::Bool => format!("`{text}`, a boolean,"),
        Kind::Number(_) => format!("`{text}`, a number,"),
        Kind::Null | Kind::Text => "a text".to_owned(),
    };
    Err(unfit(&found, shape, line))
}

/// Refuses a tab between a dash (or the start of a line) and what follows it, which YAML 1.2 allows and kustomize's reader does not.
pub(super) fn check_tabs(text: Text<'_>, next: &Located<'_>) -> Result<(), ManifestFault> {
    let at = next.span.start;
    let blanks = text.blanks_before(at);
    if next.span.is_empty() && !matches!(next.node, Node::Mapping { .. }) || !blanks.contains('\t') {
        return Ok(());
    }
    match text.last_before(at) {
        None | Some('-' | '?') => Err(
            ManifestFault::new("a tab indents a value (kustomize cannot read the file)")
                .at(next.line)
                .hint("indent with spaces"),
        ),
        Some(_) => Ok(()),
    }
}

/// Returns the type of a list's items.
pub(super) fn shape_of_items(shape: Shape, line: usize) -> Result<Shape, ManifestFault> {
    match shape {
        Shape::List(inner) => Ok(*inner),
        Shape::Any => Ok(Shape::Any),
        other => Err(unfit("a list", other, line)),
    }
}

/// Refuses a mapping where another type is wanted.
pub(super) fn check_mapping(reading: Reading, line: usize) -> Result<(), ManifestFault> {
    match reading {
        Reading::Entry | Reading::Shaped(Shape::Any | Shape::Map(_) | Shape::Fields(_)) => Ok(()),
        Reading::Shaped(shape) => Err(unfit("a mapping", shape, line)),
    }
}

/// Returns the type of the value of a key.
pub(super) fn shape_of_field(key: &Value<'_>, reading: Reading, line: usize) -> Result<Shape, ManifestFault> {
    if key.form == Form::Collection {
        return Err(ManifestFault::new("a key is a list or mapping, which kustomize cannot read").at(line));
    }
    match reading {
        Reading::Entry if FieldName::of(&key.text).is_none() => Err(unknown(&key.text, IMAGE_KEYS, line)),
        Reading::Shaped(Shape::Fields(known)) => {
            let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key.text));
            let names = known.iter().map(|(name, _)| *name);
            found
                .map(|(_, shape)| *shape)
                .ok_or_else(|| unknown(&key.text, names, line))
        }
        Reading::Shaped(Shape::Map(inner)) => Ok(*inner),
        Reading::Entry | Reading::Shaped(_) => Ok(Shape::Any),
    }
}

/// Returns the type of the value of a key at the top of the file.
pub(super) fn shape_of_top(key: &str, line: usize) -> Result<Shape, ManifestFault> {
    let found = TOP.iter().find(|(known, _)| known.eq_ignore_ascii_case(key));
    let names = TOP.iter().map(|(known, _)| *known);
    found.map(|(_, shape)| *shape).ok_or_else(|| unknown(key, names, line))
}

/// Says that a field of an entry is no text.
pub(super) fn mistyped(name: FieldName, value: &Value<'_>, found: &str) -> ManifestFault {
    let key = name.key();
    let message = format!("`{key}` must be a text, and it is {found} (kustomize rejects the file)");
    let fault = ManifestFault::new(message).at(value.line);
    if value.form == Form::Scalar {
        fault.hint(format!("put it in quotes: `{key}: \"{}\"`", value.text))
    } else {
        fault.hint(format!("write `{key}` as a text"))
    }
}

fn unfit(found: &str, shape: Shape, line: usize) -> ManifestFault {
    let wanted = shape.called();
    let quotable = matches!(shape, Shape::Text) && found.starts_with('`');
    let fault = ManifestFault::new(format!("kustomize expects {wanted} here, and finds {found}")).at(line);
    if quotable {
        fault.hint("put it in quotes")
    } else {
        fault
    }
}

fn unknown<'a>(key: &str, known: impl IntoIterator<Item = &'a str>, line: usize) -> ManifestFault {
    let message = format!("`{key}` is not a field that kustomize knows here (it rejects the file)");
    let fault = ManifestFault::new(message).at(line);
    match nearest(key, known) {
        Some(name) => fault.hint(format!("write `{name}` if you meant that field")),
        None => fault.hint(format!("remove `{key}`")),
    }
}
