//! One connection to the feed, from the request until it is lost, which every connection is one day.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::delays::Delays;
use super::events::{Event, Events, TooLong};
use super::feed::FeedSource;
use super::revocations::{CapacityExceeded, RevocationSet};
use super::{Batch, CAUGHT_UP, Entry, HEARTBEAT, Heartbeat, KEYS, REVOCATIONS};
use crate::MAX_TOKEN_BYTES;
use crate::auth_server::cause;

/// Why a connection has ended. Nothing of what the other side said is in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lost {
    #[error("auth-server cannot be reached: {0}")]
    Unreachable(String),
    #[error(
        "auth-server refuses the secret (401): the first in FEED_SECRET here must be one of those in its FEED_SECRET"
    )]
    Unauthorized,
    #[error("what AUTH_SERVER_URL names answers {0} instead of the feed")]
    Status(StatusCode),
    #[error("what AUTH_SERVER_URL names answers, but with something else than a stream of events")]
    NotEvents,
    #[error("nothing was heard for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the connection was closed")]
    Closed,
    #[error("an event is longer than any of auth-server's")]
    TooLong,
    #[error("the data of an event {0:?} is not what it should be")]
    Malformed(&'static str),
    #[error("{0}")]
    CapacityExceeded(#[from] CapacityExceeded),
}

impl From<TooLong> for Lost {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl From<reqwest::Error> for Lost {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(cause(&error))
    }
}

/// What a connection tells whoever opened it.
pub(super) trait Listener {
    /// Everything is known now.
    fn caught_up(&mut self);
    /// And still is.
    fn heartbeat(&mut self);
    /// The ring of keys has changed.
    fn keys_changed(&mut self);
}

/// Asks for the feed, and hears it until it is lost.
pub(super) async fn hear(
    feed: &FeedSource,
    revocations: &RevocationSet,
    listener: &mut impl Listener,
) -> Lost {
    let mut hearing = Hearing {
        revocations,
        listener,
        delays: Delays::default(),
        caught_up: false,
        complained: Complaints::default(),
    };
    let lost = hearing.hear(feed).await;
    revocations.set_connected(false);
    lost.err().unwrap_or(Lost::Closed)
}

struct Hearing<'a, L> {
    revocations: &'a RevocationSet,
    listener: &'a mut L,
    delays: Delays,
    caught_up: bool,
    complained: Complaints,
}

/// What was logged on this connection already: once is enough.
#[derive(Default)]
struct Complaints {
    unknown_kind: bool,
    unreadable: bool,
}

impl<L: Listener> Hearing<'_, L> {
    async fn hear(&mut self, feed: &FeedSource) -> Result<(), Lost> {
        let pace = feed.pace;
        let answer = timeout(pace.answer, feed.request().send()).await;
        let mut response = answer.map_err(|_| Lost::Silent(pace.answer))??;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(Lost::Unauthorized),
            other => return Err(Lost::Status(other)),
        }
        let content_type =
            response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
        if !content_type.is_some_and(|content_type| content_type.starts_with(b"text/event-stream")) {
            return Err(Lost::NotEvents);
        }
        let clock = self.revocations.clock();
        let (mut events, mut heard, mut patience) = (Events::default(), clock.elapsed(), pace.first);
        loop {
            let piece = timeout(patience, response.chunk()).await.map_err(|_| Lost::Silent(patience))?;
            let Some(piece) = piece.map_err(|_| Lost::Closed)? else { return Ok(()) };
            // After a stop of the whole process, this is what lay in buffers: too late, even though it is there.
            let now = clock.elapsed();
            if now.saturating_sub(heard) > patience {
                return Err(Lost::Silent(now.saturating_sub(heard)));
            }
            (heard, patience) = (now, pace.next);
            events.take(&piece, |event| self.told(&event))?;
        }
    }

    fn told(&mut self, event: &Event) -> Result<(), Lost> {
        match std::str::from_utf8(&event.name) {
            Ok(REVOCATIONS) => self.add(&event.data),
            Ok(CAUGHT_UP) => {
                let age = self.age(CAUGHT_UP, &event.data)?;
                self.caught_up = true;
                self.revocations.known_as_of(age);
                self.revocations.set_connected(true);
                self.listener.caught_up();
                Ok(())
            }
            Ok(HEARTBEAT) => {
                let age = self.age(HEARTBEAT, &event.data)?;
                // Before everything was told, it only shows how late the others come.
                if self.caught_up {
                    self.revocations.known_as_of(age);
                    self.listener.heartbeat();
                }
                Ok(())
            }
            Ok(KEYS) => {
                self.listener.keys_changed();
                Ok(())
            }
            // Of a later version.
            _ => Ok(()),
        }
    }

    fn age(&mut self, event: &'static str, data: &[u8]) -> Result<Duration, Lost> {
        let beat: Heartbeat = parse(event, data)?;
        Ok(self.delays.age(beat, self.revocations.clock().elapsed()))
    }

    /// One entry that cannot be read costs none of the others.
    fn add(&mut self, data: &[u8]) -> Result<(), Lost> {
        if let Ok(batch) = serde_json::from_slice::<Batch>(data) {
            return batch.entries.iter().try_for_each(|entry| self.insert(entry));
        }
        let Entries { entries } = parse(REVOCATIONS, data)?;
        for value in entries {
            match Entry::deserialize(&value) {
                Ok(entry) => self.insert(&entry)?,
                Err(_) => self.complain(&value),
            }
        }
        Ok(())
    }

    fn insert(&mut self, entry: &Entry) -> Result<(), Lost> {
        // No token has room for it.
        if entry.subject.len() > MAX_TOKEN_BYTES {
            self.complain(&Value::Null);
            return Ok(());
        }
        Ok(self.revocations.insert(entry)?)
    }

    fn complain(&mut self, entry: &Value) {
        let known = ["session", "token", "client"];
        let of_a_new_kind = entry["kind"].as_str().is_some_and(|kind| !known.contains(&kind));
        if of_a_new_kind && !std::mem::replace(&mut self.complained.unknown_kind, true) {
            tracing::warn!(
                "the revocation feed has entries of a kind that this version does not know; left out"
            );
        }
        if !of_a_new_kind && !std::mem::replace(&mut self.complained.unreadable, true) {
            tracing::error!("the revocation feed has entries that cannot be read; left out");
        }
    }
}

#[derive(Deserialize)]
struct Entries {
    entries: Vec<Value>,
}

fn parse<T: DeserializeOwned>(event: &'static str, data: &[u8]) -> Result<T, Lost> {
    serde_json::from_slice(data).map_err(|_| Lost::Malformed(event))
}
