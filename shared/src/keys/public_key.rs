//! The half of a key pair that everybody may have, and its form as a JWK (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::rsa_modulus::{self, is_of_roca};
use crate::base64url;

/// The least odd number of 17 bits is 65537. The library verifies with no more than 33 bits, and finds out only then.
const EXPONENT_BITS: RangeInclusive<usize> = 17..=33;

/// A public key, known to be one.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    numbers: Numbers,
    /// The same, ready to verify with.
    parsed: ParsedPublicKey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Numbers {
    Ed25519([u8; 32]),
    /// An uncompressed point: 4, x, y.
    P256([u8; 65]),
    /// Both big-endian, without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

/// Why a public key is not used. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Of another type, curve or algorithm.
    #[error("it is none of Ed25519 (EdDSA), P-256 (ES256) and RSA (RS256)")]
    Unsupported,
    /// A member is missing, of the wrong type, not base64url, or too long or short.
    #[error("its members are not those of a key of its type")]
    Malformed,
    /// Its numbers are no key.
    #[error("its numbers are not a public key")]
    NoKey,
    /// RSA of less than 2048 or more than 8192 bits.
    #[error("it is an RSA key of {bits} bits; 2048 are the least, and 8192 the most")]
    Length {
        /// How many it has.
        bits: usize,
    },
    /// An exponent that makes forging easier, or is no exponent.
    #[error("its RSA exponent is even, less than 65537, or longer than 33 bits")]
    WeakExponent,
    /// CVE-2017-15361.
    #[error(
        "its RSA modulus is of the generator behind ROCA (CVE-2017-15361), whose private keys can be found"
    )]
    Roca,
    /// `use` or `key_ops` says that it verifies no signatures.
    #[error("it is not for verifying signatures (use, key_ops)")]
    OtherUse,
}

impl PublicKey {
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Self, PublicKeyError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| PublicKeyError::Malformed)?;
        let parsed = ParsedPublicKey::new(&ED25519, bytes).map_err(|_| PublicKeyError::NoKey)?;
        Ok(Self { numbers: Numbers::Ed25519(bytes), parsed })
    }

    pub(super) fn p256_point(point: &[u8]) -> Result<Self, PublicKeyError> {
        let point: [u8; 65] = point.try_into().map_err(|_| PublicKeyError::Malformed)?;
        // On the curve, or it is refused here.
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        Ok(Self { numbers: Numbers::P256(point), parsed: parsed.map_err(|_| PublicKeyError::NoKey)? })
    }

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
            return Err(PublicKeyError::NoKey);
        }
        if is_of_roca(modulus) {
            return Err(PublicKeyError::Roca);
        }
        let parsed = RsaPublicKeyComponents { n: modulus, e: exponent }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| PublicKeyError::NoKey)?;
        let numbers = Numbers::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() };
        Ok(Self { numbers, parsed })
    }

    /// Of a JWK that is public in all its members.
    pub(super) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, PublicKeyError> {
        if !verifies(jwk) {
            return Err(PublicKeyError::OtherUse);
        }
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| {
            let text = text(name).ok_or(PublicKeyError::Malformed)?;
            base64url::decode(text).ok_or(PublicKeyError::Malformed)
        };
        // In as few bytes as it takes (RFC 7518 §2), or one key had several thumbprints.
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
                Self::p256_point(&[&[4], x.as_slice(), y.as_slice()].concat())?
            }
            (Some("RSA"), None) => Self::rsa(&number("n")?, &number("e")?)?,
            _ => return Err(PublicKeyError::Unsupported),
        };
        match jwk.get("alg") {
            None => Ok(key),
            Some(alg) if alg == key.algorithm_name() => Ok(key),
            Some(_) => Err(PublicKeyError::Unsupported),
        }
    }

    /// Whether `signature` is that of `signed`, by this key's one algorithm (JV-03).
    pub(super) fn verify(&self, signed: &[u8], signature: &[u8]) -> Result<(), Unspecified> {
        self.parsed.verify_sig(signed, signature)
    }

    /// The one algorithm of this key (JV-03).
    pub(super) fn algorithm_name(&self) -> &'static str {
        match self.numbers {
            Numbers::Ed25519(_) => "EdDSA",
            Numbers::P256(_) => "ES256",
            Numbers::Rsa { .. } => "RS256",
        }
    }

    /// RFC 7638: the SHA-256 of the members that make the key, in the order of their names.
    pub(super) fn thumbprint(&self) -> String {
        let members = self.members().into_iter().map(|(name, value)| format!(r#""{name}":"{value}""#));
        let sorted = members.collect::<Vec<_>>().join(",");
        base64url::encode(Sha256::digest(format!("{{{sorted}}}")))
    }

    /// All public members, and what the key is for.
    pub(super) fn to_jwk(&self, kid: &str) -> BTreeMap<&'static str, String> {
        let mut jwk = self.members();
        let more = [("kid", kid), ("alg", self.algorithm_name()), ("use", "sig")];
        jwk.extend(more.map(|(name, value)| (name, value.to_owned())));
        jwk
    }

    /// Those that make the key, sorted.
    fn members(&self) -> BTreeMap<&'static str, String> {
        let text = str::to_owned;
        match &self.numbers {
            Numbers::Ed25519(x) => {
                [("kty", text("OKP")), ("crv", text("Ed25519")), ("x", base64url::encode(x))].into()
            }
            Numbers::P256(point) => {
                let (x, y) = (base64url::encode(&point[1..33]), base64url::encode(&point[33..]));
                [("kty", text("EC")), ("crv", text("P-256")), ("x", x), ("y", y)].into()
            }
            Numbers::Rsa { modulus, exponent } => {
                [("kty", text("RSA")), ("n", base64url::encode(modulus)), ("e", base64url::encode(exponent))]
                    .into()
            }
        }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.numbers == other.numbers
    }
}

impl Eq for PublicKey {}

/// RFC 7517 §4.2, §4.3: what is not said is not forbidden.
fn verifies(jwk: &Map<String, Value>) -> bool {
    let used = jwk.get("use").is_none_or(|used| used == "sig");
    let operations = jwk.get("key_ops").is_none_or(|operations| {
        operations.as_array().is_some_and(|operations| operations.contains(&json!("verify")))
    });
    used && operations
}
