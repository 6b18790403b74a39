//! Every invalid setting is reported, in a sentence without secrets.

use goptri_settings::{Environment, SettingErrors, Settings};

use super::*;

const GOOD: &str = "5f2a9c4be1d078365f2a9c4be1d07836";

fn errors(pairs: &[(&str, &str)]) -> Vec<String> {
    let environment = Environment::from_pairs(pairs.iter().copied());
    let settings = Settings::new(&environment);
    let builder = crate::GuardBuilder::from_settings(&settings);
    let other = settings.secrets::<goptri_settings::RefreshTokenSecret>("REFRESH_TOKEN_SECRET");
    match settings.into_result(builder.zip(other)) {
        Ok(_) => Vec::new(),
        Err(SettingErrors(errors)) => {
            errors.into_iter().map(|error| format!("{} {}", error.variable, error.problem)).collect()
        }
    }
}

#[test]
fn all_errors_are_reported_together() {
    let found = errors(&[
        ("ISSUER", "http://example.com"),
        ("AUDIENCE", "a b"),
        ("CLOCK_LEEWAY", "6m"),
        ("REFRESH_TOKEN_SECRET", "x"),
    ]);
    let names: Vec<_> = found.iter().filter_map(|error| error.split(' ').next()).collect();
    assert_eq!(names, ["ACCESS_TOKEN_SECRET", "ISSUER", "AUDIENCE", "CLOCK_LEEWAY", "REFRESH_TOKEN_SECRET"]);
}

/// JV-16, JV-23, OP-04
#[test]
fn each_error_has_its_sentence() {
    let other = "8e71d2c5f0a9364b8e71d2c5f0a9364b";
    let table: [(&[(&str, &str)], &str); 14] = [
        (&[("ISSUER", "http://example.com")], "ISSUER is \"http://example.com\"; plain http"),
        (
            &[("ISSUER", "http://localhost:4000/")],
            "ISSUER is \"http://localhost:4000/\"; it is compared letter by letter",
        ),
        (&[("ISSUER", "ftp://localhost")], "ISSUER is \"ftp://localhost\"; it must start with https://"),
        (&[("ISSUER", "https://")], "ISSUER is \"https://\", which is not a URL"),
        (
            &[("ISSUER", "login.example.com")],
            "ISSUER is \"login.example.com\", which has no scheme; write https://login.example.com",
        ),
        (
            &[("ISSUER", "localhost:4000")],
            "ISSUER is \"localhost:4000\", which has no scheme; write http://localhost:4000",
        ),
        (&[("ISSUER", "https://me:pw@example.com")], "ISSUER is a URL with a user or a password in it"),
        (&[("CLOCK_LEEWAY", "301s")], "CLOCK_LEEWAY is more than 5m"),
        (&[("CLOCK_LEEWAY", "-1s")], "CLOCK_LEEWAY is \"-1s\"; a duration"),
        (&[("ACCESS_TOKEN_SECRET", "secret")], "ACCESS_TOKEN_SECRET is a well-known default"),
        (&[("ACCESS_TOKEN_SECRET", other)], "REFRESH_TOKEN_SECRET is identical to ACCESS_TOKEN_SECRET"),
        (
            &[("ACCESS_TOKEN_SECRET", "5f2a9c4be1d078365f2a9c4be1d07836,")],
            "ACCESS_TOKEN_SECRET is 0 bytes long",
        ),
        (
            &[("ACCESS_TOKEN_SECRET_FILE", "/nowhere/at/all")],
            "ACCESS_TOKEN_SECRET and ACCESS_TOKEN_SECRET_FILE are both set",
        ),
        (
            &[("ACCESS_TOKEN_SECRET", ""), ("ACCESS_TOKEN_SECRET_FILE", "/nowhere/at/all")],
            "ACCESS_TOKEN_SECRET_FILE names the file",
        ),
    ];
    for (wrong, expected) in table {
        let mut pairs = vec![("ACCESS_TOKEN_SECRET", GOOD), ("REFRESH_TOKEN_SECRET", other)];
        pairs.extend(wrong);
        let found = errors(&pairs);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{wrong:?}: {found:?}");
        assert!(!found[0].contains(GOOD) && !found[0].contains(other), "{found:?}");
    }
    assert_eq!(errors(&[("ACCESS_TOKEN_SECRET", GOOD), ("REFRESH_TOKEN_SECRET", other)]), [""; 0]);
}

#[cfg(feature = "signing")]
type Pairs<'a> = &'a [(&'a str, &'a str)];

#[cfg(feature = "signing")]
/// A private key of RFC 8037, appendix A.1, in PKCS#8.
const PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

#[cfg(feature = "signing")]
#[test]
fn with_a_secret_and_a_key_file_the_key_signs_unless_it_is_said_that_the_secret_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.pem");
    std::fs::write(&path, PEM).unwrap();
    let file = ("ACCESS_TOKEN_KEY_FILE", path.to_str().unwrap());
    let secret = ("ACCESS_TOKEN_SECRET", GOOD);
    let by = |text: &'static str| ("ACCESS_TOKEN_SIGNED_BY", text);
    let read = |pairs: Pairs<'_>| {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let settings = Settings::new(&environment);
        let ring = access_keys(&settings);
        settings.into_result(ring)
    };
    let good: [(Pairs<'_>, &[&str]); 5] = [
        (&[secret], &["HS256"]),
        (&[secret, by("secret")], &["HS256"]),
        (&[file, by("key")], &["EdDSA"]),
        (&[file, secret], &["EdDSA", "HS256"]),
        (&[file, secret, by("secret")], &["HS256", "EdDSA"]),
    ];
    for (pairs, expected) in good {
        let ring = read(pairs).unwrap();
        let algorithms: Vec<&str> = ring.verifying_keys().names().map(|name| name.alg).collect();
        assert_eq!((ring.signing_key_name().alg, algorithms.as_slice()), (expected[0], expected));
    }
    let bad: [(Pairs<'_>, &str); 3] = [
        (&[file, by("secret")], "ACCESS_TOKEN_SECRET is not set"),
        (&[secret, by("key")], "ACCESS_TOKEN_SIGNED_BY is key, and ACCESS_TOKEN_KEY_FILE is not set"),
        (&[file, secret, by("both")], "ACCESS_TOKEN_SIGNED_BY is \"both\"; it must be key or secret"),
    ];
    for (pairs, expected) in bad {
        let errors = read(pairs).unwrap_err().to_string();
        assert!(errors.contains(expected), "{errors}");
    }
}

/// CK-08
#[test]
fn an_invalid_origin_is_reported_once_however_often_the_origins_are_read() {
    let environment = Environment::from_pairs([("CORS_ORIGINS", "null, https://a.example/")]);
    let settings = Settings::new(&environment);
    assert_eq!((cors_origins(&settings), cors_origins(&settings)), (None, None));
    let SettingErrors(errors) = settings.into_result(None::<()>).unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().all(|error| error.variable == "CORS_ORIGINS"));
}

/// CK-01, CK-08
#[test]
fn settings_of_cookies_are_checked_against_the_issuer() {
    let https = ("ISSUER", "https://login.example.com");
    let table: [(&[(&str, &str)], &str); 9] = [
        (&[("CORS_ORIGINS", "null")], "CORS_ORIGINS contains null, which every sandboxed page has"),
        (&[("CORS_ORIGINS", "*")], "CORS_ORIGINS contains *, which is every page"),
        (
            &[("CORS_ORIGINS", "https://a.example,https://b.example/")],
            "CORS_ORIGINS contains \"https://b.example/\"; browsers send this origin as https://b.example",
        ),
        (&[("SESSION_COOKIE_DOMAIN", "example.com")], "SESSION_COOKIE_DOMAIN needs an https ISSUER"),
        (
            &[https, ("SESSION_COOKIE_DOMAIN", "example.org")],
            "SESSION_COOKIE_DOMAIN is \"example.org\"; login.example.com, the host of ISSUER, is not in that domain",
        ),
        (&[("SESSION_COOKIE_NAME", "a b")], "SESSION_COOKIE_NAME is \"a b\"; a name has 1 to 64 letters"),
        (&[("SESSION_COOKIE_NAME", "refresh")], "SESSION_COOKIE_NAME is \"refresh\", which is the cookie of"),
        (
            &[https, ("SESSION_COOKIE_NAME", "__Secure-app")],
            "SESSION_COOKIE_NAME is \"__Secure-app\"; without SESSION_COOKIE_DOMAIN it must be __Host-app",
        ),
        (
            &[https, ("SESSION_COOKIE_DOMAIN", "example.com"), ("SESSION_COOKIE_NAME", "__Host-app")],
            "SESSION_COOKIE_NAME is \"__Host-app\"; with SESSION_COOKIE_DOMAIN it must be __Secure-app",
        ),
    ];
    let secrets =
        [("ACCESS_TOKEN_SECRET", GOOD), ("REFRESH_TOKEN_SECRET", "8e71d2c5f0a9364b8e71d2c5f0a9364b")];
    for (pairs, sentence) in table {
        let found = errors(&[&secrets, pairs].concat());
        assert!(found.len() == 1 && found[0].starts_with(sentence), "{pairs:?}: {found:?}");
    }
    let good = [
        https,
        ("SESSION_COOKIE_DOMAIN", "example.com"),
        ("SESSION_COOKIE_NAME", "app"),
        ("CORS_ORIGINS", "https://a.example"),
    ];
    let environment = Environment::from_pairs(good);
    let cookie = session_cookie(&Settings::new(&environment)).unwrap();
    let allowed_origins: Vec<_> = cookie.allowed_origins().iter().map(ToString::to_string).collect();
    assert_eq!((cookie.name(), cookie.domain()), ("__Secure-app", Some("example.com")));
    assert_eq!(allowed_origins, ["https://login.example.com", "http://localhost:3000", "https://a.example"]);
}
