//! The database, or the file system below it, turns read-only and back.

use scratch_pg::{Profile, ScratchPg};

use super::small_disk::SmallDisk;
use super::{psql, readiness, refresh, refresh_all, sessions, sign_out, until};
use crate::programs::{Server, auth_server};

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_was_read_only_for_a_while_is_used_again_without_a_restart() {
    let postgres = ScratchPg::start(Profile::Durable).unwrap();
    let url = postgres.url("postgres");
    let auth = Server::start(auth_server(&url));
    let tokens = sessions(&auth, 4).await;
    psql(&url, "alter system set default_transaction_read_only = on");
    psql(&url, "select pg_reload_conf()");
    until(503, async || refresh(&auth, &tokens[0]).await).await;
    until(503, async || readiness(&auth).await.0).await;
    assert!(readiness(&auth).await.1.contains("commits no writes"));
    assert_eq!(sign_out(&auth, &tokens[1]).await, 503, "not acknowledged");

    psql(&url, "alter system reset default_transaction_read_only");
    psql(&url, "select pg_reload_conf()");
    until(200, async || refresh(&auth, &tokens[0]).await).await;
    until(200, async || readiness(&auth).await.0).await;
    assert_eq!(refresh_all(&auth, &tokens).await, [200; 4]);
    assert_eq!(sign_out(&auth, &tokens[1]).await, 204);
}

/// The kernel remounts no file system read-only while a file is open for writing, so the server starts when it is.
#[tokio::test]
async fn a_sqlite_file_on_a_disk_that_was_remounted_read_only_is_used_again_without_a_restart() {
    let Some(disk) = SmallDisk::mount(16) else { return };
    let url = format!("sqlite://{}", disk.path("goptri.db").display());
    let mut before = Server::start(auth_server(&url));
    let tokens = sessions(&before, 2).await;
    // Killed, so that the files beside the database stay and it can be read.
    before.running.signal("KILL");
    before.running.wait();
    disk.remount("ro");
    let mut command = auth_server(&url);
    command.env("AUTO_MIGRATE", "off");
    let auth = Server::start(command);
    assert_eq!(sign_out(&auth, &tokens[0]).await, 503, "not acknowledged");
    assert_eq!(readiness(&auth).await.0, 503);

    disk.remount("rw");
    until(204, async || sign_out(&auth, &tokens[0]).await).await;
    assert_eq!(refresh(&auth, &tokens[1]).await, 200);
    until(200, async || readiness(&auth).await.0).await;
}
