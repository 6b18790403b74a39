//! `auth-server key generate` and `key list`, and their errors.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output};

use goptri::token::UnverifiedJws;
use serde_json::Value;

use crate::operating::printed;
use crate::programs::{Database, Running, Server, auth_server, program, run};

fn generate(arguments: &[&str], file: &Path) -> Output {
    run(program("auth-server"), &[&["key", "generate"], arguments, &[file.to_str().unwrap()]].concat(), "")
}

fn with_keys(file: &Path) -> Command {
    let mut command = program("auth-server");
    command.env("ACCESS_TOKEN_KEY_FILE", file);
    command
}

/// The keys of a configuration, each with its algorithm, and whether it signs.
fn listed(command: Command) -> Vec<(String, String, bool)> {
    let output = run(command, &["key", "list", "--json"], "");
    assert!(output.status.success(), "{}", printed(&output));
    let keys: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    keys.iter().map(|key| (text(key, "kid"), text(key, "alg"), key["signs"].as_bool().unwrap())).collect()
}

/// What OpenSSL says of a private key.
fn openssl(file: &Path) -> String {
    let arguments = ["pkey", "-noout", "-text", "-in", file.to_str().unwrap()];
    printed(&Command::new("openssl").args(arguments).output().unwrap())
}

#[tokio::test]
async fn a_key_of_each_type_is_written_for_its_owner_alone_and_signs() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, alg, in_openssl) in [
        (&[][..], "ES256", "ASN1 OID: prime256v1"),
        (&["--type", "ed25519"], "EdDSA", "ED25519 Private-Key"),
        (&["--type", "p256"], "ES256", "ASN1 OID: prime256v1"),
        (&["--type", "rsa3072"], "RS256", "Private-Key: (3072 bit"),
    ] {
        let file = folder.path().join(format!("{}.pem", arguments.join("")));
        let output = generate(arguments, &file);
        assert!(output.status.success(), "{}", printed(&output));
        let keys = listed(with_keys(&file));
        let [(kid, algorithm, true)] = keys.as_slice() else { panic!("{keys:?}") };
        assert_eq!(algorithm, alg);
        let sentence = format!("Wrote the {alg} key {kid} to {}", file.display());
        assert!(printed(&output).starts_with(&sentence), "{}", printed(&output));
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert!(openssl(&file).contains(in_openssl), "{}", openssl(&file));

        let database = Database::sqlite();
        let mut command = auth_server(&database.url());
        command.env("ACCESS_TOKEN_KEY_FILE", &file).env_remove("ACCESS_TOKEN_SECRET");
        let mut auth = Server::start(command);
        auth.register().await;
        let (access, _) = auth.sign_in().await;
        let header = UnverifiedJws::parse(&access).unwrap().header_json().to_owned();
        assert!(header.contains(kid) && header.contains(alg), "{header}");
        assert_eq!(auth.get("/sessions", &access).await.status(), 200);
        auth.running.signal("TERM");
        assert!(!auth.running.whole_output().contains("every user of this machine can read"));
    }
}

#[test]
fn a_file_that_is_there_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.pem");
    assert!(generate(&[], &file).status.success());
    let key = fs::read(&file).unwrap();
    for (path, sentence) in [
        (file.as_path(), "it already exists. Name a new file; docs/rotating-keys.md explains how"),
        (folder.path(), "it already exists"),
        (&folder.path().join("none/keys.pem"), "No such file or directory"),
    ] {
        let refused = generate(&[], path);
        assert_eq!(refused.status.code(), Some(1));
        assert!(printed(&refused).contains(sentence), "{}", printed(&refused));
    }
    assert_eq!(fs::read(&file).unwrap(), key);
    let unknown = generate(&["--type", "dsa"], &folder.path().join("dsa.pem"));
    assert!(!unknown.status.success() && printed(&unknown).contains("p256, ed25519, rsa3072"));
}

#[test]
fn the_list_says_which_of_several_keys_signs() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one.pem"), folder.path().join("other.pem"));
    assert!(
        generate(&["--type", "ed25519"], &one).status.success() && generate(&[], &other).status.success()
    );
    let both = folder.path().join("both.pem");
    fs::write(&both, format!("{}{}", fs::read_to_string(&other).unwrap(), fs::read_to_string(&one).unwrap()))
        .unwrap();
    let mut command = with_keys(&both);
    command.env("ACCESS_TOKEN_SECRET", "access-5f2a9c4be1d078365f2a9c4be1d07836");
    let keys = listed(command);
    let facts: Vec<_> = keys.iter().map(|(_, alg, signs)| (alg.as_str(), *signs)).collect();
    assert_eq!(facts, [("ES256", true), ("EdDSA", false), ("HS256", false)]);

    let list = run(with_keys(&both), &["key", "list"], "");
    let table = String::from_utf8(list.stdout).unwrap();
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].starts_with("KEY ") && lines[0].ends_with("ALGORITHM  USE"), "{table}");
    assert!(
        lines[1].starts_with(&keys[0].0) && lines[1].ends_with("ES256      signs and verifies"),
        "{table}"
    );
    assert!(lines[2].starts_with(&keys[1].0) && lines[2].ends_with("EdDSA      verifies"), "{table}");
    assert_eq!(lines.len(), 3);
    let source = String::from_utf8(list.stderr).unwrap();
    assert_eq!(source, format!("Keys: ACCESS_TOKEN_KEY_FILE ({})\n", both.display()));

    let none = run(program("auth-server"), &["key", "list"], "");
    assert_eq!(none.status.code(), Some(2));
    assert!(printed(&none).contains("ACCESS_TOKEN_SECRET is not set"), "{}", printed(&none));
    let gone = run(with_keys(&folder.path().join("gone.pem")), &["key", "list"], "");
    assert!(gone.status.code() == Some(2) && printed(&gone).contains("ACCESS_TOKEN_KEY_FILE names the file"));
}

/// OP-03
#[test]
fn a_key_that_everybody_on_the_machine_can_read_is_used_and_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.pem");
    assert!(generate(&[], &file).status.success());
    let database = Database::sqlite();
    for (mode, warned) in [(0o644, true), (0o640, false), (0o600, false)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let mut command = auth_server(&database.url());
        command.env("ACCESS_TOKEN_KEY_FILE", &file);
        let mut running = Running::start(command);
        running.wait_for("listens on ");
        running.signal("TERM");
        let warns = running.whole_output().contains("every user of this machine can read this file");
        assert_eq!(warns, warned, "{mode:o}");
    }
}
