//! Right signatures by the wrong key: another secret, a public key as a secret, a key of another type.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use goptri::TokenError;

use super::Cases;
use crate::keys::{
    self, ED25519, ED25519_PUBLIC, FOREIGN_SECRET, OLD_SECRET, P256, P256_PUBLIC, RSA, RSA_PUBLIC, SECRET,
};
use crate::mint::{claims, header, header_of, signed, signing_input};
use crate::signature::sign;

pub(super) fn add(cases: &mut Cases) {
    secrets(cases);
    public_key_as_secret(cases);
    key_of_another_type(cases);
}

/// A token whose header names one key, with the MAC by other bytes.
fn mac_by(alg: &str, named: &str, secret: &[u8]) -> String {
    let input = signing_input(header_of(alg, named).to_string(), claims().to_string());
    signed(&input, keys::mac("HS256", secret, &input))
}

fn secrets(cases: &mut Cases) {
    let kid = keys::kid(SECRET);
    for (name, about, secret) in [
        ("mac_by_another_secret", "The MAC by a secret that the service does not have.", FOREIGN_SECRET),
        ("mac_by_the_old_secret", "The MAC by the second secret, under the kid of the first.", OLD_SECRET),
        ("mac_by_nothing", "The MAC by an empty secret.", ""),
        ("mac_by_the_kid", "The MAC by the kid as a secret.", kid.as_str()),
    ] {
        cases.reject(TokenError::BadSignature, name, about, mac_by("HS256", SECRET, secret.as_bytes()));
    }
    let both = keys::SECRETS.join(",");
    let about = "The MAC by the whole list of secrets as one.";
    cases.reject(
        TokenError::BadSignature,
        "mac_by_the_whole_list",
        about,
        mac_by("HS256", SECRET, both.as_bytes()),
    );
    let about = "Signed with a secret that the service does not have, under its own kid.";
    let token = mac_by("HS256", FOREIGN_SECRET, FOREIGN_SECRET.as_bytes());
    cases.reject(TokenError::UnknownKey, "secret_unknown", about, token);
}

/// The attack on libraries that take the algorithm from the token.
fn public_key_as_secret(cases: &mut Cases) {
    for (name, alg, key, public) in [
        ("ed25519", "EdDSA", ED25519, ED25519_PUBLIC),
        ("p256", "ES256", P256, P256_PUBLIC),
        ("rsa", "RS256", RSA, RSA_PUBLIC),
    ] {
        let body: String = public.lines().filter(|line| !line.starts_with('-')).collect();
        let jwk = keys::jwk(key);
        let member = if name == "rsa" { "n" } else { "x" };
        let raw = URL_SAFE_NO_PAD.decode(jwk[member].as_str().unwrap()).unwrap();
        for (form, secret) in [
            ("pem", public.as_bytes().to_vec()),
            ("pem_without_last_line_break", public.trim_end().into()),
            ("der", STANDARD.decode(&body).unwrap()),
            ("jwk", jwk.to_string().into()),
            ("number", raw),
        ] {
            let about = format!("alg is HS256, and the public {alg} key is the secret.");
            let token = mac_by("HS256", key, &secret);
            cases.reject(TokenError::WrongAlgorithm, format!("{name}_{form}_as_secret"), about, token);
        }
        let about = format!("alg is {alg}, with a MAC whose secret is the public key.");
        let token = mac_by(alg, key, public.as_bytes());
        cases.reject(TokenError::BadSignature, format!("{name}_mac"), about, token);
        let about = format!("The kid of the shared secret, with a MAC whose secret is the public {alg} key.");
        let token = mac_by("HS256", SECRET, public.as_bytes());
        cases.reject(TokenError::BadSignature, format!("{name}_as_the_shared_secret"), about, token);
    }
}

/// The kid names one key, and another signed.
fn key_of_another_type(cases: &mut Cases) {
    let pairs = [("ed25519", "EdDSA", ED25519), ("p256", "ES256", P256), ("rsa", "RS256", RSA)];
    for (name, alg, key) in pairs {
        for (other, other_alg, named) in pairs.into_iter().filter(|(_, other, _)| *other != alg) {
            let about = format!("Signed with {alg}, under the kid of the {other_alg} key.");
            let input = signing_input(header_of(alg, named).to_string(), claims().to_string());
            let token = signed(&input, sign(alg, key, &input));
            cases.reject(
                TokenError::WrongAlgorithm,
                format!("{name}_under_the_kid_of_{other}"),
                about,
                token,
            );
        }
        let about = format!("Signed with {alg}, under the kid of the shared secret.");
        let input = signing_input(header().with_text("alg", alg).to_string(), claims().to_string());
        let token = signed(&input, sign(alg, key, &input));
        cases.reject(TokenError::WrongAlgorithm, format!("{name}_under_the_kid_of_the_secret"), about, token);
        let about = format!("The MAC by the shared secret, under the kid of the {alg} key.");
        let token = mac_by("HS256", key, SECRET.as_bytes());
        cases.reject(TokenError::WrongAlgorithm, format!("mac_under_the_kid_of_{name}"), about, token);
        let about = format!("The MAC by the shared secret, with alg {alg} and the kid of that key.");
        let token = mac_by(alg, key, SECRET.as_bytes());
        cases.reject(TokenError::BadSignature, format!("mac_says_{}", alg.to_lowercase()), about, token);
    }
}
