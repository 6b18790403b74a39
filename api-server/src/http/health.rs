//! `GET /readyz`.

use actix_web::web::{Data, Json};
use goptri::{Guard, ProtocolError};
use goptri_server::Health;

/// 200 when the keys are loaded and the revocation set is complete and, with `ON_STALE=refuse`, not stale (RV-07).
pub(super) async fn readyz(guard: Data<Guard>) -> Result<Json<Health>, ProtocolError> {
    match guard.ready() {
        Ok(()) => Ok(Json(Health::OK)),
        Err(waits) => Err(ProtocolError::UNAVAILABLE.describe(&format!("This server {waits}."))),
    }
}
