//! Migrations keep all data. The one to tables that can be distributed waits until servers of before are stopped.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use auth_domain::{Email, SessionId, SessionKey, UserId, UserIdOrEmail};
use auth_store::{
    EndOutcome, Maintenance, Readiness, Revocations, RunningServers, Sessions, StoreError, Users,
};
use scratch_pg::Database;
use sqlx::PgPool;
use store_postgres::PostgresStore;
use uuid::Uuid;

use super::faults::pool;

/// The migration before the one to tables that can be distributed, and the one before the tables of OAuth.
const BEFORE_DISTRIBUTABLE: i64 = 7;
const BEFORE_OAUTH: i64 = 9;

/// A database as an earlier version left it, with rows in each table.
const ROWS: &str = "
    insert into users (id, email, email_key, email_verified, roles, created_at)
    select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'User' || n || '@example.com',
           'user' || n || '@example.com', true, '{admin}', now()
    from generate_series(1, 100) n;
    insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at, rotated_at,
                          last_used_at)
    select id, id, 'goptri', '', '{}', now(), decode(repeat('00', 32), 'hex'), now(), now(), now() from users;
    insert into revocations (kind, subject, created_at, expires_at)
    select 'session', id::text, now(), now() + interval '1 hour' from users;
    insert into revocations (kind, subject, created_at, expires_at)
    values ('token', 'a token', now(), now() + interval '1 hour'), ('client', 'a', now(), now() + interval '1 hour');
    update email_key_version set version = 1";

/// A database whose last migration is that one.
async fn of_before(last: i64, rows: &'static str) -> (Database, PgPool) {
    let database = Database::fresh().await;
    let pool = pool(&database).await;
    let mut before = sqlx::migrate!("../../migrations/postgres");
    before.migrations.to_mut().retain(|migration| migration.version <= last);
    before.run(&pool).await.unwrap();
    sqlx::raw_sql(rows).execute(&pool).await.unwrap();
    (database, pool)
}

/// Users with a session each, and a revocation, before the tables of OAuth.
const SESSIONS: &str = "
    insert into users (id, email, email_key, email_verified, roles, created_at)
    select ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid, 'user' || n || '@example.com',
           'user' || n || '@example.com', true, '{}', now()
    from generate_series(1, 100) n;
    insert into emails (email_key, user_id) select email_key, id from users;
    insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at, rotated_at,
                          last_used_at)
    select id, id, 'goptri', '', '{}', now(), decode(repeat('00', 32), 'hex'), now(), now(), now() from users;
    insert into revocations (user_id, kind, subject, created_at, expires_at)
    select id, 'token', id::text, now(), now() + interval '1 hour' from users";

/// The rows of the tables, without what the migrations add.
async fn rows(pool: &PgPool) -> [Option<String>; 3] {
    let mut rows = [None, None, None];
    for (found, query) in rows.iter_mut().zip([
        "select string_agg(u::text, ';' order by id) from users u",
        "select string_agg((to_jsonb(s) - '{remember,parent_id,handle_hash}'::text[])::text, ';' order by id) from sessions s",
        "select string_agg(concat_ws(',', kind, subject, created_at, expires_at), ';' order by kind, subject)
         from revocations",
    ]) {
        *found = sqlx::query_scalar(query).fetch_one(pool).await.unwrap();
    }
    rows
}

#[tokio::test]
async fn a_database_with_users_is_migrated_only_when_all_servers_are_stopped_and_keeps_its_data() {
    let (database, pool) = of_before(BEFORE_DISTRIBUTABLE, ROWS).await;
    let before = rows(&pool).await;
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    assert_eq!(store.ready().await.unwrap(), Readiness::NeedsStoppedServers);
    let refused = store.migrate(RunningServers::Possible).await;
    let Err(error @ StoreError::Unsuitable(_)) = refused else { panic!("{refused:?}") };
    assert!(
        error.to_string().ends_with("stop all servers, then run `auth-server migrate --servers-stopped`"),
        "{error}"
    );
    assert_eq!(store.ready().await.unwrap(), Readiness::NeedsStoppedServers, "nothing changed");

    store.migrate(RunningServers::Stopped).await.unwrap();
    assert_eq!(store.ready().await.unwrap(), Readiness::Ready);
    assert_eq!(rows(&pool).await, before);
    let without_user =
        "select count(*) from revocations where user_id = '00000000-0000-0000-0000-000000000000'";
    assert_eq!(sqlx::query_scalar::<_, i64>(without_user).fetch_one(&pool).await.unwrap(), 102);
    for number in 1..=100 {
        let key = Email::parse(&format!("user{number}@example.com")).unwrap().key();
        let found = store.find_user(&UserIdOrEmail::Email(key)).await.unwrap();
        assert_eq!(found.unwrap().id, UserId(Uuid::parse_str(&format!("{number:032}")).unwrap()));
    }
    assert_eq!(store.read_revocations(None, 200).await.unwrap().entries.len(), 102);
}

/// Servers of before have nothing to lose there, so a server may migrate when it starts.
#[tokio::test]
async fn a_database_without_users_is_migrated_while_servers_may_run() {
    let (database, _pool) = of_before(BEFORE_DISTRIBUTABLE, "").await;
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    assert_eq!(store.ready().await.unwrap(), Readiness::NotMigrated);
    store.migrate(RunningServers::Possible).await.unwrap();
    assert_eq!(store.ready().await.unwrap(), Readiness::Ready);
}

/// Servers of before and after it run side by side.
#[tokio::test]
async fn the_tables_of_oauth_are_added_while_servers_run_and_sessions_continue() {
    let (database, pool) = of_before(BEFORE_OAUTH, SESSIONS).await;
    let before = rows(&pool).await;
    let store = PostgresStore::connect(database.url(), 1).unwrap();
    assert_eq!(store.ready().await.unwrap(), Readiness::NotMigrated);
    store.migrate(RunningServers::Possible).await.unwrap();
    assert_eq!(store.ready().await.unwrap(), Readiness::Ready);
    assert_eq!(rows(&pool).await, before);
    let of_applications =
        "select count(*) from sessions where parent_id is not null or handle_hash is not null";
    assert_eq!(sqlx::query_scalar::<_, i64>(of_applications).fetch_one(&pool).await.unwrap(), 0);

    // A server of before opens another session of each user.
    let open = "insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at, rotated_at,
                                      last_used_at, expires_at, user_agent, ip, remember)
                select user_id, gen_random_uuid(), client_id, scope, audience, auth_time, jti_hash, created_at,
                       rotated_at, last_used_at, null, null, null, false from sessions";
    sqlx::query(open).execute(&pool).await.unwrap();
    let id = Uuid::parse_str(&format!("{:032}", 7)).unwrap();
    let key = SessionKey { user_id: UserId(id), id: SessionId(id) };
    assert_eq!(store.end_session(key, None).await.unwrap(), EndOutcome::Ended);
    assert_eq!(store.end_sessions_of(key.user_id, None).await.unwrap(), 1);
    assert_eq!(store.read_revocations(None, 200).await.unwrap().entries.len(), 102);
}
