//! Redeems an authorization code: opens the session of an application.

use std::sync::Arc;

use auth_domain::{
    ApplicationSession, Client, CodeKey, CodeVerdict, Digest, Entropy, Redemption, RefreshJti, SessionId,
    SessionKey, StoredCode, narrow_scope, random_id, random_token_id,
};
use auth_store::{SpendOutcome, Store, StoreError};
use chrono::TimeDelta;
use goptri::clock::Clock;
use goptri_settings::Plain;
use tracing::Instrument;

use super::ByRotation;
use super::grant_tokens::PresentedCode;
use crate::error::{Failure, GrantRefused};
use crate::flow::excess_sessions::end_excess_sessions;
use crate::flow::{Device, IssueTokens, IssuedTokens};

/// Redeems codes.
#[derive(Clone)]
pub(crate) struct ExchangeCode {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) issue: ByRotation<IssueTokens>,
    /// The longest life of a session. `None`: no limit.
    pub(crate) lifetime: Option<TimeDelta>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl ExchangeCode {
    /// The tokens of the new session. A failed check does not spend the code. A second use of the code ends the session
    /// that the first use opened (PK-05).
    pub(super) async fn run(
        &self,
        client: &Client,
        presented: &PresentedCode,
        device: Device,
    ) -> Result<IssuedTokens, Failure<GrantRefused>> {
        let key = CodeKey::of(&presented.code).ok_or(GrantRefused::UnknownCode)?;
        let stored = self.store.find_code(&key).await?.ok_or(GrantRefused::UnknownCode)?;
        match stored.judge(presented.redemption(client)) {
            CodeVerdict::Redeem => {}
            CodeVerdict::Replayed(session) => {
                return Err(self.end(client, session_key(&key, session)).await?.into());
            }
            CodeVerdict::Refuse(mismatch) => return Err(GrantRefused::Code(mismatch).into()),
        }
        let jti = Plain::new(random_token_id(self.entropy.as_ref()));
        let session = self.session(client, &key, &stored, (&jti, device))?;
        let spending = spend_and_end_excess(Arc::clone(&self.store), key, session).in_current_span();
        // A task of its own: a client that disconnects must not prevent the excess sessions from being ended.
        match tokio::spawn(spending).await.map_err(Failure::internal)?? {
            SpendOutcome::Opened(snapshot) => {
                let (user, session) = (snapshot.session.key.user_id, snapshot.session.key.id);
                tracing::info!(%user, %session, client = client.id.as_str(), "session of an application opened");
                Ok(self.issue.of(client).run(&snapshot, &jti)?)
            }
            SpendOutcome::AlreadySpent(session) => Err(self.end(client, session).await?.into()),
            SpendOutcome::Refused => Err(GrantRefused::NotOpened.into()),
        }
    }

    fn session(
        &self,
        client: &Client,
        key: &CodeKey,
        stored: &StoredCode,
        (jti, device): (&Plain<RefreshJti>, Device),
    ) -> Result<ApplicationSession, GrantRefused> {
        let id = SessionId(random_id(self.entropy.as_ref(), self.clock.now()));
        Ok(ApplicationSession {
            key: session_key(key, id),
            client_id: client.id.clone(),
            sign_in: stored.sign_in,
            scope: narrow_scope(&stored.scope, None, &client.scope)?,
            audience: stored.audience.clone(),
            jti_hash: Digest::of(jti),
            lifetime: self.lifetime,
            user_agent: device.user_agent,
            ip: Some(device.address.to_string()),
        })
    }

    /// Ends the session that the code has opened: the client or a thief uses the code for the second time.
    async fn end(&self, client: &Client, session: SessionKey) -> Result<GrantRefused, StoreError> {
        self.store.end_session(session, None).await?;
        tracing::warn!(
            user = %session.user_id, session = %session.id, client = client.id.as_str(),
            "an authorization code was used twice; the session that it opened was ended"
        );
        Ok(GrantRefused::Replayed)
    }
}

impl PresentedCode {
    fn redemption<'a>(&'a self, client: &'a Client) -> Redemption<'a> {
        let Self { redirect_uri, verifier, resources, .. } = self;
        Redemption { client: &client.id, redirect_uri, verifier, resources }
    }
}

fn session_key(key: &CodeKey, id: SessionId) -> SessionKey {
    SessionKey { user_id: key.user_id, id }
}

async fn spend_and_end_excess(
    store: Arc<dyn Store>,
    key: CodeKey,
    session: ApplicationSession,
) -> Result<SpendOutcome, StoreError> {
    let outcome = store.spend_code(&key, &session).await?;
    if matches!(outcome, SpendOutcome::Opened(_)) {
        end_excess_sessions(store.as_ref(), session.key).await;
    }
    Ok(outcome)
}
