//! What people at a terminal are advised to do: inputs as flags and variables. In a step, and in documents, inputs are written as in `with:`.

use super::table;
use crate::inputs::InputKind;
use crate::model::Command;
use crate::report::Report;

/// Returns the report with its advice for a terminal.
pub(super) fn for_terminal(report: &Report) -> Report {
    let mut report = report.clone();
    report.reason = rewritten(&report.reason, setting);
    for hint in &mut report.hints {
        *hint = of_hint(hint);
    }
    for row in &mut report.checks {
        for hint in &mut row.hints {
            *hint = of_hint(hint);
        }
    }
    for row in &mut report.gates {
        row.opens = row.opens.as_deref().map(of_hint);
    }
    report
}

/// Returns a warning, whose advice follows `→` on lines of its own, for a terminal.
pub(super) fn of_warning(text: &str) -> String {
    let mut lines = text.split("\n→ ");
    let first = rewritten(lines.next().unwrap_or_default(), setting);
    let hints = lines.map(|hint| format!("\n→ {}", of_hint(hint)));
    std::iter::once(first).chain(hints).collect()
}

fn of_hint(text: &str) -> String {
    rewritten(text, |code| setting(code).or_else(|| named(code)))
}

/// Rewrites the parts of a text that are code. A text about a file of the infra-repo is about its keys.
fn rewritten(text: &str, rewrite: impl Fn(&str) -> Option<String>) -> String {
    if text.contains(crate::plan::CONFIG_FILE) {
        return text.to_owned();
    }
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(at, part)| {
        let is_code = at % 2 == 1;
        rewrite(part).filter(|_| is_code).unwrap_or_else(|| part.to_owned())
    });
    parts.collect::<Vec<_>>().join("`")
}

/// Returns the flag for `NAME: VALUE`. An expression of a workflow stays what it is.
fn setting(code: &str) -> Option<String> {
    let (name, value) = code.split_once(": ")?;
    let spec = table::find(name).filter(|_| !value.contains("${{"))?;
    Some(match (spec.kind, value) {
        (InputKind::Secret | InputKind::SecretLines, _) => return None,
        (InputKind::Bool, "true") => spec.flag(),
        (InputKind::Bool, _) => format!("{}={value}", spec.flag()),
        _ => format!("{} {value}", spec.flag()),
    })
}

/// Returns the flag for `NAME`; of a secret its variable. The name of a command stays what it is.
fn named(code: &str) -> Option<String> {
    let spec = table::find(code).filter(|_| Command::parse(code).is_none())?;
    Some(if spec.is_secret() { spec.variable() } else { spec.flag() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_become_flags_and_secrets_variables() {
        for (text, right) in [
            ("set `allow: hold` and `reason`", "set `--allow hold` and `--reason`"),
            ("set `wait: true`, or `hold: false`", "set `--wait`, or `--hold=false`"),
            ("give a valid `argocd-token`", "give a valid `PROMOTE_ARGOCD_TOKEN`"),
            ("run `promote release`, or `wait`", "run `promote release`, or `wait`"),
            ("set `sync: never` in promote.yaml", "set `sync: never` in promote.yaml"),
            (
                "use `image: NAME:TAG@${{ steps.build.outputs.digest }}`",
                "use `image: NAME:TAG@${{ steps.build.outputs.digest }}`",
            ),
        ] {
            assert_eq!(of_hint(text), right);
        }
        assert_eq!(
            of_warning("`app` is shared\n→ set `allow: hold`, or give `token`"),
            "`app` is shared\n→ set `--allow hold`, or give `PROMOTE_TOKEN`"
        );
        assert_eq!(
            rewritten("`to` v9 is ambiguous: `image: a:v1`", setting),
            "`to` v9 is ambiguous: `--image a:v1`"
        );
    }
}
