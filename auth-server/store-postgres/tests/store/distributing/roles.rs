//! A role that does not own the tables.

use auth_store::{Distribution, Maintenance, Sessions, StoreError};
use scratch_pg::CitusDatabase;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{citus, migrated, sentence, store};
use crate::fixtures::{add_ann, device};

/// The URL of that node for another role.
fn url_of(database: &CitusDatabase, node: usize, role: &str) -> String {
    database.url(node).replacen("postgres://postgres@", &format!("postgres://{role}@"), 1)
}

async fn execute(url: &str, statement: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

/// Each node has a probe table of its own, and Citus forwards no grant on it.
#[tokio::test]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_a_role_without_rights_on_the_probe_table_of_its_node_is_refused_with_the_statement() {
    let database = citus().await;
    let owner = migrated(&database.url(0)).await;
    let ann = add_ann(&owner).await;
    owner.close().await;
    super::store(&database.url(0)).distribute().await.unwrap();
    let role = format!("app_{}", std::process::id());
    database.execute(&format!("create role {role} login")).await;
    let tables = "users, emails, sessions, revocations, clients, scopes, grants, codes, pushed, database_id, \
                  email_key_version, _sqlx_migrations";
    database.execute(&format!("grant select, insert, update, delete on {tables} to {role}")).await;
    for node in 0..2 {
        let at_node = store(&url_of(&database, node, &role));
        let error = at_node.check_server().await.unwrap_err();
        assert!(matches!(error, StoreError::Unsuitable(_)), "{error:?}");
        let grant = format!("grant select, insert, update, delete on write_probe to {role}");
        let said = sentence(&error);
        assert!(said.contains(&format!("role {role} lacks delete on write_probe")), "{said}");
        assert!(said.contains(&grant) && said.contains("on this node"), "{said}");
        at_node.probe_write().await.unwrap_err();

        execute(&database.url(node), grant).await;
        at_node.check_server().await.unwrap();
        at_node.probe_write().await.unwrap();
        let sign_in = device(&ann, 1 + node as u128).sign_in;
        at_node.open_session(&sign_in).await.unwrap();
        assert_eq!(at_node.list_sessions(ann.id, None, 10).await.unwrap().len(), node + 1);
    }
    database.execute(&format!("drop owned by {role}")).await;
}
