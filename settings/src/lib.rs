//! Settings from the environment, secrets that cannot be printed, and files that are reloaded when they change; and
//! background tasks that are restarted when they panic.
//!
//! The lowest crate of Goptri: it does not depend on tokens or HTTP.

mod backoff;
mod dotenv;
mod durations;
mod environment;
mod file_snapshot;
mod file_watch;
mod pem_layout;
mod reloadable;
mod secret;
mod secrets;
mod settings;
mod supervision;
mod text_file;
mod weak_secret;

pub use backoff::Backoff;
pub use dotenv::EnvironmentError;
pub use durations::{describe_duration, parse_duration};
pub use environment::Environment;
pub use file_watch::{FileWatch, SecretFiles};
pub use pem_layout::restore_pem_layout;
pub use reloadable::Reloadable;
pub use secret::{AccessTokenSecret, FeedSecret, Plain, RefreshTokenSecret, SecretKind};
pub use settings::{Reported, SettingError, SettingErrors, Settings, parse_address};
pub use supervision::{TaskHealth, ThreadEnd, supervise, supervise_thread};
pub use text_file::{NotText, read_text_file};
pub use weak_secret::WeakSecret;
