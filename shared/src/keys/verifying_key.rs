//! One key that verifies, with its name and its only algorithm.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::{Digest, Sha256};
#[cfg(feature = "signing")]
use zeroize::Zeroizing;

use super::public_key::PublicKey;
use crate::base64url;
use crate::jws::{JwsParts, TokenType, header_segment};
use crate::token_error::TokenError;

/// The name and the algorithm of a key. Contains no part of the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyName {
    /// Its `kid`.
    pub kid: String,
    /// Its only algorithm (JV-03).
    pub alg: &'static str,
}

impl KeyName {
    /// Names a secret without revealing it: the `kid` is 96 bits of a SHA-256 that serves no other purpose.
    pub(super) fn of_secret(secret: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(b"goptri key id\0").chain_update(secret).finalize();
        Self { kid: base64url::encode(&digest[..12]), alg: "HS256" }
    }
}

#[derive(Clone)]
pub(super) struct VerifyingKey {
    pub(super) name: KeyName,
    material: KeyMaterial,
    /// The header that Goptri writes for this key, per token type. If a token has exactly this header, the header is
    /// not parsed.
    canonical_headers: [(TokenType, String); 2],
}

#[derive(Clone)]
enum KeyMaterial {
    /// HS256. A service that has this key can also sign.
    Secret(Hmac<Sha256>),
    Public(PublicKey),
}

impl VerifyingKey {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104 §3)")]
    pub(super) fn from_secret(secret: &[u8]) -> Self {
        let mac = Hmac::new_from_slice(secret).expect("HMAC takes keys of any length (RFC 2104 §3)");
        Self::new(KeyName::of_secret(secret), KeyMaterial::Secret(mac))
    }

    /// `kid` defaults to the thumbprint of the key (RFC 7638).
    pub(super) fn from_public(kid: Option<&str>, key: PublicKey) -> Self {
        let kid = kid.map_or_else(|| key.thumbprint(), str::to_owned);
        Self::new(KeyName { kid, alg: key.algorithm() }, KeyMaterial::Public(key))
    }

    fn new(name: KeyName, material: KeyMaterial) -> Self {
        let canonical_headers = [TokenType::Access, TokenType::Refresh]
            .map(|typ| (typ, header_segment(typ, name.alg, &name.kid)));
        Self { name, material, canonical_headers }
    }

    pub(super) fn is_canonical_header(&self, typ: TokenType, header: &str) -> bool {
        self.canonical_headers.iter().any(|(of, canonical)| *of == typ && canonical == header)
    }

    pub(super) fn public_key(&self) -> Option<&PublicKey> {
        match &self.material {
            KeyMaterial::Secret(_) => None,
            KeyMaterial::Public(key) => Some(key),
        }
    }

    /// The HMAC of a purpose with this secret. `None`: it is a public key.
    #[cfg(feature = "signing")]
    pub(super) fn derive(&self, purpose: &str) -> Option<Zeroizing<[u8; 32]>> {
        match &self.material {
            KeyMaterial::Secret(mac) => {
                Some(Zeroizing::new(mac.clone().chain_update(purpose).finalize().into_bytes().into()))
            }
            KeyMaterial::Public(_) => None,
        }
    }

    pub(super) fn verify_signature(&self, token: &JwsParts<'_>) -> Result<(), TokenError> {
        let (signing_input, signature) = (token.signing_input.as_bytes(), token.signature()?);
        let genuine = match &self.material {
            KeyMaterial::Secret(mac) => {
                mac.clone().chain_update(signing_input).verify_slice(&signature).is_ok()
            }
            KeyMaterial::Public(key) => key.verify(signing_input, &signature).is_ok(),
        };
        if genuine { Ok(()) } else { Err(TokenError::BadSignature) }
    }
}

impl PartialEq for VerifyingKey {
    /// The `kid` of a secret is a hash of it. A published key may have any `kid`, so the key is compared as well.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.public_key() == other.public_key()
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}
