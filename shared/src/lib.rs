//! Protects a service with the access tokens of Goptri.
//!
//! A [`Guard`] decides whether an access token is accepted: it verifies the signature and every claim and, if it
//! follows the revocation feed (feature `feed`), rejects the tokens of sessions that have ended. Configure it from the
//! environment, or with a [`GuardBuilder`]:
//!
//! ```
//! use goptri::{Environment, Guard};
//!
//! let environment = Environment::from_pairs([("ACCESS_TOKEN_SECRET", "0123456789abcdef-never-use-this-one")]);
//! let guard = Guard::from_environment(&environment).expect("a secret of at least 32 bytes");
//! assert!(guard.verify("not.a.token").is_err());
//! ```
//!
//! With actix-web (feature `actix`), `actix::BearerAuth` verifies the token of each request and `actix::Bearer` hands
//! the [`AccessClaims`] to the handler, if the caller has the handler's [`Permission`]. With axum and tonic (feature
//! `tower`), `tower::BearerAuth` is a layer that does the same, and `tower::Require` a layer for routes that need a
//! scope or a role. Other frameworks call [`Guard::verify`] with the token from a
//! [`Credential`](credential::Credential), and check the scope or role with [`Requirement::is_met_by`].
//!
//! | feature | adds |
//! | --- | --- |
//! | `actix` | the bearer middleware and its extractor for actix-web |
//! | `tower` | the bearer middleware for axum, tonic and other services of tower |
//! | `feed` | fetches auth-server's public keys and follows its revocation feed |
//! | `signing` | keys that sign tokens, for auth-server and for tests that need tokens |
//! | `testing` | clocks that tests control |
//!
//! The other modules have the types that options of [`GuardBuilder`] and [`AccessClaims`] use, such as
//! [`SessionCookie`](cookie::SessionCookie) and [`NumericDate`](token::NumericDate). Their other items are for Goptri's
//! own servers and for tools. An id such as JV-17 names a security requirement: docs/requirements.md in the repository
//! defines it.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod access_claims;
mod access_verifier;
#[cfg(feature = "actix")]
pub mod actix;
mod ascii;
mod audience;
#[cfg(feature = "feed")]
pub mod auth_server;
#[cfg(feature = "feed")]
mod background_thread;
mod base64url;
#[cfg(any(feature = "actix", feature = "tower"))]
mod bearer;
mod claim_text;
mod claims_interner;
pub mod clock;
pub mod cookie;
pub mod credential;
#[cfg(feature = "feed")]
mod following;
mod guard;
mod guard_builder;
mod jws;
pub mod keys;
#[cfg(feature = "testing")]
mod manual_clock;
mod numeric_date;
pub mod origin;
mod permission;
pub mod protocol_error;
pub mod revocation;
mod scope;
pub mod settings;
pub mod strict_json;
pub mod token;
mod token_cache;
mod token_error;
#[cfg(feature = "tower")]
pub mod tower;

pub use goptri_settings::{Environment, EnvironmentError, SettingError, SettingErrors};

pub use access_claims::{AccessClaims, Caller, User};
pub use guard::{Guard, NotReady};
pub use guard_builder::{GuardBuilder, GuardError};
pub use permission::{AnyToken, Permission, Requirement};
pub use protocol_error::ProtocolError;
pub use scope::Scope;
pub use token_error::TokenError;
