//! Commands as hints show them: complete, with what the run was given, so that people can paste them.

use crate::delivery::Access;
use crate::model::BranchName;
use crate::plan::Select;

use crate::promote::ports::Reading;

/// Returns a command for the apps and environments of a run, with the flags that the run had. `command` is its first words, such as
/// `resume --full`.
pub(super) fn selected(command: &str, reading: Reading<'_>, select: &Select) -> String {
    let names = |names: Vec<String>| names.join(",");
    let mut words = vec![format!(
        "promote {command} --app {} --environment {}",
        names(select.apps.iter().map(ToString::to_string).collect()),
        names(select.environments.iter().map(ToString::to_string).collect())
    )];
    flag(&mut words, "path", select.path.as_deref());
    flag(&mut words, "format", select.format.as_deref());
    let applications = select.applications.as_ref().map(|names| names.join(","));
    flag(&mut words, "application", applications.as_deref());
    infra_repo(&mut words, reading);
    let server = reading.observe.map(Access::server);
    flag(&mut words, "argocd-server", server.as_deref());
    words.join(" ")
}

/// Returns the command that releases what is held of an app in an environment: an image, or everything. `*` is all of them.
pub(super) fn release(reading: Reading<'_>, app: &str, environment: &str, image: Option<&str>) -> String {
    let mut words = vec!["promote release".to_owned()];
    flag(&mut words, "app", Some(app));
    flag(&mut words, "environment", Some(environment));
    let is_tag = |image: &&str| !image.contains(['/', '@', ':']);
    flag(&mut words, "tag", image.filter(is_tag));
    flag(&mut words, "image", image.filter(|image| !is_tag(image)));
    infra_repo(&mut words, reading);
    words.join(" ")
}

fn infra_repo(words: &mut Vec<String>, reading: Reading<'_>) {
    flag(words, "infra-repo", Some(&reading.repo.url()));
    let branch = reading.common.infra_repo.branch.as_ref();
    flag(words, "branch", branch.map(BranchName::as_str));
}

fn flag(words: &mut Vec<String>, name: &str, value: Option<&str>) {
    words.extend(value.map(|value| format!("--{name} {}", quoted(value))));
}

/// Quotes a word for a shell, if it needs that.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,=+%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
