//! A Postgres server, and databases in it that are full of sessions.

use std::fs;
use std::process::Command;
use std::time::Duration;

use auth_domain::HashingCost;
use scratch_pg::{Database, Profile, ScratchPg};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::Error;
use crate::processes::core_time;
use crate::scale::Scale;
use crate::servers::{Program, output_of};
use crate::tokens::{
    AUDIENCE, FIRST_ENDED, ISSUER, JTI_PREFIX, SCOPE, SESSION_PREFIX, SESSIONS_EACH, USER_PREFIX,
};

/// Clients of pgbench.
const CLIENTS: usize = 16;

pub(crate) struct Postgres {
    server: ScratchPg,
    runtime: tokio::runtime::Runtime,
}

/// The rows that a database starts with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sessions {
    /// Sessions; users have five each.
    pub(crate) number: u64,
    /// Entries in the revocation feed, of other sessions.
    pub(crate) ended: u64,
}

impl Postgres {
    pub(crate) fn start(profile: Profile) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { server: ScratchPg::start(profile)?, runtime })
    }

    /// The server, to stop and to start it.
    pub(crate) fn server(&self) -> &ScratchPg {
        &self.server
    }

    /// An empty database, migrated by auth-server.
    pub(crate) fn migrated(&self) -> Result<Database, Error> {
        let database = self.runtime.block_on(Database::on(&self.server.url("postgres")));
        output_of(
            Program::auth(database.url()).command()?.arg("migrate").stdout(std::process::Stdio::piped()),
        )?;
        Ok(database)
    }

    /// A database with sessions, inserted in SQL.
    pub(crate) fn with(&self, sessions: Sessions) -> Result<Database, Error> {
        let database = self.migrated()?;
        for statement in seed(sessions) {
            self.execute(&database, &statement);
        }
        Ok(database)
    }

    pub(crate) fn execute(&self, database: &Database, statement: &str) {
        self.runtime.block_on(database.execute(statement));
    }

    pub(crate) fn number(&self, database: &Database, query: &str) -> i64 {
        self.runtime.block_on(database.number(query))
    }

    /// Transactions per second that pgbench's clients commit with `script`.
    pub(crate) fn pgbench(
        &self,
        database: &Database,
        script: &str,
        duration: Duration,
    ) -> Result<f64, Error> {
        let file = self.server.folder().join("pgbench.sql");
        fs::write(&file, script)?;
        let mut command = Command::new(scratch_pg::program("pgbench")?);
        command
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .args([format!("--client={CLIENTS}"), format!("--time={}", duration.as_secs().max(1))])
            .arg("--file")
            .arg(&file)
            .arg(database.url());
        let output = output_of(&mut command)?;
        if !output.contains("number of failed transactions: 0 ") {
            return Err(format!("pgbench's updates failed:\n{output}").into());
        }
        let rate =
            output.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.ok_or_else(|| format!("pgbench printed no rate:\n{output}").into())
    }

    /// CPU time of all its processes so far.
    pub(crate) fn core_time(&self) -> Duration {
        let file = fs::read_to_string(self.server.folder().join("data/postmaster.pid")).unwrap_or_default();
        let postmaster = file.lines().next().and_then(|line| line.trim().parse().ok());
        postmaster.map_or(Duration::ZERO, core_time)
    }

    /// The version of Postgres.
    pub(crate) fn version() -> Result<String, Error> {
        output_of(Command::new(scratch_pg::program("postgres")?).arg("--version"))
            .map(|line| line.trim().to_owned())
    }
}

/// A SQL expression for the id of the session with number `number`, which is a SQL expression too.
pub(crate) fn session_in_sql(number: &str) -> String {
    format!("('{SESSION_PREFIX}' || lpad(to_hex({number}), 12, '0'))::uuid")
}

/// The same for the user of that session.
pub(crate) fn user_in_sql(session: &str) -> String {
    format!("('{USER_PREFIX}' || lpad(to_hex(({session}) / {SESSIONS_EACH}), 12, '0'))::uuid")
}

/// The statements that insert the rows.
pub(crate) fn seed(Sessions { number, ended }: Sessions) -> Vec<String> {
    let last_user = number.div_ceil(SESSIONS_EACH).max(1) - 1;
    let (user, session) = (user_in_sql("n"), session_in_sql("n"));
    let hash = unused_hash();
    vec![
        format!(
            "insert into users (id, email, email_key, email_verified, password_hash, roles, created_at)
             select {}, email, email, true, '{hash}', '{{}}', now()
             from generate_series(0::bigint, {last_user}) p, lateral (select 'user-' || p || '@example.com' as email) e",
            user_in_sql(&format!("p * {SESSIONS_EACH}")),
        ),
        "insert into emails (email_key, user_id) select email_key, id from users".to_owned(),
        format!(
            "insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at, rotated_at,
                                   last_used_at, user_agent, ip)
             select {user}, {session}, 'goptri', '{SCOPE}', array['{AUDIENCE}', '{ISSUER}'], now(),
                    sha256(convert_to('{JTI_PREFIX}' || n, 'UTF8')), now(), now(), now(),
                    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '203.0.113.' || n % 256
             from generate_series(0::bigint, {number} - 1) n"
        ),
        format!(
            "insert into revocations (user_id, kind, subject, created_at, expires_at)
             select gen_random_uuid(), 'session', {}, now(), now() + interval '125 minutes'
             from generate_series({FIRST_ENDED}::bigint, {FIRST_ENDED} + {ended} - 1) n",
            session_in_sql("n").replace("::uuid", ""),
        ),
        // Separate statements: neither may run in a transaction.
        "vacuum analyze".to_owned(),
        "checkpoint".to_owned(),
    ]
}

/// A hash without a known password.
fn unused_hash() -> String {
    let (memory, passes) = (HashingCost::CURRENT.memory_kib(), HashingCost::CURRENT.passes());
    format!("$argon2id$v=19$m={memory},t={passes},p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg")
}

/// A pgbench script with the least that a refresh has to change, for sessions that no caller refreshes.
pub(crate) fn one_row_update(scale: &Scale) -> String {
    let stride = scale.stride();
    let number = format!("(:k::bigint * {stride} + {})", stride / 2);
    format!(
        "\\set k random(0, {})
         update sessions
         set generation = generation + 1, previous_rotated_at = rotated_at, rotated_at = now(), last_used_at = now()
         where user_id = {} and id = {};\n",
        scale.sessions / stride - 1,
        user_in_sql(&number),
        session_in_sql(&number),
    )
}

/// Executes a statement on a new connection, on this thread.
pub(crate) fn execute_on(url: &str, statement: &str) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        connection.close().await
    })?;
    Ok(())
}
