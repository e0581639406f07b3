//! Reads what a command is about: apps, environments, images, and how each environment is to be treated.

use crate::assess::gate::Skips;
use crate::inputs::{Reader, value};
use crate::manifest::NAMES;
use crate::model::{AppName, Command, Digest, EnvironmentName, Reference, Tag, unseen};
use crate::plan::holds::HeldImage;
use crate::plan::inputs as planned;
use crate::plan::policy::KEYS;
use crate::plan::{Allow, Layout, Policy, Request, Select, check_placeholders};

/// Reads it, and reports what does not go together.
pub(super) fn read(reader: &Reader<'_>, command: Command) -> Request {
    if !matches!(command, Command::Status | Command::Preflight | Command::History) {
        reader.require(&planned::APP, "");
        reader.require(&planned::ENVIRONMENT, "");
    }
    let about_holds = matches!(command, Command::Hold | Command::Release);
    let named = |spec| if about_holds { None } else { Some(spec) };
    let request = Request {
        select: Select {
            apps: named(&planned::APP)
                .map(|spec| reader.list(spec, AppName::parse))
                .unwrap_or_default(),
            environments: named(&planned::ENVIRONMENT)
                .map(|spec| reader.list(spec, EnvironmentName::parse))
                .unwrap_or_default(),
            path: reader.text(&planned::PATH),
            format: reader
                .choice(&planned::FORMAT, &NAMES.map(|name| (name, name)))
                .map(str::to_owned),
            applications: reader
                .given(&planned::APPLICATION)
                .map(|_| reader.list(&planned::APPLICATION, value::text)),
            policy: policy(reader, command),
            branch: None,
            own_branch: false,
        },
        images: named(&planned::IMAGE)
            .map(|spec| reader.list(spec, image))
            .unwrap_or_default(),
        tag: reader.parsed(&planned::TAG, Tag::parse),
        digest: reader.parsed(&planned::DIGEST, Digest::parse),
        from: reader.parsed(&planned::FROM, EnvironmentName::parse),
        allow: allow(reader),
        resolved: Vec::new(),
        source: None,
        message: reader.text(&planned::MESSAGE),
        schema: reader.parsed(&planned::SCHEMA, schema),
        reason: reason(reader),
    };
    if command == Command::Hold {
        reader.require(&planned::REASON, "");
    }
    if matches!(command, Command::Promote | Command::Plan) {
        what(reader, &request);
        if request.allow.hold && request.reason.is_none() {
            reader.require(&planned::REASON, ", but `allow` has `hold`");
        }
        if let Some(word) = request.allow.skip.without(Skips::default()).first()
            && request.reason.is_none()
        {
            reader.require(&planned::REASON, &format!(", but `allow` has `{word}`"));
        }
    }
    request
}

/// Reads which images are held or released: `image` or `tag` and `digest`; none = all.
pub(super) fn held(reader: &Reader<'_>, request: &Request) -> Vec<HeldImage> {
    let mut images = reader.list(&planned::IMAGE, HeldImage::parse);
    let parts = [
        request.tag.as_ref().map(Tag::as_str),
        request.digest.as_ref().map(Digest::as_str),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return images;
    }
    if !images.is_empty() {
        reader.mistake("`image` and `tag` or `digest` are both given: drop one of them".to_owned());
    }
    images.extend(HeldImage::parse(&parts.join("@")));
    images
}

/// The longest schema, in characters.
const LONGEST_SCHEMA: usize = 200;

fn schema(text: &str) -> Result<String, String> {
    if text.chars().count() > LONGEST_SCHEMA {
        return Err(format!("is longer than {LONGEST_SCHEMA} characters: give a hash of it"));
    }
    if text.chars().any(|c| c.is_control() || unseen(c)) {
        return Err("has a control character or an invisible one".to_owned());
    }
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn image(text: &str) -> Result<Reference, String> {
    let image = Reference::named(text)?;
    if image.tag.is_none() && image.digest.is_none() {
        return Err("has neither tag nor digest: give `name:tag`, `name@sha256:…` or both".to_owned());
    }
    Ok(image)
}

/// Checks that something is to be promoted, that it is said once, and that it does not move.
fn what(reader: &Reader<'_>, request: &Request) {
    let given = |spec| reader.given(spec).is_some();
    let parts = given(&planned::TAG) || given(&planned::DIGEST);
    if given(&planned::IMAGE) && parts {
        reader.mistake(
            "`image` and `tag` or `digest` are both given: one of them says what is promoted, so drop the other"
                .to_owned(),
        );
    }
    if !given(&planned::IMAGE) && !parts && !given(&planned::FROM) {
        let sources = [&planned::IMAGE, &planned::TAG, &planned::DIGEST, &planned::FROM];
        let empty = sources.iter().filter(|spec| reader.refuse_empty(spec)).count();
        if empty == 0 {
            reader.mistake(
                "nothing says what to promote: give `image`, `tag`, `digest`, or `from` (the environment that has it already)".to_owned(),
            );
        }
    }
    if let Some(from) = &request.from
        && request.select.environments.contains(from)
    {
        reader.wrong(
            &planned::FROM,
            from.as_str(),
            "is one of `environment`: it would be promoted onto itself",
        );
    }
    if let Some(tag) = &request.tag
        && tag.looks_mutable()
        && request.digest.is_none()
        && !request.allow.mutable_tag
    {
        reader.wrong(
            &planned::TAG,
            tag.as_str(),
            &format!(
                "looks as if it moves: what runs would change without a commit. Pin the build, as in \
                 `image: NAME:{tag}@${{{{ steps.build.outputs.digest }}}}`, or set `allow: mutable-tag`"
            ),
        );
    }
}

/// Checks the templates that inputs give; those of promote.yaml are checked when it is read.
pub(super) fn templates(reader: &Reader<'_>, request: &Request) {
    let select = &request.select;
    if select.path.is_some() || select.applications.is_some() {
        let layout = Layout {
            select,
            allow: request.allow,
            config: None,
        };
        let mistakes = layout.targets(&select.environments).err().unwrap_or_default();
        for mistake in mistakes {
            reader.mistake(mistake);
        }
    }
    let message = request.message.as_deref().unwrap_or_default();
    if let Err(why) = check_placeholders(message) {
        reader.wrong(&planned::MESSAGE, message, &why);
    }
}

/// Reads `reason`; blanks alone are none.
fn reason(reader: &Reader<'_>) -> Option<String> {
    reader.text(&planned::REASON).filter(|text| !text.trim().is_empty())
}

fn allow(reader: &Reader<'_>) -> Allow {
    let mut allow = Allow::default();
    for word in reader.list(&planned::ALLOW, value::text) {
        if let Err(why) = allow.add(&word) {
            reader.wrong(&planned::ALLOW, &word, &why);
        }
    }
    allow
}

/// Reads every key of the policy that an input says; what none says is decided by promote.yaml, then by the default.
fn policy(reader: &Reader<'_>, command: Command) -> Policy {
    let mut policy = Policy::default();
    for key in KEYS {
        let spec = &key.input;
        let own = spec.default_of.iter().find(|(other, _)| *other == command);
        let given = reader.given(spec).map(|given| given.text.as_str());
        if let Some(text) = given.or(own.map(|(_, text)| *text))
            && let Err(why) = (key.set)(&mut policy, text)
        {
            reader.wrong(spec, text, &why);
        }
    }
    policy
}
