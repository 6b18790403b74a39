//! The claims of an access token.

use chrono::TimeDelta;
use goptri::token::{Audience, NumericDate};
use goptri::{AccessClaims, Caller, User};
use uuid::Uuid;

use crate::{SessionId, SessionKey, SessionSnapshot, UserId};

/// The session that an access token names. `None`: the token acts for a client without a user, or its ids are not
/// UUIDs.
pub fn session_of(claims: &AccessClaims) -> Option<SessionKey> {
    let user = claims.user()?;
    let user_id = UserId(Uuid::try_parse(&user.id).ok()?);
    let id = SessionId(Uuid::try_parse(&user.session).ok()?);
    Some(SessionKey { user_id, id })
}

/// The claims of a new access token for a session, dated by the database's clock.
///
/// It expires after `lifetime`, or with the session if that is sooner. Only tokens of the built-in client contain the
/// e-mail address and the roles: no consent page asks for them, and an application must not act with the user's roles.
pub fn access_claims(
    snapshot: &SessionSnapshot,
    issuer: &str,
    lifetime: TimeDelta,
    jti: String,
) -> AccessClaims {
    let SessionSnapshot { session, owner, now } = snapshot;
    let end = *now + lifetime;
    let mut user = User::new(session.key.user_id.to_string(), session.key.id.to_string());
    if session.client_id.is_built_in() {
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
