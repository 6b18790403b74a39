//! Errors: the catalogue that clients see, why a flow rejects, and [`Failure`].
//!
//! A flow returns a refusal that says exactly what happened. The log gets that reason, and the client gets the row of
//! the catalogue that [`Refusal::protocol_error`] maps it to.

mod catalogue;
mod failure;
mod oauth_catalogue;
mod oauth_refusals;
mod refusals;

pub use catalogue::catalogue;
pub(crate) use catalogue::{
    CLIENT_CREDENTIALS, COOKIE_TOO_LARGE, COOKIES_IGNORED, NO_REFRESH_COOKIE, NOT_ONE_ADDRESS,
    NOT_ONE_REFRESH_TOKEN, NOTHING_TO_SIGN_OUT, PAGE_QUERY, SECRET_WITHOUT_CLIENT, SIGN_OUT_QUERY,
    TWO_REFRESH_COOKIES, UNSUPPORTED_GRANT_TYPE,
};
pub(crate) use failure::CauseChain;
pub use failure::{Failure, Refusal};
pub(crate) use oauth_catalogue::{CLIENT_NOT_AUTHENTICATED, TWO_CLIENT_AUTHENTICATIONS};
pub use oauth_refusals::{ClientRefused, GrantRefused, ManageClientRefused, ManageScopeRefused, PushRefused};
pub use refusals::{
    ChangePasswordRefused, ManageUserRefused, NotReady, NotReadyBecause, RefreshRefused, RegisterRefused,
    SessionEnded, SignInRefused, SignOutRefused,
};
