//! The user's photos at api-server.

use actix_web::web::Bytes;
use oauth2::AccessToken;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use crate::authorization_server::{AuthorizationServer, NoTokens};
use crate::visits::{Connection, Tokens};

/// api-server.
pub(crate) struct Photos {
    pub(crate) http: reqwest::Client,
    pub(crate) api: String,
}

/// A photo in the user's list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Photo {
    pub(crate) name: String,
}

#[derive(Deserialize)]
struct List {
    photos: Vec<Photo>,
}

/// Why there is no photo.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPhoto {
    /// The printer may not see the photos any more.
    #[error("the access has ended")]
    Withdrawn,
    /// There is no photo of that name.
    #[error("there is no such photo")]
    Unknown,
    /// A server does not answer, or not as it should.
    #[error("a server cannot be used: {0}")]
    Unavailable(String),
}

impl Photos {
    /// All photos of the user.
    pub(crate) async fn list(
        &self,
        authorization: &AuthorizationServer,
        connection: &Connection,
    ) -> Result<Vec<Photo>, NoPhoto> {
        let response = self.get("/photos", authorization, connection).await?;
        Ok(response.json::<List>().await?.photos)
    }

    /// A photo: its media type and its bytes.
    pub(crate) async fn read(
        &self,
        name: &str,
        authorization: &AuthorizationServer,
        connection: &Connection,
    ) -> Result<(String, Bytes), NoPhoto> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.starts_with('.') || !name.bytes().all(is_name) {
            return Err(NoPhoto::Unknown);
        }
        let response = self.get(&format!("/photos/{name}"), authorization, connection).await?;
        let media_type = response.headers().get(reqwest::header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
        Ok((media_type, response.bytes().await?))
    }

    /// Calls api-server. If it rejects the access token, refreshes once and calls again.
    async fn get(
        &self,
        path: &str,
        authorization: &AuthorizationServer,
        connection: &Connection,
    ) -> Result<Response, NoPhoto> {
        let used = connection.lock().await.access.clone();
        let mut response = self.send(path, &used).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let access = refreshed(authorization, connection, &used).await?;
            response = self.send(path, &access).await?;
        }
        match response.status() {
            StatusCode::OK => Ok(response),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(NoPhoto::Withdrawn),
            StatusCode::NOT_FOUND => Err(NoPhoto::Unknown),
            status => Err(NoPhoto::Unavailable(format!("api-server answered {status}"))),
        }
    }

    async fn send(&self, path: &str, access: &AccessToken) -> Result<Response, reqwest::Error> {
        self.http.get(format!("{}{path}", self.api)).bearer_auth(access.secret()).send().await
    }
}

/// The access token after the one that was rejected. Of concurrent calls, one refreshes.
async fn refreshed(
    authorization: &AuthorizationServer,
    connection: &Connection,
    rejected: &AccessToken,
) -> Result<AccessToken, NoPhoto> {
    let mut tokens = connection.lock().await;
    if tokens.access.secret() == rejected.secret() {
        let refresh = tokens.refresh.clone().ok_or(NoPhoto::Withdrawn)?;
        let Tokens { access, refresh: next } = authorization.refresh(&refresh).await?;
        *tokens = Tokens { access, refresh: next.or(Some(refresh)) };
    }
    Ok(tokens.access.clone())
}

impl From<NoTokens> for NoPhoto {
    fn from(error: NoTokens) -> Self {
        match error {
            NoTokens::Withdrawn => Self::Withdrawn,
            NoTokens::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl From<reqwest::Error> for NoPhoto {
    fn from(error: reqwest::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
