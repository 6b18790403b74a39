//! Access tokens: RFC 9068 plus `sid`, and the check of everything that a signature does not say.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::claims_interner::Alike;
use crate::jws;
use crate::keys::{KeySnapshot, KeySource};
use crate::usual_payload::UsualPayload;
use crate::{NumericDate, Scope, TokenError, TokenType};

/// The `client_id` of a sign-in without OAuth.
pub const FIRST_PARTY_CLIENT: &str = "goptri";

/// The claims of an access token. Unknown ones are ignored (RFC 7519 §4).
///
/// What many tokens have alike can be shared by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it.
    pub iss: Arc<str>,
    /// The person's id, or the client's for a client's own token.
    pub sub: String,
    /// For whom it is meant.
    pub aud: Audience,
    /// When it ends.
    pub exp: NumericDate,
    /// When it was issued, by the database's clock.
    pub iat: NumericDate,
    /// Before this moment it is not valid. Goptri issues none, and honours it.
    #[serde(default, deserialize_with = "never_null", skip_serializing_if = "Option::is_none")]
    pub nbf: Option<NumericDate>,
    /// Names this one token.
    pub jti: String,
    /// Which client it was issued to.
    pub client_id: Arc<str>,
    /// What it allows.
    pub scope: Scope,
    /// The person's session: what sign-out ends.
    #[serde(default, deserialize_with = "never_null", skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The person's address, for display; never for a decision (JV-17).
    #[serde(default, deserialize_with = "never_null", skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address was shown to be theirs.
    #[serde(default, deserialize_with = "never_null", skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The person's roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// When the person last signed in.
    #[serde(default, deserialize_with = "never_null", skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<NumericDate>,
}

/// `null` is not the same as absent: with it the token is refused (JV-15).
fn never_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The `aud` of a token: one name or several (RFC 7519 §4.1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience(pub Arc<[String]>);

impl Serialize for Audience {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &*self.0 {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Audience {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrSeveral;
        impl<'de> Visitor<'de> for OneOrSeveral {
            type Value = Audience;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a list of names")
            }

            fn visit_str<E: de::Error>(self, one: &str) -> Result<Audience, E> {
                Ok(Audience([one.to_owned()].into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, several: A) -> Result<Audience, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(several)).map(Audience)
            }
        }
        deserializer.deserialize_any(OneOrSeveral)
    }
}

/// Verifies access tokens for one audience. No call, no query, no lock.
#[derive(Debug, Clone)]
pub struct AccessVerifier {
    keys: KeySource,
    issuer: String,
    audience: String,
    leeway: TimeDelta,
    alike: Arc<Alike>,
}

impl AccessVerifier {
    /// `leeway` is how far the clocks of issuer and verifier may differ.
    pub fn new(keys: impl Into<KeySource>, issuer: String, audience: String, leeway: TimeDelta) -> Self {
        Self { keys: keys.into(), issuer, audience, leeway, alike: Arc::default() }
    }

    /// What it verifies with.
    pub fn keys(&self) -> &KeySource {
        &self.keys
    }

    /// The claims, if the token is genuine, for this audience, and valid at `now`.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, TokenError> {
        self.verify_expired(token, now, TimeDelta::zero())
    }

    /// As [`verify`](Self::verify), but a token that ended less than `ago` before `now` passes as well.
    ///
    /// For naming a session in order to end it, and for nothing else.
    pub fn verify_expired(
        &self,
        token: &str,
        now: DateTime<Utc>,
        ago: TimeDelta,
    ) -> Result<AccessClaims, TokenError> {
        self.verify_with(&self.keys.now(), token, now.timestamp_micros(), ago)
    }

    /// The same, with the keys as they were at a moment, and the time in microseconds since 1970.
    pub(crate) fn verify_with(
        &self,
        keys: &KeySnapshot,
        token: &str,
        now: i64,
        ago: TimeDelta,
    ) -> Result<AccessClaims, TokenError> {
        let payload = keys.payload(TokenType::Access, token)?;
        let usual = UsualPayload::read(&payload).ok().and_then(|usual| usual.claims(&self.alike).ok());
        let claims = usual.map_or_else(|| jws::claims(&payload), Ok)?;
        if *claims.iss != *self.issuer {
            return Err(TokenError::WrongIssuer);
        }
        if !claims.aud.0.contains(&self.audience) {
            return Err(TokenError::WrongAudience);
        }
        self.check_time(&claims, now, ago)?;
        // Everything that was issued can be ended: by its session, or by its client (RFC 9068 §2.2, `sub`).
        if claims.sid.is_some() == (*claims.sub == *claims.client_id) {
            return Err(TokenError::NoSession);
        }
        Ok(claims)
    }

    /// Whether claims that were verified once are valid at `now`, in microseconds since 1970.
    pub(crate) fn recheck(&self, claims: &AccessClaims, now: i64) -> Result<(), TokenError> {
        self.check_time(claims, now, TimeDelta::zero())
    }

    fn check_time(&self, claims: &AccessClaims, now: i64, ago: TimeDelta) -> Result<(), TokenError> {
        let micros = |delta: TimeDelta| delta.num_microseconds().unwrap_or(i64::MAX);
        let leeway = micros(self.leeway);
        // RFC 7519 §4.1.4: "on or after" exp it must not be accepted. A guard's clock may be a tick behind.
        if now.saturating_sub(leeway).saturating_sub(micros(ago)) >= claims.exp.micros() {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|nbf| now.saturating_add(leeway) < nbf.micros()) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}
