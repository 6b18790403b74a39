//! A ring of keys: the first signs, all verify, so that a key can be replaced without a token refused.
//!
//! The crypto is `jsonwebtoken`'s. What it does not look at (`typ`, `crit`, `kid`, and that an algorithm
//! belongs to a key) is looked at here.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::compact::{Compact, TokenType};
use crate::secret::{Kind, Plain};
use crate::{Refusal, WeakSecret};

/// Keys for one purpose. The first signs, all verify.
#[derive(Debug, Clone)]
pub struct KeyRing {
    first: Key,
    others: Vec<Key>,
}

/// A token could not be signed: the claims do not serialise, or the key is not usable.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SigningFailed(#[from] jsonwebtoken::errors::Error);

impl KeyRing {
    /// A ring of HS256 secrets; the text itself is the key. The first of them signs.
    pub fn from_secrets<K: Kind>(first: &Plain<K>, others: &[Plain<K>]) -> Result<Self, WeakSecret> {
        Ok(Self {
            first: Key::hs256(first)?,
            others: others.iter().map(Key::hs256).collect::<Result<_, _>>()?,
        })
    }

    /// Signs `claims` with the first key, as a token of that kind.
    pub fn sign<C: Serialize>(&self, typ: TokenType, claims: &C) -> Result<String, SigningFailed> {
        let mut header = jsonwebtoken::Header::new(self.first.algorithm);
        header.typ = Some(typ.name().to_owned());
        header.kid = Some(self.first.kid.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.first.signing)?)
    }

    /// The claims of `token`, if it is of that kind and one of these keys signed it.
    ///
    /// Says nothing about issuer, audience or time.
    pub fn open<C: DeserializeOwned>(&self, typ: TokenType, token: &str) -> Result<C, Refusal> {
        let compact = Compact::parse(token)?;
        if compact.header.demands_an_extension() {
            return Err(Refusal::Extension);
        }
        if !compact.is(typ) {
            return Err(Refusal::WrongType);
        }
        self.key(compact.header.kid.as_deref().ok_or(Refusal::NoKey)?)?.verify(&compact)?;
        compact.claims()
    }

    /// JV-06: `kid` is compared with the keys at hand, and nothing is made of it.
    fn key(&self, kid: &str) -> Result<&Key, Refusal> {
        std::iter::once(&self.first).chain(&self.others).find(|key| key.kid == kid).ok_or(Refusal::UnknownKey)
    }
}

#[derive(Clone)]
struct Key {
    kid: String,
    /// JV-03: one algorithm a key; a token's `alg` is compared with it and chooses nothing.
    algorithm: Algorithm,
    name: &'static str,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Key {
    fn hs256<K: Kind>(secret: &Plain<K>) -> Result<Self, WeakSecret> {
        let text = secret.expose();
        WeakSecret::check(text)?;
        Ok(Self {
            kid: secret_kid(text.as_bytes()),
            algorithm: Algorithm::HS256,
            name: "HS256",
            signing: EncodingKey::from_secret(text.as_bytes()),
            verifying: DecodingKey::from_secret(text.as_bytes()),
        })
    }

    fn verify(&self, compact: &Compact<'_>) -> Result<(), Refusal> {
        if compact.header.alg != self.name {
            return Err(Refusal::WrongAlgorithm);
        }
        let signed = compact.signed.as_bytes();
        match jsonwebtoken::crypto::verify(compact.signature, signed, &self.verifying, self.algorithm) {
            Ok(true) => Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::Base64(_)) => Err(Refusal::Base64),
            Ok(false) | Err(_) => Err(Refusal::BadSignature),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("alg", &self.name).finish_non_exhaustive()
    }
}

/// Names a secret without telling anything of it: 96 bits of a SHA-256 that serves no other purpose.
fn secret_kid(secret: &[u8]) -> String {
    let digest = Sha256::new().chain_update(b"goptri key id\0").chain_update(secret).finalize();
    URL_SAFE_NO_PAD.encode(&digest[..12])
}
