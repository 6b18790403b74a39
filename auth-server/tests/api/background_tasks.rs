//! A background task that panics is reported by `/readyz`, and is restarted.

use std::fs;
use std::time::Instant;

use goptri_settings::TaskHealth;
use test_support::{ACCESS_TOKEN_SECRET, TIMEOUT};

use crate::support::{Engine, TestServer};

impl TestServer {
    /// Waits until `/readyz` has this status, and returns its text.
    async fn wait_until_ready_is(&self, status: u16) -> String {
        let started = Instant::now();
        loop {
            let answer = self.get("/readyz", None).await;
            if answer.status == status {
                return answer.text;
            }
            assert!(started.elapsed() < TIMEOUT, "/readyz is {} and not {status}", answer.status);
        }
    }

    /// Does what makes each task notice that it is killed: a future does so immediately, a thread with its next work.
    async fn kill(&self, name: &str) {
        let tasks = self.state.tasks();
        tasks.iter().find(|task| task.name() == name).unwrap().kill();
        match name {
            "password hashing" => assert_eq!(self.login().await.status, 500),
            "watch of the files of secrets" => self.reread(),
            _ => {}
        }
    }
}

/// The writer of the log is one per process; its own tests kill it.
#[actix_web::test]
async fn each_task_that_panics_makes_the_server_unready_and_is_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, ACCESS_TOKEN_SECRET).unwrap();
    let variables = [("ACCESS_TOKEN_SECRET_FILE", file.to_str().unwrap()), ("METRICS_ADDR", "127.0.0.1:0")];
    let server = TestServer::start(Engine::Sqlite, &variables).await;
    let names: Vec<_> = server.state.tasks().iter().map(TaskHealth::name).collect();
    assert_eq!(
        names,
        [
            "log writer",
            "password hashing",
            "origins of clients",
            "feed",
            "announcement of keys",
            "sweep",
            "watch of the files of secrets",
            "metrics"
        ]
    );
    assert_eq!(server.register().await.status, 201);
    for name in &names[1..] {
        server.kill(name).await;
        let sentence = server.wait_until_ready_is(503).await;
        assert!(sentence.contains(&format!("failed: {name}.")), "{sentence}");
        assert_eq!(server.login().await.status, 200, "{name}: requests are answered");
        server.wait_until_ready_is(200).await;
    }
    server.reread();
    let metrics = format!("http://{}/metrics", server.metrics_address.unwrap());
    assert_eq!(reqwest::get(metrics).await.unwrap().status(), 200);
}
