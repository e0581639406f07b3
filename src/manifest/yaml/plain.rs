//! Reads the plain part of YAML quickly: block lists and mappings of scalars that stand on one line each, which is all that most
//! kustomization files hold. Gives up at anything else, and never guesses: what is read here, every reader reads so.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::node::{Node, Style, Unreadable};

/// YAML allows 1,024 characters in a key; longer ones are left to others.
const LONGEST_KEY: usize = 1_000;

/// A list or mapping that has begun.
#[derive(Clone, Copy)]
struct Open {
    /// The column of its dashes or keys.
    indent: usize,
    is_list: bool,
    /// Whether the value of its last dash or key is still to come.
    waits: bool,
}

/// The nodes of a text, in order, as far as it is plain.
pub(super) struct Plain<'t> {
    /// The lines that are not read yet; `None` behind the end.
    rest: Option<&'t str>,
    has_begun: bool,
    open: Vec<Open>,
    ready: VecDeque<Node<'t>>,
}

impl<'t> Plain<'t> {
    /// Begins at the start of `text`, which has no byte order mark.
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            rest: Some(text),
            has_begun: false,
            open: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// Reads the next line, or the end of the text.
    fn line(&mut self, rest: &'t str) -> Option<()> {
        if rest.is_empty() {
            self.rest = None;
            self.close(None);
            return self.has_begun.then_some(());
        }
        let (line, rest) = rest.split_once('\n').unwrap_or((rest, ""));
        self.rest = Some(rest);
        let content = line.trim_start_matches(' ');
        if is_nothing(content) {
            return Some(());
        }
        let is_marker = line.starts_with("---") || line.starts_with("...");
        if is_marker || line.bytes().any(|byte| matches!(byte, b'\t' | b'\r')) {
            return None;
        }
        self.content(line.len() - content.len(), content)
    }

    /// Reads what stands on a line from column `indent` on.
    fn content(&mut self, mut indent: usize, mut content: &'t str) -> Option<()> {
        let mut is_item = false;
        while let Some(item) = content.strip_prefix('-').filter(|item| ends_word(item)) {
            self.dash(indent)?;
            let inner = item.trim_start_matches(' ');
            if is_nothing(inner) {
                return Some(());
            }
            indent += content.len() - inner.len();
            (content, is_item) = (inner, true);
        }
        match scalar(content)? {
            (key, Some(value)) => {
                self.key(indent, key)?;
                let value = value.trim_start_matches(' ');
                if is_nothing(value) {
                    return Some(());
                }
                let (value, None) = scalar(value)? else {
                    return None;
                };
                self.fill(value)
            }
            (value, None) if is_item => self.fill(value),
            // The further lines of a scalar, or one below its key.
            _ => None,
        }
    }

    /// Puts a dash: the next item of a list, or the first of a new one.
    fn dash(&mut self, indent: usize) -> Option<()> {
        self.close(Some((indent, true)));
        match self.open.last_mut() {
            Some(list) if list.is_list && list.indent == indent => {
                if list.waits {
                    self.ready.push_back(absent());
                }
                list.waits = true;
                Some(())
            }
            // A list may stand below its key without being indented.
            Some(outer) if outer.waits && (indent > outer.indent || !outer.is_list) => self.begin(indent, true),
            None => self.begin(indent, true),
            Some(_) => None,
        }
    }

    /// Puts a key: the next one of a mapping, or the first of a new one.
    fn key(&mut self, indent: usize, key: Node<'t>) -> Option<()> {
        self.close(Some((indent, false)));
        match self.open.last_mut() {
            Some(mapping) if !mapping.is_list && mapping.indent == indent => {
                if mapping.waits {
                    self.ready.push_back(absent());
                }
                mapping.waits = true;
            }
            Some(outer) if outer.waits && indent > outer.indent => self.begin(indent, false)?,
            None => self.begin(indent, false)?,
            Some(_) => return None,
        }
        self.ready.push_back(key);
        Some(())
    }

    /// Puts the scalar that the innermost key or dash waits for.
    fn fill(&mut self, value: Node<'t>) -> Option<()> {
        let open = self.open.last_mut().filter(|open| open.waits)?;
        open.waits = false;
        self.ready.push_back(value);
        Some(())
    }

    /// Begins a list or mapping, whose first dash or key is being put.
    fn begin(&mut self, indent: usize, is_list: bool) -> Option<()> {
        match self.open.last_mut() {
            Some(outer) => outer.waits = false,
            None if self.has_begun => return None,
            None => self.ready.push_back(Node::Document),
        }
        self.has_begun = true;
        let (anchor, tag) = (0, None);
        self.ready.push_back(if is_list {
            Node::Sequence { anchor, tag }
        } else {
            Node::Mapping { anchor, tag }
        });
        let waits = true;
        self.open.push(Open { indent, is_list, waits });
        Some(())
    }

    /// Ends what a dash or key at this column stands behind; everything at the end of the text.
    fn close(&mut self, next: Option<(usize, bool)>) {
        while let Some(open) = self.open.last() {
            let goes_on = next.is_some_and(|(indent, is_dash)| {
                open.indent < indent || open.indent == indent && (is_dash || !open.is_list)
            });
            if goes_on {
                return;
            }
            if open.waits {
                self.ready.push_back(absent());
            }
            self.ready.push_back(Node::End);
            self.open.pop();
        }
    }
}

impl<'t> Iterator for Plain<'t> {
    type Item = Result<Node<'t>, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(node) = self.ready.pop_front() {
                return Some(Ok(node));
            }
            let rest = self.rest?;
            if self.line(rest).is_none() {
                self.rest = None;
                self.ready.clear();
                return Some(Err(Unreadable));
            }
        }
    }
}

/// Reads the scalar at the start of `text`; returns it, and what stands behind its colon if it is a key.
fn scalar(text: &str) -> Option<(Node<'_>, Option<&str>)> {
    let (value, style, rest) = match text.as_bytes() {
        [b'\'', ..] => quoted(text, '\'').map(|(value, rest)| (value, Style::Single, rest))?,
        [b'"', ..] => quoted(text, '"').map(|(value, rest)| (value, Style::Double, rest))?,
        _ => unquoted(text).map(|(value, rest)| (value, Style::Plain, rest))?,
    };
    let after = match rest.strip_prefix(':') {
        Some(after) if ends_word(after) && value.len() <= LONGEST_KEY => Some(after),
        None if ends_word(rest) && is_nothing(rest.trim_start_matches(' ')) => None,
        _ => return None,
    };
    let node = Node::Scalar {
        text: Cow::Borrowed(value),
        style,
        anchor: 0,
        tag: None,
    };
    Some((node, after))
}

/// Reads a scalar in quotes in which nothing is escaped; returns it and what follows.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let (value, rest) = text.get(1..)?.split_once(quote)?;
    let has_escape = quote == '"' && value.contains('\\') || rest.starts_with(quote);
    (!has_escape).then_some((value, rest))
}

/// Reads a scalar without quotes; returns it and what ends it: a colon, a comment, or nothing.
fn unquoted(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let first = *bytes.first()?;
    if b",[]{}#&*!|>%@`?:".contains(&first) || first == b'-' && text.get(1..).is_none_or(ends_word) {
        return None;
    }
    let end = bytes.iter().enumerate().position(|(at, byte)| match byte {
        b':' => matches!(bytes.get(at + 1), None | Some(b' ')),
        b'#' => bytes.get(at.wrapping_sub(1)) == Some(&b' '),
        _ => false,
    });
    let (value, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let kept = value.trim_end_matches(' ');
    // The blank before a comment belongs to it.
    let rest = if rest.starts_with('#') { "" } else { rest };
    Some((kept, rest))
}

/// Whether a line ends here, but for a comment.
fn is_nothing(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('#')
}

/// Whether an indicator stands alone before `rest`.
fn ends_word(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(' ')
}

/// What stands where nothing is written.
const fn absent() -> Node<'static> {
    Node::Scalar {
        text: Cow::Borrowed(""),
        style: Style::Plain,
        anchor: 0,
        tag: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::node::Events;
    use super::super::prove::second_reading;
    use super::*;

    type Nodes<'t> = Vec<Node<'t>>;

    fn plain(text: &str) -> Option<Nodes<'_>> {
        Plain::new(text).collect::<Result<_, _>>().ok()
    }

    fn first(text: &str) -> Option<Nodes<'_>> {
        Events::new(text)
            .map(|event| event.map(|located| located.node))
            .collect::<Result<_, _>>()
            .ok()
    }

    /// yaml-rust2 reads `~` where nothing is written.
    fn second(text: &str) -> Option<Nodes<'_>> {
        let absent = |node| {
            if let Node::Scalar {
                style: Style::Plain,
                text,
                ..
            } = &node
                && text == "~"
            {
                absent()
            } else {
                node
            }
        };
        second_reading(text)
            .map(|node| node.map(absent))
            .collect::<Result<_, _>>()
            .ok()
    }

    #[test]
    fn lists_and_mappings_of_one_line_scalars_are_read_as_by_the_others() {
        for text in [
            "a: 1\nb: 'x y'\nc: \"z\" # why\n",
            "# first\n\nimages:\n- name: a\n  newTag: v1\n\n- name: b # x\n# between\n  digest: sha256:ab\nresources:\n  - ../base\n  - x#y\n",
            "a:\nb:\n  c:\n  d:\n- e",
            "a:\n  b:\n    c:\nd: http://x:1/y\n",
            "- - a\n  -\n  - b:\n    - c\n    d: -1\n- 'e': é\n  \"f\":\n",
            "-\n  a: 1\n-\n  - b\n- # c\n  d\n",
            "a  : b  \nc:     d   # e\n",
        ] {
            let Some(nodes) = plain(text) else {
                assert!(text.contains("- e") || text.contains("  d\n"), "{text:?} is plain");
                continue;
            };
            assert_eq!(Some(&nodes), first(text).as_ref(), "{text:?}");
            assert_eq!(Some(&nodes), second(text).as_ref(), "{text:?}");
        }
    }

    #[test]
    fn everything_else_is_left_to_others() {
        for text in [
            "",
            "# nothing\n",
            "a\n",
            "---\na: 1\n",
            "a: 1\n...\n",
            "%YAML 1.2\n",
            "a: [1]\n",
            "a: {b: 1}\n",
            "a: |\n  b\n",
            "a: >-\n  b\n",
            "a: b\n  c\n",
            "a:\n  b\n",
            "a: b\n c: d\n",
            "a: 1\n- b\n",
            "- a\nb: 1\n",
            "  a: 1\nb: 2\n",
            "a: b: c\n",
            "a: - b\n",
            "a: &x b\n",
            "a: *x\n",
            "a: !!str b\n",
            "&x a: b\n",
            "? a\n: b\n",
            "a:\tb\n",
            "a: b\r\n",
            "a: \"b\\n\"\n",
            "a: 'b''c'\n",
            "a: 'b\n  c'\n",
            "a: 'b' c\n",
            "a: 'b'#c\n",
            "a: @b\n",
            "a: `b\n",
        ] {
            assert_eq!(plain(text), None, "{text:?}");
        }
    }

    fn line() -> impl Strategy<Value = String> {
        let indent = prop::sample::select(vec!["", "", "", " ", "  ", "  ", "    "]);
        let dashes = prop::sample::select(vec!["", "", "", "- ", "- ", "-", "- - ", "-   "]);
        let keys = prop::sample::select(vec![
            "",
            "a: ",
            "bc: ",
            "a:",
            "'d': ",
            "\"e f\": ",
            "g#h : ",
            "#",
            "i:j",
            "? ",
            "-k: ",
        ]);
        let values = prop::sample::select(vec![
            "",
            "",
            "x",
            "1.10",
            "'y z'",
            "\"\"",
            "x # y",
            "x#y",
            "#z",
            "-",
            "- w",
            "\"q\" # r",
            "''s",
            "[]",
            "t: u",
            "é",
            "--- v",
            "|",
        ]);
        let ends = prop::sample::select(vec!["\n", "\n", "\n", " \n", "\n\n", "\n# c\n", "\r\n", ""]);
        (indent, dashes, keys, values, ends).prop_map(|(a, b, c, d, e)| format!("{a}{b}{c}{d}{e}"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_read_here_every_reader_reads_so(lines in prop::collection::vec(line(), 1..7)) {
            let text = lines.concat();
            if let Some(nodes) = plain(&text) {
                let others = [first(&text), second(&text)];
                prop_assert_eq!(others, [Some(nodes.clone()), Some(nodes)], "{:?}", text);
            }
        }
    }
}
