//! Writes the record, after the verdict: all apps and environments of a run in one commit, by compare-and-swap. It never changes how a run
//! ended: what cannot be written is a warning.

use std::cell::Cell;
use std::time::Duration;

use crate::assess::history::Line;
use crate::infrarepo::{Attempt, Author, EntryKind, FileEdit, FileMode, Land, Update};
use crate::model::{CommitSha, Fault, RefName, in_words, limits};

use crate::promote::land::{pause, random};
use crate::promote::ports::Ports;
use crate::promote::prepare::record::{Pair, Records, read, root};

/// What happened to an app in an environment.
#[derive(Clone, Debug)]
pub(in crate::promote) struct Happened {
    /// Which.
    pub(in crate::promote) pair: Pair,
    /// The line about it.
    pub(in crate::promote) line: Line,
    /// Whether the line is left out if the newest one says the same already.
    pub(in crate::promote) unless_known: bool,
}

/// Where the record is, and who writes it.
pub(in crate::promote) struct Place<'a> {
    /// The reference.
    pub(in crate::promote) name: RefName,
    /// Author and committer.
    pub(in crate::promote) author: &'a Author,
}

/// Adds what happened to the record, and returns the record with it. Says in a warning what kept it from that. Nothing is written once the
/// run was cancelled.
pub(in crate::promote) async fn write(
    repo: &dyn Land,
    ports: &Ports<'_>,
    place: &Place<'_>,
    happened: &[Happened],
) -> Option<Records> {
    if happened.is_empty() || ports.cancel.borrow().is_some() {
        return None;
    }
    let begun = ports.clock.now();
    // Whether another run was seen to write it: then the host answers, and it is worth the wait.
    let contended = Cell::new(false);
    let late = async {
        let (alone, bound) = (limits::RECORDING_ALONE.time(), limits::RECORDING.time());
        ports.clock.sleep(alone).await;
        if contended.get() {
            ports.clock.sleep(bound.saturating_sub(alone)).await;
            bound
        } else {
            alone
        }
    };
    let end = begun + limits::RECORDING.time();
    let written = tokio::select! {
        biased;
        written = Box::pin(until_written(repo, ports, place, happened, end, &contended)) => written,
        _ = crate::promote::cancel::signal(ports.cancel.clone()) => {
            ports.journal.warn(format!("the record on {} is not complete: the run was cancelled while it was written", place.name));
            return None;
        }
        after = late => Err(Fault::unreachable(format!("the host did not take it within {}", in_words(after)))),
    };
    match written {
        Ok(records) => {
            ports.journal.debug(format!("recorded on {}", place.name));
            Some(records)
        }
        Err(fault) => {
            ports.journal.warn(format!(
                "the record on {} was not written: {fault} → let the token push to that reference, or name another one, or `none`, with \
                 `record:` in promote.yaml",
                place.name
            ));
            None
        }
    }
}

async fn until_written(
    repo: &dyn Land,
    ports: &Ports<'_>,
    place: &Place<'_>,
    happened: &[Happened],
    end: Duration,
    contended: &Cell<bool>,
) -> Result<Records, Fault> {
    let mut pairs: Vec<Pair> = Vec::new();
    for one in happened {
        if !pairs.contains(&one.pair) {
            pairs.push(one.pair.clone());
        }
    }
    let mut losses = 0;
    loop {
        let mut records = read(repo, &place.name, &pairs).await?;
        if let Some(at) = &records.at {
            must_be_record(repo, &place.name, at).await?;
        }
        let Some(update) = update(&mut records, place, happened, ports) else {
            return Ok(records);
        };
        let begun = ports.clock.now();
        match repo.land(&update).await? {
            Attempt::Landed(_) => return Ok(records),
            Attempt::LostRace { why } => {
                losses += 1;
                contended.set(true);
                let now = ports.clock.now();
                let room = end.saturating_sub(now);
                ports
                    .journal
                    .debug(format!("the record moved meanwhile ({why}); attempt {losses}"));
                let pause = pause(losses, now.saturating_sub(begun), random()).min(room / 2);
                ports.clock.sleep(pause).await;
            }
        }
    }
}

/// Checks that a branch which promote.yaml names for the record has nothing but a record: the token may push where whoever wrote that file may
/// not.
async fn must_be_record(repo: &dyn Land, name: &RefName, at: &CommitSha) -> Result<(), Fault> {
    if !name.as_str().starts_with("refs/heads/") {
        return Ok(());
    }
    let newest = repo.history(at, 1).await?;
    let is_recorded = newest.first().is_some_and(|commit| commit.message.starts_with(SUBJECT));
    let top = if is_recorded {
        repo.list(at, &root()?).await?
    } else {
        None
    };
    if top.is_some_and(|top| top.iter().all(|entry| entry.kind == EntryKind::Folder)) {
        return Ok(());
    }
    Err(Fault::refused(format!(
        "{} has other commits than those of a record",
        name.short()
    )))
}

/// How the subject of every commit of the record begins.
const SUBJECT: &str = "record ";

/// Adds the lines, and returns the commit with them; `None` if the record has all of them.
fn update(records: &mut Records, place: &Place<'_>, happened: &[Happened], ports: &Ports<'_>) -> Option<Update> {
    let mut edits = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for row in &mut records.rows {
        let mut changed = false;
        for one in happened.iter().filter(|one| one.pair == row.pair) {
            if one.unless_known
                && row
                    .record
                    .newest()
                    .is_some_and(|newest| says_the_same(newest, &one.line))
            {
                continue;
            }
            // Later runs decide by its images and pins; its words are for people.
            row.record.push(Line {
                by: ports.journal.hide(&one.line.by),
                run: ports.journal.hide(&one.line.run),
                reason: ports.journal.hide(&one.line.reason),
                ..one.line.clone()
            });
            words.push(format!("{} in {}: {}", row.pair.0, row.pair.1, one.line.event.name()));
            changed = true;
        }
        if changed {
            let (path, content) = (row.file.clone(), row.record.file().into_bytes());
            edits.push(if row.exists {
                FileEdit::Write { path, content }
            } else {
                let mode = FileMode::Plain;
                FileEdit::Create { path, content, mode }
            });
        }
    }
    (!edits.is_empty()).then(|| Update {
        reference: place.name.clone(),
        expected: records.at.clone(),
        parents: records.at.clone().into_iter().collect(),
        edits,
        message: format!("{SUBJECT}{}\n", words.join(", ")),
        author: place.author.clone(),
        at: ports.clock.wall(),
    })
}

/// Whether a line says of the same images what the newest one says: both that they are live, or both the same event.
fn says_the_same(newest: &Line, line: &Line) -> bool {
    let same = newest.images.len() == line.images.len() && newest.is_about(&line.images);
    same && (newest.event == line.event || newest.event.is_good() && line.event.is_good())
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::assess::history::EventKind;
    use crate::clock::SystemClock;
    use crate::infrarepo::{Address, RepoAccess};
    use crate::journal::Journal;
    use crate::model::{AppName, Clock, EnvironmentName, Event};

    struct Heard(std::cell::RefCell<Vec<String>>);

    impl Journal for Heard {
        fn tell(&self, event: Event) {
            if let Event::Warning(text) = event {
                self.0.borrow_mut().push(text);
            }
        }
    }

    fn line(run: usize) -> Line {
        Line {
            at: SystemClock::start().wall(),
            event: EventKind::Live,
            commit: None,
            images: vec!["myorg/api:v1".to_owned()],
            pins: Vec::new(),
            schema: None,
            by: "octo".to_owned(),
            run: format!("run {run}"),
            reason: String::new(),
            seconds: None,
            of: None,
        }
    }

    #[tokio::test]
    async fn fifty_writers_at_once_lose_no_line() {
        const WRITERS: usize = 50;
        let host = sandbox::git::GitHost::start(sandbox::git::GitHostOptions::default())
            .await
            .unwrap();
        host.create("infra", &[("a", "1")]).unwrap();
        let folder = host.path("infra");
        let target = RepoAccess {
            address: Address::parse(folder.to_str().unwrap(), None).unwrap(),
            branch: None,
            aliases: Vec::new(),
            user: None,
            token: None,
            ssh: None,
            github: None,
            app: None,
            by_api: None,
        };
        let http = crate::http::client(&crate::http::Connections::default()).unwrap();
        let clock = Rc::new(SystemClock::start());
        let heard = Rc::new(Heard(std::cell::RefCell::default()));
        let (_sender, cancel) = tokio::sync::watch::channel(None);
        let author = Author {
            name: "t".to_owned(),
            mail: "t@t.invalid".to_owned(),
        };
        let pair = (AppName::parse("api").unwrap(), EnvironmentName::parse("dev").unwrap());
        let writers = (0..WRITERS).map(|run| {
            let repo = crate::infrarepo::open(&target, http.clone(), clock.clone(), heard.clone()).unwrap();
            let happened = [Happened {
                pair: pair.clone(),
                line: line(run),
                unless_known: false,
            }];
            let ports = Ports {
                clock: clock.as_ref(),
                journal: heard.as_ref(),
                cancel: &cancel,
            };
            let place = Place {
                name: RefName::parse("refs/promote/record").unwrap(),
                author: &author,
            };
            async move { _ = write(repo.as_ref(), &ports, &place, &happened).await }
        });
        let mut underway = crate::promote::underway::Underway::at_once(WRITERS);
        writers.for_each(|writer| underway.add(writer));
        for _ in 0..WRITERS {
            underway.next().await;
        }
        assert_eq!(*heard.0.borrow(), Vec::<String>::new());
        let file = host
            .git("infra", &["cat-file", "blob", "refs/promote/record:dev/api.jsonl"])
            .unwrap();
        let mut runs: Vec<&str> = file
            .lines()
            .filter_map(|line| line.split("\"run\":\"").nth(1))
            .collect();
        runs.sort_unstable();
        runs.dedup();
        assert_eq!((file.lines().count(), runs.len()), (WRITERS, WRITERS), "{file}");
    }
}
