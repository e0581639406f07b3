//! Every fault of the network at every request of a promotion by the binary: it lands once or not at all, the report says which,
//! and a single fault is survived.

use std::sync::Mutex;
use std::time::Duration;

use sandbox::git::{Fault, FaultyProxy, GitHost, GitHostOptions};
use serde_json::Value;

use crate::support::start;

const TOKEN: &str = "t0ken-of-the-faulty-host";
const HARMS: [Fault; 8] = [
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::Truncate,
    Fault::Status(503),
    Fault::StatusAfter(502),
    Fault::Delay(Duration::from_millis(30)),
    Fault::Slow,
    Fault::HalfClosed,
];
/// Tip, folders, file, push.
const UP_TO_PUSH: usize = 4;
/// Those, and the look at the branch that confirms a commit nobody follows.
const REQUESTS: usize = UP_TO_PUSH + 1;
const PIN: &str = "images:\n  - name: myorg/api\n    newTag: v1\n";

/// One promotion behind one faulty proxy.
struct Promoted {
    report: Value,
    tip: String,
    commits: usize,
    requests: usize,
}

impl Promoted {
    fn under(faults: &[(usize, Fault)]) -> Self {
        let host = GitHost::start_blocking(GitHostOptions {
            token: Some(TOKEN.to_owned()),
            ..GitHostOptions::default()
        })
        .unwrap();
        host.create("infra", &[("apps/api/overlays/dev/kustomization.yaml", PIN)])
            .unwrap();
        let proxy = FaultyProxy::start(host.address(), faults).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let env = [("HOME", folder.path().to_str().unwrap()), ("PROMOTE_TOKEN", TOKEN)];
        let url = proxy.url("infra");
        let words = "--app api --environment dev --tag v2 --landing-timeout 2m --output json --infra-repo";
        let args: Vec<&str> = words.split(' ').chain([url.as_str()]).collect();
        let report = start(folder.path(), &env, &args).wait().report();
        let commits = host.git("infra", &["rev-list", "--count", "main"]).unwrap();
        host.git("infra", &["fsck", "--strict"]).unwrap();
        Self {
            report,
            tip: host.tip("infra").unwrap(),
            commits: commits.trim().parse().unwrap(),
            requests: proxy.seen().len(),
        }
    }

    fn reason(&self) -> &str {
        self.report["reason"].as_str().unwrap()
    }

    /// Checks that the report tells what became of the branch, and says it in a word.
    fn truth(&self) -> &'static str {
        let report = &self.report;
        let landed = self.commits == 2;
        assert!(self.commits <= 2, "landed twice: {report:#}");
        if report["outcome"] == "landed" {
            assert!(landed, "{report:#}");
            assert_eq!(report["infra_repo"]["commit"], self.tip.as_str(), "{report:#}");
            return "landed";
        }
        assert_eq!(report["exit_code"], 4, "{report:#}");
        assert_eq!(report["infra_repo"]["commit"], Value::Null, "{report:#}");
        if self.reason().contains("not known whether") {
            assert!(
                report["hints"][0].as_str().unwrap().contains("run the step again"),
                "{report:#}"
            );
            return "not known";
        }
        assert!(!landed, "it landed: {report:#}");
        "not landed"
    }
}

/// Runs all of `cells` a few at a time, and returns what they came to in the same order.
pub(super) fn side_by_side<C: Sync, T: Send>(cells: &[C], run: impl Fn(&C) -> T + Sync) -> Vec<T> {
    let next = Mutex::new(cells.iter().enumerate());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let Some((at, cell)) = next.lock().unwrap().next() else {
                        return;
                    };
                    let ran = run(cell);
                    done.lock().unwrap().push((at, ran));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, ran)| ran).collect()
}

#[test]
fn a_single_fault_of_any_kind_at_any_request_is_survived() {
    assert_eq!(Promoted::under(&[]).requests, REQUESTS);
    let cells: Vec<(usize, Fault)> = HARMS
        .iter()
        .flat_map(|harm| (0..REQUESTS).map(|at| (at, *harm)))
        .collect();
    let ran = side_by_side(&cells, |cell| Promoted::under(&[*cell]));
    println!(
        "{:16}{:>22}{:>22}{:>22}{:>22}{:>22}",
        "one fault at", "tip", "folders", "file", "push", "look"
    );
    for (harm, row) in HARMS.iter().zip(ran.chunks(REQUESTS)) {
        let cell = |promoted: &Promoted| {
            assert_eq!(promoted.truth(), "landed", "{harm:?}: {:#}", promoted.report);
            format!("{:>22}", format!("landed, {} requests", promoted.requests))
        };
        println!("{:16}{}", format!("{harm:?}"), row.iter().map(cell).collect::<String>());
    }
}

#[test]
fn when_the_server_falls_silent_the_report_says_what_is_known() {
    let cells: Vec<(usize, Fault)> = [
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::Truncate,
        Fault::Status(503),
        Fault::HalfClosed,
    ]
    .iter()
    .flat_map(|harm| (0..UP_TO_PUSH).map(|at| (at, *harm)))
    .collect();
    let ran = side_by_side(&cells, |(first, harm)| {
        let after = (first + 1..first + 40).map(|at| (at, Fault::CutBefore));
        Promoted::under(&std::iter::once((*first, *harm)).chain(after).collect::<Vec<_>>())
    });
    println!(
        "{:16}{:>22}{:>22}{:>22}{:>22}",
        "silent from", "tip", "folders", "file", "push"
    );
    for (row, cells) in ran.chunks(UP_TO_PUSH).zip(cells.chunks(UP_TO_PUSH)) {
        let told: Vec<String> = (row.iter().zip(cells))
            .map(|(promoted, (at, harm))| {
                let told = promoted.truth();
                let right = if *at == UP_TO_PUSH - 1 {
                    "not known"
                } else {
                    "not landed"
                };
                assert_eq!(told, right, "{harm:?} at {at}: {:#}", promoted.report);
                let is = if promoted.commits == 2 { "is" } else { "is not" };
                format!("{:>22}", format!("{told} ({is})"))
            })
            .collect();
        println!("{:16}{}", format!("{:?}", cells[0].1), told.concat());
    }
}

#[test]
fn several_lost_answers_are_still_one_commit() {
    let cells = [
        vec![(3, Fault::CutAfter), (4, Fault::CutBefore), (5, Fault::Status(503))],
        vec![(3, Fault::CutBefore), (5, Fault::CutBefore), (7, Fault::CutAfter)],
        vec![(3, Fault::StatusAfter(504)), (4, Fault::Truncate)],
        vec![(3, Fault::HalfClosed), (5, Fault::Truncate)],
    ];
    for promoted in side_by_side(&cells, |faults| Promoted::under(faults)) {
        assert_eq!(promoted.truth(), "landed", "{:#}", promoted.report);
    }
}

/// `ok` is the server's word: where nobody follows the commit, the branch is looked at.
#[test]
fn a_push_that_is_reported_as_done_and_was_not_is_found_out() {
    let promoted = Promoted::under(&[(UP_TO_PUSH - 1, Fault::Report("ok refs/heads/main"))]);
    assert_eq!(promoted.commits, 1);
    assert_eq!(promoted.truth(), "not landed", "{:#}", promoted.report);
    assert!(
        promoted.reason().contains("as landed, but main is at"),
        "{:#}",
        promoted.report
    );
}
