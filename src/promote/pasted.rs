//! Commands as hints show them: complete, with what the run was given, so that people can paste them.

use crate::inputs::for_shell;
use crate::model::BranchName;

use crate::promote::ports::Reading;

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
    words.extend(value.map(|value| format!("--{name} {}", for_shell(value))));
}
