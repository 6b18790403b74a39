//! The promises about tokens and sessions, tested through the public interface.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod access_tokens;
mod confusion;
mod fixture;
mod refresh_tokens;
mod values;
mod verdicts;
