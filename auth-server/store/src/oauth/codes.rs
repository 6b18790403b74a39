//! The port to authorization codes, and to the sessions of applications.

use async_trait::async_trait;
use auth_domain::{ApplicationSession, CodeKey, NewCode, SessionKey, SessionSnapshot, StoredCode};

use crate::StoreError;

/// Stores authorization codes.
#[async_trait]
pub trait Codes: Send + Sync + 'static {
    /// Stores a code that expires after [`CODE_LIFETIME`](auth_domain::CODE_LIFETIME), if its sign-in exists.
    async fn issue_code(&self, code: &NewCode) -> Result<IssueCodeOutcome, StoreError>;

    /// The code, also an expired or spent one. `None`: there is none.
    async fn find_code(&self, key: &CodeKey) -> Result<Option<StoredCode>, StoreError>;

    /// Spends a code and opens its session: both or neither. Only if the code is unspent and unexpired, the sign-in exists,
    /// the user is enabled and the client is registered. Of concurrent calls exactly one opens a session.
    ///
    /// A concurrent end of the sign-in, of all the user's sessions, or of the consent either comes first, so that no
    /// session opens, or ends the session.
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

    /// Deletes at most `max` codes that expired an hour ago or earlier, so that a second use of a code is noticed for that
    /// long. Returns how many.
    async fn sweep_codes(&self, max: u32) -> Result<u64, StoreError>;
}

/// The result of [`Codes::issue_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueCodeOutcome {
    /// Stored.
    Issued,
    /// The sign-in has ended. Nothing changed.
    SignInEnded,
}

/// The result of [`Codes::spend_code`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a result is consumed where it arrives")]
pub enum SpendOutcome {
    /// The session, as stored.
    Opened(SessionSnapshot),
    /// The code was spent before, for this session. Nothing changed.
    AlreadySpent(SessionKey),
    /// Another condition does not hold. Nothing changed.
    Refused,
}

/// The result of [`Codes::open_application_session`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a result is consumed where it arrives")]
pub enum OpenApplicationOutcome {
    /// The session, as stored.
    Opened(SessionSnapshot),
    /// A condition does not hold. Nothing changed.
    Refused,
}
