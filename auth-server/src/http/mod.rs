//! auth-server over HTTP: handlers parse the request, call a flow, and render the response.

mod account;
mod failure;
mod health;
mod jwks;
mod login;
mod logout;
mod page_query;
mod password;
mod revocations;
mod sessions;
mod token;
mod tokens;
mod users;

use actix_web::http::Method;
use goptri::{Needs, keys, revocation};
use goptri_server::{Access, Route, current_user, healthz};

/// The table of routes, with the access that each requires.
pub fn routes() -> Vec<Route> {
    use Access::{Caller, FeedClient, OptionalCaller, Public, TokenInBody};
    vec![
        Route::new(Method::POST, "/users", Public, users::register),
        Route::new(Method::POST, "/login", TokenInBody, login::sign_in),
        Route::new(Method::POST, "/token", TokenInBody, token::refresh),
        Route::new(Method::DELETE, "/logout", TokenInBody, logout::sign_out),
        // The handlers take an `Account`: the token is for this server, and its session is live.
        Route::new(Method::GET, "/sessions", Caller(Needs::AnyToken), sessions::list),
        Route::new(Method::DELETE, "/sessions/{id}", Caller(Needs::AnyToken), sessions::end),
        Route::new(Method::POST, "/password", Caller(Needs::AnyToken), password::change),
        Route::new(Method::GET, "/currentuser", OptionalCaller, current_user),
        Route::new(Method::GET, keys::PATH, Public, jwks::show),
        Route::new(Method::GET, revocation::PATH, FeedClient, revocations::feed),
        Route::new(Method::GET, "/healthz", Public, healthz),
        Route::new(Method::GET, "/readyz", Public, health::readyz),
    ]
}
