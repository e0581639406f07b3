//! Random kustomization files of every shape that YAML has for them, and random arguments. The same seed gives the same file.

/// A small generator of numbers (splitmix64), so that a seed is all that is needed to see a file again.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % bound as u64).unwrap()
    }

    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(super) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for index in (1..list.len()).rev() {
            let other = self.below(index + 1);
            list.swap(index, other);
        }
    }
}

const NAMES: [&str; 10] = [
    "app",
    "db",
    "web",
    "reg.io/team/app",
    "reg.io:5000/app",
    "a+b",
    "App",
    "true",
    "1234",
    "x/y",
];
const TAGS: [&str; 34] = [
    "v1",
    "v2",
    "1.10",
    "1.0",
    "0123",
    "1e3",
    "y",
    "N",
    "latest",
    "main",
    "20240101",
    "2024-01-01",
    "1_000",
    "0x1F",
    "0o17",
    "12:30",
    "null",
    "~",
    "1.2.3",
    "-",
    "...",
    "true",
    "1e999",
    ".5",
    "5.",
    "+1",
    "-1",
    "706798e8",
    "off",
    "=",
    "a3f1c8b",
    "rel-7",
    "_1",
    "1.0.0+b5",
];
const ODD: [&str; 18] = [
    "a: b", "a #b", "x#y", "*foo", "&foo", "!foo", "%x", "@x", "`x", "{a}", "[a]", "a,b", "it's", "a\"b", "a\\b", " x",
    "x ", "é",
];
const DIGESTS: [&str; 3] = [
    "sha256:1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f",
    "sha256:c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0",
    "sha512:abab",
];

/// Returns arguments for `set image`.
pub(super) fn arguments(dice: &mut Dice) -> Vec<String> {
    let count = 1 + usize::from(dice.percent(25)) + usize::from(dice.percent(10));
    (0..count).map(|_| argument(dice)).collect()
}

fn argument(dice: &mut Dice) -> String {
    let name = dice.pick(&NAMES);
    let tag = if dice.percent(8) {
        dice.pick(&ODD)
    } else {
        dice.pick(&TAGS)
    };
    let digest = dice.pick(&DIGESTS);
    match dice.below(16) {
        0..=3 => format!("{name}:{tag}"),
        4..=6 => format!("{name}=*:{tag}"),
        7 => format!("{name}@{digest}"),
        8 => format!("{name}=*@{digest}"),
        9 => format!("{name}:{tag}@{digest}"),
        10 => format!("{name}=reg.io/moved:{tag}"),
        11 => format!("{name}=reg.io/moved"),
        12 => format!("{name}=*:*@{digest}"),
        13 => format!("{name}=*:{tag}@*"),
        14 => format!("{name}="),
        _ => format!("{name}=:{tag}"),
    }
}

/// A file in the making.
struct File<'d> {
    dice: &'d mut Dice,
    out: String,
    eol: &'static str,
    mixed: bool,
    /// The field that an anchor `t` stands at, once there is one.
    anchor: Option<&'static str>,
}

impl File<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        let crlf = if self.mixed {
            self.dice.percent(50)
        } else {
            self.eol == "\r\n"
        };
        self.out.push_str(if crlf { "\r\n" } else { "\n" });
    }

    /// Something between lines that means nothing.
    fn noise(&mut self, indent: usize) {
        match self.dice.below(12) {
            0 => self.line(""),
            1 => self.line(&format!("{}# note: images", " ".repeat(indent))),
            2 => self.line("   "),
            _ => {}
        }
    }

    fn comment(&mut self) -> &'static str {
        if self.dice.percent(15) { " # why" } else { "" }
    }

    /// Writes a value so that it is read as a text, mostly; `next` indents a value on the next line.
    fn value(&mut self, text: &str, next: usize, flow: bool) -> String {
        let plain = is_safe_plain(text);
        let single = format!("'{}'", text.replace('\'', "''"));
        let double = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let bare = text.to_owned();
        match 10 * usize::from(!plain || self.dice.percent(50)) + self.dice.below(10) {
            10..=12 => double,
            13..=15 => single,
            16 if !flow && plain => format!("\n{}{text}", " ".repeat(next)),
            17 if !flow => format!("|-\n{}{}", " ".repeat(next), text.trim_start()),
            18 if plain => format!("!!str {text}"),
            // A number or a boolean: kustomize refuses the file unless this is repaired.
            19 if self.dice.percent(20) && !flow => self.dice.pick(&["1.10", "y", "0123", "12"]).to_owned(),
            _ if plain => bare,
            _ => double,
        }
    }

    fn fields(&mut self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("name", self.dice.pick(&NAMES).to_owned())];
        if self.dice.percent(75) {
            fields.push(("newTag", self.dice.pick(&TAGS).to_owned()));
        }
        if self.dice.percent(30) {
            fields.push(("newName", "reg.io/old".to_owned()));
        }
        if self.dice.percent(25) {
            fields.push(("digest", self.dice.pick(&DIGESTS).to_owned()));
        }
        if self.dice.percent(8) {
            fields.push(("tagSuffix", "-alpine".to_owned()));
        }
        if self.dice.percent(1) {
            fields.push(("tag", "unknown".to_owned()));
        }
        if self.dice.percent(40) {
            self.dice.shuffle(&mut fields);
        }
        fields
    }

    fn key(&mut self, key: &str, json: bool) -> String {
        match self.dice.below(60) {
            _ if json => format!("\"{key}\""),
            0 => format!("\"{key}\""),
            1 => format!("'{key}'"),
            2 => key.to_ascii_lowercase(),
            3 => format!("{key} "),
            _ => key.to_owned(),
        }
    }

    fn flow_entry(&mut self, json: bool, spread: Option<usize>) -> String {
        let mut parts = Vec::new();
        for (key, text) in self.fields() {
            let key = self.key(key, json);
            let value = if json {
                format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
            } else {
                self.value(&text, 0, true)
            };
            parts.push(format!("{key}: {value}"));
        }
        let trailing = if !json && self.dice.percent(10) { "," } else { "" };
        match spread {
            Some(indent) => {
                let inner = " ".repeat(indent + 2);
                format!(
                    "{{\n{inner}{}{trailing}\n{}}}",
                    parts.join(&format!(",\n{inner}")),
                    " ".repeat(indent)
                )
            }
            None if self.dice.percent(20) => format!("{{ {} {trailing}}}", parts.join(" , ")),
            None => format!("{{{}{trailing}}}", parts.join(", ")),
        }
    }

    fn block_entry(&mut self, dash: usize) {
        let gap = [1, 1, 1, 2, 3][self.dice.below(5)];
        let indent = dash + 1 + gap;
        let mut prefix = format!("{}-{}", " ".repeat(dash), " ".repeat(gap));
        let mut keys = indent;
        match self.dice.below(30) {
            0 => {
                self.line(&format!("{}-", " ".repeat(dash)));
                prefix = " ".repeat(indent);
            }
            1 => {
                self.line(&format!("{}- # an entry", " ".repeat(dash)));
                prefix = " ".repeat(indent);
            }
            2 => {
                let entry = self.flow_entry(false, None);
                let comment = self.comment();
                self.line(&format!("{prefix}{entry}{comment}"));
                return;
            }
            3 => {
                let entry = self.flow_entry(false, Some(indent));
                self.line(&format!("{prefix}{entry}"));
                return;
            }
            4 => {
                keys = dash + 2;
                self.line(&format!("{}- &e{}", " ".repeat(dash), self.out.len()));
                prefix = " ".repeat(keys);
            }
            _ => {}
        }
        for (key, text) in self.fields() {
            let mut value = self.value(&text, keys + 2, false);
            let is_line = !value.contains('\n') && !value.starts_with('!');
            match self.anchor {
                None if is_line && self.dice.percent(2) => {
                    self.anchor = Some(key);
                    value = format!("&t {value}");
                }
                Some(anchored) if key != "name" && anchored != "name" && self.dice.percent(20) => {
                    "*t".clone_into(&mut value);
                }
                _ => {}
            }
            let key = self.key(key, false);
            let comment = if value.contains('\n') { "" } else { self.comment() };
            self.line(&format!("{prefix}{key}: {value}{comment}"));
            prefix = " ".repeat(keys);
            self.noise(keys);
        }
    }

    fn images(&mut self, indent: usize) {
        let key = if self.dice.percent(4) { "imageTags" } else { "images" };
        let key = self.key(key, false);
        match self.dice.below(16) {
            0 => {
                let empty = self.dice.pick(&["", " []", " ~", " null", " # none", " [ ]"]);
                self.line(&format!("{key}:{empty}"));
            }
            1 => {
                let entries: Vec<String> = (0..=self.dice.below(2)).map(|_| self.flow_entry(false, None)).collect();
                self.line(&format!("{key}: [{}]", entries.join(", ")));
            }
            2 => {
                self.line(&format!("{key}: ["));
                let count = 1 + self.dice.below(3);
                for index in 0..count {
                    let entry = self.flow_entry(false, None);
                    let comma = if index + 1 < count || self.dice.percent(40) {
                        ","
                    } else {
                        ""
                    };
                    let comment = self.comment();
                    self.line(&format!("  {entry}{comma}{comment}"));
                }
                self.line("]");
            }
            _ => {
                let comment = self.comment();
                self.line(&format!("{key}:{comment}"));
                if self.dice.percent(3) {
                    let pad = " ".repeat(indent);
                    self.line(&format!("{pad}- &m"));
                    self.line(&format!("{pad}  name: merged"));
                    self.line(&format!("{pad}  newTag: v7"));
                    let name = self.dice.pick(&NAMES[..3]);
                    self.line(&format!("{pad}- <<: *m"));
                    self.line(&format!("{pad}  name: {name}"));
                }
                for _ in 0..=self.dice.below(3) {
                    self.noise(indent);
                    self.block_entry(indent);
                }
            }
        }
    }

    fn section(&mut self, which: usize, indent: usize) {
        let pad = " ".repeat(indent);
        let comment = self.comment();
        match which {
            0 => self.line("apiVersion: kustomize.config.k8s.io/v1beta1"),
            1 => self.line(&format!("kind: Kustomization{comment}")),
            2 => self.line(&format!("namespace: \"prod\"{comment}")),
            3 => {
                self.line("resources:");
                self.line(&format!("{pad}- a.yaml{comment}"));
                self.noise(indent);
                self.line(&format!("{pad}- b.yaml"));
            }
            4 => {
                self.line("configMapGenerator:");
                self.line(&format!("{pad}- name: c"));
                self.line(&format!("{pad}  literals:"));
                let header = self.dice.pick(&["|-", "|", ">-", "|2-"]);
                self.line(&format!("{pad}  - {header}"));
                self.line(&format!("{pad}      images: 1"));
                self.line(&format!("{pad}      - name: app"));
            }
            5 => {
                self.line("commonLabels:");
                self.line("  images: app");
                self.line("  newTag: \"1\"");
            }
            6 => {
                self.line("patches:");
                self.line(&format!("{pad}- patch: |-"));
                self.line(&format!("{pad}    a: 1"));
                self.line(&format!("{pad}    images:"));
                self.line(&format!("{pad}    - name: app"));
                self.line(&format!("{pad}  target: {{kind: Deployment, name: x}}"));
            }
            7 => self.line("replicas: [{name: app, count: 3}]"),
            _ => {
                self.line("labels:");
                self.line(&format!("{pad}- pairs: {{a: \"b\"}}"));
                self.line(&format!("{pad}  includeSelectors: true"));
            }
        }
    }

    fn json(&mut self) {
        let pretty = self.dice.percent(60);
        let tab = self.dice.percent(30);
        let unit = if tab { "\t" } else { "  " };
        let entries: Vec<String> = (0..self.dice.below(4)).map(|_| self.flow_entry(true, None)).collect();
        let (head, tail) = ("\"kind\": \"Kustomization\"", "\"namespace\": \"prod\"");
        if pretty {
            let list = if entries.is_empty() {
                "[]".to_owned()
            } else {
                format!("[\n{unit}{unit}{}\n{unit}]", entries.join(&format!(",\n{unit}{unit}")))
            };
            let images = if self.dice.percent(85) {
                format!(",\n{unit}\"images\": {list}")
            } else {
                String::new()
            };
            self.line(&format!("{{\n{unit}{head}{images},\n{unit}{tail}\n}}"));
        } else {
            self.line(&format!("{{{head}, \"images\": [{}], {tail}}}", entries.join(", ")));
        }
    }
}

/// Whether the text is a text without quotes, to every reader and everywhere.
fn is_safe_plain(text: &str) -> bool {
    let letter = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let simple = text.chars().all(|c| c.is_ascii_alphanumeric() || "./:_-+".contains(c));
    let words = ["y", "N", "null", "true", "off"];
    (letter && simple && !words.contains(&text)) || text == "1.2.3"
}

/// Returns a file.
pub(super) fn file(dice: &mut Dice) -> String {
    let crlf = dice.percent(12);
    let mixed = dice.percent(4);
    let mut file = File {
        dice,
        out: String::new(),
        eol: if crlf { "\r\n" } else { "\n" },
        mixed,
        anchor: None,
    };
    if file.dice.percent(8) {
        file.json();
        return file.out;
    }
    if file.dice.percent(3) {
        file.out.push('\u{feff}');
    }
    if file.dice.percent(10) {
        file.line("# head");
    }
    if file.dice.percent(15) {
        let marker = file.dice.pick(&["---", "--- # start"]);
        file.line(marker);
    }
    let mut sections: Vec<usize> = (0..9).filter(|_| file.dice.percent(45)).collect();
    file.dice.shuffle(&mut sections);
    let has_images = file.dice.percent(85);
    let at = file.dice.below(sections.len() + 1);
    let indent = [0, 0, 2, 2, 1, 4][file.dice.below(6)];
    for (index, section) in sections.iter().enumerate() {
        if has_images && index == at {
            file.images(indent);
        }
        file.noise(0);
        file.section(*section, indent);
    }
    if has_images && at == sections.len() {
        file.images(indent);
    }
    match file.dice.below(20) {
        0 => file.line("..."),
        1 => file.line("# the end"),
        2 => file.line("---"),
        3 => file.line(""),
        4..=6 => {
            let length = file.out.trim_end_matches(['\n', '\r']).len();
            file.out.truncate(length);
        }
        _ => {}
    }
    if crlf && !mixed {
        // Values over several lines were written with bare line feeds.
        file.out = file.out.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    file.out
}
