//! Settings from the environment, secrets that cannot be printed, and files that are read again when they change.
//!
//! The lowest crate of Goptri: it knows nothing of tokens or of HTTP.

mod durations;
mod environment;
mod reloadable;
mod secret;
mod secret_files;
mod secrets;
mod settings;
mod weak_secret;

pub use durations::{describe_duration, parse_duration};
pub use environment::{Environment, EnvironmentError};
pub use reloadable::Reloadable;
pub use secret::{AccessTokenSecret, FeedSecret, Plain, RefreshTokenSecret, SecretKind};
pub use secret_files::{FileWatch, SecretFiles};
pub use settings::{SettingError, SettingErrors, Settings};
pub use weak_secret::WeakSecret;
