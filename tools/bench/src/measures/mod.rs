//! The measures, one file each.

mod api_callers;
mod chains;
mod failover;
mod growth;
mod hostile_bodies;
mod interference;
mod memory;
mod protected;
mod redeem_codes;
mod refresh_citus;
mod refresh_postgres;
mod refresh_sqlite;
mod sign_in;
mod sign_in_page;
mod sign_out;
mod size;
mod spread;
mod start;
mod users;
mod verification;

use clap::ValueEnum;

use crate::Error;
use crate::figures::Findings;
use crate::run::Run;

/// The measures that the command line can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// `GET /me` and `GET /verify` with the guard (limit: without it)
    Protected,
    /// Verifying a token in process (limit: one HMAC)
    Verification,
    /// `POST /token` on Postgres (limit: pgbench)
    Refresh,
    /// `POST /token` on Citus (limit: one server without batching); only if it is named, because it needs Citus
    RefreshCitus,
    /// `POST /token` on `SQLite` (limit: one writer)
    RefreshSqlite,
    /// `POST /login` (limit: Argon2id alone)
    SignIn,
    /// `POST /token` with an authorization code on Postgres (limit: pgbench)
    Redeem,
    /// `GET /sign-in` (limit: a constant body of its size)
    SignInPage,
    /// How a flood of sign-ins slows refreshes and verification
    Interference,
    /// How requests that are expensive to parse slow refreshes and verification (limit: plain ones)
    HostileBodies,
    /// How long refreshes are interrupted by a restart of Postgres, and by a switch-over to its standby
    Failover,
    /// The time from a sign-out to the first 401
    SignOut,
    /// The memory of idle servers
    Memory,
    /// The time from the start to the first 200
    Start,
    /// Whether refreshes make the sessions table larger or slower
    Growth,
    /// The size of the programs
    Size,
}

impl Measure {
    /// All that need nothing but what `scripts/setup` installs.
    pub(crate) fn usual() -> Vec<Self> {
        Self::value_variants().iter().copied().filter(|measure| *measure != Self::RefreshCitus).collect()
    }

    pub(crate) fn run(self, run: &Run) -> Result<Findings, Error> {
        match self {
            Self::Protected => protected::run(run),
            Self::Verification => verification::run(run),
            Self::Refresh => refresh_postgres::run(run),
            Self::RefreshCitus => refresh_citus::run(run),
            Self::RefreshSqlite => refresh_sqlite::run(run),
            Self::SignIn => sign_in::run(run),
            Self::Redeem => redeem_codes::run(run),
            Self::SignInPage => sign_in_page::run(run),
            Self::Interference => interference::run(run),
            Self::HostileBodies => hostile_bodies::run(run),
            Self::Failover => failover::run(run),
            Self::SignOut => sign_out::run(run),
            Self::Memory => memory::run(run),
            Self::Start => start::run(run),
            Self::Growth => growth::run(run),
            Self::Size => size::run(),
        }
    }
}
