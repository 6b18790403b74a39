//! api-server over HTTP. The tests sign tokens with the shared secret, as auth-server does.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod background_tasks;
mod bad_photos;
mod callers;
mod configuration;
mod cookies;
mod cross_origin;
mod expensive_requests;
mod full_disk;
mod metrics;
mod photos;
mod photos_at_once;
mod photos_folder;
mod revoked;
mod routes;
mod slow_uploads;
mod support;
mod verify;
