//! Liveness, readiness, and the metrics of the database connections.

use std::sync::Arc;

use actix_web::http::Method;
use goptri_server::{Access, Route, healthz};

use super::feature::{Assembly, Feature, Parts};
use crate::flow::CheckReadiness;
use crate::http::health;
use crate::metrics::StoreMetrics;

pub(super) const FEATURE: Feature = Feature { routes, assemble };

fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/healthz", Access::Public, healthz),
        Route::new(Method::GET, "/readyz", Access::Public, health::readyz),
    ]
}

fn assemble(parts: &Parts, assembly: &mut Assembly) {
    assembly.provide(CheckReadiness::new(parts.store(), Arc::clone(&parts.monotonic)));
    assembly.registry.register_collector(Box::new(StoreMetrics(parts.store())));
}
