//! Keys that verify, by name.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::Jwks;
use super::public_key::PublicKey;
use crate::jws::{self, Header, Segments, TokenType, header_segment};
use crate::{TokenError, base64url};

/// The verifying halves of keys: each is found by its `kid`, and none is tried for another. There may be none at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyingKeys(Vec<VerifyingKey>);

/// What a key is called, and what it is for; nothing of the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyName {
    /// Its `kid`.
    pub kid: String,
    /// Its one algorithm.
    pub alg: &'static str,
}

impl VerifyingKeys {
    /// The claims of `token`, if it is of that kind and one of these keys signed it.
    ///
    /// Says nothing about issuer, audience or time.
    pub fn open<C: DeserializeOwned>(&self, typ: TokenType, token: &str) -> Result<C, TokenError> {
        jws::claims(&self.payload(typ, token)?)
    }

    /// The payload of the same, of which nothing has been read.
    pub(crate) fn payload(&self, typ: TokenType, token: &str) -> Result<Vec<u8>, TokenError> {
        let token = Segments::of(token)?;
        let key = match self.0.iter().find(|key| key.usual_header(typ) == token.header) {
            Some(key) => key,
            None => self.key_named_by(&token.header()?, typ)?,
        };
        key.verify(&token)?;
        token.payload()
    }

    /// Both, and what both have once.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        for other in others.0 {
            if self.key(&other.kid).is_err() {
                self.0.push(other);
            }
        }
        self
    }

    /// The public keys among them. A secret is never published.
    pub fn jwks(&self) -> Jwks {
        Jwks::new(self.0.iter().filter_map(|key| match &key.half {
            Half::Secret(_) => None,
            Half::Public(public) => Some(public.to_jwk(&key.kid)),
        }))
    }

    /// What they are called.
    pub fn names(&self) -> impl Iterator<Item = KeyName> {
        self.0.iter().map(|key| KeyName { kid: key.kid.clone(), alg: key.algorithm_name() })
    }

    /// Names and algorithms, for the log.
    pub fn describe(&self) -> String {
        self.names().map(|name| format!("{} ({})", name.kid, name.alg)).collect::<Vec<_>>().join(", ")
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing can be verified.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, 3)")]
    pub(super) fn add_secret(&mut self, secret: &str) {
        let mac =
            Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length (RFC 2104, 3)");
        self.0.push(VerifyingKey::new(secret_kid(secret.as_bytes()), Half::Secret(mac)));
    }

    /// Under that name, or its thumbprint. Whether that was free.
    pub(super) fn add_public(&mut self, kid: Option<&str>, public: PublicKey) -> bool {
        let kid = kid.map_or_else(|| public.thumbprint(), str::to_owned);
        if self.key(&kid).is_ok() {
            return false;
        }
        self.0.push(VerifyingKey::new(kid, Half::Public(public)));
        true
    }

    /// What the first is called, and its algorithm.
    pub(super) fn first(&self) -> Option<KeyName> {
        self.names().next()
    }

    /// The key for a token with that header, of which everything is looked at.
    fn key_named_by(&self, header: &Header, typ: TokenType) -> Result<&VerifyingKey, TokenError> {
        if header.demands_an_extension() {
            return Err(TokenError::Extension);
        }
        if !header.is(typ) {
            return Err(TokenError::WrongType);
        }
        let key = self.key(header.kid.as_deref().ok_or(TokenError::NoKey)?)?;
        // JV-03: one algorithm a key; a token's `alg` is compared with it and chooses nothing.
        if header.alg == key.algorithm_name() { Ok(key) } else { Err(TokenError::WrongAlgorithm) }
    }

    /// JV-06: `kid` is compared with the keys at hand, and nothing is made of it.
    fn key(&self, kid: &str) -> Result<&VerifyingKey, TokenError> {
        self.0.iter().find(|key| key.kid == kid).ok_or(TokenError::UnknownKey)
    }
}

#[derive(Clone)]
struct VerifyingKey {
    kid: String,
    half: Half,
    /// The headers that this key's tokens have when they come from here, of either type. Such a header says nothing that is
    /// not known already; all others are read.
    usual_headers: [String; 2],
}

#[derive(Clone)]
enum Half {
    /// HS256: whoever verifies could also sign.
    Secret(Hmac<Sha256>),
    Public(PublicKey),
}

impl VerifyingKey {
    fn new(kid: String, half: Half) -> Self {
        let alg = half.algorithm_name();
        let usual_headers = [TokenType::Access, TokenType::Refresh].map(|typ| header_segment(typ, alg, &kid));
        Self { kid, half, usual_headers }
    }

    fn usual_header(&self, typ: TokenType) -> &str {
        let [access, refresh] = &self.usual_headers;
        match typ {
            TokenType::Access => access,
            TokenType::Refresh => refresh,
        }
    }

    fn verify(&self, token: &Segments<'_>) -> Result<(), TokenError> {
        let (signed, signature) = (token.signed.as_bytes(), token.signature()?);
        let genuine = match &self.half {
            Half::Secret(mac) => {
                let mut mac = mac.clone();
                mac.update(signed);
                mac.verify_slice(&signature).is_ok()
            }
            Half::Public(public) => public.verify(signed, &signature).is_ok(),
        };
        if genuine { Ok(()) } else { Err(TokenError::BadSignature) }
    }

    fn algorithm_name(&self) -> &'static str {
        self.half.algorithm_name()
    }
}

impl Half {
    fn algorithm_name(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Public(public) => public.algorithm_name(),
        }
    }
}

impl PartialEq for VerifyingKey {
    /// By name, which follows from the key; and where others gave it, by the public key as well.
    fn eq(&self, other: &Self) -> bool {
        self.kid == other.kid
            && match (&self.half, &other.half) {
                (Half::Secret(_), Half::Secret(_)) => true,
                (Half::Public(one), Half::Public(other)) => one == other,
                _ => false,
            }
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("alg", &self.algorithm_name())
            .finish_non_exhaustive()
    }
}

/// Names a secret without telling anything of it: 96 bits of a SHA-256 that serves no other purpose.
fn secret_kid(secret: &[u8]) -> String {
    let digest = Sha256::new().chain_update(b"goptri key id\0").chain_update(secret).finalize();
    base64url::encode(&digest[..12])
}
