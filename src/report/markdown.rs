//! Foreign text in markdown: as prose in which nothing is markup, as code, and as a cell of a table.

use crate::model::unseen;

/// Returns the text as prose: no markup, no HTML, no link of its own.
pub(super) fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Apart from the text around it it is neither a mail address nor somebody's name.
            '@' => out.push_str("<span>@</span>"),
            '\n' => out.push_str("<br>"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c if is_unseen(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    // GitHub makes links of bare addresses.
    out.replace("://", ":\\//").replace("www.", "www\\.")
}

/// Returns the text as prose in which what stands between backticks is code.
pub(super) fn told(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let last = parts.len() - 1;
    // Neighbouring backticks would join to a longer fence; one without its partner is a character.
    let fits = |(at, part): (usize, &&str)| !part.contains('\n') && (!part.is_empty() || at == 0 || at == last);
    if last % 2 == 1 || !parts.iter().enumerate().all(fits) {
        return prose(text);
    }
    let shown = |(at, part): (usize, &&str)| if at % 2 == 1 { code(part) } else { prose(part) };
    parts.iter().enumerate().map(shown).collect()
}

/// Returns a text of several lines: those that begin with `- ` are a list, the others stand one below the other.
pub(super) fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    let mut in_list = false;
    for line in text.lines() {
        let item = line.strip_prefix("- ");
        out.push_str(match (out.is_empty(), item.is_some(), in_list) {
            (true, true, _) | (false, true, true) => "\n- ",
            (false, true, false) => "\n\n- ",
            (true, false, _) => "",
            (false, false, _) => "<br>",
        });
        out.push_str(&told(item.unwrap_or(line)));
        in_list |= item.is_some();
    }
    out
}

/// Returns the text as code. The fence is longer than any run of backticks in it.
pub(super) fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if is_unseen(c) || c == '\n' { ' ' } else { c })
        .collect();
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.trim().is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Returns markdown as a cell of a table: there a `|` ends the cell, in code too, unless it is escaped. Elsewhere code would show
/// the escape.
pub(super) fn cell(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut before = ' ';
    for c in markdown.chars() {
        if c == '|' && before != '\\' {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

/// Returns the text as a block of code in the language `kind`.
pub(super) fn block(kind: &str, text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if is_unseen(c) && c != '\t' { '\u{fffd}' } else { c })
        .collect();
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}{kind}\n{}\n{fence}\n", text.trim_end())
}

/// Returns a link, or only its text when the address is none of the web.
pub(super) fn link(shown: &str, address: &str) -> String {
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    if is_web
        && address
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>()[]\"'`|\\".contains(&b))
    {
        format!("[{shown}](<{address}>)")
    } else {
        shown.to_owned()
    }
}

/// Control characters, and what is not seen otherwise.
fn is_unseen(c: char) -> bool {
    (c.is_control() && c != '\n') || unseen(c)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// Returns a table, or nothing if it has no rows. Heads and cells are Markdown already.
pub(super) fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |row: Vec<String>| row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | ");
    let rows: Vec<String> = rows.map(|row| format!("| {} |\n", line(row))).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "| {} |\n|{}\n{}\n",
        head.join(" | "),
        "---|".repeat(head.len()),
        rows.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_no_markup() {
        assert_eq!(
            prose("<b>x</b> [a](b) | `c`"),
            "&lt;b&gt;x&lt;/b&gt; \\[a\\]\\(b\\) \\| \\`c\\`"
        );
        assert_eq!(prose("a\nb\u{1b}"), "a<br>b\u{fffd}");
        assert_eq!(prose("see https://evil.example"), "see https:\\//evil.example");
        assert_eq!(prose("myorg/api:v1.2-3"), "myorg/api:v1.2-3");
        assert_eq!(prose("a@b"), "a<span>@</span>b");
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        assert_eq!(told("`tag` \"a_b\" is wrong"), "`tag` \"a\\_b\" is wrong");
        assert_eq!(told("a ` b"), "a \\` b");
        assert_eq!(told("``a``"), "\\`\\`a\\`\\`");
        assert_eq!(told("`a``b`"), "\\`a\\`\\`b\\`");
        assert_eq!(told("`<b>|`"), "`<b>|`");
    }

    #[test]
    fn mistakes_are_a_list() {
        assert_eq!(
            paragraphs("2 mistakes:\n- a\n- b\nstill b"),
            "2 mistakes:\n\n- a\n- b<br>still b"
        );
        assert_eq!(paragraphs("one\ntwo"), "one<br>two");
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code("a|b\nc"), "`a|b c`");
        assert_eq!(block("diff", "a\n````\nb"), "`````diff\na\n````\nb\n`````\n");
    }

    #[test]
    fn no_cell_ends_early() {
        assert_eq!(cell("`a|b` c\\|d ||"), "`a\\|b` c\\|d \\|\\|");
    }

    #[test]
    fn only_addresses_of_the_web_are_links() {
        assert_eq!(link("x", "https://a.example/b"), "[x](<https://a.example/b>)");
        assert_eq!(link("x", "javascript:alert(1)"), "x");
        assert_eq!(link("x", "https://a.example/>)<script"), "x");
    }
}
