//! Reads the templates of analyses at one commit, and says everything that is wrong with them at once.

use std::time::Duration;

use crate::assess::analysis::Value;
use crate::assess::analysis::advice::advise;
use crate::assess::analysis::load as assess;
use crate::assess::analysis::prometheus::address;
use crate::assess::analysis::run::Run;
use crate::assess::analysis::template::{Metric, Oauth2, Sigv4, Spec};
use crate::infrarepo::InfraRepo;
use crate::metrics::Settings;
use crate::model::{
    AppName, CommitSha, EnvironmentName, Fault, Reference, RepoPath, in_words, may_carry_secret, read_url,
};
use crate::plan::{CONFIG_FILE, Config, Filling};

use super::{Analysis, Verification};

/// An app in an environment, with what is verified there.
pub(in crate::promote) struct Place<'a> {
    /// The app.
    pub(in crate::promote) app: &'a AppName,
    /// The environment.
    pub(in crate::promote) environment: &'a EnvironmentName,
    /// The reference that is verified.
    pub(in crate::promote) image: Option<String>,
    /// The names of the analyses.
    pub(in crate::promote) analyses: Vec<String>,
    /// How long it is watched; `None` = as long as the analyses take.
    pub(in crate::promote) lasts: Option<Duration>,
    /// Whether each metric is measured once only, for a gate.
    pub(in crate::promote) once: bool,
}

/// Where templates are read, and what is known of the servers that they name.
#[derive(Clone, Copy)]
pub(in crate::promote) struct Sources<'a> {
    /// The infra-repo.
    pub(in crate::promote) repo: &'a dyn InfraRepo,
    /// The commit.
    pub(in crate::promote) at: &'a CommitSha,
    /// promote.yaml of that commit.
    pub(in crate::promote) config: &'a Config,
    /// Where metrics are.
    pub(in crate::promote) settings: &'a Settings,
}

/// What was read, and what people should know of it.
pub(in crate::promote) struct Read {
    /// One for each environment, in the order of the places.
    pub(in crate::promote) verifications: Vec<Verification>,
    /// Warnings, each once.
    pub(in crate::promote) warnings: Vec<String>,
}

/// Reads the analyses of every place. An analysis that does not end by itself needs a time.
///
/// # Errors
/// The infra-repo cannot be read; else every mistake at once: a name, a file, a template, an argument, an address.
pub(in crate::promote) async fn load(sources: Sources<'_>, places: &[Place<'_>]) -> Result<Read, Fault> {
    let mut files: Vec<RepoPath> = Vec::new();
    let named = places.iter().flat_map(|place| &place.analyses);
    let found = named.filter_map(|name| sources.config.analyses.get(name)?.template.clone());
    for file in found {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    let texts = if files.is_empty() {
        Vec::new()
    } else {
        sources.repo.read(sources.at, &files).await?
    };
    let texts: Vec<(RepoPath, Option<Vec<u8>>)> = files.into_iter().zip(texts).collect();
    let mut read = Read {
        verifications: Vec::new(),
        warnings: Vec::new(),
    };
    let mut mistakes: Vec<String> = Vec::new();
    for place in places {
        let (mut warnings, mut wrong) = (Vec::new(), Vec::new());
        let analyses = (place.analyses.iter())
            .filter_map(|name| {
                let made = one(sources, place, name, &texts, &mut warnings);
                made.map_err(|mistakes| wrong.extend(mistakes)).ok()
            })
            .collect::<Vec<_>>();
        let new = wrong
            .into_iter()
            .filter(|why| !mistakes.contains(why))
            .collect::<Vec<_>>();
        mistakes.extend(new);
        let new = warnings
            .into_iter()
            .filter(|why| !read.warnings.contains(why))
            .collect::<Vec<_>>();
        read.warnings.extend(new);
        let same = (read.verifications.iter_mut()).find(|one| one.environment == *place.environment);
        match same {
            Some(verification) => verification.analyses.extend(analyses),
            None => read.verifications.push(Verification {
                environment: place.environment.clone(),
                analyses,
                lasts: place.lasts,
            }),
        }
    }
    if mistakes.is_empty() {
        Ok(read)
    } else {
        Err(Fault::mistakes(&mistakes))
    }
}

/// Makes the analysis of that name for a place.
fn one(
    sources: Sources<'_>,
    place: &Place<'_>,
    name: &str,
    texts: &[(RepoPath, Option<Vec<u8>>)],
    warnings: &mut Vec<String>,
) -> Result<Analysis, Vec<String>> {
    let Some((source, file)) =
        (sources.config.analyses.get(name)).and_then(|source| Some((source, source.template.as_ref()?)))
    else {
        let known: Vec<&str> = sources.config.analyses.keys().map(String::as_str).collect();
        let known = if known.is_empty() {
            "it has no `analyses`".to_owned()
        } else {
            format!("it has {}", known.join(", "))
        };
        return Err(vec![format!("the analysis `{name}` is not in {CONFIG_FILE}: {known}")]);
    };
    let told = |why: String| format!("analysis {name} ({file}): {why}");
    let text = texts
        .iter()
        .find(|(path, _)| path == file)
        .and_then(|(_, text)| text.as_deref());
    let Some(text) = text else {
        return Err(vec![format!(
            "{CONFIG_FILE}, line {}: the template {file} of the analysis {name} is not in the infra-repo at {}",
            source.line,
            sources.at.short()
        )]);
    };
    let text = std::str::from_utf8(text).map_err(|_| vec![told("the file is not UTF-8".to_owned())])?;
    let image = place.image.as_deref().unwrap_or_default();
    let tag = Reference::parse(image)
        .ok()
        .and_then(|image| image.tag)
        .map(|tag| tag.to_string());
    let args = source.filled(&Filling {
        app: place.app.as_str(),
        environment: place.environment.as_str(),
        image,
        tag: tag.as_deref().unwrap_or_default(),
    });
    let loaded = assess::load(text, source.template_name.as_deref(), &args);
    let loaded = loaded.map_err(|wrong| wrong.into_iter().map(told).collect::<Vec<_>>())?;
    warnings.extend(loaded.warnings.iter().cloned().map(told));
    let wrong = reachable(&loaded.spec, sources.settings, place, warnings, &told);
    if !wrong.is_empty() {
        return Err(wrong.into_iter().map(told).collect());
    }
    Ok(Analysis {
        name: name.to_owned(),
        app: place.app.clone(),
        environment: place.environment.clone(),
        spec: loaded.spec,
    })
}

/// Says what prevents measuring: addresses, logins, and times that do not fit.
fn reachable(
    spec: &Spec,
    settings: &Settings,
    place: &Place<'_>,
    warnings: &mut Vec<String>,
    told: &impl Fn(String) -> String,
) -> Vec<String> {
    let Ok(run) = Run::new(spec) else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    for tracked in &run.metrics {
        let metric = &tracked.metric;
        wrong.extend(
            server(metric, settings)
                .into_iter()
                .map(|why| format!("metric {}: {why}", metric.name)),
        );
        if !tracked.dry_run {
            wrong.extend(hopeless(metric));
        }
        let insecure = match (&metric.provider.prometheus, &metric.provider.web) {
            (Some(prometheus), _) => prometheus.insecure && settings.prometheus_url.is_none(),
            (None, Some(web)) => web.insecure,
            _ => false,
        };
        if insecure {
            warnings.push(told(format!(
                "metric {}: promote always checks certificates, `insecure` has no effect → set `ca-bundle`",
                metric.name
            )));
        }
        let delay = crate::assess::analysis::golang::parse_duration(&metric.initial_delay).unwrap_or(0);
        let delay = Duration::from_nanos(u64::try_from(delay).unwrap_or(0));
        if let Some(lasts) = place.lasts.filter(|lasts| delay >= *lasts) {
            wrong.push(format!(
                "metric {}: its `initialDelay` ({}) leaves no time for a measurement within `for` ({})",
                metric.name,
                in_words(delay),
                in_words(lasts)
            ));
        }
    }
    if !place.once && place.lasts.is_none() && run.forecast(0).is_none() {
        let endless = run.metrics.iter().find(|tracked| {
            tracked.metric.effective_count().is_none()
                && tracked
                    .metric
                    .consecutive_success_limit
                    .as_ref()
                    .is_none_or(|limit| limit.value() <= 0)
        });
        let name = endless.map_or("", |tracked| tracked.metric.name.as_str());
        wrong.push(format!(
            "metric {name} has an `interval` and no `count`, so it does not end by itself → set `for`, or `count` in the template"
        ));
    }
    wrong
}

/// Returns a condition that fails whatever the query returns: no measurement could succeed.
fn hopeless(metric: &Metric) -> Option<String> {
    metric.provider.prometheus.as_ref()?;
    let all = [Value::floats([]), Value::Float(0.0)].map(|like| advise(metric, Some(&like)));
    let [list, number] = all.map(|advice| advice.into_iter().find(|one| one.hopeless));
    number.and(list).map(|advice| advice.to_string())
}

/// Says what prevents asking the server of a metric.
fn server(metric: &Metric, settings: &Settings) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(prometheus) = &metric.provider.prometheus {
        if settings.prometheus_url.is_some() {
            return wrong;
        }
        match address(prometheus, settings.otherwise.as_deref()) {
            Ok(url) => wrong.extend(clear("address", &url).err()),
            Err(trouble) => wrong.push(format!("{trouble} → set `prometheus-url`")),
        }
        if prometheus.authentication.sigv4 != Sigv4::default() {
            wrong.push(
                "promote does not sign requests for AWS (`sigv4`) → set `prometheus-url` to a proxy that does"
                    .to_owned(),
            );
        }
        wrong.extend(login(&prometheus.authentication.oauth2));
    }
    if let Some(web) = &metric.provider.web {
        match read_url(&web.url) {
            Ok(url) => wrong.extend(clear("url", &url).err()),
            Err(why) => wrong.push(format!("`url: {}` is not a URL: {why}", web.url)),
        }
        if web.authentication.sigv4 != Sigv4::default() {
            wrong.push("promote does not sign requests for AWS (`sigv4`)".to_owned());
        }
        wrong.extend(login(&web.authentication.oauth2));
    }
    wrong
}

fn login(oauth: &Oauth2) -> Option<String> {
    if oauth.token_url.is_empty() {
        return None;
    }
    match read_url(&oauth.token_url) {
        Ok(url) => clear("tokenUrl", &url).err(),
        Err(why) => Some(format!("`tokenUrl: {}` is not a URL: {why}", oauth.token_url)),
    }
}

/// Lets plain http pass only to loopback and inside the cluster.
fn clear(field: &str, url: &url::Url) -> Result<(), String> {
    may_carry_secret(url).map_err(|_| {
        let host = url.host_str().unwrap_or_default();
        format!(
            "`{field}` is {}://{host}: promote uses http only for loopback and cluster-internal hosts (*.svc, *.svc.cluster.local) → use https{}",
            url.scheme(),
            if field == "address" { ", or set `prometheus-url`" } else { "" }
        )
    })
}
