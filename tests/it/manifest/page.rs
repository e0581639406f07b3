//! `docs/editing.md`: what kustomize and we do to the same files. What kustomize wrote is kept beside this file, so that the page can be
//! made without it; where kustomize is at hand, that is compared too.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use promote_action::manifest::kustomize::{parse_arguments, set_images};
use serde_json::{Value, json};

use super::kustomize::{VERSION, program, theirs};

/// An example of the page.
struct Example {
    title: &'static str,
    /// What to look at.
    why: &'static str,
    arguments: &'static [&'static str],
    file: &'static str,
}

const EXAMPLES: &[Example] = &[
    Example {
        title: "Comments, blank lines, quotes and order",
        why: "kustomize writes the whole file again. It drops comments after values, moves other comments, indents lists again, sorts \
              entries by name, and chooses quotes again.",
        arguments: &["myorg/web=*:v1.4.0"],
        file: "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n\nresources:\n  # the base of all environments\n  - ../../base\n\nimages:\n  # bumped by CI, do not touch\n  - name: myorg/web       # the shop\n    newTag: 'v1.3.9'      # {\"$imagepolicy\": \"flux:web:tag\"}\n  # pinned until the incident of May is closed\n  - name: myorg/api\n    newTag: \"1.10\"\n",
    },
    Example {
        title: "A block scalar with `#` lines",
        why: "kustomize takes the lines for comments and copies them. The data changes, and grows with every run.",
        arguments: &["app=*:v2"],
        file: "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\npatches:\n- target:\n    kind: Deployment\n- patch: |-\n    - op: remove\n      path: /spec/replicas\n    # replicas belong to the autoscaler\nimages:\n- name: app\n  newTag: v1\n",
    },
    Example {
        title: "The short form and `newName`",
        why: "`NAME:TAG` replaces the entry, in kustomize as in `set-image`. `newName` goes, and the image comes from its old registry \
              again: `set-image` warns. `NAME=*:TAG` keeps it, and a promotion never touches it.",
        arguments: &["app:v2"],
        file: "images:\n- name: app\n  newName: registry.example.com/team/app\n  newTag: v1\n",
    },
    Example {
        title: "A digest gives way to a tag",
        why: "One line changes. Its comment described the digest and goes with it. kustomize also adds `apiVersion` and `kind` at the end.",
        arguments: &["app:v1.5.0"],
        file: "images:\n- name: app\n  digest: sha256:1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f # v1.4.2\n# the others\n- name: db\n  newTag: \"16\" # never 17\n",
    },
    Example {
        title: "JSON",
        why: "JSON is YAML, and stays JSON. New entries look like the entries before them.",
        arguments: &["app=*:v2", "db:16.1"],
        file: "{\n  \"kind\": \"Kustomization\",\n  \"images\": [\n    {\"name\": \"app\", \"newTag\": \"v1\"}\n  ]\n}\n",
    },
    Example {
        title: "A new entry",
        why: "It comes after the last entry, with the same indentation. promote quotes a tag that a reader of YAML 1.1 or 1.2 takes for a number.",
        arguments: &["redis:7.10"],
        file: "namePrefix: edge-\nimages:\n    -   name: app\n        newTag: v1\n\n# what else is built\nresources:\n    -   a.yaml\n",
    },
    Example {
        title: "Several documents",
        why: "kustomize edits the first and deletes the others. promote refuses, and names what would make the edit possible.",
        arguments: &["app=*:v2"],
        file: "images:\n- name: app\n  newTag: v1\n---\nimages:\n- name: db\n  newTag: v1\n",
    },
    Example {
        title: "A value that another entry shares",
        why: "kustomize replaces the alias with its value. promote refuses, because the edit would change the other entry.",
        arguments: &["app=*:v2"],
        file: "images:\n- name: app\n  newTag: &release v1\n- name: worker\n  newTag: *release\n",
    },
];

const HEAD: &str = "# Editing kustomization files

`promote set-image --dir DIR -- IMAGES…` takes the arguments of `kustomize edit set image` and gives them the same meaning. A promotion
uses the same editor, with two differences: it keeps `newName` and `tagSuffix`, and it adds an entry only with `allow: new-entry`. Both
change the bytes of the pin and no others. Comments, order, quotes, indentation, line endings and a missing newline at the end stay.

Before promote writes the file, a second YAML parser reads the result. Its values must equal the old ones, apart from the promoted image.
Otherwise promote refuses the edit and the file stays as it is. A second run changes nothing.

## The rules
| what | becomes |
|---|---|
| an old value in quotes | the same quotes around the new one |
| an old value without quotes | a new one without, unless a reader of YAML 1.1 or 1.2 would take it for a number, a boolean, a date or null: `\"1.10\"`, `\"1e3\"`, `\"0123\"`, `\"20240101\"`, `\"y\"` |
| a tag that gives way to a digest, or the reverse | the same line, rewritten; the comment after it is removed |
| a field that goes | its line with the comment after it; comments on lines of their own stay |
| a field that comes | a line behind the last field of the entry; `newName` behind `name` |
| an entry that comes | lines behind the last entry, laid out like it |
| `images` where there is none | at the end of the document, indented like the other lists |
| `imageTags` | edited where it stands |
| an alias as the value | a literal; the anchor stays as it is |
| a field that a merge supplies | an explicit field |
| nothing to do | the file is not written |

## What is refused
The error names the line, the reason, and the manual edit that would make it possible.

Promotions and `set-image` refuse:

- a file that is not YAML in UTF-8, has control characters, is larger than 10 MB, or is nested more than a hundred levels deep
- a file with several documents, or with `images` twice
- an entry for the image that is there twice, has a field twice, is an alias, or shares an anchor with another place
- a field that the edit must remove and that a merge supplies
- a value with a YAML tag such as `!!binary`
- U+0085, U+2028 or U+2029 outside quotes, where YAML 1.1 and 1.2 see different lines

`set-image` also refuses what kustomize refuses, such as unknown fields, and numbers where kustomize expects a text. If the field that the
edit sets has a number, the edit repairs it.

## Side by side
";

fn ours(example: &Example) -> Result<String, String> {
    let arguments: Vec<String> = example
        .arguments
        .iter()
        .map(|argument| (*argument).to_owned())
        .collect();
    let edits = parse_arguments(&arguments).unwrap();
    match set_images(example.file.as_bytes(), &edits) {
        Ok((edited, _)) => Ok(String::from_utf8(edited.bytes).unwrap()),
        Err(fault) => Err(format!(
            "error: {fault}\nhint: {}",
            fault.hint.as_deref().unwrap_or_default()
        )),
    }
}

/// Returns the whole file as a diff, and how many lines go and come.
pub(super) fn diff(old: &str, new: &str) -> (String, usize, usize) {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // The longest common subsequence, from the end.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for (row, was) in old.iter().enumerate().rev() {
        for (column, is) in new.iter().enumerate().rev() {
            let longer = common[row + 1][column].max(common[row][column + 1]);
            common[row][column] = if was == is {
                common[row + 1][column + 1] + 1
            } else {
                longer
            };
        }
    }
    let (mut row, mut column, mut out) = (0, 0, String::new());
    let (mut gone, mut come) = (0, 0);
    while row < old.len() || column < new.len() {
        let (sign, line) = if row < old.len() && column < new.len() && old[row] == new[column] {
            (row, column) = (row + 1, column + 1);
            (' ', old[row - 1])
        } else if column >= new.len() || (row < old.len() && common[row + 1][column] >= common[row][column + 1]) {
            (row, gone) = (row + 1, gone + 1);
            ('-', old[row - 1])
        } else {
            (column, come) = (column + 1, come + 1);
            ('+', new[column - 1])
        };
        out.push_str(format!("{sign}{line}").trim_end());
        out.push('\n');
    }
    (out, gone, come)
}

fn cell(example: &Example, result: Result<&str, &str>) -> String {
    match result {
        Ok(new) => {
            let (diff, gone, come) = diff(example.file, new);
            format!("\n\nlines: -{gone} +{come}\n\n```diff\n{diff}```\n\n")
        }
        Err(told) => format!("\n\nrefused, the file stays\n\n```text\n{told}\n```\n\n"),
    }
}

fn page(kept: &[Value]) -> String {
    let mut page = HEAD.to_owned();
    let _ = writeln!(page, "Made by a test, with kustomize {VERSION}.");
    for (example, kept) in EXAMPLES.iter().zip(kept) {
        let ours = ours(example);
        let theirs = match kept["error"].as_str() {
            Some(error) => Err(error),
            None => Ok(kept["output"].as_str().unwrap()),
        };
        let arguments = example.arguments.join(" ");
        let _ = write!(
            page,
            "\n### {}\n{}\n\n<table>\n<tr><th><code>kustomize edit set image {arguments}</code></th><th><code>promote set-image -- {arguments}</code></th></tr>\n\
             <tr><td valign=\"top\">{}</td><td valign=\"top\">{}</td></tr>\n</table>\n",
            example.title,
            example.why,
            cell(example, theirs),
            cell(example, ours.as_deref().map_err(String::as_str)),
        );
    }
    page
}

#[test]
fn the_page_about_editing_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept_at = root.join("tests/it/manifest/kustomize-output.json");
    let page_at = root.join("docs/editing.md");
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    match program() {
        Err(why) => crate::support::skipped(&format!(
            "what kustomize does to the examples of docs/editing.md: {why}"
        )),
        Ok(program) => {
            let dir = tempfile::tempdir().unwrap();
            let run = |example: &Example| {
                let arguments: Vec<String> = example
                    .arguments
                    .iter()
                    .map(|argument| (*argument).to_owned())
                    .collect();
                match theirs(&program, dir.path(), example.file, &arguments) {
                    Ok(output) => json!({"title": example.title, "output": output}),
                    Err(error) => json!({"title": example.title, "error": error}),
                }
            };
            let now = serde_json::to_string_pretty(&EXAMPLES.iter().map(run).collect::<Vec<_>>()).unwrap() + "\n";
            if update {
                fs::write(&kept_at, &now).unwrap();
            }
            assert!(
                fs::read_to_string(&kept_at).unwrap() == now,
                "kustomize does something else now: run UPDATE_DOCS=1 cargo test --test it manifest::page"
            );
        }
    }
    let kept: Vec<Value> = serde_json::from_str(&fs::read_to_string(&kept_at).unwrap()).unwrap();
    assert_eq!(kept.len(), EXAMPLES.len());
    let page = page(&kept);
    if update {
        fs::write(&page_at, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&page_at).unwrap_or_default() == page,
        "docs/editing.md is out of date: run UPDATE_DOCS=1 cargo test --test it manifest::page, and commit it"
    );
}
