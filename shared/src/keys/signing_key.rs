//! The half of a key that stays on auth-server: it signs.
//!
//! A secret signs by way of `jsonwebtoken`. A key pair signs by way of `aws-lc-rs`, the library beneath it: `jsonwebtoken` takes
//! a private key apart anew for each token, which is half of what an Ed25519 signature costs, and RSA only in an older form.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use jsonwebtoken::{Algorithm, EncodingKey};

use super::SigningError;
use super::key_file::KeyFileError;
use super::public_key::PublicKey;
use crate::base64url;

/// A secret, or a key pair.
pub(super) enum SigningKey {
    Hs256(EncodingKey),
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

impl SigningKey {
    pub(super) fn hs256(secret: &str) -> Self {
        Self::Hs256(EncodingKey::from_secret(secret.as_bytes()))
    }

    /// A private key in PKCS#8, and the public key that belongs to it.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<(Self, PublicKey), KeyFileError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            let public = PublicKey::ed25519(pair.public_key().as_ref())?;
            return Ok((Self::Ed25519(pair), public));
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            let public = PublicKey::p256_point(pair.public_key().as_ref())?;
            return Ok((Self::P256(pair), public));
        }
        match rsa::KeyPair::from_pkcs8(der) {
            Ok(pair) => {
                let (modulus, exponent) = (pair.public_key().modulus(), pair.public_key().exponent());
                let public = PublicKey::rsa(
                    modulus.big_endian_without_leading_zero(),
                    exponent.big_endian_without_leading_zero(),
                )?;
                Ok((Self::Rsa(pair), public))
            }
            // What the library calls it is the one thing that tells a short key from another algorithm's.
            Err(rejected) if rejected.to_string() == "TooSmall" => Err(KeyFileError::ShortRsa),
            Err(_) => Err(KeyFileError::Unsupported),
        }
    }

    /// The signature over `signed`, as the third segment of a token.
    pub(super) fn sign(&self, signed: &str) -> Result<String, SigningError> {
        let bytes = signed.as_bytes();
        match self {
            Self::Hs256(key) => {
                jsonwebtoken::crypto::sign(bytes, key, Algorithm::HS256).map_err(|_| SigningError)
            }
            Self::Ed25519(pair) => Ok(base64url::encode(pair.sign(bytes))),
            Self::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), bytes).map_err(|_| SigningError)?;
                Ok(base64url::encode(signature))
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), bytes, &mut signature)
                    .map_err(|_| SigningError)?;
                Ok(base64url::encode(signature))
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<signing key>")
    }
}
