//! The use cases, one a file: load, decide, one store verb, issue.

mod account;
mod change_password;
mod end_sessions;
mod failure;
mod issue;
mod list_sessions;
mod list_users;
mod manage_users;
mod read_revocations;
mod refresh;
mod register;
mod rehash;
mod revoke_token;
mod sign_in;
mod sign_out;
mod sweep;

pub use account::{Account, FindAccount};
pub use change_password::ChangePassword;
pub use end_sessions::EndSessions;
pub use failure::Failure;
pub(crate) use failure::NOT_MIGRATED;
pub use issue::{IssueTokens, Tokens};
pub use list_sessions::{ListSessions, SessionPage};
pub use list_users::{ListUsers, UserPage};
pub use manage_users::{ManageUsers, RoleChange};
pub use read_revocations::ReadRevocations;
pub use refresh::Refresh;
use register::{EMAIL_TAKEN, invalid_email, password_rejected};
pub use register::{Register, Registration};
pub(crate) use rehash::Rehash;
pub use revoke_token::RevokeToken;
pub use sign_in::{Device, SignIn};
pub use sign_out::{Presented, SignOut, SignOutEverywhere};
pub use sweep::{Sweep, Swept};
