//! TLS of the servers themselves: certificates, protocols, slow clients, and the header that keeps browsers on TLS.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, web};
use goptri_server::{ConnectionLimits, HttpServer, ServerState, Tls, response_policy};
use goptri_settings::{Environment, Settings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use test_support::{HTTP1, Issued, TIMEOUT, Validity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::tls_fixture::TlsFixture;

fn start(tls: &Tls, limits: ConnectionLimits) -> SocketAddr {
    let server = HttpServer::bind("127.0.0.1:0".parse().unwrap(), "ADDR", limits, Some(tls), || {
        App::new().wrap(from_fn(response_policy)).route("/", web::to(HttpResponse::NoContent))
    })
    .unwrap();
    let address = server.address();
    actix_web::rt::spawn(server.run(std::future::pending()));
    address
}

async fn get(fixture: &TlsFixture, address: SocketAddr, host: &str) -> String {
    let mut stream = fixture.connect(address, HTTP1).await;
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.to_ascii_lowercase()
}

/// CK-12
#[actix_web::test]
async fn browsers_are_told_to_keep_to_tls_except_for_localhost_and_addresses() {
    let fixture = TlsFixture::new();
    let address = start(&fixture.tls(), ConnectionLimits::default());
    for (host, expected) in [
        ("login.example.com", true),
        ("login.example.com:4000", true),
        ("localhost:4000", false),
        ("127.0.0.1:4000", false),
        ("[::1]:4000", false),
    ] {
        let answer = get(&fixture, address, host).await;
        assert!(answer.starts_with("http/1.1 204"), "{answer}");
        let found = answer.contains("\r\nstrict-transport-security: max-age=31536000\r\n");
        assert_eq!(found, expected, "{host}: {answer}");
    }
}

#[actix_web::test]
async fn clients_that_do_not_finish_their_handshake_delay_no_other_and_are_disconnected() {
    let fixture = TlsFixture::new();
    let limits = ConnectionLimits { handshake: Duration::from_secs(1), ..ConnectionLimits::default() };
    let address = start(&fixture.tls(), limits);
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if number % 2 == 0 {
            // The beginning of a ClientHello.
            stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00").await.unwrap();
        }
        slow.push(stream);
    }
    let started = Instant::now();
    assert!(get(&fixture, address, "localhost").await.starts_with("http/1.1 204"));
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    for mut stream in slow {
        let closed = tokio::time::timeout(TIMEOUT, stream.read(&mut [0; 64])).await.expect("still open");
        assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    }
}

#[actix_web::test]
async fn plain_http_and_old_versions_of_tls_get_no_response() {
    let fixture = TlsFixture::new();
    let address = start(&fixture.tls(), ConnectionLimits::default());
    // A ClientHello that offers at most TLS 1.1.
    let body = [&[3, 2][..], &[7; 32], &[0, 0, 2, 0xc0, 0x14, 1, 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    let hello = [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat();
    for sent in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], &hello] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        // At most an alert, which is fatal (RFC 8446 §6).
        assert!(answer.is_empty() || answer.starts_with(&[0x15, 3, 3, 0, 2, 2]), "{answer:?}");
    }
}

/// The certificate that a new connection gets.
async fn served(fixture: &TlsFixture, address: SocketAddr) -> CertificateDer<'static> {
    let stream = fixture.connect(address, HTTP1).await;
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

async fn wait_for_certificate(fixture: &TlsFixture, address: SocketAddr, issued: &Issued) {
    let expected = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
    let started = Instant::now();
    while served(fixture, address).await != expected {
        assert!(started.elapsed() < TIMEOUT, "the certificate is not served");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// CK-12
#[actix_web::test]
async fn a_new_certificate_is_for_new_connections_and_an_unusable_one_for_none() {
    let fixture = TlsFixture::new();
    let (tls, state) = (fixture.tls(), ServerState::default());
    let address = start(&tls, ConnectionLimits::default());
    let watch = Tls::watch(Some(&tls), &state).unwrap().unwrap();
    let first = served(&fixture, address).await;
    let mut open = fixture.connect(address, HTTP1).await;

    let good = fixture.authority.issue(&[], Validity::Now);
    let expired = fixture.authority.issue(&[], Validity::Expired);
    let not_yet = fixture.authority.issue(&[], Validity::NotYet);
    let mixed = Issued { certificate: good.certificate.clone(), key: expired.key.clone() };
    let partial = Issued { certificate: good.certificate[..100].to_owned(), key: good.key.clone() };
    for unusable in [&mixed, &expired, &not_yet, &partial] {
        fixture.files.write(unusable);
        let _ = watch.reload_now().recv();
        assert_eq!(served(&fixture, address).await, first);
    }
    fs::remove_file(&fixture.files.certificate).unwrap();
    let _ = watch.reload_now().recv();
    assert_eq!(served(&fixture, address).await, first);

    fixture.files.write(&good);
    wait_for_certificate(&fixture, address, &good).await;
    open.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "the old connection stays: {answer}");
}

#[test]
fn at_start_an_unusable_certificate_is_an_error_that_names_its_variable() {
    let fixture = TlsFixture::new();
    let good = fixture.authority.issue(&[], Validity::Now);
    let other = fixture.authority.issue(&[], Validity::Now);
    let with = |certificate: &str, key: &str| {
        fixture.files.write(&Issued { certificate: certificate.to_owned(), key: key.to_owned() });
        fixture.read().map_or_else(|errors| errors.to_string(), |_| String::new())
    };
    let expired = fixture.authority.issue(&[], Validity::Expired);
    let not_yet = fixture.authority.issue(&[], Validity::NotYet);
    let (certificate, key) = (good.certificate.as_str(), good.key.as_str());
    let garbled = certificate.replace("MII", "AAA");
    for (certificate, key, expected) in [
        (
            certificate,
            other.key.as_str(),
            "TLS_KEY_FILE names the file \"KEY\", whose key is not that of the certificate in TLS_CERT_FILE",
        ),
        (
            &expired.certificate,
            &expired.key,
            "TLS_CERT_FILE names the file \"CERT\", whose certificate expired at 2020-01-01T00:00:00Z",
        ),
        (
            &not_yet.certificate,
            &not_yet.key,
            "TLS_CERT_FILE names the file \"CERT\", whose certificate is valid only from 3000-01-01T00:00:00Z",
        ),
        (key, key, "TLS_CERT_FILE names the file \"CERT\", which has no certificate in PEM"),
        ("", key, "TLS_CERT_FILE names the file \"CERT\", which has no certificate in PEM"),
        (&garbled, key, "TLS_CERT_FILE names the file \"CERT\", which has a certificate that cannot be read"),
        (certificate, certificate, "TLS_KEY_FILE names the file \"KEY\", which has no private key in PEM"),
        (
            certificate,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII=\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "TLS_KEY_FILE names the file \"KEY\", which has no private key in PEM",
        ),
        (
            certificate,
            "-----BEGIN PRIVATE KEY-----\nMIIC\n-----END PRIVATE KEY-----\n",
            "TLS_KEY_FILE names the file \"KEY\", whose key is of an unknown kind",
        ),
    ] {
        let [certificates, keys] =
            [&fixture.files.certificate, &fixture.files.key].map(|path| path.display().to_string());
        let expected =
            expected.replace("CERT\"", &format!("{certificates}\"")).replace("KEY\"", &format!("{keys}\""));
        let errors = with(certificate, key);
        assert!(errors.lines().count() == 2 && errors.contains(&expected), "{expected}\n{errors}");
        assert!(!errors.contains("PRIVATE"), "{errors}");
    }
    assert_eq!(with(&good.certificate.replace('\n', "\\n"), &good.key.replace('\n', "\n  ")), "");
    // The chain with the key in one file, as some tools write it.
    let both = format!("{}{}{}", good.key, good.certificate, fixture.authority.pem());
    assert_eq!(with(&both, &both), "");
}

#[test]
fn one_file_without_the_other_is_an_error_and_none_is_plain_http() {
    let read = |pairs: &[(&str, &str)]| {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let settings = Settings::new(&environment);
        let tls = Tls::read(&settings);
        settings.into_result(tls.ok()).map(|tls| tls.is_some()).map_err(|errors| errors.to_string())
    };
    assert_eq!(read(&[]), Ok(false));
    let missing = |name: &str, set: &str| {
        Err(format!("invalid configuration:\n  {name} is not set, but {set} is; TLS needs both"))
    };
    assert_eq!(read(&[("TLS_CERT_FILE", "/a")]), missing("TLS_KEY_FILE", "TLS_CERT_FILE"));
    assert_eq!(read(&[("TLS_KEY_FILE", "/a")]), missing("TLS_CERT_FILE", "TLS_KEY_FILE"));
    let errors = read(&[("TLS_CERT_FILE", "/nowhere/c"), ("TLS_KEY_FILE", "/nowhere/k")]).unwrap_err();
    assert!(errors.contains("TLS_CERT_FILE names the file \"/nowhere/c\", which cannot be read"), "{errors}");
    assert!(errors.contains("TLS_KEY_FILE names the file \"/nowhere/k\", which cannot be read"), "{errors}");
}
