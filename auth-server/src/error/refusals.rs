//! The refusals of the flows, and the row of the catalogue that each maps to.

use std::fmt;
use std::sync::Arc;

use auth_domain::{EndReason, InvalidEmail, PasswordRejected, RefuseReason, Unanswerable, UserId};
use goptri::{ProtocolError, TokenError};

use super::Refusal;
use super::catalogue::{
    COOKIE_TOO_LARGE, DATABASE_READS_FAIL, DATABASE_WRITES_FAIL, EMAIL_TAKEN, INVALID_EMAIL, INVALID_GRANT,
    NOT_MIGRATED, NOTHING_TO_SIGN_OUT, OVERTAKEN, REGISTRATION_CLOSED, TOO_MANY_ATTEMPTS, TWO_SESSIONS,
    UNKNOWN_APPLICATION, UNREGISTERED_REDIRECT_URI, UNUSABLE_REQUEST_URI, WEAK_PASSWORD, WRONG_CREDENTIALS,
    WRONG_CURRENT_PASSWORD,
};
use crate::throttle::TooManyAttempts;

/// Why a sign-in was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignInRefused {
    /// The throttle rejected the attempt; the password was not looked at.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// No user can have a password of this length.
    #[error("the password is too long")]
    PasswordTooLong,
    /// No user has this address.
    #[error("unknown user")]
    UnknownUser,
    /// The user has another password, or none.
    #[error("wrong password")]
    WrongPassword(UserId),
    /// The password is right, and no session was opened.
    #[error("the user is disabled or was just changed")]
    NotOpened(UserId),
    /// The password is right, and the access token would not fit into a cookie.
    #[error("the access token does not fit into a cookie: the user has too many roles")]
    TokenTooLong(UserId),
}

impl SignInRefused {
    /// The user whose address was used, for the log.
    pub(crate) fn user(&self) -> Option<UserId> {
        match self {
            Self::WrongPassword(user) | Self::NotOpened(user) | Self::TokenTooLong(user) => Some(*user),
            Self::TooManyAttempts(_) | Self::PasswordTooLong | Self::UnknownUser => None,
        }
    }
}

impl Refusal for SignInRefused {
    fn protocol_error(&self) -> ProtocolError {
        match self {
            Self::TooManyAttempts(too_many) => too_many_attempts(*too_many),
            Self::PasswordTooLong | Self::UnknownUser | Self::WrongPassword(_) | Self::NotOpened(_) => {
                WRONG_CREDENTIALS
            }
            Self::TokenTooLong(_) => COOKIE_TOO_LARGE,
        }
    }
}

/// Why no new tokens were issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshRefused {
    /// The refresh token fails verification.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The session has ended.
    #[error("no such session")]
    UnknownSession,
    /// The token is not valid for its session, which lives on.
    #[error("rejected: {0:?}")]
    Session(RefuseReason),
    /// The session was ended by this attempt.
    #[error("the session was ended: {0:?}")]
    Ended(EndReason),
    /// Newer requests of the session came first. It lives on.
    #[error("overtaken by newer requests of the session")]
    Overtaken {
        /// The rest of the grace, in seconds.
        retry_after: u32,
    },
    /// Other requests kept changing the session.
    #[error("the session kept changing")]
    Contended,
    /// This request rotated the session, or another holder of the token did: the first attempt got no response from the
    /// database.
    #[error("the database was lost while the session was rotated")]
    Unclear,
    /// The request would end the session or be forgiven as a late retry, but may have waited while this server was
    /// suspended.
    #[error("the request may have waited while this server was suspended")]
    MayBeOld,
}

impl Refusal for RefreshRefused {
    fn protocol_error(&self) -> ProtocolError {
        match self {
            Self::Token(_) | Self::UnknownSession | Self::Session(_) | Self::Ended(_) => INVALID_GRANT,
            Self::Overtaken { retry_after } => OVERTAKEN.with_retry_after(*retry_after),
            Self::Contended | Self::Unclear | Self::MayBeOld => ProtocolError::UNAVAILABLE,
        }
    }
}

/// The session of a valid token has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct SessionEnded;

impl Refusal for SessionEnded {
    fn protocol_error(&self) -> ProtocolError {
        ProtocolError::INVALID_TOKEN
    }
}

/// Why no session was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignOutRefused {
    /// The request has no token.
    #[error("no token")]
    NoToken,
    /// The two tokens name different sessions.
    #[error("tokens of two sessions")]
    TwoSessions,
    /// A token fails verification.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The refresh token is signed, and its `jti` is not that of its session.
    #[error("a signed refresh token has another jti than its session")]
    OtherJti,
    /// Only for signing out everywhere: the session has ended.
    #[error("the session has ended")]
    SessionEnded,
}

impl From<SessionEnded> for SignOutRefused {
    fn from(SessionEnded: SessionEnded) -> Self {
        Self::SessionEnded
    }
}

impl Refusal for SignOutRefused {
    fn protocol_error(&self) -> ProtocolError {
        match self {
            Self::NoToken => NOTHING_TO_SIGN_OUT,
            Self::TwoSessions => TWO_SESSIONS,
            Self::Token(_) | Self::OtherJti | Self::SessionEnded => ProtocolError::INVALID_TOKEN,
        }
    }
}

/// Why no user was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegisterRefused {
    /// `REGISTRATION=closed`.
    #[error("registration is closed")]
    Closed,
    /// The throttle rejected the attempt.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The text is not an e-mail address.
    #[error(transparent)]
    InvalidEmail(#[from] InvalidEmail),
    /// The rules for passwords forbid it.
    #[error(transparent)]
    Password(#[from] PasswordRejected),
    /// Another user has the address.
    #[error("This e-mail address is already registered.")]
    EmailTaken,
}

impl Refusal for RegisterRefused {
    fn protocol_error(&self) -> ProtocolError {
        match self {
            Self::Closed => REGISTRATION_CLOSED,
            Self::TooManyAttempts(too_many) => too_many_attempts(*too_many),
            Self::InvalidEmail(invalid) => INVALID_EMAIL.with_description(&invalid.to_string()),
            Self::Password(rejected) => password_rejected(*rejected),
            Self::EmailTaken => EMAIL_TAKEN,
        }
    }
}

/// Why the password was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangePasswordRefused {
    /// The throttle rejected the attempt; the current password was not looked at.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The rules for passwords forbid the new one.
    #[error(transparent)]
    Password(#[from] PasswordRejected),
    /// The current password is another one.
    #[error("wrong current password")]
    WrongPassword,
    /// The session ended meanwhile.
    #[error("the session has ended")]
    SessionEnded,
}

impl Refusal for ChangePasswordRefused {
    fn protocol_error(&self) -> ProtocolError {
        match self {
            Self::TooManyAttempts(too_many) => too_many_attempts(*too_many),
            Self::Password(rejected) => password_rejected(*rejected),
            // Not a 401: the access token is valid, and refreshing it would not help.
            Self::WrongPassword => WRONG_CURRENT_PASSWORD,
            Self::SessionEnded => ProtocolError::INVALID_TOKEN,
        }
    }
}

impl Refusal for Unanswerable {
    fn protocol_error(&self) -> ProtocolError {
        match self {
            Self::ClientId | Self::UnknownClient => UNKNOWN_APPLICATION,
            Self::NoRedirectUri | Self::RedirectUri => UNREGISTERED_REDIRECT_URI,
            Self::RequestUri | Self::NotPushed => UNUSABLE_REQUEST_URI,
        }
    }
}

/// A server that is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    /// Why.
    pub reason: NotReadyBecause,
    /// If the database has several hosts: the one that is used, or all of them while none is used.
    pub host: Option<String>,
}

/// Why a server is not ready. The causes are for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReadyBecause {
    /// The database lacks migrations.
    #[error("the database lacks migrations")]
    NotMigrated,
    /// The database cannot be read.
    #[error("{0}")]
    Unreadable(Arc<str>),
    /// The database can be read, and commits no writes.
    #[error("no write was committed: {0}")]
    Unwritable(Arc<str>),
    /// The database neither commits a write nor fails.
    #[error("the database did not commit a write within 2 s")]
    NoAnswer,
}

impl Refusal for NotReady {
    fn protocol_error(&self) -> ProtocolError {
        let (error, what) = match self.reason {
            NotReadyBecause::NotMigrated => return NOT_MIGRATED,
            NotReadyBecause::Unreadable(_) => (DATABASE_READS_FAIL, "cannot be read"),
            NotReadyBecause::Unwritable(_) | NotReadyBecause::NoAnswer => {
                (DATABASE_WRITES_FAIL, "commits no writes")
            }
        };
        match &self.host {
            Some(host) => error.with_description(&format!(
                "The database at {host} {what}; the log of the server has the cause."
            )),
            None => error,
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.reason, &self.host) {
            // Other causes name the host themselves.
            (NotReadyBecause::NoAnswer, Some(host)) => write!(f, "{}: {host}", self.reason),
            (reason, _) => reason.fmt(f),
        }
    }
}

impl std::error::Error for NotReady {}

/// Why an operator's command changed nothing. No client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManageUserRefused {
    /// No user has this address or id.
    #[error("No user has this e-mail address or id.")]
    UnknownUser,
    /// The text is not an e-mail address.
    #[error(transparent)]
    InvalidEmail(#[from] InvalidEmail),
    /// Another user has the address.
    #[error("This e-mail address is already registered.")]
    EmailTaken,
    /// The rules for passwords forbid it.
    #[error(transparent)]
    Password(#[from] PasswordRejected),
}

fn too_many_attempts(too_many: TooManyAttempts) -> ProtocolError {
    TOO_MANY_ATTEMPTS.with_retry_after(too_many.retry_after)
}

fn password_rejected(rejected: PasswordRejected) -> ProtocolError {
    WEAK_PASSWORD.with_description(&rejected.to_string())
}
