//! The promises about tokens and sessions, tested through the public interface.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod access_tokens;
mod authorization_requests;
mod client_assertions;
mod client_registrations;
mod confusion;
mod fixture;
mod next_steps;
mod oauth_fixture;
mod oauth_secrets;
mod pkce;
mod redeeming;
mod redirect_uri_attacks;
mod redirect_uris;
mod refresh_tokens;
mod values;
mod verdicts;
