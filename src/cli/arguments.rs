//! Reads the command line. Knows flags and words, not what they mean together; clap splits them, and every mistake is kept.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, parser::ValueSource};

use super::flags;
use super::inputs::COMMAND;
use super::table;
use crate::inputs::{InputKind, InputSpec};
use crate::model::{Command, Secret, counted, nearest};

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
    /// `--verbose`.
    pub(super) verbose: bool,
    /// Secrets that stood on the command line, where they do not belong.
    pub(super) spilled: Vec<Secret>,
    /// Whether a first word is there that is no command.
    pub(super) unknown_command: bool,
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
    let (before, after) = args.split_at(end);
    let set_image = before.first().is_some_and(|word| word == Command::SetImage.name());
    let mut reader = flags::reader(set_image);
    let mut rest = joined(before);
    // Each round takes at least one argument away.
    for _ in 0..=args.len() {
        let words = std::iter::once(OsString::from("promote")).chain(rest.iter().cloned());
        match reader.try_get_matches_from_mut(words) {
            Ok(matches) => {
                out.take(&matches);
                break;
            }
            Err(error) => {
                if !out.put_aside(&error, &mut rest) {
                    out.mistakes
                        .push("the command line cannot be read: see promote --help".to_owned());
                    break;
                }
            }
        }
    }
    let after = after.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
    out.words.extend(after);
    out
}

/// Joins a boolean flag and the boolean behind it, which may be left out.
fn joined(args: &[OsString]) -> Vec<OsString> {
    let is_bool = |arg: &OsString| {
        let name = arg.to_str().and_then(|arg| arg.strip_prefix("--"));
        name.and_then(table::find)
            .is_some_and(|spec| spec.kind == InputKind::Bool)
    };
    let mut out: Vec<OsString> = Vec::with_capacity(args.len());
    for arg in args {
        let boolean = ["true", "false"].iter().any(|word| arg.eq_ignore_ascii_case(word));
        match out.last_mut() {
            Some(flag) if boolean && is_bool(flag) => {
                flag.push("=");
                flag.push(arg);
            }
            _ => out.push(arg.clone()),
        }
    }
    out
}

impl Arguments {
    /// Returns the command that is named, rightly.
    pub(super) fn command(&self) -> Option<Command> {
        let said = self.given.iter().find(|(spec, ..)| spec.name == COMMAND.name);
        said.and_then(|(_, word, _)| Command::parse(word))
    }

    /// Takes over what clap has read.
    fn take(&mut self, matches: &ArgMatches) {
        let texts = |name: &str| -> Vec<String> {
            let source = matches
                .try_contains_id(name)
                .ok()
                .and_then(|_| matches.value_source(name));
            if source != Some(ValueSource::CommandLine) {
                return Vec::new();
            }
            let values = matches.get_many::<OsString>(name).into_iter().flatten();
            values.map(|text| text.to_string_lossy().into_owned()).collect()
        };
        self.verbose = matches.get_count(flags::VERBOSE) > 0;
        self.words_of(texts(flags::WORDS));
        let dirs = texts(flags::DIR);
        self.once("--dir", &dirs, "value");
        self.dir = dirs.into_iter().next();
        for spec in table::all().filter(|spec| spec.name != COMMAND.name) {
            let given = texts(spec.name);
            if given.is_empty() {
                self.spill(spec, &texts, matches);
                continue;
            }
            let flag = spec.flag();
            if spec.is_secret() {
                self.once(&flag, &given, "file");
                self.secret_files
                    .extend(given.into_iter().take(1).map(|file| (spec, file, flag.clone())));
            } else {
                if !spec.is_repeatable() {
                    self.once(&flag, &given, "value");
                }
                self.given.push((spec, given.join("\n"), flag));
            }
            self.spill(spec, &texts, matches);
        }
        let mut stdin = self.secret_files.iter().filter(|(_, file, _)| file == "-").skip(1);
        if let Some((_, _, flag)) = stdin.next() {
            self.mistakes
                .push(format!("`{flag} -`: another secret reads stdin already: use a file"));
        }
        self.hold_against_command();
    }

    fn once(&mut self, flag: &str, given: &[String], what: &str) {
        if given.len() > 1 {
            self.mistakes
                .push(format!("`{flag}` is given twice: it takes one {what}"));
        }
    }

    /// A secret's value on the command line: refused, since every process of the machine can read it there.
    fn spill(&mut self, spec: &InputSpec, texts: &impl Fn(&str) -> Vec<String>, matches: &ArgMatches) {
        let name = format!("{}{}", flags::SPILLED, spec.name);
        let there = matches
            .try_contains_id(&name)
            .is_ok_and(|_| matches.value_source(&name) == Some(ValueSource::CommandLine));
        if !there {
            return;
        }
        self.spilled.extend(texts(&name).into_iter().map(Secret::new));
        self.mistakes.push(format!(
            "`--{}` would show the secret in the list of processes: use {} FILE (`-` is stdin), or {} in the environment",
            spec.name,
            spec.flag(),
            spec.variable()
        ));
    }

    /// Takes the first word for the command, and what follows it where a command has words. A word that does not belong there is never
    /// shown: it could be a secret whose flag is misspelt.
    fn words_of(&mut self, words: Vec<String>) {
        let mut words = words.into_iter();
        let Some(first) = words.next() else { return };
        let Some(command) = Command::parse(&first) else {
            self.mistakes.push(super::pages::no_command(&first, ""));
            self.unknown_command = true;
            return;
        };
        self.given.push((&COMMAND, first, "the command line".to_owned()));
        let rest: Vec<String> = words.collect();
        if command == Command::SetImage {
            self.words.extend(rest);
        } else if !rest.is_empty() {
            self.mistakes.push(format!(
                "{} too many after `{}`: inputs are flags, such as --app NAME",
                counted(rest.len(), "word"),
                command.name()
            ));
        }
    }

    /// Notes flags that the command does not take.
    fn hold_against_command(&mut self) {
        if self.unknown_command {
            return;
        }
        let command = self.command().unwrap_or(Command::Promote);
        let given = self.given.iter().filter(|(spec, ..)| spec.name != COMMAND.name);
        let all = given.chain(&self.secret_files);
        let strange = all.filter(|(spec, ..)| !spec.is_taken_by(command));
        let mistakes: Vec<String> = strange.map(|(spec, ..)| not_of(spec, command)).collect();
        self.mistakes.extend(mistakes);
        let strange =
            |(spec, ..): &(&'static InputSpec, String, String)| spec.name == COMMAND.name || spec.is_taken_by(command);
        self.given.retain(strange);
        self.secret_files.retain(strange);
        if command != Command::SetImage && self.dir.is_some() {
            self.mistakes.push(format!(
                "`--dir` is not a flag of `{}`: only `set-image` takes it",
                command.name()
            ));
        }
    }

    /// Notes what clap complains about, and takes it out. Returns whether it was found.
    fn put_aside(&mut self, error: &clap::Error, rest: &mut Vec<OsString>) -> bool {
        let Some(ContextValue::String(named)) = error.get(ContextKind::InvalidArg) else {
            return false;
        };
        // With its value's name, where it is a flag that clap knows: `--app <TEXT>`.
        let named = match named.split_once([' ', '=', '[']) {
            Some((flag, _)) if !rest.iter().any(|arg| arg.to_str() == Some(named.as_str())) => flag,
            _ => named.as_str(),
        };
        let is_it = |arg: &OsString| {
            let arg = arg.to_string_lossy();
            let flag = arg.split('=').next().unwrap_or_default();
            if named.starts_with("--") {
                return flag == named || arg == named;
            }
            let short = named.trim_start_matches('-');
            arg.starts_with('-') && !arg.starts_with("--") && arg.contains(short)
        };
        let mut places = rest.iter().enumerate().filter(|(_, arg)| is_it(arg));
        let lacks_value = error.kind() != ErrorKind::UnknownArgument;
        // A flag that lacks its value is the last of that name.
        let place = if lacks_value { places.next_back() } else { places.next() };
        let Some((at, _)) = place else { return false };
        let arg = rest.remove(at);
        if lacks_value {
            self.mistakes.push(format!("`{named}` has no value: use {named} VALUE"));
            return true;
        }
        self.unknown(&arg.to_string_lossy(), rest, at);
        true
    }

    /// Notes a flag that nobody knows. What follows it is no word of its own, and is neither shown nor used: it can be anything.
    fn unknown(&mut self, arg: &str, rest: &mut Vec<OsString>, at: usize) {
        let (flag, value) = match arg.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (arg, None),
        };
        let value = value.or_else(|| {
            let follows = rest.get(at).is_some_and(|word| {
                let word = word.to_string_lossy();
                !word.starts_with('-') && Command::parse(&word).is_none()
            });
            follows.then(|| rest.remove(at).to_string_lossy().into_owned())
        });
        let name = flag.trim_start_matches('-');
        let flags: Vec<String> = table::all()
            .filter(|spec| spec.name != COMMAND.name)
            .map(|spec| spec.flag().trim_start_matches('-').to_owned())
            .chain(OWN.map(str::to_owned))
            .collect();
        let known = table::all().find(|spec| spec.flag() == flag);
        let near = nearest(name, flags.iter().map(String::as_str)).or_else(|| {
            let secrets = table::all().filter(|spec| spec.is_secret());
            let near = nearest(name, secrets.map(|spec| spec.name))?;
            flags
                .iter()
                .map(String::as_str)
                .find(|flag| flag.trim_end_matches("-file") == near)
        });
        let is_secret = near.is_some_and(|near| {
            table::all().any(|spec| spec.is_secret() && spec.flag().trim_start_matches('-') == near)
        });
        if is_secret {
            self.spilled.extend(value.map(Secret::new));
        }
        let shown = match flag.strip_prefix("--") {
            Some(_) => flag.to_owned(),
            None => flag.chars().take(2).collect(),
        };
        self.mistakes.push(match (known, near) {
            (Some(spec), _) => not_of(spec, Command::SetImage),
            (None, Some(near)) => format!("`{shown}` is not a flag: did you mean `--{near}`?"),
            (None, None) => format!("`{shown}` is not a flag: see promote --help"),
        });
    }
}

/// Says that a command does not take a flag, and which do.
fn not_of(spec: &InputSpec, command: Command) -> String {
    let takers: Vec<&str> = spec.commands().map(Command::name).collect();
    format!(
        "`{}` is not a flag of `{}`: only of `{}`",
        spec.flag(),
        command.name(),
        takers.join("`, `")
    )
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
        let args = parse(&["--app", "a", "plan"]);
        assert_eq!(args.command(), Some(Command::Plan));
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
            let args = parse(args);
            assert!(given(&args).contains(&("wait", right)), "{:?}", given(&args));
        }
        assert_eq!(
            given(&parse(&["--wait", "plan"])),
            [("command", "plan"), ("wait", "true")]
        );
    }

    #[test]
    fn a_secret_has_no_value_flag_and_is_not_echoed() {
        for args in [&["--token", "hunter2"][..], &["--token=hunter2"]] {
            let args = parse(args);
            assert_eq!(args.mistakes.len(), 1, "{:?}", args.mistakes);
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
    fn what_could_be_a_secret_in_the_wrong_place_is_never_shown() {
        for args in [
            &["--tokne", "hunter2"][..],
            &["--tokne=hunter2"],
            &["--token-fil", "hunter2"],
            &["--argocd-tokn", "hunter2"],
            &["-token", "hunter2"],
            &["-token=hunter2"],
            &["--token=", "hunter2"],
            &["hunter2"],
            &["plan", "hunter2"],
            &["plan", "--app", "api", "hunter2", "more"],
            &["--nothing-like-it", "hunter2"],
            &["-zhunter2"],
        ] {
            let parsed = parse(args);
            let said = parsed.mistakes.join("\n");
            assert!(!said.is_empty() && !said.contains("hunter2"), "{args:?}: {said}");
        }
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
    fn every_flag_is_held_against_the_command() {
        for spec in table::all().filter(|spec| spec.name != COMMAND.name) {
            for command in Command::ALL.iter().copied() {
                let flag = format!("{}=x", spec.flag());
                let said = parse(&[command.name(), &flag]).mistakes.join("\n");
                let refused = said.contains("is not a flag of");
                assert_ne!(
                    refused,
                    spec.is_taken_by(command),
                    "{flag} of {}: {said}",
                    command.name()
                );
            }
        }
        assert_eq!(parse(&["plan", "--dir", "x"]).mistakes.len(), 1);
    }

    #[test]
    fn an_unknown_command_says_which_there_are() {
        let said = parse(&["plann", "--tag", "x"]);
        assert!(said.unknown_command && said.mistakes.len() == 1);
        assert!(
            said.mistakes[0].contains("did you mean `promote plan`?"),
            "{:?}",
            said.mistakes
        );
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
