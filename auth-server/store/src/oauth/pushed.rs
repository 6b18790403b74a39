//! The port to pushed authorization requests.

use async_trait::async_trait;
use auth_domain::{Digest, PushedRequest, RequestUri};

use crate::StoreError;

/// Stores pushed authorization requests, each for [`PUSHED_LIFETIME`](auth_domain::PUSHED_LIFETIME) plus the time that a
/// user may take on the pages: an hour.
#[async_trait]
pub trait PushedRequests: Send + Sync + 'static {
    /// Stores a request.
    async fn push_request(&self, request: &PushedRequest) -> Result<(), StoreError>;

    /// The request. `None`: there is none, or it was pushed longer than `PUSHED_LIFETIME` ago and `opened` is false.
    /// `opened` says that the browser has opened it in time.
    async fn find_pushed_request(
        &self,
        uri_hash: &Digest<RequestUri>,
        opened: bool,
    ) -> Result<Option<PushedRequest>, StoreError>;

    /// Deletes a request, once a code was issued for it. Returns whether it existed.
    async fn spend_pushed_request(&self, uri_hash: &Digest<RequestUri>) -> Result<bool, StoreError>;

    /// Deletes at most `max` requests that can no longer be used. Returns how many.
    async fn sweep_pushed_requests(&self, max: u32) -> Result<u64, StoreError>;
}
