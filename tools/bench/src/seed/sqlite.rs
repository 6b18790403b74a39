//! A SQLite file full of sessions, and a writer with durable transactions on it.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use auth_domain::Digest;
use goptri::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::Error;
use crate::servers::{Program, output_of};
use crate::tokens::{AUDIENCE, ISSUER, SCOPE, SESSIONS_EACH, email, jti, session_id, user_id};

/// Rows per insert.
const BATCH: u64 = 20_000;

const USERS: &str =
    "insert into users (id, email, email_key, email_verified, password_hash, roles, created_at)
     select unhex(value->>0), value->>1, value->>1, 1, null, '[]', ?2 from json_each(?1)";

const EMAILS: &str =
    "insert into emails (email_key, user_id) select value->>1, unhex(value->>0) from json_each(?1)";

const SESSIONS: &str =
    "insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at, rotated_at,
                           last_used_at, user_agent, ip)
     select unhex(value->>0), unhex(value->>1), 'goptri', ?3, ?4, ?2, unhex(value->>2), ?2, ?2, ?2,
            'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '203.0.113.7'
     from json_each(?1)";

/// The least that a refresh has to change.
const UPDATE: &str = "update sessions
     set generation = generation + 1, previous_rotated_at = rotated_at, rotated_at = ?1, last_used_at = ?1
     where user_id = ?2 and id = ?3";

pub(crate) struct SqliteFile {
    path: PathBuf,
    runtime: tokio::runtime::Runtime,
    writer: SqliteConnection,
    updated: i64,
}

impl SqliteFile {
    /// A new file with that many sessions, migrated by auth-server.
    pub(crate) fn with(sessions: u64, folder: &Path) -> Result<Self, Error> {
        let path = folder.join("goptri.db");
        let url = format!("sqlite://{}", path.display());
        output_of(Program::auth(&url).command()?.arg("migrate").stdout(Stdio::piped()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // As the store does.
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .disable_statement_logging();
        let writer = runtime.block_on(SqliteConnection::connect_with(&options))?;
        let mut file = Self { path, runtime, writer, updated: 0 };
        file.fill(sessions)?;
        Ok(file)
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.path.display())
    }

    fn fill(&mut self, sessions: u64) -> Result<(), Error> {
        for begin in (0..sessions).step_by(usize::try_from(BATCH)?) {
            let numbers = begin..sessions.min(begin + BATCH);
            let users: Vec<Value> = (numbers.start / SESSIONS_EACH..numbers.end.div_ceil(SESSIONS_EACH))
                .map(|user| json!([user_id(user).simple().to_string(), email(user)]))
                .collect();
            let rows: Vec<Value> = numbers
                .map(|number| {
                    let user = user_id(number / SESSIONS_EACH).simple().to_string();
                    let digest = hex(Digest::of(&jti(number)).as_bytes());
                    json!([user, session_id(number).simple().to_string(), digest])
                })
                .collect();
            let (users, rows) = (Value::Array(users).to_string(), Value::Array(rows).to_string());
            let (now, writer) = (SystemClock.now().timestamp_micros(), &mut self.writer);
            let audience = json!([AUDIENCE, ISSUER]).to_string();
            self.runtime.block_on(async {
                sqlx::query(USERS).bind(&users).bind(now).execute(&mut *writer).await?;
                sqlx::query(EMAILS).bind(&users).execute(&mut *writer).await?;
                sqlx::query(SESSIONS).bind(rows).bind(now).bind(SCOPE).bind(audience).execute(writer).await
            })?;
        }
        Ok(())
    }

    /// Durable updates per second of one row each by one writer, for sessions that no caller refreshes, `stride` apart.
    pub(crate) fn updates(&mut self, sessions: u64, stride: u64, duration: Duration) -> Result<f64, Error> {
        let (begun, before) = (Instant::now(), self.updated);
        while begun.elapsed() < duration {
            self.updated += 1;
            // As far from the previous one as consecutive refreshes are.
            let turn = self.updated.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) % (sessions / stride);
            let number = turn * stride + stride / 2;
            let done = sqlx::query(UPDATE)
                .bind(SystemClock.now().timestamp_micros())
                .bind(user_id(number / SESSIONS_EACH))
                .bind(session_id(number))
                .execute(&mut self.writer);
            if self.runtime.block_on(done)?.rows_affected() != 1 {
                return Err("a session is missing".into());
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let number = (self.updated - before) as f64;
        Ok(number / begun.elapsed().as_secs_f64())
    }

    /// The number of updates so far.
    pub(crate) fn updated(&self) -> i64 {
        self.updated
    }

    /// The number that a query returns.
    pub(crate) fn number(&mut self, query: &'static str) -> Result<i64, Error> {
        Ok(self.runtime.block_on(sqlx::query_scalar(query).fetch_one(&mut self.writer))?)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
