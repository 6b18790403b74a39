//! Access tokens with the verdict of `goptri` on each, for the client packages in other languages.
//!
//! `cargo xtask vectors` writes `clients/vectors.json`. A runner that tries services with the machine's time calls
//! [`vectors`] with that time.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a vector that cannot be made is a bug in the table"
)]

mod claims;
mod file;
mod judge;
mod keys;
mod mint;
mod object;
mod signature;
mod table;

use chrono::{DateTime, Utc};
use goptri::TokenError;
use goptri::revocation::Entry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use claims::CallerClaims;
pub use file::{NOW, PATH, complaints, refresh};
pub use signature::{sign, twin};

/// The issuer of the tokens.
pub const ISSUER: &str = "https://auth.example";
/// The service that verifies them.
pub const AUDIENCE: &str = "https://api.example";
/// The leeway of the service, in seconds.
pub const LEEWAY: i64 = 30;

/// What a verifier is configured with, and tokens with the verdict on each.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vectors {
    /// Where they come from.
    pub notice: String,
    /// `ISSUER`.
    pub issuer: String,
    /// `AUDIENCE`.
    pub audience: String,
    /// `CLOCK_LEEWAY`, in seconds.
    pub leeway: i64,
    /// The time of the verification, in seconds since 1970.
    pub now: i64,
    /// `ACCESS_TOKEN_SECRET`, as a list.
    pub secrets: Vec<String>,
    /// What auth-server publishes.
    pub jwks: Value,
    /// The content of the revocation feed.
    pub revocations: Vec<Entry>,
    /// The tokens.
    pub vectors: Vec<Vector>,
}

/// A token and the verdict on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// A unique name, in snake case.
    pub name: String,
    /// What is special about the token.
    pub about: String,
    /// The time of the verification, in seconds since 1970.
    pub now: i64,
    /// The token, as in `Authorization: Bearer`.
    pub token: String,
    /// Whether it is accepted at `now`.
    pub verdict: Verdict,
    /// The name of the [`TokenError`] in snake case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the verdict depends on the time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub time_dependent: bool,
    /// The claims, if it is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<CallerClaims>,
}

/// Whether a token is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its claims are given to the handler.
    Accepted,
    /// The response is 401.
    Rejected,
}

/// All vectors, verified at `now`.
///
/// # Panics
/// If `goptri` decides differently from the table.
pub fn vectors(now: DateTime<Utc>) -> Vectors {
    let (now, judge) = (now.timestamp(), judge::Judge::new());
    Vectors {
        notice: "Written by `cargo xtask vectors`. The secrets and keys are public: use them in tests only."
            .into(),
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        leeway: LEEWAY,
        now,
        secrets: keys::SECRETS.map(str::to_owned).into(),
        jwks: keys::jwks(),
        revocations: judge::revocations(),
        vectors: table::cases(now).into_iter().map(|case| vector(case, now, &judge)).collect(),
    }
}

fn vector(case: table::Case, now: i64, judge: &judge::Judge) -> Vector {
    let table::Case { name, about, token, expected } = case;
    let found = judge.verdict(&token, now);
    assert_eq!(found.as_ref().err(), expected.as_ref(), "{name}: {about}");
    // Every token with a fixed verdict was issued before, and expires after.
    let [early, late] = [1_780_000_000, 4_000_000_000].map(|now| judge.verdict(&token, now).is_ok());
    let (verdict, reason, claims) = match found {
        Ok(claims) => (Verdict::Accepted, None, Some(CallerClaims::from(&claims))),
        Err(error) => (Verdict::Rejected, Some(reason(error)), None),
    };
    let time_dependent = [early, late].iter().any(|ok| *ok != (verdict == Verdict::Accepted));
    Vector { name, about, now, token, verdict, reason, time_dependent, claims }
}

/// The name of the variant in snake case.
fn reason(error: TokenError) -> String {
    let mut snake = String::new();
    for letter in format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
