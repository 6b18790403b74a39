//! The use cases, one per file: load, decide, call one store verb, issue.
//!
//! A flow returns a domain value, or a refusal that says exactly why not. It knows no HTTP.

mod account;
mod change_password;
mod check_readiness;
mod counters;
mod delete_account;
mod distribute;
mod end_sessions;
mod excess_sessions;
mod inspect_token;
mod issue;
mod list_sessions;
mod list_users;
mod manage_users;
mod migrate;
pub mod oauth;
mod open_session;
mod read_revocations;
mod refresh;
mod register;
mod rehash;
mod revoke_token;
mod sign_in;
mod sign_out;
mod sweep;
mod verify_credentials;

pub use account::{Account, FindAccount};
pub use change_password::ChangePassword;
pub use check_readiness::CheckReadiness;
pub use counters::SessionCounters;
pub(crate) use delete_account::DeleteAccount;
pub use distribute::Distribute;
pub use end_sessions::{EndSessions, EndedForAll};
pub use inspect_token::{InspectToken, RejectedBecause};
pub use issue::{AccessToken, IssueTokens, IssuedTokens, RefreshToken};
pub use list_sessions::{ListSessions, SessionPage};
pub use list_users::{ListUsers, UserPage};
pub use manage_users::{ManageUsers, RoleChange, SetPassword};
pub use migrate::{Migrate, UnusableAddress, UnusableBecause};
pub use open_session::Device;
pub(crate) use open_session::OpenSession;
pub use read_revocations::ReadRevocations;
pub use refresh::Refresh;
pub use register::{Register, Registration, SelfRegister};
pub(crate) use rehash::Rehash;
pub use revoke_token::RevokeToken;
pub use sign_in::{SignIn, TokenStorage};
pub use sign_out::{PresentedTokens, SignOut, SignOutEverywhere};
pub use sweep::{Sweep, Swept};
pub(crate) use verify_credentials::VerifyCredentials;

use crate::error::{Failure, Refusal};
use crate::throttle::{Attempt, AttemptOutcome};

/// Tells the throttle how an attempt ended.
fn record_attempt<T, R: Refusal>(attempt: Attempt, result: Result<T, Failure<R>>) -> Result<T, Failure<R>> {
    attempt.record_outcome(match &result {
        Ok(_) => AttemptOutcome::Succeeded,
        Err(failure) if failure.is_server_failure() => AttemptOutcome::NotJudged,
        Err(_) => AttemptOutcome::Failed,
    });
    result
}
