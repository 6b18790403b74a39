//! The port to pushed authorization requests.

use async_trait::async_trait;
use auth_domain::{Digest, PUSHED_LIFETIME, PushedRequest, RequestUri};
use chrono::TimeDelta;

use crate::StoreError;

/// How long a pushed request can be used that was opened in time: [`PUSHED_LIFETIME`] plus the time that a user may take
/// on the pages, an hour.
pub const OPENED_REQUEST_LIFETIME: TimeDelta = TimeDelta::seconds(PUSHED_LIFETIME.num_seconds() + 3_600);

/// Stores pushed authorization requests, each for [`OPENED_REQUEST_LIFETIME`].
#[async_trait]
pub trait PushedRequests: Send + Sync + 'static {
    /// Stores a request. A second call with the same `request_uri` changes nothing.
    async fn push_request(&self, request: &PushedRequest) -> Result<(), StoreError>;

    /// The request. `None`: there is none, or it was pushed [`PUSHED_LIFETIME`] ago, or [`OPENED_REQUEST_LIFETIME`] ago
    /// if `opened` says that the browser has opened it in time.
    async fn find_pushed_request(
        &self,
        uri_hash: &Digest<RequestUri>,
        opened: bool,
    ) -> Result<Option<PushedRequest>, StoreError>;

    /// Deletes a request, once a code was issued for it. Returns whether it existed.
    async fn spend_pushed_request(&self, uri_hash: &Digest<RequestUri>) -> Result<bool, StoreError>;

    /// Deletes at most `max` requests that can no longer be used, the oldest first. Returns how many.
    async fn sweep_pushed_requests(&self, max: u32) -> Result<u64, StoreError>;
}
