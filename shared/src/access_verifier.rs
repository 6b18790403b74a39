//! Verifies access tokens: the signature and every claim.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::access_claims::{AccessClaims, Payload};
use crate::claims_interner::ClaimsInterner;
use crate::jws::{self, TokenType};
use crate::keys::{KeySnapshot, KeySource};
use crate::numeric_date::NumericDate;
use crate::token_error::TokenError;

/// Verifies access tokens for one audience, without a network call, a query or a lock.
#[derive(Debug, Clone)]
pub struct AccessVerifier {
    keys: KeySource,
    issuer: String,
    audience: String,
    leeway: TimeDelta,
    interner: Arc<ClaimsInterner>,
}

impl AccessVerifier {
    /// `leeway` is how far the clocks of issuer and verifier may differ.
    pub fn new(keys: impl Into<KeySource>, issuer: String, audience: String, leeway: TimeDelta) -> Self {
        Self { keys: keys.into(), issuer, audience, leeway, interner: Arc::default() }
    }

    /// The keys that it verifies with.
    pub fn keys(&self) -> &KeySource {
        &self.keys
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn audience(&self) -> &str {
        &self.audience
    }

    /// The claims of `token`, if it is genuine, for this audience and valid at `now`.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<AccessClaims, TokenError> {
        self.verify_with(&self.keys.snapshot(), token, now.timestamp_micros())
    }

    /// Like [`verify`](Self::verify), but also accepts a token that expired up to `tolerance` ago, and an `iat` that is
    /// too far in the future by up to `tolerance`, as after the clock was set back.
    ///
    /// Use it only to identify a session to end.
    pub fn verify_with_tolerance(
        &self,
        token: &str,
        now: DateTime<Utc>,
        tolerance: TimeDelta,
    ) -> Result<AccessClaims, TokenError> {
        self.verify_at(&self.keys.snapshot(), token, now.timestamp_micros(), tolerance)
    }

    /// Like [`verify`](Self::verify), with a snapshot of the keys and the time in microseconds since 1970.
    pub(crate) fn verify_with(
        &self,
        keys: &KeySnapshot,
        token: &str,
        now: i64,
    ) -> Result<AccessClaims, TokenError> {
        self.verify_at(keys, token, now, TimeDelta::zero())
    }

    /// Checks the times of verified claims at `now`, in microseconds since 1970.
    pub(crate) fn check_times(&self, claims: &AccessClaims, now: i64) -> Result<(), TokenError> {
        let times = Times { exp: claims.exp, nbf: claims.nbf, iat: claims.iat };
        self.check(times, now, TimeDelta::zero())
    }

    fn verify_at(
        &self,
        keys: &KeySnapshot,
        token: &str,
        now: i64,
        tolerance: TimeDelta,
    ) -> Result<AccessClaims, TokenError> {
        let json = keys.verified_payload(TokenType::Access, token)?;
        let payload: Payload<'_> = jws::parse_claims(&json)?;
        if *payload.iss != *self.issuer {
            return Err(TokenError::WrongIssuer);
        }
        if !payload.aud.0.contains(&self.audience) {
            return Err(TokenError::WrongAudience);
        }
        self.check(Times { exp: payload.exp, nbf: payload.nbf, iat: payload.iat }, now, tolerance)?;
        let shared = self.interner.intern(&payload.iss, &payload.aud, &payload.client_id, &payload.scope);
        payload.into_claims(shared.map_err(|_| TokenError::Json("payload"))?)
    }

    fn check(&self, times: Times, now: i64, tolerance: TimeDelta) -> Result<(), TokenError> {
        let micros = |delta: TimeDelta| delta.num_microseconds().unwrap_or(i64::MAX);
        let (leeway, tolerance) = (micros(self.leeway), micros(tolerance));
        // RFC 7519 §4.1.4: a token is rejected "on or after" exp. A guard may do so a tick late: its clock is coarse.
        if now.saturating_sub(leeway).saturating_sub(tolerance) >= times.exp.micros() {
            return Err(TokenError::Expired);
        }
        if times.nbf.is_some_and(|nbf| now.saturating_add(leeway) < nbf.micros()) {
            return Err(TokenError::NotYetValid);
        }
        let earliest = times.iat.micros().saturating_sub(micros(MAX_CLOCK_ERROR));
        if now.saturating_add(leeway).saturating_add(tolerance) < earliest {
            return Err(TokenError::IssuedInTheFuture);
        }
        Ok(())
    }
}

/// How far a verifier's clock may be behind that of auth-server's database. auth-server keeps a revocation for this
/// long after the tokens have expired, so a token with an `iat` further in the future could outlive its revocation.
const MAX_CLOCK_ERROR: TimeDelta = TimeDelta::hours(1);

/// The claims that are compared with the clock.
#[derive(Clone, Copy)]
struct Times {
    exp: NumericDate,
    nbf: Option<NumericDate>,
    iat: NumericDate,
}
