//! The id of a request: in its response, in its log lines, and in the page that a user may report.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use actix_web::{HttpMessage, HttpRequest};

/// The id of a request. Unique among all servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// 64 random bits of the process, and a count.
    pub(crate) fn next() -> Self {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
        static COUNT: AtomicU64 = AtomicU64::new(1);
        Self(format!("{:016x}-{}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed)).into())
    }

    /// The id of this request. `None`: [`response_policy`](crate::response_policy) does not wrap the application.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get().cloned()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
