//! The pages for users' own accounts and for developers: `/account` and `/inspect`.

use std::sync::Arc;

use actix_web::http::Method;
use goptri_server::{Access, Route};

use super::account::change_password;
use super::feature::{Assembly, Feature, Parts};
use crate::flow::oauth::{ViewAccount, WithdrawAccess};
use crate::flow::{DeleteAccount, EndSessions, InspectToken, ListSessions};
use crate::page::account::AccountFlows;
use crate::page::inspect::TokenInspector;
use crate::page::{account, account_forms, inspect};

pub(super) const FEATURE: Feature = Feature { routes, assemble };

fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/account", Access::Page, account::get),
        Route::new(Method::POST, "/account/devices/end", Access::Page, account_forms::end_device),
        Route::new(Method::POST, "/account/applications/withdraw", Access::Page, account_forms::withdraw),
        Route::new(Method::POST, "/account/password", Access::Page, account_forms::change_password),
        Route::new(Method::POST, "/account/delete", Access::Page, account_forms::delete),
        Route::new(Method::GET, "/inspect", Access::Page, inspect::get),
        Route::new(Method::POST, "/inspect", Access::Page, inspect::post),
    ]
}

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    let idle_lifetime = parts.config.refresh.idle_lifetime;
    let sessions = ListSessions { store: parts.store(), idle_lifetime };
    assembly
        .provide(AccountFlows {
            view: ViewAccount { store: parts.store(), sessions },
            end: EndSessions { store: parts.store() },
            withdraw: WithdrawAccess { store: parts.store() },
            accounts: parts.accounts.clone(),
            passwords: change_password(parts),
            delete: DeleteAccount { store: parts.store(), passwords: change_password(parts) },
        })
        .provide(TokenInspector {
            verifier: parts.config.access_verifier(parts.keys.verifying.clone()),
            sessions: InspectToken { store: parts.store(), policy: parts.config.refresh },
            clock: Arc::clone(&parts.clock),
        });
}
