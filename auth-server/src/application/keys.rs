//! The published keys.

use actix_web::http::Method;
use goptri_server::{Access, Route};

use super::feature::{Assembly, Feature, Parts};
use crate::http::jwks;

pub(super) const FEATURE: Feature = Feature { routes, assemble };

fn routes() -> Vec<Route> {
    vec![Route::new(Method::GET, goptri::keys::JWKS_PATH, Access::Public, jwks::show).for_every_origin()]
}

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    assembly.provide(parts.keys.clone());
}
