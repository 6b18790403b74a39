//! Signs a user in with e-mail address and password: opens a session and issues its tokens.

use auth_domain::{NewSession, Password, RefreshJti, UserIdOrEmail};
use auth_store::OpenOutcome;
use goptri_settings::Plain;

use super::open_session::OpenSession;
use super::verify_credentials::{PresentedCredentials, Verified, VerifyCredentials};
use super::{Device, IssueTokens, IssuedTokens};
use crate::error::{Failure, SignInRefused};

/// What the client does with the tokens.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokenStorage {
    /// A browser keeps them when it is closed.
    pub remember: bool,
    /// The longest access token that can be stored. `None`: any.
    pub max_access_token: Option<usize>,
}

/// Opens sessions for clients that keep tokens.
#[derive(Clone)]
pub struct SignIn {
    pub(crate) verify: VerifyCredentials,
    pub(crate) sessions: OpenSession,
    pub(crate) issue: IssueTokens,
}

impl SignIn {
    /// The tokens of a new session. None opens if its access token would be too long to store.
    pub async fn run(
        &self,
        email: &str,
        password: Plain<Password>,
        device: Device,
        storage: TokenStorage,
    ) -> Result<IssuedTokens, Failure<SignInRefused>> {
        let presented = PresentedCredentials { email, password: &password, from: device.address };
        let open = async |verified: &Verified| self.open(verified, &device, storage).await;
        self.verify.run(presented, open).await
    }

    /// The tokens of a new session. `None`: the user is disabled or has another hash now.
    async fn open(
        &self,
        verified: &Verified,
        device: &Device,
        storage: TokenStorage,
    ) -> Result<Option<IssuedTokens>, Failure<SignInRefused>> {
        let (session, jti) = self.sessions.prepare(verified, device);
        let session = NewSession { remember: storage.remember, ..session };
        self.refuse_long_token(&session, &jti, storage).await?;
        let OpenOutcome::Opened(snapshot) = self.sessions.run(session).await? else { return Ok(None) };
        let (user, key) = (verified.user_id, snapshot.session.key);
        let tokens = self.issue.run(&snapshot, &jti)?;
        if storage.is_too_small_for(&tokens) {
            // The user got more roles just now.
            self.sessions.store.end_session(key, None).await?;
            return Err(SignInRefused::TokenTooLong(user).into());
        }
        tracing::info!(%user, session = %key.id, "signed in");
        Ok(Some(tokens))
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
        let found = self.sessions.store.find_user(&UserIdOrEmail::Id(user_id)).await?;
        let Some(user) = found else { return Ok(()) };
        let tokens = self.issue.run(&session.at_opening(user, self.sessions.clock.now()), jti)?;
        if storage.is_too_small_for(&tokens) {
            return Err(SignInRefused::TokenTooLong(user_id).into());
        }
        Ok(())
    }
}

impl TokenStorage {
    fn is_too_small_for(self, tokens: &IssuedTokens) -> bool {
        self.max_access_token.is_some_and(|longest| tokens.access_token.expose().len() > longest)
    }
}
