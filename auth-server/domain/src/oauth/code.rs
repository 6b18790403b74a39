//! Authorization codes, and the sessions that they open.

use chrono::{DateTime, TimeDelta, Utc};
use goptri::Scope;
use goptri_settings::{Plain, SecretKind};
use uuid::Uuid;

use super::{CodeChallenge, OFFLINE_ACCESS};
use crate::{ClientId, Digest, Entropy, RefreshJti, SessionId, SessionKey, UserId};

/// How long a code can be redeemed (PK-06).
pub const CODE_LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// The kind of an authorization code.
#[derive(Debug)]
pub enum AuthorizationCode {}
impl SecretKind for AuthorizationCode {
    const NAME: &'static str = "authorization code";
}

/// The primary key of a code. The code contains the user's id, so it is found with one look-up.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeKey {
    /// The user.
    pub user_id: UserId,
    /// The digest of the whole code.
    pub hash: Digest<AuthorizationCode>,
}

impl CodeKey {
    /// A new code for a user: the user's id and 256 random bits, in base64url.
    pub fn generate(user_id: UserId, entropy: &dyn Entropy) -> (Plain<AuthorizationCode>, Self) {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(user_id.0.as_bytes());
        entropy.fill(&mut bytes[16..]);
        let code = Plain::new(goptri::token::encode_base64url(bytes));
        let hash = Digest::of(&code);
        (code, Self { user_id, hash })
    }

    /// The key of a code that a client presents. `None`: the text does not have the form of a code.
    pub fn of(code: &Plain<AuthorizationCode>) -> Option<Self> {
        let bytes: [u8; 48] = goptri::token::decode_base64url(code.expose())?.try_into().ok()?;
        let user_id = UserId(Uuid::from_slice(&bytes[..16]).ok()?);
        Some(Self { user_id, hash: Digest::of(code) })
    }
}

/// A code to store.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// Its key.
    pub key: CodeKey,
    /// The client that may redeem it.
    pub client_id: ClientId,
    /// The sign-in in which the user allowed it. If that has ended, no code is issued or redeemed.
    pub sign_in: SessionId,
    /// The redirect URI of the request; the client repeats it.
    pub redirect_uri: String,
    /// The code challenge of the request.
    pub challenge: CodeChallenge,
    /// The scope that was allowed.
    pub scope: Scope,
    /// The API that the token will be for.
    pub audience: String,
}

/// A stored code.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCode {
    /// The client that may redeem it.
    pub client_id: ClientId,
    /// The sign-in in which the user allowed it.
    pub sign_in: SessionId,
    /// The redirect URI of the request.
    pub redirect_uri: String,
    /// The code challenge of the request.
    pub challenge: CodeChallenge,
    /// The scope that was allowed.
    pub scope: Scope,
    /// The API that the token will be for.
    pub audience: String,
    /// When it can no longer be redeemed.
    pub expires_at: DateTime<Utc>,
    /// The session that it opened. `None`: it was not redeemed.
    pub spent_for: Option<SessionId>,
    /// The database's clock when this was read.
    pub now: DateTime<Utc>,
}

/// An application session to open for a signed-in user.
#[derive(Debug, Clone)]
pub struct ApplicationSession {
    /// Its key; the id is fresh.
    pub key: SessionKey,
    /// The client.
    pub client_id: ClientId,
    /// The sign-in in which the user allowed it. If it has ended, no session opens.
    pub sign_in: SessionId,
    /// The scope of its access tokens.
    pub scope: Scope,
    /// The API that its access tokens are for.
    pub audience: String,
    /// The digest of the `jti` in its refresh tokens.
    pub jti_hash: Digest<RefreshJti>,
    /// It ends this long after it was opened. `None`: never.
    pub lifetime: Option<TimeDelta>,
    /// The `User-Agent` of the request, shortened.
    pub user_agent: Option<String>,
    /// The address of the client.
    pub ip: Option<String>,
}

impl ApplicationSession {
    /// The sign-in with which it ends. `None`: it outlives the sign-in, because it was granted `offline_access`.
    pub fn parent(&self) -> Option<SessionId> {
        (!self.scope.contains(OFFLINE_ACCESS)).then_some(self.sign_in)
    }
}
