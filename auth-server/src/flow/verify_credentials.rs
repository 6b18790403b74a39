//! Verifies e-mail address and password, within the limits for attempts, before a sign-in opens anything.

use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{Email, EmailKey, NormalisedPassword, Password, PasswordHash, UserId};
use auth_store::{Store, StoreError};
use goptri_settings::Plain;

use super::{Rehash, SessionCounters, record_attempt};
use crate::error::{Failure, SignInRefused};
use crate::hashing::PasswordHasher;
use crate::throttle::{AttemptOutcome, Throttle};

/// What a user types to sign in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PresentedCredentials<'a> {
    /// As typed.
    pub(crate) email: &'a str,
    /// In the clear.
    pub(crate) password: &'a Plain<Password>,
    /// The address of the client.
    pub(crate) from: IpAddr,
}

/// A user whose password was right when it was verified.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) user_id: UserId,
    /// The hash that proves it. Whatever opens a session must check that the user still has this hash.
    pub(crate) hash: PasswordHash,
}

/// Verifies credentials for every way to sign in.
#[derive(Clone)]
pub(crate) struct VerifyCredentials {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hasher: PasswordHasher,
    pub(crate) throttle: Throttle,
    pub(crate) rehash: Rehash,
    pub(crate) counters: SessionCounters,
}

impl VerifyCredentials {
    /// Verifies the credentials, and returns what `open` opens for the user. `open` returns `None` if the user is
    /// disabled or has another hash now.
    ///
    /// An unknown user costs the same work as a wrong password (PW-10). After too many failures, the password is not
    /// looked at, right or wrong (PW-11).
    pub(crate) async fn run<T>(
        &self,
        presented: PresentedCredentials<'_>,
        open: impl AsyncFn(&Verified) -> Result<Option<T>, Failure<SignInRefused>>,
    ) -> Result<T, Failure<SignInRefused>> {
        let ip = presented.from;
        let signed_in = self.attempt(presented, open).await;
        self.counters.sign_in(&signed_in);
        match &signed_in {
            // A call of its own: the log is limited per call, and a flood of these must not hide wrong passwords.
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

    async fn attempt<T>(
        &self,
        presented: PresentedCredentials<'_>,
        open: impl AsyncFn(&Verified) -> Result<Option<T>, Failure<SignInRefused>>,
    ) -> Result<T, Failure<SignInRefused>> {
        let key = Email::parse(presented.email).ok().map(|email| email.key());
        let account = key.as_ref().map_or(presented.email, EmailKey::as_str);
        let attempt = self.throttle.count_attempt(account, presented.from);
        let attempt = attempt.map_err(SignInRefused::TooManyAttempts)?;
        let signed_in = self.sign_in(key.as_ref(), presented, open).await;
        if matches!(signed_in, Err(Failure::Refused(SignInRefused::TokenTooLong(_)))) {
            attempt.record_outcome(AttemptOutcome::Succeeded);
            return signed_in;
        }
        record_attempt(attempt, signed_in)
    }

    async fn sign_in<T>(
        &self,
        email: Option<&EmailKey>,
        presented: PresentedCredentials<'_>,
        open: impl AsyncFn(&Verified) -> Result<Option<T>, Failure<SignInRefused>>,
    ) -> Result<T, Failure<SignInRefused>> {
        let password = NormalisedPassword::of(presented.password).ok_or(SignInRefused::PasswordTooLong)?;
        let hasher = self.hasher.for_client(presented.from);
        let mut verified = self.verify(email, &password, &hasher).await?;
        let mut opened = open(&verified).await?;
        if opened.is_none() && self.has_other_hash(email, &verified).await? {
            // A concurrent sign-in may have rehashed the same password.
            verified = self.verify(email, &password, &hasher).await?;
            opened = open(&verified).await?;
        }
        let opened = opened.ok_or(SignInRefused::NotOpened(verified.user_id))?;
        self.rehash.after_sign_in(verified.user_id, password, verified.hash);
        Ok(opened)
    }

    /// The user with this address and password, and the hash that proves it.
    async fn verify(
        &self,
        email: Option<&EmailKey>,
        password: &NormalisedPassword,
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
}
