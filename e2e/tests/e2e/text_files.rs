//! `.env` and files of secrets as other systems write them, with the real programs: read as meant, or rejected with the
//! remedy. And the warnings about files and networks that let everyone in.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::programs::{ACCESS_TOKEN_SECRET, Database, Running, api_server, auth_server};

/// What a server prints until it listens.
fn started(command: Command) -> String {
    let mut running = Running::start(command);
    running.wait_for(" listens on ");
    running.output()
}

/// What a server prints that does not start because of its configuration.
fn refused(mut command: Command) -> String {
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{printed}");
    printed
}

#[test]
fn dotenv_with_a_byte_order_mark_is_read_and_in_utf_16_refused_with_the_remedy() {
    let (folder, database) = (tempfile::tempdir().unwrap(), Database::sqlite());
    let text = "ISSUER=https://login.example.com\r\nREGISTRATION=closed\r\n";
    let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let command = || {
        let mut command = auth_server(&database.url());
        command.current_dir(folder.path());
        command
    };
    let file = folder.path().join(".env");
    fs::write(&file, format!("\u{feff}{text}")).unwrap();
    let output = started(command());
    assert!(output.contains("https://login.example.com") && output.contains("closed"), "{output}");
    for bytes in [
        [b"\xff\xfe".to_vec(), utf16(u16::to_le_bytes)].concat(),
        [b"\xfe\xff".to_vec(), utf16(u16::to_be_bytes)].concat(),
        utf16(u16::to_le_bytes),
    ] {
        fs::write(&file, bytes).unwrap();
        let mut api = api_server();
        api.current_dir(folder.path());
        for command in [command(), api] {
            let printed = refused(command);
            let sentence = ".env is encoded as UTF-16; save it as UTF-8 without a byte order mark";
            assert!(printed.contains(sentence), "{printed}");
        }
    }
}

#[test]
fn a_reference_in_dotenv_has_the_whole_name_and_a_lone_dollar_sign_is_refused() {
    let (folder, database) = (tempfile::tempdir().unwrap(), Database::sqlite());
    let command = || {
        let mut command = auth_server(&database.url());
        command.current_dir(folder.path());
        command
    };
    let file = folder.path().join(".env");
    fs::write(&file, "COMPOSE_A_B=login\nISSUER=https://$COMPOSE_A_B.example\n").unwrap();
    let output = started(command());
    assert!(output.contains("https://login.example"), "{output}");
    fs::write(&file, "# Not yet:\nPOSTGRES_PASSWORD=hun$ter2\n").unwrap();
    let printed = refused(command());
    assert!(printed.contains("line 2 of .env refers with $ to a variable that is not set"), "{printed}");
    assert!(printed.contains("write ${NAME} for a variable, and \\$ for the sign itself"), "{printed}");
    assert!(!printed.contains("ter2"), "{printed}");
}

#[test]
fn a_secret_file_of_windows_is_the_same_secret() {
    let (folder, database) = (tempfile::tempdir().unwrap(), Database::sqlite());
    let file = folder.path().join("secret");
    let kids = ["", "\n", "\r\n"].map(|ending| {
        fs::write(&file, format!("{ACCESS_TOKEN_SECRET}{ending}")).unwrap();
        let mut command = auth_server(&database.url());
        command.env_remove("ACCESS_TOKEN_SECRET").env("ACCESS_TOKEN_SECRET_FILE", &file);
        let output = started(command);
        let (_, kid) = output.split_once("kid=").unwrap_or_else(|| panic!("{output}"));
        kid.split_whitespace().next().unwrap().to_owned()
    });
    assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    fs::write(&file, format!("\u{feff}{ACCESS_TOKEN_SECRET}\r\n")).unwrap();
    let mut command = auth_server(&database.url());
    command.env_remove("ACCESS_TOKEN_SECRET").env("ACCESS_TOKEN_SECRET_FILE", &file);
    let printed = refused(command);
    assert!(printed.contains("begins with a byte order mark; save it as UTF-8 without"), "{printed}");
    assert!(!printed.contains(ACCESS_TOKEN_SECRET), "{printed}");
}

#[test]
fn files_of_secrets_that_every_user_can_read_are_warned_about() {
    let (folder, database) = (tempfile::tempdir().unwrap(), Database::sqlite());
    let (dotenv, secret) = (folder.path().join(".env"), folder.path().join("secret"));
    fs::write(&dotenv, "REGISTRATION=closed\n").unwrap();
    fs::write(&secret, ACCESS_TOKEN_SECRET).unwrap();
    for (mode, warned) in [(0o600, false), (0o640, false), (0o644, true)] {
        for file in [&dotenv, &secret] {
            fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
        }
        let mut command = auth_server(&database.url());
        command.env_remove("ACCESS_TOKEN_SECRET").env("ACCESS_TOKEN_SECRET_FILE", &secret);
        command.current_dir(folder.path());
        let output = started(command);
        for sentence in
            ["can read .env, which may have secrets; `chmod 600 .env`", "can read this file; `chmod 600` it"]
        {
            assert_eq!(output.contains(sentence), warned, "{mode:o}: {output}");
        }
        assert_eq!(output.contains("ACCESS_TOKEN_SECRET_FILE"), warned, "{output}");
    }
}

#[test]
fn trusted_proxies_that_are_every_address_and_files_that_are_not_read_are_warned_about() {
    let database = Database::sqlite();
    for (proxies, warned) in [
        ("0.0.0.0/1,128.0.0.0/1", "every IPv4 address is trusted"),
        ("::/1,8000::/1", "every IPv6 address is trusted"),
    ] {
        let mut command = auth_server(&database.url());
        command.env("TRUSTED_PROXIES", proxies).env("ISSUER_FILE", "/etc/issuer");
        let output = started(command);
        assert!(output.contains(warned) && output.contains("TRUSTED_PROXIES"), "{output}");
        assert!(
            output.contains("ISSUER_FILE") && output.contains("only secrets and DATABASE_URL"),
            "{output}"
        );
    }
    let mut command = auth_server(&database.url());
    command.env("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8");
    assert!(!started(command).contains("address is trusted"));
}
