//! Signatures over any bytes, for tokens with something wrong.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

/// The order of P-256 (SEC 2 §2.4.2), big-endian.
pub(crate) const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Signs with this algorithm and private key (PEM), whatever the header says.
///
/// # Panics
/// If the key is not of that algorithm.
pub fn sign(algorithm: &str, pem: &str, signed: &str) -> Vec<u8> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let (der, message, random) = (der.secret_pkcs8_der(), signed.as_bytes(), SystemRandom::new());
    let with_rsa = |encoding: &'static dyn RsaEncoding| {
        let pair = rsa::KeyPair::from_pkcs8(der).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &random, message, &mut signature).unwrap();
        signature
    };
    match algorithm {
        "EdDSA" => Ed25519KeyPair::from_pkcs8(der).unwrap().sign(message).as_ref().to_vec(),
        "ES256" => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).unwrap();
            pair.sign(&random, message).unwrap().as_ref().to_vec()
        }
        "RS256" => with_rsa(&RSA_PKCS1_SHA256),
        "RS384" => with_rsa(&RSA_PKCS1_SHA384),
        "RS512" => with_rsa(&RSA_PKCS1_SHA512),
        "PS256" => with_rsa(&RSA_PSS_SHA256),
        other => panic!("{other} is no signature"),
    }
}

/// The other valid form of an ES256 signature: (r, n - s).
///
/// # Panics
/// If it does not have 64 bytes.
pub fn twin(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let mut borrow = 0;
    let mut difference: Vec<u8> = P256_ORDER
        .iter()
        .zip(s)
        .rev()
        .map(|(order, s)| {
            let byte = i16::from(*order) - i16::from(*s) - borrow;
            borrow = i16::from(byte < 0);
            u8::try_from(byte.rem_euclid(256)).unwrap()
        })
        .collect();
    difference.reverse();
    [r, &difference].concat()
}
