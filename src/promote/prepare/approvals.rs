//! Asks GitHub who approved a promotion: in the run's environment, or on its pull request.

use crate::assess::gate::{self, Approvals, Settings};
use crate::githost::{Approvers, Reviewed, Run};
use crate::model::{EnvironmentName, Fault, Tag};

use crate::promote::ports::Reading;
use crate::promote::prepare::fresh::Kept;
use crate::promote::prepare::plan::Planned;
use crate::promote::underway::all;

/// Who approved each environment that was asked about.
pub(in crate::promote) type KeptApprovals = Kept<Vec<Wanted>, Vec<Option<gate::Seen<Approvals>>>>;

/// An environment that wants approvals, with the GitHub environment that promote.yaml names for it.
type Wanted = (EnvironmentName, Option<String>);

/// Asks who approved the promotion to each environment that wants that.
pub(in crate::promote) async fn approvals(
    reading: Reading<'_>,
    planned: &Planned,
    environments: &[(EnvironmentName, Settings)],
    asked: &mut Option<KeptApprovals>,
) -> Vec<(EnvironmentName, Option<gate::Seen<Approvals>>)> {
    let wanted = environments.iter().filter(|(_, settings)| settings.approvals.is_some());
    let question: Vec<Wanted> = wanted
        .map(|(name, settings)| (name.clone(), settings.github_environment.clone()))
        .collect();
    let Some(approvers) = reading.approvers.filter(|_| !question.is_empty()) else {
        return Vec::new();
    };
    let clock = reading.ports.clock;
    // Where a pull request waits for its reviews, each look is a new one.
    let kept = asked.as_ref().filter(|_| !reading.common.proposes);
    let answer = if let Some(answer) = Kept::fresh(kept, clock, &question) {
        answer
    } else {
        let requests = question
            .iter()
            .map(|wanted| approved(reading, approvers, planned, wanted));
        let answer = all(requests).await;
        *asked = Some(Kept::new(clock, question.clone(), answer.clone()));
        answer
    };
    question.into_iter().map(|(name, _)| name).zip(answer).collect()
}

/// Asks who approved the promotion to one environment: in this run, or on its pull request.
async fn approved(
    reading: Reading<'_>,
    approvers: &dyn Approvers,
    planned: &Planned,
    (environment, named): &Wanted,
) -> Option<gate::Seen<Approvals>> {
    let run = reading.common.run.as_ref();
    let mut excluded: Vec<(String, String)> = Vec::new();
    for actor in run.iter().flat_map(|run| &run.actors) {
        excluded.push((actor.clone(), "triggered the run".to_owned()));
    }
    if run.is_some_and(|run| run.exclude_authors) {
        match authors(reading, approvers, planned, environment).await {
            Ok(authors) => excluded.extend(authors),
            Err(why) => return Some(Err(why)),
        }
    }
    let mut seen = Vec::new();
    if let Some(run) = run {
        let by = match counted(run, approvers, named.as_deref(), environment).await {
            Ok(name) => approvers.of_run(name).await.map(|by| (by, name)),
            Err(fault) => Err(fault),
        };
        seen.push(match by {
            Ok((by, name)) => Ok(Approvals {
                by,
                excluded: excluded.clone(),
                from: format!("environment {name} of this run"),
                reviewed: None,
            }),
            Err(fault) => Err(fault.to_string()),
        });
    }
    let select = planned.snapshot.places.iter().map(|(place, _)| place);
    let (apps, environments): (Vec<_>, Vec<_>) = select
        .map(|place| (place.app.clone(), place.environment.clone()))
        .unzip();
    if let Some(head) = crate::plan::pull_request_branch(&apps, &environments).filter(|_| reading.common.proposes) {
        match approvers.of_pull(&head, &planned.snapshot.tip.branch).await {
            Ok(None) => {}
            Ok(Some(Reviewed { head, by })) => seen.push(Ok(Approvals {
                by,
                excluded,
                from: "reviews of the pull request's head".to_owned(),
                reviewed: Some(head),
            })),
            Err(fault) => seen.push(Err(fault.to_string())),
        }
    }
    gate::approvals::join(seen)
}

/// Returns the GitHub environment whose approvals count. The input chooses it only where promote.yaml names none and GitHub has none of the
/// same name: an input must not choose reviewers who approve more easily.
async fn counted<'a>(
    run: &'a Run,
    approvers: &dyn Approvers,
    named: Option<&'a str>,
    environment: &'a EnvironmentName,
) -> Result<&'a str, Fault> {
    let wanted = named.unwrap_or(environment.as_str());
    let other = (run.environment.as_deref()).filter(|input| !input.eq_ignore_ascii_case(wanted));
    let Some(input) = other else {
        return Ok(wanted);
    };
    if named.is_none() && !approvers.has_environment(wanted).await? {
        return Ok(input);
    }
    Err(Fault::refused(format!(
        "the approvals of the GitHub environment {wanted} count, and `github-environment` names {input}: drop the input, or set \
         `github-environment: {input}` for {environment} in promote.yaml"
    )))
}

/// Returns who wrote what is released to an environment.
async fn authors(
    reading: Reading<'_>,
    approvers: &dyn Approvers,
    planned: &Planned,
    environment: &EnvironmentName,
) -> Result<Vec<(String, String)>, String> {
    let own = reading
        .common
        .run
        .as_ref()
        .map(|run| run.place.repository())
        .unwrap_or_default();
    let commit = |tag: &str| Some(Tag::parse(tag).ok()?.commit()?.to_owned());
    let mut found = Vec::new();
    for change in planned
        .plan
        .changes
        .iter()
        .filter(|change| change.environment == *environment)
    {
        let config = planned.snapshot.config.as_ref();
        let named = config.and_then(|config| config.apps.get(&change.app)?.source.as_ref());
        let source = named.unwrap_or(&own);
        let tags = (change.before.new_tag.as_deref(), change.after.new_tag.as_deref());
        let (Some(before), Some(after)) = tags else {
            return Err(format!(
                "`approvals-exclude-authors`: {} has no tag that names a commit",
                change.name()
            ));
        };
        let (Some(before), Some(after)) = (commit(before), commit(after)) else {
            return Err(format!(
                "`approvals-exclude-authors`: {before} or {after} is not a commit of {source}, so its authors are not known"
            ));
        };
        let authors = approvers
            .authors(source, &before, &after)
            .await
            .map_err(|fault| fault.to_string())?;
        found.extend(
            authors
                .into_iter()
                .map(|login| (login, "wrote a released commit".to_owned())),
        );
    }
    Ok(found)
}
