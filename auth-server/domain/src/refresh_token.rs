//! Refresh tokens: what they say, how they are minted, and what a presented one claims.
//!
//! All claims follow from the session's row, but for the `jti`, of which the row has only the digest. So the
//! database alone mints nothing, nor does the secret alone; and minting twice gives the same bytes.

use chrono::TimeDelta;
use goptri::TokenError;
use goptri::keys::{KeyRing, SigningError};
use goptri::token::{NumericDate, TokenType};
use goptri_settings::{Plain, Reloadable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ClientId, Digest, Generation, RefreshJti, Session, SessionId, SessionKey, UserId};

/// What is on the wire. No `Debug`: the `jti` is half of a secret.
#[derive(Serialize, Deserialize)]
struct RefreshClaims {
    iss: String,
    sub: Uuid,
    sid: Uuid,
    jti: String,
    #[serde(rename = "gen")]
    generation: Generation,
    iat: NumericDate,
    /// For the client's information. What counts is the session's row and the database's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exp: Option<NumericDate>,
}

/// A genuine refresh token, as presented. Whether it is still good, the session's row says.
#[derive(Debug, Clone)]
pub struct PresentedRefresh {
    /// Which session it names.
    pub key: SessionKey,
    /// Which generation it is.
    pub generation: Generation,
    /// Digest of its `jti`.
    pub jti_hash: Digest<RefreshJti>,
    /// Which client presents it.
    pub client_id: ClientId,
    jti: Plain<RefreshJti>,
}

/// Mints and opens refresh tokens.
#[derive(Debug, Clone)]
pub struct RefreshTokens {
    keys: Reloadable<KeyRing>,
    issuer: String,
    idle_lifetime: Option<TimeDelta>,
}

impl RefreshTokens {
    /// `idle_lifetime` is how long a token is good after it was minted, if that is bounded.
    pub fn new(
        keys: impl Into<Reloadable<KeyRing>>,
        issuer: String,
        idle_lifetime: Option<TimeDelta>,
    ) -> Self {
        Self { keys: keys.into(), issuer, idle_lifetime }
    }

    /// The token of the session's current generation. `jti` is the one whose digest the session has.
    pub fn mint(&self, session: &Session, jti: &Plain<RefreshJti>) -> Result<String, SigningError> {
        let idle_end = self.idle_lifetime.map(|idle| session.rotated_at + idle);
        let end = match (session.expires_at, idle_end) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let claims = RefreshClaims {
            iss: self.issuer.clone(),
            sub: session.key.user_id.0,
            sid: session.key.id.0,
            jti: jti.expose().to_owned(),
            generation: session.generation,
            iat: session.rotated_at.into(),
            exp: end.map(NumericDate::from),
        };
        self.keys.load().sign(TokenType::Refresh, &claims)
    }

    /// Opens a token that a client presents. A forged or mangled one is refused here, without a query.
    pub fn open(&self, token: &str, client_id: ClientId) -> Result<PresentedRefresh, TokenError> {
        let claims: RefreshClaims = self.keys.load().verify(TokenType::Refresh, token)?;
        if claims.iss != self.issuer {
            return Err(TokenError::WrongIssuer);
        }
        let jti = Plain::new(claims.jti);
        Ok(PresentedRefresh {
            key: SessionKey { user_id: UserId(claims.sub), id: SessionId(claims.sid) },
            generation: claims.generation,
            jti_hash: Digest::of(&jti),
            client_id,
            jti,
        })
    }
}

impl PresentedRefresh {
    /// The half of the secret that only the client holds, for minting the successor.
    pub fn jti(&self) -> &Plain<RefreshJti> {
        &self.jti
    }

    /// One as a store test presents it.
    #[cfg(feature = "testing")]
    pub fn for_test(
        key: SessionKey,
        generation: Generation,
        jti: Plain<RefreshJti>,
        client_id: ClientId,
    ) -> Self {
        Self { key, generation, jti_hash: Digest::of(&jti), client_id, jti }
    }
}
