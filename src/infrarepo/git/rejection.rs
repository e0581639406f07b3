//! Decides what a refused push means: a lost race is tried again, a rule of the host is said with its name and a way out. Pure.

use crate::model::{Fault, RefName};

/// What a refusal means for the run.
#[derive(Debug)]
pub(in crate::infrarepo) enum Refusal {
    /// Somebody else moved the branch, or holds its lock at this moment.
    LostRace,
    /// The push did not arrive in whole, or the server is not well: it may be sent again.
    Passing(Fault),
    /// Trying again cannot help.
    Rule(Fault),
}

/// Words of git, and of hosts that run it, for a branch that is not where it was.
const RACES: [&str; 10] = [
    "fetch first",
    "non-fast-forward",
    "stale info",
    "cannot lock ref",
    "failed to lock",
    "incorrect old value",
    "failed to update ref",
    "atomic push failed",
    "reference already exists",
    "but expected",
];

/// Reasons of a host that is not well: GitHub gives the first for every branch of a push then.
const UNWELL: [&str; 3] = ["internal server error", "service unavailable", "timed out"];

/// Sorts a refusal by the server's reason and by the words that came beside it.
pub(in crate::infrarepo) fn classify(reason: &str, words: &str, reference: &RefName, place: &str) -> Refusal {
    // A hook's words may speak of locks and locking: the reason alone tells a race.
    let short = reason.to_ascii_lowercase();
    let race = RACES.iter().any(|part| short.contains(part));
    // Hooks that let a push pass may talk, too: beside a race only what is said as an error counts.
    let heard = words.lines().filter(|line| !race || is_error(line));
    let both = heard.fold(reason.to_owned(), |all, line| format!("{all}\n{line}"));
    // A branch may be called `mirror`.
    let both = both.replace(reference.as_str(), "").to_ascii_lowercase();
    let says = |part: &str| both.contains(part);
    let rule = RULES.iter().find(|(parts, _, _)| parts.iter().any(|part| says(part)));
    if rule.is_none() && race {
        return Refusal::LostRace;
    }
    // What git says whose input ended before the pack did; the connection carried the answer all the same.
    if short.starts_with("unpack:") && says("early eof") {
        return Refusal::Passing(Fault::unreachable(format!(
            "the push did not reach {place} in whole ({reason})"
        )));
    }
    if rule.is_none() && UNWELL.iter().any(|part| short.contains(part)) {
        return Refusal::Passing(Fault::unreachable(format!(
            "{place} cannot take the push now ({reason})"
        )));
    }
    let said = shown(words);
    let (what, hint) = rule.map_or(
        (
            "the server refused",
            "ask the owner of the repository what its server checks",
        ),
        |(_, what, hint)| (*what, *hint),
    );
    let mut message = format!("push to {} of {place}: {what} ({reason})", reference.short());
    if !said.is_empty() {
        message = format!("{message}. The server said: {said}");
    }
    Refusal::Rule(Fault::denied(message).hint(hint))
}

fn is_error(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("remote:").trim_start();
    line.starts_with("error:") || line.starts_with("fatal:")
}

type Rule = (&'static [&'static str], &'static str, &'static str);

/// Parts of the server's words in lower case, what they mean, and the action; the first that fits counts.
/// The texts are those of GitHub (codes GH…), GitLab, Bitbucket and git itself.
const RULES: [Rule; 15] = [
    (
        &["verified signature", "commits must be signed", "unsigned commits"],
        "a rule requires signed commits",
        "set `via: api` (GitHub then signs the commit), or let the token's identity bypass the signature rule of this branch",
    ),
    (
        &[
            "must be made through a pull request",
            "must be made through the merge queue",
            "changes must be made through a merge request",
        ],
        "a rule requires a pull request",
        "set `via: pull-request`, or let the token's identity bypass the rule of this branch",
    ),
    (
        &["required status check"],
        "a rule requires status checks first",
        "let the token's identity bypass the rule of this branch",
    ),
    (
        &["push cannot contain secrets", "secret scanning"],
        "secret push protection found a secret in the change",
        "look at the server's words for the file and line",
    ),
    (
        &["gh013", "repository rule violations"],
        "a ruleset of the repository forbids it",
        "let the token's identity bypass the ruleset (Settings → Rules)",
    ),
    (
        &["to protected branches on this project"],
        "the branch is protected",
        "let the token's identity push to the protected branch (Settings → Repository → Protected branches)",
    ),
    (
        &["tf402455"],
        "a branch policy of Azure DevOps wants a pull request",
        "let the token's identity bypass branch policies when pushing (Project settings → Repositories → Security)",
    ),
    (
        &["gh006", "protected branch", "branch is protected"],
        "the branch is protected",
        "let the token's identity push to the protected branch (Settings → Branches)",
    ),
    (
        &["gh007", "private email", "email privacy"],
        "the author's mail address is private on the host",
        "set `author` to an address that GitHub allows",
    ),
    (
        &["create or update workflow", "workflow scope", "`workflow` scope"],
        "the token has no permission to change workflow files",
        "promote files outside .github/workflows",
    ),
    (
        &[
            "permission to",
            "not allowed to push",
            "insufficient permission",
            "access denied",
        ],
        "the token has no write permission",
        "grant `contents: write` on the infra-repo to the token",
    ),
    (
        &["archived", "read-only", "read only", "readonly", "mirror"],
        "the repository is read-only",
        "unarchive the repository, or wait until the host takes writes again",
    ),
    (
        &[
            "quota",
            "storage limit",
            "size limit",
            "no space left",
            "over its limit",
        ],
        "a limit of the host is reached",
        "free storage of the repository, or raise its limit",
    ),
    (
        &["unpack:"],
        "the server could not take the objects",
        "check the log of the git server: the repository there can be damaged or full",
    ),
    (
        &["hook declined", "pre-receive hook", "update hook"],
        "a hook of the server declined",
        "look at the hook's words for what it checks",
    ),
];

/// Returns the words on one line and bounded, without the prefixes that a terminal would get.
fn shown(words: &str) -> String {
    let lines = words
        .split(['\n', '\r'])
        .map(|line| line.trim().trim_start_matches("remote:").trim())
        .filter(|line| !line.is_empty());
    let joined = lines.collect::<Vec<_>>().join(" | ");
    let mut rest = joined.chars().filter(|c| !c.is_control());
    let mut out: String = rest.by_ref().take(1000).collect();
    if rest.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reason: &str, words: &str) -> Refusal {
        classify(
            reason,
            words,
            &RefName::parse("refs/heads/main").unwrap(),
            "https://host/a",
        )
    }

    #[test]
    fn a_moved_branch_is_a_lost_race() {
        for reason in [
            "fetch first",
            "non-fast-forward",
            "failed to update ref",
            "incorrect old value provided",
            "cannot lock ref 'refs/heads/main': is at a but expected b",
            "atomic push failed",
        ] {
            assert!(matches!(of(reason, ""), Refusal::LostRace), "{reason}");
            let talk = "remote: quota: 12 % used\nremote: mirror is said\nerror: cannot lock ref 'refs/heads/main': is at a but expected b";
            assert!(matches!(of(reason, talk), Refusal::LostRace), "{reason}");
            for no in [
                "error: GH006: Protected branch update failed",
                "fatal: write: No space left on device",
            ] {
                assert!(matches!(of(reason, no), Refusal::Rule(_)), "{reason}: {no}");
            }
        }
        let branch = RefName::parse("refs/heads/mirror/quota").unwrap();
        let reason = "cannot lock ref 'refs/heads/mirror/quota': is at a but expected b";
        let of_branch = classify(reason, &format!("error: {reason}"), &branch, "https://host/a");
        assert!(matches!(of_branch, Refusal::LostRace));
    }

    #[test]
    fn a_push_that_did_not_arrive_in_whole_or_met_an_unwell_server_may_be_sent_again() {
        let reason = "unpack: unpack-objects abnormal exit";
        assert!(matches!(of(reason, "fatal: early EOF"), Refusal::Passing(_)));
        assert!(matches!(of(reason, "fatal: bad object"), Refusal::Rule(_)));
        let unwell = "remote: Internal Server Error\nremote: Request ID 65EF:1EC443";
        assert!(matches!(of("Internal Server Error", unwell), Refusal::Passing(_)));
        assert!(matches!(of("hook declined", unwell), Refusal::Rule(_)));
        assert!(matches!(of("hook declined", "early eof bird"), Refusal::Rule(_)));
    }

    #[test]
    fn rules_are_told_with_a_way_out_and_never_tried_again() {
        let gh013 = "remote: error: GH013: Repository rule violations found for refs/heads/main.\nremote: - Changes must be made through a pull request.";
        for (reason, words, what) in [
            (
                "protected branch hook declined",
                "error: GH006: Protected branch update failed",
                "is protected",
            ),
            ("push declined due to repository rule violations", gh013, "pull request"),
            (
                "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.",
                "",
                "branch policy of Azure DevOps",
            ),
            (
                "push declined due to repository rule violations",
                "- Commits must have verified signatures.",
                "signed",
            ),
            (
                "pre-receive hook declined",
                "no deploys on friday",
                "no deploys on friday",
            ),
            ("hook declined", "cannot lock the door", "hook"),
            (
                "permission denied",
                "Permission to a/b denied to c",
                "no write permission",
            ),
            ("unpack: index-pack abnormal exit", "", "objects"),
            ("shallow update not allowed", "", "refused"),
            (
                "refusing to allow a GitHub App to create or update workflow `x`",
                "",
                "workflow",
            ),
            ("repository is archived", "", "read-only"),
            ("pre-receive hook declined", "quota of 1 GB exceeded", "limit"),
            ("pre-receive hook declined", "the subject exceeds 50 characters", "hook"),
            (
                "pre-receive hook declined",
                "File x is 134 MB; this exceeds GitHub's file size limit",
                "limit",
            ),
        ] {
            let Refusal::Rule(fault) = of(reason, words) else {
                panic!("{reason} would be tried again");
            };
            assert!(fault.to_string().contains(what), "{reason}: {fault}");
            assert_eq!(fault.hints.len(), 1);
        }
        let gitlab = "GitLab: You are not allowed to push code to protected branches on this project.";
        let Refusal::Rule(fault) = of("pre-receive hook declined", gitlab) else {
            panic!("a protected branch is final");
        };
        assert!(fault.hints[0].contains("Settings → Repository"), "{fault:?}");
    }

    #[test]
    fn the_servers_words_are_bounded_and_on_one_line() {
        let Refusal::Rule(fault) = of("hook declined", &"remote: a\u{1b}[31m\n".repeat(1000)) else {
            panic!("a hook's no is final");
        };
        let text = fault.to_string();
        assert!(text.len() < 1500 && !text.contains('\n') && !text.contains('\u{1b}'));
        assert!(text.ends_with('…'));
        assert_eq!(shown("\u{1b}[1mno"), "[1mno");
    }
}
