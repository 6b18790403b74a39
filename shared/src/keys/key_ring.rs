//! A ring of keys: the first signs, all verify, so that a key can be replaced without a token refused.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::signing_key::SigningKey;
use super::{KeyFileError, KeyName, VerifyingKeys, key_file};
use crate::jws::{TokenType, header_segment};
use crate::{TokenError, base64url};
use goptri_settings::WeakSecret;
use goptri_settings::{Plain, SecretKind};

/// Keys for one purpose. The first signs, all verify.
///
/// The crypto is that of libraries. What these do not look at (`typ`, `crit`, `kid`, and that an algorithm belongs to a key) is
/// looked at by [`VerifyingKeys`].
#[derive(Debug, Clone)]
pub struct KeyRing {
    signing: Arc<SigningKey>,
    name: KeyName,
    verifying: VerifyingKeys,
}

/// A token could not be signed: the claims do not serialise, or the key is not usable.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SigningError;

impl PartialEq for KeyRing {
    /// The same keys, of which the same one signs.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.verifying == other.verifying
    }
}

impl Eq for KeyRing {}

impl KeyRing {
    /// A ring of HS256 secrets; the text itself is the key. The first of them signs.
    pub fn from_secrets<K: SecretKind>(first: &Plain<K>, others: &[Plain<K>]) -> Result<Self, WeakSecret> {
        let mut verifying = VerifyingKeys::default();
        for secret in std::iter::once(first).chain(others) {
            WeakSecret::check(secret.expose())?;
            verifying.add_secret(secret.expose());
        }
        let kid = verifying.first().map(|first| first.kid).unwrap_or_default();
        let signing = Arc::new(SigningKey::hs256(first.expose()));
        Ok(Self { signing, name: KeyName { kid, alg: "HS256" }, verifying })
    }

    /// A ring of the private keys of a file: PEM, one or several blocks of PKCS#8 with Ed25519, P-256 or RSA of 2048 bits or
    /// more. The first of them signs.
    ///
    /// # Errors
    /// Says what is wrong with the file, and what to do, with nothing of it.
    pub fn from_pem(pem: &str) -> Result<Self, KeyFileError> {
        let mut verifying = VerifyingKeys::default();
        let mut first = None;
        for (signing, public) in key_file::parse(pem)? {
            if !verifying.add_public(None, public) {
                return Err(KeyFileError::Twice);
            }
            first.get_or_insert(signing);
        }
        let signing = Arc::new(first.ok_or(KeyFileError::NoKey)?);
        let name = verifying.first().ok_or(KeyFileError::NoKey)?;
        Ok(Self { signing, name, verifying })
    }

    /// The same, and it verifies what `others` verify.
    #[must_use]
    pub fn also_verifying(self, others: VerifyingKeys) -> Self {
        Self { verifying: self.verifying.and(others), ..self }
    }

    /// Signs `claims` with the first key, as a token of that kind.
    pub fn sign<C: Serialize>(&self, typ: TokenType, claims: &C) -> Result<String, SigningError> {
        let payload = serde_json::to_vec(claims).map_err(|_| SigningError)?;
        let mut token = header_segment(typ, self.name.alg, &self.name.kid);
        token.push('.');
        token.push_str(&base64url::encode(payload));
        let signature = self.signing.sign(&token)?;
        token.push('.');
        token.push_str(&signature);
        Ok(token)
    }

    /// The claims of `token`, if it is of that kind and one of these keys signed it.
    ///
    /// Says nothing about issuer, audience or time.
    pub fn open<C: DeserializeOwned>(&self, typ: TokenType, token: &str) -> Result<C, TokenError> {
        self.verifying.open(typ, token)
    }

    /// The key that signs.
    pub fn signing_key_name(&self) -> &KeyName {
        &self.name
    }

    /// All that verify, the one that signs first.
    pub fn verifying(&self) -> &VerifyingKeys {
        &self.verifying
    }
}
