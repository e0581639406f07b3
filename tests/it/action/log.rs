//! The log, the outputs and the summary of a step, by the receiver alone.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;

use promote_action::journal::Journal as _;
use promote_action::model::{Command, Event, Milestone, Outcome, Secret};
use promote_action::report::{End, Report};
use promote_action::runner::{Files, Form, How, Receiver as _, Step, Streams};
use proptest::prelude::*;

use super::runner::{commands, lines, outputs};

/// A stream that can be read after it was given away.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A step's receiver with its streams and files.
struct Bench {
    step: Step,
    out: Kept,
    err: Kept,
    folder: tempfile::TempDir,
}

fn bench(secrets: &[&str], form: Form, debug: bool) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let env: BTreeMap<String, String> = [
        ("GITHUB_OUTPUT".to_owned(), path("output")),
        ("GITHUB_STEP_SUMMARY".to_owned(), path("summary")),
    ]
    .into();
    let (out, err) = (Kept::default(), Kept::default());
    let streams = Streams {
        out: Box::new(out.clone()),
        err: Box::new(err.clone()),
    };
    let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
    Bench {
        step: Step::open(
            streams,
            &secrets,
            Files::of(&env),
            How {
                form,
                debug,
                colored: false,
            },
        ),
        out,
        err,
        folder,
    }
}

fn report(outcome: Outcome, reason: &str) -> Report {
    Report::ended(Command::Promote, End::new(outcome, reason))
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

#[test]
fn stages_are_groups_that_do_not_nest_and_are_closed_before_the_end() {
    let bench = bench(&[], Form::Text, false);
    bench.step.tell(Event::Stage("plan".to_owned()));
    bench.step.progress("reads".to_owned());
    bench.step.tell(Event::Stage("a stage without a line".to_owned()));
    bench.step.tell(Event::Stage("land".to_owned()));
    bench.step.progress("pushes".to_owned());
    bench.step.finish(&report(Outcome::Denied, "no"), Form::Text);
    let names: Vec<String> = commands(&bench.out.text())
        .into_iter()
        .map(|command| command.name)
        .collect();
    assert_eq!(names, ["group", "endgroup", "group", "endgroup", "error"]);
}

#[test]
fn at_most_ten_annotations_of_a_kind_and_the_rest_is_in_the_log() {
    let bench = bench(&[], Form::Text, false);
    for number in 0..25 {
        bench.step.warn(format!("warning {number}"));
        bench.step.tell(Event::Notice(format!("notice {number}")));
    }
    let log = bench.out.text();
    for kind in ["warning", "notice"] {
        assert_eq!(
            commands(&log).iter().filter(|command| command.name == kind).count(),
            10,
            "{kind}"
        );
        assert!(lines(&log).contains(&format!("{kind}: {kind} 24").as_str()));
    }
    bench.step.finish(&report(Outcome::Promoted, ""), Form::Text);
    let outputs = outputs(&read(bench.folder.path(), "output")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&outputs["report"]).unwrap();
    assert_eq!(report["warnings"].as_array().unwrap().len(), 25);
}

#[test]
fn debug_lines_are_for_debug_runs() {
    for (debug, count) in [(false, 0), (true, 1)] {
        let bench = bench(&[], Form::Text, debug);
        bench.step.debug("detail".to_owned());
        assert_eq!(
            commands(&bench.out.text())
                .iter()
                .filter(|command| command.name == "debug")
                .count(),
            count
        );
    }
}

#[test]
fn an_output_is_written_when_it_is_known_and_survives_an_early_end() {
    let bench = bench(&[], Form::Text, false);
    let commit = "c".repeat(40);
    bench.step.tell(Event::Output {
        name: "commit",
        value: commit.clone(),
    });
    assert_eq!(outputs(&read(bench.folder.path(), "output")).unwrap()["commit"], commit);
    bench.step.finish(&report(Outcome::Bug, "broke"), Form::Text);
    let outputs = outputs(&read(bench.folder.path(), "output")).unwrap();
    assert_eq!(outputs["commit"], commit);
    assert_eq!(outputs["exit-code"], "1");
}

#[test]
fn a_secret_made_during_the_run_is_masked_and_hidden_from_then_on() {
    let bench = bench(&[], Form::Text, false);
    bench.step.tell(Event::Mask(Secret::new("minted-token")));
    bench.step.progress("got minted-token".to_owned());
    assert_eq!(bench.out.text(), "::add-mask::minted-token\ngot ***\n");
}

#[test]
fn with_json_the_log_is_on_stderr_and_the_document_alone_on_stdout() {
    let bench = bench(&["hunter2-secret"], Form::Json, false);
    bench.step.progress("works".to_owned());
    bench
        .step
        .finish(&report(Outcome::Denied, "said ##[error]x hunter2-secret"), Form::Json);
    let document: serde_json::Value = serde_json::from_str(&bench.out.text()).unwrap();
    assert_eq!(document["reason"], "said ##[error]x ***");
    assert!(commands(&bench.out.text()).is_empty());
    assert!(bench.err.text().starts_with("::add-mask::hunter2-secret\n"));
}

#[test]
fn the_delimiter_of_an_output_is_another_one_each_time() {
    let bench = bench(&[], Form::Text, false);
    bench.step.finish(&report(Outcome::Promoted, ""), Form::Text);
    let text = read(bench.folder.path(), "output");
    let mut ends: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once("<<").map(|(_, end)| end))
        .collect();
    let count = ends.len();
    ends.sort_unstable();
    ends.dedup();
    assert!(count > 5 && ends.len() == count);
}

proptest! {
    /// Whatever a server, a branch or an image is called: the runner sees our commands and no others.
    #[test]
    fn foreign_text_is_never_a_command(text in "([:#\\[\\]%=<a \t\r\n\u{a0}\u{2028}\u{feff}]|::error::|##\\[group\\]|EOF){0,12}") {
        let bench = bench(&[], Form::Text, true);
        bench.step.progress(text.clone());
        bench.step.tell(Event::Waiting(text.clone()));
        bench.step.tell(Event::Reached(Milestone::Live, text.clone()));
        prop_assert_eq!(commands(&bench.out.text()), vec![]);
        bench.step.tell(Event::Stage(text.clone()));
        bench.step.tell(Event::Notice(text.clone()));
        bench.step.warn(text.clone());
        bench.step.debug(text.clone());
        bench.step.tell(Event::Output { name: "before", value: text.clone() });
        let mut report = report(Outcome::Denied, &text);
        report.hints = vec![text.clone()];
        report.diff.clone_from(&text);
        bench.step.finish(&report, Form::Text);
        let names: Vec<String> = commands(&bench.out.text()).into_iter().map(|command| command.name).collect();
        prop_assert_eq!(names, ["group", "notice", "warning", "debug", "endgroup", "error"]);
        let outputs = outputs(&read(bench.folder.path(), "output")).unwrap();
        prop_assert_eq!(outputs.len(), promote_action::report::OUTPUTS.len());
    }
}
