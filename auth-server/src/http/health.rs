//! `GET /readyz`.

use actix_web::web::{Data, Json};
use auth_store::Readiness;
use goptri_server::Health;

use crate::error::{Failure, NOT_MIGRATED};
use crate::flow::CheckReadiness;

/// 200 if the database answers and has all migrations, otherwise 503.
pub(crate) async fn readyz(flow: Data<CheckReadiness>) -> Result<Json<Health>, Failure> {
    match flow.run().await? {
        Readiness::Ready => Ok(Json(Health::OK)),
        Readiness::NotMigrated => Err(NOT_MIGRATED.into()),
    }
}
