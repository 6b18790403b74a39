//! Invalid configurations.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use api_server::Config;
use goptri_settings::Environment;

use crate::support::environment;

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
