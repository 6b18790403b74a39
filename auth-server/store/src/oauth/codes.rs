//! The port to authorization codes, and to the sessions of applications.

use async_trait::async_trait;
use auth_domain::{ApplicationSession, CodeKey, NewCode, StoredCode};
use chrono::TimeDelta;

use super::code_outcomes::{IssueCodeOutcome, OpenApplicationOutcome, SpendOutcome};
use crate::StoreError;

/// How long a code is kept after it expired, so that a second use is noticed for that long.
pub const CODE_RETENTION: TimeDelta = TimeDelta::hours(1);

/// Stores authorization codes.
#[async_trait]
pub trait Codes: Send + Sync + 'static {
    /// Stores a code that expires after [`CODE_LIFETIME`](auth_domain::CODE_LIFETIME), if its sign-in exists and has not
    /// expired, its client is registered, and the user allowed the client something or it is a first-party client. It
    /// counts as a use of the sign-in. A second call with the same code changes nothing else.
    ///
    /// A concurrent end of the sign-in or withdrawal of the consent either comes first, so that no code is stored, or
    /// deletes the code.
    async fn issue_code(&self, code: &NewCode) -> Result<IssueCodeOutcome, StoreError>;

    /// The code, also an expired or spent one. `None`: there is none.
    async fn find_code(&self, key: &CodeKey) -> Result<Option<StoredCode>, StoreError>;

    /// Spends a code and opens its session: both or neither. All these conditions must hold:
    ///
    /// - the code is unspent and unexpired, and belongs to the client and the sign-in of `session`;
    /// - the sign-in exists and has not expired, and its user is enabled;
    /// - the client is registered, and the user allowed it something or it is a first-party client.
    ///
    /// Of concurrent calls exactly one opens a session. Another call with the same session returns that session again.
    ///
    /// The session has the `auth_time` of the sign-in. If it ends with the sign-in, it also expires no later.
    ///
    /// A concurrent end of the sign-in, of all the user's sessions, or of the consent either comes first, so that no
    /// session opens, or ends the session. A concurrent removal of the client either comes first, or the entry of the feed
    /// is not older than the session.
    async fn spend_code(
        &self,
        key: &CodeKey,
        session: &ApplicationSession,
    ) -> Result<SpendOutcome, StoreError>;

    /// Opens a session without a code, for the implicit grant, under the conditions of
    /// [`spend_code`](Self::spend_code).
    async fn open_application_session(
        &self,
        session: &ApplicationSession,
    ) -> Result<OpenApplicationOutcome, StoreError>;

    /// Deletes at most `max` codes that expired [`CODE_RETENTION`] ago or earlier, the oldest first. Returns how many.
    async fn sweep_codes(&self, max: u32) -> Result<u64, StoreError>;
}
