//! The claims of an access token.

use chrono::TimeDelta;
use goptri::token::{Audience, NumericDate};
use goptri::{AccessClaims, Caller, User};
use uuid::Uuid;

use crate::{SessionId, SessionKey, SessionSnapshot, UserId};

/// The session of an access token. `None`: it is the token of a client, or another issuer's.
pub fn session_of(claims: &AccessClaims) -> Option<SessionKey> {
    let user = claims.user()?;
    let user_id = UserId(Uuid::try_parse(&user.id).ok()?);
    let id = SessionId(Uuid::try_parse(&user.session).ok()?);
    Some(SessionKey { user_id, id })
}

/// The claims of a new access token for a session, dated by the database's clock.
///
/// It expires after `lifetime`, or with the session if that is sooner. Address and roles are only in the tokens of the
/// user's own sign-ins: no consent page asks for them, and an application must not act with the roles of its user.
pub fn access_claims(
    snapshot: &SessionSnapshot,
    issuer: &str,
    lifetime: TimeDelta,
    jti: String,
) -> AccessClaims {
    let SessionSnapshot { session, owner, now } = snapshot;
    let end = *now + lifetime;
    let mut user = User::new(session.key.user_id.to_string(), session.key.id.to_string());
    if session.client_id.is_first_party() {
        user.email = Some(owner.email.as_str().to_owned());
        user.email_verified = Some(owner.email_verified);
        user.roles = owner.roles.iter().map(|role| role.as_str().to_owned()).collect();
    }
    // The clock may have been set back since.
    user.auth_time = Some(session.auth_time.min(*now).into());
    let audience = Audience(session.audience.as_slice().into());
    let mut claims = AccessClaims::new(issuer, audience, Caller::User(user));
    claims.exp = NumericDate::from(session.expires_at.map_or(end, |session_end| session_end.min(end)));
    claims.iat = NumericDate::from(*now);
    claims.jti = jti;
    claims.client_id = session.client_id.as_str().into();
    claims.scope = session.scope.clone();
    claims
}
