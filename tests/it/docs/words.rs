//! The words that no text for users contains: home-made ones for what has an established name, and "we" for the tool.
//!
//! Read are the documents, the examples, action.yml and every string of `src`, which are the messages, the help and the pages made of it.

use std::fs;
use std::path::{Path, PathBuf};

/// What is not written, and what is written instead.
const WORDS: &[(&str, &str)] = &[
    ("told", "reported, or the actor and what it does"),
    ("tells", "says, shows, reports"),
    ("kin", "the names themselves"),
    ("wish", "optional"),
    ("anew", "again"),
    ("in vain", "without success"),
    ("stands against", "blocks, prevents"),
    ("stand against", "block, prevent"),
    ("speaks against", "prevents"),
    ("speak against", "prevent"),
    ("cannot be had", "cannot be read"),
    ("whole name", "full SHA"),
    ("full name", "full SHA, full reference"),
    ("by hand", "manual, manually"),
    ("there since", "since when the state holds"),
    ("asks for ours", "pins this image"),
    ("knows us not", "rejects the token"),
    ("who are you", "the token was rejected"),
    ("no end of it", "expiry unknown"),
    ("beside it", "next to it"),
    ("may", "can, or has permission to"),
    ("we", "promote"),
    ("us", "promote"),
    ("our", "this promotion's, the"),
    ("ours", "this promotion's"),
];

/// What is right in one place, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("src/assess/window.rs", "may", "the month"),
    ("src/http/headers.rs", "may", "the month"),
    (
        "src/infrarepo/git/talk.rs",
        "our",
        "the words of git's server, which are compared",
    ),
    (
        "examples/infra-repo/",
        "by hand",
        "a comment in somebody's file, which the editor has to keep",
    ),
    (
        "src/report/rows.rs",
        "there since",
        "the environment and what holds there are named",
    ),
    ("src/assess/analysis/golang.rs", "us", "the unit of Go's durations"),
    ("src/assess/analysis/expression/dates.rs", "may", "the month"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, extensions: &[&str], files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, extensions, files);
        } else if path
            .extension()
            .is_some_and(|extension| extensions.iter().any(|known| *known == extension))
        {
            files.push(path);
        }
    }
}

/// Returns every text with its file and line.
fn texts() -> Vec<(String, usize, String)> {
    let mut pages: Vec<PathBuf> = [
        "README.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        "action.yml",
    ]
    .iter()
    .map(|file| root().join(file))
    .collect();
    walk(&root().join("docs"), &["md"], &mut pages);
    walk(&root().join("examples"), &["md", "yml", "yaml"], &mut pages);
    walk(&root().join(".github/workflows"), &["yml"], &mut pages);
    let mut texts = Vec::new();
    for path in pages {
        let mut in_block = false;
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let fence = line.trim_start().starts_with("```");
            in_block ^= fence;
            if !in_block && !fence {
                texts.push((name(&path), number + 1, line.to_owned()));
            }
        }
    }
    let mut sources = Vec::new();
    walk(&root().join("src"), &["rs"], &mut sources);
    for path in sources {
        if path.ends_with("runner/tests.rs") || path.components().any(|part| part.as_os_str() == "scenarios") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        texts.extend(strings(&text).into_iter().map(|(line, text)| (name(&path), line, text)));
    }
    texts
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// Returns the strings of a source file with their lines, without comments, attributes and tests.
fn strings(source: &str) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("#[cfg(test)]") {
            item(rest)
        } else if rest.starts_with("#[") {
            balanced(rest, '[', ']')
        } else if let Some(hashes) = raw(source, at) {
            let end = format!("\"{}", "#".repeat(hashes));
            let start = hashes + 2;
            let length = rest[start..].find(&end).map_or(rest.len(), |found| start + found);
            out.push((line(source, at), rest[start..length].to_owned()));
            length + end.len()
        } else if rest.starts_with('"') {
            let length = quoted(rest);
            let text = rest[1..length - 1].replace("\\\n", "");
            out.push((line(source, at), text));
            length
        } else if rest.starts_with('\'') {
            character(rest)
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at += length;
    }
    out
}

fn line(source: &str, at: usize) -> usize {
    source[..at].matches('\n').count() + 1
}

/// Returns how many `#` a raw string that begins here has.
fn raw(source: &str, at: usize) -> Option<usize> {
    let before = source[..at].chars().next_back();
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let rest = source[at..].strip_prefix('r')?;
    let hashes = rest.chars().take_while(|c| *c == '#').count();
    rest[hashes..].starts_with('"').then_some(hashes)
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// A character, or the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), _) => text[2..].find('\'').map_or(1, |end| {
            // `'\''` has one more.
            2 + end + 1 + usize::from(text[2..].starts_with('\''))
        }),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// The length of an item, which ends with a semicolon or a block.
fn item(text: &str) -> usize {
    match text.find([';', '{']) {
        Some(at) if text[at..].starts_with('{') => at + balanced(&text[at..], '{', '}'),
        Some(at) => at + 1,
        None => text.len(),
    }
}

fn balanced(text: &str, open: char, close: char) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return at + c.len_utf8();
            }
        }
    }
    text.len()
}

/// Returns the prose of a text: lower case, without code and without what is filled in.
fn prose(text: &str) -> String {
    let outside: String = text.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    let mut depth = 0_usize;
    for c in outside.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out.to_lowercase()
}

fn holds(text: &str, word: &str) -> bool {
    let edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || "_-".contains(c));
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        edge(before) && before != Some('.') && edge(text[at + word.len()..].chars().next())
    })
}

#[test]
fn texts_for_users_are_plain_words() {
    let texts = texts();
    assert!(texts.len() > 2000, "{} texts", texts.len());
    let mut found = Vec::new();
    for (file, line, text) in &texts {
        let plain = prose(text);
        for (word, instead) in WORDS.iter().filter(|(word, _)| holds(&plain, word)) {
            let excepted = EXCEPTIONS
                .iter()
                .any(|(start, known, _)| file.starts_with(start) && known == word);
            if !excepted {
                found.push(format!("{file}:{line}: {word:?} ({instead}) in {text:?}"));
            }
        }
    }
    assert!(found.is_empty(), "{}\n{} in all", found.join("\n"), found.len());
}

#[test]
fn every_exception_is_needed() {
    let texts = texts();
    for (file, word, why) in EXCEPTIONS {
        let needed = texts
            .iter()
            .any(|(name, _, text)| name.starts_with(file) && holds(&prose(text), word));
        assert!(needed, "{file} has no {word:?} any more ({why})");
    }
}

#[test]
fn the_reader_of_strings_knows_what_a_string_is() {
    let source = "#[expect(x, reason = \"may\")]\nfn a<'a>(b: &'a str) { c(\"we\", '\"', r#\"our \"x\"\"#, '\\'', \"\\\"\"); } // us\n\
                  #[cfg(test)]\nmod tests { fn d() { e(\"ours\") } }\nfn f() { g(\"told\") }\n#[cfg(test)]\nmod more;\nconst H: &str = \"kin\";";
    let strings: Vec<String> = strings(source).into_iter().map(|(_, text)| text).collect();
    assert_eq!(strings, ["we", "our \"x\"", "\\\"", "told", "kin"]);
    assert!(holds("it may be", "may") && !holds("maybe dismay", "may") && !holds("x_us", "us"));
    assert_eq!(
        prose("a `may` {us} B").split_whitespace().collect::<Vec<_>>(),
        ["a", "b"]
    );
}

#[test]
fn what_people_copy_exists() {
    let changes = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    if changes.lines().filter(|line| line.starts_with("## ")).count() > 1 {
        return; // There is a release, which names itself in what people copy.
    }
    let movable = "@v1";
    let mut files = vec![root().join("README.md"), root().join("action.yml")];
    walk(&root().join("docs"), &["md"], &mut files);
    walk(&root().join("examples"), &["md", "yml"], &mut files);
    walk(&root().join(".github/workflows"), &["yml"], &mut files);
    for file in files {
        for line in fs::read_to_string(&file)
            .unwrap()
            .lines()
            .filter(|line| line.contains("org/promote-action"))
        {
            assert!(
                !line.contains(movable),
                "{}: {line}: there is no release yet",
                name(&file)
            );
        }
    }
}
