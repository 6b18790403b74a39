//! What a verb costs on a distributed database, and what an error of another node means.

use auth_store::{Distribution, EndOutcome, Maintenance, Sessions, StoreError};
use scratch_pg::{CitusCluster, CitusDatabase, Database, Profile};

use super::migrated;
use crate::fixtures::{add_ann, device};

/// The node that reports it is fine, and so is the connection to it.
#[tokio::test]
async fn that_a_node_lost_another_one_closes_no_connection() {
    let database = Database::fresh().await;
    let store = migrated(database.url()).await;
    let ann = add_ann(&store).await;
    store.open_session(&device(&ann, 1).sign_in).await.unwrap();
    let opened = "select max(extract(epoch from backend_start) * 1000000)::bigint from pg_stat_activity
                  where datname = current_database() and application_name = 'goptri'";
    let before = database.number(opened).await;
    for code in ["08006", "08001", "57P01"] {
        let fail = format!(
            "create or replace function fail() returns trigger language plpgsql as
                 $$ begin raise exception 'connection to the remote node failed' using errcode = '{code}'; end $$;
             create or replace trigger fails before insert on sessions for each row execute function fail()"
        );
        database.execute(&fail).await;
        let error = store.open_session(&device(&ann, 2).sign_in).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    database.execute("drop trigger fails on sessions").await;
    store.open_session(&device(&ann, 2).sign_in).await.unwrap();
    assert_eq!(database.number(opened).await, before, "it connected again");
}

/// A refresh is one command to one worker, which commits alone; a sign-out is one transaction there.
#[tokio::test]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_a_refresh_is_one_command() {
    let cluster = CitusCluster::start(Profile::Fast, 2).unwrap();
    let database = CitusDatabase::on(&cluster.urls()).await;
    let store = migrated(&database.url(0)).await;
    store.close().await;
    super::store(&database.url(0)).distribute().await.unwrap();
    let logging = "&options=-ccitus.log_remote_commands=on%20-clog_min_messages=notice";
    let store = super::store(&format!("{}{logging}", database.url(0)));
    let device = device(&add_ann(&store).await, 1);
    store.open_session(&device.sign_in).await.unwrap();
    store.rotate(&device.token(0), None).await.unwrap();
    let log = || std::fs::read_to_string(cluster.node(0).folder().join("log")).unwrap();
    let since = |before: &str| {
        let commands: Vec<_> = log()[before.len()..]
            .lines()
            .filter_map(|line| line.split_once("issuing "))
            .map(|(_, c)| c.to_owned())
            .collect();
        println!("{commands:#?}");
        commands
    };
    let before = log();
    store.rotate(&device.token(1), None).await.unwrap();
    let refresh = since(&before);
    assert!(refresh.len() == 1 && refresh[0].starts_with("UPDATE"), "{refresh:?}");
    let before = log();
    assert_eq!(store.end_session(device.sign_in.key, None).await.unwrap(), EndOutcome::Ended);
    let ending = since(&before);
    assert!(!ending.iter().any(|command| command.contains("PREPARE TRANSACTION")), "{ending:?}");
}
