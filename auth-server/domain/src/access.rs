//! What an access token says about a session, and which one it names.

use chrono::TimeDelta;
use goptri::{AccessClaims, Audience, NumericDate};
use uuid::Uuid;

use crate::{SessionId, SessionKey, SessionSnapshot, UserId};

/// The session that an access token belongs to. `None`: a client's own token, or one that is not from here.
pub fn session_of(claims: &AccessClaims) -> Option<SessionKey> {
    let user_id = UserId(Uuid::try_parse(&claims.sub).ok()?);
    let id = SessionId(Uuid::try_parse(claims.sid.as_deref()?).ok()?);
    Some(SessionKey { user_id, id })
}

/// The claims of an access token for that session, dated by the database's clock.
///
/// It ends after `lifetime`, and never after the session itself.
pub fn access_claims(
    snapshot: &SessionSnapshot,
    issuer: &str,
    lifetime: TimeDelta,
    jti: String,
) -> AccessClaims {
    let SessionSnapshot { session, owner, now } = snapshot;
    let end = *now + lifetime;
    AccessClaims {
        iss: issuer.into(),
        sub: session.key.user_id.to_string(),
        aud: Audience(session.audience.as_slice().into()),
        exp: NumericDate::from(session.expires_at.map_or(end, |session_end| session_end.min(end))),
        iat: NumericDate::from(*now),
        nbf: None,
        jti,
        client_id: session.client_id.as_str().into(),
        scope: session.scope.clone(),
        sid: Some(session.key.id.to_string()),
        email: Some(owner.email.as_str().to_owned()),
        email_verified: Some(owner.email_verified),
        roles: owner.roles.iter().map(|role| role.as_str().to_owned()).collect(),
        auth_time: Some(session.auth_time.into()),
    }
}
