//! Rows of `clients`.

use auth_domain::{Client, ClientAuthentication, ClientId, ClientOrigin, ClientSecret, Digest, RedirectUri};
use auth_store::StoreError;
use chrono::{DateTime, Utc};
use goptri::Scope;

use crate::rows::corrupt;

/// A client.
pub(crate) struct ClientRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) auth_method: String,
    pub(crate) secrets: Vec<Vec<u8>>,
    pub(crate) jwks: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) scope: String,
    pub(crate) resources: Vec<String>,
    pub(crate) first_party: bool,
    pub(crate) implicit: bool,
    pub(crate) rotation: bool,
    pub(crate) home: Option<String>,
    pub(crate) logo: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) origin: String,
    pub(crate) created_at: DateTime<Utc>,
}

/// How a client authenticates, as columns.
pub(crate) struct AuthenticationColumns<'a> {
    pub(crate) method: &'static str,
    pub(crate) secrets: Vec<Vec<u8>>,
    pub(crate) jwks: Option<&'a str>,
}

impl<'a> From<&'a ClientAuthentication> for AuthenticationColumns<'a> {
    fn from(authentication: &'a ClientAuthentication) -> Self {
        let (method, secrets, jwks) = match authentication {
            ClientAuthentication::Public => ("none", Vec::new(), None),
            ClientAuthentication::Secret(digests) => ("client_secret", secrets(digests), None),
            ClientAuthentication::PrivateKeyJwt(jwks) => ("private_key_jwt", Vec::new(), Some(jwks.as_str())),
        };
        Self { method, secrets, jwks }
    }
}

impl TryFrom<ClientRow> for Client {
    type Error = StoreError;

    fn try_from(row: ClientRow) -> Result<Self, StoreError> {
        let corrupt = |what| corrupt("clients", row.id.clone(), what);
        let digest = |secret: Vec<u8>| secret.try_into().map(Digest::<ClientSecret>::from_bytes);
        let authentication = match (row.auth_method.as_str(), row.jwks) {
            ("none", None) => ClientAuthentication::Public,
            ("client_secret", None) => {
                let digests = row.secrets.into_iter().map(digest).collect::<Result<_, _>>();
                ClientAuthentication::Secret(digests.map_err(|_| corrupt("secrets"))?)
            }
            ("private_key_jwt", Some(jwks)) => ClientAuthentication::PrivateKeyJwt(jwks),
            _ => return Err(corrupt("auth_method")),
        };
        let redirect_uris =
            row.redirect_uris.iter().map(|uri| RedirectUri::parse(uri)).collect::<Result<_, _>>();
        Ok(Self {
            name: row.name,
            authentication,
            redirect_uris: redirect_uris.map_err(|_| corrupt("redirect_uris"))?,
            scope: Scope::parse(&row.scope).map_err(|_| corrupt("scope"))?,
            resources: row.resources,
            first_party: row.first_party,
            implicit: row.implicit,
            rotation: row.rotation,
            home: row.home,
            logo: row.logo,
            policy: row.policy,
            origin: ClientOrigin::parse(&row.origin).ok_or_else(|| corrupt("origin"))?,
            created_at: row.created_at,
            id: ClientId::new(row.id),
        })
    }
}

pub(crate) fn secrets(digests: &[Digest<ClientSecret>]) -> Vec<Vec<u8>> {
    digests.iter().map(|digest| digest.as_bytes().to_vec()).collect()
}

pub(crate) fn redirect_uris(client: &Client) -> Vec<String> {
    client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect()
}
