//! The keys of promote.yaml: one row each, with its reader, its line on the reference page, and its part of the schema for editors.

use super::analyses;
use super::gates::gates;
use super::node::Node;
use super::reader::Mistakes;
use super::{App, Config, Environment, RecordPlace, Verify, apps, environments, image_keys};
use crate::inputs::{InputSpec, value};
use crate::manifest::{ImageKeys, NAMES};
use crate::model::Repository;
use crate::plan::inputs::MESSAGE;
use crate::plan::policy::KEYS;
use crate::plan::{Allow, check_placeholders};

/// What is said of a key to people and editors.
pub(super) struct Info {
    pub(super) name: &'static str,
    /// What it says, for the reference page.
    pub(super) help: String,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// Puts the value of a key into what is being read.
type Set<T> = Box<dyn Fn(&mut T, &Node, &mut Mistakes)>;

/// A key of a mapping that is read into a `T`.
pub(super) struct Key<T> {
    pub(super) info: Info,
    pub(super) set: Set<T>,
}

/// What may stand at a place.
pub(super) enum Shape {
    /// A scalar, or a list of scalars.
    Leaf(Value),
    /// A mapping of these keys.
    Keys(Vec<Info>),
    /// A mapping of any keys, each with such a value.
    Each(Box<Shape>),
    /// A list of such values.
    List(Box<Shape>),
}

/// What a scalar says.
#[derive(Clone, Copy)]
pub(super) enum Value {
    /// The version of the file.
    Version,
    /// Any text.
    Text,
    /// A text, a number or a boolean, read as it is written.
    Scalar,
    /// A name as an app or an environment has.
    Name,
    /// A text, or a list of them.
    OneOrMore,
    /// A list of texts.
    Texts,
    /// `true` or `false`.
    Bool,
    /// A number of things.
    Number,
    /// A duration such as `10m`.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of these words.
    Choices(&'static [&'static str]),
}

pub(super) fn key<T>(
    name: &'static str,
    shape: Shape,
    help: &str,
    set: impl Fn(&mut T, &Node, &mut Mistakes) + 'static,
) -> Key<T> {
    Key {
        info: Info {
            name,
            help: help.to_owned(),
            required: false,
            shape,
        },
        set: Box::new(set),
    }
}

pub(super) fn leaf<T>(
    name: &'static str,
    value: Value,
    help: &str,
    set: impl Fn(&mut T, &Node, &mut Mistakes) + 'static,
) -> Key<T> {
    key(name, Shape::Leaf(value), help, set)
}

impl<T> Key<T> {
    pub(super) fn required(mut self) -> Self {
        self.info.required = true;
        self
    }
}

/// Returns what is said of keys.
pub(super) fn infos<T>(keys: Vec<Key<T>>) -> Vec<Info> {
    keys.into_iter().map(|key| key.info).collect()
}

/// What the layout, an environment and an app can say alike.
pub(super) trait Places {
    /// The template of the overlay's folder, and those of the applications.
    fn places(&mut self) -> (&mut Option<String>, &mut Option<Vec<String>>);
    /// The name of the format, and where images stand in Helm values.
    fn formats(&mut self) -> (&mut Option<String>, &mut Option<Vec<ImageKeys>>);
}

/// The keys of one of `keys`.
pub(super) fn image() -> Vec<Key<ImageKeys>> {
    fn path(name: &'static str, help: &str, field: fn(&mut ImageKeys) -> &mut Option<String>) -> Key<ImageKeys> {
        leaf(name, Value::Text, help, move |keys: &mut ImageKeys, node, mistakes| {
            *field(keys) = mistakes.text(name, node);
        })
    }
    vec![
        path("registry", "the key of the registry, if it is separate", |keys| {
            &mut keys.registry
        }),
        path("repository", "the key of the repository", |keys| &mut keys.repository),
        path("tag", "the key of the tag", |keys| &mut keys.tag),
        path("digest", "the key of the digest", |keys| &mut keys.digest),
        path(
            "reference",
            "the key of the whole reference, instead of the others",
            |keys| &mut keys.reference,
        ),
    ]
}

fn places<T: Places>() -> [Key<T>; 4] {
    [
        leaf(
            "path",
            Value::Text,
            "template with `{app}`, `{environment}` and `{cluster}` of the folder that holds the kustomization, or of the file that `format` describes",
            |to: &mut T, node, mistakes| *to.places().0 = mistakes.text("path", node),
        ),
        leaf(
            "application",
            Value::OneOrMore,
            "one or more templates `[namespace/]name` of Argo CD applications, or `by-source`",
            |to: &mut T, node, mistakes| *to.places().1 = mistakes.one_or_more("application", node),
        ),
        leaf(
            "format",
            Value::Choice(&NAMES),
            "`kustomize` (default), `values` (a Helm values file), `manifests` (Kubernetes manifests) or `argocd` (an Application or ApplicationSet)",
            |to: &mut T, node, mistakes| {
                *to.formats().0 = mistakes.parsed("format", node, |text| {
                    let known = NAMES.contains(&text).then(|| text.to_owned());
                    known.ok_or_else(|| format!("must be one of {}", NAMES.join(", ")))
                });
            },
        ),
        key(
            "keys",
            Shape::List(Box::new(Shape::Keys(infos(image())))),
            "where images stand in Helm values, as dotted paths such as `api.image.tag`, `list[0].image` or `list[name=api].image`; default: `image.registry`, `image.repository`, `image.tag` and `image.digest`",
            |to: &mut T, node, mistakes| *to.formats().1 = image_keys(node, mistakes),
        ),
    ]
}

/// What the layout can say.
fn layout() -> Vec<Key<Config>> {
    let mut keys: Vec<Key<Config>> = places().into();
    keys.push(leaf(
        "aliases",
        Value::OneOrMore,
        "further addresses of this repository, as Argo CD can name it",
        |config: &mut Config, node, mistakes| {
            config.aliases = mistakes.one_or_more("aliases", node).unwrap_or_default();
        },
    ));
    keys
}

/// Returns the help of a key that is an input as well.
fn as_input(spec: &InputSpec) -> String {
    let first = spec.help.split_once(". ").map_or(spec.help, |(first, _)| first);
    format!("as the input `{}`: {}", spec.name, lower(first.trim_end_matches('.')))
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

/// The keys at the root.
pub(super) fn root() -> Vec<Key<Config>> {
    vec![
        leaf(
            "version",
            Value::Version,
            "`1`; required",
            |_: &mut Config, node, mistakes| {
                let read = |text: &str| match text {
                    "1" => Ok(()),
                    _ => Err("is not 1, the only version that this version of promote reads".to_owned()),
                };
                mistakes.parsed("version", node, read);
            },
        )
        .required(),
        key(
            "layout",
            Shape::Keys(infos(layout())),
            "where overlays and applications are",
            |config: &mut Config, node, mistakes| mistakes.mapping("layout", node, &layout(), config),
        ),
        leaf(
            "message",
            Value::Text,
            &as_input(&MESSAGE),
            |config: &mut Config, node, mistakes| {
                config.message = mistakes.text("message", node);
                let why = config.message.as_deref().map(check_placeholders);
                if let (Some(text), Some(Err(why))) = (&config.message, why) {
                    mistakes.wrong("message", node, text, &why);
                }
            },
        ),
        leaf(
            "record",
            Value::Text,
            "the full reference that keeps the record of what was live, or `none`; default: `refs/promote/record`",
            |config: &mut Config, node, mistakes| config.record = mistakes.parsed("record", node, RecordPlace::parse),
        ),
        key(
            "environments",
            Shape::List(Box::new(Shape::Keys(infos(environment())))),
            "the environments, in the order of promotion; when given, no other is known",
            |config: &mut Config, node, mistakes| config.environments = environments(node, mistakes),
        ),
        key(
            "apps",
            Shape::Each(Box::new(Shape::Keys(infos(app())))),
            "what is special about single apps, by name",
            |config: &mut Config, node, mistakes| config.apps = apps(node, mistakes),
        ),
        analyses::row(),
    ]
}

/// The keys of an environment: its own, and one for each row of the policy.
pub(super) fn environment() -> Vec<Key<Environment>> {
    let mut keys = vec![
        // Read first, since mistakes name it.
        leaf(
            "name",
            Value::Name,
            "the environment's name",
            |_: &mut Environment, _, _| {},
        )
        .required(),
    ];
    keys.extend(places());
    keys.extend(super::clusters::keys());
    keys.extend(KEYS.iter().map(|row| {
        let name = row.input.name;
        let value = Value::of(row.input.kind);
        leaf(
            name,
            value,
            &as_input(&row.input),
            move |environment: &mut Environment, node, mistakes| {
                mistakes.parsed(name, node, |text| (row.set)(&mut environment.policy, text));
            },
        )
    }));
    keys.extend(gates());
    keys.push(key(
        "verify",
        Shape::Keys(analyses::verify_infos()),
        "what promote verifies at the end of a promotion to this environment, and what `on-pause: verify` judges",
        |environment: &mut Environment, node, mistakes| {
            let mut verify = Verify::default();
            let before = mistakes.0.len();
            mistakes.mapping("verify", node, &analyses::verify(), &mut verify);
            if verify == Verify::default() && mistakes.0.len() == before {
                mistakes.wrong("verify", node, "{}", "is empty: it needs `analysis` or `for`");
            }
            environment.verify = Some(verify);
        },
    ));
    keys.push(leaf(
        "allow",
        Value::Choices(&Allow::WORDS),
        "the exceptions that a run can request here with the input `allow`",
        |environment: &mut Environment, node, mistakes| {
            let allow = &mut environment.allow;
            let words = mistakes.each("allow", node, value::text);
            for word in words {
                if let Err(why) = allow.add(&word) {
                    mistakes.wrong("allow", node, &word, &why);
                }
            }
        },
    ));
    keys
}

/// The keys of an app.
pub(super) fn app() -> Vec<Key<App>> {
    let mut keys = vec![
        leaf(
            "images",
            Value::Texts,
            "the repositories that `tag`, `digest` and `from` are about, without tag",
            |app: &mut App, node, mistakes| app.images = mistakes.each("images", node, Repository::named),
        ),
        leaf(
            "source",
            Value::Text,
            "the repository that the images are built from, as `owner/name`; default: that of the run",
            |app: &mut App, node, mistakes| app.source = mistakes.parsed("source", node, source),
        ),
    ];
    keys.extend(places());
    keys
}

/// Reads `owner/name`.
fn source(text: &str) -> Result<String, String> {
    let part = |part: &str| {
        !part.is_empty()
            && !part.bytes().all(|b| b == b'.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    match text.split_once('/') {
        Some((owner, name)) if part(owner) && part(name) => Ok(text.to_owned()),
        _ => Err("is no repository such as `myorg/api`".to_owned()),
    }
}
