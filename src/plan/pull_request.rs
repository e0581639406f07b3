//! What a pull request of a promotion looks like: the name of its branch, its title, its text, and the hidden marker that it is found by. Pure.

use std::fmt::Write as _;

use crate::model::{AppName, BranchName, EnvironmentName, PinChange};

use super::message::distinct;
use super::trailers::one_line;

/// How the marker begins.
const MARKER: &str = "<!-- promote-action:";
/// GitHub takes 65,536 characters.
const LONGEST: usize = 60_000;
/// How long the name of a branch gets.
const LONGEST_NAME: usize = 200;

/// A pull request as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its branch: one for each set of apps and environments.
    pub branch: BranchName,
    /// Its title.
    pub title: String,
    /// Its text, with the marker.
    pub body: String,
}

/// What a pull request says besides what it changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Around<'a> {
    /// The gates: name, state, reason with the time at which it opens.
    pub gates: &'a [(String, String, String)],
    /// What else goes live with it, a line each.
    pub riding_along: &'a [String],
    /// The source commits that the new images bring: a heading, the page that shows them, and a line each.
    pub released: &'a [(String, String, Vec<String>)],
    /// What else the commit does, a line each.
    pub notes: &'a [String],
    /// The run: an address, or a random id.
    pub run: &'a str,
    /// The lines that the change touches, as a diff.
    pub diff: &'a str,
}

/// Returns what marks a pull request of these apps and environments.
fn marker(apps: &[&str], environments: &[&str]) -> String {
    format!("{MARKER} {} in {} -->", apps.join("+"), environments.join("+"))
}

/// Whether the text of a pull request has the marker of a promotion.
#[must_use]
pub fn is_marked(body: &str) -> bool {
    body.contains(MARKER)
}

/// Describes the pull request that brings `changes` to a branch with the commit `message`.
#[must_use]
pub fn describe(
    apps: &[AppName],
    environments: &[EnvironmentName],
    message: &str,
    changes: &[PinChange],
    around: Around<'_>,
) -> Option<Description> {
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let apps = sorted(apps.iter().map(AppName::as_str).collect());
    let environments = sorted(environments.iter().map(EnvironmentName::as_str).collect());
    let (apps, environments): (Vec<&str>, Vec<&str>) = (
        apps.iter().map(String::as_str).collect(),
        environments.iter().map(String::as_str).collect(),
    );
    let title = one_line(message.lines().next().unwrap_or_default());
    let mut table = String::new();
    let _ = writeln!(
        table,
        "| environment | app | before | after | file |\n|---|---|---|---|---|"
    );
    for change in changes {
        let cells = [
            change.environment.to_string(),
            change.app.to_string(),
            change.before.reference(),
            change.after.reference(),
            format!("{}:{}", change.file, change.after.line),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| code(cell)).collect();
        let _ = writeln!(table, "| {} |", cells.join(" | "));
    }
    Some(Description {
        branch: branch(&apps, &environments)?,
        title,
        body: text(&table, around, &marker(&apps, &environments)),
    })
}

/// Returns the text of a pull request that promote does not merge any more, with the reason at its head.
#[must_use]
pub fn unmerged(body: &str, why: &str) -> String {
    format!(
        "> [!WARNING]\n> promote did not merge this pull request: {}\n\n{body}",
        code(why)
    )
}

/// What a hold, or its release, is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldPlace {
    /// `hold` or `release`.
    pub command: &'static str,
    /// The apps, or `*`.
    pub apps: Vec<String>,
    /// The environments, or `*`.
    pub environments: Vec<String>,
    /// The images; none: all.
    pub images: Vec<String>,
}

/// Describes the pull request that brings a hold, or its release, to a branch with the commit `message`. Each set of apps, environments and
/// images has a branch of its own, so that no hold takes the place of another.
#[must_use]
pub fn describe_hold(place: &HoldPlace, message: &str, around: Around<'_>) -> Option<Description> {
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort_unstable();
        names.dedup();
        names.join("+")
    };
    let (apps, environments) = (sorted(&place.apps), sorted(&place.environments));
    let what = format!("{apps}\n{environments}\n{}", sorted(&place.images));
    let name = |names: &str| legal(&names.replace('*', "all"));
    let path = format!("promote/{}/{}/{}", place.command, name(&environments), name(&apps));
    let short: String = path.chars().take(LONGEST_NAME).collect();
    Some(Description {
        branch: BranchName::parse(&format!("{short}-{:016x}", sum(&what))).ok()?,
        title: one_line(message.lines().next().unwrap_or_default()),
        body: text(
            "",
            around,
            &format!("{MARKER} {} {apps} in {environments} -->", place.command),
        ),
    })
}

/// Returns the text of a pull request: the table of its changes, what is around them, and the marker.
fn text(table: &str, around: Around<'_>, marker: &str) -> String {
    let mut body = table.to_owned();
    if !around.gates.is_empty() {
        let _ = writeln!(body, "\n| gate | state | reason |\n|---|---|---|");
        for (name, state, reason) in around.gates {
            let _ = writeln!(body, "| {} | {state} | {} |", code(name), code(reason));
        }
    }
    for note in around.notes {
        let _ = writeln!(body, "\n- {}", code(note));
    }
    if !around.riding_along.is_empty() {
        let _ = writeln!(body, "\nThese changes go live with it:\n");
        for line in around.riding_along {
            let _ = writeln!(body, "- {}", code(line));
        }
    }
    for (heading, page, lines) in around.released {
        let _ = writeln!(body, "\nReleased: {} ({page})\n", code(heading));
        for line in lines {
            let _ = writeln!(body, "- {}", code(line));
        }
    }
    if !around.diff.is_empty() {
        let fence = fence(around.diff);
        let _ = writeln!(
            body,
            "\n<details><summary>Diff</summary>\n\n{fence}diff\n{}\n{fence}\n\n</details>",
            around.diff.trim_end()
        );
    }
    let run = if around.run.starts_with("https://") || around.run.starts_with("http://") {
        format!("[run]({})", around.run)
    } else {
        format!("run {}", code(around.run))
    };
    let _ = writeln!(
        body,
        "\npromote opened this pull request ({run}) and updates it: a newer promotion to the same place takes it over. promote does not \
         write over commits of other authors."
    );
    let body: String = body.chars().take(LONGEST).collect();
    format!("{body}\n{marker}\n")
}

/// Returns the branch of the pull request of these apps and environments.
#[must_use]
pub fn pull_request_branch(apps: &[AppName], environments: &[EnvironmentName]) -> Option<BranchName> {
    let mut apps: Vec<&str> = apps.iter().map(AppName::as_str).collect();
    let mut environments: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
    for names in [&mut apps, &mut environments] {
        names.sort_unstable();
        names.dedup();
    }
    branch(&apps, &environments)
}

/// Returns the branch of a set of apps and environments, the same for the same set.
fn branch(apps: &[&str], environments: &[&str]) -> Option<BranchName> {
    let part = |names: &[&str]| distinct(names.iter().copied()).join("+");
    let (environments, apps) = (part(environments), part(apps));
    let whole = format!("promote/{environments}/{apps}");
    let mut name = format!("promote/{}/{}", legal(&environments), legal(&apps));
    // Other names must not become the same branch.
    if name.len() > LONGEST_NAME || name != whole {
        let sum = sum(&whole);
        name.truncate(LONGEST_NAME);
        let _ = write!(name, "-{sum:016x}");
    }
    BranchName::parse(&name).ok()
}

/// Returns names without what a reference must not have: dots in a row, at an end, or as `.lock`.
fn legal(names: &str) -> String {
    names.replace("..", "-.").trim_matches('.').replace(".lock", "-lock")
}

/// Returns a short sum of a text, the same in every run (FNV-1a).
fn sum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns a text as code, on one line, so that nothing in it is a mention, a link or a cell of its own.
pub(super) fn code(text: &str) -> String {
    let text = one_line(text).replace('`', "'").replace('|', "\\|");
    if text.is_empty() {
        String::new()
    } else {
        format!("`{text}`")
    }
}

/// Returns a fence that no line of a text can end.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apps(names: &[&str]) -> Vec<AppName> {
        names.iter().map(|name| AppName::parse(name).unwrap()).collect()
    }

    fn of(names: &[&str], around: Around<'_>) -> Description {
        let environments = [EnvironmentName::parse("dev").unwrap()];
        describe(
            &apps(names),
            &environments,
            "promote api to dev\n\nPromote-App: api\n",
            &[],
            around,
        )
        .unwrap()
    }

    #[test]
    fn one_set_has_one_branch_whatever_its_order() {
        let one = of(&["web", "api"], Around::default());
        assert_eq!(one.branch, of(&["api", "web"], Around::default()).branch);
        assert_eq!(one.branch.as_str(), "promote/dev/api+web");
        assert_ne!(one.branch, of(&["api"], Around::default()).branch);
        assert!(is_marked(&one.body) && !is_marked("a pull request"));
        assert_eq!(one.title, "promote api to dev");
        let many: Vec<String> = (0..100).map(|n| format!("application-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(of(&many, Around::default()).branch.as_str().len() < 230);
        let odd = of(&["a..b", "c.lock"], Around::default()).branch;
        assert!(odd.as_str().starts_with("promote/dev/a-.b+c-lock-"), "{odd}");
        assert_ne!(odd, of(&["a-.b", "c-lock"], Around::default()).branch);
        assert_ne!(
            of(&["api."], Around::default()).branch,
            of(&["api"], Around::default()).branch
        );
    }

    #[test]
    fn each_hold_has_a_branch_of_its_own() {
        let branch = |apps: &[&str], images: &[&str]| {
            let place = HoldPlace {
                command: "hold",
                apps: apps.iter().map(ToString::to_string).collect(),
                environments: vec!["*".to_owned()],
                images: images.iter().map(ToString::to_string).collect(),
            };
            describe_hold(&place, "hold api", Around::default()).unwrap().branch
        };
        assert!(branch(&["api"], &[]).as_str().starts_with("promote/hold/all/api-"));
        assert_eq!(branch(&["api", "web"], &[]), branch(&["web", "api"], &[]));
        assert_ne!(branch(&["api"], &["v1"]), branch(&["api"], &["v2"]));
    }

    #[test]
    fn nothing_in_the_text_can_break_out() {
        let gates = [(
            "soak".to_owned(),
            "closed".to_owned(),
            "`@everyone` | #1\n# title".to_owned(),
        )];
        let around = Around {
            gates: &gates,
            diff: "+ ```\n+ x\n",
            run: "https://h/o/r/actions/runs/1",
            ..Around::default()
        };
        let body = of(&["api"], around).body;
        assert!(
            body.contains("| `soak` | closed | `'@everyone' \\| #1 # title` |"),
            "{body}"
        );
        assert!(body.contains("\n````diff\n"), "{body}");
        assert!(body.contains("[run](https://h/o/r/actions/runs/1)"), "{body}");
    }
}
