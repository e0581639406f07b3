//! Reads inputs from the environment: `INPUT_*` in a step, `PROMOTE_*` and the laptop's own names outside one.

use std::collections::BTreeMap;

use super::table;
use crate::inputs::Inputs;
use crate::model::nearest;

/// The variables of the process.
pub type Environment = BTreeMap<String, String>;

/// Whether this is a step of a workflow.
#[must_use]
pub(super) fn in_step(env: &Environment) -> bool {
    env.get("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Adds what the environment says. Mistakes are added to `mistakes`, what is only suspicious to `warnings`.
pub(super) fn read(env: &Environment, inputs: &mut Inputs, mistakes: &mut Vec<String>, warnings: &mut Vec<String>) {
    if inputs.in_step {
        read_step(env, inputs, mistakes);
    } else {
        read_laptop(env, inputs, warnings);
    }
}

fn read_step(env: &Environment, inputs: &mut Inputs, mistakes: &mut Vec<String>) {
    // What a Docker action's own keywords become.
    const RESERVED: [&str; 2] = ["ARGS", "ENTRYPOINT"];
    let mut seen: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut strange = Vec::new();
    for (variable, value) in env {
        let Some(name) = variable.strip_prefix("INPUT_") else {
            continue;
        };
        if RESERVED.contains(&name) {
            continue;
        }
        // The runner keeps hyphens; who sets the variable in a shell cannot write them.
        let name = name.replace('_', "-").to_ascii_lowercase();
        let Some(spec) = table::find(&name) else {
            match nearest(&name, table::all().map(|spec| spec.name)) {
                Some(near) => mistakes.push(format!(
                    "`{name}` ({variable}) is not an input of this version: did you mean `{near}`? Such a variable can also come from `env:` or $GITHUB_ENV: rename it there"
                )),
                None => strange.push(format!("`{name}` ({variable})")),
            }
            continue;
        };
        let value = value.trim();
        match seen.get(spec.name) {
            Some((other, text)) if !text.is_empty() && !value.is_empty() && *text != value => mistakes.push(format!(
                "`{}` is given twice with different values, as {other} and as {variable}: give it once (such a variable can also come from `env:` or $GITHUB_ENV: rename it there)",
                spec.name
            )),
            _ => {
                inputs.take(spec, value, variable.clone());
                if !value.is_empty() || !seen.contains_key(spec.name) {
                    seen.insert(spec.name, (variable, value));
                }
            }
        }
    }
    if !strange.is_empty() {
        let names: Vec<_> = table::all().map(|spec| spec.name).collect();
        let are = if strange.len() == 1 {
            "is not an input"
        } else {
            "are not inputs"
        };
        let strange = strange.join(", ");
        mistakes.push(format!(
            "{strange} {are} of this version: the inputs are {}. Such a variable can also come from `env:` of the workflow or job, or from \
             $GITHUB_ENV: rename it there",
            names.join(", ")
        ));
    }
}

fn read_laptop(env: &Environment, inputs: &mut Inputs, warnings: &mut Vec<String>) {
    let ours: Vec<&String> = env.keys().filter(|name| name.starts_with("PROMOTE_")).collect();
    // Spelling out every name takes a tenth of the time of a small edit.
    let known: Vec<Option<String>> = table::all()
        .map(|spec| (!ours.is_empty()).then(|| spec.variable()))
        .collect();
    for (spec, own) in table::all().zip(&known) {
        for name in own.as_deref().into_iter().chain(spec.laptop.iter().copied()) {
            if let Some(value) = env.get(name) {
                inputs.take(spec, value, name.to_owned());
            }
        }
    }
    for variable in ours {
        let near = nearest(variable, known.iter().flatten().map(String::as_str));
        if let Some(near) = near.filter(|near| near != variable) {
            warnings.push(format!(
                "{variable} is not an input and was not read: did you mean {near}?"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{delivery, infrarepo};

    fn given(pairs: &[(&str, &str)]) -> (Inputs, Vec<String>, Vec<String>) {
        let env: Environment = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut inputs = Inputs::new(in_step(&env));
        let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
        read(&env, &mut inputs, &mut mistakes, &mut warnings);
        (inputs, mistakes, warnings)
    }

    #[test]
    fn hyphens_and_underscores_name_one_input() {
        for variable in ["INPUT_INFRA-REPO", "INPUT_INFRA_REPO"] {
            let (inputs, mistakes, _) = given(&[("GITHUB_ACTIONS", "true"), (variable, "o/r")]);
            assert_eq!(inputs.get(&infrarepo::inputs::INFRA_REPO).unwrap().text, "o/r");
            assert!(mistakes.is_empty());
        }
        let (_, mistakes, _) = given(&[
            ("GITHUB_ACTIONS", "true"),
            ("INPUT_INFRA-REPO", "o/r"),
            ("INPUT_INFRA_REPO", "o/s"),
        ]);
        assert_eq!(mistakes.len(), 1);
    }

    #[test]
    fn a_step_reads_only_inputs_and_a_laptop_only_its_own_names() {
        let names = [
            ("INPUT_ARGOCD-SERVER", "a"),
            ("PROMOTE_ARGOCD_SERVER", "b"),
            ("ARGOCD_SERVER", "c"),
        ];
        let server = |pairs: &[(&str, &str)]| {
            given(pairs)
                .0
                .get(&delivery::inputs::ARGOCD_SERVER)
                .map(|g| g.text.clone())
        };
        assert_eq!(server(&names).as_deref(), Some("b"));
        assert_eq!(server(&names[2..]).as_deref(), Some("c"));
        assert_eq!(server(&names[..1]), None);
        let step = ("GITHUB_ACTIONS", "true");
        assert_eq!(server(&[step, names[0], names[1]]).as_deref(), Some("a"));
        assert_eq!(server(&[step, names[1], names[2]]), None);
    }

    #[test]
    fn an_unknown_input_is_an_error_with_the_nearest_name() {
        let (_, mistakes, _) = given(&[("GITHUB_ACTIONS", "true"), ("INPUT_IMAGES", ""), ("INPUT_ARGS", "x")]);
        assert_eq!(
            mistakes,
            [
                "`images` (INPUT_IMAGES) is not an input of this version: did you mean `image`? Such a variable can also come from `env:` or \
             $GITHUB_ENV: rename it there"
            ]
        );
    }

    #[test]
    fn what_the_inputs_are_is_said_once_however_many_are_unknown() {
        let (_, mistakes, _) = given(&[("GITHUB_ACTIONS", "true"), ("INPUT_GATES", "1"), ("INPUT_VERIFY", "1")]);
        assert_eq!(mistakes.len(), 1);
        let begins =
            "`gates` (INPUT_GATES), `verify` (INPUT_VERIFY) are not inputs of this version: the inputs are app, ";
        assert!(mistakes[0].starts_with(begins), "{mistakes:?}");
    }

    #[test]
    fn a_mistyped_variable_is_a_warning() {
        let (_, mistakes, warnings) = given(&[("PROMOTE_TOKN", "x"), ("PROMOTE_SOMETHING_ELSE", "y")]);
        assert!(mistakes.is_empty());
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("PROMOTE_TOKEN"), "{warnings:?}");
        assert!(!warnings[0].contains('x'));
    }
}
