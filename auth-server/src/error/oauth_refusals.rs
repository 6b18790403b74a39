//! The refusals of the authorization server's flows, and the row of the catalogue that each maps to.

use auth_domain::{
    AuthorizationError, CodeMismatch, InvalidAssertion, InvalidClient, ScopeTooWide, Unanswerable,
};
use goptri::ProtocolError;

use super::catalogue::TOO_MANY_ATTEMPTS;
use super::oauth_catalogue::{
    CLIENT_NOT_AUTHENTICATED, INVALID_CODE, INVALID_PUSHED_REQUEST, INVALID_SCOPE, INVALID_TARGET,
    OTHER_REDIRECT_URI, UNSUPPORTED_CLIENT_GRANT, WRONG_VERIFIER,
};
use super::{RefreshRefused, Refusal};
use crate::throttle::TooManyAttempts;

/// Why a client is not authenticated. The client gets the same error for all reasons but the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientRefused {
    /// The throttle rejected the attempt; the credentials were not looked at.
    #[error(transparent)]
    TooManyAttempts(TooManyAttempts),
    /// The request names no client.
    #[error("no client")]
    NoClient,
    /// No client has this id.
    #[error("unknown client")]
    Unknown,
    /// The client authenticates in another way.
    #[error("the client authenticates in another way")]
    OtherMethod,
    /// The secret is none of the client's.
    #[error("wrong secret")]
    WrongSecret,
    /// The assertion is not valid.
    #[error("client assertion: {0}")]
    Assertion(InvalidAssertion),
}

impl Refusal for ClientRefused {
    fn protocol_error(&self) -> ProtocolError {
        match self {
            Self::TooManyAttempts(too_many) => TOO_MANY_ATTEMPTS.with_retry_after(too_many.retry_after),
            Self::NoClient | Self::Unknown | Self::OtherMethod | Self::WrongSecret | Self::Assertion(_) => {
                CLIENT_NOT_AUTHENTICATED
            }
        }
    }
}

/// Why an application got no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantRefused {
    /// The client is not authenticated.
    #[error(transparent)]
    Client(#[from] ClientRefused),
    /// The `grant_type` is none that a client may use.
    #[error("unsupported grant_type")]
    UnsupportedGrant,
    /// No such code.
    #[error("unknown code")]
    UnknownCode,
    /// The code does not fit what was presented with it.
    #[error(transparent)]
    Code(#[from] CodeMismatch),
    /// The code was used before.
    #[error("the code was used before; the session that it opened was ended")]
    Replayed,
    /// The sign-in has ended, the user is disabled, or the client is being removed.
    #[error("the sign-in has ended, the user is disabled, or the client was removed")]
    NotOpened,
    /// The scope is malformed.
    #[error("malformed scope")]
    MalformedScope,
    /// The scope is wider than the granted one.
    #[error(transparent)]
    Scope(#[from] ScopeTooWide),
    /// The tokens are for another API.
    #[error("another resource")]
    Resource,
    /// The session was not refreshed.
    #[error(transparent)]
    Refresh(#[from] RefreshRefused),
}

impl Refusal for GrantRefused {
    fn protocol_error(&self) -> ProtocolError {
        match self {
            Self::Client(refused) => refused.protocol_error(),
            Self::UnsupportedGrant => UNSUPPORTED_CLIENT_GRANT,
            Self::UnknownCode
            | Self::Code(CodeMismatch::Client | CodeMismatch::Expired)
            | Self::Replayed
            | Self::NotOpened => INVALID_CODE,
            Self::Code(CodeMismatch::Verifier) => WRONG_VERIFIER,
            Self::Code(CodeMismatch::RedirectUri) => OTHER_REDIRECT_URI,
            Self::Code(CodeMismatch::Resource) | Self::Resource => INVALID_TARGET,
            Self::MalformedScope | Self::Scope(_) => INVALID_SCOPE,
            Self::Refresh(refused) => refused.protocol_error(),
        }
    }
}

/// Why an authorization request was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PushRefused {
    /// The client is not authenticated.
    #[error(transparent)]
    Client(ClientRefused),
    /// The redirect URI is missing, or not one of the client's.
    #[error(transparent)]
    ReturnAddress(Unanswerable),
    /// `/authorize` would refuse the request.
    #[error(transparent)]
    Request(AuthorizationError),
}

impl Refusal for PushRefused {
    fn protocol_error(&self) -> ProtocolError {
        match self {
            Self::Client(refused) => refused.protocol_error(),
            Self::ReturnAddress(problem) => {
                INVALID_PUSHED_REQUEST.with_description(&format!("The {problem}."))
            }
            Self::Request(error) => {
                let mut refused = INVALID_PUSHED_REQUEST.with_description(&error.to_string());
                refused.code = error.code();
                refused
            }
        }
    }
}

/// Why a command changed no client. No client sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManageClientRefused {
    /// No client has this id.
    #[error("No client has this id; `auth-server client list` shows all.")]
    Unknown,
    /// Another client has the id.
    #[error("Another client has this id.")]
    IdTaken,
    /// The rules forbid it.
    #[error(transparent)]
    Invalid(#[from] InvalidClient),
    /// A word of the scope is not registered.
    #[error("The scope {0:?} is not registered; add it with `auth-server scope add`.")]
    UnknownScope(String),
    /// It is public, or authenticates with a key.
    #[error("This client has no secret: it is public, or authenticates with a key.")]
    NoSecrets,
    /// A third secret.
    #[error("This client has two secrets already; drop the older one first, with --drop-old.")]
    TwoSecrets,
    /// The only secret.
    #[error("This client has only one secret; add the new one first, without --drop-old.")]
    OneSecret,
    /// Another command was faster.
    #[error("The client was changed or removed meanwhile; try again.")]
    Changed,
    /// The file has the id twice.
    #[error("The file has the client {0} twice.")]
    TwiceInFile(String),
    /// The file has a client that the operator has added.
    #[error(
        "The client {0} was added by `auth-server client add`; remove it first, or leave it out of the file."
    )]
    AddedByOperator(String),
    /// A client of the file cannot be registered.
    #[error("Client {id}: {problem}")]
    InvalidInFile {
        /// The client.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl ManageClientRefused {
    /// The same refusal, with the client of the file that it is about.
    pub(crate) fn in_file(&self, id: &str) -> Self {
        Self::InvalidInFile { id: id.to_owned(), problem: self.to_string() }
    }
}

/// Why a command changed no scope. No client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManageScopeRefused {
    /// `offline_access`.
    #[error("offline_access is built in; it cannot be added, changed or removed.")]
    BuiltIn,
    /// It is not one word.
    #[error("A scope is one word of printable ASCII, without quotes or backslashes.")]
    Name,
    /// The description is empty or too long.
    #[error("The description must have 1 to 200 characters, without control characters.")]
    Description,
    /// No scope has this name.
    #[error("No scope has this name; `auth-server scope list` shows all.")]
    Unknown,
}
