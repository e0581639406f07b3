//! Makes docs/formats.md: the rules of the formats besides kustomize, and what becomes of small files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use promote_action::manifest::{Field, ImageKeys, Options, PinEdit, format};

use super::page::diff;

const HEAD: &str = include_str!("formats.md");

/// A small file and a promotion.
struct Example {
    format: &'static str,
    title: &'static str,
    /// Tag, and digest if there is one.
    tag: &'static str,
    digest: Option<&'static str>,
    /// The whole reference's key, for values that stand elsewhere than at `image`.
    reference: Option<&'static str>,
    file: &'static str,
}

const EXAMPLES: [Example; 9] = [
    Example {
        format: "values",
        title: "Quotes, comments and order stay",
        tag: "v2",
        digest: None,
        reference: None,
        file: "# shop\nimage:\n  tag: 'v1' # {\"$imagepolicy\": \"flux:api:tag\"}\n  repository: ghcr.io/myorg/api\nresources: {limits: {cpu: 1}}\n",
    },
    Example {
        format: "values",
        title: "A tag that a reader would take for a number gets quotes",
        tag: "1.10",
        digest: None,
        reference: None,
        file: "image:\n  repository: ghcr.io/myorg/api\n  tag: v1\n",
    },
    Example {
        format: "values",
        title: "A tag with its digest keeps that form",
        tag: "v2",
        digest: Some("sha256:bbbb"),
        reference: None,
        file: "image:\n  repository: ghcr.io/myorg/api\n  tag: v1@sha256:aaaa\n",
    },
    Example {
        format: "values",
        title: "A digest without a key for it is refused",
        tag: "v2",
        digest: Some("sha256:bbbb"),
        reference: None,
        file: "image:\n  repository: ghcr.io/myorg/api\n  tag: v1\n",
    },
    Example {
        format: "values",
        title: "A value that an alias shares is refused",
        tag: "v2",
        digest: None,
        reference: Some("api.image"),
        file: "api:\n  image: &image ghcr.io/myorg/api:v1\njob:\n  image: *image\n",
    },
    Example {
        format: "manifests",
        title: "Every container with the image is set, nothing else",
        tag: "v2",
        digest: None,
        reference: None,
        file: "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      initContainers:\n      - name: migrate\n        image: ghcr.io/myorg/api:v1\n      containers:\n      - name: api\n        image: \"ghcr.io/myorg/api:v1\"\n        env:\n        - {name: SELF, value: \"ghcr.io/myorg/api:v1\"}\n",
    },
    Example {
        format: "argocd",
        title: "YAML inside of `helm.values`",
        tag: "v2",
        digest: None,
        reference: None,
        file: "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api-dev}\nspec:\n  source:\n    helm:\n      values: |\n        # only what differs\n        image:\n          repository: ghcr.io/myorg/api\n          tag: v1\n",
    },
    Example {
        format: "argocd",
        title: "`kustomize.images` of one of several sources",
        tag: "v2",
        digest: None,
        reference: None,
        file: "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: api-dev}\nspec:\n  sources:\n  - chart: redis\n  - path: api\n    kustomize:\n      images: [api=ghcr.io/myorg/api:v1]\n",
    },
    Example {
        format: "argocd",
        title: "A tag that an ApplicationSet fills in is refused",
        tag: "v2",
        digest: None,
        reference: None,
        file: "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      source:\n        helm:\n          valuesObject:\n            image: {repository: ghcr.io/myorg/api, tag: \"{{tag}}\"}\n",
    },
];

fn promoted(example: &Example) -> Result<String, String> {
    let keys = example.reference.map(|path| ImageKeys {
        reference: Some(path.to_owned()),
        ..ImageKeys::default()
    });
    let options = Options {
        keys: keys.into_iter().collect(),
        ..Options::default()
    };
    let (format, text) = (format(example.format).unwrap(), example.file.as_bytes());
    let pins = format.pins(text, &options).map_err(|fault| fault.to_string())?;
    let edits = pins.iter().map(|pin| PinEdit {
        name: pin.name.clone(),
        new_tag: Field::Set(example.tag.to_owned()),
        digest: example
            .digest
            .map_or(Field::Keep, |digest| Field::Set(digest.to_owned())),
        create: false,
    });
    let edited = format.edit(text, &edits.collect::<Vec<_>>(), &options);
    let edited = edited.map_err(|fault| {
        let hint = fault.hint.as_deref().unwrap_or_default();
        format!("{fault}\n→ {hint}")
    })?;
    Ok(String::from_utf8(edited.bytes).unwrap())
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for name in ["values", "manifests", "argocd"] {
        let _ = writeln!(page, "\n## Examples of `{name}`");
        for example in EXAMPLES.iter().filter(|example| example.format == name) {
            let digest = example.digest.map(|digest| format!("@{digest}")).unwrap_or_default();
            let _ = writeln!(
                page,
                "\n### {}\n\n`image: ghcr.io/myorg/api:{}{digest}`\n",
                example.title, example.tag
            );
            let _ = match promoted(example) {
                Ok(new) => writeln!(page, "```diff\n{}```", diff(example.file, &new).0),
                Err(why) => writeln!(page, "```text\n{}```\n\nRefused:\n\n```text\n{why}\n```", example.file),
            };
        }
    }
    page
}

#[test]
fn the_page_about_formats_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap_or_default() == page,
        "docs/formats.md is out of date: run UPDATE_DOCS=1 cargo test --test it manifest::formats, and commit it"
    );
}
