//! The reasons for which a connection to the feed ends.

use std::time::Duration;

use reqwest::StatusCode;

use super::revocation_set::CapacityExceeded;
use super::sse::EventTooLong;
use crate::auth_server::root_cause;

/// Why a connection ended. Of the response it contains only the status.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Disconnect {
    #[error("auth-server cannot be reached: {0}")]
    Unreachable(String),
    #[error(
        "auth-server rejects the secret (401): the first secret in FEED_SECRET here must be one of those in auth-server's FEED_SECRET"
    )]
    Unauthorized,
    #[error("AUTH_SERVER_URL answers {0} instead of the feed")]
    Status(StatusCode),
    #[error("AUTH_SERVER_URL answers 200 without a stream of events")]
    NotEvents,
    #[error("no data for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the connection was closed")]
    Closed,
    #[error("an event is longer than auth-server's events can be")]
    EventTooLong,
    #[error("the data of the event {0:?} is malformed")]
    Malformed(&'static str),
    #[error(transparent)]
    CapacityExceeded(#[from] CapacityExceeded),
}

impl From<EventTooLong> for Disconnect {
    fn from(_: EventTooLong) -> Self {
        Self::EventTooLong
    }
}

impl From<reqwest::Error> for Disconnect {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(root_cause(&error))
    }
}
