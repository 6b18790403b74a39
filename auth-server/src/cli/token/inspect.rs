//! `auth-server token inspect`: the claims of a token, and whether it would be accepted.

use std::sync::Arc;

use auth_domain::{ClientId, PresentedRefresh, RefreshPolicy, RefreshTokens, SessionId, SessionKey, UserId};
use auth_store::{Readiness, Store};
use chrono::{DateTime, TimeDelta, Utc};
use goptri::TokenError;
use goptri::clock::{Clock, SystemClock};
use goptri::token::{AccessVerifier, TokenType, UnverifiedJws};
use goptri_settings::{Plain, RefreshTokenSecret, Settings, describe_duration};
use serde_json::{Value, json};
use uuid::Uuid;

use super::PresentedToken;
use crate::cli::{CliError, Context, Format};
use crate::config;
use crate::flow::InspectToken;
use crate::rfc3339::rfc3339;
use crate::storage::{self, DatabaseUrl};

/// A token taken apart.
struct Decoded<'a> {
    token: &'a str,
    jws: UnverifiedJws<'a>,
    header: Value,
    claims: Value,
}

/// The settings that say something about the token. `access` and `refresh` verify it; `None`: no key for it is
/// configured.
struct Configured {
    access: Option<AccessVerifier>,
    refresh: Option<RefreshTokens>,
    policy: RefreshPolicy,
    database: Plain<DatabaseUrl>,
}

/// What the configuration says about the token.
enum Verification {
    NoKeys,
    Rejected(TokenError),
    Access,
    Refresh(Box<PresentedRefresh>),
}

/// What the database says about the session.
enum SessionState {
    NotAsked(String),
    Live,
    Dead(String),
}

pub(super) async fn run(token: &Plain<PresentedToken>, context: &Context) -> Result<(), CliError> {
    let decoded = Decoded::of(token.expose())?;
    let (verified, session, misconfigured) = match context.read(Configured::read) {
        Ok(configured) => {
            let verified = configured.verify(&decoded);
            let session = configured.session(&decoded, &verified, context.format).await;
            (verified, session, None)
        }
        Err(error) => (
            Verification::NoKeys,
            SessionState::NotAsked("the configuration is wrong".to_owned()),
            Some(error),
        ),
    };
    let reason = match (&verified, &session) {
        (Verification::Rejected(error), _) => Some(error.to_string()),
        (_, SessionState::Dead(reason)) => Some(reason.clone()),
        _ => None,
    };
    let text = decoded.text(&verified, &session, reason.as_deref());
    context.format.print(&text, &decoded.json(&verified, &session, reason.as_deref()))?;
    match (misconfigured, reason) {
        (Some(error), _) => Err(error),
        (None, Some(_)) => Err(CliError::Reported { configuration: false }),
        (None, None) => Ok(()),
    }
}

impl<'a> Decoded<'a> {
    fn of(token: &'a str) -> Result<Self, CliError> {
        let malformed = |error| CliError::new("malformed_token", format!("this is not a token: {error}"));
        let parse = |json: &str| serde_json::from_str(json).unwrap_or_default();
        let jws = UnverifiedJws::parse(token).map_err(malformed)?;
        let header = parse(jws.header_json());
        let claims = jws.payload_json().map(|json| parse(&json)).map_err(malformed)?;
        Ok(Self { token, jws, header, claims })
    }

    fn kind(&self) -> &'static str {
        match (self.jws.has_type(TokenType::Access), self.jws.has_type(TokenType::Refresh)) {
            (true, _) => "access token",
            (_, true) => "refresh token",
            _ => "token of another issuer or kind",
        }
    }

    fn session(&self) -> Option<SessionKey> {
        let id = |claim: &str| Uuid::try_parse(self.claims[claim].as_str()?).ok();
        Some(SessionKey { user_id: UserId(id("sub")?), id: SessionId(id("sid")?) })
    }

    fn text(&self, verified: &Verification, session: &SessionState, reason: Option<&str>) -> String {
        let mut lines = vec![format!("header  {:#}", self.header), format!("claims  {:#}", self.claims)];
        lines.extend(times(&self.claims, SystemClock.now()));
        let kind = self.kind();
        let article = if kind.starts_with('a') { "an" } else { "a" };
        lines.push(format!("This is {article} {kind}."));
        lines.push(match (reason, verified) {
            (Some(reason), _) => format!("It would be rejected: {reason}."),
            (None, Verification::NoKeys) => "It was not verified: no key for it is configured.".to_owned(),
            (None, _) => "It is valid with this configuration.".to_owned(),
        });
        match session {
            SessionState::Live => lines.push("Its session is live.".to_owned()),
            SessionState::NotAsked(why) => {
                lines.push(format!("Whether its session is live is unknown: {why}."));
            }
            SessionState::Dead(_) => {}
        }
        lines.join("\n")
    }

    fn json(&self, verified: &Verification, session: &SessionState, reason: Option<&str>) -> Value {
        let accepted = match (reason, verified) {
            (Some(_), _) => Some(false),
            (None, Verification::NoKeys) => None,
            (None, _) => Some(true),
        };
        let live = match session {
            SessionState::Live => Some(true),
            SessionState::Dead(_) => Some(false),
            SessionState::NotAsked(_) => None,
        };
        json!({
            "kind": self.kind(),
            "header": self.header,
            "claims": self.claims,
            "accepted": accepted,
            "reason": reason,
            "session_live": live,
        })
    }
}

impl Configured {
    fn read(settings: &Settings<'_>) -> Option<Self> {
        let (issuer, audience) = (goptri::settings::issuer(settings), goptri::settings::audience(settings));
        let leeway = goptri::settings::clock_leeway(settings);
        let policy = config::refresh_policy(settings, config::access_lifetime(settings));
        let database = config::database_url(settings);
        let has_keys = settings.has_secret("ACCESS_TOKEN_SECRET") || settings.is_set("ACCESS_TOKEN_KEY_FILE");
        let access = has_keys.then(|| goptri::settings::access_keys(settings));
        let refresh = settings
            .has_secret("REFRESH_TOKEN_SECRET")
            .then(|| goptri::settings::key_ring::<RefreshTokenSecret>(settings, "REFRESH_TOKEN_SECRET"));
        let (issuer, audience, leeway) = (issuer?, audience?, leeway?);
        let access = match access {
            Some(ring) => Some(AccessVerifier::new(ring?, issuer.clone(), audience, leeway)),
            None => None,
        };
        let refresh = match refresh {
            Some(ring) => Some(RefreshTokens::new(ring?, issuer, None)),
            None => None,
        };
        Some(Self { access, refresh, policy: policy?, database: database? })
    }

    fn verify(&self, decoded: &Decoded<'_>) -> Verification {
        if decoded.jws.has_type(TokenType::Refresh) {
            let Some(tokens) = &self.refresh else { return Verification::NoKeys };
            return match tokens.verify(decoded.token, ClientId::built_in()) {
                Ok(presented) => Verification::Refresh(Box::new(presented)),
                Err(error) => Verification::Rejected(error),
            };
        }
        let Some(verifier) = &self.access else { return Verification::NoKeys };
        match verifier.verify(decoded.token, SystemClock.now()) {
            Ok(_) => Verification::Access,
            Err(error) => Verification::Rejected(error),
        }
    }

    async fn session(&self, decoded: &Decoded<'_>, verified: &Verification, format: Format) -> SessionState {
        let Some(key) = decoded.session() else {
            return SessionState::NotAsked("the token names no session".to_owned());
        };
        let database = storage::describe(&self.database);
        let store = match storage::open_existing(&self.database, Arc::new(SystemClock)) {
            Ok(Some(store)) => store,
            Ok(None) => return SessionState::NotAsked(format!("the database {database} does not exist")),
            Err(error) => return SessionState::NotAsked(error.to_string()),
        };
        format.note(&format!("Database: {database}"));
        let asked = self.ask(&store, key, decoded, verified).await;
        store.close().await;
        asked.unwrap_or_else(|error| SessionState::NotAsked(error.to_string()))
    }

    async fn ask(
        &self,
        store: &Arc<dyn Store>,
        key: SessionKey,
        decoded: &Decoded<'_>,
        verified: &Verification,
    ) -> Result<SessionState, CliError> {
        if store.ready().await? != Readiness::Ready {
            return Ok(SessionState::NotAsked("the database lacks migrations".to_owned()));
        }
        let inspect = InspectToken { store: Arc::clone(store), policy: self.policy };
        let rejected = match verified {
            Verification::Refresh(presented) => inspect.refresh(presented).await?,
            _ => inspect.access(key, decoded.claims["jti"].as_str()).await?,
        };
        Ok(rejected.map_or(SessionState::Live, |reason| SessionState::Dead(reason.to_string())))
    }
}

/// The claims that are times, with how long ago or from now they are.
fn times(claims: &Value, now: DateTime<Utc>) -> Vec<String> {
    let describe = |(name, meaning): (&str, &str)| {
        let time = DateTime::from_timestamp(claims[name].as_i64()?, 0)?;
        let distance = time - now;
        let words = if distance < TimeDelta::zero() {
            format!("{} ago", describe_duration(-distance))
        } else {
            format!("in {}", describe_duration(distance))
        };
        Some(format!("{name:9} {} ({meaning} {words})", rfc3339(time)))
    };
    [("auth_time", "signed in"), ("iat", "issued"), ("exp", "expires")]
        .into_iter()
        .filter_map(describe)
        .collect()
}
