//! `/authorize` and the pages of the sign-in, as a browser sees them.

mod account;
mod browser;
mod client_errors;
mod consent;
mod fixture;
mod forms;
mod forward_auth;
mod headers;
mod inspect;
mod pushed;
mod redirect_uris;
mod responses;
mod sign_in;
