//! The stream of changes: opens it and hands on what comes. Whether it is still alive is for the reader to judge.

use std::collections::VecDeque;

use async_trait::async_trait;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};

use crate::delivery::{Change, Changes, Problem, Scope};
use crate::http::Opened;

use super::client::{ArgoCd, Call, head};
use super::frames::Frames;

struct Stream {
    answer: Opened,
    frames: Frames,
    ready: VecDeque<Change>,
}

#[async_trait(?Send)]
impl Changes for Stream {
    async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return change;
            }
            match self.answer.more(usize::MAX).await {
                Ok(Some(bytes)) => self.ready.extend(self.frames.take(&bytes)),
                Ok(None) => {
                    let why = "the stream ended".to_owned();
                    return Change::Broken(Problem::Passing { why, after: None });
                }
                Err(problem) => return Change::Broken(problem.into()),
            }
        }
    }
}

impl ArgoCd {
    /// Opens the stream. The server sends nothing, not even headers, before there is an application to show.
    pub(super) async fn open_stream(&self, scope: &Scope) -> Result<Box<dyn Changes>, Problem> {
        let mut query = Vec::new();
        if let Scope::One(id) = scope {
            query.push(("name", id.name()));
            query.extend(id.namespace().map(|namespace| ("appNamespace", namespace)));
        }
        query.extend(self.asked_project().map(|project| ("project", project)));
        let path = ["api", "v1", "stream", "applications"];
        let request = self.request(&Call::get(&path).with(query));
        // Only these events carry keepalives.
        let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/event-stream"))]);
        let opened = self.open(request.headers(&accept)).await?;
        let mut answer = head(&opened);
        let right = answer.content_type.contains("event-stream") || answer.content_type.contains("json");
        if answer.status == 200 && right {
            return Ok(Box::new(Stream {
                answer: opened,
                frames: Frames::default(),
                ready: VecDeque::new(),
            }));
        }
        answer.body = opened.words().await;
        Err(self.explained(answer.problem()))
    }
}
