//! The results of the verbs of [`Codes`](crate::Codes).

use auth_domain::{SessionKey, SessionSnapshot};

/// The result of [`Codes::issue_code`](crate::Codes::issue_code).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueCodeOutcome {
    /// Stored.
    Issued,
    /// The sign-in has ended or expired, the client was removed, or there is no consent. No code is stored.
    Refused,
}

/// The result of [`Codes::spend_code`](crate::Codes::spend_code).
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a result is consumed where it arrives")]
pub enum SpendOutcome {
    /// The session, as stored.
    Opened(SessionSnapshot),
    /// The code was spent before, for this session, which may have ended. Nothing changed.
    AlreadySpent(SessionKey),
    /// Another condition does not hold. Nothing changed.
    Refused,
}

/// The result of [`Codes::open_application_session`](crate::Codes::open_application_session).
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a result is consumed where it arrives")]
pub enum OpenApplicationOutcome {
    /// The session, as stored.
    Opened(SessionSnapshot),
    /// A condition does not hold. Nothing changed.
    Refused,
}
