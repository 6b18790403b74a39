//! For services built on actix-web: the bearer middleware, its extractor, and errors as responses.

mod bearer_auth;
mod extract;
mod respond;

pub use bearer_auth::{BearerAuth, credential};
pub use extract::{Bearer, authorize, verification};
