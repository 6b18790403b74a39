//! Forward auth: what a proxy asks about the request of another client, and what it learns about the caller.

mod demand;
mod identity;
mod original;
mod sign_in;

pub use demand::{Demand, UnknownDemand};
pub use identity::identity_headers;
pub use original::OriginalRequest;
pub use sign_in::SignInPage;
