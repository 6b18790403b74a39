//! The real programs on real databases.
//!
//! The programs are those of the last `cargo build --workspace`; `scripts/test` builds them first.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when it fails")]

mod administering;
mod api_server_command;
#[cfg(target_os = "linux")]
mod browser;
mod command_line;
mod configuration;
mod database_faults;
mod deploying;
mod developing;
mod distributing;
mod documented;
mod errors_page;
mod failover;
mod feed_followed;
mod guessing;
mod hashing;
mod hostile_connections;
mod inspecting;
mod keys_by_command;
mod late_requests;
mod logs;
mod lost_database;
mod metrics;
mod operating;
mod outside_service;
mod programs;
mod readme;
mod registering_clients;
mod request_log;
mod requirements;
mod rotating;
mod secrets_in_logs;
mod sign_out;
mod starting_together;
mod stolen_database;
mod stopping;
mod text_files;
mod tls;
mod upgrading;
