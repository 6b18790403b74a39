//! A wrong configuration: all errors together, exit code 2, nothing listening.

use std::fs;
use std::process::{Command, Output};

use crate::programs::{
    ACCESS_TOKEN_SECRET, Database, FEED_SECRET, Running, Server, api_server, auth_server, program,
};

fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A program, variables with errors, and the variables that the errors then name.
type BadConfiguration = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const ERRORS: [BadConfiguration; 2] = [
    (
        "auth-server",
        &[
            ("ISSUER", "http://example.com"),
            ("ACCESS_TOKEN_SECRET", "changeme"),
            ("DATABASE_URL", "oracle://x"),
            ("ACCESS_TOKEN_TTL", "1d"),
        ],
        &["ISSUER", "ACCESS_TOKEN_SECRET", "REFRESH_TOKEN_SECRET", "DATABASE_URL", "ACCESS_TOKEN_TTL"],
    ),
    (
        "api-server",
        &[
            ("ACCESS_TOKEN_SECRET", "changeme"),
            ("AUDIENCE", "a b"),
            ("CLOCK_LEEWAY", "1h"),
            ("API_SERVER_ADDR", "3000"),
            ("PHOTOS_DIR", "/dev/null/photos"),
            ("LOG_FORMAT", "xml"),
            ("RUST_LOG", "loud"),
            ("AUTH_SERVER_URL", "nonsense"),
            ("AUTH_SERVER_CA_FILE", "/nowhere/at/all"),
            ("REVOCATION_MAX_STALENESS", "soon"),
            ("ON_STALE", "panic"),
            ("VERIFIED_CACHE_ENTRIES", "some"),
            ("METRICS_ADDR", "9300"),
        ],
        &[
            "ACCESS_TOKEN_SECRET",
            "FEED_SECRET",
            "AUTH_SERVER_URL",
            "AUTH_SERVER_CA_FILE",
            "REVOCATION_MAX_STALENESS",
            "ON_STALE",
            "VERIFIED_CACHE_ENTRIES",
            "METRICS_ADDR",
            "AUDIENCE",
            "CLOCK_LEEWAY",
            "API_SERVER_ADDR",
            "PHOTOS_DIR",
            "LOG_FORMAT",
            "RUST_LOG",
        ],
    ),
];

/// JV-23, OP-04
#[test]
fn every_error_is_named_at_once_and_nothing_listens() {
    for (name, variables, variables_named) in ERRORS {
        let mut command = program(name);
        command.envs(variables.iter().copied()).current_dir(std::env::temp_dir());
        let output = run(command);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(!stderr(&output).contains("listens"));
        for variable in variables_named {
            assert!(
                stderr(&output).contains(&format!("\n  {variable} ")),
                "{name} does not name {variable}:\n{}",
                stderr(&output)
            );
        }
    }
}

#[test]
fn one_secret_for_two_purposes_is_refused() {
    let database = Database::sqlite();
    let mut command = auth_server(&database.url());
    command.env("REFRESH_TOKEN_SECRET", ACCESS_TOKEN_SECRET);
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("REFRESH_TOKEN_SECRET is identical to ACCESS_TOKEN_SECRET"),
        "{}",
        stderr(&output)
    );
    assert!(!stderr(&output).contains(ACCESS_TOKEN_SECRET));
}

#[test]
fn a_taken_port_is_a_clear_sentence() {
    let database = Database::sqlite();
    let first = Server::start(api_server());
    let address = first.url.trim_start_matches("http://");
    let mut api = api_server();
    api.env("API_SERVER_ADDR", address);
    let mut auth = auth_server(&database.url());
    auth.env("AUTH_SERVER_ADDR", address);
    for command in [api, auth] {
        let output = run(command);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains(&format!("the address {address} is in use")), "{}", stderr(&output));
        assert!(!stderr(&output).contains("panicked"));
    }
}

#[test]
fn all_taken_ports_are_reported_together() {
    let database = Database::sqlite();
    let taken = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let [server, metrics] = taken.each_ref().map(|taken| taken.local_addr().unwrap().to_string());
    for (mut command, variable) in
        [(api_server(), "API_SERVER_ADDR"), (auth_server(&database.url()), "AUTH_SERVER_ADDR")]
    {
        command.env(variable, &server).env("METRICS_ADDR", &metrics);
        let output = run(command);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        for (address, variable) in [(&server, variable), (&metrics, "METRICS_ADDR")] {
            let named = stderr(&output).lines().any(|line| line.contains(address) && line.contains(variable));
            assert!(named, "{address} {variable}: {}", stderr(&output));
        }
    }
}

#[test]
fn an_unknown_variable_in_dotenv_is_warned_of_once_with_the_name_that_was_meant() {
    let (folder, database) = (tempfile::tempdir().unwrap(), Database::sqlite());
    let dotenv =
        "REGISTRAION=closed\nCOLOUR=red\nPOSTGRES_PASSWORD=x\nON_STALE=refuse\nCOMPOSE_PROJECT_NAME=x\n";
    fs::write(folder.path().join(".env"), dotenv).unwrap();
    for mut command in [api_server(), auth_server(&database.url())] {
        command.env("REGISTRATOIN", "of another program").current_dir(folder.path());
        let mut running = Running::start(command);
        running.wait_for(" listens on ");
        let output = running.output();
        let warnings: Vec<&str> =
            output.lines().filter(|line| line.contains("unknown variable in .env")).collect();
        assert_eq!(warnings.len(), 2, "{output}");
        assert!(warnings[0].contains("COLOUR") && !warnings[0].contains("did you mean"), "{output}");
        assert!(
            warnings[1].contains("REGISTRAION") && warnings[1].contains("did you mean REGISTRATION?"),
            "{output}"
        );
    }
}

#[test]
fn a_secret_may_come_from_a_file_and_settings_from_dotenv() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("access-token-secret");
    fs::write(&secret, format!("{ACCESS_TOKEN_SECRET}\n")).unwrap();
    fs::write(folder.path().join(".env"), "API_SERVER_ADDR=127.0.0.1:0\nLOG_FORMAT=json\n").unwrap();
    let mut command = program("api-server");
    command
        .env("ACCESS_TOKEN_SECRET_FILE", &secret)
        .env("FEED_SECRET", FEED_SECRET)
        .current_dir(folder.path());
    let mut running = Running::start(command);
    running.wait_for("api-server listens on ");
    let output = running.output();
    assert!(output.starts_with('{'), "LOG_FORMAT of .env counts: {output}");

    fs::write(folder.path().join(".env"), "ACCESS_TOKEN_SECRET='unfinished\n").unwrap();
    let mut command = program("api-server");
    command.current_dir(folder.path());
    let output = run(command);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("line 1 of .env is not") && !stderr(&output).contains("unfinished"),
        "{}",
        stderr(&output)
    );
}
