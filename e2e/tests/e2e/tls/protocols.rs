//! The protocols that the real servers speak to curl and OpenSSL.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::Site;
use crate::programs::EMAIL;

fn curl(site: &Site, arguments: &[&str]) -> Output {
    let mut command = Command::new("curl");
    command.args(["-sS", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--cacert"]);
    command.arg(site.folder.path().join("ca.pem")).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// OP-04
#[test]
fn http_2_and_1_are_negotiated_and_plain_http_is_not_spoken() {
    let site = Site::start();
    for server in [&site.auth, &site.api] {
        let url = format!("{}/healthz", server.url);
        assert_eq!(stdout(&curl(&site, &["--http2", &url])), "2 200");
        assert_eq!(stdout(&curl(&site, &["--http1.1", &url])), "1.1 200");
        assert_eq!(stdout(&curl(&site, &["--tlsv1.2", "--tls-max", "1.2", "--http2", &url])), "2 200");
        let plain = curl(&site, &[&url.replace("https://", "http://")]);
        assert!(!plain.status.success(), "{}", stdout(&plain));
    }
}

/// OP-04
#[test]
fn versions_before_tls_1_2_are_rejected() {
    let site = Site::start();
    for server in [&site.auth, &site.api] {
        let address = server.url.trim_start_matches("https://");
        let connect = |version: &str| {
            let mut command = Command::new("openssl");
            // Debian's OpenSSL offers old versions at this level only.
            command.args(["s_client", "-connect", address, version, "-cipher", "DEFAULT@SECLEVEL=0"]);
            let output = command.stdin(Stdio::null()).output().unwrap();
            (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        for version in ["-tls1", "-tls1_1"] {
            let (connected, log) = connect(version);
            assert!(!connected && log.contains("alert handshake failure"), "{version}: {log}");
        }
        for version in ["-tls1_2", "-tls1_3"] {
            let (connected, log) = connect(version);
            assert!(connected, "{version}: {log}");
        }
    }
}

#[tokio::test]
async fn api_server_follows_the_feed_over_tls() {
    let mut site = Site::start();
    site.auth.register().await;
    let (access, _) = site.auth.sign_in().await;
    site.api.running.wait_for("revocation feed");
    let me: Value = site.api.get("/me", &access).await.json().await.unwrap();
    assert_eq!(me["email"], EMAIL);
    let signed_out = site.new_client().delete(format!("{}/logout", site.auth.url)).bearer_auth(&access);
    assert_eq!(signed_out.send().await.unwrap().status(), 204);
    let started = std::time::Instant::now();
    while site.api.get("/me", &access).await.status() != 401 {
        assert!(started.elapsed() < crate::programs::TIMEOUT, "{}", site.api.running.output());
    }
}
