//! The inputs that say where the infra-repo is, and how and as whom it is written.

use crate::inputs::{InputKind, InputSpec};
use crate::model::Part;

/// `infra-repo`.
pub const INFRA_REPO: InputSpec = InputSpec {
    name: "infra-repo",
    kind: InputKind::Address,
    absent: "Required",
    help: "Repository that holds the pins: `owner/name` on this GitHub, `https://…`, `git@HOST:PATH` or `ssh://…` (with `ssh-key`), or a bare repository as path or `file://…`. Plain `http://…` is only for loopback and cluster-internal hosts. It can hold `{environment}`.",
    common: true,
    example: "myorg/infra-repo",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `aliases`.
pub const ALIASES: InputSpec = InputSpec {
    name: "aliases",
    kind: InputKind::List,
    absent: "Default: none",
    help: "Further addresses of the infra-repo, as Argo CD can name it: another host for ssh, an address inside the cluster, a proxy. The \
           addresses of GitHub, GitLab, Bitbucket, Azure DevOps and Gitea for one repository are known without it.",
    example: "git@git-ssh.example.com:myorg/infra-repo.git",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `branch`.
pub const BRANCH: InputSpec = InputSpec {
    name: "branch",
    absent: "Default: the repository's default branch",
    help: "Branch that receives the commit. It can hold `{environment}` where each environment has a branch of its own; `from` then reads \
           the branch of that environment.",
    example: "main",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `token`.
pub const TOKEN: InputSpec = InputSpec {
    name: "token",
    kind: InputKind::Secret,
    absent: "Default: `github-token`, if the infra-repo is the repository of this run",
    help: "Token for the infra-repo's host. Needs `contents: write`. Mint it for a GitHub App in the step before.",
    common: true,
    example: "${{ steps.app-token.outputs.token }}",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `github-app-client-id`.
pub const APP_CLIENT_ID: InputSpec = InputSpec {
    name: "github-app-client-id",
    absent: "Required when `github-app-private-key` is set",
    help: "Client ID of a GitHub App that is installed on the infra-repo. promote mints a token for that repository alone, renews it in a \
           long run, and revokes it at the end. Takes the place of `token`.",
    example: "Iv23liAbCdEfGhIjKlMn",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `github-app-private-key`.
pub const APP_PRIVATE_KEY: InputSpec = InputSpec {
    name: "github-app-private-key",
    kind: InputKind::Secret,
    absent: "Required when `github-app-client-id` is set",
    help: "Private key of the GitHub App, as the PEM text that GitHub generated.",
    example: "${{ secrets.PROMOTE_APP_PRIVATE_KEY }}",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `username`.
pub const USERNAME: InputSpec = InputSpec {
    name: "username",
    absent: "Default: the user of the address (`https://USER@HOST/…`), else the one that the host's tokens are sent with",
    help: "User name that the token belongs to, for hosts that want one: AWS CodeCommit, GitLab deploy tokens, API tokens of Bitbucket Cloud.",
    example: "deploy-bot",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `github-token`.
pub const GITHUB_TOKEN: InputSpec = InputSpec {
    name: "github-token",
    kind: InputKind::Secret,
    action_default: Some("${{ github.token }}"),
    absent: "Default: none outside a workflow",
    help: "Token for the repository of this run. promote never sends it to another repository's host.",
    example: "${{ github.token }}",
    laptop: &["GH_TOKEN"],
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `ssh-key`.
pub const SSH_KEY: InputSpec = InputSpec {
    name: "ssh-key",
    kind: InputKind::Secret,
    absent: "Required for an ssh address in a step; on a laptop, ssh-agent has the key",
    help: "Private key of a deploy key with write access, as text in OpenSSH or PEM format, without a passphrase.",
    example: "${{ secrets.INFRA_REPO_DEPLOY_KEY }}",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `ssh-known-hosts`.
pub const SSH_KNOWN_HOSTS: InputSpec = InputSpec {
    name: "ssh-known-hosts",
    kind: InputKind::Lines,
    absent: "Default: GitHub's host keys; on a laptop also `~/.ssh/known_hosts`",
    help: "Host keys of the infra-repo's host, as `ssh-keyscan HOST` prints them, in addition to GitHub's. Compare the fingerprint first.",
    example: "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI…",
    part: Part::Repository,
    ..InputSpec::PLAIN
};

/// `via`.
pub const VIA: InputSpec = InputSpec {
    name: "via",
    kind: InputKind::Choice(&["push", "api", "pull-request"]),
    default: Some("push"),
    help: "How the commit lands. `push` moves the branch, only if its head is still the commit that the change was planned on. `api` does \
           the same through GitHub's API, so that GitHub signs the commit. `pull-request` opens or updates a pull request.",
    example: "push",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `author`.
pub const AUTHOR: InputSpec = InputSpec {
    name: "author",
    default: Some("promote-action <promote-action@noreply.invalid>"),
    help: "Author and committer of the commit, as `Name <mail>`. Not with `via: api`: there GitHub sets the owner of the token.",
    example: "Deploy Bot <deploy@example.com>",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// All of them.
pub const ALL: [InputSpec; 12] = [
    INFRA_REPO,
    ALIASES,
    BRANCH,
    TOKEN,
    USERNAME,
    GITHUB_TOKEN,
    APP_CLIENT_ID,
    APP_PRIVATE_KEY,
    SSH_KEY,
    SSH_KNOWN_HOSTS,
    VIA,
    AUTHOR,
];
