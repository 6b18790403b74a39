//! A public key and its JWK (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::rsa_modulus::{self, has_roca_fingerprint};
use crate::base64url;

/// 65537 is the smallest odd number of 17 bits. `aws-lc-rs` supports at most 33 bits and checks that only when it
/// verifies.
const EXPONENT_BITS: RangeInclusive<usize> = 17..=33;

/// A valid public key.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    algorithm: &'static str,
    /// The members of its JWK that identify the key (RFC 7638 §3.2).
    members: BTreeMap<&'static str, String>,
    parsed: ParsedPublicKey,
}

/// Why a public key is skipped. Contains no part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Another type, curve or algorithm.
    #[error("it is not Ed25519 (EdDSA), P-256 (ES256) or RSA (RS256)")]
    Unsupported,
    /// A member is missing, of the wrong type, not base64url, or too long or short.
    #[error("its members are not those of a key of its type")]
    Malformed,
    /// The numbers do not form a valid key.
    #[error("its numbers are not a public key")]
    InvalidNumbers,
    /// RSA of fewer than 2048 or more than 8192 bits.
    #[error("it is an RSA key of {bits} bits; the minimum is 2048 and the maximum 8192")]
    Length {
        /// Its size.
        bits: usize,
    },
    /// An insecure or invalid RSA exponent.
    #[error("its RSA exponent is even, less than 65537, or longer than 33 bits")]
    WeakExponent,
    /// CVE-2017-15361.
    #[error(
        "its RSA modulus comes from the generator behind ROCA (CVE-2017-15361); its private key can be computed"
    )]
    Roca,
    /// `use` or `key_ops` does not allow verifying signatures.
    #[error("it is not for verifying signatures (use, key_ops)")]
    NotForVerifying,
}

impl PublicKey {
    pub(super) fn ed25519(x: &[u8]) -> Result<Self, PublicKeyError> {
        if x.len() != 32 {
            return Err(PublicKeyError::Malformed);
        }
        let parsed = ParsedPublicKey::new(&ED25519, x).map_err(|_| PublicKeyError::InvalidNumbers)?;
        let members = [("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", base64url::encode(x))];
        Ok(Self { algorithm: "EdDSA", members: members.into(), parsed })
    }

    /// `point` is uncompressed: 4, x, y.
    pub(super) fn p256(point: &[u8]) -> Result<Self, PublicKeyError> {
        if point.len() != 65 {
            return Err(PublicKeyError::Malformed);
        }
        // Fails for a point that is not on the curve.
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|_| PublicKeyError::InvalidNumbers)?;
        let (x, y) = (base64url::encode(&point[1..33]), base64url::encode(&point[33..]));
        let members = [("kty", "EC".to_owned()), ("crv", "P-256".to_owned()), ("x", x), ("y", y)];
        Ok(Self { algorithm: "ES256", members: members.into(), parsed })
    }

    /// Both numbers are big-endian without leading zeros.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, PublicKeyError> {
        let bits = rsa_modulus::bits(modulus);
        if !rsa_modulus::BITS.contains(&bits) {
            return Err(PublicKeyError::Length { bits });
        }
        let odd = exponent.last().is_some_and(|last| last % 2 == 1);
        if !odd || !EXPONENT_BITS.contains(&rsa_modulus::bits(exponent)) {
            return Err(PublicKeyError::WeakExponent);
        }
        if modulus.last().is_none_or(|last| last % 2 == 0) {
            return Err(PublicKeyError::InvalidNumbers);
        }
        if has_roca_fingerprint(modulus) {
            return Err(PublicKeyError::Roca);
        }
        let parsed = RsaPublicKeyComponents { n: modulus, e: exponent }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| PublicKeyError::InvalidNumbers)?;
        let (n, e) = (base64url::encode(modulus), base64url::encode(exponent));
        let members = [("kty", "RSA".to_owned()), ("n", n), ("e", e)];
        Ok(Self { algorithm: "RS256", members: members.into(), parsed })
    }

    /// Parses a JWK that has only public members.
    pub(super) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, PublicKeyError> {
        if !is_for_verifying(jwk) {
            return Err(PublicKeyError::NotForVerifying);
        }
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| {
            let text = text(name).ok_or(PublicKeyError::Malformed)?;
            base64url::decode(text).ok_or(PublicKeyError::Malformed)
        };
        // No leading zeros (RFC 7518 §2), so that a key has only one thumbprint.
        let number = |name: &str| {
            let bytes = bytes(name)?;
            bytes.first().is_some_and(|first| *first != 0).then_some(bytes).ok_or(PublicKeyError::Malformed)
        };
        if jwk.get("kid").is_some_and(|kid| !kid.is_string()) {
            return Err(PublicKeyError::Malformed);
        }
        let key = match (text("kty"), text("crv")) {
            (Some("OKP"), Some("Ed25519")) => Self::ed25519(&bytes("x")?)?,
            (Some("EC"), Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(PublicKeyError::Malformed);
                }
                Self::p256(&[&[4], x.as_slice(), y.as_slice()].concat())?
            }
            (Some("RSA"), None) => Self::rsa(&number("n")?, &number("e")?)?,
            _ => return Err(PublicKeyError::Unsupported),
        };
        match jwk.get("alg") {
            None => Ok(key),
            Some(alg) if alg == key.algorithm => Ok(key),
            Some(_) => Err(PublicKeyError::Unsupported),
        }
    }

    /// Verifies `signature` over `signing_input` with this key's only algorithm (JV-03).
    pub(super) fn verify(&self, signing_input: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        self.parsed.verify_sig(signing_input, signature)
    }

    /// The only algorithm of this key (JV-03).
    pub(super) fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// RFC 7638: the SHA-256 of the members that identify the key, sorted by name.
    pub(super) fn thumbprint(&self) -> String {
        let members = self.members.iter().map(|(name, value)| format!(r#""{name}":"{value}""#));
        let sorted = members.collect::<Vec<_>>().join(",");
        base64url::encode(Sha256::digest(format!("{{{sorted}}}")))
    }

    /// All public members, with `kid`, `alg` and `use`.
    pub(super) fn to_jwk(&self, kid: &str) -> BTreeMap<&'static str, String> {
        let mut jwk = self.members.clone();
        let more = [("kid", kid), ("alg", self.algorithm), ("use", "sig")];
        jwk.extend(more.map(|(name, value)| (name, value.to_owned())));
        jwk
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Eq for PublicKey {}

/// Both members are optional (RFC 7517 §4.2, §4.3).
fn is_for_verifying(jwk: &Map<String, Value>) -> bool {
    let used = jwk.get("use").is_none_or(|used| used == "sig");
    let operations = jwk.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|operations| operations.contains(&json!("verify")))
    });
    used && operations
}
