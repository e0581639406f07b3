//! The reusable workflow, made from the declarations of inputs and outputs, so that it passes on each of them.

use super::super::inputs::COMMAND;
use super::super::table;
use super::{HOW, quoted};
use crate::githost::inputs::DEPLOYMENT;
use crate::inputs::InputSpec;
use crate::model::Command;
use crate::report::OUTPUTS;

/// The GitHub that a workflow runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// GitHub.com.
    Cloud,
    /// GitHub Enterprise Server, which knows neither queues of concurrency groups nor environments without deployment.
    EnterpriseServer,
}

/// What the workflow does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// A promotion, or whatever `command` says.
    Promotion(Host),
    /// A rollback.
    Rollback,
}

impl Work {
    const fn host(self) -> Host {
        match self {
            Self::Promotion(host) => host,
            Self::Rollback => Host::Cloud,
        }
    }

    /// Returns the inputs that the workflow takes as the action does.
    fn passed(self) -> impl Iterator<Item = &'static InputSpec> {
        let command = std::iter::once(&COMMAND).filter(move |_| self != Self::Rollback);
        let takes = move |spec: &&InputSpec| self != Self::Rollback || spec.is_taken_by(Command::Rollback);
        command.chain(
            table::all()
                // The job has an environment, and by its own `deployment` GitHub makes the deployment of the job, or none.
                .filter(|spec| !spec.is_secret() && ![COMMAND.name, DEPLOYMENT.name].contains(&spec.name))
                .filter(takes),
        )
    }

    /// Returns the secrets that the workflow takes.
    fn secrets(self) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
        let takes = move |(_, input, _): &&(&str, &str, &str)| {
            self != Self::Rollback || table::find(input).is_none_or(|spec| spec.is_taken_by(Command::Rollback))
        };
        SECRETS.iter().filter(takes)
    }
}

/// Secrets as a repository can store them, with the inputs that they are for. The names have no hyphen: `secrets: inherit` passes them on.
const SECRETS: [(&str, &str, &str); 10] = [
    (
        "PROMOTE_APP_PRIVATE_KEY",
        "",
        "Private key of the GitHub App. Required when `app-client-id` is set.",
    ),
    (
        "PROMOTE_GITHUB_APP_PRIVATE_KEY",
        "github-app-private-key",
        "Private key of the GitHub App that promote itself mints tokens with. Required when `github-app-client-id` is set.",
    ),
    (
        "PROMOTE_TOKEN",
        "token",
        "Token for the infra-repo's host, in place of the GitHub App.",
    ),
    (
        "PROMOTE_SSH_KEY",
        "ssh-key",
        "Deploy key for an infra-repo with an ssh address.",
    ),
    (
        "ARGOCD_TOKEN",
        "argocd-token",
        "Argo CD API token. Required when `argocd-server` is set.",
    ),
    (
        "ARGOCD_HEADERS",
        "argocd-headers",
        "Headers for a proxy in front of Argo CD, one `Name: value` a line.",
    ),
    (
        "REGISTRY_PASSWORD",
        "registry-password",
        "Password or token for the registry of the images.",
    ),
    (
        "PROMETHEUS_TOKEN",
        "prometheus-token",
        "Bearer token for `prometheus-url`.",
    ),
    (
        "PROMETHEUS_HEADERS",
        "prometheus-headers",
        "Headers for `prometheus-url`, one `Name: value` a line.",
    ),
    (
        "PROMOTE_GITHUB_TOKEN",
        "github-token",
        "Token for the repository of this run, in place of the job's own.",
    ),
];

const ROLLBACK: &str = "# One rollback as a job: it puts an earlier version back with one commit, holds the version that it replaces, and waits until the earlier
# one is live and healthy. With `dry-run: true` it only says which version that is, and in the output `schema-changed` whether the database
# has to go back first.
#
#   jobs:
#     rollback:
#       uses: org/promote-action/.github/workflows/rollback.yml@main
#       with: {app: api, environment: production, reason: …, infra-repo: myorg/infra-repo, app-client-id: …, argocd-server: …}
#       secrets: inherit
#
# The job takes exactly one environment: its name is the GitHub environment and the environment in the infra-repo. It joins the same queue as
# promotions to that environment.
";

const HEAD: &str = "# One promotion as a job. It mints a token for the infra-repo, pushes the commit, and waits until exactly that commit is live and healthy.
#
#   jobs:
#     dev:
#       uses: org/promote-action/.github/workflows/FILE@main
#       with: {app: api, environment: dev, tag: …, infra-repo: myorg/infra-repo, app-client-id: …, argocd-server: …}
#       secrets: inherit
#
# `secrets: inherit` passes on every secret of the caller, and those of the job's environment. To pass on single secrets of the repository or
# organization, name them: `PROMOTE_APP_PRIVATE_KEY: ${{ secrets.PROMOTE_APP_PRIVATE_KEY }}`.
#
# The job takes exactly one environment: its name is the GitHub environment, whose reviewers and secrets protect it, and the environment in
# the infra-repo. Runs for one environment of one infra-repo wait for each other, unless they open pull requests. Groups are per repository: if
# another repository promotes into the same infra-repo at the same time, promote plans and pushes again.
#
# The job has the permissions of the job that calls it: `actions: read` for the gate `approvals`, `id-token: write` for
# `argocd-auth: github-oidc`, `pull-requests: write` for `comment`. `permissions: {}` there is enough for everything else.
";

const CHECK: &str = r#"      # Before a token exists: GitHub and promote must read the same names in these values.
      - name: Check the names
        id: names
        env:
          APP: ${{ inputs.app }}
          ENVIRONMENT: ${{ inputs.environment }}
          INFRA_REPO: ${{ inputs.infra-repo }}
          CLIENT_ID: ${{ inputs.app-client-id }}
        run: |
          name='[A-Za-z0-9][A-Za-z0-9._-]*'
          wrong() { echo "::error::$1"; exit 1; }
          [[ $ENVIRONMENT =~ ^$name$ ]] || wrong 'environment must be exactly one name of letters, digits, ".", "_" and "-"'
          [[ $APP =~ ^$name(,\ ?$name)*$ ]] || wrong 'app must be one or more names, separated by commas'
          if [ -n "$CLIENT_ID" ]; then
            [[ $INFRA_REPO =~ ^$name/$name$ ]] || wrong 'infra-repo must be owner/name when app-client-id is set'
            printf 'owner=%s\nname=%s\n' "${INFRA_REPO%/*}" "${INFRA_REPO#*/}" >> "$GITHUB_OUTPUT"
          fi
      - name: Mint a token for the infra-repo alone
        id: app-token
        if: inputs.app-client-id != ''
        uses: actions/create-github-app-token@bcd2ba49218906704ab6c1aa796996da409d3eb1 # v3.2.0
        with:
          client-id: ${{ inputs.app-client-id }}
          private-key: ${{ secrets.PROMOTE_APP_PRIVATE_KEY }}
          owner: ${{ steps.names.outputs.owner }}
          repositories: ${{ steps.names.outputs.name }}
          permission-contents: write
          permission-pull-requests: ${{ inputs.via == 'pull-request' && 'write' || '' }}
          permission-members: ${{ inputs.pull-request-team-reviewers != '' && 'read' || '' }}
"#;

/// Returns the workflow.
pub(super) fn workflow(work: Work) -> String {
    let host = work.host();
    let (head, name) = match work {
        Work::Promotion(Host::Cloud) => (HEAD.replace("FILE", "promote.yml"), "Promote"),
        Work::Promotion(Host::EnterpriseServer) => (
            HEAD.replace("FILE", "promote-enterprise-server.yml"),
            "Promote (Enterprise Server)",
        ),
        Work::Rollback => (ROLLBACK.to_owned(), "Roll back"),
    };
    let mut out = vec![
        format!("# {HOW}\n{head}"),
        format!("name: {name}\n\non:\n  workflow_call:\n    inputs:\n"),
    ];
    out.extend(work.passed().map(declared));
    out.extend(own(host));
    out.push("    secrets:\n".to_owned());
    for (name, _, about) in work.secrets() {
        out.push(format!(
            "      {name}:\n        description: {}\n        required: false\n",
            quoted(about)
        ));
    }
    out.push("    outputs:\n".to_owned());
    for output in &OUTPUTS {
        out.push(format!(
            "      {0}:\n        description: {1}\n        value: ${{{{ jobs.promote.outputs.{0} }}}}\n",
            output.name,
            quoted(output.help)
        ));
    }
    out.push(
        "\njobs:\n  promote: # zizmor: ignore[excessive-permissions] the job has the permissions of the job that calls it\n".to_owned(),
    );
    out.push(job(work));
    out.concat()
}

fn declared(spec: &InputSpec) -> String {
    let required = ["app", "environment", "infra-repo"].contains(&spec.name);
    let help = match spec.name {
        "environment" => "Environment in the infra-repo, and the GitHub environment of the job. Exactly one.",
        _ => spec.help,
    };
    let default = if required { "" } else { "        default: \"\"\n" };
    format!(
        "      {}:\n        description: {}\n        type: string\n        required: {required}\n{default}",
        spec.name,
        quoted(help)
    )
}

/// The inputs of the job itself.
fn own(host: Host) -> Vec<String> {
    let input = |name: &str, about: &str, kind: &str, default: &str| {
        format!(
            "      {name}:\n        description: {}\n        type: {kind}\n        default: {default}\n",
            quoted(about)
        )
    };
    let mut out = vec![
        input(
            "app-client-id",
            "Client ID of a GitHub App with write access to the infra-repo. With it, the job mints a token for the infra-repo alone.",
            "string",
            "\"\"",
        ),
        input(
            "environment-url",
            "URL of the job's environment. Default: the page of the application in Argo CD.",
            "string",
            "\"\"",
        ),
        input(
            "runs-on",
            "Runner of the job: a Linux runner with Docker. One label, or a JSON list of labels.",
            "string",
            "ubuntu-24.04",
        ),
        input(
            "timeout-minutes",
            "When GitHub ends the job. Use more than `timeout`, and more than the pauses of a canary.",
            "number",
            "60",
        ),
    ];
    if host == Host::Cloud {
        out.push(input(
            "deployment",
            "Whether GitHub records a deployment. With `false`, the environment's rules still hold; the job fails if the environment has a \
             custom protection rule.",
            "boolean",
            "true",
        ));
    }
    out
}

fn job(work: Work) -> String {
    let host = work.host();
    let (title, step, command) = match work {
        Work::Promotion(_) => ("Promote ${{ inputs.app }} to", "Promote", ""),
        Work::Rollback => (
            "Roll back ${{ inputs.app }} in",
            "Roll back",
            "          command: rollback\n",
        ),
    };
    let on_cloud = |line: &'static str| if host == Host::Cloud { line } else { "" };
    let mut out = vec![
        format!("    name: {title} ${{{{ inputs.environment }}}}\n"),
        "    runs-on: ${{ startsWith(inputs.runs-on, '[') && fromJSON(inputs.runs-on) || inputs.runs-on }}\n"
            .to_owned(),
        "    timeout-minutes: ${{ inputs.timeout-minutes }}\n".to_owned(),
        "    environment:\n      name: ${{ inputs.environment }}\n".to_owned(),
        "      url: ${{ inputs.environment-url || steps.promote.outputs.application-url }}\n".to_owned(),
        on_cloud("      deployment: ${{ inputs.deployment }}\n").to_owned(),
        "    concurrency:\n      # A run that waits for people must not hold up the next one, which takes its pull request over.\n".to_owned(),
        "      group: promote-${{ inputs.infra-repo }}-${{ inputs.environment }}${{ inputs.via == 'pull-request' && format('-{0}', github.run_id) || '' }}\n"
            .to_owned(),
        "      cancel-in-progress: false\n".to_owned(),
        on_cloud("      queue: max\n").to_owned(),
        "    outputs:\n".to_owned(),
    ];
    out.extend(
        OUTPUTS
            .iter()
            .map(|output| format!("      {0}: ${{{{ steps.promote.outputs.{0} }}}}\n", output.name)),
    );
    out.push(format!("    steps:\n{CHECK}"));
    out.push(format!(
        "      - name: {step}\n        id: promote\n        \
         uses: org/promote-action@main # zizmor: ignore[unpinned-uses] a release names its image by digest here\n        with:\n{command}"
    ));
    let inputs = work
        .passed()
        .map(|spec| format!("          {0}: ${{{{ inputs.{0} }}}}\n", spec.name));
    out.extend(inputs);
    for (name, input, _) in work.secrets().filter(|(_, input, _)| !input.is_empty()) {
        let value = match *input {
            "token" => format!("steps.app-token.outputs.token || secrets.{name}"),
            "github-token" => format!("secrets.{name} || github.token"),
            _ => format!("secrets.{name}"),
        };
        out.push(format!("          {input}: ${{{{ {value} }}}}\n"));
    }
    out.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_of_the_action_has_one_in_the_workflow() {
        for spec in table::all().filter(|spec| spec.is_secret()) {
            assert!(SECRETS.iter().any(|(_, input, _)| *input == spec.name), "{}", spec.name);
        }
        for (name, ..) in SECRETS {
            assert!(
                !name.contains('-') && !name.starts_with("GITHUB_"),
                "{name}: GitHub stores no such secret"
            );
        }
    }

    #[test]
    fn enterprise_server_gets_no_key_that_it_refuses() {
        let text = workflow(Work::Promotion(Host::EnterpriseServer));
        assert!(
            !text.contains("queue: max") && !text.contains("deployment: ${{"),
            "{text}"
        );
        assert!(workflow(Work::Promotion(Host::Cloud)).contains("      deployment: ${{ inputs.deployment }}\n"));
    }
}
