//! api-server over HTTP.

mod me;

use actix_web::http::Method;
use goptri::Needs;
use goptri::server::{Admits, Route, current_user, healthz};

/// Every route on one screen, with whom it admits.
pub fn routes() -> Vec<Route> {
    use Admits::{Anybody, AnybodyOrCaller, Caller};
    vec![
        Route::new(Method::GET, "/me", Caller(Needs::AnyToken), me::me),
        Route::new(Method::GET, "/currentuser", AnybodyOrCaller, current_user),
        Route::new(Method::GET, "/healthz", Anybody, healthz),
        // Nothing is waited for: a secret is all that verification needs.
        Route::new(Method::GET, "/readyz", Anybody, healthz),
    ]
}
