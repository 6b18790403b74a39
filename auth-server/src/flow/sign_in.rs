//! Somebody signs in with e-mail and password: a session is opened.

use std::sync::Arc;

use auth_domain::{
    ClientId, Digest, Email, EmailKey, Entropy, MAX_SESSIONS, NewSession, NormalizedPassword, Password,
    PasswordHash, RefreshJti, SessionId, SessionKey, SessionSnapshot, UserId, random_id, random_token_id,
};
use auth_store::{OpenOutcome, Store, StoreError};
use chrono::TimeDelta;
use goptri::{Clock, ProtocolError, Scope};
use goptri_server::ClientAddress;
use goptri_settings::Plain;
use tracing::Instrument;

use super::{Failure, IssueTokens, Rehash, Tokens};
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
    /// Keeps hashes as good as today's.
    pub(crate) rehash: Rehash,
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
            tracing::info!(ip = %device.address, reason = %too_many.scope, "sign-in refused");
        })?;
        attempt.record_outcome(self.judge(key.as_ref(), password, device).await)
    }

    async fn judge(
        &self,
        email: Option<&EmailKey>,
        password: Plain<Password>,
        device: Device,
    ) -> Result<Tokens, Failure> {
        let Some(password) = NormalizedPassword::of(&password) else {
            return Err(refused(None, &device, "the password is too long for anybody's"));
        };
        let mut verified = self.verify(email, &password, &device).await?;
        let mut opened = self.open(&verified, &device).await?;
        if opened.is_none() && self.store_has_another_hash(email, &verified).await? {
            // Another sign-in may have made the hash of this very password anew.
            verified = self.verify(email, &password, &device).await?;
            opened = self.open(&verified, &device).await?;
        }
        let Some((snapshot, jti)) = opened else {
            let reason = "disabled, or the password has just changed";
            return Err(refused(Some(verified.user_id), &device, reason));
        };
        tracing::info!(user = %verified.user_id, session = %snapshot.session.key.id, "signed in");
        self.rehash.after_sign_in(verified.user_id, password, verified.hash);
        self.issue.run(&snapshot, &jti)
    }

    /// Whose password this is, and the hash that says so.
    async fn verify(
        &self,
        email: Option<&EmailKey>,
        password: &NormalizedPassword,
        device: &Device,
    ) -> Result<Verified, Failure> {
        let credentials = match email {
            Some(email) => self.store.credentials(email).await?,
            None => None,
        };
        let (user_id, hash) = match credentials {
            Some(credentials) => (Some(credentials.user_id), credentials.password_hash),
            None => (None, None),
        };
        let matches = self.hasher.verify(password.clone(), hash.as_ref()).await.inspect_err(|failure| {
            if let (Failure::Internal(_), Some(user)) = (failure, user_id) {
                tracing::error!(%user, "the password cannot be verified");
            }
        })?;
        match (user_id, hash, matches) {
            (Some(user_id), Some(hash), true) => Ok(Verified { user_id, hash }),
            (user_id, ..) => Err(refused(user_id, device, "no such person, or another password")),
        }
    }

    /// Whether the person has another hash by now than the one that was verified.
    async fn store_has_another_hash(
        &self,
        email: Option<&EmailKey>,
        verified: &Verified,
    ) -> Result<bool, Failure> {
        let Some(email) = email else { return Ok(false) };
        let now = self.store.credentials(email).await?.and_then(|credentials| credentials.password_hash);
        Ok(now.is_some_and(|hash| hash != verified.hash))
    }

    /// The new session and the secret of its refresh tokens, unless that person may not sign in with that hash now.
    async fn open(
        &self,
        verified: &Verified,
        device: &Device,
    ) -> Result<Option<(SessionSnapshot, Plain<RefreshJti>)>, Failure> {
        let id = SessionId(random_id(self.entropy.as_ref(), self.clock.now()));
        let jti = Plain::new(random_token_id(self.entropy.as_ref()));
        let session = NewSession {
            key: SessionKey { user_id: verified.user_id, id },
            verified_hash: verified.hash.clone(),
            client_id: ClientId::first_party(),
            scope: self.scope.clone(),
            audience: self.audience.clone(),
            jti_hash: Digest::of(&jti),
            lifetime: self.lifetime,
            user_agent: device.user_agent.clone(),
            ip: Some(device.address.to_string()),
        };
        // A task of its own: who hangs up in between must not leave a session more than there may be.
        let opening = open_and_prune_excess(Arc::clone(&self.store), session).in_current_span();
        Ok(match tokio::spawn(opening).await.map_err(Failure::internal)?? {
            OpenOutcome::Opened(snapshot) => Some((snapshot, jti)),
            OpenOutcome::Refused => None,
        })
    }
}

/// Opens the session, and ends what its person has beyond [`MAX_SESSIONS`]. The sign-in is never refused for them, or
/// a thief could lock the owner out; nor does it fail when they cannot be ended, for the next one tries again.
async fn open_and_prune_excess(
    store: Arc<dyn Store>,
    session: NewSession,
) -> Result<OpenOutcome, StoreError> {
    let opening = store.open_session(&session).await?;
    if matches!(opening, OpenOutcome::Opened(_)) {
        let user = session.key.user_id;
        match store.prune_excess(session.key, MAX_SESSIONS).await {
            Ok(0) => {}
            Ok(ended) => tracing::warn!(%user, ended, "sessions ended: their person has too many"),
            Err(error) => {
                let error = Failure::from(error);
                tracing::warn!(%user, %error, "a person's sessions are not kept few; the next sign-in tries again");
            }
        }
    }
    Ok(opening)
}

/// Somebody whose password was right when it was looked at.
struct Verified {
    user_id: UserId,
    hash: PasswordHash,
}

/// The log says who and from where, as far as that is known; the client is told neither.
fn refused(user: Option<UserId>, device: &Device, reason: &str) -> Failure {
    let user = user.map(tracing::field::display);
    tracing::info!(user, ip = %device.address, reason, "sign-in refused");
    INVALID_CREDENTIALS.into()
}
