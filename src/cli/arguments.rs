//! Reads the command line. Knows flags and words, not what they mean together.

use std::ffi::OsString;

use lexopt::{Arg, Parser};

use super::inputs::COMMAND;
use super::table;
use crate::inputs::{InputKind, InputSpec};
use crate::model::{Command, Secret, nearest};

/// What the command line says.
#[derive(Default)]
pub(super) struct Arguments {
    /// Inputs given as flags: input, text, flag. A repeated flag's texts are joined by lines.
    pub(super) given: Vec<(&'static InputSpec, String, String)>,
    /// Files that hold secrets: input, file (`-` is stdin), flag.
    pub(super) secret_files: Vec<(&'static InputSpec, String, String)>,
    /// `--dir` of `set-image`.
    pub(super) dir: Option<String>,
    /// The words after `--`, or after `set-image`.
    pub(super) words: Vec<String>,
    /// `--help`.
    pub(super) help: bool,
    /// `--version`.
    pub(super) version: bool,
    /// `--verbose`.
    pub(super) verbose: bool,
    /// Secrets that stood on the command line, where they do not belong.
    pub(super) spilled: Vec<Secret>,
    /// What is wrong.
    pub(super) mistakes: Vec<String>,
}

/// Flags that are no inputs.
const OWN: [&str; 4] = ["help", "version", "verbose", "dir"];

/// Reads the arguments, without the program's name.
#[must_use]
pub(super) fn read(args: &[OsString]) -> Arguments {
    let mut out = Arguments::default();
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (flags, words) = args.split_at(end);
    let mut parser = Parser::from_args(flags.iter().cloned());
    loop {
        let arg = match parser.next() {
            Ok(Some(arg)) => arg,
            Ok(None) => break,
            Err(error) => {
                out.mistakes.push(error.to_string());
                continue;
            }
        };
        match arg {
            Arg::Short('h') => out.help = true,
            Arg::Short('v') => out.verbose = true,
            Arg::Short('V') => out.version = true,
            Arg::Short(other) => out.mistakes.push(format!("`-{other}` is no flag: see --help")),
            Arg::Long(name) => {
                let name = name.to_owned();
                out.flag(&name, &mut parser);
            }
            Arg::Value(word) => out.word(&word.to_string_lossy()),
        }
    }
    let rest = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    out.words.extend(rest);
    out
}

impl Arguments {
    /// Returns the command word, if there is one.
    pub(super) fn command(&self) -> Option<&str> {
        let said = self.given.iter().find(|(spec, ..)| spec.name == COMMAND.name);
        said.map(|(_, word, _)| word.as_str())
    }

    fn word(&mut self, word: &str) {
        match self.command() {
            None if word == "help" => self.help = true,
            None => self
                .given
                .push((&COMMAND, word.to_owned(), "the command line".to_owned())),
            Some(command) if command == Command::SetImage.name() => self.words.push(word.to_owned()),
            Some(command) => self.mistakes.push(format!(
                "{word:?} is one word too many after `{command}`: inputs are flags, such as --app {word}"
            )),
        }
    }

    fn flag(&mut self, name: &str, parser: &mut Parser) {
        match name {
            "help" => self.help = true,
            "version" => self.version = true,
            "verbose" => self.verbose = true,
            "dir" => self.dir = self.value("--dir", parser),
            _ => match table::find(name) {
                Some(spec) if spec.is_secret() => self.spill(spec, parser),
                Some(spec) if spec.kind == InputKind::Bool => {
                    let text = boolean(parser);
                    self.input(spec, text);
                }
                Some(spec) => {
                    if let Some(text) = self.value(&spec.flag(), parser) {
                        self.input(spec, text);
                    }
                }
                None => match table::all().find(|spec| spec.is_secret() && spec.flag() == format!("--{name}")) {
                    Some(spec) => self.secret_file(spec, parser),
                    None => self.unknown(name, parser),
                },
            },
        }
    }

    fn value(&mut self, flag: &str, parser: &mut Parser) -> Option<String> {
        let value = parser.value().ok().map(|value| value.to_string_lossy().into_owned());
        if value.is_none() {
            self.mistakes
                .push(format!("`{flag}` has no value: give one as {flag} VALUE"));
        }
        value
    }

    fn input(&mut self, spec: &'static InputSpec, text: String) {
        let flag = spec.flag();
        match self.given.iter_mut().find(|(given, ..)| given.name == spec.name) {
            None => self.given.push((spec, text, flag)),
            Some((_, known, _)) if spec.is_repeatable() => {
                known.push('\n');
                known.push_str(&text);
            }
            Some(_) => self
                .mistakes
                .push(format!("`{flag}` is given twice: it takes one value")),
        }
    }

    fn secret_file(&mut self, spec: &'static InputSpec, parser: &mut Parser) {
        let flag = spec.flag();
        let Some(file) = self.value(&flag, parser) else { return };
        if self.secret_files.iter().any(|(given, ..)| given.name == spec.name) {
            self.mistakes
                .push(format!("`{flag}` is given twice: it takes one file"));
        } else if file == "-" && self.secret_files.iter().any(|(_, other, _)| other == "-") {
            self.mistakes.push(format!(
                "`{flag} -`: stdin is already read for another secret; give a file"
            ));
        } else {
            self.secret_files.push((spec, file, flag));
        }
    }

    /// A secret's value on the command line: refused, since every process of the machine can read it there.
    fn spill(&mut self, spec: &InputSpec, parser: &mut Parser) {
        let text = parser.optional_value().or_else(|| next_word(parser));
        self.spilled
            .extend(text.map(|text| Secret::new(text.to_string_lossy().into_owned())));
        self.mistakes.push(format!(
            "`--{}` would show the secret in the list of processes: give a file as {} FILE (`-` is stdin), or {} in the environment",
            spec.name,
            spec.flag(),
            spec.variable()
        ));
    }

    fn unknown(&mut self, name: &str, parser: &mut Parser) {
        // Its value, if it has one, is no word of its own; and it is not shown: it may be anything.
        if parser.optional_value().is_none() {
            next_word(parser);
        }
        let flags: Vec<String> = table::all()
            .filter(|spec| spec.name != COMMAND.name)
            .map(|spec| spec.flag().trim_start_matches('-').to_owned())
            .chain(OWN.map(str::to_owned))
            .collect();
        let right = match nearest(name, flags.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `--{near}`?"),
            None => "see --help".to_owned(),
        };
        self.mistakes.push(format!("`--{name}` is no flag: {right}"));
    }
}

/// Reads what follows a boolean flag: nothing is `true`; a word belongs to it if it is a boolean.
fn boolean(parser: &mut Parser) -> String {
    if let Some(text) = parser.optional_value() {
        return text.to_string_lossy().into_owned();
    }
    let is_boolean = |word: &OsString| {
        let word = word.to_string_lossy().to_ascii_lowercase();
        word == "true" || word == "false"
    };
    let mut next = None;
    if let Some(mut rest) = parser.try_raw_args()
        && rest.peek().is_some_and(|word| is_boolean(&word.to_owned()))
    {
        next = rest.next();
    }
    next.map_or_else(|| "true".to_owned(), |word| word.to_string_lossy().into_owned())
}

/// Takes the next argument if it is no flag.
fn next_word(parser: &mut Parser) -> Option<OsString> {
    let mut rest = parser.try_raw_args()?;
    let flag = rest.peek()?.to_string_lossy().starts_with('-');
    if flag { None } else { rest.next() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Arguments {
        read(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn given(args: &Arguments) -> Vec<(&str, &str)> {
        args.given
            .iter()
            .map(|(spec, text, _)| (spec.name, text.as_str()))
            .collect()
    }

    #[test]
    fn values_stand_behind_a_space_or_an_equals_sign_and_lists_repeat() {
        let args = parse(&["plan", "--app", "a", "--app=b", "--tag=v1"]);
        assert_eq!(args.mistakes, Vec::<String>::new());
        assert_eq!(given(&args), [("command", "plan"), ("app", "a\nb"), ("tag", "v1")]);
    }

    #[test]
    fn a_bare_boolean_is_true_and_takes_only_a_boolean_along() {
        for (args, right) in [
            (&["--wait"][..], "true"),
            (&["--wait=false"], "false"),
            (&["--wait", "false"], "false"),
            (&["--wait", "--tag=v1"], "true"),
            (&["--wait=yes"], "yes"),
        ] {
            assert_eq!(given(&parse(args))[0], ("wait", right), "{args:?}");
        }
        assert_eq!(
            given(&parse(&["--wait", "plan"])),
            [("wait", "true"), ("command", "plan")]
        );
    }

    #[test]
    fn a_secret_has_no_value_flag_and_is_not_echoed() {
        for args in [&["--token", "hunter2"][..], &["--token=hunter2"]] {
            let args = parse(args);
            assert_eq!(args.mistakes.len(), 1);
            assert!(args.mistakes[0].contains("--token-file"), "{:?}", args.mistakes);
            assert!(!args.mistakes[0].contains("hunter2"));
            assert_eq!(args.spilled[0].expose(), "hunter2");
            assert!(args.given.is_empty());
        }
        let args = parse(&["--token-file", "-", "--argocd-token-file=x"]);
        assert_eq!(args.secret_files.len(), 2);
        assert_eq!(
            parse(&["--token-file", "-", "--argocd-token-file", "-"]).mistakes.len(),
            1
        );
    }

    #[test]
    fn the_nearest_flag_is_offered_and_every_mistake_is_kept() {
        let args = parse(&["--imgae", "x", "--zzzzzzz", "--tag", "a", "--tag", "b", "-x", "--app"]);
        let all = args.mistakes.join("\n");
        assert_eq!(args.mistakes.len(), 5, "{all}");
        assert!(all.contains("did you mean `--image`?"), "{all}");
        assert!(all.contains("`--tag` is given twice"), "{all}");
        assert!(all.contains("`--app` has no value"), "{all}");
    }

    #[test]
    fn the_words_of_set_image_are_its_own() {
        let args = parse(&["set-image", "--dir", "d", "--", "a=b:c", "--tag"]);
        assert_eq!(args.dir.as_deref(), Some("d"));
        assert_eq!(args.words, ["a=b:c", "--tag"]);
        assert!(args.mistakes.is_empty());
        assert_eq!(parse(&["plan", "api"]).mistakes.len(), 1);
    }
}
