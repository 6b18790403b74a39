//! Registration, sign-in, refreshing and sign-out.

use std::sync::Arc;

use actix_web::http::Method;
use goptri_server::{Access, Route};

use super::feature::{Assembly, Feature, Parts};
use crate::flow::{EndSessions, Register, Rehash, SelfRegister, SignIn, SignOut, SignOutEverywhere};
use crate::http::cookies::Cookies;
use crate::http::{login, logout, token, users};

pub(super) const FEATURE: Feature = Feature { routes, assemble };

fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/users", Access::Public, users::register),
        Route::new(Method::POST, "/login", Access::TokenInBody, login::sign_in),
        Route::new(Method::POST, "/token", Access::TokenInBody, token::issue).for_clients(),
        Route::new(Method::DELETE, "/token", Access::TokenInBody, logout::sign_out_by_refresh_cookie)
            .with_body(),
        Route::new(Method::DELETE, "/logout", Access::TokenInBody, logout::sign_out).with_body(),
    ]
}

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    let cookies = Cookies::new(parts.config.session_cookie.clone(), &parts.config.issuer);
    assembly
        .provide(SelfRegister {
            register: parts.config.registration_open.then(|| register(parts)),
            throttle: parts.throttle.clone(),
        })
        .provide(cookies.clone())
        .provide(sign_in(parts))
        .provide(token::FirstParty { flow: parts.refresh(), cookies })
        .provide(SignOut {
            store: parts.store(),
            refresh_tokens: parts.refresh_tokens.clone(),
            verifier: parts.config.access_verifier(parts.keys.verifying.clone()),
            clock: Arc::clone(&parts.clock),
            counters: parts.counters.clone(),
        })
        .provide(SignOutEverywhere {
            sessions: EndSessions { store: parts.store() },
            accounts: parts.accounts.clone(),
            refresh_tokens: parts.refresh_tokens.clone(),
            guard: parts.guard.clone(),
            counters: parts.counters.clone(),
        });
}

fn register(parts: &Parts) -> Register {
    Register {
        store: parts.store(),
        hasher: parts.hasher.clone(),
        rules: parts.config.password_rules,
        clock: Arc::clone(&parts.clock),
        entropy: parts.entropy.clone(),
    }
}

fn sign_in(parts: &Parts) -> SignIn {
    SignIn {
        store: parts.store(),
        hasher: parts.hasher.clone(),
        throttle: parts.throttle.clone(),
        rehash: Rehash { store: parts.store(), hasher: parts.hasher.clone() },
        issue: parts.issue.clone(),
        scope: parts.config.default_scope.clone(),
        audience: vec![parts.config.audience.clone(), parts.config.issuer.clone()],
        lifetime: parts.config.refresh.lifetime,
        clock: Arc::clone(&parts.clock),
        entropy: parts.entropy.clone(),
        counters: parts.counters.clone(),
    }
}
