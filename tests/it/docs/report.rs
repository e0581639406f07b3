//! The schema of the report, read from the types in `src/report`: their fields, and what is said of them there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use promote_action::model::{Command, Health, Outcome, SyncState};
use serde_json::{Map, Value, json};
use syn::{Attribute, Fields, GenericArgument, Item, ItemEnum, ItemStruct, PathArguments, Type};

use super::schema;

/// The file in the repository.
const FILE: &str = "docs/reference/report.schema.json";

/// Returns the generated files: the schema, and the page for people.
pub(super) fn pages() -> Vec<(&'static str, String)> {
    let schema = made();
    let mut rows = Vec::new();
    walk("", &schema, &mut rows);
    let page = format!(
        "<!-- generated from the code; after a change there: UPDATE_DOCS=1 cargo test --test it docs -->\n# The report\n\n\
         `--output json` writes the report to stdout, one document and nothing else, for every outcome. In a workflow it is the output `report`, \
         on one line of up to 64 KiB. New fields can appear; `schema` increases when a field is removed. As JSON Schema: \
         [report.schema.json](report.schema.json).\n\n| field | type | what it says |\n|---|---|---|\n{}",
        rows.concat()
    );
    vec![(FILE, format!("{schema:#}\n")), ("docs/reference/report.md", page)]
}

/// Checks that a report of the binary is what the committed schema says, and holds no field that it does not know.
#[track_caller]
pub(crate) fn fits(report: &Value) {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).unwrap();
        serde_json::from_str(&text).unwrap()
    });
    let mistakes = schema::mistakes(schema, report, true);
    assert!(mistakes.is_empty(), "{mistakes:#?}\nin {report:#}");
}

/// The types that are written as JSON, by name.
#[derive(Default)]
struct Types {
    structs: BTreeMap<String, ItemStruct>,
    enums: BTreeMap<String, ItemEnum>,
}

fn made() -> Value {
    let types = Types::read();
    let mut schema = object(&types.structs["Report"], &types);
    let map = schema.as_object_mut().unwrap();
    map.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    map.insert("title".to_owned(), json!("The report of promote"));
    schema
}

impl Types {
    /// Reads those of `src/report`.
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report");
        let mut types = Self::default();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let file = syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap();
            for item in file.items {
                match item {
                    Item::Struct(item) if told(&item.attrs, "derive").contains("Serialize") => {
                        types.structs.insert(item.ident.to_string(), item);
                    }
                    Item::Enum(item) if told(&item.attrs, "derive").contains("Serialize") => {
                        types.enums.insert(item.ident.to_string(), item);
                    }
                    _ => {}
                }
            }
        }
        types
    }
}

/// Returns the words of an enum without fields.
fn variants(of: &ItemEnum) -> Value {
    let serde = told(&of.attrs, "serde");
    assert!(
        serde.contains("lowercase"),
        "how {} is spelled is not known: {serde}",
        of.ident
    );
    let words = of.variants.iter().map(|variant| {
        assert!(matches!(variant.fields, Fields::Unit), "{} has fields", variant.ident);
        variant.ident.to_string().to_lowercase()
    });
    json!({"enum": words.collect::<Vec<_>>()})
}

fn object(of: &ItemStruct, types: &Types) -> Value {
    let Fields::Named(fields) = &of.fields else {
        panic!("{} has no names", of.ident);
    };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for field in &fields.named {
        let name = field.ident.as_ref().unwrap().to_string();
        let serde = told(&field.attrs, "serde");
        if serde.split([',', ' ', '(', ')']).any(|word| word == "skip") {
            continue;
        }
        if !serde.contains("skip_serializing_if") {
            required.push(name.clone());
        }
        let about = doc(&field.attrs).replace("`None`", "`null`");
        let mut property = words(&of.ident.to_string(), &name).unwrap_or_else(|| shape(&field.ty, types));
        let map = property.as_object_mut().unwrap();
        if about.contains("RFC 3339") {
            map.insert("format".to_owned(), json!("date-time"));
        }
        map.insert("description".to_owned(), json!(about));
        properties.insert(name, property);
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// Returns what is known of a field beyond its type: the closed lists.
fn words(within: &str, field: &str) -> Option<Value> {
    let ends = Outcome::ALL.iter();
    Some(match (within, field) {
        ("Report", "schema") => json!({"const": 1}),
        ("Report", "exit_code") => json!({"enum": distinct(ends.map(|end| json!(end.exit_code())))}),
        _ => return None,
    })
}

fn distinct(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut values: Vec<Value> = values.collect();
    values.dedup();
    values
}

fn shape(of: &Type, types: &Types) -> Value {
    let path = match of {
        Type::Reference(reference) => return shape(&reference.elem, types),
        Type::Path(path) => path.path.segments.last().unwrap(),
        _ => panic!("a type that the schema does not know stands in src/report"),
    };
    let inner = || match &path.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first().unwrap() {
            GenericArgument::Type(inner) => shape(inner, types),
            _ => panic!("a type that the schema does not know stands in src/report"),
        },
        _ => panic!("a type that the schema does not know stands in src/report"),
    };
    match path.ident.to_string().as_str() {
        "String" | "str" | "CommitSha" | "Timestamp" => json!({"type": "string"}),
        "Command" => json!({"enum": Command::NAMES}),
        "Outcome" => json!({"enum": distinct(Outcome::ALL.iter().map(|end| json!(end.name())))}),
        "SyncState" => json!({"type": "string", "enum": SyncState::ALL.map(|word| word.to_string())}),
        "Health" => json!({"type": "string", "enum": Health::ALL.map(|word| word.to_string())}),
        "bool" => json!({"type": "boolean"}),
        "f64" => json!({"type": "number"}),
        "u8" | "u16" | "u32" | "u64" | "usize" => json!({"type": "integer", "minimum": 0}),
        "Vec" => json!({"type": "array", "items": inner()}),
        "Option" => {
            let mut inner = inner();
            let known = inner["type"].take();
            inner["type"] = json!([known, "null"]);
            if let Some(words) = inner.get_mut("enum").and_then(Value::as_array_mut) {
                words.push(Value::Null);
            }
            inner
        }
        name => match (types.structs.get(name), types.enums.get(name)) {
            (Some(known), _) => object(known, types),
            (None, Some(known)) => variants(known),
            (None, None) => panic!("{name} in src/report is no type that is written as JSON"),
        },
    }
}

/// Returns the words of an attribute, as text.
fn told(attributes: &[Attribute], name: &str) -> String {
    let lists = attributes
        .iter()
        .filter_map(|attribute| attribute.meta.require_list().ok());
    lists
        .filter(|list| list.path.is_ident(name))
        .map(|list| list.tokens.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let pair = attribute.meta.require_name_value().ok()?;
        match &pair.value {
            syn::Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Str(line),
                ..
            }) if pair.path.is_ident("doc") => Some(line.value().trim().to_owned()),
            _ => None,
        }
    });
    lines.collect::<Vec<_>>().join(" ")
}

fn walk(before: &str, schema: &Value, rows: &mut Vec<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{before}{name}");
        let about = property["description"].as_str().unwrap().replace('|', "\\|");
        rows.push(format!("| `{path}` | {} | {about} |\n", kind(property)));
        walk(&format!("{path}."), property, rows);
        if let Some(items) = property.get("items") {
            walk(&format!("{path}[]."), items, rows);
        }
    }
}

fn kind(property: &Value) -> String {
    let words = |values: &[Value]| {
        let words: Vec<String> = values
            .iter()
            .map(|word| format!("`{}`", word.to_string().replace('"', "")))
            .collect();
        words.join(", ")
    };
    match (&property["const"], &property["enum"], &property["type"]) {
        (Value::Null, Value::Array(values), _) => words(values),
        (Value::Null, _, Value::Array(kinds)) => kinds
            .iter()
            .map(|kind| kind.as_str().unwrap())
            .collect::<Vec<_>>()
            .join(" or "),
        (Value::Null, _, kind) => kind.as_str().unwrap().to_owned(),
        (value, ..) => format!("`{value}`"),
    }
}
