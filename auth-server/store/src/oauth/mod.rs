//! The ports of the authorization server.

mod clients;
mod codes;
mod grants;
mod pushed;
mod scopes;
mod sign_ins;

pub use clients::{AddClientOutcome, ChangeClientOutcome, Clients};
pub use codes::{CODE_RETENTION, Codes, IssueCodeOutcome, OpenApplicationOutcome, SpendOutcome};
pub use grants::Grants;
pub use pushed::{OPENED_LIFETIME, PushedRequests};
pub use scopes::RegisteredScopes;
pub use sign_ins::SignIns;
