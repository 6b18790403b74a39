//! One connection to the feed, from the request until the connection is lost.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::disconnect::Disconnect;
use super::feed_log::FeedLog;
use super::feed_source::FeedSource;
use super::revocation_set::RevocationSet;
use super::sse::{Event, SseParser};
use super::transit_delay::TransitDelayEstimator;
use super::{Batch, CAUGHT_UP, Entry, HEARTBEAT, Heartbeat, KEYS, REVOCATIONS};
use crate::token_error::MAX_TOKEN_BYTES;

/// Requests the feed and adds its entries to `revocations` until the connection is lost. Returns why it was lost, and
/// whether the connection had been stable: whether a heartbeat followed `caught-up`.
pub(super) async fn follow_once(
    feed: &FeedSource,
    revocations: &RevocationSet,
    log: &mut FeedLog<'_>,
) -> (Disconnect, bool) {
    let mut connection = Connection {
        feed,
        revocations,
        log,
        delays: TransitDelayEstimator::default(),
        caught_up: false,
        stable: false,
        unknown_kind: LoggedOnce::default(),
        unreadable: LoggedOnce::default(),
    };
    let ended = connection.run().await;
    revocations.set_connected(false);
    (ended.err().unwrap_or(Disconnect::Closed), connection.stable)
}

struct Connection<'a, 'l> {
    feed: &'a FeedSource,
    revocations: &'a RevocationSet,
    log: &'a mut FeedLog<'l>,
    delays: TransitDelayEstimator,
    caught_up: bool,
    stable: bool,
    unknown_kind: LoggedOnce,
    unreadable: LoggedOnce,
}

impl Connection<'_, '_> {
    async fn run(&mut self) -> Result<(), Disconnect> {
        let mut response = self.request().await?;
        let (clock, timeouts) = (self.revocations.clock(), self.feed.timeouts);
        let (mut parser, mut last, mut limit) = (SseParser::default(), clock.elapsed(), timeouts.first_event);
        loop {
            let chunk = timeout(limit, response.chunk()).await.map_err(|_| Disconnect::Silent(limit))?;
            let Some(chunk) = chunk.map_err(|_| Disconnect::Closed)? else { return Ok(()) };
            // The timer does not fire while the process is suspended. Data read afterwards is too old to use.
            let now = clock.elapsed();
            if now.saturating_sub(last) > limit {
                return Err(Disconnect::Silent(now.saturating_sub(last)));
            }
            (last, limit) = (now, timeouts.next_event);
            parser.parse_chunk(&chunk, |event| self.on_event(&event))?;
        }
    }

    async fn request(&self) -> Result<Response, Disconnect> {
        let limit = self.feed.timeouts.response;
        let response =
            timeout(limit, self.feed.request().send()).await.map_err(|_| Disconnect::Silent(limit))??;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(Disconnect::Unauthorized),
            other => return Err(Disconnect::Status(other)),
        }
        let content_type =
            response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
        if !content_type.is_some_and(|content_type| content_type.starts_with(b"text/event-stream")) {
            return Err(Disconnect::NotEvents);
        }
        Ok(response)
    }

    fn on_event(&mut self, event: &Event) -> Result<(), Disconnect> {
        match std::str::from_utf8(&event.name) {
            Ok(REVOCATIONS) => self.add(&event.data)?,
            Ok(CAUGHT_UP) => {
                let age = self.age(CAUGHT_UP, &event.data)?;
                self.caught_up = true;
                self.revocations.set_age(age);
                self.revocations.set_connected(true);
                self.log.caught_up();
                // A `keys` event may have been missed.
                self.feed.key_refresh.notify_keys_changed();
            }
            Ok(HEARTBEAT) => {
                let age = self.age(HEARTBEAT, &event.data)?;
                // Before `caught-up`, a heartbeat only calibrates the delay estimate.
                if self.caught_up {
                    self.revocations.set_age(age);
                    self.stable = true;
                }
            }
            Ok(KEYS) => self.feed.key_refresh.notify_keys_changed(),
            // An event of a later version.
            _ => {}
        }
        Ok(())
    }

    fn age(&mut self, event: &'static str, data: &[u8]) -> Result<Duration, Disconnect> {
        let heartbeat: Heartbeat = parse(event, data)?;
        Ok(self.delays.age(heartbeat, self.revocations.clock().elapsed()))
    }

    /// Adds the entries of one event. An unreadable entry is skipped; the others are added.
    fn add(&mut self, data: &[u8]) -> Result<(), Disconnect> {
        if let Ok(batch) = serde_json::from_slice::<Batch>(data) {
            return batch.entries.iter().try_for_each(|entry| self.insert(entry));
        }
        let Entries { entries } = parse(REVOCATIONS, data)?;
        for value in entries {
            match Entry::deserialize(&value) {
                Ok(entry) => self.insert(&entry)?,
                Err(_) => self.skip(&value),
            }
        }
        Ok(())
    }

    fn insert(&mut self, entry: &Entry) -> Result<(), Disconnect> {
        // A longer subject does not fit into any token.
        if entry.subject.len() > MAX_TOKEN_BYTES {
            self.skip(&Value::Null);
            return Ok(());
        }
        Ok(self.revocations.insert(entry)?)
    }

    fn skip(&mut self, entry: &Value) {
        if entry["kind"].as_str().is_some_and(|kind| !["session", "token", "client"].contains(&kind)) {
            if self.unknown_kind.is_first() {
                tracing::warn!("skipped revocation entries of a kind that this version does not know");
            }
        } else if self.unreadable.is_first() {
            tracing::error!("skipped unreadable revocation entries");
        }
    }
}

/// Limits a message to one per connection.
#[derive(Default)]
struct LoggedOnce(bool);

impl LoggedOnce {
    fn is_first(&mut self) -> bool {
        !std::mem::replace(&mut self.0, true)
    }
}

#[derive(Deserialize)]
struct Entries {
    entries: Vec<Value>,
}

fn parse<T: DeserializeOwned>(event: &'static str, data: &[u8]) -> Result<T, Disconnect> {
    serde_json::from_slice(data).map_err(|_| Disconnect::Malformed(event))
}
