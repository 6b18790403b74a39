//! Somebody signs in with e-mail and password: a session is opened.

use std::sync::Arc;

use auth_domain::store::{Opening, Store};
use auth_domain::{
    ClientId, Digest, Email, EmailKey, Entropy, NewSession, NormalPassword, Password, SessionId, SessionKey,
    UserId, random_id, random_name,
};
use chrono::TimeDelta;
use goptri::server::ClientAddress;
use goptri::{Clock, Plain, ProtocolError, Scope};

use super::{Failure, IssueTokens, Tokens};
use crate::hashing::PasswordHasher;
use crate::throttle::Throttle;

const INVALID_CREDENTIALS: ProtocolError =
    ProtocolError::new(401, "invalid_credentials", "The e-mail address or the password is wrong.");

/// The device that signs in, for the list of devices.
#[derive(Debug)]
pub struct Device {
    /// What the browser calls itself, cut to a sensible length.
    pub user_agent: Option<String>,
    /// Where the sign-in came from.
    pub address: ClientAddress,
}

/// Opens sessions.
#[derive(Clone)]
pub struct SignIn {
    /// Where people and sessions are kept.
    pub(crate) store: Arc<dyn Store>,
    /// Verifies the password.
    pub(crate) hasher: PasswordHasher,
    /// Slows down who fails again and again.
    pub(crate) throttle: Throttle,
    /// Issues the first pair of tokens.
    pub(crate) issue: IssueTokens,
    /// What a sign-in without OAuth grants.
    pub(crate) scope: Scope,
    /// For whom its access tokens are.
    pub(crate) audience: Vec<String>,
    /// How long a session lasts at most.
    pub(crate) lifetime: Option<TimeDelta>,
    /// Dates the ids of sessions.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where ids and secrets come from.
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl SignIn {
    /// The tokens of a new session. Whatever is wrong, the answer is the same, after the same work (PW-10); and who
    /// failed too often is not judged at all, whether or not the password is right (PW-11).
    pub async fn run(
        &self,
        email: &str,
        password: Plain<Password>,
        device: Device,
    ) -> Result<Tokens, Failure> {
        let key = Email::parse(email).ok().map(|email| email.key());
        let account = key.as_ref().map_or(email, EmailKey::as_str);
        let attempt = self.throttle.attempt(account, device.address).inspect_err(|too_many| {
            tracing::info!(ip = %device.address, reason = %too_many.whose, "sign-in refused");
        })?;
        attempt.settle(self.judge(key.as_ref(), password, device).await)
    }

    async fn judge(
        &self,
        email: Option<&EmailKey>,
        password: Plain<Password>,
        device: Device,
    ) -> Result<Tokens, Failure> {
        let Some(password) = NormalPassword::of(&password) else {
            return Err(refused(None, &device, "the password is too long for anybody's"));
        };
        let credentials = match email {
            Some(email) => self.store.credentials(email).await?,
            None => None,
        };
        let (user_id, hash) = match credentials {
            Some(credentials) => (Some(credentials.user_id), credentials.password_hash),
            None => (None, None),
        };
        let verified = self.hasher.verify(password, hash.clone()).await?;
        let (Some(user_id), Some(verified_hash), true) = (user_id, hash, verified) else {
            return Err(refused(user_id, &device, "no such person, or another password"));
        };
        let jti = Plain::new(random_name(self.entropy.as_ref()));
        let session = NewSession {
            key: SessionKey { user_id, id: SessionId(random_id(self.entropy.as_ref(), self.clock.now())) },
            verified_hash,
            client_id: ClientId::first_party(),
            scope: self.scope.clone(),
            audience: self.audience.clone(),
            jti_hash: Digest::of(&jti),
            lifetime: self.lifetime,
            user_agent: device.user_agent.clone(),
            ip: Some(device.address.to_string()),
        };
        match self.store.open_session(&session).await? {
            Opening::Opened(snapshot) => {
                tracing::info!(user = %user_id, session = %session.key.id, "signed in");
                self.issue.run(&snapshot, &jti)
            }
            Opening::Refused => {
                Err(refused(Some(user_id), &device, "disabled, or the password has just changed"))
            }
        }
    }
}

/// The log says who and from where, as far as that is known; the client is told neither.
fn refused(user: Option<UserId>, device: &Device, reason: &str) -> Failure {
    let user = user.map(tracing::field::display);
    tracing::info!(user, ip = %device.address, reason, "sign-in refused");
    INVALID_CREDENTIALS.into()
}
