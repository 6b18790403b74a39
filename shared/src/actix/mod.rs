//! For services built on actix-web: the bearer middleware, its extractor, and errors as responses.

mod bearer_auth;
mod cookies;
mod extract;
mod respond;

pub use bearer_auth::{BearerAuth, authenticate};
pub use cookies::{check_origin, credential, credential_or_cookie, set_private};
pub use extract::{Bearer, authorize, verification};
