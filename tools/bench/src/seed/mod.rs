//! Databases full of sessions.

mod postgres;
mod sqlite;

pub(crate) use postgres::{
    Postgres, Sessions, execute_on, one_row_update, seed, session_in_sql, user_in_sql,
};
pub(crate) use sqlite::SqliteFile;
