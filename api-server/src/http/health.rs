//! Whether this server should be asked.

use actix_web::web::{Data, Json};
use goptri::{Guard, ProtocolError};
use goptri_server::Health;

/// `GET /readyz`: the keys are known, and everything that was ended, recently enough where that is asked for (RV-07).
pub(super) async fn readyz(guard: Data<Guard>) -> Result<Json<Health>, ProtocolError> {
    match guard.ready() {
        Ok(()) => Ok(Json(Health::OK)),
        Err(waits) => Err(ProtocolError::UNAVAILABLE.describe(&format!("This server {waits}."))),
    }
}
