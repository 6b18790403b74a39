//! Invalid configurations.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use api_server::Config;
use goptri_settings::Environment;
use test_support::{BadSetting, assert_sentences};

use crate::support::{environment, environment_with};

#[test]
fn every_invalid_setting_is_reported_at_once() {
    let environment = Environment::from_pairs([
        ("API_SERVER_ADDR", "x"),
        ("ACCESS_TOKEN_SECRET", "x"),
        ("ISSUER", "x"),
        ("AUDIENCE", " "),
        ("CLOCK_LEEWAY", "x"),
        ("AUTH_SERVER_URL", "http://login.example.com"),
        ("AUTH_SERVER_CA_FILE", "/dev/null"),
        ("REVOCATION_MAX_STALENESS", "1s"),
        ("ON_STALE", "x"),
        ("VERIFIED_CACHE_ENTRIES", "x"),
        ("METRICS_ADDR", "9300"),
        ("REQUEST_LOG", "yes"),
        ("PHOTOS_DIR", "/dev/null/photos"),
    ]);
    let errors = Config::from_environment(&environment).unwrap_err();
    let names: Vec<_> = errors.0.iter().map(|error| error.variable.as_str()).collect();
    assert_eq!(
        names,
        [
            "API_SERVER_ADDR",
            "FEED_SECRET",
            "ACCESS_TOKEN_SECRET",
            "ISSUER",
            "AUDIENCE",
            "CLOCK_LEEWAY",
            "VERIFIED_CACHE_ENTRIES",
            "AUTH_SERVER_URL",
            "AUTH_SERVER_CA_FILE",
            "REVOCATION_MAX_STALENESS",
            "ON_STALE",
            "METRICS_ADDR",
            "REQUEST_LOG",
            "PHOTOS_DIR"
        ]
    );
}

#[test]
fn a_missing_feed_secret_and_metrics_on_the_servers_own_port_say_what_to_do() {
    for (server, metrics, overlap) in [
        ("127.0.0.1:3000", "127.0.0.1:3000", true),
        ("127.0.0.1:3000", "0.0.0.0:3000", true),
        ("[::]:3000", "127.0.0.1:3000", true),
        ("127.0.0.1:3000", "127.0.0.1:3001", false),
        ("127.0.0.1:3000", "127.0.0.2:3000", false),
        ("127.0.0.1:0", "127.0.0.1:0", false),
    ] {
        let environment = Environment::from_pairs([("API_SERVER_ADDR", server), ("METRICS_ADDR", metrics)]);
        let errors = Config::from_environment(&environment).unwrap_err().to_string();
        let sentence =
            format!("METRICS_ADDR is {metrics:?}, where this server itself listens; choose another port");
        assert_eq!(errors.contains(&sentence), overlap, "{errors}");
        assert!(errors.contains("FEED_SECRET is not set: copy it from auth-server's .env"), "{errors}");
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_reported_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let (file, linked) = (folder.path().join("file"), folder.path().join("linked"));
    fs::write(&file, "").unwrap();
    fs::create_dir(&linked).unwrap();
    symlink("/", linked.join(".unfinished")).unwrap();
    for (what, path) in [
        ("a file", file.as_path()),
        ("below a file", &file.join("photos")),
        ("where no folder can be created", Path::new("/proc")),
        ("one whose uploads would go elsewhere", &linked),
    ] {
        let errors = Config::from_environment(&environment(path)).expect_err(what).0;
        let [error] = errors.as_slice() else { panic!("{what}: {errors:?}") };
        assert_eq!(error.variable, "PHOTOS_DIR", "{what}");
        let expected = format!("names the folder {path:?}, which cannot be used: ");
        assert!(error.problem.starts_with(&expected), "{what}: {}", error.problem);
    }
    Config::from_environment(&environment(&folder.path().join("made/on/the/way"))).unwrap();
}

const TABLE: [BadSetting<'_>; 25] = [
    (
        &[("API_SERVER_ADDR", "3000")],
        "API_SERVER_ADDR is \"3000\"; it must be an IP address and a port, such as 127.0.0.1:3000",
    ),
    (
        &[("METRICS_ADDR", "9301")],
        "METRICS_ADDR is \"9301\"; it must be an IP address and a port, such as 127.0.0.1:9300",
    ),
    (&[("REQUEST_LOG", "yes")], "REQUEST_LOG is \"yes\"; it must be on or off"),
    (
        &[("ISSUER", "login.example.com")],
        "ISSUER is \"login.example.com\", which has no scheme; write https://login.example.com",
    ),
    (&[("AUDIENCE", "a b")], "AUDIENCE is \"a b\"; it must be one name without white space"),
    (&[("CLOCK_LEEWAY", "1h")], "CLOCK_LEEWAY is more than 5m, the most that is safe"),
    (
        &[("AUTH_SERVER_URL", "http://login.example.com")],
        "AUTH_SERVER_URL is \"http://login.example.com\"; plain http is for private networks only, use https",
    ),
    (
        &[("AUTH_SERVER_URL", "https://ann:hunter2-5f2a9c4be1d07836@login.example.com")],
        "AUTH_SERVER_URL is a URL with a user or a password in it; leave them out",
    ),
    (
        &[("AUTH_SERVER_URL", "nonsense")],
        "AUTH_SERVER_URL is \"nonsense\", which has no scheme; write https://nonsense",
    ),
    (
        &[("AUTH_SERVER_CA_FILE", "/nowhere/at/all")],
        "AUTH_SERVER_CA_FILE names the file \"/nowhere/at/all\", which cannot be read: No such file or directory (os error 2)",
    ),
    (
        &[("AUTH_SERVER_CA_FILE", "/dev/null")],
        "AUTH_SERVER_CA_FILE names the file \"/dev/null\", which has no certificates in PEM",
    ),
    (
        &[("AUTH_SERVER_CA_FILE", "/")],
        "AUTH_SERVER_CA_FILE names the file \"/\", which cannot be read: Is a directory (os error 21)",
    ),
    (
        &[("REVOCATION_MAX_STALENESS", "5s")],
        "REVOCATION_MAX_STALENESS must be longer than 5s, the time between two heartbeats of the feed",
    ),
    (
        &[("REVOCATION_MAX_STALENESS", "soon")],
        "REVOCATION_MAX_STALENESS is \"soon\"; a duration is written like 30s, 15m, 1h or 7d",
    ),
    (&[("ON_STALE", "panic")], "ON_STALE is \"panic\"; it must be allow or refuse"),
    (
        &[("VERIFIED_CACHE_ENTRIES", "some")],
        "VERIFIED_CACHE_ENTRIES is \"some\"; it must be a number of access tokens, 0 for none",
    ),
    (
        &[("VERIFIED_CACHE_ENTRIES", "10000001")],
        "VERIFIED_CACHE_ENTRIES is more than 10000000, which take some ten gigabytes",
    ),
    (
        &[("PHOTOS_DIR", "/dev/null/photos")],
        "PHOTOS_DIR names the folder \"/dev/null/photos\", which cannot be used: Not a directory (os error 20)",
    ),
    (
        &[("PHOTOS_DIR", "photos\r")],
        "PHOTOS_DIR ends with a carriage return; save the file that it comes from with LF line endings",
    ),
    (&[("PHOTOS_DIR", "ph\u{fffd}tos")], "PHOTOS_DIR is not encoded as UTF-8"),
    (
        &[("ACCESS_TOKEN_SECRET", "hunter2-5f2a9c4be1d07836")],
        "ACCESS_TOKEN_SECRET is 24 bytes long; it needs at least 32. `auth-server secrets` prints good ones",
    ),
    (
        &[("ACCESS_TOKEN_SECRET", "\u{feff}hunter2-5f2a9c4be1d07836hunter2-5f2a9c4be1d07836")],
        "ACCESS_TOKEN_SECRET begins with a byte order mark; save the file that it comes from as UTF-8 without a byte order mark",
    ),
    (&[("FEED_SECRET", "")], "FEED_SECRET is not set: copy it from auth-server's .env"),
    (
        &[("FEED_SECRET", ""), ("FEED_SECRET_FILE", "/")],
        "FEED_SECRET_FILE names the file \"/\", which cannot be read: Is a directory (os error 21)",
    ),
    (&[("FEED_SECRET_FILE", "/")], "FEED_SECRET and FEED_SECRET_FILE are both set; set only one of them"),
];

#[test]
fn each_bad_setting_has_its_sentence_without_any_part_of_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    assert_sentences(&TABLE, |variables| {
        Config::from_environment(&environment_with(folder.path(), variables)).map(|_| ())
    });
}
