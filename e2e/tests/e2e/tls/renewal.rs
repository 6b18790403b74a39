//! A new certificate while clients use the server, and files that cannot be used.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::tls::TlsInfo;
use test_support::{Issued, Validity};

use super::Site;
use crate::programs::{Server, TIMEOUT, client_trusting};

/// The certificate that a new connection gets, in DER.
async fn served(site: &Site, server: &Server) -> Vec<u8> {
    let client = client_trusting(&site.authority.pem()).tls_info(true).build().unwrap();
    let answer = client.get(format!("{}/healthz", server.url)).send().await.unwrap();
    answer.extensions().get::<TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
}

async fn wait_until_it_changes(site: &Site, server: &Server, before: &[u8]) {
    let started = Instant::now();
    while served(site, server).await == before {
        assert!(started.elapsed() < TIMEOUT, "{}", server.running.output());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Requests until `stop`: how many have succeeded.
async fn load(client: Client, url: String, stop: Arc<AtomicBool>, done: Arc<AtomicUsize>) {
    while !stop.load(Ordering::Relaxed) {
        let answer = client.get(&url).send().await.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
        done.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn certificates_are_replaced_under_load_without_a_failed_request() {
    let site = Site::start();
    for server in [&site.auth, &site.api] {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let keeping = client_trusting(&site.authority.pem()).build().unwrap();
        let clients = [site.new_client(), site.new_client(), keeping.clone(), keeping];
        let loads: Vec<_> = clients
            .into_iter()
            .map(|client| {
                let url = format!("{}/healthz", server.url);
                tokio::spawn(load(client, url, Arc::clone(&stop), Arc::clone(&done)))
            })
            .collect();
        let mut before = served(&site, server).await;
        for _ in 0..5 {
            site.files.write(&site.issue(Validity::Now));
            wait_until_it_changes(&site, server, &before).await;
            before = served(&site, server).await;
        }
        stop.store(true, Ordering::Relaxed);
        for load in loads {
            load.await.unwrap();
        }
        let done = done.load(Ordering::Relaxed);
        assert!(done > 100, "only {done} requests");
    }
}

/// How many lines of the log say that something is kept.
fn kept(server: &Server) -> usize {
    server.running.output().matches("the previous content stays in use").count()
}

#[tokio::test]
async fn an_unusable_certificate_is_one_clear_line_and_the_one_before_it_stays() {
    let site = Site::start();
    let (good, expired) = (site.issue(Validity::Now), site.issue(Validity::Expired));
    let mixed = Issued { certificate: good.certificate.clone(), key: expired.key.clone() };
    for server in [&site.auth, &site.api] {
        site.files.write(&good);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = served(&site, server).await;
        for (files, problem) in [
            (Some(&mixed), "whose key is not that of the certificate in TLS_CERT_FILE"),
            (Some(&expired), "whose certificate expired at 2020-01-01T00:00:00Z"),
            (None, "which cannot be read: No such file or directory"),
        ] {
            let lines = kept(server);
            match files {
                Some(files) => site.files.write(files),
                None => fs::remove_file(&site.files.certificate).unwrap(),
            }
            let started = Instant::now();
            while kept(server) == lines {
                assert!(started.elapsed() < TIMEOUT, "{}", server.running.output());
                sleep(Duration::from_millis(20));
            }
            // The watch reads five times a second, and says it once.
            sleep(Duration::from_secs(1));
            let log = server.running.output();
            assert_eq!(kept(server), lines + 1, "{log}");
            let line = log.lines().rfind(|line| line.contains("the previous content")).unwrap();
            assert!(line.contains(problem) && line.contains("variable=\"TLS_"), "{problem}: {log}");
            assert_eq!(served(&site, server).await, before, "{problem}");
        }
        site.files.write(&site.issue(Validity::Now));
        wait_until_it_changes(&site, server, &before).await;
        assert!(!server.running.output().contains("PRIVATE KEY"));
    }
}

#[tokio::test]
async fn sighup_reloads_the_certificate() {
    let mut site = Site::start();
    site.auth.running.signal("HUP");
    site.auth.running.wait_for("SIGHUP: reloading the files of secrets, keys and certificates");
    let started = Instant::now();
    while site.auth.running.output().matches("the TLS certificate is in use").count() < 2 {
        assert!(started.elapsed() < TIMEOUT, "{}", site.auth.running.output());
        sleep(Duration::from_millis(5));
    }
}
