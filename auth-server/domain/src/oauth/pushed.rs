//! Pushed authorization requests (RFC 9126).

use chrono::TimeDelta;
use goptri_settings::SecretKind;

use crate::{ClientId, Digest};

/// How long after it was pushed a request can be opened in the browser.
pub const PUSHED_LIFETIME: TimeDelta = TimeDelta::seconds(90);

/// The kind of a `request_uri`.
#[derive(Debug)]
pub enum RequestUri {}
impl SecretKind for RequestUri {
    const NAME: &'static str = "request URI";
}

/// A pushed request.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedRequest {
    /// The digest of its `request_uri`.
    pub uri_hash: Digest<RequestUri>,
    /// The client that pushed it.
    pub client_id: ClientId,
    /// Its parameters, as a query string.
    pub request: String,
}
