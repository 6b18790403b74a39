//! A sign-out reaches every api-server through the real feed, also after faults.

#![expect(clippy::print_stdout, reason = "figures for docs/sign-out.md, with --no-capture")]

mod clocks;
pub(crate) mod fleet;
mod lost_database;
mod lost_link;
mod on_citus;
mod restarts;
mod speed;
