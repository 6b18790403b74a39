//! Refresh tokens: minting and verifying them.
//!
//! All claims follow from the session's row except the `jti`, of which the row has only the digest. So neither the
//! database nor the signing secret alone is enough to mint a token, and minting twice gives the same bytes.

use chrono::{DateTime, TimeDelta, Utc};
use goptri::TokenError;
use goptri::keys::{KeyRing, SigningError};
use goptri::token::{NumericDate, TokenType, is_claim_text};
use goptri_settings::{Plain, Reloadable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{ClientId, Digest, Generation, RefreshJti, Session, SessionId, SessionKey, UserId};

/// The claims on the wire. No `Debug`: the `jti` is half of a secret.
#[derive(Serialize, Deserialize)]
struct RefreshClaims {
    iss: String,
    sub: Uuid,
    sid: Uuid,
    jti: String,
    #[serde(rename = "gen")]
    generation: Generation,
    iat: NumericDate,
    /// Informs the client only. The session's row and the database's clock decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    exp: Option<NumericDate>,
}

/// A refresh token with a valid signature. Whether it is current depends on the session's row.
#[derive(Debug, Clone)]
pub struct PresentedRefresh {
    /// Its session.
    pub key: SessionKey,
    /// Its generation.
    pub generation: Generation,
    /// When that generation began (`iat`), in whole seconds.
    pub began: DateTime<Utc>,
    /// Digest of its `jti`.
    pub jti_hash: Digest<RefreshJti>,
    /// The client that presents it.
    pub client_id: ClientId,
    /// Whether the session is remembered from now on; `false` changes nothing.
    pub remember: bool,
    jti: Plain<RefreshJti>,
}

/// Mints and verifies refresh tokens.
#[derive(Debug, Clone)]
pub struct RefreshTokens {
    keys: Reloadable<KeyRing>,
    issuer: String,
    idle_lifetime: Option<TimeDelta>,
}

impl RefreshTokens {
    /// `idle_lifetime` is how long a token is valid after it was minted. `None`: no limit.
    pub fn new(
        keys: impl Into<Reloadable<KeyRing>>,
        issuer: String,
        idle_lifetime: Option<TimeDelta>,
    ) -> Self {
        Self { keys: keys.into(), issuer, idle_lifetime }
    }

    /// Mints the token of the session's current generation. `jti` is the value whose digest the session has.
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

    /// Verifies a token that a client presents, without a query. `exp` is not checked: the session's row decides.
    pub fn verify(&self, token: &str, client_id: ClientId) -> Result<PresentedRefresh, TokenError> {
        let claims: RefreshClaims = self.keys.load().verify(TokenType::Refresh, token)?;
        if claims.iss != self.issuer {
            return Err(TokenError::WrongIssuer);
        }
        if !is_claim_text(&claims.jti) {
            return Err(TokenError::InvalidClaim("jti"));
        }
        if claims.exp.is_some_and(|exp| exp < claims.iat) {
            return Err(TokenError::InvalidClaim("exp"));
        }
        let jti = Plain::new(claims.jti);
        Ok(PresentedRefresh {
            key: SessionKey { user_id: UserId(claims.sub), id: SessionId(claims.sid) },
            generation: claims.generation,
            began: claims.iat.to_datetime(),
            jti_hash: Digest::of(&jti),
            client_id,
            remember: false,
            jti,
        })
    }
}

impl PresentedRefresh {
    /// The half of the secret that only the client has; needed to mint the successor.
    pub fn jti(&self) -> &Plain<RefreshJti> {
        &self.jti
    }

    /// A token for tests of stores, which ignore when its generation began.
    #[cfg(feature = "testing")]
    pub fn for_test(
        key: SessionKey,
        generation: Generation,
        jti: Plain<RefreshJti>,
        client_id: ClientId,
    ) -> Self {
        Self {
            key,
            generation,
            began: DateTime::UNIX_EPOCH,
            jti_hash: Digest::of(&jti),
            client_id,
            remember: false,
            jti,
        }
    }
}
