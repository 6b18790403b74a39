//! Whether this server should be asked.

use actix_web::web::{Data, Json};
use goptri::ProtocolError;
use goptri::revocation::Revocations;
use goptri::server::Health;

/// `GET /readyz`: everything that was ended is known, and recently enough where that is asked for (RV-07).
pub(super) async fn readyz(revocations: Data<Revocations>) -> Result<Json<Health>, ProtocolError> {
    match revocations.ready() {
        Ok(()) => Ok(Json(Health::OK)),
        Err(waits) => Err(ProtocolError::UNAVAILABLE.describe(&format!("This server {waits}."))),
    }
}
