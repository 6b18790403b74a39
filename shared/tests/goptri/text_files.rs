//! Files of secrets, keys and certificates that other systems wrote: read as meant, or rejected with the remedy.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use goptri::Environment;
use goptri_settings::{RefreshTokenSecret, Settings};

use crate::captured_log::Log;
use crate::test_keys::{ED25519, P256};
use test_support::forge::SECRET;

/// The value of a setting, or the error as it is shown.
fn read<T>(variable: &str, value: &str, read: impl FnOnce(&Settings<'_>) -> Option<T>) -> Result<T, String> {
    let environment = Environment::from_pairs([(variable, value)]);
    let settings = Settings::new(&environment);
    let value = read(&settings);
    settings.into_result(value).map_err(|errors| errors.to_string())
}

fn secrets(settings: &Settings<'_>) -> Option<Vec<String>> {
    let (first, others) = settings.secrets::<RefreshTokenSecret>("REFRESH_TOKEN_SECRET")?;
    Some(std::iter::once(first).chain(others).map(|secret| secret.expose().to_owned()).collect())
}

type Reads = fn(&str, &str) -> Result<(), String>;

fn utf16(mark: &[u8], text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    [mark, &text.encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
}

/// A text in encodings that are rejected, each with a part of the message.
fn encodings(text: &str) -> Vec<(Vec<u8>, &'static str)> {
    vec![
        (
            format!("\u{feff}{text}").into_bytes(),
            "which begins with a byte order mark; save it as UTF-8 without",
        ),
        (utf16(b"\xff\xfe", text, u16::to_le_bytes), "which is encoded as UTF-16; save it as UTF-8 without"),
        (utf16(b"\xfe\xff", text, u16::to_be_bytes), "which is encoded as UTF-16; save it as UTF-8 without"),
        (utf16(b"", text, u16::to_le_bytes), "which is encoded as UTF-16; save it as UTF-8 without"),
        (utf16(b"", text, u16::to_be_bytes), "which is encoded as UTF-16; save it as UTF-8 without"),
        (
            format!("{text}\0").into_bytes(),
            "which has NUL bytes, so it is not text; save it as UTF-8 without",
        ),
        ([text.as_bytes(), b"\xe4"].concat(), "which is not UTF-8 text; save it as UTF-8 without"),
        ([b"\x30\x82", text.as_bytes()].concat(), "which is binary (DER); convert it to PEM"),
        (vec![b'a'; (1 << 20) + 1], "which cannot be read: it has more than 1 MiB"),
    ]
}

#[test]
fn one_line_ending_at_the_end_of_a_secret_file_is_not_part_of_the_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let path = path.to_str().unwrap();
    for (content, read_as) in [
        (SECRET.to_owned(), Ok(())),
        (format!("{SECRET}\n"), Ok(())),
        (format!("{SECRET}\r\n"), Ok(())),
        (format!("{SECRET}\n\n"), Err("contains white space or control characters")),
        (format!("{SECRET}\r\n\r\n"), Err("contains white space or control characters")),
        (format!("{SECRET}\r"), Err("contains white space or control characters")),
        (format!(" {SECRET}\n"), Err("contains white space or control characters")),
        (String::new(), Err("REFRESH_TOKEN_SECRET_FILE names the file")),
        ("\r\n".to_owned(), Err("which is empty")),
    ] {
        fs::write(path, &content).unwrap();
        match (read("REFRESH_TOKEN_SECRET_FILE", path, secrets), read_as) {
            (Ok(secrets), Ok(())) => assert_eq!(secrets, [SECRET], "{content:?}"),
            (Err(error), Err(problem)) => {
                assert!(error.contains(problem) && !error.contains(SECRET), "{content:?}: {error}");
            }
            (read, _) => panic!("{content:?}: {read:?}"),
        }
    }
}

#[test]
fn a_file_in_another_encoding_is_named_with_the_remedy_and_nothing_of_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let path = path.to_str().unwrap();
    let certificate = include_str!("test_keys/certificate.pem");
    let files: [(&str, &str, Reads); 4] = [
        ("REFRESH_TOKEN_SECRET_FILE", SECRET, |name, path| read(name, path, secrets).map(drop)),
        ("DATABASE_URL_FILE", "postgres://ann:hunter2@db/goptri", |name, path| {
            read(name, path, |settings| settings.text_or_file("DATABASE_URL", "", Ok)).map(drop)
        }),
        ("ACCESS_TOKEN_KEY_FILE", ED25519, |name, path| {
            read(name, path, goptri::settings::access_keys).map(drop)
        }),
        ("AUTH_SERVER_CA_FILE", certificate, |name, path| {
            read(name, path, goptri::settings::auth_server).map(drop)
        }),
    ];
    for (variable, text, reads) in files {
        fs::write(path, text).unwrap();
        reads(variable, path).unwrap_or_else(|error| panic!("{error}"));
        for (content, problem) in encodings(text) {
            fs::write(path, &content).unwrap();
            let error = reads(variable, path).unwrap_err();
            let sentence = format!("invalid configuration:\n  {variable} names the file {path:?}, {problem}");
            assert!(error.starts_with(&sentence), "{error}");
            let line = text.lines().nth(1).unwrap_or(text);
            assert!(
                !error.contains(line) && !error.contains("hunter2") && error.lines().count() == 2,
                "{error}"
            );
        }
        let error = reads(variable, folder.path().to_str().unwrap()).unwrap_err();
        assert!(error.contains("which cannot be read: Is a directory"), "{error}");
        let error = reads(variable, "/nowhere/at/all").unwrap_err();
        assert!(error.contains("which cannot be read: No such file"), "{error}");
        fs::write(path, "").unwrap();
        let error = reads(variable, path).unwrap_err();
        assert!(error.contains("which is empty") || error.contains("which has no certificates"), "{error}");
    }
}

#[test]
fn certificates_are_read_in_every_layout_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let certificate = include_str!("test_keys/certificate.pem");
    for layout in [
        certificate.replace('\n', "\n    "),
        certificate.replace('\n', "\\n"),
        certificate.replace('\n', "\r\n"),
    ] {
        fs::write(&path, &layout).unwrap();
        let read = read("AUTH_SERVER_CA_FILE", path.to_str().unwrap(), goptri::settings::auth_server);
        assert!(read.is_ok(), "{layout}: {:?}", read.err());
    }
}

#[test]
fn a_variable_that_came_from_such_a_file_is_refused_by_name() {
    for (variable, value, problem) in [
        ("REFRESH_TOKEN_SECRET", format!("\u{feff}{SECRET}"), "begins with a byte order mark"),
        ("REFRESH_TOKEN_SECRET", format!("{SECRET}\r"), "ends with a carriage return"),
        ("REFRESH_TOKEN_SECRET", format!("{SECRET}\u{fffd}"), "is not encoded as UTF-8"),
    ] {
        let error = read(variable, &value, secrets).unwrap_err();
        assert!(error.contains(&format!("{variable} {problem}")) && !error.contains(SECRET), "{error}");
    }
    let error = read("PHOTOS_DIR", "photos\r", |settings| {
        settings.value("PHOTOS_DIR", "", |path| Ok::<_, String>(path.to_owned()))
    });
    assert!(error.unwrap_err().contains("PHOTOS_DIR ends with a carriage return"));
}

#[test]
fn a_reference_in_dotenv_has_the_whole_name() {
    let dotenv = b"A_B=login\nISSUER=https://$A_B.example\n";
    let environment =
        Environment::from_dotenv(dotenv).unwrap_or_else(|error| panic!("not the whole name: {error}"));
    assert_eq!(environment.get("ISSUER"), Some("https://login.example"));
}

/// A certificate is public.
#[test]
fn a_secret_file_that_every_user_can_read_is_used_and_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let name = path.to_str().unwrap();
    for (mode, warned) in [(0o600, 0), (0o400, 0), (0o640, 0), (0o644, 1), (0o604, 1)] {
        for (variable, text) in [("REFRESH_TOKEN_SECRET_FILE", SECRET), ("ACCESS_TOKEN_KEY_FILE", P256)] {
            let (log, _logging) = Log::start();
            let _ = fs::remove_file(&path);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            match variable {
                "ACCESS_TOKEN_KEY_FILE" => drop(read(variable, name, goptri::settings::access_keys).unwrap()),
                _ => drop(read(variable, name, secrets).unwrap()),
            }
            let told = log.text();
            assert_eq!(
                log.times("every user of this machine can read this file; `chmod 600` it"),
                warned,
                "{told}"
            );
            assert!(warned == 0 || (told.contains(name) && told.contains(variable) && told.contains("WARN")));
            assert!(!told.contains(SECRET), "{told}");
        }
    }
}
