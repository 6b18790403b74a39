//! `GET /readyz`.

use actix_web::web::{Data, Json};
use goptri::{Guard, ProtocolError};
use goptri_server::{Health, ServerState};

/// 200 exactly when a valid token is accepted (RV-07), all background tasks run, and the server is not stopping.
pub(super) async fn readyz(
    state: Data<ServerState>,
    guard: Data<Guard>,
) -> Result<Json<Health>, ProtocolError> {
    state.check_ready()?;
    match guard.check_ready() {
        Ok(()) => Ok(Json(Health::OK)),
        Err(waits) => Err(ProtocolError::UNAVAILABLE.with_description(&format!("This server {waits}."))),
    }
}
