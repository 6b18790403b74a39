//! `GET /readyz`: whether requests can be answered here.

use std::sync::Arc;

use actix_web::web::{Data, Json};
use auth_store::{Readiness, Store};
use goptri_server::Health;

use crate::flow::{Failure, NOT_MIGRATED};

/// 200 when the database answers and is migrated, 503 otherwise.
pub(super) async fn readyz(store: Data<Arc<dyn Store>>) -> Result<Json<Health>, Failure> {
    match store.ready().await? {
        Readiness::Ready => Ok(Json(Health::OK)),
        Readiness::NotMigrated => Err(NOT_MIGRATED.into()),
    }
}
