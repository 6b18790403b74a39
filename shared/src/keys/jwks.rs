//! A published set of public keys (RFC 7517 §5), and the checks of a fetched one.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::public_key::{PublicKey, PublicKeyError};
use super::verifying_keys::VerifyingKeys;
use crate::strict_json;

/// The path at which auth-server publishes its keys.
pub const JWKS_PATH: &str = "/.well-known/jwks.json";

/// The size limit of a set. 64 RSA keys of 8192 bits need less.
pub const MAX_JWKS_BYTES: usize = 128 * 1024;

/// The limit of keys in a set, because a key is found by a linear search.
pub const MAX_KEYS: usize = 64;

/// The limit of members of all keys together.
const MAX_JWKS_MEMBERS: usize = 64 * MAX_KEYS;

/// Members of private and symmetric keys (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A set of public keys, with public members only (OI-03).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwks {
    keys: Vec<BTreeMap<&'static str, String>>,
}

/// Why a whole set is rejected. Contains no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// Longer than [`MAX_JWKS_BYTES`].
    #[error("it is longer than {MAX_JWKS_BYTES} bytes")]
    TooLong,
    /// HTML, a truncated response, or another document.
    #[error("it is not a JSON object with an array of keys; does AUTH_SERVER_URL name auth-server itself?")]
    NotASet,
    /// More than [`MAX_KEYS`].
    #[error("it has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// It has keys, but none of them can be used.
    #[error("none of its keys can be used: {0}")]
    NoneUsable(PublicKeyError),
    /// Two keys have the same `kid`.
    #[error("it has two keys with the same kid")]
    DuplicateKid,
    /// A private member: every reader of the set could sign.
    #[error(
        "it has private members, with which any reader can sign tokens; replace these keys now, and publish only public members"
    )]
    PrivateMembers,
}

impl Jwks {
    /// Parses a fetched set. Returns its usable keys and the reasons why others were skipped.
    ///
    /// A set with one `kid` twice or with private members is rejected as a whole. A key that cannot be used is skipped
    /// (RFC 7517 §5), so that a newer auth-server may publish keys that this version does not know.
    ///
    /// # Errors
    /// Says why the whole set is rejected.
    pub fn parse(json: &[u8]) -> Result<(VerifyingKeys, Vec<PublicKeyError>), JwksError> {
        if json.len() > MAX_JWKS_BYTES {
            return Err(JwksError::TooLong);
        }
        let set: Value =
            strict_json::from_slice_with_limit(json, MAX_JWKS_MEMBERS).map_err(|_| JwksError::NotASet)?;
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
        let (mut usable, mut skipped) = (VerifyingKeys::default(), Vec::new());
        for jwk in keys {
            let kid = jwk.get("kid").and_then(Value::as_str);
            match PublicKey::from_jwk(jwk) {
                Ok(public) => {
                    usable.add_public(kid, public).then_some(()).ok_or(JwksError::DuplicateKid)?;
                }
                Err(error) => skipped.push(error),
            }
        }
        match skipped.first() {
            // An empty set revokes all keys on purpose. A set with unusable keys only is a mistake.
            Some(error) if usable.is_empty() => Err(JwksError::NoneUsable(*error)),
            _ => Ok((usable, skipped)),
        }
    }
}

impl From<&VerifyingKeys> for Jwks {
    /// The public keys of a set. Secrets are never published.
    fn from(keys: &VerifyingKeys) -> Self {
        Self { keys: keys.public_keys().map(|(kid, key)| key.to_jwk(kid)).collect() }
    }
}

/// The member `keys` of a set, if it is a list of objects.
fn objects(set: &Value) -> Option<Vec<&Map<String, Value>>> {
    set.as_object()?.get("keys")?.as_array()?.iter().map(Value::as_object).collect()
}
