//! Registries that speak the OCI distribution API (<https://github.com/opencontainers/distribution-spec>), which Docker's is as well.

mod challenge;
mod manifest;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use serde_json::Value as Json;
use url::Url;

use self::challenge::Challenge;
use self::manifest::{ACCEPTED, Manifest};
use super::{Image, Images, Problem, Settings};
use crate::http::{Answer, Client, Request};
use crate::model::{Digest, Reference, Secret, is_docker_hub, json, limits, may_carry_secret};

/// How many redirects of one request are followed.
const REDIRECTS: usize = limits::REGISTRY_REDIRECTS.things();
/// The header with the registry's own word for the digest.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Every registry that images name.
pub(super) struct Registries {
    client: Client,
    settings: Settings,
    /// What each repository's registry wants to see: an `Authorization` that worked, by host and repository.
    known: RefCell<BTreeMap<String, Authorization>>,
}

/// How a request is authorized.
#[derive(Clone)]
enum Authorization {
    Basic,
    Bearer(Secret),
}

/// Where an image is.
struct Place {
    base: Url,
    /// The host as people write it.
    host: String,
    repository: String,
}

/// Returns the registry that an image is in, as people write it.
#[must_use]
pub fn host(image: &Reference) -> String {
    split(image.repository.as_str()).0
}

/// Splits a repository into the registry's host and the name there; without a host it is Docker Hub.
fn split(repository: &str) -> (String, String) {
    match repository.split_once('/') {
        Some((host, name)) if host.contains(['.', ':']) || host == "localhost" => {
            let library = is_docker_hub(host) && !name.contains('/');
            (
                host.to_owned(),
                if library {
                    format!("library/{name}")
                } else {
                    name.to_owned()
                },
            )
        }
        Some(_) => ("docker.io".to_owned(), repository.to_owned()),
        None => ("docker.io".to_owned(), format!("library/{repository}")),
    }
}

impl Place {
    fn of(image: &Reference) -> Result<Self, Problem> {
        let (host, repository) = split(image.repository.as_str());
        let wrong = || Problem::Unreachable(format!("{image} names no registry that promote can ask: {host}"));
        // Docker Hub answers at another name than people write.
        let at = if is_docker_hub(&host) {
            "registry-1.docker.io"
        } else {
            &host
        };
        let http = Url::parse(&format!("http://{at}/")).map_err(|_| wrong())?;
        let base = if may_carry_secret(&http).is_ok() {
            http
        } else {
            Url::parse(&format!("https://{at}/")).map_err(|_| wrong())?
        };
        Ok(Self { base, host, repository })
    }

    fn url(&self, kind: &str, name: &str) -> Result<Url, Problem> {
        let path = format!("v2/{}/{kind}/{name}", self.repository);
        self.base
            .join(&path)
            .map_err(|_| Problem::Unreachable(format!("{} has no address for {path}", self.host)))
    }
}

impl Registries {
    pub(super) const fn new(client: Client, settings: Settings) -> Self {
        Self {
            client,
            settings,
            known: RefCell::new(BTreeMap::new()),
        }
    }

    /// Reads a manifest by tag or digest, and checks its digest.
    async fn manifest(&self, place: &Place, name: &str, what: &str) -> Result<Manifest, Problem> {
        let answer = self
            .get(place, "manifests", name, limits::REGISTRY_MANIFEST.bytes(), what)
            .await?;
        let said = answer.headers.get(CONTENT_DIGEST).and_then(|value| value.to_str().ok());
        manifest::read(&answer.body, said, name)
            .map_err(|why| Problem::Unreachable(format!("{what}: {} {why}", place.host)))
    }

    /// Reads the configuration of an image, which has its platform and its labels.
    async fn configuration(&self, place: &Place, digest: &str, what: &str) -> Result<Json, Problem> {
        let answer = self
            .get(place, "blobs", digest, limits::REGISTRY_MANIFEST.bytes(), what)
            .await?;
        let foreign = |why: &str| Problem::Unreachable(format!("{what}: {} {why}", place.host));
        manifest::check(&answer.body, digest).map_err(|why| foreign(&why))?;
        json::value(&answer.body).map_err(|_| foreign("answered with a configuration that is not JSON"))
    }

    /// Asks, and answers the registry's challenge once.
    async fn get(&self, place: &Place, kind: &str, name: &str, most: usize, what: &str) -> Result<Answer, Problem> {
        let url = place.url(kind, name)?;
        let key = format!("{} {}", place.host, place.repository);
        let known = self.known.borrow().get(&key).cloned();
        let answer = self.follow(&url, known.as_ref(), most, place).await?;
        if answer.status != reqwest::StatusCode::UNAUTHORIZED {
            return judged(answer, place, what);
        }
        let challenges = answer.headers.get_all(WWW_AUTHENTICATE);
        let challenges: Vec<&str> = challenges.iter().filter_map(|value| value.to_str().ok()).collect();
        let Some(challenge) = challenge::best(&challenges) else {
            return judged(answer, place, what);
        };
        let authorization = self.answer(&challenge, place, what).await?;
        let answer = self.follow(&url, Some(&authorization), most, place).await?;
        let answer = judged(answer, place, what)?;
        self.known.borrow_mut().insert(key, authorization);
        Ok(answer)
    }

    /// Makes what the registry asks for: the login itself, or a token for it.
    #[expect(
        clippy::too_many_lines,
        reason = "each refusal of the token server has words of its own"
    )]
    async fn answer(&self, challenge: &Challenge, place: &Place, what: &str) -> Result<Authorization, Problem> {
        let login = self.settings.login(&place.host);
        match challenge {
            Challenge::Basic if login.is_some() => Ok(Authorization::Basic),
            Challenge::Basic => Err(Problem::Denied(format!(
                "{what}: {} wants a user name and a password",
                place.host
            ))),
            Challenge::Bearer { realm, service, scope } => {
                let unfit = |why: String| {
                    Problem::Unreachable(format!("{what}: {} names a token service that {why}", place.host))
                };
                let mut url = Url::parse(realm).map_err(|_| unfit("is not a URL".to_owned()))?;
                may_carry_secret(&url).map_err(unfit)?;
                let scope = if scope.is_empty() {
                    format!("repository:{}:pull", place.repository)
                } else {
                    scope.clone()
                };
                {
                    let mut query = url.query_pairs_mut();
                    if !service.is_empty() {
                        query.append_pair("service", service);
                    }
                    query.append_pair("scope", &scope);
                }
                let mut request = Request::get(url.clone()).within(limits::REGISTRY_CALL.time());
                if let Some(login) = login {
                    request = request.basic(&login.user, &login.password);
                }
                // A token service is not followed anywhere else: the login would go with it.
                let answer = self.open(request, limits::REGISTRY_TOKEN.bytes(), place).await?;
                let status = answer.status.as_u16();
                match status {
                    200..=299 => {}
                    401 | 403 => {
                        return Err(Problem::Denied(format!(
                            "{what}: the token service of {} rejected the login ({status})",
                            place.host
                        )));
                    }
                    _ => {
                        return Err(Problem::Unreachable(format!(
                            "{what}: the token service of {} answered {status}",
                            place.host
                        )));
                    }
                }
                let json: Json = json::value(&answer.body).unwrap_or_default();
                let token = ["token", "access_token"]
                    .iter()
                    .find_map(|name| json.get(name)?.as_str());
                token
                    .map(|token| Authorization::Bearer(Secret::new(token)))
                    .ok_or_else(|| {
                        Problem::Unreachable(format!(
                            "{what}: the token service of {} answered without a token",
                            place.host
                        ))
                    })
            }
        }
    }

    /// Sends a GET and follows redirects. What authorizes it stays with the registry's host.
    async fn follow(
        &self,
        url: &Url,
        authorization: Option<&Authorization>,
        most: usize,
        place: &Place,
    ) -> Result<Answer, Problem> {
        let mut at = url.clone();
        for _ in 0..=REDIRECTS {
            let mut request = Request::get(at.clone())
                .within(limits::REGISTRY_CALL.time())
                .header(ACCEPT, HeaderValue::from_static(ACCEPTED));
            if at.origin() == url.origin() {
                request = match (authorization, self.settings.login(&place.host)) {
                    (Some(Authorization::Bearer(token)), _) => request.bearer(token),
                    (Some(Authorization::Basic), Some(login)) => request.basic(&login.user, &login.password),
                    _ => request,
                };
            }
            let answer = self.open(request, most, place).await?;
            if !answer.status.is_redirection() {
                // Only the registry itself says where its login goes.
                if answer.status == reqwest::StatusCode::UNAUTHORIZED && at.origin() != url.origin() {
                    let other = at.host_str().unwrap_or_default();
                    return Err(Problem::Denied(format!(
                        "{} redirects to {other}, which wants a login of its own (401)",
                        place.host
                    )));
                }
                return Ok(answer);
            }
            let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to
                .and_then(|to| at.join(to).ok())
                .filter(|to| matches!(to.scheme(), "http" | "https"));
            at = to.ok_or_else(|| Problem::Unreachable(format!("{} redirects without an address", place.host)))?;
        }
        Err(Problem::Unreachable(format!("{} redirects in a loop", place.host)))
    }

    async fn open(&self, request: Request, most: usize, place: &Place) -> Result<Answer, Problem> {
        let silent = |problem: crate::http::Problem| {
            Problem::Unreachable(format!("registry {} does not answer: {problem}", place.host))
        };
        let opened = self.client.open(request).await.map_err(silent)?;
        opened.whole(most).await.map_err(silent)
    }
}

/// What a status means. Registries answer 401 as well for what does not exist, and 404 for what is hidden.
fn judged(answer: Answer, place: &Place, what: &str) -> Result<Answer, Problem> {
    let host = &place.host;
    let status = answer.status.as_u16();
    match status {
        200..=299 => Ok(answer),
        404 => Err(Problem::Missing(format!("{what} is not in the registry {host} (404)"))),
        401 => Err(Problem::Denied(format!(
            "{what}: the registry {host} rejected the login (401)"
        ))),
        403 => Err(Problem::Denied(format!(
            "{what}: the login has no permission to pull it from {host} (403)"
        ))),
        _ => Err(Problem::Unreachable(format!(
            "{what}: the registry {host} answered {status}"
        ))),
    }
}

fn named(image: &Reference) -> Result<String, Problem> {
    let digest = image.digest.as_ref().map(ToString::to_string);
    let name = digest.or_else(|| image.tag.as_ref().map(ToString::to_string));
    name.ok_or_else(|| Problem::Missing(format!("{image} has neither tag nor digest")))
}

#[async_trait(?Send)]
impl Images for Registries {
    async fn digest(&self, image: &Reference) -> Result<Digest, Problem> {
        let (place, name, what) = (Place::of(image)?, named(image)?, image.to_string());
        Ok(self.manifest(&place, &name, &what).await?.digest)
    }

    async fn image(&self, image: &Reference) -> Result<Image, Problem> {
        let (place, name, what) = (Place::of(image)?, named(image)?, image.to_string());
        let top = self.manifest(&place, &name, &what).await?;
        let mut todo: VecDeque<String> = top.images.iter().map(|one| one.digest.clone()).collect();
        let mut platforms: Vec<String> = top.images.iter().filter_map(|one| one.platform.clone()).collect();
        let mut configuration = top.configuration;
        if let (None, Some(first)) = (&configuration, todo.pop_front()) {
            configuration = self.manifest(&place, &first, &what).await?.configuration;
        }
        let mut labels = BTreeMap::new();
        if let Some(digest) = configuration {
            let json = self.configuration(&place, &digest, &what).await?;
            labels = manifest::labels(&json);
            if platforms.is_empty() {
                platforms.extend(manifest::platform(&json));
            }
        }
        Ok(Image {
            digest: top.digest,
            platforms,
            labels,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_host_is_on_docker_hub() {
        for (text, host, name) in [
            ("nginx", "docker.io", "library/nginx"),
            ("docker.io/nginx", "docker.io", "library/nginx"),
            ("myorg/api", "docker.io", "myorg/api"),
            ("ghcr.io/myorg/api", "ghcr.io", "myorg/api"),
            ("localhost:5000/api", "localhost:5000", "api"),
            ("localhost/api", "localhost", "api"),
        ] {
            assert_eq!(split(text), (host.to_owned(), name.to_owned()), "{text}");
        }
        let place = |text: &str| Place::of(&Reference::parse(text).unwrap()).unwrap().base.to_string();
        assert_eq!(place("nginx:1"), "https://registry-1.docker.io/");
        assert_eq!(place("127.0.0.1:5000/api:1"), "http://127.0.0.1:5000/");
        assert_eq!(
            place("registry.tools.svc:5000/api:1"),
            "http://registry.tools.svc:5000/"
        );
        assert_eq!(place("ghcr.io/o/api:1"), "https://ghcr.io/");
    }
}
