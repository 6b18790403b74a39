//! Client assertions: JWTs with which a client authenticates by a key of its own (RFC 7523 §2.2).

use chrono::{DateTime, TimeDelta, Utc};
use goptri::TokenError;
use goptri::keys::{Jwks, JwksError};
use goptri::token::{Audience, NumericDate, TokenType, UnverifiedJws, is_claim_text};
use goptri_settings::{Plain, SecretKind};
use serde::{Deserialize, Deserializer};

use crate::ClientId;

/// How far in the future an assertion may expire.
const MAX_LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// The kind of a client assertion. It is a bearer token until it expires.
#[derive(Debug)]
pub enum ClientAssertion {}
impl SecretKind for ClientAssertion {
    const NAME: &'static str = "client assertion";
}

/// Verifies client assertions.
#[derive(Debug, Clone)]
pub struct AssertionVerifier {
    /// What an assertion may name as audience: the issuer, and the endpoints at which clients authenticate.
    pub audiences: Vec<String>,
    /// How far the clocks of client and server may differ.
    pub leeway: TimeDelta,
}

/// Why an assertion was refused, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAssertion {
    /// It is malformed, or not signed by a key of the client.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The stored keys cannot be used.
    #[error("the keys of the client cannot be used: {0}")]
    Keys(#[from] JwksError),
    /// `iss` and `sub` are not both the client.
    #[error("its iss and sub are not both the client")]
    OtherClient,
    /// `aud` names something else than this server.
    #[error("its aud is not this server")]
    Audience,
    /// `exp` has passed.
    #[error("it has expired")]
    Expired,
    /// `exp` is too far ahead.
    #[error("it expires more than 5 minutes ahead")]
    TooLong,
    /// `nbf` or `iat` is in the future.
    #[error("it is not valid yet")]
    NotYetValid,
    /// `jti` is empty or not printable.
    #[error("its jti is empty or not printable")]
    Jti,
}

/// The claims. Those that are required have no default.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: NumericDate,
    jti: String,
    #[serde(default, deserialize_with = "not_null")]
    nbf: Option<NumericDate>,
    #[serde(default, deserialize_with = "not_null")]
    iat: Option<NumericDate>,
}

/// The client that an assertion names. Nothing about it is verified.
pub fn client_named_by(assertion: &Plain<ClientAssertion>) -> Option<ClientId> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
    }
    let payload = UnverifiedJws::parse(assertion.expose()).ok()?.payload_json().ok()?;
    let Subject { sub } = goptri::strict_json::from_slice(payload.as_bytes()).ok()?;
    ClientId::parse(&sub)
}

impl AssertionVerifier {
    /// Checks an assertion of `client`, whose keys are `jwks`.
    ///
    /// A JWK set has only public keys, each with one asymmetric algorithm. So no assertion signed with a secret is
    /// accepted.
    pub fn verify(
        &self,
        assertion: &Plain<ClientAssertion>,
        client: &ClientId,
        jwks: &str,
        now: DateTime<Utc>,
    ) -> Result<(), InvalidAssertion> {
        let (keys, _) = Jwks::parse(jwks.as_bytes())?;
        let claims: Claims = keys.verify(TokenType::ClientAssertion, assertion.expose())?;
        if claims.iss != client.as_str() || claims.sub != client.as_str() {
            return Err(InvalidAssertion::OtherClient);
        }
        let audience = &claims.aud.0;
        if audience.is_empty() || !audience.iter().all(|one| self.audiences.contains(one)) {
            return Err(InvalidAssertion::Audience);
        }
        let expires_at = claims.exp.to_datetime();
        if expires_at <= now - self.leeway {
            return Err(InvalidAssertion::Expired);
        }
        if expires_at > now + MAX_LIFETIME + self.leeway {
            return Err(InvalidAssertion::TooLong);
        }
        let begins = claims.nbf.into_iter().chain(claims.iat).map(NumericDate::to_datetime);
        if begins.into_iter().any(|begin| begin > now + self.leeway) {
            return Err(InvalidAssertion::NotYetValid);
        }
        if is_claim_text(&claims.jti) { Ok(()) } else { Err(InvalidAssertion::Jti) }
    }
}

/// Rejects `null`, which must not count as absent.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NumericDate>, D::Error> {
    NumericDate::deserialize(deserializer).map(Some)
}
