//! The inputs that say where the infra-repo is, and how and as whom it is written.

use crate::inputs::{InputKind, InputSpec};
use crate::model::Part;

/// `infra-repo`.
pub const INFRA_REPO: InputSpec = InputSpec {
    name: "infra-repo",
    kind: InputKind::Address,
    absent: "required",
    help: "The repository that holds the pins: `owner/name` on this GitHub, an `https://…` address, `git@HOST:PATH` or `ssh://…` (with `ssh-key`), \
           or the path (or `file://…`) of a bare repository. Plain `http://…` only on loopback and inside the cluster.",
    example: "myorg/infra-repo",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `branch`.
pub const BRANCH: InputSpec = InputSpec {
    name: "branch",
    absent: "the remote's default branch",
    help: "The branch that is promoted on.",
    example: "main",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `token`.
pub const TOKEN: InputSpec = InputSpec {
    name: "token",
    kind: InputKind::Secret,
    absent: "`github-token`, if the infra-repo is the repository of this run",
    help: "The token for the infra-repo's host. It needs `contents: write` there; the best one is minted for a GitHub App in the step before.",
    example: "${{ steps.app-token.outputs.token }}",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `github-token`.
pub const GITHUB_TOKEN: InputSpec = InputSpec {
    name: "github-token",
    kind: InputKind::Secret,
    action_default: Some("${{ github.token }}"),
    absent: "none outside a workflow",
    help: "The token for the repository of this run. It is never sent to another repository's host.",
    example: "${{ github.token }}",
    laptop: &["GH_TOKEN"],
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `ssh-key`.
pub const SSH_KEY: InputSpec = InputSpec {
    name: "ssh-key",
    kind: InputKind::Secret,
    absent: "required with an ssh address in a step; on a laptop ssh-agent is asked",
    help: "The private half of a deploy key that may write, as text: OpenSSH's format or PEM, without a passphrase. For an infra-repo with an ssh address.",
    example: "${{ secrets.INFRA_REPO_DEPLOY_KEY }}",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `ssh-known-hosts`.
pub const SSH_KNOWN_HOSTS: InputSpec = InputSpec {
    name: "ssh-known-hosts",
    kind: InputKind::Lines,
    absent: "GitHub's keys, which are built in; on a laptop also `~/.ssh/known_hosts`",
    help: "Lines of `known_hosts` for the infra-repo's host, as `ssh-keyscan HOST` prints them (compare the fingerprint first). They are added to GitHub's.",
    example: "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `via`.
pub const VIA: InputSpec = InputSpec {
    name: "via",
    kind: InputKind::Choice(&["push"]),
    default: Some("push"),
    help: "How the commit lands: `push` moves the branch, and only if it is still where the change was planned.",
    example: "push",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `author`.
pub const AUTHOR: InputSpec = InputSpec {
    name: "author",
    default: Some("promote-action <promote-action@noreply.invalid>"),
    help: "Author and committer of the commit, as `Name <mail>`.",
    example: "Deploy Bot <deploy@example.com>",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// All of them.
pub const ALL: [InputSpec; 8] = [
    INFRA_REPO,
    BRANCH,
    TOKEN,
    GITHUB_TOKEN,
    SSH_KEY,
    SSH_KNOWN_HOSTS,
    VIA,
    AUTHOR,
];
