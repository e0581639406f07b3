//! Hides secrets in composed texts, and leaves the names and pins in them that later runs read. Pure.

/// How the hidden marks of promotions begin and end in Markdown.
const MARK: &str = "<!-- promote-action:";
const MARK_END: &str = "-->";

/// The trailers that later runs decide by: names, pins and commits, which the files of the commit say as well.
const KEPT: [&str; 7] = [
    "Promote-App: ",
    "Promote-Environment: ",
    "Promote-Pin: ",
    "Promote-From: ",
    "Promote-Rollback-Of: ",
    "Promote-Allow: ",
    "Promote-Schema: ",
];

/// Returns a commit message after `hide` has seen each of its lines but the trailers in its last paragraph that later runs decide by.
#[must_use]
pub fn hide_in_message(message: &str, hide: &dyn Fn(&str) -> String) -> String {
    let end = message.trim_end().rfind("\n\n").map_or(message.len(), |at| at + 2);
    let (text, trailers) = message.split_at(end);
    let is_kept = |line: &str| KEPT.iter().any(|key| line.starts_with(key));
    let trailers = trailers.split_inclusive('\n').map(|line| {
        if is_kept(line) {
            line.to_owned()
        } else {
            hidden_lines(line, hide)
        }
    });
    hidden_lines(text, hide) + &trailers.collect::<String>()
}

/// Returns the text of a pull request or of a comment after `hide` has seen all of it but the marks that it is found by.
#[must_use]
pub fn hide_in_markdown(text: &str, hide: &dyn Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while let Some(at) = rest.find(MARK) {
            let (before, mark) = rest.split_at(at);
            let end = mark.find(MARK_END).map_or(mark.len(), |end| end + MARK_END.len());
            let (mark, after) = mark.split_at(end);
            out.push_str(&hide(before));
            out.push_str(mark);
            rest = after;
        }
        out.push_str(&hidden_lines(rest, hide));
    }
    out
}

/// Hides line by line: `hide` shortens what is longer than anybody reads.
fn hidden_lines(text: &str, hide: &dyn Fn(&str) -> String) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let end = if line.ends_with('\n') { "\n" } else { "" };
        hide(line.strip_suffix('\n').unwrap_or(line)) + end
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hide(text: &str) -> String {
        text.replace("s3cret", "***")
    }

    #[test]
    fn what_later_runs_decide_by_stays_and_every_other_line_is_hidden() {
        let message = "promote s3cret to dev\n\nPromote-App: s3cret\nPromote-Pin: f s3cret a:s3cret -> a:v2\n\
            Promote-Reason: got s3cret\nPromote-By: s3cret\n";
        let hidden = "promote *** to dev\n\nPromote-App: s3cret\nPromote-Pin: f s3cret a:s3cret -> a:v2\n\
            Promote-Reason: got ***\nPromote-By: ***\n";
        assert_eq!(hide_in_message(message, &hide), hidden);
        // A line of another paragraph is no trailer, and a message can be one line.
        assert_eq!(
            hide_in_message("x\n\nPromote-App: s3cret\n\nPromote-App: api\n", &hide),
            "x\n\nPromote-App: ***\n\nPromote-App: api\n"
        );
        assert_eq!(hide_in_message("record s3cret\n", &hide), "record ***\n");
        assert_eq!(hide_in_message("Promote-App: s3cret", &hide), "Promote-App: ***");
    }

    #[test]
    fn a_text_in_markdown_keeps_what_it_is_found_by() {
        let text = "| `s3cret` | s3cret <!-- promote-action:row s3cret api --> | s3cret |\n<!-- promote-action: s3cret in dev -->\n";
        let hidden =
            "| `***` | *** <!-- promote-action:row s3cret api --> | *** |\n<!-- promote-action: s3cret in dev -->\n";
        assert_eq!(hide_in_markdown(text, &hide), hidden);
        assert_eq!(hide_in_markdown("a\n\ns3cret", &hide), "a\n\n***");
    }
}
