//! Of several hosts, `/readyz` names the one that fails.

use std::time::Instant;

use scratch_pg::{Profile, ScratchPg};

use super::no_primary::url_of;
use crate::database_faults::{readiness, until};
use crate::programs::{Server, TIMEOUT, auth_server};

/// Waits until the server is not ready with this sentence.
async fn says(auth: &Server, sentence: &str) {
    let began = Instant::now();
    loop {
        let (status, said) = readiness(auth).await;
        if status == 503 && said.contains(sentence) {
            return;
        }
        assert!(began.elapsed() < TIMEOUT, "{status} {said}\n{}", auth.running.output());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_the_host_that_answers_nothing_or_is_gone() {
    let primary = ScratchPg::start(Profile::Durable).unwrap();
    let standby = primary.streaming_standby(Profile::Durable).unwrap();
    let mut auth = Server::start(auth_server(&url_of([&standby, &primary])));
    until(200, async || readiness(&auth).await.0).await;
    let host = format!("{}/.s.PGSQL.5432", primary.folder().display());

    primary.pause().unwrap();
    says(&auth, &format!("The database at {host} commits no writes")).await;
    let logged = format!("the database did not commit a write within 2 s: {host}");
    // The log is written after the response.
    auth.running.wait_for(&logged);
    primary.resume().unwrap();
    until(200, async || readiness(&auth).await.0).await;

    primary.kill().unwrap();
    says(&auth, &format!("The database at {host} cannot be read")).await;
    primary.restart().unwrap();
    until(200, async || readiness(&auth).await.0).await;
}
