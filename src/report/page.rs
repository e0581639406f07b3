//! The report of `status` as a page: one file that asks for nothing, for a phone, a wide screen or paper, light or dark.

use super::heading::heading;
use super::mark::Mark;
use super::status::{age, short};
use super::{GateState, Report, StatusRow};
use crate::model::{CommitSha, Health, SyncState};

/// The style: colors with a contrast of at least 4.5 to 1, and cards instead of a table below 40 rem.
const STYLE: &str = include_str!("page.css");

/// Returns the report as an HTML document that makes no request.
#[must_use]
pub fn page(report: &Report) -> String {
    let title = escape(&heading(report));
    let mark = match Mark::of(report) {
        Mark::Good => "good",
        Mark::Bad | Mark::Stopped => "bad",
        Mark::Shown => "none",
        Mark::Unwatched | Mark::Paused | Mark::Replaced => "warn",
    };
    let parts = [
        head(report),
        list("What to do", &report.hints),
        list("Warnings", &report.warnings),
        overview(&report.status),
        holds(report),
        gates(report),
        events(report),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1><span class=\"{mark}\">{title}</span></h1>\n{}</main>\n</body>\n</html>",
        parts.concat()
    )
}

/// Where it was read, and when.
fn head(report: &Report) -> String {
    let repo = report.infra_repo.as_ref().map(|row| {
        let commit = row.commit.as_ref().map_or("", CommitSha::short);
        format!(
            "<p class=\"quiet\">Branch <code>{}</code> at <code>{commit}</code> of <code>{}</code></p>\n",
            escape(&row.branch),
            escape(&row.url)
        )
    });
    let failed = report.exit_code() != 0 && !report.reason.is_empty();
    let reason = failed.then(|| format!("<p>{}</p>\n", escape(&report.reason)));
    [repo, reason].into_iter().flatten().collect()
}

fn list(title: &str, texts: &[String]) -> String {
    if texts.is_empty() {
        return String::new();
    }
    let items: Vec<String> = texts
        .iter()
        .map(|text| format!("<li>{}</li>\n", escape(text)))
        .collect();
    format!(
        "<section>\n<h2>{title}</h2>\n<ul>\n{}</ul>\n</section>\n",
        items.concat()
    )
}

/// The apps as rows and the environments as columns.
fn overview(rows: &[StatusRow]) -> String {
    let environments = distinct(rows.iter().map(|row| row.environment.as_str()));
    let apps = distinct(rows.iter().map(|row| row.app.as_str()));
    if rows.is_empty() {
        return String::new();
    }
    let heads = environments
        .iter()
        .map(|name| format!("<th scope=\"col\">{}</th>", escape(name)));
    let heads: Vec<String> = heads.collect();
    let lines = apps.iter().map(|app| {
        let cells = environments.iter().map(|environment| {
            let here = rows
                .iter()
                .filter(|row| row.app == *app && row.environment == *environment);
            let mut content: String = here.map(in_cluster).collect();
            if content.is_empty() {
                "<span class=\"none\">not deployed</span>".clone_into(&mut content);
            }
            format!("<td data-label=\"{}\">{content}</td>\n", escape(environment))
        });
        let cells: Vec<String> = cells.collect();
        format!(
            "<tr>\n<th scope=\"row\">{}</th>\n{}</tr>\n",
            escape(app),
            cells.concat()
        )
    });
    let lines: Vec<String> = lines.collect();
    format!(
        "<section>\n<h2>What runs where</h2>\n<table>\n<caption>The image that is pinned, since when, and how it runs</caption>\n\
         <thead>\n<tr><th scope=\"col\">App</th>{}</tr>\n</thead>\n<tbody>\n{}</tbody>\n</table>\n</section>\n",
        heads.concat(),
        lines.concat()
    )
}

/// The content of a cell, with the cluster where there are several.
fn in_cluster(row: &StatusRow) -> String {
    let cluster = row
        .cluster
        .as_ref()
        .map(|name| format!("<p><strong>{}</strong></p>\n", escape(name)));
    cluster.unwrap_or_default() + &cell(row)
}

fn cell(row: &StatusRow) -> String {
    let images = row
        .images
        .iter()
        .map(|image| format!("<p><code>{}</code></p>\n", escape(&short(image))));
    let images = images.collect::<Vec<_>>().concat();
    let nothing = row
        .images
        .is_empty()
        .then(|| "<p class=\"none\">nothing is pinned</p>\n".to_owned());
    let state = row.sync.zip(row.health).map(|(sync, health)| {
        let (class, drift) = match row.not_running.as_slice() {
            [] => (class(sync, health, false), ""),
            _ => (class(sync, health, true), ", does not run what is pinned"),
        };
        format!("<p class=\"state {class}\">{health}, {sync}{drift}</p>\n")
    });
    let since = row.at.map(|at| {
        let ago = row.age_seconds.map(|seconds| format!("{} ago", age(seconds)));
        format!(
            "<time datetime=\"{at}\">{}</time>",
            ago.unwrap_or_else(|| at.to_string())
        )
    });
    let by = row.by.as_ref().map(|by| format!("by {}", escape(by)));
    let commit = row
        .commit
        .as_ref()
        .map(|commit| format!("in <code>{}</code>", commit.short()));
    let facts: Vec<String> = [since, by, commit].into_iter().flatten().collect();
    let facts = quiet(&facts.join(" "));
    let canary = row.rollout.as_ref().map(|rollout| {
        let pause = rollout.pause.as_ref().map(|why| format!(", paused: {}", escape(why)));
        let (step, steps) = (rollout.shown_step(), rollout.steps);
        let pause = pause.unwrap_or_default();
        format!(
            "<p class=\"state warn\">canary at {}%, step {step} of {steps}{pause}</p>\n",
            rollout.weight
        )
    });
    let behind = row.behind.iter();
    let behind = behind.map(|one| quiet(&format!("behind {} by {}", escape(&one.environment), one.by)));
    let behind = behind.collect::<Vec<_>>().concat();
    let is_behind = |name: &&String| row.behind.iter().any(|one| one.environment == **name);
    let differs: Vec<&str> = (row.differs_from.iter())
        .filter(|name| !is_behind(name))
        .map(String::as_str)
        .collect();
    let differs = (!differs.is_empty()).then(|| quiet(&format!("differs from {}", escape(&differs.join(", ")))));
    [Some(images), nothing, state, canary, Some(facts), Some(behind), differs]
        .into_iter()
        .flatten()
        .collect()
}

/// A line in a quieter color; none for nothing.
fn quiet(line: &str) -> String {
    if line.is_empty() {
        return String::new();
    }
    format!("<p class=\"quiet\">{line}</p>\n")
}

const fn class(sync: SyncState, health: Health, drifts: bool) -> &'static str {
    match (health, sync) {
        (Health::Healthy, SyncState::Synced) if !drifts => "good",
        (Health::Missing | Health::Degraded | Health::Unknown, _) => "bad",
        _ => "warn",
    }
}

fn gates(report: &Report) -> String {
    if report.gates.is_empty() {
        return String::new();
    }
    let rows = report.gates.iter().map(|row| {
        let class = match row.state {
            GateState::Open => "good",
            GateState::Closed => "warn",
            GateState::Unknown => "bad",
        };
        let until = row
            .until
            .map(|until| format!("<time datetime=\"{until}\">{until}</time>"));
        format!(
            "<tr>\n<th scope=\"row\">{}</th>\n<td data-label=\"Environment\">{}</td>\n<td data-label=\"State\"><span class=\"state {class}\">{}</span></td>\n\
             <td data-label=\"Why\">{}</td>\n<td data-label=\"Opens\">{}</td>\n</tr>\n",
            escape(&row.name),
            escape(&row.environment),
            row.state.name(),
            escape(&row.reason),
            until.or_else(|| row.opens.as_deref().map(escape)).unwrap_or_default()
        )
    });
    format!(
        "<section>\n<h2>Gates</h2>\n<table>\n<caption>The time windows of promote.yaml now. The other gates depend on the image: run promote plan</caption>\n<thead>\n<tr><th scope=\"col\">Gate</th>\
         <th scope=\"col\">Environment</th><th scope=\"col\">State</th><th scope=\"col\">Why</th><th scope=\"col\">Opens</th></tr>\n</thead>\n<tbody>\n{}</tbody>\n</table>\n</section>\n",
        rows.collect::<Vec<_>>().concat()
    )
}

/// What is held: no promotion puts it there.
fn holds(report: &Report) -> String {
    let rows = report.holds.iter().map(|row| {
        format!(
            "<tr>\n<th scope=\"row\">{}</th>\n<td data-label=\"Why\">{}</td>\n<td data-label=\"By\">{}</td>\n\
             <td data-label=\"Ends\">{}</td>\n</tr>\n",
            escape(&row.what()),
            escape(&row.reason),
            escape(row.by.as_deref().unwrap_or("not known")),
            escape(&row.end())
        )
    });
    table(
        "Holds",
        "What no promotion can put in",
        &["Held", "Why", "By", "Ends"],
        rows,
    )
}

/// The last events, the newest first.
fn events(report: &Report) -> String {
    let rows = report.history.iter().map(|row| {
        let images: Vec<String> = row.to.iter().map(|image| escape(&short(image))).collect();
        format!(
            "<tr>\n<th scope=\"row\"><time datetime=\"{at}\">{at}</time></th>\n<td data-label=\"App\">{}</td>\n\
             <td data-label=\"Environment\">{}</td>\n<td data-label=\"Event\">{}</td>\n<td data-label=\"Image\"><code>{}</code></td>\n\
             <td data-label=\"By\">{}</td>\n</tr>\n",
            escape(&row.app),
            escape(&row.environment),
            escape(&row.event),
            images.join(" "),
            escape(&row.by),
            at = row.at,
        )
    });
    let heads = ["When", "App", "Environment", "Event", "Image", "By"];
    table("Last events", "What happened, the newest first", &heads, rows)
}

/// A section with a table; nothing for no rows.
fn table(title: &str, caption: &str, heads: &[&str], rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.collect();
    if rows.is_empty() {
        return rows;
    }
    let heads: Vec<String> = heads
        .iter()
        .map(|head| format!("<th scope=\"col\">{head}</th>"))
        .collect();
    format!(
        "<section>\n<h2>{title}</h2>\n<table>\n<caption>{caption}</caption>\n<thead>\n<tr>{}</tr>\n</thead>\n<tbody>\n{rows}</tbody>\n\
         </table>\n</section>\n",
        heads.concat()
    )
}

/// Returns each text once, in the order in which it came first.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}

/// Returns a text in which nothing is markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // A line that begins with a text could be a command of the runner.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::full;
    use super::*;
    use crate::model::Outcome;

    #[test]
    fn nothing_from_outside_is_markup_and_nothing_is_asked_for() {
        let mut report = full(Outcome::Ok);
        report.map_texts(&|_| "<script src=//evil>\"'&".to_owned());
        let page = page(&report);
        assert!(
            !page.contains("<script") && page.contains("&lt;script src=//evil&gt;&quot;&#39;&amp;"),
            "{page}"
        );
        for request in ["src=\"", "href=\"", "url(", "@import", "<link", "<img"] {
            assert!(!page.contains(request), "{request}");
        }
    }

    #[test]
    fn a_row_says_what_runs_since_when_and_how() {
        let page = page(&full(Outcome::Ok));
        for part in [
            "<th scope=\"row\">x</th>",
            "Degraded, OutOfSync, does not run what is pinned",
            "1s ago",
            "by x",
            "behind x by 3",
            "differs from y",
            "canary at ",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
