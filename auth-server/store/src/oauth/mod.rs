//! The ports of the authorization server.

mod clients;
mod code_outcomes;
mod codes;
mod grants;
mod pushed;
mod scopes;
mod sign_ins;

pub use clients::{AddClientOutcome, ChangeClientOutcome, Clients};
pub use code_outcomes::{IssueCodeOutcome, OpenApplicationOutcome, SpendOutcome};
pub use codes::{CODE_RETENTION, Codes};
pub use grants::Grants;
pub use pushed::{OPENED_REQUEST_LIFETIME, PushedRequests};
pub use scopes::RegisteredScopes;
pub use sign_ins::SignIns;
