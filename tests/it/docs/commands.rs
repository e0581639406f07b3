//! Every command of the documents runs, against the sandbox; those that cannot are listed with the reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::World;

/// The languages that a block of code may be in; those of `sh` are commands.
const LANGUAGES: [&str; 7] = ["sh", "yaml", "text", "json", "diff", "csv", "rust"];

/// Beginnings of commands that cannot run here, and why.
const NOT_HERE: &[(&str, &str)] = &[
    ("gh ", "talks to GitHub"),
    ("team=$(gh ", "talks to GitHub"),
    ("for name in dev staging; do gh ", "talks to GitHub"),
    ("kubectl ", "needs a cluster"),
    ("argocd ", "needs Argo CD's client and a real Argo CD"),
    ("ssh-keygen ", "makes a key that nobody needs"),
    ("shred ", "deletes a key that is not here"),
    ("ssh-keygen ", "needs the client of OpenSSH"),
    ("docker ", "needs a released image"),
    ("install -m 755 promote-", "needs a released binary"),
    ("git show v1.2.3", "needs a release"),
    ("cargo install ", "installs from GitHub"),
    ("cargo test --workspace", "is what runs this"),
    ("cargo run --example demo", "is a step of its own in .ci/run"),
    ("cargo run --package sandbox", "runs until it is stopped"),
    (
        "set -a; . ./sandbox.env",
        "needs the sandbox that the command before it starts",
    ),
    ("cargo run -- ", "needs the sandbox that the command before it starts"),
];

struct Said {
    file: String,
    command: String,
}

/// Returns the documents that people read.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "examples/infra-repo/README.md",
    ]
    .iter()
    .map(|file| root.join(file))
    .collect();
    let pages = fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files.extend(pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    files
}

/// Returns the commands of a document: the statements of its `sh` blocks, and whole commands in its sentences.
fn commands(path: &Path) -> Vec<Said> {
    let text = fs::read_to_string(path).unwrap();
    let file = path.file_name().unwrap().to_string_lossy().into_owned();
    let mut out = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else {
            let spans = line.split('`').skip(1).step_by(2);
            let whole = spans.filter(|span| span.starts_with("promote ") && span.contains("--infra-repo "));
            out.extend(whole.map(|span| Said {
                file: file.clone(),
                command: span.to_owned(),
            }));
            continue;
        };
        assert!(
            LANGUAGES.contains(&language),
            "{file}: a block in the language {language:?}: `sh` are commands, which are run, `text` is anything else"
        );
        let block: Vec<&str> = lines
            .by_ref()
            .take_while(|line| !line.trim_start().starts_with("```"))
            .collect();
        if language == "sh" {
            out.extend(statements(&block).into_iter().map(|command| Said {
                file: file.clone(),
                command,
            }));
        }
    }
    out
}

/// Joins what belongs to one command: a line that ends in a backslash, and a text that is given as `<<WORD`.
fn statements(block: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut lines = block
        .iter()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    while let Some(line) = lines.next() {
        let mut command = (*line).to_owned();
        while command.ends_with('\\') {
            command.push('\n');
            command.push_str(lines.next().unwrap());
        }
        if let Some((_, word)) = line.split_once("<<") {
            for inner in lines.by_ref() {
                command.push('\n');
                command.push_str(inner);
                if inner == &word.trim_start_matches('-') {
                    break;
                }
            }
        }
        out.push(command);
    }
    out
}

/// Runs a command beside a sandbox, in a copy of the example's infra-repo.
fn run(said: &Said) -> Result<(), String> {
    let world = World::new();
    let folder = world.folder.path();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/infra-repo/.");
    assert!(
        Command::new("cp")
            .arg("-r")
            .args([&example, &folder.to_path_buf()])
            .status()
            .unwrap()
            .success()
    );
    let command = said
        .command
        .replace("myorg/infra-repo", &world.sandbox.infra_repo())
        .replace("https://argocd.example.com", world.sandbox.argocd.url());
    let binary = Path::new(env!("CARGO_BIN_EXE_promote")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", &command])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder)
        .env("USER", "jane")
        .env("PROMOTE_TOKEN", world.sandbox.git_token())
        .env("ARGOCD_SERVER", world.sandbox.argocd.url())
        .env("ARGOCD_AUTH_TOKEN", world.sandbox.argocd.token("ci"))
        .env("PROMOTE_SETTLE", "1s")
        .stdin(Stdio::null());
    let output = shell.output().unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{}: {}\n{}\n{}{}",
        said.file,
        said.command,
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

#[test]
fn every_command_of_the_documents_runs() {
    let all: Vec<Said> = documents().iter().flat_map(|path| commands(path)).collect();
    let cannot = |said: &Said| NOT_HERE.iter().find(|(start, _)| said.command.starts_with(start));
    for (start, why) in NOT_HERE {
        assert!(
            all.iter().any(|said| said.command.starts_with(start)),
            "no document says {start:?} any more ({why})"
        );
    }
    let can: Vec<&Said> = all.iter().filter(|said| cannot(said).is_none()).collect();
    assert!(can.len() > 15, "only {} commands were found", can.len());
    // A world each, a few at a time.
    let wrong: Vec<String> = can
        .chunks(4)
        .flat_map(|some| {
            std::thread::scope(|scope| {
                let runs: Vec<_> = some.iter().map(|said| scope.spawn(|| run(said))).collect();
                runs.into_iter().map(|run| run.join().unwrap()).collect::<Vec<_>>()
            })
        })
        .filter_map(Result::err)
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}

/// Returns where the links of a page lead to within the project: the file, and the heading.
fn links(page: &Path) -> Vec<(PathBuf, String)> {
    let text = fs::read_to_string(page).unwrap();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://"))
        .map(|target| {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let to = if file.is_empty() {
                page.to_owned()
            } else {
                page.parent().unwrap().join(file)
            };
            (to, heading.to_owned())
        })
        .collect()
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let mut dead = Vec::new();
    for path in documents() {
        for (to, heading) in links(&path) {
            let there = fs::metadata(&to).is_ok()
                && (heading.is_empty() || headings(&fs::read_to_string(&to).unwrap()).contains(&heading));
            if !there {
                dead.push(format!("{}: {}#{heading}", path.display(), to.display()));
            }
        }
    }
    assert_eq!(dead, Vec::<String>::new());
}

#[test]
fn every_page_is_two_clicks_from_the_readme() {
    let pages = |from: &Path| -> Vec<PathBuf> {
        let to = links(from).into_iter().map(|(to, _)| to);
        to.filter(|to| to.extension().is_some_and(|extension| extension == "md"))
            .map(|to| to.canonicalize().unwrap())
            .collect()
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut near = pages(&root.join("README.md"));
    near.extend(near.clone().iter().flat_map(|page| pages(page)));
    let mut far = documents();
    far.retain(|page| *page != root.join("README.md") && !near.contains(&page.canonicalize().unwrap()));
    assert_eq!(far, Vec::<PathBuf>::new(), "three clicks or more");
}

/// Returns the anchors that GitHub gives to the headings of a page.
fn headings(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| {
        line.trim_start_matches('#')
            .strip_prefix(' ')
            .filter(|_| line.starts_with('#'))
    });
    headings
        .map(|heading| {
            let kept = heading
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .collect::<String>();
            kept.replace(' ', "-")
        })
        .collect()
}
