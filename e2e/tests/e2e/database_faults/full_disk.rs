//! The disk of the database becomes full and has room again.

use scratch_pg::{Profile, ScratchPg};
use serde_json::json;

use super::small_disk::SmallDisk;
use super::{readiness, refresh_all, sessions, sign_out, until};
use crate::programs::{EMAIL, PASSWORD, Server, auth_server};

#[tokio::test]
async fn a_sqlite_file_on_a_disk_that_was_full_is_used_again_without_a_restart() {
    let Some(disk) = SmallDisk::mount(16) else { return };
    let auth = Server::start(auth_server(&format!("sqlite://{}", disk.path("goptri.db").display())));
    let tokens = sessions(&auth, 4).await;
    let credentials = json!({ "email": EMAIL, "password": PASSWORD });
    // Closing all connections gives the room of the write-ahead log back, so it is taken again.
    until(503, async || {
        disk.fill();
        auth.post("/login", &credentials).await.status().as_u16()
    })
    .await;
    let signed_out = sign_out(&auth, &tokens[0]).await;
    assert!([204, 503].contains(&signed_out), "{signed_out}");
    until(503, async || {
        disk.fill();
        let (status, why) = readiness(&auth).await;
        assert!(status == 200 || why.contains("commits no writes"), "{why}");
        status
    })
    .await;

    disk.free();
    assert_eq!(sign_out(&auth, &tokens[1]).await, 204, "{}", auth.running.output());
    until(200, async || readiness(&auth).await.0).await;
    assert_eq!(refresh_all(&auth, &tokens[2..]).await, [200; 2]);
    auth.sign_in().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_on_a_disk_that_was_full_is_used_again_without_a_restart() {
    let Some(disk) = SmallDisk::mount(160) else { return };
    let postgres = ScratchPg::start_in(&disk.path(""), Profile::Durable).unwrap();
    let auth = Server::start(auth_server(&postgres.url("postgres")));
    let tokens = sessions(&auth, 4).await;
    disk.fill();
    let credentials = json!({ "email": EMAIL, "password": PASSWORD });
    until(503, async || auth.post("/login", &credentials).await.status().as_u16()).await;

    disk.free();
    auth.sign_in().await;
    assert_eq!(refresh_all(&auth, &tokens).await, [200; 4], "{}", auth.running.output());
    assert_eq!(sign_out(&auth, &tokens[0]).await, 204);
    until(200, async || readiness(&auth).await.0).await;
}
