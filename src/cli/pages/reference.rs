//! What is generated from the declarations: `action.yml` and the reference pages. Text in, text out.

use super::super::inputs::COMMAND;
use super::super::table::{self, GROUPS};
use super::workflow::{Host, Work, workflow};
use super::{HOW, quoted};
use crate::inputs::{InputKind, InputSpec};
use crate::model::{Command, Outcome};
use crate::plan;
use crate::report::OUTPUTS;

/// Returns every generated file: its path in the repository, and its whole text.
#[must_use]
pub fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("action.yml", action()),
        (".github/workflows/promote.yml", workflow(Work::Promotion(Host::Cloud))),
        (".github/workflows/rollback.yml", workflow(Work::Rollback)),
        (
            ".github/workflows/promote-enterprise-server.yml",
            workflow(Work::Promotion(Host::EnterpriseServer)),
        ),
        ("docs/reference/inputs.md", inputs()),
        ("docs/reference/outputs.md", outputs()),
        ("docs/reference/exit-codes.md", exit_codes()),
        ("docs/reference/promote-yaml.md", promote_yaml()),
        (
            "docs/reference/promote-yaml.schema.json",
            format!("{:#}\n", plan::config_schema()),
        ),
    ]
}

fn action() -> String {
    let mut out = vec![
        format!("# {HOW}"),
        "name: Promote an image through a GitOps repository".to_owned(),
        "description: Changes the pin of an image, pushes the commit, and waits until exactly that commit is live and healthy in Argo CD".to_owned(),
        "author: promote-action".to_owned(),
        "branding:\n  icon: git-commit\n  color: purple".to_owned(),
        "\ninputs:".to_owned(),
    ];
    out.extend(
        std::iter::once(&COMMAND)
            .chain(table::all().filter(|spec| spec.name != COMMAND.name))
            .map(action_input),
    );
    out.push("\noutputs:".to_owned());
    for spec in &OUTPUTS {
        out.push(format!("  {}:\n    description: {}", spec.name, quoted(spec.help)));
    }
    out.push("\nruns:\n  using: docker\n  image: Dockerfile\n".to_owned());
    out.join("\n")
}

fn action_input(spec: &InputSpec) -> String {
    let default = spec.action_default.or(spec.default.filter(|_| !spec.in_file));
    // What the runner passes on by itself is said; what the binary decides later is told in words.
    let told = match (default, spec.default) {
        (Some(_), _) => String::new(),
        (None, Some(_)) => format!(" Default: {}.", self::default(spec)),
        (None, None) if spec.absent.is_empty() => String::new(),
        (None, None) => format!(" {}.", spec.absent),
    };
    let mut lines = vec![
        format!("  {}:", spec.name),
        format!("    description: {}", quoted(&format!("{}{told}", spec.help))),
        format!("    required: {}", is_required(spec)),
    ];
    lines.extend(default.map(|default| format!("    default: {}", quoted(default))));
    lines.join("\n")
}

fn is_required(spec: &InputSpec) -> bool {
    spec.absent == "Required"
}

fn inputs() -> String {
    let mut out = vec![
        format!("<!-- {HOW} -->\n# Inputs\n"),
        "An input has one name: `infra-repo` in `with:` is `--infra-repo` on the command line and `PROMOTE_INFRA_REPO` in the environment of a \
         laptop. A flag wins over a variable or `with:`, then comes `promote.yaml` (for inputs marked ✎), then the default. Empty means unset. \
         Separate the values of a list by commas or lines, or repeat the flag. No flag takes the value of a secret: `--token-file FILE` \
         reads it from a file, `-` from stdin.\n\nA command takes the inputs of its parts; the command line refuses any other flag.\n"
            .to_owned(),
    ];
    for group in &GROUPS {
        let rows = group.specs.iter().map(|spec| {
            let mark = if spec.in_file { " ✎" } else { "" };
            vec![
                format!("`{}`{mark}", spec.name),
                value(spec),
                default(spec),
                commands(spec),
                about(spec),
            ]
        });
        out.push(format!(
            "## {}\n\n{}",
            group.title,
            rows_of(&["input", "value", "default", "commands", "description"], rows)
        ));
    }
    out.join("\n")
}

fn value(spec: &InputSpec) -> String {
    match spec.kind {
        InputKind::Text | InputKind::Address | InputKind::File => "text".to_owned(),
        InputKind::List | InputKind::Choices(_) => "list".to_owned(),
        InputKind::Lines => "lines".to_owned(),
        InputKind::Bool => "`true`, `false`".to_owned(),
        InputKind::Duration => "duration".to_owned(),
        InputKind::Choice(words) => format!("`{}`", words.join("`, `")),
        InputKind::Secret => "secret".to_owned(),
        InputKind::SecretLines => "secret lines".to_owned(),
    }
}

fn default(spec: &InputSpec) -> String {
    let others = spec.default_of.iter();
    let others: Vec<String> = others
        .map(|(command, text)| format!("; `{text}` for `{}`", command.name()))
        .collect();
    let others = others.concat();
    match (spec.default.or(spec.action_default), spec.absent) {
        (Some(default), _) => format!("`{default}`{others}"),
        (None, absent) => absent.trim_start_matches("Default: ").to_owned(),
    }
}

fn commands(spec: &InputSpec) -> String {
    let takers: Vec<&str> = spec.commands().map(Command::name).collect();
    let all = Command::ALL.len();
    match takers.len() {
        many if many == all => "all".to_owned(),
        many if many + 1 == all => "all but `set-image`".to_owned(),
        _ => format!("`{}`", takers.join("`, `")),
    }
}

fn about(spec: &InputSpec) -> String {
    let also = match spec.laptop {
        [] => String::new(),
        names => format!(" On a laptop also `{}`.", names.join("`, `")),
    };
    let example = if spec.name == COMMAND.name {
        String::new()
    } else {
        format!(" Example: `{}`.", spec.example)
    };
    format!("{}{also}{example}", spec.help)
}

fn outputs() -> String {
    let rows = OUTPUTS
        .iter()
        .map(|spec| vec![format!("`{}`", spec.name), spec.help.to_owned()]);
    format!(
        "<!-- {HOW} -->\n# Outputs\n\nEach is written as soon as it is known, so a step that fails has them, too. \
         Read one as `${{{{ steps.ID.outputs.commit }}}}`.\n\n{}",
        rows_of(&["output", "what it holds"], rows)
    )
}

fn exit_codes() -> String {
    let rows = Outcome::ALL.iter().map(|outcome| {
        let words = outcome.meaning().to_owned();
        vec![outcome.exit_code().to_string(), format!("`{}`", outcome.name()), words]
    });
    format!(
        "<!-- {HOW} -->\n# Outcomes and exit codes\n\nThe list is closed: a workflow can rely on it. The outcome is in the output `outcome` and in the \
         report.\n\n{}",
        rows_of(&["code", "outcome", "what it means"], rows)
    )
}

fn promote_yaml() -> String {
    let rows = plan::config_reference()
        .into_iter()
        .map(|(key, help)| vec![format!("`{key}`"), help]);
    format!(
        "<!-- {HOW} -->\n# promote.yaml\n\nThe file is optional and lies at the root of the infra-repo; it is read at the very commit that is \
         promoted onto. An unknown or duplicate key is an error that names its line. It never holds addresses or secrets.\n\n{}",
        rows_of(&["key", "what it says"], rows)
    )
}

fn rows_of(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| {
        format!(
            "| {} |\n",
            cells
                .iter()
                .map(|cell| cell.replace('|', "\\|"))
                .collect::<Vec<_>>()
                .join(" | ")
        )
    };
    let rows: String = rows.map(line).collect();
    format!("| {} |\n|{}\n{rows}", head.join(" | "), "---|".repeat(head.len()))
}
