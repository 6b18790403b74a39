//! Checks what the store needs of the server and no retry can change: the encoding of the database, a session for each
//! connection, and the privileges of the role.

use auth_store::{Layout, StoreError};
use sqlx::{Error, PgConnection, Row};
use tokio::sync::Mutex;

use crate::PostgresStore;
use crate::connection::ConnectionPool;
use crate::placement::misplaced;

/// Gives a session a mark of its own. Neither this nor [`READ_MARK`] is prepared, because a transaction pooler would
/// let that fail first.
const SET_MARK: &str = "select set_config('goptri.session', gen_random_uuid()::text, false)";

const READ_MARK: &str = "select coalesce(current_setting('goptri.session', true), '')";

/// How often each connection reads its mark. A pooler may happen to give a client the same session twice, and seldom
/// does so for two clients in turns.
const ROUNDS: usize = 3;

/// The tables that the store writes.
const WRITTEN_TABLES: [&str; 10] = [
    "users",
    "emails",
    "sessions",
    "revocations",
    "clients",
    "scopes",
    "grants",
    "codes",
    "pushed",
    "write_probe",
];

/// The tables that it only reads.
const READ_TABLES: [&str; 2] = ["database_id", "_sqlx_migrations"];

/// A property of the server that makes it unusable. Displays the cause and a remedy.
#[derive(Debug, thiserror::Error)]
enum Unsuitable {
    #[error(
        "the encoding of the database is {0}, in which not every name can be stored; create the database with encoding \
         UTF8 (create database NAME encoding 'UTF8' template template0)"
    )]
    Encoding(String),
    #[error(
        "a pooler in transaction or statement mode is in front of it, which mixes the sessions of its clients; use \
         session mode (PgBouncer: pool_mode=session) or a direct connection to PostgreSQL"
    )]
    SharedSessions,
    #[error(
        "role {role} can use no schema of its search_path; grant usage on the schema that has the tables of auth-server"
    )]
    NoSchema { role: String },
    #[error(
        "role {role} lacks {missing}; grant select, insert, update, delete on all tables in schema {schema} to {role}"
    )]
    Privileges { role: String, missing: String, schema: String },
    #[error(
        "role {role} lacks {missing}; grant select, insert, update, delete on write_probe to {role} on this node, \
         because each node of a distributed database has this table for itself"
    )]
    Probe { role: String, missing: String },
    #[error("only a part of it is distributed, without the table {0}; run `auth-server database distribute`")]
    HalfDistributed(&'static str),
}

impl PostgresStore {
    /// Uses the reserved connections, so that the check needs none of its own.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        let first = &self.background_pool;
        let encoding: String = first
            .with_connection(async |connection| {
                sqlx::raw_sql("select current_setting('server_encoding')")
                    .fetch_one(connection)
                    .await?
                    .try_get(0)
            })
            .await?;
        if encoding != "UTF8" {
            return Err(first.unsuitable(Unsuitable::Encoding(encoding)));
        }
        if !have_sessions_of_their_own(first, &self.feed_pool).await? {
            return Err(first.unsuitable(Unsuitable::SharedSessions));
        }
        if let Some(missing) = first.with_connection(missing_privileges).await? {
            return Err(first.unsuitable(self.or_probe_problem(missing).await?));
        }
        if self.find_layout(first).await? == Layout::Distributed
            && let Some(table) = first.with_connection(misplaced).await?
        {
            return Err(first.unsuitable(Unsuitable::HalfDistributed(table)));
        }
        Ok(())
    }

    /// Replaces the problem if only privileges on `write_probe` are missing in a distributed database: they are granted
    /// on each node, all others on the coordinator.
    async fn or_probe_problem(&self, missing: Unsuitable) -> Result<Unsuitable, StoreError> {
        Ok(match missing {
            Unsuitable::Privileges { role, missing, .. }
                if missing.split(", ").all(|privilege| privilege.ends_with(" on write_probe"))
                    && self.find_layout(&self.background_pool).await? == Layout::Distributed =>
            {
                Unsuitable::Probe { role, missing }
            }
            missing => missing,
        })
    }
}

/// Whether each of two open connections keeps its own settings. In transaction and statement mode, a pooler runs each
/// statement on any session that is free.
async fn have_sessions_of_their_own(
    one: &ConnectionPool,
    other: &ConnectionPool,
) -> Result<bool, StoreError> {
    one.with_connection(async |first| {
        // A verb may be run twice, so it cannot own the other connection.
        let first = Mutex::new(first);
        let kept =
            async |second: &mut PgConnection| keep_their_marks(&mut **first.lock().await, second).await;
        Ok::<_, Error>(other.with_connection(kept).await)
    })
    .await?
}

async fn keep_their_marks(first: &mut PgConnection, second: &mut PgConnection) -> Result<bool, Error> {
    let marks = (text(first, SET_MARK).await?, text(second, SET_MARK).await?);
    for _ in 0..ROUNDS {
        if (text(first, READ_MARK).await?, text(second, READ_MARK).await?) != marks {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn text(connection: &mut PgConnection, statement: &'static str) -> Result<String, Error> {
    sqlx::raw_sql(statement).fetch_one(connection).await?.try_get(0)
}

/// What the role may not do. Tables that do not exist yet will belong to the role that creates them.
async fn missing_privileges(connection: &mut PgConnection) -> Result<Option<Unsuitable>, Error> {
    let found = sqlx::query!(
        r#"with needed as (
               select name, privilege from unnest($1::text[]) w (name),
                      unnest(array['select', 'insert', 'update', 'delete']) p (privilege)
               union all
               select name, 'select' from unnest($2::text[]) r (name)
           )
           select current_user::text as "role!", current_schema()::text as schema,
                  (select string_agg(privilege || ' on ' || name, ', ' order by name, privilege) from needed
                   where not has_table_privilege(to_regclass(name), privilege)) as missing"#,
        &WRITTEN_TABLES.map(str::to_owned),
        &READ_TABLES.map(str::to_owned),
    )
    .fetch_one(connection)
    .await?;
    Ok(match (found.schema, found.missing) {
        (None, _) => Some(Unsuitable::NoSchema { role: found.role }),
        (Some(schema), Some(missing)) => Some(Unsuitable::Privileges { role: found.role, missing, schema }),
        (Some(_), None) => None,
    })
}
