//! The pages: `/authorize`, sign-in, registration and consent.

use std::sync::Arc;

use actix_web::http::Method;
use auth_pages::Pages;
use goptri::cookie::SessionCookie;
use goptri_server::{Access, Route};

use super::feature::{Assembly, Feature, Parts};
use super::sign_in::{open_session, self_register, verify_credentials};
use crate::flow::oauth::{Authorize, EndSignIn, FindSignIn, IssueResponse, PageSignIn};
use crate::http::cookies::{Cookies, path_of};
use crate::page::register::RegisterAtPages;
use crate::page::{
    FormKeys, PageCookies, PageParts, assets, authorize, consent, register, select_account, sign_in, sign_out,
};

pub(super) const FEATURE: Feature = Feature { routes, assemble };

fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/authorize", Access::Page, authorize::get),
        Route::new(Method::POST, "/authorize", Access::Page, authorize::post),
        Route::new(Method::POST, "/authorize/account", Access::Page, select_account::post),
        Route::new(Method::GET, "/sign-in", Access::Page, sign_in::get),
        Route::new(Method::POST, "/sign-in", Access::Page, sign_in::post),
        Route::new(Method::GET, "/register", Access::Page, register::get),
        Route::new(Method::POST, "/register", Access::Page, register::post),
        Route::new(Method::POST, "/consent", Access::Page, consent::post),
        Route::new(Method::POST, "/sign-out", Access::Page, sign_out::post),
        Route::new(Method::GET, "/signed-out", Access::Page, sign_out::signed_out),
        Route::new(Method::GET, "/assets/{file}", Access::Page, assets::get),
    ]
}

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    let authorize = Authorize {
        store: parts.store(),
        audience: parts.config.audience.clone(),
        issue: IssueResponse {
            store: parts.store(),
            tokens: parts.issue.clone(),
            clock: Arc::clone(&parts.clock),
            entropy: parts.entropy.clone(),
        },
    };
    let sign_in = PageSignIn { verify: verify_credentials(parts), sessions: open_session(parts) };
    let register = self_register(parts);
    assembly
        .provide(page_parts(parts))
        .provide(authorize.clone())
        .provide(sign_in.clone())
        .provide(RegisterAtPages { register, sign_in, authorize })
        .provide(EndSignIn { store: parts.store(), counters: parts.counters.clone() });
}

fn page_parts(parts: &Parts) -> PageParts {
    let issuer = parts.config.issuer.clone();
    let base_path = path_of(&issuer).to_owned();
    PageParts {
        pages: Pages::new(parts.config.brand.clone()).below(&base_path),
        keys: FormKeys::new(parts.keys.refresh.clone()),
        cookies: PageCookies::new(parts.config.session_cookie.is_secure()),
        sign_ins: FindSignIn { store: parts.store(), idle_lifetime: parts.config.refresh.idle_lifetime },
        own_pages: SessionCookie::new(&issuer, &issuer),
        return_origins: parts.config.return_origins.clone(),
        session_cookies: Cookies::new(parts.config.session_cookie.clone(), &issuer),
        tokens: parts.issue.clone(),
        audience: parts.config.audience.clone(),
        issuer,
        base_path,
        registration_open: parts.config.registration_open,
        min_password_length: parts.config.password_rules.min_length,
        clock_leeway: parts.config.clock_leeway,
        clock: Arc::clone(&parts.clock),
        entropy: parts.entropy.clone(),
    }
}
