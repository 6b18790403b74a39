//! `auth-server token inspect` and `auth-server check`.

use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::operating::printed;
use crate::programs::{Database, EMAIL, Server, auth_server, program, run};

/// auth-server in an empty folder, with no setting at all.
fn without_configuration(folder: &std::path::Path) -> Command {
    let mut command = program("auth-server");
    command.current_dir(folder);
    command
}

fn with(url: &str, name: &str, value: &str) -> Command {
    let mut command = auth_server(url);
    command.env(name, value);
    command
}

fn inspect(command: Command, arguments: &[&str], input: &str) -> Output {
    run(command, &[&["token", "inspect"], arguments].concat(), input)
}

/// The output without the lines that say how long ago a time was.
fn without_times(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.ends_with(" ago)")).collect()
}

fn inspect_json(command: Command, token: &str) -> Value {
    serde_json::from_slice(&inspect(command, &["--json", token], "").stdout).unwrap()
}

#[tokio::test]
async fn a_token_is_decoded_verified_and_looked_up() {
    let database = Database::sqlite();
    let url = database.url();
    let auth = Server::start(auth_server(&url));
    auth.register().await;
    let (access, refresh) = auth.sign_in().await;
    for (token, kind) in [(&access, "This is an access token."), (&refresh, "This is a refresh token.")] {
        let plain = inspect(auth_server(&url), &[token], "");
        let text = printed(&plain);
        assert!(plain.status.success() && text.contains(kind), "{text}");
        assert!(text.contains("It is valid with this configuration.\nIts session is live."), "{text}");
        for (arguments, input) in [
            (&["-"][..], format!("{token}\n")),
            (&[], format!("Bearer {token}\n")),
            (&["Bearer", token], String::new()),
            (&[&format!("bearer {token}")], String::new()),
            (&[], format!("Authorization: Bearer {token}\n")),
        ] {
            let same = printed(&inspect(auth_server(&url), arguments, &input));
            assert_eq!(without_times(&same), without_times(&text), "{arguments:?}");
        }
    }
    assert!(printed(&inspect(auth_server(&url), &[&access], "")).contains("in 14 minutes"));

    let other_secret = "5f2a9c4be1d078365f2a9c4be1d07836-other";
    for (command, reason) in [
        (with(&url, "ISSUER", "https://login.example.com"), "(iss)"),
        (with(&url, "AUDIENCE", "https://api.example.com"), "(aud)"),
        (with(&url, "ACCESS_TOKEN_SECRET", other_secret), "kid"),
    ] {
        let rejected = inspect(command, &[&access], "");
        assert_eq!(rejected.status.code(), Some(1));
        let text = printed(&rejected);
        assert!(text.contains("It would be rejected: ") && text.contains(reason), "{text}");
    }
    let json = inspect_json(with(&url, "ISSUER", "https://login.example.com"), &access);
    assert_eq!((json["accepted"].as_bool(), json["claims"]["email"].as_str()), (Some(false), Some(EMAIL)));
    assert_eq!(json["session_live"], true);
    for (nonsense, sentence) in [("nonsense", "this is not a token"), ("", "give a token")] {
        let output = inspect(auth_server(&url), &["-"], nonsense);
        assert!(
            output.status.code() == Some(1) && printed(&output).contains(sentence),
            "{}",
            printed(&output)
        );
    }
}

#[tokio::test]
async fn a_token_is_rejected_once_it_is_revoked_replaced_or_its_session_ends() {
    let database = Database::sqlite();
    let url = database.url();
    let auth = Server::start(auth_server(&url));
    auth.register().await;
    let rejected = |token: &str, reason: &str| {
        let output = inspect(auth_server(&url), &[token], "");
        assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
        let sentence = format!("It would be rejected: {reason}");
        assert!(printed(&output).contains(&sentence), "{sentence}: {}", printed(&output));
        let json = inspect_json(auth_server(&url), token);
        assert_eq!((json["accepted"].as_bool(), json["session_live"].as_bool()), (Some(false), Some(false)));
    };
    let (access, refresh) = auth.sign_in().await;
    let revoked = run(auth_server(&url), &["token", "revoke"], &access);
    assert!(revoked.status.success(), "{}", printed(&revoked));
    rejected(&access, "it was revoked by its id (jti)");
    let mut newest = refresh.clone();
    for _ in 0..2 {
        let body = serde_json::json!({ "refresh_token": newest });
        let tokens: Value = auth.post("/token", &body).await.json().await.unwrap();
        newest = tokens["refresh_token"].as_str().unwrap().to_owned();
    }
    rejected(&refresh, "it was replaced by newer refresh tokens");
    assert!(inspect(auth_server(&url), &[&newest], "").status.success());
    assert!(run(auth_server(&url), &["user", "disable", EMAIL], "").status.success());
    rejected(&newest, "its session has ended");
}

#[tokio::test]
async fn a_token_is_decoded_without_any_configuration() {
    let database = Database::sqlite();
    let auth = Server::start(auth_server(&database.url()));
    auth.register().await;
    let (access, _) = auth.sign_in().await;
    let folder = tempfile::tempdir().unwrap();
    let output = inspect(without_configuration(folder.path()), &[&access], "");
    let text = printed(&output);
    assert!(output.status.success() && text.contains(EMAIL), "{text}");
    assert!(text.contains("It was not verified: no key for it is configured."), "{text}");
    assert!(text.contains("does not exist"), "{text}");
    let json = inspect_json(without_configuration(folder.path()), &access);
    assert_eq!((&json["accepted"], &json["session_live"]), (&Value::Null, &Value::Null));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no database was created");

    let mut wrong = without_configuration(folder.path());
    wrong.env("ACCESS_TOKEN_SECRET", "short");
    let output = inspect(wrong, &[&access], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        printed(&output).contains(EMAIL) && printed(&output).contains("ACCESS_TOKEN_SECRET"),
        "{}",
        printed(&output)
    );
}

#[tokio::test]
async fn check_reports_the_configuration_the_database_and_the_keys_and_changes_nothing() {
    let database = Database::sqlite();
    let Database::Sqlite(folder) = &database else { panic!() };
    let url = database.url();
    let check = |command: Command, code: i32, sentences: &[&str]| {
        let output = run(command, &["check"], "");
        for sentence in sentences {
            assert!(printed(&output).contains(sentence), "{sentence}: {}", printed(&output));
        }
        assert_eq!(output.status.code(), Some(code), "{}", printed(&output));
    };
    check(auth_server(&url), 0, &["no errors", "does not exist yet; the server creates it", "(HS256) signs"]);
    check(
        with(&url, "AUTO_MIGRATE", "off"),
        1,
        &["no errors", "does not exist yet; run `auth-server migrate`"],
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no database was created");
    std::fs::write(folder.path().join("goptri.db"), "").unwrap();
    check(auth_server(&url), 0, &["lacks migrations; the server migrates it at start"]);
    check(with(&url, "AUTO_MIGRATE", "off"), 1, &["lacks migrations; run `auth-server migrate`"]);
    assert!(run(auth_server(&url), &["migrate"], "").status.success());
    check(with(&url, "AUTO_MIGRATE", "off"), 0, &["is reachable, migrated and writable"]);

    let mut wrong = with(&url, "ISSUER", "login.example.com");
    wrong.env("ACCESS_TOKEN_TTL", "1d").env_remove("ACCESS_TOKEN_SECRET");
    let sentences = ["3 settings wrong", "\n  ISSUER ", "\n  ACCESS_TOKEN_TTL ", "\n  ACCESS_TOKEN_SECRET "];
    check(wrong, 2, &[&sentences[..], &["is reachable, migrated and writable", "none can sign"]].concat());
    let json = run(with(&url, "ISSUER", "login.example.com"), &["check", "--json"], "");
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&json["ok"], &json["database"]["ok"], &json["keys"]["ok"]),
        (&false.into(), &true.into(), &true.into())
    );
    assert_eq!(json["configuration"]["errors"][0]["variable"], "ISSUER");
}

#[test]
fn a_database_that_is_away_is_named_within_five_seconds() {
    let unreachable = [
        // Refuses connections.
        "postgres://goptri:hunter2-secret@127.0.0.1:1/goptri",
        // Accepts connections and never answers.
        &silent_database(),
    ]
    .map(str::to_owned);
    let commands = ["user list", "session end ann@example.com --all", "migrate", "sweep", "check"];
    thread::scope(|scope| {
        for url in &unreachable {
            for command in commands {
                scope.spawn(move || fails_soon(url, command));
            }
        }
    });
}

fn fails_soon(url: &str, command: &str) {
    let arguments: Vec<&str> = command.split(' ').collect();
    let started = Instant::now();
    let output = run(auth_server(url), &arguments, "");
    assert!(started.elapsed() < Duration::from_secs(5), "{command}: {:?}", started.elapsed());
    assert_eq!(output.status.code(), Some(1), "{command}: {}", printed(&output));
    let place = url.rsplit('@').next().unwrap().split('/').next().unwrap();
    let names_it = !matches!(command, "user list" | "check") || printed(&output).contains(place);
    assert!(names_it, "{command}: {}", printed(&output));
    assert!(!printed(&output).contains("hunter2-secret"), "{}", printed(&output));
}

/// The URL of a listener that accepts and says nothing, for as long as the process lives.
fn silent_database() -> String {
    let listener = Box::leak(Box::new(std::net::TcpListener::bind("127.0.0.1:0").unwrap()));
    format!("postgres://goptri:hunter2-secret@{}/goptri", listener.local_addr().unwrap())
}
