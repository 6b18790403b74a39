//! Keys for one purpose: the first signs, all verify.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use goptri_settings::{Plain, SecretKind, WeakSecret};
use zeroize::Zeroizing;

use super::key_file;
use super::key_file_error::KeyFileError;
use super::key_source::KeySource;
use super::signing_key::{SigningError, SigningKey};
use super::verifying_key::KeyName;
use super::verifying_keys::VerifyingKeys;
use crate::base64url;
use crate::jws::{TokenType, header_segment};
use crate::token_error::TokenError;

/// Keys for one purpose. The first signs and all verify, so that a key can be replaced without rejecting valid tokens.
#[derive(Debug, Clone)]
pub struct KeyRing {
    signing: Arc<SigningKey>,
    name: KeyName,
    verifying: VerifyingKeys,
}

impl PartialEq for KeyRing {
    /// Two rings are equal if they have the same keys and the same key signs.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.verifying == other.verifying
    }
}

impl Eq for KeyRing {}

impl KeyRing {
    /// HS256 secrets; the bytes of the text are the key.
    ///
    /// # Errors
    /// If one of the secrets is too weak to use.
    pub fn from_secrets<K: SecretKind>(first: &Plain<K>, others: &[Plain<K>]) -> Result<Self, WeakSecret> {
        let verifying = VerifyingKeys::from_secrets(first, others)?;
        let name = KeyName::of_secret(first.expose().as_bytes());
        let signing = Arc::new(SigningKey::hs256(first.expose()));
        Ok(Self { signing, name, verifying })
    }

    /// The private keys of a file: one or more PEM blocks with PKCS#8, each Ed25519, P-256 or RSA of at least 2048
    /// bits.
    ///
    /// # Errors
    /// Says what is wrong with the file and what to do about it, without quoting the file.
    pub fn from_pem(pem: &str) -> Result<Self, KeyFileError> {
        let mut verifying = VerifyingKeys::default();
        let mut first = None;
        for (signing, public) in key_file::parse(pem)? {
            if !verifying.add_public(None, public) {
                return Err(KeyFileError::DuplicateKey);
            }
            first.get_or_insert(signing);
        }
        let signing = Arc::new(first.ok_or(KeyFileError::NoKey)?);
        let name = verifying.names().next().cloned().ok_or(KeyFileError::NoKey)?;
        Ok(Self { signing, name, verifying })
    }

    /// Adds keys that only verify.
    #[must_use]
    pub fn with_verifying_keys(self, others: &VerifyingKeys) -> Self {
        Self { verifying: self.verifying.merged_with(others), ..self }
    }

    /// A token of type `typ` with these claims, signed with the first key.
    ///
    /// # Errors
    /// If the claims do not serialize to JSON or the key cannot sign.
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

    /// Verifies type, key and signature of `token` and returns its claims. Issuer, audience and times are not checked.
    pub fn verify<C: DeserializeOwned>(&self, typ: TokenType, token: &str) -> Result<C, TokenError> {
        self.verifying.verify(typ, token)
    }

    /// Derives a key for another purpose from each secret, in order: the HMAC-SHA256 of `purpose`. A key pair yields no
    /// key.
    ///
    /// `purpose` must contain a space. The signing input of a token never does, so the signature of a token is never a
    /// derived key.
    pub fn derive_keys(&self, purpose: &'static str) -> Vec<Zeroizing<[u8; 32]>> {
        debug_assert!(purpose.contains(' '), "{purpose}");
        self.verifying.derive(purpose).collect()
    }

    /// The name of the key that signs.
    pub fn signing_key_name(&self) -> &KeyName {
        &self.name
    }

    /// All keys of the ring, because all verify. The first is the one that signs.
    pub fn verifying_keys(&self) -> &VerifyingKeys {
        &self.verifying
    }
}

impl From<KeyRing> for KeySource {
    fn from(ring: KeyRing) -> Self {
        Self::local(ring.verifying)
    }
}
