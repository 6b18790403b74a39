//! Signs a user in with e-mail address and password: opens a session.

use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{
    ClientId, Digest, Email, EmailKey, Entropy, MAX_SESSIONS, NewSession, NormalizedPassword, Password,
    PasswordHash, RefreshJti, SessionId, SessionKey, SessionSnapshot, UserId, UserName, random_id,
    random_token_id,
};
use auth_store::{OpenOutcome, Store, StoreError};
use chrono::TimeDelta;
use goptri::Scope;
use goptri::clock::Clock;
use goptri_settings::Plain;
use tracing::Instrument;

use super::{IssueTokens, IssuedTokens, Rehash, SessionCounters, record_attempt};
use crate::error::{CauseChain, Failure, SignInRefused};
use crate::hashing::PasswordHasher;
use crate::throttle::{AttemptOutcome, Throttle};

/// The device that signs in, for the user's list of sessions.
#[derive(Debug)]
pub struct Device {
    /// The `User-Agent`, truncated.
    pub user_agent: Option<String>,
    /// The address of the client.
    pub address: IpAddr,
}

/// What the client does with the tokens.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenStorage {
    /// A browser keeps them when it is closed.
    pub remember: bool,
    /// The longest access token that can be stored. `None`: any.
    pub max_access_token: Option<usize>,
}

/// Opens sessions.
#[derive(Clone)]
pub struct SignIn {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hasher: PasswordHasher,
    pub(crate) throttle: Throttle,
    pub(crate) rehash: Rehash,
    pub(crate) issue: IssueTokens,
    /// What a sign-in without OAuth grants.
    pub(crate) scope: Scope,
    /// The `aud` of its access tokens.
    pub(crate) audience: Vec<String>,
    /// The longest life of a session. `None`: no limit.
    pub(crate) lifetime: Option<TimeDelta>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) counters: SessionCounters,
}

impl SignIn {
    /// The tokens of a new session.
    ///
    /// An unknown user costs the same work as a wrong password (PW-10). After too many failures, the password is not
    /// looked at, right or wrong (PW-11). No session opens if its access token would be too long to store.
    pub async fn run(
        &self,
        email: &str,
        password: Plain<Password>,
        device: Device,
        storage: TokenStorage,
    ) -> Result<IssuedTokens, Failure<SignInRefused>> {
        let ip = device.address;
        let signed_in = self.attempt(email, password, &device, storage).await;
        self.counters.sign_in(&signed_in);
        match &signed_in {
            // A line of its own: the log limits each, and a flood of these must not hide wrong passwords.
            Err(Failure::Refused(refused @ SignInRefused::TooManyAttempts(_))) => {
                tracing::info!(%ip, reason = %refused, "sign-in rejected");
            }
            Err(Failure::Refused(refused)) => {
                let user = refused.user().map(tracing::field::display);
                tracing::info!(user, %ip, reason = %refused, "sign-in rejected");
            }
            Ok(_) | Err(_) => {}
        }
        signed_in
    }

    async fn attempt(
        &self,
        email: &str,
        password: Plain<Password>,
        device: &Device,
        storage: TokenStorage,
    ) -> Result<IssuedTokens, Failure<SignInRefused>> {
        let key = Email::parse(email).ok().map(|email| email.key());
        let account = key.as_ref().map_or(email, EmailKey::as_str);
        let attempt = self.throttle.attempt(account, device.address);
        let attempt = attempt.map_err(SignInRefused::TooManyAttempts)?;
        let signed_in = self.sign_in(key.as_ref(), password, device, storage).await;
        if matches!(signed_in, Err(Failure::Refused(SignInRefused::TokenTooLong(_)))) {
            attempt.record_outcome(AttemptOutcome::Succeeded);
            return signed_in;
        }
        record_attempt(attempt, signed_in)
    }

    async fn sign_in(
        &self,
        email: Option<&EmailKey>,
        password: Plain<Password>,
        device: &Device,
        storage: TokenStorage,
    ) -> Result<IssuedTokens, Failure<SignInRefused>> {
        let password = NormalizedPassword::of(&password).ok_or(SignInRefused::PasswordTooLong)?;
        let hasher = self.hasher.for_client(device.address);
        let mut verified = self.verify(email, &password, &hasher).await?;
        let mut opened = self.open(&verified, device, storage).await?;
        if opened.is_none() && self.has_other_hash(email, &verified).await? {
            // A concurrent sign-in may have rehashed the same password.
            verified = self.verify(email, &password, &hasher).await?;
            opened = self.open(&verified, device, storage).await?;
        }
        let (snapshot, jti) = opened.ok_or(SignInRefused::NotOpened(verified.user_id))?;
        let (user, key) = (verified.user_id, snapshot.session.key);
        let tokens = self.issue.run(&snapshot, &jti)?;
        if storage.is_too_small_for(&tokens) {
            // The user got more roles just now.
            self.store.end_session(key, None).await?;
            return Err(SignInRefused::TokenTooLong(user).into());
        }
        tracing::info!(%user, session = %key.id, "signed in");
        self.rehash.after_sign_in(user, password, verified.hash);
        Ok(tokens)
    }

    /// The user with this address and password, and the hash that proves it.
    async fn verify(
        &self,
        email: Option<&EmailKey>,
        password: &NormalizedPassword,
        hasher: &PasswordHasher,
    ) -> Result<Verified, Failure<SignInRefused>> {
        let credentials = match email {
            Some(email) => self.store.credentials(email).await?,
            None => None,
        };
        let (user_id, hash) = match credentials {
            Some(credentials) => (Some(credentials.user_id), credentials.password_hash),
            None => (None, None),
        };
        let matches = hasher.verify(password.clone(), hash.as_ref()).await.inspect_err(|error| {
            if let (false, Some(user)) = (error.is_busy(), user_id) {
                tracing::error!(%user, "the stored password hash cannot be verified");
            }
        })?;
        match (user_id, hash, matches) {
            (Some(user_id), Some(hash), true) => Ok(Verified { user_id, hash }),
            (Some(user_id), ..) => Err(SignInRefused::WrongPassword(user_id).into()),
            (None, ..) => Err(SignInRefused::UnknownUser.into()),
        }
    }

    /// Whether the stored hash is no longer the verified one.
    async fn has_other_hash(
        &self,
        email: Option<&EmailKey>,
        verified: &Verified,
    ) -> Result<bool, StoreError> {
        let Some(email) = email else { return Ok(false) };
        let stored = self.store.credentials(email).await?.and_then(|credentials| credentials.password_hash);
        Ok(stored.is_some_and(|hash| hash != verified.hash))
    }

    /// Refuses a session whose access token would be too long, before it opens.
    async fn refuse_long_token(
        &self,
        session: &NewSession,
        jti: &Plain<RefreshJti>,
        storage: TokenStorage,
    ) -> Result<(), Failure<SignInRefused>> {
        if storage.max_access_token.is_none() {
            return Ok(());
        }
        let user_id = session.key.user_id;
        // Without a user, nothing opens.
        let Some(user) = self.store.find_user(&UserName::Id(user_id)).await? else { return Ok(()) };
        let tokens = self.issue.run(&session.at_opening(user, self.clock.now()), jti)?;
        if storage.is_too_small_for(&tokens) {
            return Err(SignInRefused::TokenTooLong(user_id).into());
        }
        Ok(())
    }

    /// The new session and the secret half of its refresh tokens. `None`: the user is disabled or has another hash now.
    async fn open(
        &self,
        verified: &Verified,
        device: &Device,
        storage: TokenStorage,
    ) -> Result<Option<(SessionSnapshot, Plain<RefreshJti>)>, Failure<SignInRefused>> {
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
            remember: storage.remember,
            handle_hash: None,
        };
        self.refuse_long_token(&session, &jti, storage).await?;
        // A task of its own: a client that disconnects must not prevent the excess sessions from being ended.
        let opening = open_and_prune_excess(Arc::clone(&self.store), session).in_current_span();
        Ok(match tokio::spawn(opening).await.map_err(Failure::internal)?? {
            OpenOutcome::Opened(snapshot) => Some((snapshot, jti)),
            OpenOutcome::Refused => None,
        })
    }
}

impl TokenStorage {
    fn is_too_small_for(self, tokens: &IssuedTokens) -> bool {
        self.max_access_token.is_some_and(|longest| tokens.access_token.expose().len() > longest)
    }
}

/// Opens the session, and ends what its user has beyond [`MAX_SESSIONS`].
///
/// A sign-in is never rejected for them; otherwise a thief could lock the owner out. If ending them fails, the next
/// sign-in tries again.
async fn open_and_prune_excess(
    store: Arc<dyn Store>,
    session: NewSession,
) -> Result<OpenOutcome, StoreError> {
    let outcome = store.open_session(&session).await?;
    if matches!(outcome, OpenOutcome::Opened(_)) {
        let user = session.key.user_id;
        match store.prune_excess(session.key, MAX_SESSIONS).await {
            Ok(0) => {}
            Ok(ended) => {
                tracing::warn!(%user, ended, "the user has too many sessions; the least used were ended");
            }
            Err(error) => {
                let error = CauseChain(&error);
                tracing::warn!(%user, %error, "excess sessions were not ended; the next sign-in tries again");
            }
        }
    }
    Ok(outcome)
}

/// A user whose password was right when it was verified.
struct Verified {
    user_id: UserId,
    hash: PasswordHash,
}
