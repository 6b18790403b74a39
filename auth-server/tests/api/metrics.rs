//! Counters and gauges.

use chrono::TimeDelta;
use serde_json::json;

use crate::support::{EMAIL, Engine, TestServer};

async fn metrics(server: &TestServer) -> String {
    let url = format!("http://{}/metrics", server.metrics_address.unwrap());
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

async fn sign_ins_refreshes_and_sign_outs_are_counted(engine: Engine) {
    let server = TestServer::start(engine, &[("METRICS_ADDR", "127.0.0.1:0")]).await;
    let at_start = metrics(&server).await;
    assert!(at_start.contains("\ngoptri_refreshes_total{verdict=\"theft\"} 0\n"), "{at_start}");

    let (access, first) = server.signed_in().await;
    for (email, password) in [(EMAIL, "wrong"), ("unknown@example.com", "wrong"), (EMAIL, &"x".repeat(2000))]
    {
        let refused = server.post("/login", &json!({ "email": email, "password": password })).await;
        assert_eq!(refused.status, 401);
    }
    let second = server.refresh(&first).await.field("refresh_token");
    assert_eq!(server.refresh(&first).await.status, 200);
    assert_eq!(server.refresh("forged").await.status, 400);
    server.later(TimeDelta::minutes(2));
    assert_eq!(server.refresh(&first).await.status, 200, "a late retry");
    let third = server.refresh(&second).await.field("refresh_token");
    server.later(TimeDelta::minutes(2));
    assert_eq!(
        server.refresh(&second).await.status,
        400,
        "a second late retry within eight generations is theft"
    );
    assert_eq!(server.refresh(&third).await.status, 400);
    assert_eq!(server.delete("/logout", &access).await.status, 204);
    let access = server.login().await.field("access_token");
    assert_eq!(server.delete("/logout?everywhere=true", &access).await.status, 204);

    let shown = metrics(&server).await;
    for line in [
        "goptri_sign_ins_total{result=\"signed_in\"} 2",
        "goptri_sign_ins_total{result=\"wrong_password\"} 1",
        "goptri_sign_ins_total{result=\"unknown_user\"} 1",
        "goptri_sign_ins_total{result=\"password_too_long\"} 1",
        "goptri_sign_ins_total{result=\"busy\"} 0",
        "goptri_refreshes_total{verdict=\"rotated\"} 2",
        "goptri_refreshes_total{verdict=\"same_successor\"} 1",
        "goptri_refreshes_total{verdict=\"forgiven\"} 1",
        "goptri_refreshes_total{verdict=\"theft\"} 1",
        "goptri_refreshes_total{verdict=\"unknown_session\"} 1",
        "goptri_refreshes_total{verdict=\"invalid_token\"} 1",
        "goptri_sign_outs_total{scope=\"session\"} 1",
        "goptri_sign_outs_total{scope=\"everywhere\"} 1",
        // A registration, two sign-ins, and two wrong passwords; one is too long to be hashed.
        "goptri_hashing_wait_seconds_count 5",
        "goptri_hashing_queue_length 0",
        "goptri_feed_subscribers 0",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    let open = shown.lines().find_map(|line| line.strip_prefix("goptri_database_connections "));
    assert!(open.unwrap().parse::<u32>().unwrap() > 0);
}

#[actix_web::test]
async fn sign_ins_refreshes_and_sign_outs_are_counted_on_sqlite() {
    sign_ins_refreshes_and_sign_outs_are_counted(Engine::Sqlite).await;
}

#[actix_web::test]
async fn sign_ins_refreshes_and_sign_outs_are_counted_on_postgres() {
    sign_ins_refreshes_and_sign_outs_are_counted(Engine::Postgres).await;
}
