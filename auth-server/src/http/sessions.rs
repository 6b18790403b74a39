//! `GET /sessions`, `DELETE /sessions/{id}`: a person's devices.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use auth_domain::{ListedSession, SessionId, SessionKey};
use chrono::{DateTime, Utc};
use goptri::ProtocolError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::flow::{Account, EndSessions, Failure, ListSessions};
use crate::rfc3339;

const BAD_QUERY: ProtocolError = ProtocolError::new(
    400,
    "invalid_request",
    "The query of this list is after and the next of the page before, or nothing.",
);

/// `?after=ID`: the page after that session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    after: Option<Uuid>,
}

/// A page of devices.
#[derive(Serialize)]
pub(super) struct Devices {
    sessions: Vec<Device>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<SessionId>,
}

#[derive(Serialize)]
struct Device {
    id: SessionId,
    client_id: String,
    user_agent: Option<String>,
    ip: Option<String>,
    #[serde(serialize_with = "rfc3339::serialize")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::serialize")]
    last_used_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    current: bool,
}

/// 200 with the caller's own live sessions, the oldest first.
pub(super) async fn list(
    account: Account,
    request: HttpRequest,
    flow: Data<ListSessions>,
) -> Result<Json<Devices>, Failure> {
    let query: Query = serde_urlencoded::from_str(request.query_string()).map_err(|_| BAD_QUERY)?;
    let SessionKey { user_id, id: current } = account.session();
    let page = flow.run(user_id, query.after.map(SessionId)).await?;
    let sessions = page.sessions.into_iter().map(|session| Device::new(session, current)).collect();
    Ok(Json(Devices { sessions, next: page.next }))
}

/// 204, also when it was not there (any more): the caller's own are the only ones that this can end.
pub(super) async fn end(
    account: Account,
    id: Path<String>,
    flow: Data<EndSessions>,
) -> Result<HttpResponse, Failure> {
    let id = SessionId(Uuid::try_parse(&id).map_err(|_| ProtocolError::NOT_FOUND)?);
    flow.one(SessionKey { user_id: account.session().user_id, id }).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl Device {
    fn new(session: ListedSession, current: SessionId) -> Self {
        Self {
            current: session.id == current,
            id: session.id,
            client_id: session.client_id.as_str().to_owned(),
            user_agent: session.user_agent,
            ip: session.ip,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
        }
    }
}
