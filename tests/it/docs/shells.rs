//! Completions and the manual page, as the real shells and `man` read them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{run, skipped};

fn printed(words: &[&str]) -> String {
    let ran = run(Path::new("/"), &[], words).exits(0);
    assert_eq!(ran.stderr, "");
    ran.stdout
}

/// Runs a program with a text on stdin, and returns what it said; `None` where there is no such program.
fn ask(program: &str, args: &[&str], stdin: &str) -> Option<(String, String)> {
    let started = Command::new(program)
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        skipped(&format!("{program} is not installed"));
        return None;
    };
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Some((text(output.stdout), text(output.stderr)))
}

/// What is typed, and words that are and are not offered for the last of it.
const TYPED: &[(&[&str], &[&str], &[&str])] = &[
    (&["pl"], &["plan"], &["wait", "promote"]),
    (&["--sy"], &["--sync"], &["--tag"]),
    (
        &["plan", "--"],
        &["--app", "--from", "--token-file"],
        &["--commit", "--dir", "--token"],
    ),
    (&["wait", "--"], &["--commit", "--sync", "--help"], &["--tag", "--dir"]),
    (&["set-image", "--"], &["--dir", "--output"], &["--app", "--token-file"]),
    (&["wait", "--sync", ""], &["auto", "trigger", "never"], &["--sync"]),
    (&["--on-pause", "s"], &["succeed"], &["wait", "fail"]),
    (&["completions", ""], &["bash", "zsh", "fish"], &["--app"]),
];

#[track_caller]
fn offers(shell: &str, mut complete: impl FnMut(&[&str]) -> String) {
    for (words, wanted, unwanted) in TYPED {
        let said = complete(words);
        let offered: Vec<&str> = said.split_whitespace().collect();
        for word in *wanted {
            assert!(
                offered.contains(word),
                "{shell}: {words:?} does not offer {word}: {said}"
            );
        }
        for word in *unwanted {
            assert!(!offered.contains(word), "{shell}: {words:?} offers {word}: {said}");
        }
    }
}

#[test]
fn bash_completes_commands_flags_and_words() {
    let script = printed(&["completions", "bash"]);
    if ask("bash", &["--version"], "").is_none() {
        return;
    }
    offers("bash", |words| {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let call = format!(
            "set -e\ncompopt() {{ :; }}\n{script}\nCOMP_WORDS=(promote {})\nCOMP_CWORD={}\n_promote promote \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\nprintf '%s\\n' \"${{COMPREPLY[@]:-}}\"\n",
            quoted.join(" "),
            words.len()
        );
        let (out, err) = ask("bash", &["--norc"], &call).unwrap();
        assert_eq!(err, "", "{words:?}");
        out
    });
    // bash hands `--sync=t` over in three words.
    let (out, _) = ask(
        "bash",
        &["--norc"],
        &format!("{script}\nCOMP_WORDS=(promote --sync = t)\nCOMP_CWORD=3\n_promote promote t =\necho \"${{COMPREPLY[@]}}\"\n"),
    )
    .unwrap();
    assert_eq!(out, "trigger\n");
}

#[test]
fn fish_completes_commands_flags_and_words() {
    let script = printed(&["completions", "fish"]);
    if ask("fish", &["--version"], "").is_none() {
        return;
    }
    offers("fish", |words| {
        let call = format!("{script}\ncomplete -C 'promote {}'\n", words.join(" "));
        let (out, err) = ask("fish", &["--no-config"], &call).unwrap();
        assert_eq!(err, "", "{words:?}");
        // A word and, behind a tab, what it is.
        let words = out.lines().filter_map(|line| line.split('\t').next());
        words.collect::<Vec<_>>().join("\n")
    });
}

/// Its completion lives in the line editor, and that on a terminal: an inner zsh gets one, and writes down what it would offer.
const INNER_ZSH: &str = r#"
PROMPT=
autoload -Uz compinit && compinit -D -u
source FOLDER/script
bindkey '^I' complete-word
compadd() {
  local -a hits
  builtin compadd -O hits "$@"
  print -rl -- $hits >> FOLDER/offered
  builtin compadd "$@"
}
tell() { : > FOLDER/done }
comppostfuncs=(tell)
: > FOLDER/ready
"#;

const OUTER_ZSH: &str = r#"
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "source FOLDER/inner"
repeat 3000; do [[ -e FOLDER/ready ]] && break; zpty -r -t inner line; sleep 0.01; done
zpty -w -n inner "promote TYPED"$'\t'
repeat 3000; do [[ -e FOLDER/done ]] && break; zpty -r -t inner line; sleep 0.01; done
zpty -d inner
"#;

#[test]
fn zsh_completes_commands_flags_and_words() {
    let script = printed(&["completions", "zsh"]);
    if ask("zsh", &["--version"], "").is_none() {
        return;
    }
    let (_, err) = ask("zsh", &["-f", "-n"], &script).unwrap();
    assert_eq!(err, "");
    offers("zsh", |words| {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let here = folder.path().to_str().unwrap();
        std::fs::write(path("script"), &script).unwrap();
        std::fs::write(path("inner"), INNER_ZSH.replace("FOLDER", here)).unwrap();
        let outer = OUTER_ZSH.replace("FOLDER", here).replace("TYPED", &words.join(" "));
        ask("zsh", &["-f"], &outer).unwrap();
        assert!(path("done").exists(), "{words:?}: nothing was completed");
        std::fs::read_to_string(path("offered")).unwrap_or_default()
    });
}

#[test]
fn man_reads_its_page_without_a_warning() {
    let page = printed(&["man"]);
    let Some((out, err)) = ask("man", &["--warnings", "--local-file", "-"], &page) else {
        return;
    };
    assert_eq!(err, "");
    for text in [
        "promote - promotes an image",
        "--infra-repo",
        "an environment variable decides",
        "--token-file",
        "EXIT STATUS",
        "9 superseded",
    ] {
        assert!(out.contains(text), "{text} in\n{out}");
    }
}

#[test]
fn what_cannot_be_printed_says_what_can() {
    for words in [
        &["completions"][..],
        &["completions", "csh"],
        &["completions", "bash", "x"],
    ] {
        run(Path::new("/"), &[], words)
            .exits(2)
            .says("one of bash, zsh, fish, elvish, powershell");
    }
    run(Path::new("/"), &[], &["man", "plan"]).exits(2).says("man -l -");
    run(Path::new("/"), &[], &["completions", "--help"])
        .exits(0)
        .says("completions");
}
