//! Decides what it means that a host ends git's program before it answers: from its words and the exit code. Pure.

use crate::infrarepo::git::carrier::{CallError, Service};
use crate::model::Fault;

/// How much of a host's words is shown, in characters.
const MOST_SHOWN: usize = 300;

/// What a host said before it ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    /// What came on stderr, foreign.
    pub(super) words: String,
    /// The exit code, if there is one.
    pub(super) code: Option<u32>,
}

/// Sorts an early end. `place` is the repository, `host` its host.
pub(super) fn of(ending: &Ending, service: Service, place: &str, host: &str) -> CallError {
    let words = shown(&ending.words);
    let lower = words.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let said = if words.is_empty() {
        String::new()
    } else {
        format!(". The server said: {words:?}")
    };
    if says(&READ_ONLY) {
        let fault = Fault::denied(format!("the deploy key can only read {place}{said}"));
        let hint = "let the key write: on GitHub, delete it and add it again with `Allow write access` (Settings → Deploy keys)";
        return CallError::Final(fault.hint(hint));
    }
    if says(&MISSING) {
        let fault = Fault::denied(format!("{place} is missing, or the key cannot see it{said}"));
        let hint = "check the spelling of `infra-repo`, and that its deploy key is the one that `ssh-key` belongs to";
        return CallError::Final(fault.hint(hint));
    }
    if says(&DENIED) {
        let verb = if service == Service::ReceivePack {
            "write to"
        } else {
            "read"
        };
        let fault = Fault::denied(format!("the key has no permission to {verb} {place}{said}"));
        return CallError::Final(fault.hint("give the key access to the infra-repo on its host"));
    }
    if ending.code == Some(127) || says(&["command not found", "invalid command", "unknown command"]) {
        let fault = Fault::denied(format!("{host} does not run {}{said}", service.name()));
        return CallError::Final(fault.hint("check `infra-repo`: the host of the address must serve git over ssh"));
    }
    match ending.code {
        // Without an exit code nobody ended it: the connection did.
        None => CallError::Lost {
            fault: Fault::unreachable(format!(
                "the connection to {host} ended before {} answered{said}",
                service.name()
            )),
            after: None,
        },
        Some(code) => CallError::Strange(Fault::unreachable(format!(
            "{} of {place} ended with exit code {code} and no answer{said}",
            service.name()
        ))),
    }
}

/// Words of GitHub and GitLab for a key that may not write.
const READ_ONLY: [&str; 3] = [
    "marked as read only",
    "read-only",
    "this deploy key does not have write access",
];
/// Words of GitHub, GitLab, Bitbucket, Gitea and git for a repository that is not there, or not for this key.
const MISSING: [&str; 7] = [
    "repository not found",
    "could not be found",
    "does not appear to be a git repository",
    "not a git repository",
    "does not exist",
    "no such file or directory",
    "cannot find repository",
];
/// Words for what is forbidden.
const DENIED: [&str; 4] = ["permission", "denied", "not allowed", "forbidden"];

/// Returns the words on one line, without the prefixes of a terminal, and bounded.
fn shown(words: &str) -> String {
    let lines = words.split(['\n', '\r']).map(|line| {
        let line = line.trim().trim_start_matches("remote:").trim();
        line.trim_matches('=').trim()
    });
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let one = lines.join(" | ");
    let mut out: String = one.chars().filter(|c| !c.is_control()).take(MOST_SHOWN).collect();
    if out.len() < one.len() && out.chars().count() == MOST_SHOWN {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;

    fn sorted(words: &str, code: Option<u32>, service: Service) -> CallError {
        let ending = Ending {
            words: words.to_owned(),
            code,
        };
        of(&ending, service, "git@github.com:o/r.git", "github.com")
    }

    #[test]
    fn what_hosts_say_is_understood_and_not_tried_again() {
        for (words, code, part) in [
            (
                "ERROR: The key you are authenticating with has been marked as read only.\r\n",
                1,
                "can only read",
            ),
            (
                "ERROR: Repository not found.\r\n",
                1,
                "is missing, or the key cannot see it",
            ),
            (
                "remote: \nremote: ========\nremote: \nremote: The project you were looking for could not be found or you don't have permission to view it.\n",
                1,
                "is missing",
            ),
            (
                "fatal: '/srv/x' does not appear to be a git repository",
                128,
                "is missing",
            ),
            (
                "ERROR: Permission to o/r.git denied to deploy key",
                1,
                "no permission to write to",
            ),
            (
                "sh: 1: git-receive-pack: not found",
                127,
                "does not run git-receive-pack",
            ),
        ] {
            let CallError::Final(fault) = sorted(words, Some(code), Service::ReceivePack) else {
                panic!("{words} would be tried again");
            };
            assert_eq!(fault.outcome, Outcome::Denied);
            assert!(fault.to_string().contains(part), "{fault}");
            assert!(!fault.to_string().contains("===") && fault.hints.len() == 1, "{fault}");
        }
    }

    #[test]
    fn an_end_without_a_code_is_a_lost_connection() {
        assert!(matches!(sorted("", None, Service::UploadPack), CallError::Lost { .. }));
        assert!(matches!(
            sorted("fatal: out of memory", Some(128), Service::UploadPack),
            CallError::Strange(_)
        ));
    }

    #[test]
    fn foreign_words_are_bounded_and_on_one_line() {
        let CallError::Strange(fault) = sorted(&"a\u{1b}[31m\n".repeat(500), Some(1), Service::UploadPack) else {
            panic!("nothing is known of it");
        };
        let text = fault.to_string();
        assert!(
            text.len() < 600 && !text.contains('\n') && !text.contains('\u{1b}'),
            "{text}"
        );
    }
}
