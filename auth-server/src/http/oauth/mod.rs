//! The endpoints that applications call themselves: `/token`, `/revoke`, `/par`, and the metadata of the server.

mod client_credentials;
mod form;
pub(crate) mod metadata;
pub(crate) mod par;
pub(crate) mod revoke;
pub(crate) mod token;

pub(crate) use client_credentials::PresentedClient;
pub(crate) use form::Form;
