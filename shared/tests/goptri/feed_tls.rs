//! The feed over TLS, with certificates of the system and of `AUTH_SERVER_CA_FILE`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use goptri::Environment;
use goptri::revocation::{FeedFollower, FeedSource, RevocationSet};
use goptri_settings::Settings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::captured_log::Log;
use crate::feed_fixture::FEED_SECRET;
use test_support::TIMEOUT;

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server with a certificate for `name`, whose feed is empty.
fn serve(issuer: &CertifiedIssuer<'static, KeyPair>, name: &str) -> String {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            if stream.read(&mut [0; 4_096]).is_err() {
                continue;
            }
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: caught-up\ndata: {\"age_ms\":0,\"uptime_ms\":0}\n\n",
            );
            // Until the follower disconnects.
            let _ = stream.read(&mut [0]);
        }
    });
    url
}

#[test]
fn a_certificate_is_trusted_for_its_name_if_its_issuer_is_known() {
    let (known, unknown) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, format!("{}{}", unknown.pem().replace("CERTIFICATE", "IGNORED"), known.pem())).unwrap();
    for (what, issuer, name, with_file, reason) in [
        ("known", &known, "localhost", true, None),
        ("without the file", &known, "localhost", false, Some("UnknownIssuer")),
        ("by an unknown issuer", &unknown, "localhost", true, Some("")),
        ("for another name", &known, "auth.example.com", true, Some("not valid for name")),
    ] {
        let (log, _logging) = Log::start();
        let url = serve(issuer, name);
        let mut variables = vec![("FEED_SECRET", FEED_SECRET), ("AUTH_SERVER_URL", &url)];
        if with_file {
            variables.push(("AUTH_SERVER_CA_FILE", file.to_str().unwrap()));
        }
        let environment = Environment::from_pairs(variables);
        let settings = Settings::new(&environment);
        let asked = goptri::settings::auth_server(&settings).zip(goptri::settings::feed_secrets(&settings));
        let (auth_server, secrets) = settings.into_result(asked).unwrap();
        let feed = FeedSource::new(auth_server, secrets);
        let follower = FeedFollower::start(feed, RevocationSet::default()).unwrap();
        let sentence = match reason {
            None => "connected to the revocation feed",
            Some(_) => "auth-server cannot be reached: invalid peer certificate",
        };
        let started = Instant::now();
        while !log.text().contains(sentence) {
            assert!(started.elapsed() < TIMEOUT, "{what}: {}", log.text());
            thread::sleep(Duration::from_millis(1));
        }
        assert!(log.text().contains(reason.unwrap_or_default()), "{what}: {}", log.text());
        assert_eq!(follower.revocations().check_ready().is_ok(), reason.is_none(), "{what}");
    }
}
