//! Reads the `images` of a kustomization the way the cases mean them: every scalar a text, null and empty ones absent.
//! Shares no code with the editor but the parser that the editor uses for its proof.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use yaml_rust2::Event;
use yaml_rust2::parser::Parser;
use yaml_rust2::scanner::TScalarStyle;

/// One entry: its fields.
pub(super) type Entry = BTreeMap<String, String>;

/// A value of YAML.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Text(String),
    Null,
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

struct Reader<'t> {
    parser: Parser<std::str::Chars<'t>>,
    anchors: HashMap<usize, Tree>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Event> {
        self.parser.next_token().ok().map(|(event, _)| event)
    }

    fn value(&mut self, event: Event) -> Option<Tree> {
        let (tree, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let bare = style == TScalarStyle::Plain && tag.is_none();
                let null = bare && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
                (if null { Tree::Null } else { Tree::Text(text) }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.value(event)?),
                    }
                }
                (Tree::List(items), anchor)
            }
            Event::MappingStart(anchor, _) => {
                let mut fields = Vec::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => break,
                        event => self.value(event)?,
                    };
                    let event = self.next()?;
                    fields.push((key, self.value(event)?));
                }
                (Tree::Map(fields), anchor)
            }
            Event::Alias(anchor) => return self.anchors.get(&anchor).cloned(),
            _ => return None,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, tree.clone());
        }
        Some(tree)
    }
}

/// Reads the first document; `None` if the text is no YAML.
pub(super) fn tree(text: &str) -> Option<Tree> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        parser: Parser::new_from_str(text).keep_tags(true),
        anchors: HashMap::new(),
    };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart | Event::Nothing => {}
            Event::StreamEnd => return Some(Tree::Null),
            event => return reader.value(event),
        }
    }
}

fn merged(fields: &[(Tree, Tree)]) -> Vec<(String, Tree)> {
    let mut all: Vec<(String, Tree)> = Vec::new();
    for (key, value) in fields {
        match key {
            Tree::Text(key) if key == "<<" => {
                let sources = match value {
                    Tree::List(sources) => sources.clone(),
                    other => vec![other.clone()],
                };
                for source in sources {
                    if let Tree::Map(fields) = source {
                        for (key, value) in merged(&fields) {
                            if !all.iter().any(|(known, _)| *known == key) {
                                all.push((key, value));
                            }
                        }
                    }
                }
            }
            Tree::Text(key) => {
                all.retain(|(known, _)| known != key);
                all.push((key.clone(), value.clone()));
            }
            _ => {}
        }
    }
    all
}

/// Returns the entries of `images` (or `imageTags`), in the order of the file.
pub(super) fn images(text: &str) -> Option<Vec<Entry>> {
    let Tree::Map(fields) = tree(text)? else {
        return Some(Vec::new());
    };
    let list = |wanted: &str| {
        let found = fields
            .iter()
            .find(|(key, _)| matches!(key, Tree::Text(key) if key.eq_ignore_ascii_case(wanted)));
        match found {
            Some((_, Tree::List(items))) => items.clone(),
            _ => Vec::new(),
        }
    };
    let mut items = list("images");
    items.extend(list("imageTags"));
    let entry = |item: &Tree| match item {
        Tree::Map(fields) => {
            let fields = merged(fields).into_iter().filter_map(|(key, value)| match value {
                Tree::Text(value) if !value.is_empty() => Some((canonical(&key), value)),
                _ => None,
            });
            fields.collect()
        }
        _ => Entry::new(),
    };
    Some(items.iter().map(entry).collect())
}

fn canonical(key: &str) -> String {
    let known = ["name", "newName", "newTag", "digest", "tagSuffix"];
    let found = known.into_iter().find(|known| known.eq_ignore_ascii_case(key));
    found.unwrap_or(key).to_owned()
}

/// Returns the entries sorted, `newName` equal to `name` left out: what two files must share to mean the same.
pub(super) fn meaning(mut entries: Vec<Entry>) -> Vec<Entry> {
    for entry in &mut entries {
        if entry.get("newName") == entry.get("name") {
            entry.remove("newName");
        }
    }
    entries.sort();
    entries
}

/// Checks that everything outside of `spans` stands in `new`, in order, and that the first and last pieces stand where they stood.
#[track_caller]
pub(super) fn assert_rest_is_kept(old: &[u8], new: &[u8], spans: &[Range<usize>]) {
    let mut at = 0;
    let mut done = 0;
    for (index, span) in spans.iter().enumerate() {
        let piece = &old[done..span.start];
        let found = if index == 0 {
            new.starts_with(piece).then_some(0)
        } else {
            find(&new[at..], piece)
        };
        at += found.expect("a piece between two spans is gone") + piece.len();
        done = span.end;
    }
    let last = &old[done..];
    assert!(
        if spans.is_empty() {
            new == last
        } else {
            new[at..].ends_with(last)
        },
        "what follows the last span is gone"
    );
}

fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    if piece.is_empty() {
        return Some(0);
    }
    text.windows(piece.len()).position(|window| window == piece)
}
