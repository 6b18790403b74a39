//! Generates key pairs.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The type of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyType {
    Ed25519,
    P256,
    Rsa3072,
}

/// A new private key as PEM of PKCS#8 (RFC 7468 §10). The crypto library supplies the random numbers. `None`: it failed.
pub(crate) fn generate(key_type: KeyType) -> Option<Zeroizing<String>> {
    let der = match key_type {
        // PKCS#8 version 1, without the public key, because some tools do not read version 2.
        KeyType::Ed25519 => Ed25519KeyPair::generate().ok()?.to_pkcs8v1().ok()?.as_ref().to_vec(),
        KeyType::P256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
            pair.to_pkcs8v1().ok()?.as_ref().to_vec()
        }
        KeyType::Rsa3072 => {
            let pair = rsa::KeyPair::generate(KeySize::Rsa3072).ok()?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).ok()?.as_ref().to_vec()
        }
    };
    Some(pem(&Zeroizing::new(der)))
}

fn pem(der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut pem = Zeroizing::new(String::with_capacity(base64.len() * 2 + 64));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    // RFC 7468 §2: 64 characters a line.
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use goptri::keys::KeyRing;

    use super::*;

    #[test]
    fn each_call_generates_another_key_which_a_key_ring_accepts() {
        for (key_type, alg) in
            [(KeyType::Ed25519, "EdDSA"), (KeyType::P256, "ES256"), (KeyType::Rsa3072, "RS256")]
        {
            let pems = [generate(key_type).unwrap(), generate(key_type).unwrap()];
            let names = pems.each_ref().map(|pem| KeyRing::from_pem(pem).unwrap().signing_key_name().clone());
            assert!(names[0].alg == alg && names[1].alg == alg && names[0].kid != names[1].kid, "{names:?}");
            assert!(pems[0].lines().all(|line| line.len() <= 64) && pems[0].ends_with("-----\n"));
        }
    }
}
