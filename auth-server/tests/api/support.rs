//! A server for each test, with a fresh database, a free port and a clock that the test controls.

use std::any::Any;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use auth_domain::{UserId, UserIdOrEmail};
use auth_server::{Application, Config};
use auth_store::{Distribution, Maintenance, RunningServers, Store};
use chrono::TimeDelta;
use goptri::AccessClaims;
use goptri::clock::{Clock, ManualClock};
use goptri::keys::KeyRing;
use goptri::token::{TokenType, UnverifiedJws};
use goptri_server::ServerState;
use goptri_settings::{AccessTokenSecret, Environment, FileWatch, Plain};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use test_support::{ACCESS_TOKEN_SECRET, LocalServer, REFRESH_TOKEN_SECRET, Stop};
pub(crate) use test_support::{Answer, EMAIL, FEED_SECRET, PASSWORD, TIMEOUT};

/// Connections of a server on Postgres: few, because many tests share one Postgres.
pub(crate) const POSTGRES_CONNECTIONS: u32 = 8;

const DEFAULTS: [(&str, &str); 4] = [
    ("FEED_SECRET", FEED_SECRET),
    ("AUTH_SERVER_ADDR", "127.0.0.1:0"),
    ("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET),
    ("REFRESH_TOKEN_SECRET", REFRESH_TOKEN_SECRET),
];

#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// Defines tests that run on both engines: `async fn sentence(server) { … }`, or with variables,
/// `async fn sentence(server where "REFRESH_GRACE" = "0") { … }`. `start: start_at_rest;` first selects another constructor.
macro_rules! on_both_engines {
    (start: $start:ident; $(
        $(#[$attribute:meta])*
        async fn $name:ident($server:ident $(where $($variable:literal = $value:literal),+)?) $body:block
    )*) => {$(
        $(#[$attribute])*
        async fn $name($server: $crate::support::TestServer) $body

        mod $name {
            use $crate::support::{Engine, TestServer};

            const VARIABLES: &[(&str, &str)] = &[$($(($variable, $value)),+)?];

            #[actix_web::test]
            async fn on_sqlite() {
                super::$name(TestServer::$start(Engine::Sqlite, VARIABLES).await).await;
            }

            #[actix_web::test]
            async fn on_postgres() {
                super::$name(TestServer::$start(Engine::Postgres, VARIABLES).await).await;
            }
        }
    )*};
    ($($tests:tt)*) => { $crate::support::on_both_engines! { start: start; $($tests)* } };
}
pub(crate) use on_both_engines;

/// auth-server; requests go to the [`LocalServer`].
pub(crate) struct TestServer {
    server: LocalServer,
    pub(crate) metrics_address: Option<SocketAddr>,
    pub(crate) clock: ManualClock,
    /// The server's store, for what no client can do.
    pub(crate) store: Arc<dyn Store>,
    secret_files: Option<Arc<FileWatch>>,
    pub(crate) state: ServerState,
    database: Box<dyn Any>,
}

impl Deref for TestServer {
    type Target = LocalServer;

    fn deref(&self) -> &LocalServer {
        &self.server
    }
}

impl TestServer {
    /// Starts a server with these variables.
    pub(crate) async fn start(engine: Engine, variables: &[(&str, &str)]) -> Self {
        Self::start_after(engine, variables, async |_, _, _| {}).await
    }

    /// Starts a server whose clock is stopped; only [`later`](Self::later) moves it. The clock of Postgres runs.
    pub(crate) async fn start_at_rest(engine: Engine, variables: &[(&str, &str)]) -> Self {
        Self::start_after(engine, variables, async |_, clock, _| clock.stop_at(clock.now())).await
    }

    /// Starts a server after `before` has prepared the database or changed the configuration.
    pub(crate) async fn start_after(
        engine: Engine,
        variables: &[(&str, &str)],
        before: impl AsyncFnOnce(&Arc<dyn Store>, &ManualClock, &mut Config),
    ) -> Self {
        let clock = ManualClock::default();
        let (store, database) = fresh_store(engine, &clock).await;
        let mut config = configured(variables);
        before(&store, &clock, &mut config).await;
        Self::on(store, clock, config, database).await
    }

    /// Starts a server on this store of that database.
    pub(crate) async fn on(
        store: Arc<dyn Store>,
        clock: ManualClock,
        config: Config,
        database: Box<dyn Any>,
    ) -> Self {
        let (stop, stopped) = Stop::after_earlier_servers().await;
        let of_server = Arc::new(clock.clone());
        let application = Application::start(config, Arc::clone(&store), of_server, stopped).await.unwrap();
        let (address, metrics_address) = (application.address(), application.metrics_address());
        let (secret_files, state) = (application.secret_files(), application.state().clone());
        let server = LocalServer::start(address, stop, application.run());
        Self { server, metrics_address, clock, store, secret_files, state, database }
    }

    /// The Postgres database of the server.
    pub(crate) fn postgres(&self) -> &scratch_pg::Database {
        self.database.downcast_ref().unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let request = self.request(Method::GET, path);
        self.send(token.into_iter().fold(request, RequestBuilder::bearer_auth)).await
    }

    pub(crate) async fn register(&self) -> Answer {
        self.post("/users", &json!({ "email": EMAIL, "password": PASSWORD })).await
    }

    pub(crate) async fn login(&self) -> Answer {
        self.post("/login", &json!({ "email": EMAIL, "password": PASSWORD })).await
    }

    /// Registers and signs in a user, and returns the access token and the refresh token.
    pub(crate) async fn signed_in(&self) -> (String, String) {
        assert_eq!(self.register().await.status, 201);
        self.signed_in_again().await
    }

    /// Signs in the registered user. Returns the access token and the refresh token.
    pub(crate) async fn signed_in_again(&self) -> (String, String) {
        let answer = self.login().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        (answer.field("access_token"), answer.field("refresh_token"))
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/token", &json!({ "refresh_token": token })).await
    }

    pub(crate) async fn logout(&self, body: &Value) -> Answer {
        self.send(self.request(Method::DELETE, "/logout").json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    pub(crate) async fn id_of_ann(&self) -> UserId {
        let name = UserIdOrEmail::parse(EMAIL).unwrap();
        self.store.find_user(&name).await.unwrap().unwrap().id
    }

    pub(crate) fn later(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// Reloads the files of secrets, and waits for it.
    pub(crate) fn reread(&self) {
        let _ = self.secret_files.as_ref().unwrap().reload_now().recv();
    }
}

/// The token that an application of the user would have: the same claims for the application's audience only.
pub(crate) fn as_application(access_token: &str) -> String {
    let payload = UnverifiedJws::parse(access_token).unwrap().payload_json().unwrap();
    let mut claims: AccessClaims = serde_json::from_str(&payload).unwrap();
    claims.aud.0 = ["http://localhost:3000".to_owned()].into();
    assert_eq!(claims.aud.0.len(), 1);
    signed_by_the_secret(&claims)
}

/// The same claims, signed by the secret.
pub(crate) fn by_the_secret(access_token: &str) -> String {
    let payload = UnverifiedJws::parse(access_token).unwrap().payload_json().unwrap();
    signed_by_the_secret(&serde_json::from_str(&payload).unwrap())
}

fn signed_by_the_secret(claims: &AccessClaims) -> String {
    let secret: Plain<AccessTokenSecret> = Plain::new(ACCESS_TOKEN_SECRET.to_owned());
    KeyRing::from_secrets(&secret, &[]).unwrap().sign(TokenType::Access, claims).unwrap()
}

/// The configuration with these variables and two hashing threads, because tests run in parallel and each thread takes
/// 19 MiB.
pub(crate) fn configured(variables: &[(&str, &str)]) -> Config {
    let in_a_file = |name: &str| variables.iter().any(|(variable, _)| *variable == format!("{name}_FILE"));
    let defaults = DEFAULTS.into_iter().filter(|(name, _)| !in_a_file(name));
    let environment = defaults
        .fold(Environment::from_pairs(variables.iter().copied()), |environment, (name, value)| {
            environment.with_default(name, value)
        });
    let mut config = Config::from_environment(&environment).unwrap();
    config.hashing_threads = 2;
    config
}

pub(crate) async fn fresh_store(engine: Engine, clock: &ManualClock) -> (Arc<dyn Store>, Box<dyn Any>) {
    match engine {
        Engine::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}", folder.path().join("goptri.db").display());
            (Arc::new(SqliteStore::connect(&url, Arc::new(clock.clone())).unwrap()), Box::new(folder))
        }
        Engine::Postgres => {
            let (url, database) = fresh_postgres("").await;
            let store =
                PostgresStore::connect(&url, POSTGRES_CONNECTIONS).unwrap().with_clock_offset(clock.clone());
            (Arc::new(store), database)
        }
    }
}

/// The URL of an empty database on which these statements were executed, or of one that is migrated and distributed, on
/// the cluster of `scripts/test-citus`.
async fn fresh_postgres(statements: &str) -> (String, Box<dyn Any>) {
    let Some(nodes) = scratch_pg::named_cluster() else {
        let database = scratch_pg::Database::fresh().await;
        database.execute(statements).await;
        return (database.url().to_owned(), Box::new(database));
    };
    let database = scratch_pg::CitusDatabase::on(&nodes).await;
    let store = PostgresStore::connect(&database.url(0), 1).unwrap();
    store.migrate(RunningServers::Stopped).await.unwrap();
    store.distribute().await.unwrap();
    store.close().await;
    database.execute(statements).await;
    (database.url(0), Box::new(database))
}

/// A store whose clock is stopped; only `clock` moves it.
pub(crate) async fn stopped_store(engine: Engine, clock: &ManualClock) -> (Arc<dyn Store>, Box<dyn Any>) {
    clock.stop_at("2030-01-01T00:00:00Z".parse().unwrap());
    match engine {
        Engine::Sqlite => fresh_store(engine, clock).await,
        Engine::Postgres => {
            // The search path finds this one before Postgres's own.
            let stop = "create function public.statement_timestamp() returns timestamptz language sql stable
                        as $$ select '2030-01-01 00:00:00+00'::timestamptz $$";
            let (url, database) = fresh_postgres(stop).await;
            let separator = if url.contains('?') { '&' } else { '?' };
            let url = format!("{url}{separator}options=-csearch_path%3Dpublic%2Cpg_catalog");
            let store =
                PostgresStore::connect(&url, POSTGRES_CONNECTIONS).unwrap().with_clock_offset(clock.clone());
            (Arc::new(store), database)
        }
    }
}
