//! What the printer asks of auth-server: consent of the user, tokens, and their revocation.

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicRequestTokenError, BasicTokenResponse};
use oauth2::url::{ParseError, Url};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    TokenResponse, TokenUrl,
};

use crate::Settings;
use crate::visits::{Pending, Tokens};

/// What the printer may do with photos.
const SCOPE: &str = "photos:read";

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// auth-server, called as the OAuth client that the printer is.
pub(crate) struct AuthorizationServer {
    client: Client,
    issuer: String,
    credentials: (String, String),
    http: reqwest::Client,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTokens {
    /// The user withdrew the access, signed out, or took too long.
    #[error("auth-server no longer accepts this access")]
    Withdrawn,
    /// auth-server does not answer, or not as it should.
    #[error("auth-server cannot be used: {0}")]
    Unavailable(String),
}

impl AuthorizationServer {
    pub(crate) fn new(settings: &Settings, http: reqwest::Client) -> Result<Self, ParseError> {
        let issuer = settings.auth_server.clone();
        let client = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(settings.client_secret.clone()))
            .set_auth_uri(AuthUrl::new(format!("{issuer}/authorize"))?)
            .set_token_uri(TokenUrl::new(format!("{issuer}/token"))?)
            .set_redirect_uri(RedirectUrl::new(format!("{}/callback", settings.url))?);
        let credentials = (settings.client_id.clone(), settings.client_secret.clone());
        Ok(Self { client, issuer, credentials, http })
    }

    /// Where to send the user, and what to remember until the user comes back.
    pub(crate) fn authorization_request(&self) -> (Url, Pending) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = self.client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
        let (url, state) = request.add_scope(Scope::new(SCOPE.to_owned())).url();
        (url, Pending { state, verifier })
    }

    /// Whether a response is from this authorization server (RFC 9207).
    pub(crate) fn is_issuer(&self, iss: &str) -> bool {
        self.issuer == iss
    }

    /// Redeems the code of a response.
    pub(crate) async fn redeem(&self, code: String, verifier: PkceCodeVerifier) -> Result<Tokens, NoTokens> {
        let request = self.client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier);
        tokens(request.request_async(&|request| send(&self.http, request)).await)
    }

    /// The next tokens.
    pub(crate) async fn refresh(&self, token: &RefreshToken) -> Result<Tokens, NoTokens> {
        let request = self.client.exchange_refresh_token(token);
        tokens(request.request_async(&|request| send(&self.http, request)).await)
    }

    /// Gives the access back (RFC 7009). Returns whether auth-server confirmed it.
    ///
    /// The `oauth2` crate revokes over https only, so this request is written by hand.
    pub(crate) async fn revoke(&self, token: &RefreshToken) -> bool {
        let form = [("token", token.secret().as_str()), ("token_type_hint", "refresh_token")];
        let (id, secret) = &self.credentials;
        let request = self.http.post(format!("{}/revoke", self.issuer)).basic_auth(id, Some(secret));
        request.form(&form).send().await.is_ok_and(|response| response.status().is_success())
    }
}

async fn send(http: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let mut response = http.execute(request.try_into()?).await?;
    let mut received = HttpResponse::default();
    *received.status_mut() = response.status();
    *received.headers_mut() = std::mem::take(response.headers_mut());
    *received.body_mut() = response.bytes().await?.into();
    Ok(received)
}

fn tokens(
    result: Result<BasicTokenResponse, BasicRequestTokenError<reqwest::Error>>,
) -> Result<Tokens, NoTokens> {
    match result {
        Ok(response) => {
            Ok(Tokens { access: response.access_token().clone(), refresh: response.refresh_token().cloned() })
        }
        Err(RequestTokenError::ServerResponse(error))
            if *error.error() == BasicErrorResponseType::InvalidGrant =>
        {
            Err(NoTokens::Withdrawn)
        }
        Err(error) => Err(NoTokens::Unavailable(error.to_string())),
    }
}
