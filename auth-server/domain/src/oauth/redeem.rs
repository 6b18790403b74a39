//! Whether a client may redeem a code.

use goptri_settings::Plain;

use super::{CodeVerifier, StoredCode};
use crate::{ClientId, SessionId};

/// What a client presents with a code.
#[derive(Debug, Clone, Copy)]
pub struct Redemption<'a> {
    /// The client, which has authenticated.
    pub client: &'a ClientId,
    /// `redirect_uri`.
    pub redirect_uri: &'a str,
    /// `code_verifier`.
    pub verifier: &'a Plain<CodeVerifier>,
    /// `resource`, which may repeat (RFC 8707 §2.2).
    pub resources: &'a [String],
}

/// What to do with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeVerdict {
    /// Spend it.
    Redeem,
    /// It was redeemed before. The session that it opened must end: one of the two clients is a thief.
    Replayed(SessionId),
    /// Refuse. The code is not spent.
    Refuse(CodeMismatch),
}

/// Why a code cannot be redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeMismatch {
    /// It is another client's.
    #[error("another client's code")]
    Client,
    /// The verifier is not that of the challenge.
    #[error("wrong code_verifier")]
    Verifier,
    /// The redirect URI is not that of the request.
    #[error("wrong redirect_uri")]
    RedirectUri,
    /// It is for another API.
    #[error("another resource")]
    Resource,
    /// It is too old.
    #[error("expired code")]
    Expired,
}

impl StoredCode {
    /// Judges a redemption (PK-04, PK-05, PK-07).
    ///
    /// Only the right client with the right verifier can cause a session to end. Others could have seen the code in a
    /// log.
    pub fn judge(&self, presented: Redemption<'_>) -> CodeVerdict {
        let Self { client_id, challenge, redirect_uri, audience, .. } = self;
        if presented.client != client_id {
            return CodeVerdict::Refuse(CodeMismatch::Client);
        }
        if !challenge.matches(presented.verifier) {
            return CodeVerdict::Refuse(CodeMismatch::Verifier);
        }
        if let Some(session) = self.spent_for {
            return CodeVerdict::Replayed(session);
        }
        if presented.redirect_uri != redirect_uri {
            return CodeVerdict::Refuse(CodeMismatch::RedirectUri);
        }
        if presented.resources.iter().any(|resource| resource != audience) {
            return CodeVerdict::Refuse(CodeMismatch::Resource);
        }
        if self.expires_at <= self.now {
            return CodeVerdict::Refuse(CodeMismatch::Expired);
        }
        CodeVerdict::Redeem
    }
}
