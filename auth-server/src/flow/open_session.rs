//! Opens the session of a user whose password was verified.

use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{
    ClientId, Digest, Entropy, NewSession, RefreshJti, SessionId, SessionKey, random_id, random_token_id,
};
use auth_store::{OpenOutcome, Store, StoreError};
use chrono::TimeDelta;
use goptri::Scope;
use goptri::clock::Clock;
use goptri_settings::Plain;
use tracing::Instrument;

use super::excess_sessions::end_excess_sessions;
use super::verify_credentials::Verified;
use crate::error::{Failure, SignInRefused};

/// The device that signs in, for the user's list of sessions.
#[derive(Debug)]
pub struct Device {
    /// The `User-Agent`, truncated.
    pub user_agent: Option<String>,
    /// The address of the client.
    pub address: IpAddr,
}

/// Opens sessions of the first-party client.
#[derive(Clone)]
pub(crate) struct OpenSession {
    pub(crate) store: Arc<dyn Store>,
    /// What a sign-in without OAuth grants.
    pub(crate) scope: Scope,
    /// The `aud` of its access tokens.
    pub(crate) audience: Vec<String>,
    /// The longest life of a session. `None`: no limit.
    pub(crate) lifetime: Option<TimeDelta>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl OpenSession {
    /// A session to open, and the secret half of its refresh tokens.
    pub(crate) fn prepare(&self, verified: &Verified, device: &Device) -> (NewSession, Plain<RefreshJti>) {
        let id = SessionId(random_id(self.entropy.as_ref(), self.clock.now()));
        let jti = Plain::new(random_token_id(self.entropy.as_ref()));
        let session = NewSession {
            key: SessionKey { user_id: verified.user_id, id },
            verified_hash: verified.hash.clone(),
            client_id: ClientId::built_in(),
            scope: self.scope.clone(),
            audience: self.audience.clone(),
            jti_hash: Digest::of(&jti),
            lifetime: self.lifetime,
            user_agent: device.user_agent.clone(),
            ip: Some(device.address.to_string()),
            remember: false,
            handle_hash: None,
        };
        (session, jti)
    }

    /// Opens it. [`OpenOutcome::Refused`]: the user is disabled or has another hash now.
    pub(crate) async fn run(&self, session: NewSession) -> Result<OpenOutcome, Failure<SignInRefused>> {
        // A task of its own: a client that disconnects must not prevent the excess sessions from being ended.
        let opening = open_and_end_excess(Arc::clone(&self.store), session).in_current_span();
        Ok(tokio::spawn(opening).await.map_err(Failure::internal)??)
    }
}

async fn open_and_end_excess(store: Arc<dyn Store>, session: NewSession) -> Result<OpenOutcome, StoreError> {
    let outcome = store.open_session(&session).await?;
    if matches!(outcome, OpenOutcome::Opened(_)) {
        end_excess_sessions(store.as_ref(), session.key).await;
    }
    Ok(outcome)
}
