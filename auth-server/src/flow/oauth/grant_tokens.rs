//! `POST /token` for applications, in phases: authenticate the client, check that it may use the grant, and run the
//! grant.

use auth_domain::{AuthorizationCode, Client, CodeVerifier};
use goptri_settings::Plain;

use super::authenticate_client::{AuthenticateClient, ClientCredentials};
use super::exchange_code::ExchangeCode;
use super::refresh_application::RefreshApplication;
use crate::error::{Failure, GrantRefused};
use crate::flow::{Device, IssuedTokens, RefreshToken};

/// What an application presents for tokens.
#[derive(Debug)]
pub(crate) enum PresentedGrant {
    /// `authorization_code` (RFC 6749 §4.1.3).
    Code(PresentedCode),
    /// `refresh_token` (RFC 6749 §6).
    Refresh(PresentedRefreshToken),
    /// Another grant, which no client may use.
    Unsupported,
}

/// A code and what must be presented with it.
#[derive(Debug)]
pub(crate) struct PresentedCode {
    pub(crate) code: Plain<AuthorizationCode>,
    /// Empty if it was not sent.
    pub(crate) redirect_uri: String,
    pub(crate) verifier: Plain<CodeVerifier>,
    /// Every `resource`.
    pub(crate) resources: Vec<String>,
}

/// A refresh token and what the next access token shall be.
#[derive(Debug)]
pub(crate) struct PresentedRefreshToken {
    pub(crate) token: Plain<RefreshToken>,
    pub(crate) scope: Option<String>,
    /// Every `resource`.
    pub(crate) resources: Vec<String>,
}

/// Issues tokens to applications.
#[derive(Clone)]
pub(crate) struct GrantTokens {
    pub(crate) authenticate: AuthenticateClient,
    pub(crate) exchange: ExchangeCode,
    pub(crate) refresh: RefreshApplication,
}

impl GrantTokens {
    /// The tokens of an application's session.
    pub(crate) async fn run(
        &self,
        credentials: &ClientCredentials,
        grant: PresentedGrant,
        device: Device,
    ) -> Result<IssuedTokens, Failure<GrantRefused>> {
        let authenticated = self.authenticate.run(credentials, device.address).await;
        let client = authenticated.map_err(|failure| failure.map_refusal(GrantRefused::Client))?;
        let granted = match grant {
            PresentedGrant::Code(code) => self.exchange.run(&client, &code, device).await,
            PresentedGrant::Refresh(token) => self.refresh.run(&client, &token).await,
            PresentedGrant::Unsupported => Err(GrantRefused::UnsupportedGrant.into()),
        };
        granted.inspect_err(|failure| log_refusal(&client, failure))
    }
}

/// Logs refusals that were not logged where they occurred.
fn log_refusal(client: &Client, failure: &Failure<GrantRefused>) {
    match failure {
        Failure::Refused(GrantRefused::Refresh(_) | GrantRefused::Replayed) => {}
        Failure::Refused(reason) => {
            tracing::info!(client = client.id.as_str(), %reason, "no tokens for the application");
        }
        _ => {}
    }
}
