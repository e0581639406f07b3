//! The inputs of `via: pull-request`: who merges it, how long that may take, and whom GitHub asks to look at it.

use crate::inputs::{InputKind, InputSpec};
use crate::model::Part;

/// `merge`.
pub const MERGE: InputSpec = InputSpec {
    name: "merge",
    kind: InputKind::Choice(&["none", "auto", "now"]),
    default: Some("none"),
    help: "Who merges the pull request of `via: pull-request`. `none`: a person. `auto`: GitHub, as soon as the rules of the branch allow it \
           (auto-merge or the merge queue). `now`: promote.",
    example: "auto",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `merge-timeout`.
pub const MERGE_TIMEOUT: InputSpec = InputSpec {
    name: "merge-timeout",
    kind: InputKind::Duration,
    default: Some("0s"),
    help: "Maximum time to wait for the merge of the pull request. `0s` ends the run as `proposed` once the pull request is open. With a \
           longer time, promote follows the commit that the merge made.",
    example: "30m",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `pull-request-labels`.
pub const LABELS: InputSpec = InputSpec {
    name: "pull-request-labels",
    kind: InputKind::List,
    absent: "Default: none",
    help: "Labels of the pull request. GitHub creates those that do not exist.",
    example: "promotion, production",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `pull-request-reviewers`.
pub const REVIEWERS: InputSpec = InputSpec {
    name: "pull-request-reviewers",
    kind: InputKind::List,
    absent: "Default: none",
    help: "Users whom GitHub asks for a review of the pull request.",
    example: "octocat, hubot",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `pull-request-team-reviewers`.
pub const TEAM_REVIEWERS: InputSpec = InputSpec {
    name: "pull-request-team-reviewers",
    kind: InputKind::List,
    absent: "Default: none",
    help: "Teams of the organization whom GitHub asks for a review, by their slugs. The token needs `members: read`.",
    example: "platform",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `pull-request-assignees`.
pub const ASSIGNEES: InputSpec = InputSpec {
    name: "pull-request-assignees",
    kind: InputKind::List,
    absent: "Default: none",
    help: "Users to whom GitHub assigns the pull request.",
    example: "octocat",
    part: Part::Land,
    ..InputSpec::PLAIN
};

/// `github-environment`.
pub const GITHUB_ENVIRONMENT: InputSpec = InputSpec {
    name: "github-environment",
    absent: "Default: `github-environment` of the environment in promote.yaml, else the name of the environment",
    help: "GitHub environment of the job, where its name differs from the environment's. For the gate `approvals`, it counts only if promote.yaml \
           names none and GitHub has no environment of the same name.",
    example: "prod-eu",
    part: Part::People,
    ..InputSpec::PLAIN
};

/// `approvals-exclude-authors`.
pub const EXCLUDE_AUTHORS: InputSpec = InputSpec {
    name: "approvals-exclude-authors",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "Whether the authors of the released source commits do not count for the gate `approvals`. promote reads the commits between the \
           image tags, which must be commits of the source repository.",
    example: "true",
    part: Part::Change,
    ..InputSpec::PLAIN
};

/// `deployment`.
pub const DEPLOYMENT: InputSpec = InputSpec {
    name: "deployment",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "Whether promote makes a GitHub deployment of the source commit and reports its state. Needs `deployments: write`. Leave it out \
           where the job's `environment:` makes one, or set `deployment: false` there.",
    example: "true",
    part: Part::Show,
    ..InputSpec::PLAIN
};

/// `comment`.
pub const COMMENT: InputSpec = InputSpec {
    name: "comment",
    kind: InputKind::Bool,
    default: Some("false"),
    help: "Whether promote comments on the pull request that the source commit came from. All promotions update one comment. Needs \
           `pull-requests: write`.",
    example: "true",
    part: Part::Show,
    ..InputSpec::PLAIN
};

/// The inputs of what the source repository shows.
pub const SHOWN: [InputSpec; 2] = [DEPLOYMENT, COMMENT];

/// The inputs of approvals.
pub const APPROVALS: [InputSpec; 2] = [GITHUB_ENVIRONMENT, EXCLUDE_AUTHORS];

/// All of them.
pub const ALL: [InputSpec; 6] = [MERGE, MERGE_TIMEOUT, LABELS, REVIEWERS, TEAM_REVIEWERS, ASSIGNEES];
