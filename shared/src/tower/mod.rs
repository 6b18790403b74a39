//! For axum, tonic, and other services of `tower` that speak HTTP: the bearer middleware as a layer.
//!
//! [`BearerAuth`] verifies the access token of each request and attaches the caller's claims to it, as an
//! `Arc<AccessClaims>` in its extensions. [`Require`] is a layer for routes that need a scope or a role.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::routing::get;
//! use axum::{Extension, Router};
//! use goptri::tower::{BearerAuth, Require};
//! use goptri::{AccessClaims, Environment, Guard};
//!
//! async fn invoices(Extension(caller): Extension<Arc<AccessClaims>>) -> String {
//!     format!("The invoices of {}", caller.subject())
//! }
//!
//! let environment = Environment::from_pairs([("ACCESS_TOKEN_SECRET", "0123456789abcdef-never-use-this-one")]);
//! let guard = Guard::from_environment(&environment).expect("a secret of at least 32 bytes");
//! let app: Router = Router::new()
//!     .route("/invoices", get(invoices).layer(Require::scope("invoices:read")))
//!     .layer(BearerAuth::required(guard));
//! ```
//!
//! A handler outside of [`BearerAuth`] that takes the extension responds 500, so that a missing layer is noticed. On
//! routes that are also for anonymous callers, take `Option<Extension<Arc<AccessClaims>>>`. An extractor of your own
//! calls [`authorize`] with the extensions of the request, and turns the error into a response with [`error_response`].
//!
//! In tonic, add the layer to the server, and call [`authorize`] in the method or in an interceptor. A rejected request
//! gets a gRPC response: 401 is `UNAUTHENTICATED`, 403 `PERMISSION_DENIED`, 400 `INVALID_ARGUMENT`, and 503
//! `UNAVAILABLE`.

mod bearer_auth;
mod headers;
mod require;
mod respond;

pub use bearer_auth::{BearerAuth, BearerAuthService};
pub use require::{Require, RequireService, authorize};
pub use respond::{ResponseBody, error_response};
