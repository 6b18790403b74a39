//! What is promised about tokens and about services behind them, tried from outside.
#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]
#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

mod algorithms;
mod claims;
mod compact_form;
mod duplicates;
mod guard_builder;
mod header;
mod key_confusion;
mod key_files;
mod key_pairs;
mod key_sets;
mod key_sets_refused;
mod logged;
mod mutations;
mod remembered;
mod revoked;
mod rings;
mod secret_files;
mod secret_files_partial;
mod silence;
mod test_keys;
mod times;
mod twin_signatures;

#[cfg(feature = "actix")]
mod bearer;
#[cfg(feature = "actix")]
mod challenges;
#[cfg(feature = "actix")]
mod protected;
#[cfg(feature = "actix")]
mod stale;

#[cfg(feature = "feed")]
mod feed_age;
#[cfg(feature = "feed")]
mod feed_followed;
#[cfg(feature = "feed")]
mod feed_lost;
#[cfg(feature = "feed")]
mod feed_recorded;
#[cfg(feature = "feed")]
mod feed_tls;
#[cfg(feature = "feed")]
mod followed;
#[cfg(feature = "feed")]
mod followed_keys;
#[cfg(feature = "feed")]
mod keys_lost;
#[cfg(feature = "feed")]
mod keys_wanted;
#[cfg(feature = "feed")]
mod published_keys;
#[cfg(feature = "feed")]
mod secret_files_followed;
