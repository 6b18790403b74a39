//! Authenticates an application: the first phase of every request that it sends itself (RFC 6749 §2.3).

use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{
    AssertionVerifier, Client, ClientAssertion, ClientAuthentication, ClientId, ClientSecret, client_named_by,
};
use auth_store::Store;
use goptri::clock::Clock;
use goptri_settings::Plain;

use crate::error::{ClientRefused, Failure};
use crate::throttle::Throttle;

/// How a request authenticates its client.
#[derive(Debug)]
pub(crate) enum ClientCredentials {
    /// `client_id` alone: a public client.
    Public(ClientId),
    /// `client_secret_basic` or `client_secret_post`.
    Secret(ClientId, Plain<ClientSecret>),
    /// `private_key_jwt` (RFC 7523), with the `client_id` if it is sent too.
    Assertion(Option<ClientId>, Plain<ClientAssertion>),
}

/// Authenticates clients.
#[derive(Clone)]
pub(crate) struct AuthenticateClient {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) assertions: AssertionVerifier,
    pub(crate) throttle: Throttle,
    pub(crate) clock: Arc<dyn Clock>,
}

impl AuthenticateClient {
    /// The client, once its credentials are verified. After too many failures they are not looked at (AS-13).
    pub(crate) async fn run(
        &self,
        credentials: &ClientCredentials,
        from: IpAddr,
    ) -> Result<Client, Failure<ClientRefused>> {
        let authenticated = self.attempt(credentials, from).await;
        if let Err(Failure::Refused(reason)) = &authenticated {
            let client = credentials.client_id().map(|id| tracing::field::debug(id.as_str().to_owned()));
            tracing::info!(client, ip = %from, %reason, "client rejected");
        }
        authenticated
    }

    async fn attempt(
        &self,
        credentials: &ClientCredentials,
        from: IpAddr,
    ) -> Result<Client, Failure<ClientRefused>> {
        let id = credentials.client_id().ok_or(ClientRefused::NoClient)?;
        self.throttle.admit_client(id.as_str(), from).map_err(ClientRefused::TooManyAttempts)?;
        let checked = match self.store.find_client(&id).await? {
            Some(client) => self.check(&client, credentials).map(|()| client),
            None => Err(ClientRefused::Unknown),
        };
        if checked.is_err() {
            self.throttle.count_client_failure(id.as_str(), from);
        }
        Ok(checked?)
    }

    fn check(&self, client: &Client, credentials: &ClientCredentials) -> Result<(), ClientRefused> {
        match (&client.authentication, credentials) {
            (ClientAuthentication::Public, ClientCredentials::Public(_)) => Ok(()),
            (ClientAuthentication::Secret(_), ClientCredentials::Secret(_, secret)) => {
                if client.has_secret(secret) { Ok(()) } else { Err(ClientRefused::WrongSecret) }
            }
            (ClientAuthentication::PrivateKeyJwt(jwks), ClientCredentials::Assertion(_, assertion)) => self
                .assertions
                .verify(assertion, &client.id, jwks, self.clock.now())
                .map_err(ClientRefused::Assertion),
            _ => Err(ClientRefused::OtherMethod),
        }
    }
}

impl ClientCredentials {
    /// The client that they name. `None`: an assertion names none, or another one than `client_id`.
    fn client_id(&self) -> Option<ClientId> {
        match self {
            Self::Public(id) | Self::Secret(id, _) => Some(id.clone()),
            Self::Assertion(sent, assertion) => {
                client_named_by(assertion).filter(|named| sent.as_ref().is_none_or(|sent| sent == named))
            }
        }
    }
}
