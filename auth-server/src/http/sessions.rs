//! `GET /sessions`, `DELETE /sessions/{id}`: the caller's own sessions.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use auth_domain::{ListedSession, SessionId, SessionKey};
use chrono::{DateTime, Utc};
use goptri::ProtocolError;
use serde::Serialize;
use uuid::Uuid;

use super::page_query;
use crate::error::Failure;
use crate::flow::{Account, EndSessions, ListSessions, SessionPage};
use crate::rfc3339;

/// A page of sessions.
#[derive(Serialize)]
pub(crate) struct Page {
    sessions: Vec<Session>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<SessionId>,
}

#[derive(Serialize)]
struct Session {
    id: SessionId,
    client_id: String,
    user_agent: Option<String>,
    ip: Option<String>,
    #[serde(serialize_with = "rfc3339::serialize")]
    created_at: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339::serialize")]
    last_used_at: DateTime<Utc>,
    /// Whether it is the caller's.
    current: bool,
}

/// 200 with the live sessions of the caller's user, oldest first.
pub(crate) async fn list(
    account: Account,
    request: HttpRequest,
    flow: Data<ListSessions>,
) -> Result<Json<Page>, Failure> {
    let after = page_query::after(request.query_string())?.map(SessionId);
    let SessionKey { user_id, id: current } = account.session();
    let page = flow.run(user_id, after).await?;
    Ok(Json(Page::new(page, current)))
}

/// 204, also if there is no such session. It cannot end sessions of other users.
pub(crate) async fn end(
    account: Account,
    id: Path<String>,
    flow: Data<EndSessions>,
) -> Result<HttpResponse, Failure> {
    let id = SessionId(Uuid::try_parse(&id).map_err(|_| ProtocolError::NOT_FOUND)?);
    flow.one(SessionKey { user_id: account.session().user_id, id }).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl Page {
    fn new(page: SessionPage, current: SessionId) -> Self {
        let sessions = page.sessions.into_iter().map(|session| Session::new(session, current)).collect();
        Self { sessions, next: page.next }
    }
}

impl Session {
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
