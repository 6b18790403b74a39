//! auth-server over HTTP: handlers parse, call a flow, and render.

mod failure;
mod health;
mod login;
mod logout;
mod token;
mod users;

pub(crate) use users::OpenRegistration;

use actix_web::http::Method;
use goptri::server::{Admits, Route, current_user, healthz};

/// Every route on one screen, with whom it admits.
pub fn routes() -> Vec<Route> {
    use Admits::{Anybody, AnybodyOrCaller, Presenter};
    vec![
        Route::new(Method::POST, "/users", Anybody, users::register),
        Route::new(Method::POST, "/login", Presenter, login::sign_in),
        Route::new(Method::POST, "/token", Presenter, token::refresh),
        Route::new(Method::DELETE, "/logout", Presenter, logout::sign_out),
        Route::new(Method::GET, "/currentuser", AnybodyOrCaller, current_user),
        Route::new(Method::GET, "/healthz", Anybody, healthz),
        Route::new(Method::GET, "/readyz", Anybody, health::readyz),
    ]
}
