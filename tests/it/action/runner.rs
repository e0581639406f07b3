//! The runner's own rules, ported: which lines of a log are commands, and how it reads a file of outputs.

use std::collections::BTreeMap;

/// A workflow command in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) properties: String,
    /// Unescaped.
    pub(crate) data: String,
}

/// Returns the command that a line is: `::name properties::data` at its start, or the old `##[name properties]data` anywhere.
pub(crate) fn command(line: &str) -> Option<Command> {
    new_command(line).or_else(|| old_command(line))
}

fn new_command(line: &str) -> Option<Command> {
    let (head, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    Some(parts(head, data))
}

fn old_command(line: &str) -> Option<Command> {
    let (_, rest) = line.split_once("##[")?;
    let (head, data) = rest.split_once(']')?;
    Some(parts(head, data))
}

fn parts(head: &str, data: &str) -> Command {
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    Command {
        name: name.to_owned(),
        properties: properties.to_owned(),
        data: data.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%"),
    }
}

/// Splits a log as the runner's reader does: at `\n`, `\r\n` and `\r`.
pub(crate) fn lines(log: &str) -> Vec<&str> {
    log.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
        .collect()
}

/// Returns the commands of a log, in order.
pub(crate) fn commands(log: &str) -> Vec<Command> {
    lines(log).into_iter().filter_map(command).collect()
}

/// Reads a file of outputs.
///
/// Whichever of `=` and `<<` comes first decides; a block ends at the line that is its delimiter. Anything else fails the step.
pub(crate) fn outputs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut out = BTreeMap::new();
    let mut rest = lines(text).into_iter();
    while let Some(line) = rest.next() {
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (Some(at), block) if block.is_none_or(|block| at < block) => {
                out.insert(line[..at].to_owned(), line[at + 1..].to_owned());
            }
            (_, Some(at)) => {
                let (name, end) = (&line[..at], &line[at + 2..]);
                if name.is_empty() || end.is_empty() {
                    return Err(format!("invalid format {line:?}"));
                }
                let mut value = Vec::new();
                loop {
                    match rest.next() {
                        Some(line) if line == end => break,
                        Some(line) => value.push(line),
                        None => return Err(format!("matching delimiter not found {end:?}")),
                    }
                }
                out.insert(name.to_owned(), value.join("\n"));
            }
            _ => return Err(format!("invalid format {line:?}")),
        }
    }
    Ok(out)
}

#[test]
fn the_port_reads_what_the_runner_reads() {
    let line = "  ::error title=a%3Ab::x%0Ay";
    assert_eq!(command(line).unwrap().data, "x\ny");
    assert_eq!(command("text ##[debug]z").unwrap().name, "debug");
    assert_eq!(command("a ::error::b"), None);
    assert_eq!(outputs("a=b\nc<<E\n1\n2\nE\n").unwrap()["c"], "1\n2");
    assert!(outputs("c<<E\n1\n").is_err());
}
