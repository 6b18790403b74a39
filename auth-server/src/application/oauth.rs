//! Applications that act for a user: their tokens, and what they need to know about this server.

use std::sync::Arc;

use actix_web::http::Method;
use auth_domain::{AssertionVerifier, RefreshPolicy, RefreshTokens};
use goptri_server::{Access, Route};

use super::feature::{Assembly, Feature, Parts};
use crate::flow::oauth::{
    AuthenticateClient, ByRotation, DescribeServer, EndApplicationSession, ExchangeCode, GrantTokens,
    PushRequest, RefreshApplication, TrackClientOrigins,
};
use crate::flow::{IssueTokens, Refresh};
use crate::http::oauth::{metadata, par, revoke};

pub(super) const FEATURE: Feature = Feature { routes, assemble };

/// `POST /token`, for the built-in client and for applications, is a route of the feature `sign_in`.
fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/revoke", Access::CredentialInRequest, revoke::revoke).for_clients(),
        Route::new(Method::POST, "/par", Access::CredentialInRequest, par::push).for_clients(),
        Route::new(Method::GET, metadata::PATH, Access::Public, metadata::show).for_every_origin(),
    ]
}

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    let authenticate = authenticate_client(parts);
    assembly
        .provide(grant_tokens(parts, &authenticate))
        .provide(PushRequest {
            authenticate: authenticate.clone(),
            store: parts.store(),
            audience: parts.config.audience.clone(),
            entropy: parts.entropy.clone(),
        })
        .provide(EndApplicationSession {
            authenticate,
            store: parts.store(),
            refresh_tokens: parts.refresh_tokens.clone(),
            access_keys: parts.keys.access.clone(),
            issuer: parts.config.issuer.clone(),
            clock: Arc::clone(&parts.clock),
        })
        .provide(DescribeServer { store: parts.store() })
        .provide(metadata::Issuer(parts.config.issuer.clone()));
    let track = TrackClientOrigins { store: parts.store(), origins: parts.origins_of_clients.clone() };
    assembly.run_in_background("origins of clients", move || track.clone().run_periodically());
}

fn authenticate_client(parts: &Parts) -> AuthenticateClient {
    let issuer = &parts.config.issuer;
    let audiences = ["", "/token", "/par"].map(|path| format!("{issuer}{path}")).to_vec();
    AuthenticateClient {
        store: parts.store(),
        assertions: AssertionVerifier { audiences, leeway: parts.config.clock_leeway },
        throttle: parts.throttle.clone(),
        clock: Arc::clone(&parts.clock),
    }
}

fn grant_tokens(parts: &Parts, authenticate: &AuthenticateClient) -> GrantTokens {
    let policy = parts.config.refresh;
    let issue = |idle_lifetime| {
        let issuer = parts.config.issuer.clone();
        let refresh_tokens = RefreshTokens::new(parts.keys.refresh.clone(), issuer, idle_lifetime);
        IssueTokens { refresh_tokens, ..parts.issue.clone() }
    };
    // Without rotation, a token cannot contain an expiry that moves with each use.
    let (rotating, fixed) = (issue(policy.idle_lifetime), issue(None));
    let refresh = |issue: &IssueTokens, rotation| Refresh {
        issue: issue.clone(),
        policy: RefreshPolicy { rotation, ..policy },
        ..parts.refresh()
    };
    let rotation_enabled = policy.rotation;
    let refresh =
        ByRotation { rotating: refresh(&rotating, true), fixed: refresh(&fixed, false), rotation_enabled };
    GrantTokens {
        authenticate: authenticate.clone(),
        exchange: ExchangeCode {
            store: parts.store(),
            issue: ByRotation { rotating, fixed, rotation_enabled },
            lifetime: parts.config.refresh.lifetime,
            clock: Arc::clone(&parts.clock),
            entropy: parts.entropy.clone(),
        },
        refresh: RefreshApplication { store: parts.store(), refresh },
    }
}
