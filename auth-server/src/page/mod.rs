//! The pages: handlers parse the form, call a flow, and render a page of `auth-pages` or a redirect.
//!
//! Pages read only their own cookies, never an access token, and have no CORS (AS-07).

pub(crate) mod account;
pub(crate) mod account_forms;
mod answer;
pub(crate) mod assets;
pub(crate) mod authorize;
mod browser;
pub(crate) mod consent;
mod form;
mod form_keys;
pub(crate) mod inspect;
mod page_error;
mod parts;
mod purpose;
pub(crate) mod register;
mod return_to;
pub(crate) mod select_account;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
mod visit;

pub(crate) use browser::PageCookies;
pub(crate) use form_keys::FormKeys;
pub(crate) use parts::PageParts;
