//! The files that the runner reads after a step: outputs and the job summary.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

/// The largest summary: the runner takes no file of more than 1 MiB.
const MOST_SUMMARY: usize = 900 * 1024;

/// Where a step leaves what it found out.
#[derive(Clone, Debug, Default)]
pub struct Files {
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
}

impl Files {
    /// Finds the files by the variables of the environment.
    #[must_use]
    pub fn of(env: &BTreeMap<String, String>) -> Self {
        let path = |name: &str| env.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        Self {
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
        }
    }

    /// Appends an output, in the form that no value can end early.
    ///
    /// # Errors
    /// The file is not named or cannot be written.
    pub(super) fn output(&self, name: &str, value: &str) -> Result<(), String> {
        let end = random_hex().map_err(|error| format!("the output `{name}` has no delimiter: {error}"))?;
        let text = format!("{name}<<ghadelimiter_{end}\n{value}\nghadelimiter_{end}\n");
        let written = append("GITHUB_OUTPUT", self.output.as_ref(), &text);
        written.map_err(|why| format!("{why}: later steps cannot read this output"))
    }

    /// Appends to the job summary, cut at a character where it would be too long.
    ///
    /// # Errors
    /// As [`Files::output`].
    pub(super) fn summary(&self, markdown: &str) -> Result<(), String> {
        const CUT: &str = "\n\n… the rest is cut: a summary holds no more\n";
        let text = if markdown.len() <= MOST_SUMMARY {
            markdown.to_owned()
        } else {
            let end = markdown.floor_char_boundary(MOST_SUMMARY - CUT.len());
            format!("{}{CUT}", markdown.get(..end).unwrap_or_default())
        };
        let written = append("GITHUB_STEP_SUMMARY", self.summary.as_ref(), &text);
        written.map_err(|why| format!("{why}: the run's page will not show how this step ended, its log does"))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge: the runner reads these files"
)]
fn append(variable: &str, path: Option<&PathBuf>, text: &str) -> Result<(), String> {
    let path = path.ok_or_else(|| format!("{variable} is not set"))?;
    let open = std::fs::OpenOptions::new().append(true).create(true).open(path);
    let done = open.and_then(|mut file| file.write_all(text.as_bytes()));
    done.map_err(|error| format!("{variable} cannot be written: {error}"))
}

/// Returns 32 random hexadecimal digits.
///
/// # Errors
/// The system has no randomness.
pub fn random_hex() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "reads what was written")]
    fn a_long_summary_is_cut_at_a_character() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary");
        let files = Files {
            summary: Some(path.clone()),
            ..Files::default()
        };
        files.summary(&"ä".repeat(MOST_SUMMARY)).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.len() <= MOST_SUMMARY && text.len() > MOST_SUMMARY - 10);
        assert!(text.ends_with("holds no more\n"));
    }

    #[test]
    fn a_file_that_is_not_there_is_told_by_its_variable() {
        let files = Files {
            output: Some(PathBuf::from("/no/such/folder/output")),
            summary: None,
        };
        let why = files.output("a", "b").unwrap_err();
        assert!(
            why.starts_with("GITHUB_OUTPUT cannot") && why.contains("later steps"),
            "{why}"
        );
        let why = files.summary("x").unwrap_err();
        assert!(
            why.starts_with("GITHUB_STEP_SUMMARY is not set") && why.contains("run's page"),
            "{why}"
        );
    }
}
