//! Errors: the catalogue that clients see, why a flow rejects, and [`Failure`].
//!
//! A flow returns a refusal that says exactly what happened. The log gets that reason, and the client gets the row of
//! the catalogue that [`Refusal::protocol_error`] maps it to.

mod catalogue;
mod failure;
mod refusals;

pub use catalogue::catalogue;
pub(crate) use catalogue::{
    CLIENT_CREDENTIALS, INVALID_CLIENT, NOT_ONE_ADDRESS, NOT_ONE_REFRESH_TOKEN, PAGE_QUERY, SIGN_OUT_QUERY,
    UNSUPPORTED_GRANT_TYPE,
};
pub(crate) use failure::CauseChain;
pub use failure::{Failure, Refusal};
pub use refusals::{
    ChangePasswordRefused, ManageUserRefused, NotReady, NotReadyBecause, RefreshRefused, RegisterRefused,
    SessionEnded, SignInRefused, SignOutRefused,
};
