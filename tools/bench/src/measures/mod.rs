//! What is measured, one file each.

mod chains;
mod growth;
mod memory;
mod neighbours;
mod people;
mod protected;
mod refresh_postgres;
mod refresh_sqlite;
mod sign_in;
mod sign_out;
mod size;
mod spread;
mod start;
mod verification;
mod visitors;

use clap::ValueEnum;

use crate::Failed;
use crate::figures::Findings;
use crate::stage::Stage;

/// A measure, by its name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// `GET /me` behind the guard, beside the same without one
    Protected,
    /// Checking a token in process, beside one HMAC
    Verification,
    /// `POST /token` on Postgres, beside pgbench
    Refresh,
    /// `POST /token` on `SQLite`, beside one writer
    RefreshSqlite,
    /// `POST /login`, beside Argon2id alone
    SignIn,
    /// What a flood of sign-ins does to refreshes and verification
    Neighbours,
    /// From a sign-out to the first 401
    SignOut,
    /// How much memory an idle server has
    Memory,
    /// From the start to the first 200
    Start,
    /// Whether the table of sessions grows, and slows, with refreshes
    Growth,
    /// How large the programs are
    Size,
}

impl Measure {
    /// Measures.
    pub(crate) fn run(self, stage: &Stage) -> Result<Findings, Failed> {
        match self {
            Self::Protected => protected::run(stage),
            Self::Verification => verification::run(stage),
            Self::Refresh => refresh_postgres::run(stage),
            Self::RefreshSqlite => refresh_sqlite::run(stage),
            Self::SignIn => sign_in::run(stage),
            Self::Neighbours => neighbours::run(stage),
            Self::SignOut => sign_out::run(stage),
            Self::Memory => memory::run(stage),
            Self::Start => start::run(stage),
            Self::Growth => growth::run(stage),
            Self::Size => size::run(),
        }
    }
}
