//! Files of private keys: which are accepted, the error of each other one, and that errors show no key material.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use goptri::keys::KeyRing;
use goptri::keys::{KeyFileError, MAX_KEYS, PublicKeyError};
use goptri::token::TokenType;
use goptri::{Environment, SettingErrors};
use goptri_settings::Settings;

use crate::captured_log::Log;
use crate::test_keys::{ED25519, P256, P256_OTHER, RSA, kid_of, pairs, rejection};
use test_support::forge::{SECRET, claims, good, kid};

fn fault(pem: &str) -> KeyFileError {
    KeyRing::from_pem(pem).unwrap_err()
}

/// Asserts that the message has no eight consecutive characters of the base64 in the file.
fn assert_tells_nothing(told: &str, pem: &str) {
    for line in pem.lines().filter(|line| line.len() >= 8 && !line.contains(['-', ' '])) {
        for at in 0..=line.len() - 8 {
            assert!(!told.contains(&line[at..at + 8]), "{told}");
        }
    }
}

/// JV-24
#[test]
fn each_unusable_file_has_its_error_and_message() {
    use KeyFileError::{
        Certificate, DuplicateKey, Empty, Encrypted, NoKey, NotBase64, NotPkcs8, Public, TooMany,
        Unsupported, Weak,
    };
    let unarmoured: String = P256.lines().filter(|line| !line.starts_with('-')).collect();
    let older = "an older form; `openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW`";
    let unsupported = "not Ed25519, P-256 or RSA of at least 2048 bits, or that is damaged";
    let table = [
        (String::new(), Empty, "is empty. `auth-server key generate` makes one"),
        (" \n\t\r\n".into(), Empty, "is empty"),
        ("hunter2hunter2\n".into(), NoKey, "has no private key in PEM (-----BEGIN PRIVATE KEY-----)"),
        (SECRET.into(), NoKey, "has no private key in PEM"),
        (unarmoured, NoKey, "has no private key in PEM"),
        (ED25519.replace("-----", ""), NoKey, "has no private key in PEM"),
        (ED25519.replace("MC4CAQAw", "MC4C*QAw"), NotBase64, "has a block that is not base64"),
        (include_str!("test_keys/certificate.pem").into(), Certificate, "put only the private key here"),
        ([P256, include_str!("test_keys/certificate.pem")].concat(), Certificate, "holds a certificate"),
        (include_str!("test_keys/ed25519_public.pem").into(), Public, "holds a public key"),
        (include_str!("test_keys/rsa_public_pkcs1.pem").into(), Public, "holds a public key"),
        ([include_str!("test_keys/p256_public.pem"), P256].concat(), Public, "holds a public key"),
        (include_str!("test_keys/pkcs1.pem").into(), NotPkcs8, older),
        (include_str!("test_keys/sec1.pem").into(), NotPkcs8, older),
        (include_str!("test_keys/sec1_params.pem").into(), NotPkcs8, older),
        (include_str!("test_keys/encrypted.pem").into(), Encrypted, "with a passphrase; `openssl pkcs8"),
        (include_str!("test_keys/p384.pem").into(), Unsupported, unsupported),
        (include_str!("test_keys/secp256k1.pem").into(), Unsupported, unsupported),
        (include_str!("test_keys/ed448.pem").into(), Unsupported, unsupported),
        (include_str!("test_keys/x25519.pem").into(), Unsupported, unsupported),
        (include_str!("test_keys/rsapss.pem").into(), Unsupported, unsupported),
        (ED25519.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"), Unsupported, unsupported),
        (include_str!("test_keys/rsa1024.pem").into(), Unsupported, unsupported),
        (
            include_str!("test_keys/rsa_e3.pem").into(),
            Weak(PublicKeyError::WeakExponent),
            "cannot be used: its RSA exponent is even, less than 65537",
        ),
        ([P256, P256].concat(), DuplicateKey, "has the same key twice"),
        (P256.repeat(MAX_KEYS + 1), TooMany, "has more than 64 keys"),
        ([ED25519, RSA, ED25519].concat(), DuplicateKey, "has the same key twice"),
    ];
    for (pem, expected, sentence) in table {
        let fault = fault(&pem);
        assert_eq!(fault, expected, "{pem}");
        assert!(fault.to_string().contains(sentence), "{fault}");
        assert_tells_nothing(&format!("{fault:?} {fault}"), &pem);
    }
}

/// JV-24: the invalid key may be the one that should sign.
#[test]
fn one_invalid_key_makes_the_whole_file_invalid() {
    for (bad, expected) in [
        (include_str!("test_keys/rsa1024.pem"), KeyFileError::Unsupported),
        (include_str!("test_keys/p384.pem"), KeyFileError::Unsupported),
        (include_str!("test_keys/encrypted.pem"), KeyFileError::Encrypted),
    ] {
        for pem in [[bad, ED25519, P256], [ED25519, bad, P256], [ED25519, P256, bad]] {
            assert_eq!(fault(&pem.concat()), expected);
        }
    }
}

/// A read during a write fails, or returns whole keys from the start of the file.
#[test]
fn a_truncated_file_never_parses_as_another_key() {
    let end = "-----END PRIVATE KEY-----";
    for pem in [ED25519, P256, RSA, &[ED25519, P256].concat(), &[P256_OTHER, RSA, ED25519].concat()] {
        let whole = pairs(pem);
        let names: Vec<_> = whole.verifying_keys().names().collect();
        for cut in 0..pem.len() {
            let part = &pem[..cut];
            let blocks_are_whole = part.trim_end().ends_with(end);
            match KeyRing::from_pem(part) {
                Ok(ring) => {
                    assert!(blocks_are_whole, "accepted after {cut} bytes:\n{part}");
                    let found: Vec<_> = ring.verifying_keys().names().collect();
                    assert_eq!(found[..], names[..part.matches(end).count()], "after {cut} bytes");
                    assert_eq!(ring.signing_key_name(), whole.signing_key_name());
                }
                Err(fault) => {
                    assert!(!blocks_are_whole, "{fault} after {cut} bytes");
                    let expected =
                        if part.is_empty() { KeyFileError::Empty } else { KeyFileError::Truncated };
                    assert_eq!(fault, expected, "after {cut} bytes:\n{part}");
                }
            }
        }
    }
}

/// A file that is being overwritten in place has the beginning of the new key and the rest of the old one.
#[test]
fn a_mixture_of_two_p256_keys_is_not_a_third_key() {
    let known = [kid_of(P256), kid_of(P256_OTHER)];
    let mut refused = 0;
    for cut in 0..P256.len() {
        match KeyRing::from_pem(&format!("{}{}", &P256[..cut], &P256_OTHER[cut..])) {
            Ok(ring) => {
                assert!(known.contains(&ring.signing_key_name().kid), "a third key after {cut} bytes");
            }
            Err(fault) => {
                assert_eq!(fault, KeyFileError::Unsupported, "after {cut} bytes");
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

/// YAML indents it, and an environment variable has it on one line.
#[test]
fn a_key_is_read_in_every_layout_in_which_a_configuration_carries_it() {
    let file = [ED25519, P256, RSA].concat();
    let names = |pem: &str| -> Vec<String> {
        pairs(pem).verifying_keys().names().map(|name| name.kid.clone()).collect()
    };
    let expected = names(&file);
    assert_eq!(expected.len(), 3);
    for layout in [
        format!("    {}", file.replace('\n', "\n    ")),
        format!("\t{}", file.replace('\n', "  \r\n\t")),
        file.replace('\n', "\\n"),
        file.replace('\n', "\\r\\n"),
        file.replace('\n', " "),
        file.replace('\n', "\r"),
        format!("\"{}\"", file.replace('\n', "\\n")),
        format!("key: |\n  {}", file.replace('\n', "\n  ")),
    ] {
        assert_eq!(names(&layout), expected, "{layout}");
    }
}

fn read(pairs: &[(&str, &str)]) -> Result<KeyRing, SettingErrors> {
    let environment = Environment::from_pairs(pairs.iter().copied());
    let settings = Settings::new(&environment);
    let keys = goptri::settings::access_keys(&settings);
    settings.into_result(keys)
}

fn write(folder: &Path, pem: &str, mode: u32) -> String {
    let path = folder.join("key.pem");
    fs::write(&path, pem).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

const KEY_FILE: &str = "ACCESS_TOKEN_KEY_FILE";

#[test]
fn a_key_file_signs_and_a_secret_beside_it_still_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &[ED25519, P256].concat(), 0o600);
    let of_the_secret = read(&[("ACCESS_TOKEN_SECRET", SECRET)]).unwrap();
    assert_eq!(of_the_secret.signing_key_name().kid, kid(SECRET));
    let of_the_file = read(&[(KEY_FILE, &path)]).unwrap();
    assert_eq!(
        (of_the_file.signing_key_name().kid.as_str(), of_the_file.verifying_keys().len()),
        (&*kid_of(ED25519), 2)
    );
    assert!(rejection(&of_the_file, &good()).is_some());
    let both = read(&[(KEY_FILE, &path), ("ACCESS_TOKEN_SECRET", SECRET)]).unwrap();
    assert_eq!((both.signing_key_name().kid.as_str(), both.verifying_keys().len()), (&*kid_of(ED25519), 3));
    for token in [good(), of_the_file.sign(TokenType::Access, &claims()).unwrap()] {
        assert_eq!(rejection(&both, &token), None);
    }
}

/// OP-03, OP-04
#[test]
fn an_error_names_the_variable_and_the_file_and_shows_none_of_its_contents() {
    let folder = tempfile::tempdir().unwrap();
    let half = &RSA[..RSA.len() / 2];
    let path = write(folder.path(), half, 0o600);
    let faults = read(&[(KEY_FILE, &path)]).unwrap_err();
    assert_eq!((faults.0.len(), faults.0[0].variable.as_str()), (1, KEY_FILE));
    let sentence = format!("names the file {path:?}, which is cut off in the middle of a block");
    assert!(faults.to_string().contains(&sentence), "{faults}");
    assert_tells_nothing(&format!("{faults:?} {faults}"), half);

    let nowhere = folder.path().join("nowhere").to_str().unwrap().to_owned();
    let binary = folder.path().join("binary").to_str().unwrap().to_owned();
    fs::write(&binary, b"\xff\xfe-----BEGIN PRIVATE KEY-----").unwrap();
    let directory = folder.path().to_str().unwrap().to_owned();
    for (path, reason) in [
        (&nowhere, "cannot be read: No such file"),
        (&directory, "cannot be read: Is a directory"),
        (&binary, "is encoded as UTF-16; save it as UTF-8 without a byte order mark"),
    ] {
        let faults = read(&[(KEY_FILE, path)]).unwrap_err();
        assert_eq!(faults.0.len(), 1, "{faults}");
        let sentence = format!("names the file {path:?}, which {reason}");
        assert!(faults.to_string().contains(&sentence), "{faults}");
    }

    let neither = read(&[]).unwrap_err().to_string();
    assert!(neither.contains("ACCESS_TOKEN_SECRET is not set, nor is ACCESS_TOKEN_SECRET_FILE"), "{neither}");
    assert!(neither.contains(KEY_FILE) && neither.lines().count() == 2, "{neither}");
    // Both variables are invalid, and both errors are reported.
    let both = read(&[(KEY_FILE, &path), ("ACCESS_TOKEN_SECRET", "x")]).unwrap_err();
    assert_eq!(both.0.len(), 2, "{both}");
}

#[test]
fn a_world_readable_key_file_is_used_with_a_warning() {
    for (mode, warned) in [(0o600, 0), (0o400, 0), (0o640, 0), (0o644, 1), (0o604, 1)] {
        let (log, _logging) = Log::start();
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), P256, mode);
        assert_eq!(read(&[(KEY_FILE, &path)]).unwrap().signing_key_name().kid, kid_of(P256));
        let told = log.text();
        assert_eq!(log.times("every user of this machine can read this file"), warned, "{told}");
        assert!(warned == 0 || told.contains(&path) && told.contains(KEY_FILE) && told.contains("WARN"));
        assert_tells_nothing(&told, P256);
    }
}
