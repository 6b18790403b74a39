//! When the real servers refuse to speak plain HTTP.

use crate::programs::{Database, Running, api_server, auth_server};

/// The errors of a start with these variables, or nothing if the server listens.
fn refusals(variables: &[(&str, &str)]) -> Vec<String> {
    let database = Database::sqlite();
    let commands = [auth_server(&database.url()), api_server()];
    let started = commands.map(|mut command| {
        command.envs(variables.iter().copied());
        let mut running = Running::start(command);
        loop {
            if running.output().contains("listens on ") {
                return String::new();
            }
            if let Some(status) = running.child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(2), "{}", running.output());
                return running.whole_output();
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    started.to_vec()
}

/// OP-04
#[test]
fn with_an_https_issuer_plain_http_from_other_machines_needs_a_proxy() {
    let (issuer, every) = (("ISSUER", "https://login.example.com"), "0.0.0.0:0");
    let exposed = [issuer, ("AUTH_SERVER_ADDR", every), ("API_SERVER_ADDR", every)];
    for refused in refusals(&exposed) {
        let expected = "TRUSTED_PROXIES is not set, nor are TLS_CERT_FILE and TLS_KEY_FILE";
        assert!(refused.contains(expected), "{refused}");
    }
    assert_eq!(refusals(&[&exposed[..], &[("TRUSTED_PROXIES", "10.0.0.0/8")]].concat()), ["", ""]);
    assert_eq!(refusals(&[issuer]), ["", ""], "only this machine reaches them");
}

/// OP-04
#[test]
fn an_http_issuer_beyond_localhost_is_refused_even_behind_a_proxy() {
    let variables = [("ISSUER", "http://login.example.com"), ("TRUSTED_PROXIES", "127.0.0.1")];
    for refused in refusals(&variables) {
        assert!(
            refused.contains("ISSUER is \"http://login.example.com\"; plain http is for localhost only"),
            "{refused}"
        );
    }
}
