//! `GET /readyz`.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{Error, HttpResponse, ResponseError};
use goptri_server::{Health, ServerState};
use serde::Serialize;

use crate::error::{NotReady, Refusal};
use crate::feed::Feed;
use crate::flow::CheckReadiness;

/// The body of a server that is ready.
#[derive(Serialize)]
pub(crate) struct Ready {
    #[serde(flatten)]
    health: Health,
    /// The nodes of a distributed database whose revocations do not reach the feed now. Requests of users on other
    /// nodes are answered, so the server is ready all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    feed_cannot_read: Vec<String>,
}

/// 200 if the database has all migrations and commits a write, all background tasks run, and the server is not
/// stopping; otherwise 503 within two seconds.
pub(crate) async fn readyz(
    state: Data<ServerState>,
    flow: Data<CheckReadiness>,
    feed: Data<Feed>,
) -> Result<Json<Ready>, Error> {
    state.check_ready()?;
    flow.run().await?;
    Ok(Json(Ready { health: Health::OK, feed_cannot_read: feed.unread_nodes() }))
}

/// Separate from [`Failure`](crate::error::Failure): the log gets the cause, and the response says what fails.
impl ResponseError for NotReady {
    fn status_code(&self) -> StatusCode {
        self.protocol_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        self.protocol_error().error_response()
    }
}
