//! Signing out reaches every api-server: the real servers, over the real feed, when all is well and when it is not.

#![expect(clippy::print_stdout, reason = "figures for docs/sign-out.md, with --no-capture")]

mod clocks;
mod cut;
mod fleet;
mod lost_database;
mod restarts;
mod speed;
