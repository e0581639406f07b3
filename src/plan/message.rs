//! The commit's message: a subject from the template, and trailers of which none can bring another.

use crate::model::{PinChange, unseen};

/// The default template of the subject.
pub const DEFAULT_MESSAGE: &str = "promote {app} to {environment}: {image}";

/// The trailers that do not come from the plan.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `Promote-By`: who triggered the run, or the user on a laptop.
    pub by: String,
    /// `Promote-Run`: the run's address with its attempt, or a random id.
    pub run: String,
    /// `Promote-Action`: name and version.
    pub action: String,
}

/// Returns subject, blank line and trailers for one commit that makes `changes`.
pub(super) fn message(template: &str, changes: &[PinChange], identity: &Identity) -> String {
    let apps = distinct(changes.iter().map(|change| change.app.as_str()));
    let environments = distinct(changes.iter().map(|change| change.environment.as_str()));
    let images = distinct(changes.iter().map(|change| change.after.as_str()));
    let subject = |template: &str| {
        let filled = template
            .replace("{app}", &apps.join(", "))
            .replace("{environment}", &environments.join(", "))
            .replace("{image}", &images.join(", "));
        one_line(filled.lines().next().unwrap_or_default())
    };
    let mut text = subject(template);
    if text.is_empty() {
        // A commit without a subject says nothing, and git's own tools refuse it.
        text = subject(DEFAULT_MESSAGE);
    }
    text.push_str("\n\n");
    let mut trailer = |key: &str, value: &str| {
        text.push_str(key);
        text.push_str(": ");
        text.push_str(&one_line(value));
        text.push('\n');
    };
    for app in apps {
        trailer("Promote-App", app);
    }
    for environment in environments {
        trailer("Promote-Environment", environment);
    }
    for change in changes {
        let pin = format!("{} {} {} -> {}", change.file, change.name, change.before, change.after);
        trailer("Promote-Pin", &pin);
    }
    trailer("Promote-By", &identity.by);
    trailer("Promote-Run", &identity.run);
    trailer("Promote-Action", &identity.action);
    text
}

/// Returns each text once, in the order of their first places.
pub(super) fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}

/// Returns the text on one line, without control characters, without characters that nobody sees or that change the reading direction,
/// and without what would end a message early for git.
fn one_line(text: &str) -> String {
    let seen = text.chars().filter(|c| !unseen(*c));
    let plain: String = seen.map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AppName, EnvironmentName, RepoPath, Syntax};

    fn change(app: &str, environment: &str, after: &str) -> PinChange {
        PinChange {
            syntax: Syntax::default(),
            app: AppName::parse(app).unwrap(),
            environment: EnvironmentName::parse(environment).unwrap(),
            file: RepoPath::parse("a/kustomization.yaml").unwrap(),
            name: "myorg/api".to_owned(),
            line: 7,
            before: "myorg/api:v1".to_owned(),
            after: after.to_owned(),
        }
    }

    fn identity(by: &str) -> Identity {
        Identity {
            by: by.to_owned(),
            run: "run-1".to_owned(),
            action: "promote-action/0".to_owned(),
        }
    }

    #[test]
    fn one_commit_names_everything_it_does() {
        let changes = [
            change("api", "dev", "myorg/api:v2"),
            change("web", "dev", "myorg/web:v2"),
        ];
        let text = message(DEFAULT_MESSAGE, &changes, &identity("octo"));
        assert_eq!(
            text,
            "promote api, web to dev: myorg/api:v2, myorg/web:v2\n\n\
             Promote-App: api\nPromote-App: web\nPromote-Environment: dev\n\
             Promote-Pin: a/kustomization.yaml myorg/api myorg/api:v1 -> myorg/api:v2\n\
             Promote-Pin: a/kustomization.yaml myorg/api myorg/api:v1 -> myorg/web:v2\n\
             Promote-By: octo\nPromote-Run: run-1\nPromote-Action: promote-action/0\n"
        );
    }

    #[test]
    fn nothing_that_nobody_sees_enters_a_commit() {
        let hidden = "\u{202e}\u{200b}\u{2066}\u{feff}\u{e0041}";
        let changes = [change("api", "dev", "myorg/api:v2")];
        for template in [hidden.to_owned(), format!("{hidden}\n{hidden}"), String::new()] {
            let text = message(&template, &changes, &identity(&format!("oc{hidden}to")));
            assert!(!text.chars().any(unseen), "{text:?}");
            assert!(text.starts_with("promote api to dev: myorg/api:v2\n\n"), "{text:?}");
            assert!(text.contains("\nPromote-By: octo\n"), "{text:?}");
        }
    }

    #[test]
    fn no_value_can_bring_a_trailer_of_its_own() {
        let text = message(
            "x\nPromote-By: boss",
            &[change("api", "dev", "v")],
            &identity("octo\nPromote-By: boss"),
        );
        assert_eq!(text.lines().filter(|line| line.starts_with("Promote-By:")).count(), 1);
        assert!(text.contains("Promote-By: octo Promote-By: boss"));
    }
}
