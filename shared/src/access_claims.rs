//! The claims of an access token: RFC 9068 plus `sid`.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::audience::Audience;
use crate::claim_text::is_claim_text;
use crate::claims_interner::SharedClaims;
use crate::numeric_date::NumericDate;
use crate::scope::Scope;
use crate::token_error::TokenError;

/// The `client_id` of the built-in OAuth client, which gets the tokens of users who sign in without an application.
pub const BUILT_IN_CLIENT: &str = "goptri";

/// The claims of an access token. In JSON they have the form of RFC 9068; unknown claims are ignored (RFC 7519 §4).
///
/// A guard stores equal values of `iss`, `aud`, `client_id` and `scope` once for many tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessClaims {
    /// The caller: a user or a client.
    pub caller: Caller,
    /// The issuer.
    pub iss: Arc<str>,
    /// The services that the token is for.
    pub aud: Audience,
    /// When it expires.
    pub exp: NumericDate,
    /// When it was issued, by the clock of the database.
    pub iat: NumericDate,
    /// The token is not valid before this time. auth-server issues no `nbf`, but it is checked.
    pub nbf: Option<NumericDate>,
    /// The id of this token.
    pub jti: String,
    /// The client that it was issued to.
    pub client_id: Arc<str>,
    /// The scope that was granted.
    pub scope: Scope,
}

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Caller {
    /// A user who signed in.
    User(User),
    /// A client that acts for itself (RFC 9068 §2.2).
    Client {
        /// Its `client_id`.
        id: Arc<str>,
    },
}

/// A user, as the access token describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The id of the account (`sub`).
    pub id: String,
    /// The session (`sid`). It ends when the user signs out.
    pub session: String,
    /// The e-mail address, for display only: no decision may depend on it (JV-17).
    pub email: Option<String>,
    /// Whether the user has confirmed the address.
    pub email_verified: Option<bool>,
    /// The user's roles.
    pub roles: Vec<String>,
    /// When the user last signed in.
    pub auth_time: Option<NumericDate>,
}

impl AccessClaims {
    /// Claims for a token to sign. The caller of this function must set `iat` and `exp`, which are in 1970, and `jti`
    /// and `scope`, which are empty. For a user, `client_id` is that of the built-in client.
    pub fn new(issuer: impl Into<Arc<str>>, audience: Audience, caller: Caller) -> Self {
        let client_id = match &caller {
            Caller::User(_) => BUILT_IN_CLIENT.into(),
            Caller::Client { id } => Arc::clone(id),
        };
        Self {
            caller,
            iss: issuer.into(),
            aud: audience,
            exp: NumericDate::EPOCH,
            iat: NumericDate::EPOCH,
            nbf: None,
            jti: String::new(),
            client_id,
            scope: Scope::default(),
        }
    }

    /// The subject (`sub`): the id of the user or of the client.
    pub fn subject(&self) -> &str {
        match &self.caller {
            Caller::User(user) => &user.id,
            Caller::Client { id } => id,
        }
    }

    /// The user, unless the caller is a client.
    pub fn user(&self) -> Option<&User> {
        match &self.caller {
            Caller::User(user) => Some(user),
            Caller::Client { .. } => None,
        }
    }
}

impl User {
    /// A user without an address or roles.
    pub fn new(id: impl Into<String>, session: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            session: session.into(),
            email: None,
            email_verified: None,
            roles: Vec::new(),
            auth_time: None,
        }
    }
}

impl Serialize for AccessClaims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Payload::from(self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AccessClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;

        let payload = Payload::deserialize(deserializer)?;
        let shared = SharedClaims::new(&payload.iss, &payload.aud, &payload.client_id, &payload.scope);
        payload.into_claims(shared.map_err(Error::custom)?).map_err(Error::custom)
    }
}

/// The claims as they are in the payload of a token.
#[derive(Serialize, Deserialize)]
pub(crate) struct Payload<'a> {
    #[serde(borrow)]
    pub(crate) iss: Cow<'a, str>,
    sub: Cow<'a, str>,
    pub(crate) aud: Audience,
    pub(crate) exp: NumericDate,
    pub(crate) iat: NumericDate,
    #[serde(default, deserialize_with = "deserialize_non_null", skip_serializing_if = "Option::is_none")]
    pub(crate) nbf: Option<NumericDate>,
    jti: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) client_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) scope: Cow<'a, str>,
    #[serde(default, deserialize_with = "deserialize_non_null", skip_serializing_if = "Option::is_none")]
    sid: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "deserialize_non_null", skip_serializing_if = "Option::is_none")]
    email: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "deserialize_non_null", skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(default, skip_serializing_if = "is_empty")]
    roles: Cow<'a, [String]>,
    #[serde(default, deserialize_with = "deserialize_non_null", skip_serializing_if = "Option::is_none")]
    auth_time: Option<NumericDate>,
}

impl Payload<'_> {
    /// # Errors
    /// [`TokenError::InvalidClaim`] for a value that auth-server never issues. [`TokenError::NoSession`] for a user's
    /// token without a session or a client's token with one, because it would be unclear which revocation applies.
    pub(crate) fn into_claims(self, shared: SharedClaims) -> Result<AccessClaims, TokenError> {
        self.invalid_claim().map_or(Ok(()), |claim| Err(TokenError::InvalidClaim(claim)))?;
        let SharedClaims { iss, aud, client_id, scope } = shared;
        let caller = match (self.sid, self.sub == self.client_id) {
            (Some(sid), false) => Caller::User(User {
                id: self.sub.into_owned(),
                session: sid.into_owned(),
                email: self.email.map(Cow::into_owned),
                email_verified: self.email_verified,
                roles: self.roles.into_owned(),
                auth_time: self.auth_time,
            }),
            (None, true) => Caller::Client { id: Arc::clone(&client_id) },
            _ => return Err(TokenError::NoSession),
        };
        let (exp, iat, nbf, jti) = (self.exp, self.iat, self.nbf, self.jti.into_owned());
        Ok(AccessClaims { caller, iss, aud, exp, iat, nbf, jti, client_id, scope })
    }

    /// The first claim with a value that Goptri never issues. The scope is checked when it is parsed, and the issuer is
    /// compared with the expected one.
    fn invalid_claim(&self) -> Option<&'static str> {
        let optional = |text: &Option<Cow<'_, str>>| text.as_deref().is_none_or(is_claim_text);
        let all = |texts: &[String]| texts.iter().all(|text| is_claim_text(text));
        let checks = [
            ("sub", is_claim_text(&self.sub)),
            ("aud", all(&self.aud.0)),
            ("jti", is_claim_text(&self.jti)),
            ("client_id", is_claim_text(&self.client_id)),
            ("sid", optional(&self.sid)),
            ("email", optional(&self.email)),
            ("roles", all(&self.roles)),
            ("exp", self.exp >= self.iat),
            ("nbf", self.nbf.is_none_or(|nbf| nbf <= self.exp)),
            ("auth_time", self.auth_time.is_none_or(|auth_time| auth_time <= self.iat)),
        ];
        checks.into_iter().find(|(_, is_valid)| !is_valid).map(|(claim, _)| claim)
    }
}

impl<'a> From<&'a AccessClaims> for Payload<'a> {
    fn from(claims: &'a AccessClaims) -> Self {
        let user = claims.user();
        Self {
            iss: (&*claims.iss).into(),
            sub: claims.subject().into(),
            aud: claims.aud.clone(),
            exp: claims.exp,
            iat: claims.iat,
            nbf: claims.nbf,
            jti: claims.jti.as_str().into(),
            client_id: (&*claims.client_id).into(),
            scope: claims.scope.as_str().into(),
            sid: user.map(|user| user.session.as_str().into()),
            email: user.and_then(|user| Some(user.email.as_deref()?.into())),
            email_verified: user.and_then(|user| user.email_verified),
            roles: user.map(|user| user.roles.as_slice()).unwrap_or_default().into(),
            auth_time: user.and_then(|user| user.auth_time),
        }
    }
}

/// Rejects `null`, which must not count as absent (JV-15).
fn deserialize_non_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn is_empty(roles: &[String]) -> bool {
    roles.is_empty()
}
