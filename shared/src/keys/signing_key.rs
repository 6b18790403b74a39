//! A key that signs: a secret or a private key. Of Goptri's servers, only auth-server signs.
//!
//! Secrets sign with `jsonwebtoken`. Key pairs sign with `aws-lc-rs`, on which `jsonwebtoken` is built: `jsonwebtoken`
//! parses a private key again for each token, which is half of the cost of an Ed25519 signature, and takes RSA only as
//! PKCS#1.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use jsonwebtoken::{Algorithm, EncodingKey};

use super::key_file_error::KeyFileError;
use super::public_key::PublicKey;
use crate::base64url;

pub(super) enum SigningKey {
    Hs256(EncodingKey),
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

/// The token could not be signed: its claims do not serialize, or the key cannot sign.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SigningError;

impl SigningKey {
    pub(super) fn hs256(secret: &str) -> Self {
        Self::Hs256(EncodingKey::from_secret(secret.as_bytes()))
    }

    /// A private key in PKCS#8, and its public key.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<(Self, PublicKey), KeyFileError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            let public = PublicKey::ed25519(pair.public_key().as_ref())?;
            return Ok((Self::Ed25519(pair), public));
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            let public = PublicKey::p256(pair.public_key().as_ref())?;
            return Ok((Self::P256(pair), public));
        }
        let pair = rsa::KeyPair::from_pkcs8(der).map_err(|_| KeyFileError::Unsupported)?;
        let (modulus, exponent) = (pair.public_key().modulus(), pair.public_key().exponent());
        let public = PublicKey::rsa(
            modulus.big_endian_without_leading_zero(),
            exponent.big_endian_without_leading_zero(),
        )?;
        Ok((Self::Rsa(pair), public))
    }

    /// The signature of `signing_input`, as the third segment of a token.
    pub(super) fn sign(&self, signing_input: &str) -> Result<String, SigningError> {
        let bytes = signing_input.as_bytes();
        let signature = match self {
            Self::Hs256(key) => {
                return jsonwebtoken::crypto::sign(bytes, key, Algorithm::HS256).map_err(|_| SigningError);
            }
            Self::Ed25519(pair) => pair.sign(bytes).as_ref().to_vec(),
            Self::P256(pair) => {
                pair.sign(&SystemRandom::new(), bytes).map_err(|_| SigningError)?.as_ref().to_vec()
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature)
                    .map_err(|_| SigningError)?;
                signature
            }
        };
        Ok(base64url::encode(signature))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<signing key>")
    }
}
