//! Shows a run on a terminal or in a pipe: progress on stderr, the result on stdout.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use super::shown::{Cleaner, Shown};
use super::{Form, Receiver, Streams};
use crate::journal::Journal;
use crate::model::{Clock, Event, Secret, in_words};
use crate::report::Report;

/// How a run is shown outside a step.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own about the streams"
)]
pub struct Look {
    /// Whether to show details that only somebody who looks for a fault needs.
    pub verbose: bool,
    /// Whether stdout is a terminal: then a failure stands there, and not on stderr too.
    pub result_is_seen: bool,
    /// Whether marks on stderr are coloured.
    pub coloured: bool,
    /// Whether the result on stdout is colored.
    pub result_is_colored: bool,
    /// Writes what is advised for people at a terminal; `None` = as in a workflow.
    pub advise: Option<fn(&str) -> String>,
    /// Whether a line on stderr can be overwritten: it is a terminal.
    pub live: bool,
    /// Whether somebody can answer: stdin and stderr are terminals.
    pub can_ask: bool,
}

/// The colour of a mark, by its number in ECMA-48.
#[derive(Clone, Copy)]
enum Colour {
    Plain = 0,
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
}

/// The receiver outside a step.
pub struct Terminal {
    streams: RefCell<Streams>,
    cleaner: Cleaner,
    /// Whether the last line on stderr is to be overwritten.
    drawn: Cell<bool>,
    /// The heading of a stage that has no line yet.
    stage: RefCell<Option<Shown>>,
    clock: Rc<dyn Clock>,
    look: Look,
}

impl Terminal {
    /// Starts it. Times are counted from the clock's start.
    #[must_use]
    pub fn open(streams: Streams, secrets: &[Secret], clock: Rc<dyn Clock>, look: Look) -> Self {
        let cleaner = Cleaner::default();
        for secret in secrets {
            cleaner.learn(secret);
        }
        Self {
            streams: RefCell::new(streams),
            cleaner,
            drawn: Cell::default(),
            stage: RefCell::default(),
            clock,
            look,
        }
    }

    /// Writes a text to stderr, below the heading of its stage.
    fn say(&self, colour: Colour, first: &str, text: &Shown) {
        self.begin();
        self.write(colour, first, text);
    }

    /// Writes the heading of the stage, unless it is there: a stage without a line has none.
    fn begin(&self) {
        if let Some(title) = self.stage.take() {
            self.write(Colour::Bold, "── ", &title);
        }
    }

    /// Writes a text to stderr; lines after the first stand below its words. A terminal that is gone does not end a promotion.
    fn write(&self, colour: Colour, first: &str, text: &Shown) {
        let indent = " ".repeat(first.chars().count());
        let first = match (colour, self.look.coloured) {
            (Colour::Plain, _) | (_, false) => first.to_owned(),
            (colour, true) => format!("\u{1b}[{}m{first}\u{1b}[0m", colour as u8),
        };
        self.wipe();
        let mut streams = self.streams.borrow_mut();
        for (number, line) in text.lines(false).into_iter().enumerate() {
            let start = if number == 0 { &first } else { &indent };
            let _ = writeln!(streams.err, "{start}{line}");
        }
        let _ = streams.err.flush();
    }

    fn timed(&self, colour: Colour, mark: &str, text: &str) {
        self.say(colour, &self.stamp(mark), &self.cleaner.text(text));
    }

    fn stamp(&self, mark: &str) -> String {
        let seconds = self.clock.now().as_secs();
        let elapsed = in_words(Duration::from_secs(seconds));
        format!("{elapsed:>7} {mark} ")
    }

    /// Draws the line that the next one overwrites. The terminal cuts it where its width ends.
    fn draw(&self, text: &str) {
        self.begin();
        let line = format!("{}{}", self.stamp("…"), self.cleaner.text(text).line(false));
        self.wipe();
        let mut streams = self.streams.borrow_mut();
        let _ = write!(streams.err, "\u{1b}[?7l{line}\u{1b}[?7h").and_then(|()| streams.err.flush());
        self.drawn.set(true);
    }

    /// Takes the drawn line away.
    fn wipe(&self) {
        if self.drawn.take() {
            let mut streams = self.streams.borrow_mut();
            let _ = write!(streams.err, "\r\u{1b}[2K").and_then(|()| streams.err.flush());
        }
    }
}

impl Journal for Terminal {
    fn hide(&self, text: &str) -> String {
        self.cleaner.hide(text)
    }

    fn ask(&self, question: &str) -> Option<mpsc::Receiver<bool>> {
        if !self.look.can_ask {
            return None;
        }
        self.say(Colour::Bold, "? ", &self.cleaner.text(&format!("{question} [y/N] ")));
        let (sender, receiver) = mpsc::channel();
        // On a thread of its own: a signal must not wait for the answer.
        std::thread::spawn(move || {
            let mut answer = String::new();
            let read = std::io::stdin().read_line(&mut answer);
            let yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
            let _ = sender.send(read.is_ok() && yes);
        });
        Some(receiver)
    }

    fn tell(&self, event: Event) {
        let clean = |text: &str| self.cleaner.text(text);
        let advised = |text: String| match self.look.advise {
            Some(advise) => advise(&text),
            None => text,
        };
        match event {
            Event::Stage(title) => drop(self.stage.replace(Some(clean(&title)))),
            Event::Waiting(text) | Event::Now(text) if self.look.live => self.draw(&text),
            Event::Waiting(text) => self.timed(Colour::Dim, "…", &text),
            Event::Reached(milestone, text) if milestone.is_done() => self.timed(Colour::Green, "✓", &text),
            Event::Progress(text) | Event::Reached(_, text) => self.timed(Colour::Dim, " ", &text),
            Event::Notice(text) => self.say(Colour::Plain, "note: ", &clean(&advised(text))),
            Event::Warning(text) => self.say(Colour::Yellow, "warning: ", &self.cleaner.warning(&advised(text))),
            Event::Debug(text) if self.look.verbose => self.say(Colour::Dim, "debug: ", &clean(&text)),
            Event::Debug(_) | Event::Output { .. } | Event::Now(_) => {}
            Event::Mask(secret) => {
                self.cleaner.learn(&secret);
            }
        }
    }
}

impl Receiver for Terminal {
    fn finish(&self, report: &Report, form: Form) -> bool {
        self.wipe();
        self.stage.take();
        let mut report = self.cleaner.report(report);
        if form == Form::Text && self.look.result_is_seen && self.look.live {
            report.leave_out_warnings();
        }
        // Where both streams end in one place, a failure is said once: with the result.
        let is_seen = form == Form::Text && (self.look.result_is_seen || !self.look.live);
        if report.exit_code() != 0 && !is_seen {
            self.say(Colour::Red, "error: ", &report.failure());
        }
        self.streams
            .borrow_mut()
            .result(&report.result(form, false, false, self.look.result_is_colored))
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::model::{Command, Milestone, Outcome, Timestamp};
    use crate::report::End;

    struct Minutes;

    #[async_trait(?Send)]
    impl Clock for Minutes {
        fn now(&self) -> Duration {
            Duration::from_secs(65)
        }

        fn wall(&self) -> Timestamp {
            Timestamp::new(std::time::SystemTime::UNIX_EPOCH)
        }

        async fn sleep(&self, _: Duration) {}
    }

    #[derive(Clone, Default)]
    struct Kept(Rc<RefCell<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).unwrap()
        }
    }

    fn terminal(look: Look) -> (Terminal, Kept, Kept) {
        let (out, err) = (Kept::default(), Kept::default());
        let streams = Streams {
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
        };
        let secrets = [Secret::new("hunter2")];
        (Terminal::open(streams, &secrets, Rc::new(Minutes), look), out, err)
    }

    #[test]
    fn progress_has_its_time_and_further_lines_stand_below() {
        let (terminal, _, err) = terminal(Look::default());
        terminal.tell(Event::Stage("Nothing happens".to_owned()));
        terminal.tell(Event::Stage("Plan".to_owned()));
        terminal.progress("one hunter2\ntwo \u{1b}[2J".to_owned());
        terminal.debug("nobody asked".to_owned());
        assert_eq!(err.text(), "── Plan\n  1m05s   one ***\n          two \\u{1b}[2J\n");
    }

    #[test]
    fn only_marks_are_coloured_and_only_where_people_see_them() {
        let coloured = Look {
            coloured: true,
            ..Look::default()
        };
        let (terminal, _, err) = terminal(coloured);
        terminal.tell(Event::Reached(Milestone::Landed, "landed".to_owned()));
        assert_eq!(err.text(), "\u{1b}[32m  1m05s ✓ \u{1b}[0mlanded\n");
    }

    #[test]
    fn a_terminal_has_a_line_that_the_next_one_overwrites() {
        let live = Look {
            live: true,
            ..Look::default()
        };
        for (look, shown) in [
            (
                live,
                "\u{1b}[?7l  1m05s … a \\u{1b}[2J\u{1b}[?7h\r\u{1b}[2K\u{1b}[?7l  1m05s … b\u{1b}[?7h\r\u{1b}[2K  1m05s   c\n",
            ),
            (Look::default(), "  1m05s   c\n"),
        ] {
            let (terminal, _, err) = terminal(look);
            terminal.tell(Event::Now("a \u{1b}[2J".to_owned()));
            terminal.tell(Event::Now("b".to_owned()));
            terminal.progress("c".to_owned());
            assert_eq!(err.text(), shown);
        }
    }

    #[test]
    fn a_failure_is_on_stderr_too_where_people_see_that_and_not_stdout() {
        for (result_is_seen, live, form, told) in [
            (false, true, Form::Text, true),
            (false, false, Form::Text, false),
            (true, true, Form::Text, false),
            (true, true, Form::Json, true),
        ] {
            let look = Look {
                result_is_seen,
                live,
                ..Look::default()
            };
            let (terminal, out, err) = terminal(look);
            let report = Report::ended(Command::Promote, End::new(Outcome::Denied, "no entry"));
            assert!(terminal.finish(&report, form));
            assert_eq!(err.text().contains("no entry"), told);
            assert!(out.text().contains("no entry"));
        }
    }

    #[test]
    fn a_warning_is_said_once_to_whoever_sees_both_streams() {
        for (result_is_seen, form, times) in [(true, Form::Text, 1), (false, Form::Text, 2), (true, Form::Json, 2)] {
            let look = Look {
                result_is_seen,
                live: true,
                ..Look::default()
            };
            let (terminal, out, err) = terminal(look);
            terminal.warn("watch out".to_owned());
            let report = Report::ended(Command::Promote, End::new(Outcome::Landed, "landed"));
            assert!(terminal.finish(&report, form));
            let both = format!("{}{}", err.text(), out.text());
            assert_eq!(both.matches("watch out").count(), times, "{both}");
        }
    }
}
