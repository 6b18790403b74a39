//! auth-server over HTTP: handlers parse the request, call a flow, and render the response.

mod account;
pub(crate) mod cookies;
mod failure;
pub(crate) mod health;
pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod oauth;
mod page_query;
pub(crate) mod password;
pub(crate) mod revocations;
pub(crate) mod sessions;
pub(crate) mod token;
mod tokens;
pub(crate) mod users;
