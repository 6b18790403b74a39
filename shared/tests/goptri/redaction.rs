//! No secret appears in `Debug`, errors or the log.

use std::fmt::Debug;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use goptri::keys::KeyRing;
use goptri::{Environment, Guard};
use goptri_settings::{AccessTokenSecret, RefreshTokenSecret, Settings};
use sha2::{Digest, Sha256};

use crate::test_keys::{EACH_TYPE, pairs};
use test_support::forge::{
    OTHER_SECRET, SECRET, base64url, one_for_each_rejection, plain, ring, stopped_clock, verifier,
};

/// Searches a `Debug` output for the secrets: as text, as bytes in decimal and hex, and in base64.
fn assert_silent(what: &str, value: &dyn Debug) {
    for shown in [format!("{value:?}"), format!("{value:#?}").split_whitespace().collect()] {
        for secret in [SECRET, OTHER_SECRET] {
            let bytes = secret.as_bytes().first_chunk::<4>().unwrap();
            let decimal = bytes.iter().map(u8::to_string).collect::<Vec<_>>();
            let hex = format!("{:08x}", u32::from_be_bytes(*bytes));
            for trace in
                [secret[..8].to_owned(), decimal.join(", "), decimal.join(","), hex, base64url(&secret[..6])]
            {
                assert!(
                    !shown.to_lowercase().contains(&trace.to_lowercase()),
                    "{what} shows {trace}: {shown}"
                );
            }
        }
    }
}

/// OP-03
#[test]
fn debug_shows_no_secret() {
    let environment = Environment::from_pairs([
        ("ACCESS_TOKEN_SECRET", format!("{SECRET},{OTHER_SECRET}")),
        ("REFRESH_TOKEN_SECRET", SECRET.to_owned()),
        ("ISSUER", "nonsense".to_owned()),
    ]);
    let settings = Settings::new(&environment);
    let keys = settings.secrets::<AccessTokenSecret>("ACCESS_TOKEN_SECRET");
    let _ =
        (settings.secrets::<RefreshTokenSecret>("REFRESH_TOKEN_SECRET"), goptri::settings::issuer(&settings));
    assert_silent("Settings", &settings);
    assert_silent("secrets", &keys);
    let errors = settings.into_result(None::<()>).unwrap_err();
    assert_eq!(errors.0.len(), 2, "{errors}");
    assert_silent("SettingErrors", &errors);
    assert_silent("SettingErrors as text", &errors.to_string());

    assert_silent("Environment", &environment);
    assert_silent("Plain", &plain(SECRET));
    assert_silent("KeyRing", &ring(&[SECRET, OTHER_SECRET]));
    assert_silent("AccessVerifier", &verifier());
    assert_silent("Guard", &Guard::new(verifier(), stopped_clock()));
    assert_silent(
        "Guard",
        &Guard::from_environment(&Environment::from_pairs([("ACCESS_TOKEN_SECRET", SECRET)])).unwrap(),
    );
}

/// OP-03: with the hash, guesses could be tested.
#[test]
fn debug_shows_no_hash_of_a_secret_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SECRET).unwrap();
    let environment = Environment::from_pairs([("ACCESS_TOKEN_SECRET_FILE", file.path().to_str().unwrap())]);
    let settings = Settings::new(&environment);
    let _ = settings.secrets::<AccessTokenSecret>("ACCESS_TOKEN_SECRET").unwrap();
    let shown = format!("{settings:?} {:?} {:#?}", settings.secret_files(), settings.secret_files());
    assert!(shown.contains(file.path().to_str().unwrap()), "{shown}");
    let hash = Sha256::digest(SECRET)[..3].iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    assert!(!shown.contains(&hash), "{shown}");
}

/// OP-03
#[test]
fn debug_shows_no_part_of_a_private_key() {
    for (alg, pem, _) in EACH_TYPE {
        let ring = pairs(pem);
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(&body).unwrap();
        let shown =
            format!("{ring:?} {ring:#?} {:?}", KeyRing::from_pem(&pem[..pem.len() / 2])).to_lowercase();
        for bytes in der.windows(6) {
            let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            let decimal = bytes.iter().map(u8::to_string).collect::<Vec<_>>();
            for trace in [hex, decimal.join(", "), decimal.join(",")] {
                assert!(!shown.contains(&trace), "{alg} shows {trace}: {shown}");
            }
        }
        for line in pem.lines().filter(|line| !line.starts_with('-')) {
            assert!(!shown.contains(&line[..8].to_lowercase()), "{alg}: {shown}");
        }
        assert!(shown.contains("<signing key>"), "{shown}");
    }
}

/// OP-08: a reason is logged, so it must not contain text that the sender chose.
#[test]
fn a_token_error_contains_no_part_of_the_token() {
    for (rejection, token) in one_for_each_rejection() {
        let shown = format!("{rejection:?} {rejection}");
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!shown.contains(&part[..8]), "{shown}");
        }
        assert!(!shown.contains("evil") && !shown.contains("nonsense"), "{shown}");
    }
}
