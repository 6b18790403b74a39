//! The use cases, one a file: load, decide, one store verb, issue.

mod failure;
mod issue;
mod refresh;
mod register;
mod rehash;
mod sign_in;
mod sign_out;
mod sweep;

pub use failure::Failure;
pub(crate) use failure::NOT_MIGRATED;
pub use issue::{IssueTokens, Tokens};
pub use refresh::Refresh;
pub use register::{Register, Registration};
pub(crate) use rehash::Rehash;
pub use sign_in::{Device, SignIn};
pub use sign_out::{Presented, SignOut};
pub use sweep::Sweep;
