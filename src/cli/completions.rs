//! Completions for bash, zsh and fish, made from the declarations of commands and inputs. They know words and files, and ask no server.

use super::inputs::COMMAND;
use super::table;
use crate::inputs::{InputKind, InputSpec};
use crate::model::Command;

/// The shells that completions are made for.
pub(super) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What is offered behind a flag.
enum Offer {
    /// One of these words.
    Words(&'static [&'static str]),
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A value that only a person knows.
    Something,
    /// It stands alone.
    Nothing,
}

/// A flag.
struct Flag {
    /// With its dashes.
    name: String,
    about: String,
    commands: Vec<&'static str>,
    repeatable: bool,
    offer: Offer,
}

fn flags() -> Vec<Flag> {
    let inputs = table::all().filter(|spec| spec.name != COMMAND.name).map(of_input);
    let own = [
        ("--help", "Help; after a command, its own", Offer::Nothing),
        ("--verbose", "Tell more about what happens", Offer::Nothing),
        ("--version", "The version", Offer::Nothing),
        ("--dir", "The folder that holds the kustomization", Offer::Folder),
    ];
    let own = own.into_iter().map(|(name, about, offer)| Flag {
        name: name.to_owned(),
        about: about.to_owned(),
        commands: match offer {
            Offer::Folder => vec![Command::SetImage.name()],
            _ => Command::NAMES.to_vec(),
        },
        repeatable: false,
        offer,
    });
    inputs.chain(own).collect()
}

fn of_input(spec: &InputSpec) -> Flag {
    let commands: Vec<&str> = spec.commands().map(Command::name).collect();
    let short = spec.help.split([':', ';']).next().unwrap_or_default();
    let short = short.split(". ").next().unwrap_or_default();
    Flag {
        name: spec.flag(),
        about: short.trim_end_matches('.').replace('`', ""),
        commands,
        repeatable: spec.is_repeatable(),
        offer: match spec.kind {
            InputKind::Choice(words) | InputKind::Choices(words) => Offer::Words(words),
            InputKind::Bool => Offer::Words(&["true", "false"]),
            InputKind::File | InputKind::Secret | InputKind::SecretLines => Offer::File,
            InputKind::Text | InputKind::Address | InputKind::List | InputKind::Lines | InputKind::Duration => {
                Offer::Something
            }
        },
    }
}

/// Returns the names of a command's flags.
fn names(flags: &[Flag], command: &str) -> String {
    let flags = flags.iter().filter(|flag| flag.commands.contains(&command));
    flags.map(|flag| flag.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// The words that stand in the first place: the commands, and what is printed for a shell.
fn first_words() -> Vec<(&'static str, &'static str)> {
    let commands = Command::ALL.iter().map(|command| (command.name(), command.about()));
    let printed = [
        ("completions", "print completions for bash, zsh or fish"),
        ("man", "print the manual page"),
    ];
    commands.chain(printed).collect()
}

/// Returns the completions for bash.
pub(super) fn bash() -> String {
    let (flags, shells) = (flags(), SHELLS.join(" "));
    let values = bash_values(&flags);
    let commands = Command::NAMES
        .iter()
        .map(|command| format!("    {command}) flags='{}' ;;\n", names(&flags, command)))
        .collect::<Vec<_>>()
        .concat();
    let first: Vec<&str> = first_words().into_iter().map(|(word, _)| word).collect();
    format!(
        "# Completions of promote for bash: source <(promote completions bash)\n\
         _promote() {{\n\
         \x20 local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} flags\n\
         \x20 COMPREPLY=()\n\
         \x20 # bash takes `--flag=value` for three words.\n\
         \x20 if [ \"$cur\" = = ]; then cur=; elif [ \"$prev\" = = ]; then prev=${{COMP_WORDS[COMP_CWORD-2]}}; fi\n\
         \x20 case $prev in\n\
         \x20   completions) mapfile -t COMPREPLY < <(compgen -W '{shells}' -- \"$cur\"); return ;;\n{values}\x20 esac\n\
         \x20 case ${{COMP_WORDS[1]}} in\n{commands}\x20   completions|man) return ;;\n\
         \x20   *) flags='{}' ;;\n\
         \x20 esac\n\
         \x20 if [ \"$COMP_CWORD\" = 1 ] && [[ $cur != -* ]]; then flags='{}'; fi\n\
         \x20 mapfile -t COMPREPLY < <(compgen -W \"$flags\" -- \"$cur\")\n\
         }}\n\
         complete -F _promote promote\n",
        names(&flags, Command::Promote.name()),
        first.join(" "),
    )
}

/// Returns what is offered behind each flag, as branches of a `case`.
fn bash_values(flags: &[Flag]) -> String {
    flags
        .iter()
        .filter_map(|flag| {
            let offer = match flag.offer {
                Offer::Words(words) => {
                    format!("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$cur\")", words.join(" "))
                }
                Offer::File => "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")".to_owned(),
                Offer::Folder => "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")".to_owned(),
                Offer::Something => ":".to_owned(),
                Offer::Nothing => return None,
            };
            Some(format!("    {}) {offer}; return ;;\n", flag.name))
        })
        .collect::<Vec<_>>()
        .concat()
}

/// Returns the completions for zsh.
pub(super) fn zsh() -> String {
    let (flags, shells) = (flags(), SHELLS.join(" "));
    let spec = |flag: &Flag| {
        let star = if flag.repeatable { "*" } else { "" };
        let about = flag
            .about
            .replace('\'', "'\\''")
            .replace('[', "\\[")
            .replace(']', "\\]")
            .replace(':', "\\:");
        let (equals, offer) = match flag.offer {
            Offer::Words(["true", "false"]) => ("=-", "::word:(true false)".to_owned()),
            Offer::Words(words) => ("=", format!(":word:({})", words.join(" "))),
            Offer::File => ("=", ":file:_files".to_owned()),
            Offer::Folder => ("=", ":folder:_files -/".to_owned()),
            Offer::Something => ("=", ":value: ".to_owned()),
            Offer::Nothing => ("", String::new()),
        };
        format!("        '{star}{}{equals}[{about}]{offer}' \\\n", flag.name)
    };
    let of = |command: &str| {
        let flags = flags.iter().filter(|flag| flag.commands.contains(&command));
        flags.map(spec).collect::<Vec<_>>().concat()
    };
    let commands = Command::NAMES
        .iter()
        .filter(|name| **name != Command::Promote.name())
        .map(|name| format!("    {name})\n      _arguments \\\n{}        '*: :' ;;\n", of(name)))
        .collect::<Vec<_>>()
        .concat();
    let first = first_words()
        .into_iter()
        .map(|(word, about)| format!("    '{word}:{}'\n", about.replace('\'', "'\\''")))
        .collect::<Vec<_>>()
        .concat();
    format!(
        "#compdef promote\n\
         # Completions of promote for zsh: source <(promote completions zsh), or a file named _promote in $fpath\n\
         _promote() {{\n\
         \x20 local -a first\n  first=(\n{first}  )\n\
         \x20 if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then _describe command first; return; fi\n\
         \x20 case $words[2] in\n\
         \x20   completions) _values shell {shells} ;;\n\
         \x20   man) ;;\n\
         {commands}\x20   *)\n      _arguments \\\n{}        '*: :' ;;\n\
         \x20 esac\n\
         }}\n\
         if [ \"$funcstack[1]\" = _promote ]; then _promote \"$@\"; else compdef _promote promote; fi\n",
        of(Command::Promote.name())
    )
}

/// Returns the completions for fish.
pub(super) fn fish() -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let (names, shells) = (Command::NAMES.join(" "), SHELLS.join(" "));
    let mut out = vec![format!(
        "# Completions of promote for fish: promote completions fish | source\n\
         function __promote_command --description 'whether the command is one of these'\n\
         \x20 set -l words (commandline -opc)\n\
         \x20 set -l command {}\n\
         \x20 if set -q words[2]; and contains -- $words[2] {names} completions man\n\
         \x20   set command $words[2]\n\
         \x20 end\n\
         \x20 contains -- $command $argv\n\
         end\n\
         complete -c promote -f\n\
         complete -c promote -n '__promote_command completions' -a '{shells}'\n",
        Command::Promote.name()
    )];
    for (word, about) in first_words() {
        out.push(format!(
            "complete -c promote -n __fish_use_subcommand -a {word} -d {}\n",
            quoted(about)
        ));
    }
    for flag in flags() {
        let offer = match flag.offer {
            Offer::Words(["true", "false"]) => "-a 'true false'".to_owned(),
            Offer::Words(words) => format!("-x -a '{}'", words.join(" ")),
            Offer::File => "-r -F".to_owned(),
            Offer::Folder => "-x -a '(__fish_complete_directories)'".to_owned(),
            Offer::Something => "-x".to_owned(),
            Offer::Nothing => String::new(),
        };
        out.push(format!(
            "complete -c promote -n '__promote_command {}' -l {} {offer} -d {}\n",
            flag.commands.join(" "),
            flag.name.trim_start_matches('-'),
            quoted(&flag.about)
        ));
    }
    out.concat()
}
