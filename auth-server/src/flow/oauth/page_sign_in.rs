//! Signs a user in at the pages: opens or renews the sign-in of a browser.

use auth_domain::{NewSession, Password, SignInHandle, SignInKey};
use auth_store::OpenOutcome;
use goptri_settings::Plain;

use super::super::Device;
use super::super::open_session::OpenSession;
use super::super::verify_credentials::{PresentedCredentials, Verified, VerifyCredentials};
use super::SignedIn;
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
    /// If the user is signed in in this browser already, the sign-in is renewed, and the sessions of its applications
    /// continue. Another user's sign-in in this browser ends.
    pub(crate) async fn run(
        &self,
        email: &str,
        password: &Plain<Password>,
        device: &Device,
        current: Option<&SignedIn>,
    ) -> Result<Plain<SignInHandle>, Failure<SignInRefused>> {
        let presented = PresentedCredentials { email, password, from: device.address };
        self.verify.and_open(presented, async |verified| self.open(verified, device, current).await).await
    }

    /// The handle. `None`: the user is disabled or has another hash now.
    async fn open(
        &self,
        verified: &Verified,
        device: &Device,
        current: Option<&SignedIn>,
    ) -> Result<Option<Plain<SignInHandle>>, Failure<SignInRefused>> {
        let (same_user, other_user) = match current {
            Some(current) if current.user() == verified.user_id => (Some(current), None),
            other => (None, other),
        };
        if let Some(current) = same_user
            && let Some(handle) = self.renew(verified, &current.key).await?
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

    /// The new handle of a sign-in of the same user. `None`: it has just ended or been renewed.
    async fn renew(
        &self,
        verified: &Verified,
        current: &SignInKey,
    ) -> Result<Option<Plain<SignInHandle>>, Failure<SignInRefused>> {
        let (handle, key) = SignInKey::generate(current.session, self.sessions.entropy.as_ref());
        let renewed = self.sessions.store.renew_sign_in(current, &key.hash, &verified.hash).await?;
        Ok(renewed.map(|_| {
            tracing::info!(user = %verified.user_id, session = %key.session.id, "signed in again at the pages");
            handle
        }))
    }

    /// The browser loses the other user's handle in any case. If this fails, the sign-in is in that user's list.
    async fn end_of_other_user(&self, other: &SignedIn) {
        let key = other.key.session;
        match self.sessions.store.end_session(key, None).await {
            Ok(_) => {
                tracing::info!(user = %key.user_id, session = %key.id, "ended by another user's sign-in");
            }
            Err(error) => {
                let error = CauseChain(&error);
                tracing::warn!(user = %key.user_id, session = %key.id, %error, "another user's sign-in was not ended");
            }
        }
    }
}
