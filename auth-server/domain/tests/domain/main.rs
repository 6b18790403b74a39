//! What is promised about the tokens of a session, tried from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access_tokens;
mod confusion;
mod fixture;
mod refresh_tokens;
mod verdicts;
