//! What holds for both receivers: no secret comes out of either, and no word of ours is taken for one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Files, Form, How, Look, Receiver, Step, Streams, Terminal};
use crate::model::{Clock, Event, Milestone, Outcome, Secret, Timestamp};
use crate::report::tests::full;
use crate::report::{OUTPUTS, OutputKind, Report, outputs};

/// A stream that can be read after it was given away, or that takes nothing.
#[derive(Clone, Default)]
struct Kept {
    bytes: Rc<RefCell<Vec<u8>>>,
    full: bool,
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.borrow().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.full {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.bytes.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Now;

#[async_trait(?Send)]
impl Clock for Now {
    fn now(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn wall(&self) -> Timestamp {
        Timestamp::at_unix(0)
    }

    async fn sleep(&self, _: Duration) {}
}

/// A receiver with everything that it writes to.
struct Bench {
    receiver: Box<dyn Receiver>,
    out: Kept,
    err: Kept,
    folder: tempfile::TempDir,
}

impl Bench {
    fn of(in_step: bool, form: Form, secrets: &[&str], out_is_full: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (out, err) = (
            Kept {
                full: out_is_full,
                ..Kept::default()
            },
            Kept::default(),
        );
        let streams = Streams {
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
        };
        let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let env: BTreeMap<String, String> = [
            ("GITHUB_OUTPUT".to_owned(), path("output")),
            ("GITHUB_STEP_SUMMARY".to_owned(), path("summary")),
        ]
        .into();
        let look = Look {
            verbose: true,
            coloured: true,
            live: true,
            ..Look::default()
        };
        let receiver: Box<dyn Receiver> = if in_step {
            Box::new(Step::open(
                streams,
                &secrets,
                Files::of(&env),
                How {
                    form,
                    debug: true,
                    colored: false,
                },
            ))
        } else {
            Box::new(Terminal::open(streams, &secrets, Rc::new(Now), look))
        };
        Self {
            receiver,
            out,
            err,
            folder,
        }
    }

    /// Returns everything that came out, by where. The lines by which the runner learns what to hide are left out.
    fn left(&self) -> Vec<(&'static str, String)> {
        let lines = |text: String| {
            let lines = text.lines().filter(|line| !line.starts_with("::add-mask::"));
            lines.collect::<Vec<_>>().join("\n")
        };
        vec![
            ("stdout", lines(self.out.text())),
            ("stderr", lines(self.err.text())),
            ("output", read(self.folder.path(), "output")),
            ("summary", read(self.folder.path(), "summary")),
        ]
    }

    fn outputs(&self) -> BTreeMap<String, String> {
        let text = read(self.folder.path(), "output");
        let mut outputs = BTreeMap::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let (name, end) = line.split_once("<<").unwrap();
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            outputs.insert(name.to_owned(), value.join("\n"));
        }
        outputs
    }
}

#[expect(clippy::disallowed_methods, reason = "reads what was written")]
fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap_or_default()
}

/// What somebody reads who sees markdown, or the source of it, or a terminal.
fn readings(text: &str) -> [String; 2] {
    let plain = text
        .replace("<span>@</span>", "@")
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">");
    let plain: String = plain.chars().filter(|c| *c != '\\').collect();
    [text.to_owned(), plain]
}

const CANARIES: [&str; 4] = [
    "ghs_CANARYcanary0123456789abcdef_x",
    "s3cr3t/with+odd*chars|_<&>~[x](y)#!",
    "eyJhbGciOi.eyJzdWIiOiJjaSJ9.c2lnbmF0dXJl_-",
    "line-one-of-the-key\nline-two-of-the-key",
];

fn spoiled(report: &Report, text: &str) -> Report {
    let mut report = report.clone();
    report.map_texts(&|_| text.to_owned());
    report
}

#[test]
fn no_secret_comes_out_of_any_field_warning_or_event() {
    for (in_step, form) in [
        (true, Form::Text),
        (true, Form::Json),
        (false, Form::Text),
        (false, Form::Json),
    ] {
        for canary in CANARIES {
            let half = &canary[canary.len() / 4..=canary.len() * 3 / 4];
            for said in [canary, half] {
                let text = format!("debug: password={said} was seen");
                let bench = Bench::of(in_step, form, &[canary], false);
                let tell = |event| bench.receiver.tell(event);
                for event in [
                    Event::Stage,
                    Event::Progress,
                    Event::Waiting,
                    Event::Now,
                    Event::Notice,
                    Event::Warning,
                    Event::Debug,
                    |text| Event::Reached(Milestone::Synced, text),
                ] {
                    tell(event(text.clone()));
                }
                for spec in OUTPUTS.iter().filter(|spec| spec.kind == OutputKind::Text) {
                    tell(Event::Output {
                        name: spec.name,
                        value: text.clone(),
                    });
                }
                for number in 0..20 {
                    tell(Event::Warning(format!("{number}: {text}")));
                }
                let mut report = spoiled(&full(Outcome::Denied), &text);
                report.warnings.push(format!("another: {text}"));
                bench.receiver.finish(&report, form);
                report.checks.clear();
                report.status.clear();
                report.history.clear();
                report.metrics.clear();
                bench.receiver.finish(&report, form);
                let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| line.len() >= 8).collect();
                for (place, text) in bench.left() {
                    for reading in readings(&text) {
                        for line in &lines {
                            assert!(
                                !reading.contains(line),
                                "{line} is in {place} of {form:?}, step {in_step}:\n{reading}"
                            );
                        }
                    }
                }
                let everything: String = bench.left().into_iter().map(|(_, text)| text).collect();
                assert!(
                    everything.contains("password=***") && everything.contains("another: "),
                    "{everything}"
                );
            }
        }
    }
}

#[test]
fn the_readings_find_what_markdown_hides() {
    for canary in CANARIES {
        let mut report = full(Outcome::Denied);
        report.reason = canary.to_owned();
        // Their rows would take its place.
        report.checks.clear();
        report.status.clear();
        report.history.clear();
        report.metrics.clear();
        let summary = crate::report::summary(&report);
        for line in canary.lines() {
            assert!(
                readings(&summary).iter().any(|text| text.contains(line)),
                "{line} in\n{summary}"
            );
        }
    }
}

/// Whatever a secret is: what a workflow compares, and what a program parses, is what it would be without it.
#[test]
fn no_word_of_ours_is_taken_for_a_secret() {
    for outcome in Outcome::ALL {
        let mut report = full(outcome);
        report.infra_repo.as_mut().unwrap().landed = outcome == Outcome::Promoted;
        let closed = || OUTPUTS.iter().filter(|spec| spec.kind == OutputKind::Closed);
        let mut secrets: BTreeSet<String> = closed().map(|spec| spec.value(&report)).collect();
        if outcome == Outcome::Promoted {
            secrets.extend(closed().map(|spec| spec.name.to_owned()));
            secrets.extend(["https", "schema", "null", "\":", "[]"].map(str::to_owned));
        }
        for secret in &secrets {
            let bench = Bench::of(true, Form::Json, &[secret], false);
            for (name, value) in crate::report::outputs_at(&report, crate::report::Known::AtLanding) {
                bench.receiver.tell(Event::Output { name, value });
            }
            bench.receiver.finish(&report, Form::Json);
            let given = bench.outputs();
            for (name, right) in outputs(&report).into_iter().filter(|(name, _)| *name != "report") {
                let closed = OUTPUTS
                    .iter()
                    .any(|spec| spec.name == name && spec.kind == OutputKind::Closed);
                if closed || name == "application-url" {
                    assert_eq!(given[name], right, "{name} with the secret {secret:?}");
                }
            }
            for document in [&given["report"], &bench.out.text()] {
                let value: serde_json::Value = serde_json::from_str(document).unwrap();
                assert_eq!(value["outcome"], outcome.name(), "{secret:?}");
                assert_eq!(value["applications"][0]["live"], true, "{secret:?}");
                assert_eq!(value["infra_repo"]["commit"], "b".repeat(40), "{secret:?}");
            }
        }
    }
}

#[test]
fn a_stdout_that_takes_nothing_is_reported_on_stderr() {
    for (in_step, form) in [(true, Form::Json), (false, Form::Text), (false, Form::Json)] {
        let bench = Bench::of(in_step, form, &[], true);
        assert!(!bench.receiver.finish(&full(Outcome::Promoted), form));
        let said = bench.err.text();
        assert!(said.contains("cannot write the result to stdout: "), "{said}");
    }
}
