//! `POST /par` (RFC 9126): checks an authorization request that an application sends itself, and keeps it for the
//! browser.

use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{
    AuthorizationParameters, AuthorizationRequest, Client, Digest, Entropy, PushedRequest, RequestUri,
};
use auth_store::Store;
use goptri_settings::Plain;

use super::authenticate_client::{AuthenticateClient, ClientCredentials};
use crate::error::{ClientRefused, Failure, PushRefused};

/// Keeps authorization requests.
#[derive(Clone)]
pub(crate) struct PushRequest {
    pub(crate) authenticate: AuthenticateClient,
    pub(crate) store: Arc<dyn Store>,
    /// The API that tokens are for by default.
    pub(crate) audience: String,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl PushRequest {
    /// The `request_uri` under which the browser opens the request, once `/authorize` would accept it. `request` is a
    /// query without the credentials of the client.
    pub(crate) async fn run(
        &self,
        credentials: &ClientCredentials,
        request: String,
        from: IpAddr,
    ) -> Result<Plain<RequestUri>, Failure<PushRefused>> {
        let authenticated = self.authenticate.run(credentials, from).await;
        let client = authenticated.map_err(|failure| failure.map_refusal(PushRefused::Client))?;
        if client.is_public() {
            let counted = self.authenticate.throttle.count_pushed_request(from);
            counted.map_err(|too_many| PushRefused::Client(ClientRefused::TooManyAttempts(too_many)))?;
        }
        let checked = self.check(&client, &AuthorizationParameters::parse(&request)).await;
        checked.inspect_err(|failure| {
            if let Failure::Refused(reason) = failure {
                tracing::info!(client = client.id.as_str(), %reason, "pushed request rejected");
            }
        })?;
        let uri = self.new_uri();
        let pushed = PushedRequest { uri_hash: Digest::of(&uri), client_id: client.id, request };
        self.store.push_request(&pushed).await?;
        Ok(uri)
    }

    async fn check(
        &self,
        client: &Client,
        parameters: &AuthorizationParameters,
    ) -> Result<(), Failure<PushRefused>> {
        let to = parameters.return_address(client).map_err(PushRefused::ReturnAddress)?;
        let scopes = self.store.list_scopes().await?;
        let request = AuthorizationRequest::parse(parameters, to, client, &scopes, &self.audience);
        request.map(|_| ()).map_err(|error| PushRefused::Request(error).into())
    }

    fn new_uri(&self) -> Plain<RequestUri> {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        let random = goptri::token::encode_base64url(bytes);
        Plain::new(format!("urn:ietf:params:oauth:request_uri:{random}"))
    }
}
