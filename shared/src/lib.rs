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
//! assert!(guard.check("not.a.token").is_err());
//! ```

mod access_token;
#[cfg(feature = "actix")]
pub mod actix;
mod alike;
mod alphabet;
#[cfg(feature = "feed")]
mod auth_server;
mod base64url;
mod clock;
mod compact;
mod environment;
mod error_body;
#[cfg(feature = "feed")]
mod following;
mod guard;
pub mod keys;
mod live;
mod numeric_date;
#[cfg(feature = "feed")]
mod own_thread;
mod refusal;
pub mod revocation;
mod scope;
mod secret;
mod secret_files;
#[cfg(feature = "server")]
pub mod server;
mod settings;
mod unique_members;
mod usual_payload;
mod verified_tokens;
mod weak_secret;

pub use access_token::{AccessClaims, AccessVerifier, Audience, FIRST_PARTY_CLIENT};
#[cfg(feature = "feed")]
pub use auth_server::AuthServer;
pub use clock::{Clock, ManualClock, SystemClock};
pub use compact::{Compact, MAX_TOKEN_BYTES, TokenType};
pub use environment::{Environment, EnvironmentError};
pub use error_body::{Challenge, ErrorBody, ProtocolError};
#[cfg(feature = "feed")]
pub use following::Following;
pub use guard::{Guard, NotReady};
pub use keys::{KeyRing, SigningFailed};
pub use live::Live;
pub use numeric_date::NumericDate;
pub use refusal::Refusal;
pub use scope::{AnyToken, InvalidScope, Needs, Permission, PhotosRead, PhotosWrite, Scope};
pub use secret::{AccessTokenSecret, FeedSecret, Kind, Plain, RefreshTokenSecret};
pub use secret_files::{FileWatch, SecretFiles};
pub use settings::{Fault, Faults, Settings, duration_in_words, parse_duration};
pub use weak_secret::WeakSecret;
