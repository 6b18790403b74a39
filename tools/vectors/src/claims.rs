//! The claims that a handler sees.

use goptri::AccessClaims;
use serde::{Deserialize, Serialize};

/// The caller, as `GET /me` of api-server describes them. An absent member is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerClaims {
    /// The user, or the client.
    pub sub: String,
    /// The e-mail address of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The roles of the user.
    pub roles: Vec<String>,
    /// The scope. A repeated word counts once.
    pub scope: String,
    /// The session of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The expiry, in whole seconds since 1970.
    pub exp: i64,
}

impl From<&AccessClaims> for CallerClaims {
    fn from(claims: &AccessClaims) -> Self {
        let user = claims.user();
        Self {
            sub: claims.subject().to_owned(),
            email: user.and_then(|user| user.email.clone()),
            roles: user.map(|user| user.roles.clone()).unwrap_or_default(),
            scope: claims.scope.to_string(),
            sid: user.map(|user| user.session.clone()),
            exp: claims.exp.seconds(),
        }
    }
}
