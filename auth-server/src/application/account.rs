//! The caller's own account: sessions and password.

use actix_web::http::Method;
use goptri::Requirement;
use goptri_server::{Access, Route, current_user};

use super::feature::{Assembly, Feature, Parts};
use crate::flow::{ChangePassword, EndSessions, ListSessions};
use crate::http::{password, sessions};

pub(super) const FEATURE: Feature = Feature { routes, assemble };

/// The handlers take an `Account`: the token must be for this server, and its session live.
const ACCOUNT: Access = Access::Caller(Requirement::AnyToken);

fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/sessions", ACCOUNT, sessions::list),
        Route::new(Method::DELETE, "/sessions/{id}", ACCOUNT, sessions::end),
        Route::new(Method::POST, "/password", ACCOUNT, password::change),
        Route::new(Method::GET, "/currentuser", Access::OptionalCaller, current_user),
    ]
}

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    let idle_lifetime = parts.config.refresh.idle_lifetime;
    assembly
        .provide(parts.accounts.clone())
        .provide(ListSessions { store: parts.store(), idle_lifetime })
        .provide(EndSessions { store: parts.store() })
        .provide(change_password(parts));
}

pub(super) fn change_password(parts: &Parts) -> ChangePassword {
    ChangePassword {
        store: parts.store(),
        hasher: parts.hasher.clone(),
        rules: parts.config.password_rules,
        throttle: parts.throttle.clone(),
    }
}
