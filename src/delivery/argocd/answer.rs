//! Says what an answer of the server means: its JSON, or the problem that its status and words stand for.

use std::time::Duration;

use crate::delivery::Problem;

use super::{bounded, wire};

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) retry_after: Option<Duration>,
    /// Scheme and host that a redirect leads to; the rest may hold secrets.
    pub(super) redirect: Option<String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Returns the JSON of a good answer.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        if self.status != 200 {
            return Err(self.problem());
        }
        if !self.content_type.contains("json") {
            return Err(self.foreign());
        }
        bounded::from_slice(&self.body).map_err(|error| {
            Problem::Foreign(format!(
                "the answer is not that of Argo CD's API: {}",
                crate::model::json::in_words(&error)
            ))
        })
    }

    /// Returns what an answer that is no good one means.
    pub(super) fn problem(&self) -> Problem {
        let Some(said) = self.words() else {
            return match self.status {
                429 | 500.. => self.passing(format!("HTTP {}: {}", self.status, self.first_bytes())),
                // A proxy before the server may guard it with its own credentials.
                401 => Problem::Token(format!("HTTP 401: {}", self.first_bytes())),
                _ => self.foreign(),
            };
        };
        match self.status {
            401 => Problem::Token(said),
            403 if said.contains("sync window") => Problem::Window(said),
            403 => Problem::Forbidden(said),
            404 => Problem::Missing(said),
            400 if said.contains("another operation is already in progress") => Problem::Busy(said),
            400 if said.contains("code = Unavailable") || said.contains("failed to list refs") => self.passing(said),
            501 => Problem::Refused(said),
            408 | 409 | 429 | 500.. => self.passing(said),
            _ => Problem::Refused(said),
        }
    }

    fn passing(&self, why: String) -> Problem {
        Problem::Passing {
            why,
            after: self.retry_after,
        }
    }

    fn foreign(&self) -> Problem {
        Problem::Foreign(match &self.redirect {
            Some(host) => format!(
                "HTTP {} redirects to {host}: that is a login page, not Argo CD's API",
                self.status
            ),
            None if self.content_type.contains("html") => format!(
                "HTTP {} is a web page, such as a login page, not Argo CD's API: {}",
                self.status,
                self.first_bytes()
            ),
            None => format!(
                "HTTP {} is not an answer of Argo CD's API (is a root path missing?): {}",
                self.status,
                self.first_bytes()
            ),
        })
    }

    /// Returns the words of Argo CD's own errors; both forms, of calls and of streams.
    fn words(&self) -> Option<String> {
        words(&self.body)
    }

    fn first_bytes(&self) -> String {
        let end = self.body.len().min(200);
        let text = String::from_utf8_lossy(self.body.get(..end).unwrap_or_default()).into_owned();
        format!("{:?}", text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Returns the words of an error, whichever form it has.
pub(super) fn words(body: &[u8]) -> Option<String> {
    let refusal: wire::Refusal = bounded::from_slice(body).ok()?;
    match refusal.error?.0 {
        serde_json::Value::String(said) => Some(said),
        serde_json::Value::Object(fields) => Some(
            fields
                .get("message")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        ),
        _ => Some(refusal.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_type: &str, body: &str) -> Answer {
        Answer {
            status,
            content_type: content_type.to_owned(),
            retry_after: None,
            redirect: None,
            body: body.as_bytes().to_vec(),
        }
    }

    fn refusal(status: u16, said: &str) -> Problem {
        answer(
            status,
            "application/json",
            &serde_json::json!({"error": said, "code": 0, "message": said}).to_string(),
        )
        .problem()
    }

    #[test]
    fn a_refusal_is_known_by_its_status_and_words() {
        type Is = fn(&Problem) -> bool;
        let rows: [(u16, &str, Is); 10] = [
            (401, "no session information", |p| matches!(p, Problem::Token(_))),
            (403, "permission denied", |p| matches!(p, Problem::Forbidden(_))),
            (403, "cannot sync: blocked by sync window", |p| {
                matches!(p, Problem::Window(_))
            }),
            (404, "applications.argoproj.io \"x\" not found", |p| {
                matches!(p, Problem::Missing(_))
            }),
            (400, "another operation is already in progress", |p| {
                matches!(p, Problem::Busy(_))
            }),
            (400, "Cannot sync to x: auto-sync currently set to main", |p| {
                matches!(p, Problem::Refused(_))
            }),
            (
                400,
                "error resolving repo revision: rpc error: code = Unavailable desc = x",
                |p| matches!(p, Problem::Passing { .. }),
            ),
            (409, "the object has been modified", |p| {
                matches!(p, Problem::Passing { .. })
            }),
            (500, "cache: key is missing", |p| matches!(p, Problem::Passing { .. })),
            (429, "slow down", |p| matches!(p, Problem::Passing { .. })),
        ];
        for (status, said, is) in rows {
            let problem = refusal(status, said);
            assert!(is(&problem), "{status} {said}: {problem:?}");
            assert_eq!(problem.why(), said);
        }
    }

    #[test]
    fn a_stream_error_has_words_too() {
        let body = r#"{"error":{"grpc_code":7,"http_code":403,"message":"permission denied: logs, get"}}"#;
        let problem = answer(403, "application/json", body).problem();
        assert_eq!(problem, Problem::Forbidden("permission denied: logs, get".to_owned()));
    }

    #[test]
    fn a_login_page_is_shown_with_its_first_bytes() {
        let page = answer(
            200,
            "text/html; charset=utf-8",
            "<!doctype html>\n<title>Sign in</title>",
        );
        let problem = page.json::<wire::UserInfo>().unwrap_err();
        assert!(
            matches!(&problem, Problem::Foreign(why) if why.contains("Sign in")),
            "{problem:?}"
        );
        let root = answer(404, "text/plain; charset=utf-8", "404 page not found\n").problem();
        assert!(
            matches!(&root, Problem::Foreign(why) if why.contains("root path")),
            "{root:?}"
        );
        let down = answer(503, "text/html", "<h1>Service Unavailable</h1>").problem();
        assert!(matches!(down, Problem::Passing { .. }));
    }

    #[test]
    fn a_redirect_shows_the_host_only() {
        let mut page = answer(302, "text/html", "");
        page.redirect = Some("https://sso.example".to_owned());
        assert!(page.problem().why().contains("redirects to https://sso.example"));
    }
}
