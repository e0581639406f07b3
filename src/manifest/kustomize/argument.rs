//! The arguments of `kustomize edit set image`, with exactly its meaning.

use super::EntryEdit;
use crate::{Field, ManifestFault};

/// Reads all arguments; of two for one name the later one will count.
///
/// # Errors
/// There is none, or one has neither a tag, nor a digest, nor a `=`, or no name.
pub fn parse_arguments(arguments: &[String]) -> Result<Vec<EntryEdit>, ManifestFault> {
    if arguments.is_empty() {
        return Err(
            ManifestFault::new("no image is given").hint("give at least one NAME:TAG, NAME@DIGEST or NAME=NEWNAME")
        );
    }
    arguments.iter().map(|argument| parse(argument)).collect()
}

fn parse(argument: &str) -> Result<EntryEdit, ManifestFault> {
    let (key, value) = argument.split_once('=').unwrap_or(("", argument));
    let (name, tag, digest) = split(value);
    if name == argument {
        return Err(ManifestFault::new(format!("`{argument}` has no tag, no digest and no new name"))
            .hint("write NAME=NEWNAME:TAG, NAME=NEWNAME@DIGEST, NAME=NEWNAME:TAG@DIGEST, NAME=NEWNAME, NAME:TAG, NAME:TAG@DIGEST or NAME@DIGEST"));
    }
    let (name, new_name) = if key.is_empty() { (name, "") } else { (key, name) };
    if name.is_empty() {
        return Err(
            ManifestFault::new(format!("`{argument}` names no image")).hint("write NAME before the `:`, `@` or `=`")
        );
    }
    Ok(EntryEdit {
        name: name.to_owned(),
        new_name: wanted(new_name),
        new_tag: wanted(tag),
        digest: wanted(digest),
        tag_suffix: Field::Remove,
        create: true,
    })
}

/// A star keeps what the entry has.
fn wanted(text: &str) -> Field {
    match text {
        "*" => Field::Keep,
        "" => Field::Remove,
        text => Field::Set(text.to_owned()),
    }
}

/// Separates name, tag and digest. Up to the first slash, unless it comes first, a colon belongs to the registry's port.
fn split(image: &str) -> (&str, &str, &str) {
    let from = image.find('/').unwrap_or(0);
    let searched = image.get(from..).unwrap_or("");
    let colon = searched.find(':').map(|at| at + from);
    let at = searched.find('@').map(|at| at + from);
    let cut = |place: usize| (image.get(..place).unwrap_or(""), image.get(place + 1..).unwrap_or(""));
    match (colon, at) {
        (None, None) => (image, "", ""),
        (Some(colon), Some(at)) if colon < at => {
            let tag = image.get(colon + 1..at).unwrap_or("");
            (cut(colon).0, tag, cut(at).1)
        }
        (_, Some(at)) => {
            let (name, digest) = cut(at);
            (name, "", digest)
        }
        (Some(colon), None) => {
            let (name, tag) = cut(colon);
            (name, tag, "")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(argument: &str) -> (String, Field, Field, Field) {
        let edit = parse(argument).unwrap();
        (edit.name, edit.new_name, edit.new_tag, edit.digest)
    }

    fn set(text: &str) -> Field {
        Field::Set(text.to_owned())
    }

    #[test]
    fn every_form_of_the_help_text_is_read() {
        let name = || "x".to_owned();
        assert_eq!(fields("x:v2"), (name(), Field::Remove, set("v2"), Field::Remove));
        assert_eq!(
            fields("x@sha256:0a"),
            (name(), Field::Remove, Field::Remove, set("sha256:0a"))
        );
        assert_eq!(
            fields("x:v2@sha256:0a"),
            (name(), Field::Remove, set("v2"), set("sha256:0a"))
        );
        assert_eq!(fields("x=new"), (name(), set("new"), Field::Remove, Field::Remove));
        assert_eq!(fields("x=new:v2@d"), (name(), set("new"), set("v2"), set("d")));
        assert_eq!(fields("x=*:*@*"), (name(), Field::Keep, Field::Keep, Field::Keep));
    }

    #[test]
    fn the_traps_of_kustomize_are_kept() {
        let name = || "x".to_owned();
        assert_eq!(fields("localhost:5000").0, "localhost");
        assert_eq!(fields("x=localhost:5000/t/a:1").1, set("localhost:5000/t/a"));
        assert_eq!(fields("x=b:t/c"), (name(), set("b:t/c"), Field::Remove, Field::Remove));
        assert_eq!(
            fields("=web:3"),
            ("web".to_owned(), Field::Remove, set("3"), Field::Remove)
        );
        assert_eq!(fields("x@sha256:abc:tag").3, set("sha256:abc:tag"));
        assert_eq!(fields("x=*foo:v1").1, set("*foo"));
        assert_eq!(fields("x=").1, Field::Remove);
    }

    #[test]
    fn an_argument_that_says_nothing_is_refused() {
        for argument in ["web", "localhost:5000/app", "=", ":1", ""] {
            assert!(parse(argument).is_err(), "{argument}");
        }
        assert!(parse_arguments(&[]).is_err());
    }
}
