//! Everything before the first write, as one thing that can be repeated: on every new tip of the branch it is done again, all of it.
//! Evidence from the network is asked for again only if its question has changed.

pub(super) mod announce;
pub(super) mod applications;
mod approvals;
pub(super) mod branches;
mod canaries;
mod earlier;
mod effect;
mod existing;
pub(super) mod expiry;
mod fresh;
mod from;
pub(super) mod gates;
mod held;
pub(super) mod holds;
mod hooks;
mod included;
mod ineffective;
pub(super) mod judged;
mod kept;
pub(super) mod live;
pub(super) mod looked;
mod meant;
mod measured;
pub(super) mod names;
pub(super) mod overlays;
mod passed;
pub(super) mod patience;
pub(super) mod pins;
pub(super) mod places;
pub(super) mod plan;
pub(super) mod precheck;
mod pulled;
pub(super) mod reached;
pub(super) mod record;
mod released;
pub(super) mod rerun;
pub(super) mod riding_along;
pub(super) mod shared;
pub(super) mod snapshot;
pub(super) mod source;
mod sync_windows;
mod value_files;
pub(super) mod verification;
mod waves;

use crate::infrarepo::FileEdit;
use crate::model::{Event, Fault, PinChange};
use crate::plan::Request;
use crate::report::{Report, SupersededBy};

use crate::promote::analyses::Verification;
use crate::promote::cancel::or_cancel;
use crate::promote::followee::Followee;
use crate::promote::ports::Reading;
use crate::promote::prepare::applications::Evidence;
use crate::promote::prepare::gates::Asked;
use crate::promote::prepare::judged::Judged;
use crate::promote::prepare::plan::{Planned, planned};
use crate::promote::prepare::verification::Wish;
use crate::promote::proposal::Proposal;

/// What was planned against a tip, and judged.
pub(super) struct Prepared {
    /// The plan with its snapshot.
    pub(super) planned: Planned,
    /// The applications that will be followed, as they are before anything is written.
    pub(super) followees: Vec<Followee>,
    /// What was seen and forbids to write: `plan` shows it, `promote` is refused.
    pub(super) forbidden: Option<Fault>,
    /// The gates: `plan` shows them, `promote` is refused unless all of them are open.
    pub(super) gates: Judged,
    /// What is verified once it is live.
    pub(super) verifications: Vec<Verification>,
    /// What else goes live with it, a line each.
    pub(super) riding_along: Vec<String>,
    /// Who changed the pin after an earlier attempt of this run had landed it: then nothing is left to do.
    pub(super) superseded: Option<SupersededBy>,
}

/// The preparation of one promotion.
pub(super) struct Preparation<'a> {
    request: &'a Request,
    reading: Reading<'a>,
    /// Whether source commits are listed that no gate needs.
    lists: bool,
    evidence: Evidence,
    asked: Asked,
    /// The pins that were announced last.
    announced: Option<Vec<PinChange>>,
    /// The skipped gates that were warned about.
    warned: Vec<String>,
}

impl<'a> Preparation<'a> {
    pub(super) fn new(request: &'a Request, reading: Reading<'a>) -> Self {
        Self {
            request,
            reading,
            lists: reading.common.proposes,
            evidence: Evidence::default(),
            asked: Asked::default(),
            announced: None,
            warned: Vec::new(),
        }
    }

    /// The same for people who decide about the promotion: it lists the source commits that the new images bring.
    pub(super) fn listing(request: &'a Request, reading: Reading<'a>) -> Self {
        Self {
            lists: true,
            ..Self::new(request, reading)
        }
    }

    /// Forgets what servers said: after a wait everything is asked again.
    pub(super) fn look_again(&mut self) {
        self.evidence = Evidence::default();
        self.asked = Asked::default();
    }

    /// Reads the tip, plans against it, and judges everything that must hold before a write. The report gets what was seen.
    ///
    /// # Errors
    /// The request and the repository do not fit, something that was seen forbids it, a server gives no answer, or the run was cancelled.
    #[expect(
        clippy::too_many_lines,
        reason = "everything before the first write, from top to bottom"
    )]
    pub(super) async fn prepare(&mut self, report: &mut Report) -> Result<Proposal<Prepared>, Fault> {
        let Reading {
            common, ports, repo, ..
        } = self.reading;
        if self.announced.is_none() {
            ports.journal.tell(Event::Stage("Plan".to_owned()));
        }
        let mut planned = or_cancel(
            ports.cancel,
            planned(repo, self.reading.images, self.request, &common.identity),
        )
        .await??;
        announce::fill(report, &planned, repo);
        if self.announced.as_ref() != Some(&planned.plan.pins) {
            announce::plan(&planned, ports.journal);
            self.announced = Some(planned.plan.pins.clone());
        }
        if report.from.is_none() {
            report.from = or_cancel(ports.cancel, from::look(repo, self.request, &planned)).await?;
        }
        let (mut followees, mut unsynced) = (Vec::new(), None);
        let hidden;
        let verifying = verification::verifications(self.reading, &planned, Wish::default());
        let verifications = or_cancel(ports.cancel, verifying).await??;
        let analyses = or_cancel(ports.cancel, verification::gates(self.reading, &planned)).await??;
        if let Some(observe) = self.reading.observe {
            let first = !self.evidence.is_there();
            let look = applications::look(observe, repo, ports.clock, &planned, &mut self.evidence);
            followees = or_cancel(ports.cancel, look).await??;
            for beside in self.evidence.besides.drain(..) {
                ports.journal.warn(beside);
            }
            report.applications = followees
                .iter()
                .map(|followee| announce::baseline(followee, observe))
                .collect();
            let look = riding_along::look(repo, &planned, &followees, report, ports.journal);
            unsynced = or_cancel(ports.cancel, look).await?;
            let named = or_cancel(ports.cancel, ineffective::look(repo, &planned, &followees)).await??;
            hidden = if named.is_some() {
                named
            } else {
                let look = effect::look(observe, repo, ports.clock, &planned, &followees);
                or_cancel(ports.cancel, look).await?
            };
            if first {
                if let Some(said) = shared::announced(&followees) {
                    ports.journal.warn(said);
                }
                announce::applications(report, &followees, ports.journal);
            }
        } else {
            hidden = or_cancel(ports.cancel, ineffective::look_at_files(repo, &planned)).await??;
        }
        let judging = gates::judge(
            self.reading,
            self.request,
            &planned,
            gates::About {
                followees: &followees,
                analyses: &analyses,
                lists: self.lists,
            },
            &mut self.asked,
        );
        let gates = or_cancel(ports.cancel, judging).await?;
        planned.plan.message.trailers.allow.extend(gates.skipped());
        for skipped in gates.warnings() {
            if !self.warned.contains(&skipped) {
                ports.journal.warn(skipped.clone());
                self.warned.push(skipped);
            }
        }
        report.gates.clone_from(&gates.rows);
        report.opens_at = gates.opens_at;
        report.released.clone_from(&gates.released);
        report.measurements.clone_from(&gates.measurements);
        let now = ports.clock.wall();
        let places = planned.snapshot.places.iter();
        let pairs = places.map(|(place, _)| (&place.app, &place.environment));
        report.holds = holds::rows(&planned.snapshot.holds, pairs, now);
        let held = held::judge(&mut planned, now, self.reading);
        let looked = rerun::look(repo, &common.identity, &mut planned, ports.journal);
        let superseded = or_cancel(ports.cancel, looked).await??;
        let edits = if superseded.is_some() {
            Vec::new()
        } else {
            edits(&planned)
        };
        Ok(Proposal {
            tip: planned.snapshot.tip.clone(),
            edits,
            message: planned.plan.message.to_string(),
            of: Prepared {
                forbidden: (held.or(hidden))
                    .or_else(|| canaries::replaced(&planned, &followees, &self.request.select))
                    .or_else(|| waves::unordered(&followees))
                    .or(unsynced),
                planned,
                followees,
                gates,
                verifications,
                superseded,
                riding_along: (report.riding_along.iter())
                    .map(|row| format!("{} {} ({})", row.commit.short(), row.subject, row.author))
                    .collect(),
            },
        })
    }
}

impl Proposal<Prepared> {
    /// Lets only pass what nothing forbids, and what every gate lets pass. Where nothing is written, nothing is forbidden; what is proposed
    /// as a pull request can be approved there.
    ///
    /// # Errors
    /// What was seen that forbids it, or every gate that is not open.
    pub(super) fn permitted(mut self, is_proposed: bool) -> Result<Self, Fault> {
        let waits = is_proposed && self.of.forbidden.is_none() && self.of.gates.only_approvals().is_some();
        if self.edits.is_empty() || waits {
            return Ok(self);
        }
        match self.of.forbidden.take().or_else(|| self.of.gates.fault()) {
            Some(fault) => Err(fault),
            None => Ok(self),
        }
    }
}

fn edits(planned: &Planned) -> Vec<FileEdit> {
    let files = planned.plan.files.iter();
    files
        .map(|file| FileEdit::Write {
            path: file.path.clone(),
            content: file.after.clone(),
        })
        .collect()
}
