//! What the two servers of Goptri must agree on, and what protects a service of your own.
//!
//! A type lives here only if both servers would break, on the wire, when it changes: the claims of an
//! access token, scopes, key rings, verification, the shape of errors, the bearer middleware. Plain by
//! default; the feature `actix` adds the middleware, the feature `server` what stands around the routes of
//! a whole server.
//!
//! ```
//! use goptri::{Environment, Guard};
//!
//! let environment = Environment::from_pairs([("ACCESS_TOKEN_SECRET", "0123456789abcdef-never-use-this-one")]);
//! let guard = Guard::from_environment(&environment).expect("a secret of at least 32 bytes");
//! assert!(guard.verify("not.a.token").is_err());
//! ```

mod access_claims;
mod access_verifier;
#[cfg(feature = "actix")]
pub mod actix;
mod ascii;
mod audience;
#[cfg(feature = "feed")]
mod auth_server;
#[cfg(feature = "feed")]
mod background_thread;
mod base64url;
mod claims_interner;
mod clock;
mod credential;
mod guard;
mod jws;
pub mod keys;
mod numeric_date;
mod permission;
mod protocol_error;
#[cfg(feature = "feed")]
mod remote_guard;
pub mod revocation;
mod scope;
pub mod settings;
pub mod strict_json;
mod token_cache;
mod token_error;

pub use goptri_settings::{Environment, EnvironmentError, SettingError, SettingErrors};

pub use access_claims::{AccessClaims, Caller, FIRST_PARTY_CLIENT, User};
pub use access_verifier::AccessVerifier;
pub use audience::Audience;
#[cfg(feature = "feed")]
pub use auth_server::AuthServer;
#[cfg(feature = "testing")]
pub use clock::ManualClock;
pub use clock::{Clock, SystemClock};
pub use credential::Credential;
pub use guard::{Guard, NotReady};
pub use jws::{TokenType, UnverifiedJws};
#[cfg(feature = "signing")]
pub use keys::{KeyRing, SigningError};
pub use numeric_date::NumericDate;
pub use permission::{AnyToken, Needs, Permission};
pub use protocol_error::{Challenge, ErrorBody, ProtocolError};
#[cfg(feature = "feed")]
pub use remote_guard::GuardBuilder;
pub use scope::{InvalidScope, Scope};
pub use token_error::{MAX_TOKEN_BYTES, TokenError};
