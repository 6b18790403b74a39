//! `GET /inspect`, `POST /inspect`: what an access token says, and whether it is accepted. For developers.
//!
//! The token reaches no log and no page.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use auth_domain::session_of;
use auth_pages::{Claim, ClaimValue, Inspect, Inspection, Verdict};
use auth_store::StoreError;
use chrono::{DateTime, Utc};
use goptri::clock::Clock;
use goptri::token::{AccessVerifier, UnverifiedJws};
use goptri::{AccessClaims, ProtocolError, TokenError};
use goptri_server::LimitedBody;
use goptri_settings::Plain;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::form::Form;
use super::visit::Visit;
use crate::flow::{AccessToken, InspectToken, RejectedBecause};

/// Claims that are times.
const TIMES: [&str; 4] = ["exp", "iat", "nbf", "auth_time"];

/// Inspects tokens.
pub(crate) struct TokenInspector {
    /// Accepts what api-server accepts.
    pub(crate) verifier: AccessVerifier,
    pub(crate) sessions: InspectToken,
    pub(crate) clock: Arc<dyn Clock>,
}

#[derive(Deserialize)]
struct Fields {
    token: Plain<AccessToken>,
}

/// The form.
pub(crate) async fn get(visit: Visit, inspector: Data<TokenInspector>) -> HttpResponse {
    visit.inspect_page(inspector.clock.now(), None)
}

/// The form, and what the token says.
pub(crate) async fn post(
    visit: Visit,
    inspector: Data<TokenInspector>,
    body: Result<LimitedBody, ProtocolError>,
) -> HttpResponse {
    let result = async {
        let form = Form::<Fields>::parse(body)?;
        visit.check_form(&form.csrf)?;
        let (token, now) = (bare(form.fields.token.expose()), inspector.clock.now());
        let (header, claims) = decode(token);
        let verdict = inspector.verdict(token, now).await?;
        let (header, claims) = (shown(&header), shown(&claims));
        let (header, claims) = (rows(&header), rows(&claims));
        let inspection = Inspection { verdict, header: &header, claims: &claims };
        Ok(visit.inspect_page(now, Some(inspection)))
    };
    visit.finish(result.await)
}

impl Visit {
    fn inspect_page(&self, now: DateTime<Utc>, inspection: Option<Inspection<'_>>) -> HttpResponse {
        let csrf = self.csrf();
        let view = Inspect { csrf: &csrf, now, inspection };
        self.page(StatusCode::OK, self.pages().inspect(self.language(None), &view))
    }
}

impl TokenInspector {
    /// Asks the database only about tokens that this server signed.
    async fn verdict(&self, token: &str, now: DateTime<Utc>) -> Result<Verdict, StoreError> {
        match self.verifier.verify(token, now) {
            Ok(claims) => self.verdict_on_session(&claims).await,
            Err(error) => Ok(verdict(error)),
        }
    }

    async fn verdict_on_session(&self, claims: &AccessClaims) -> Result<Verdict, StoreError> {
        let Some(key) = session_of(claims) else { return Ok(Verdict::Accepted) };
        Ok(match self.sessions.access(key, Some(&claims.jti)).await? {
            None => Verdict::Accepted,
            Some(RejectedBecause::SessionExpired) => Verdict::Expired,
            Some(_) => Verdict::SessionEnded,
        })
    }
}

fn verdict(error: TokenError) -> Verdict {
    match error {
        TokenError::Expired => Verdict::Expired,
        TokenError::NotYetValid | TokenError::IssuedInTheFuture => Verdict::NotYetValid,
        TokenError::BadSignature => Verdict::WrongSignature,
        TokenError::UnknownKey | TokenError::MissingKid | TokenError::WrongAlgorithm => Verdict::UnknownKey,
        TokenError::WrongIssuer => Verdict::WrongIssuer,
        TokenError::WrongAudience => Verdict::WrongAudience,
        TokenError::WrongType => Verdict::WrongType,
        TokenError::Revoked => Verdict::SessionEnded,
        _ => Verdict::NotAToken,
    }
}

/// The token without the white space and the scheme that are often copied with it.
fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("Bearer ").unwrap_or(text).trim()
}

/// The members of header and payload, also of a token that is rejected. Empty if the text is no token.
fn decode(token: &str) -> (Map<String, Value>, Map<String, Value>) {
    let Ok(jws) = UnverifiedJws::parse(token) else { return Default::default() };
    let object = |json: &str| serde_json::from_str(json).unwrap_or_default();
    let payload = jws.payload_json().map(|json| object(&json)).unwrap_or_default();
    (object(jws.header_json()), payload)
}

/// A name and a value, as text or as a time.
type Shown = (String, Result<DateTime<Utc>, String>);

fn shown(members: &Map<String, Value>) -> Vec<Shown> {
    let shown = |(name, value): (&String, &Value)| {
        let time = value.as_i64().filter(|_| TIMES.contains(&name.as_str()));
        let time = time.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let text = || value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.clone(), time.ok_or_else(text))
    };
    members.iter().map(shown).collect()
}

fn rows(shown: &[Shown]) -> Vec<Claim<'_>> {
    shown.iter().map(row).collect()
}

fn row((name, value): &Shown) -> Claim<'_> {
    let value = match value {
        Ok(time) => ClaimValue::Time(*time),
        Err(text) => ClaimValue::Text(text),
    };
    Claim { name, value }
}
