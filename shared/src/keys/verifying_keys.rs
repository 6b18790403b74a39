//! A set of keys that verify.

use serde::de::DeserializeOwned;

use goptri_settings::{Plain, SecretKind, WeakSecret};
#[cfg(feature = "signing")]
use zeroize::Zeroizing;

use super::public_key::PublicKey;
use super::verifying_key::{KeyName, VerifyingKey};
use crate::jws::{self, Header, JwsParts, TokenType};
use crate::token_error::TokenError;

/// Keys that verify. A token is verified with the key that its `kid` names, and with no other. May be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyingKeys(Vec<VerifyingKey>);

impl VerifyingKeys {
    /// HS256 secrets; the bytes of the text are the key.
    ///
    /// # Errors
    /// If one of the secrets is too weak to use.
    pub fn from_secrets<K: SecretKind>(first: &Plain<K>, others: &[Plain<K>]) -> Result<Self, WeakSecret> {
        let mut keys = Self::default();
        for secret in std::iter::once(first).chain(others) {
            WeakSecret::check(secret.expose())?;
            keys.0.push(VerifyingKey::from_secret(secret.expose().as_bytes()));
        }
        Ok(keys)
    }

    /// Verifies type, key and signature of `token` and returns its claims. Issuer, audience and times are not checked.
    pub fn verify<C: DeserializeOwned>(&self, typ: TokenType, token: &str) -> Result<C, TokenError> {
        jws::parse_claims(&self.verified_payload(typ, token)?)
    }

    /// Verifies type, key and signature of `token` and returns the bytes of its payload.
    pub(crate) fn verified_payload(&self, typ: TokenType, token: &str) -> Result<Vec<u8>, TokenError> {
        let token = JwsParts::parse(token)?;
        let key = match self.0.iter().find(|key| key.is_canonical_header(typ, token.header)) {
            Some(key) => key,
            None => self.select(&token.header()?, typ)?,
        };
        key.verify_signature(&token)?;
        token.payload()
    }

    /// These keys and those of `others` whose `kid` is new.
    #[must_use]
    pub fn merged_with(mut self, others: &Self) -> Self {
        for other in &others.0 {
            if self.find(&other.name.kid).is_none() {
                self.0.push(other.clone());
            }
        }
        self
    }

    /// The names of all keys, in order.
    pub fn names(&self) -> impl Iterator<Item = &KeyName> {
        self.0.iter().map(|key| &key.name)
    }

    /// Names and algorithms of all keys, for the log.
    pub fn describe(&self) -> String {
        self.names().map(|name| format!("{} ({})", name.kid, name.alg)).collect::<Vec<_>>().join(", ")
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The public keys, each with its `kid`. Secrets are left out.
    pub(super) fn public_keys(&self) -> impl Iterator<Item = (&str, &PublicKey)> {
        self.0.iter().filter_map(|key| Some((key.name.kid.as_str(), key.public_key()?)))
    }

    /// The implementation of [`KeyRing::derive_keys`](super::KeyRing::derive_keys).
    #[cfg(feature = "signing")]
    pub(super) fn derive<'a>(&'a self, purpose: &'a str) -> impl Iterator<Item = Zeroizing<[u8; 32]>> + 'a {
        self.0.iter().filter_map(move |key| key.derive(purpose))
    }

    /// Adds a public key under `kid` or its thumbprint. Returns `false` if that name is taken.
    pub(super) fn add_public(&mut self, kid: Option<&str>, public: PublicKey) -> bool {
        let key = VerifyingKey::from_public(kid, public);
        let is_new = self.find(&key.name.kid).is_none();
        if is_new {
            self.0.push(key);
        }
        is_new
    }

    /// The key that `header` names, once everything else in the header is checked.
    fn select(&self, header: &Header, typ: TokenType) -> Result<&VerifyingKey, TokenError> {
        if header.has_unsupported_extension() {
            return Err(TokenError::Extension);
        }
        if !header.has_type(typ) {
            return Err(TokenError::WrongType);
        }
        let key = match (header.kid.as_deref(), self.0.as_slice()) {
            (Some(kid), _) => self.find(kid).ok_or(TokenError::UnknownKey)?,
            // A client with one key need not name it (RFC 7515 §4.1.4).
            (None, [only]) if typ == TokenType::ClientAssertion => only,
            (None, _) => return Err(TokenError::MissingKid),
        };
        // JV-03: a key has one algorithm. The `alg` of a token is compared with it and selects nothing.
        if header.alg == key.name.alg { Ok(key) } else { Err(TokenError::WrongAlgorithm) }
    }

    /// JV-06: a `kid` is compared with known names and used for nothing else.
    fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        self.0.iter().find(|key| key.name.kid == kid)
    }
}
