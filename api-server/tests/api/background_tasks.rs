//! A background task that panics is reported by `/readyz`, and is restarted.

use goptri::revocation::EntryKind;
use goptri_settings::TaskHealth;
use test_support::feed_server::{FeedServer, entry};

use crate::revoked::{caught_up, wait_for_status};
use crate::support::{TestServer, USER};

/// The writer of the log is one per process; its own tests kill it.
#[actix_web::test]
async fn each_task_that_panics_makes_the_server_unready_and_is_restarted() {
    let feed = FeedServer::start();
    let url = feed.url();
    let variables = [("AUTH_SERVER_URL", url.as_str()), ("METRICS_ADDR", "127.0.0.1:0")];
    let server = TestServer::start_with(tempfile::tempdir().unwrap(), &variables).await;
    let _asked = caught_up(&server, &feed).await;
    let names: Vec<_> = server.tasks.iter().map(TaskHealth::name).collect();
    assert_eq!(names, ["goptri-feed", "goptri-keys", "log writer", "metrics"]);
    let token = server.user(USER);
    for task in &server.tasks {
        if task.name() == "log writer" {
            continue;
        }
        task.kill();
        wait_for_status(&server, "/readyz", "", 503).await;
        let answer = server.get("/readyz", "").await;
        let sentence = answer.body["error_description"].as_str().unwrap_or_default();
        assert!(sentence.contains(task.name()), "{sentence}");
        assert_eq!(server.get("/photos", &token).await.status, 200, "tokens are accepted meanwhile");
        if task.name() == "goptri-feed" {
            let mut asked = feed.next_request().accept();
            asked.caught_up(0);
            asked.revoke(vec![entry(EntryKind::Session, "another", 0, 60)]);
        }
        wait_for_status(&server, "/readyz", "", 200).await;
    }
    let metrics = server.metrics.as_ref().unwrap();
    assert_eq!(reqwest::get(metrics).await.unwrap().status(), 200);
}
