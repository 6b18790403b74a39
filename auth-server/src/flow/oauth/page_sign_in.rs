//! Signs a user in at the pages: opens or renews the sign-in of a browser.

use auth_domain::{NewSession, Password, SessionKey, SignInHandle, SignInKey};
use auth_store::{OpenOutcome, StoreError};
use goptri_settings::Plain;

use super::super::Device;
use super::super::open_session::OpenSession;
use super::super::verify_credentials::{PresentedCredentials, Verified, VerifyCredentials};
use crate::error::{CauseChain, Failure, SignInRefused};

/// Opens sign-ins.
#[derive(Clone)]
pub(crate) struct PageSignIn {
    pub(crate) verify: VerifyCredentials,
    pub(crate) sessions: OpenSession,
}

impl PageSignIn {
    /// The handle for the browser's cookie, a new one each time (CK-09).
    ///
    /// `presented` is the handle that the browser sent. If it names a sign-in of this user, that sign-in is renewed,
    /// and the sessions of its applications continue. An outdated handle is enough, because the form may have been sent
    /// twice. Another user's sign-in in this browser ends.
    pub(crate) async fn run(
        &self,
        email: &str,
        password: &Plain<Password>,
        device: &Device,
        presented: Option<&SignInKey>,
    ) -> Result<Plain<SignInHandle>, Failure<SignInRefused>> {
        let credentials = PresentedCredentials { email, password, from: device.address };
        self.verify.run(credentials, async |verified| self.open(verified, device, presented).await).await
    }

    /// The handle. `None`: the user is disabled or has another hash now.
    async fn open(
        &self,
        verified: &Verified,
        device: &Device,
        presented: Option<&SignInKey>,
    ) -> Result<Option<Plain<SignInHandle>>, Failure<SignInRefused>> {
        let (same_user, other_user) = match presented {
            Some(key) if key.session.user_id == verified.user_id => (Some(key.session), None),
            other => (None, other),
        };
        if let Some(session) = same_user
            && let Some(handle) = self.renew(verified, session).await?
        {
            return Ok(Some(handle));
        }
        let (session, _) = self.sessions.prepare(verified, device);
        let (handle, key) = SignInKey::generate(session.key, self.sessions.entropy.as_ref());
        let session = NewSession { handle_hash: Some(key.hash), ..session };
        let OpenOutcome::Opened(_) = self.sessions.run(session).await? else { return Ok(None) };
        tracing::info!(user = %verified.user_id, session = %key.session.id, "signed in at the pages");
        if let Some(other) = other_user {
            self.end_of_other_user(other).await;
        }
        Ok(Some(handle))
    }

    /// The new handle of a sign-in of the same user. `None`: it has ended.
    async fn renew(
        &self,
        verified: &Verified,
        session: SessionKey,
    ) -> Result<Option<Plain<SignInHandle>>, Failure<SignInRefused>> {
        let (handle, key) = SignInKey::generate(session, self.sessions.entropy.as_ref());
        let renewed = self.sessions.store.renew_sign_in(session, &key.hash, &verified.hash).await?;
        Ok(renewed.map(|_| {
            tracing::info!(user = %verified.user_id, session = %key.session.id, "signed in again at the pages");
            handle
        }))
    }

    /// Ends the sign-in of another user, whose handle the browser loses in any case. If this fails, that user still
    /// finds the sign-in in the list of sessions.
    async fn end_of_other_user(&self, other: &SignInKey) {
        let key = other.session;
        match self.end_if_genuine(other).await {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(user = %key.user_id, session = %key.id, "sign-in ended by that of another user in the same browser");
            }
            Err(error) => {
                let error = CauseChain(&error);
                tracing::warn!(user = %key.user_id, session = %key.id, %error, "another user's sign-in was not ended");
            }
        }
    }

    /// Ends the sign-in with this handle. Returns whether there is one.
    async fn end_if_genuine(&self, key: &SignInKey) -> Result<bool, StoreError> {
        if self.sessions.store.find_sign_in(key).await?.is_none() {
            return Ok(false);
        }
        self.sessions.store.end_session(key.session, None).await.map(|_| true)
    }
}
