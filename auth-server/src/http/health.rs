//! `GET /readyz`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{Error, HttpResponse, ResponseError};
use goptri_server::{Health, ServerState};

use crate::error::{NotReady, Refusal};
use crate::flow::CheckReadiness;

/// 200 if the database has all migrations and commits a write, all background tasks run, and the server is not stopping;
/// otherwise 503 within two seconds.
pub(crate) async fn readyz(
    state: Data<ServerState>,
    flow: Data<CheckReadiness>,
) -> Result<Json<Health>, Error> {
    state.ready()?;
    flow.run().await?;
    Ok(Json(Health::OK))
}

/// An error of its own, so that the log has the cause and the response what fails.
impl ResponseError for NotReady {
    fn status_code(&self) -> StatusCode {
        self.protocol_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        self.protocol_error().error_response()
    }
}
