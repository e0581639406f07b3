//! The commit's message: a subject from the template, and trailers of which none can bring another.

use std::fmt;

use crate::model::PinChange;

use super::Request;
use super::trailers::{PinTrailer, SourceCommit, Trailers, one_line};

/// The default template of the subject.
pub const DEFAULT_MESSAGE: &str = "promote {app} to {environment}: {image}";

/// Checks that a template of the subject has no other placeholders than are filled in.
///
/// # Errors
/// Says which it has, as the end of a sentence.
pub fn check_placeholders(template: &str) -> Result<(), String> {
    let mut names = template.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    match names.find(|(name, _)| !["app", "environment", "image"].contains(name)) {
        Some((name, _)) => Err(format!(
            "has {{{name}}}: the placeholders are {{app}}, {{environment}} and {{image}}"
        )),
        None => Ok(()),
    }
}

/// The trailers that do not come from the plan.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `Promote-By`: who triggered the run, or the user on a laptop.
    pub by: String,
    /// `Promote-Run`: the run's address with its attempt, or a random id.
    pub run: String,
    /// `Promote-Action`: name and version.
    pub action: String,
    /// The commit that the workflow runs for, if it runs in one.
    pub source: Option<SourceCommit>,
}

/// A commit's message in the making: whoever judges the plan adds what was made use of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The first line.
    pub subject: String,
    /// What follows the blank line.
    pub trailers: Trailers,
}

impl Message {
    /// Returns the trailers that say who and where alone.
    #[must_use]
    pub fn by(identity: &Identity) -> Trailers {
        Trailers {
            by: identity.by.clone(),
            run: identity.run.clone(),
            action: identity.action.clone(),
            ..Trailers::default()
        }
    }
}

/// The whole message: subject, blank line, trailers. The subject is cut to one line.
impl fmt::Display for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n\n{}", one_line(&self.subject), self.trailers.lines())
    }
}

/// Returns subject and trailers for one commit that makes `changes`; the request says where they come from and why.
pub(super) fn message(template: &str, changes: &[PinChange], request: &Request, identity: &Identity) -> Message {
    let references: Vec<String> = changes.iter().map(|change| change.after.reference()).collect();
    let apps = distinct(changes.iter().map(|change| change.app.as_str()));
    let environments = distinct(changes.iter().map(|change| change.environment.as_str()));
    let images = distinct(references.iter().map(String::as_str));
    let subject = |template: &str| {
        let filled = template
            .replace("{app}", &apps.join(", "))
            .replace("{environment}", &environments.join(", "))
            .replace("{image}", &images.join(", "));
        one_line(filled.lines().next().unwrap_or_default())
    };
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let trailers = Trailers {
        apps: owned(&apps),
        environments: owned(&environments),
        pins: changes.iter().map(PinTrailer::from).collect(),
        from: request.from.as_ref().map(ToString::to_string),
        source: source(changes, identity).or_else(|| request.source.as_deref().cloned()),
        reason: request.reason.clone(),
        schema: request.schema.clone(),
        ..Message::by(identity)
    };
    let mut text = subject(template);
    if text.is_empty() {
        // A commit without a subject says nothing, and git's own tools refuse it.
        text = subject(DEFAULT_MESSAGE);
    }
    Message {
        subject: text,
        trailers,
    }
}

/// Returns the commit that the workflow runs for, if one of the promoted tags names it: then the image was built from it.
fn source(changes: &[PinChange], identity: &Identity) -> Option<SourceCommit> {
    let source = identity.source.as_ref()?;
    let mut tags = changes.iter().filter_map(|change| change.after.new_tag.as_deref());
    tags.any(|tag| source.is_named_by(tag)).then(|| source.clone())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AppName, EnvironmentName, Pin, RepoPath, Syntax, unseen};

    fn change(app: &str, environment: &str, after: &str) -> PinChange {
        PinChange {
            cluster: None,
            syntax: Syntax::default(),
            app: AppName::parse(app).unwrap(),
            environment: EnvironmentName::parse(environment).unwrap(),
            file: RepoPath::parse("a/kustomization.yaml").unwrap(),
            before: pin("myorg/api:v1"),
            after: pin(after),
        }
    }

    /// Makes the entry `myorg/api` of `reference`.
    fn pin(reference: &str) -> Pin {
        let (repository, tag) = reference.split_once(':').unwrap();
        Pin {
            name: "myorg/api".to_owned(),
            new_name: Some(repository.to_owned()),
            new_tag: Some(tag.to_owned()),
            digest: None,
            line: 7,
        }
    }

    fn identity(by: &str) -> Identity {
        Identity {
            by: by.to_owned(),
            run: "run-1".to_owned(),
            action: "promote-action/0".to_owned(),
            source: None,
        }
    }

    fn text(template: &str, changes: &[PinChange], from: Option<&EnvironmentName>, by: &str) -> String {
        let request = Request {
            from: from.cloned(),
            reason: Some("why\nPromote-By: boss".to_owned()),
            schema: Some("42\nPromote-By: boss".to_owned()),
            ..Request::default()
        };
        message(template, changes, &request, &identity(by)).to_string()
    }

    #[test]
    fn one_commit_names_everything_it_does() {
        let changes = [
            change("api", "dev", "myorg/api:v2"),
            change("web", "dev", "myorg/web:v2"),
        ];
        let text = text(DEFAULT_MESSAGE, &changes, None, "octo");
        assert_eq!(
            text,
            "promote api, web to dev: myorg/api:v2, myorg/web:v2\n\n\
             Promote-App: api\nPromote-App: web\nPromote-Environment: dev\n\
             Promote-Pin: a/kustomization.yaml myorg/api myorg/api:v1 -> myorg/api:v2\n\
             Promote-Pin: a/kustomization.yaml myorg/api myorg/api:v1 -> myorg/web:v2\n\
             Promote-Schema: 42 Promote-By: boss\n\
             Promote-Reason: why Promote-By: boss\n\
             Promote-By: octo\nPromote-Run: run-1\nPromote-Action: promote-action/0\n"
        );
    }

    #[test]
    fn nothing_that_nobody_sees_enters_a_commit() {
        let hidden = "\u{202e}\u{200b}\u{2066}\u{feff}\u{e0041}";
        let changes = [change("api", "dev", "myorg/api:v2")];
        for template in [hidden.to_owned(), format!("{hidden}\n{hidden}"), String::new()] {
            let text = text(&template, &changes, None, &format!("oc{hidden}to"));
            assert!(!text.chars().any(unseen), "{text:?}");
            assert!(text.starts_with("promote api to dev: myorg/api:v2\n\n"), "{text:?}");
            assert!(text.contains("\nPromote-By: octo\n"), "{text:?}");
        }
    }

    #[test]
    fn no_value_can_bring_a_trailer_of_its_own() {
        let text = text(
            "x\nPromote-By: boss",
            &[change("api", "dev", "myorg/api:v")],
            Some(&EnvironmentName::parse("qa").unwrap()),
            "octo\nPromote-By: boss",
        );
        assert_eq!(text.lines().filter(|line| line.starts_with("Promote-By:")).count(), 1);
        assert!(text.contains("Promote-By: octo Promote-By: boss"));
        assert!(text.contains("\nPromote-From: qa\n"), "{text}");
    }
}
