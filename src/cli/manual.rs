//! The manual page, in roff, made from the declarations of commands, inputs and outcomes.

use super::inputs::COMMAND;
use super::printed;
use super::table::GROUPS;
use crate::inputs::{InputKind, InputSpec};
use crate::model::{Command, Outcome};

/// Returns the page.
pub(super) fn page() -> String {
    let mut out = vec![
        format!(".TH PROMOTE 1 \"\" \"promote {}\"\n", env!("CARGO_PKG_VERSION")),
        ".SH NAME\npromote \\- promotes an image through a GitOps infra\\-repo\n".to_owned(),
        ".SH SYNOPSIS\n\\fBpromote\\fR [\\fICOMMAND\\fR] [\\fIFLAGS\\fR]\n.br\n\
         \\fBpromote set\\-image \\-\\-dir\\fR \\fIDIR\\fR \\fB\\-\\-\\fR \\fINAME\\fR[=\\fINEW_NAME\\fR][:\\fITAG\\fR][@\\fIDIGEST\\fR]...\n"
            .to_owned(),
        section(
            "DESCRIPTION",
            "Changes the pin of an image in an overlay, lands exactly one commit, and waits until Argo CD has made exactly that commit live and \
             healthy. Where a flag is not given, a variable, then `promote.yaml` at the root of the infra-repo, then the default decides. Lists are \
             by comma, by line, or by repeating the flag. A secret is never a flag's value: it is read from a file (`-` is stdin) or a variable.",
        ),
        ".SH COMMANDS\n".to_owned(),
    ];
    out.extend(
        Command::ALL
            .iter()
            .map(|command| entry(&strong(command.name()), command.about())),
    );
    out.extend(printed::WORDS.map(|(word, about)| entry(&strong(word), about)));
    for group in &GROUPS {
        out.push(format!(".SH {}\n", group.title.to_uppercase()));
        let specs = group.specs.iter().filter(|spec| spec.name != COMMAND.name);
        out.extend(specs.map(option));
    }
    out.push(".SH EXIT STATUS\n".to_owned());
    out.extend(Outcome::ALL.map(|outcome| {
        entry(
            &format!("\\fB{}\\fR {}", outcome.exit_code(), text(outcome.name())),
            outcome.meaning(),
        )
    }));
    out.push(
        ".SH EXAMPLES\n.nf\n\
         promote \\-\\-app api \\-\\-environment dev \\-\\-tag a3f1c8b \\-\\-infra\\-repo myorg/infra\\-repo\n\
         promote plan \\-\\-app api \\-\\-environment staging \\-\\-from dev \\-\\-infra\\-repo myorg/infra\\-repo\n\
         promote set\\-image \\-\\-dir apps/api/overlays/dev \\-\\- myorg/api:a3f1c8b\n.fi\n"
            .to_owned(),
    );
    out.concat()
}

fn section(title: &str, words: &str) -> String {
    format!(".SH {title}\n{}\n", text(words))
}

fn entry(name: &str, about: &str) -> String {
    format!(".TP\n{name}\n{}\n", text(about))
}

fn strong(word: &str) -> String {
    format!("\\fB{}\\fR", text(word))
}

fn option(spec: &InputSpec) -> String {
    let value = match spec.kind {
        InputKind::Bool => "[=true|false]".to_owned(),
        InputKind::Duration => " \\fIDURATION\\fR".to_owned(),
        InputKind::Choice(words) => format!(" {}", text(&words.join("|"))),
        InputKind::List | InputKind::Choices(_) | InputKind::Lines => " \\fILIST\\fR".to_owned(),
        InputKind::File | InputKind::Secret | InputKind::SecretLines => " \\fIFILE\\fR".to_owned(),
        InputKind::Text | InputKind::Address => " \\fITEXT\\fR".to_owned(),
    };
    let default = match (spec.default, spec.absent) {
        (Some(default), _) => format!(" Default: `{default}`."),
        (None, "") => String::new(),
        (None, absent) => format!(" Default: {absent}."),
    };
    let variables: Vec<String> = std::iter::once(spec.variable())
        .chain(spec.laptop.iter().map(ToString::to_string))
        .map(|name| format!("`{name}`"))
        .collect();
    entry(
        &format!("{}{value}", strong(&spec.flag())),
        &format!("{}{default} Or {}.", spec.help, variables.join(", ")),
    )
}

/// Writes a text so that roff reads it as such; what stands between backticks is bold.
fn text(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut bold = false;
    for c in words.chars() {
        match c {
            '`' => {
                bold = !bold;
                out.push_str(if bold { "\\fB" } else { "\\fR" });
            }
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '\'' => out.push_str("\\(aq"),
            // A line that begins with a point would be a request.
            '.' if out.is_empty() => out.push_str("\\&."),
            c if c.is_ascii() => out.push(c),
            c => out.extend(format!("\\[u{:04X}]", u32::from(c)).chars()),
        }
    }
    out
}
