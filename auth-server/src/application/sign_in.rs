//! Registration, sign-in, refreshing and sign-out.

use std::sync::Arc;

use actix_web::http::Method;
use goptri_server::{Access, Route};

use super::feature::{Assembly, Feature, Parts};
use crate::flow::{
    EndSessions, OpenSession, Register, Rehash, SelfRegister, SignIn, SignOut, SignOutEverywhere,
    VerifyCredentials,
};
use crate::http::cookies::Cookies;
use crate::http::{login, logout, token, users};

pub(super) const FEATURE: Feature = Feature { routes, assemble };

fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/users", Access::Public, users::register),
        Route::new(Method::POST, "/login", Access::CredentialInRequest, login::sign_in),
        Route::new(Method::POST, "/token", Access::CredentialInRequest, token::issue).for_clients(),
        Route::new(Method::DELETE, "/token", Access::CredentialInRequest, logout::sign_out_by_refresh_cookie)
            .with_body(),
        Route::new(Method::DELETE, "/logout", Access::CredentialInRequest, logout::sign_out).with_body(),
    ]
}

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    let cookies = Cookies::new(parts.config.session_cookie.clone(), &parts.config.issuer);
    assembly
        .provide(self_register(parts))
        .provide(cookies.clone())
        .provide(sign_in(parts))
        .provide(token::BuiltInClient { flow: parts.refresh(), cookies })
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

pub(super) fn self_register(parts: &Parts) -> SelfRegister {
    let register = || Register {
        store: parts.store(),
        hasher: parts.hasher.clone(),
        rules: parts.config.password_rules,
        clock: Arc::clone(&parts.clock),
        entropy: parts.entropy.clone(),
    };
    SelfRegister { register: parts.config.registration_open.then(register), throttle: parts.throttle.clone() }
}

fn sign_in(parts: &Parts) -> SignIn {
    SignIn { verify: verify_credentials(parts), sessions: open_session(parts), issue: parts.issue.clone() }
}

pub(super) fn verify_credentials(parts: &Parts) -> VerifyCredentials {
    VerifyCredentials {
        store: parts.store(),
        hasher: parts.hasher.clone(),
        throttle: parts.throttle.clone(),
        rehash: Rehash { store: parts.store(), hasher: parts.hasher.clone() },
        counters: parts.counters.clone(),
    }
}

pub(super) fn open_session(parts: &Parts) -> OpenSession {
    OpenSession {
        store: parts.store(),
        scope: parts.config.default_scope.clone(),
        audience: vec![parts.config.audience.clone(), parts.config.issuer.clone()],
        lifetime: parts.config.refresh.lifetime,
        clock: Arc::clone(&parts.clock),
        entropy: parts.entropy.clone(),
    }
}
