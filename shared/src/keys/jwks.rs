//! A set of public keys as it is published (RFC 7517 §5), and what is believed of one that was fetched.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::public_key::PublicKey;
use super::{PublicKeyError, VerifyingKeys};
use crate::strict_json;

/// Where auth-server publishes its keys.
pub const PATH: &str = "/.well-known/jwks.json";

/// No set is longer: 64 RSA keys of 8192 bits in base64url have less.
pub const MAX_JWKS_BYTES: usize = 128 * 1024;

/// No set has more keys: all are looked through for the one that a token names.
pub const MAX_KEYS: usize = 64;

/// What only whoever signs may have (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The public keys of a ring, in public members only (OI-03).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwks {
    keys: Vec<BTreeMap<&'static str, String>>,
}

/// Why a whole set is not used. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Longer than [`MAX_JWKS_BYTES`].
    #[error("it is longer than {MAX_JWKS_BYTES} bytes")]
    TooLong,
    /// HTML, half an answer, or another document.
    #[error("it is not a JSON object with an array of keys; does AUTH_SERVER_URL name auth-server itself?")]
    NotASet,
    /// More than [`MAX_KEYS`].
    #[error("it has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// It has keys, and none that can be used.
    #[error("none of its keys can be used: {0}")]
    NoneUsable(PublicKeyError),
    /// Two keys of one name.
    #[error("it has two keys of the same kid")]
    DuplicateKid,
    /// Whoever reads it can sign.
    #[error(
        "it shows private members, so everybody can sign with its keys: replace them at once, and publish public members only"
    )]
    PrivateMembers,
}

impl Jwks {
    pub(super) fn new(keys: impl Iterator<Item = BTreeMap<&'static str, String>>) -> Self {
        Self { keys: keys.collect() }
    }

    /// The keys of a set that was fetched, and why some are left out.
    ///
    /// Whoever mixes two meanings or shows what is secret is not believed at all. A key that cannot be used is left out (RFC 7517
    /// §5), so that a newer auth-server may publish what this version does not know.
    ///
    /// # Errors
    /// Why nothing in it is believed.
    pub fn read(json: &[u8]) -> Result<(VerifyingKeys, Vec<PublicKeyError>), JwksError> {
        if json.len() > MAX_JWKS_BYTES {
            return Err(JwksError::TooLong);
        }
        let set: Value = strict_json::from_slice(json).map_err(|_| JwksError::NotASet)?;
        let keys = objects(&set).ok_or(JwksError::NotASet)?;
        if keys.len() > MAX_KEYS {
            return Err(JwksError::TooManyKeys);
        }
        if keys.iter().any(|jwk| PRIVATE_MEMBERS.iter().any(|name| jwk.contains_key(*name))) {
            return Err(JwksError::PrivateMembers);
        }
        let mut kids: Vec<&str> = keys.iter().filter_map(|jwk| jwk.get("kid")?.as_str()).collect();
        kids.sort_unstable();
        if kids.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(JwksError::DuplicateKid);
        }
        let (mut usable, mut left_out) = (VerifyingKeys::default(), Vec::new());
        for jwk in keys {
            let kid = jwk.get("kid").and_then(Value::as_str);
            match PublicKey::from_jwk(jwk) {
                Ok(public) => {
                    usable.add_public(kid, public).then_some(()).ok_or(JwksError::DuplicateKid)?;
                }
                Err(fault) => left_out.push(fault),
            }
        }
        match left_out.first() {
            // No keys at all is a way to take all back; this is a mistake.
            Some(fault) if usable.is_empty() => Err(JwksError::NoneUsable(*fault)),
            _ => Ok((usable, left_out)),
        }
    }
}

/// The members `keys` of the set, if they are objects all.
fn objects(set: &Value) -> Option<Vec<&Map<String, Value>>> {
    set.as_object()?.get("keys")?.as_array()?.iter().map(Value::as_object).collect()
}
