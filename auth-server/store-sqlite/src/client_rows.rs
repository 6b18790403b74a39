//! Rows of `clients`.

use auth_domain::{Client, ClientAuthentication, ClientId, ClientOrigin, ClientSecret, Digest, RedirectUri};
use auth_store::StoreError;
use goptri::Scope;

use crate::rows::{Micros, corrupt, hex, json, list};

/// A client.
pub(crate) struct ClientRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) auth_method: String,
    pub(crate) secrets: String,
    pub(crate) jwks: Option<String>,
    pub(crate) redirect_uris: String,
    pub(crate) scope: String,
    pub(crate) resources: String,
    pub(crate) first_party: bool,
    pub(crate) implicit: bool,
    pub(crate) rotation: bool,
    pub(crate) home: Option<String>,
    pub(crate) logo: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) origin: String,
    pub(crate) created_at: Micros,
}

/// How a client authenticates, as columns.
pub(crate) struct AuthenticationColumns<'a> {
    pub(crate) method: &'static str,
    pub(crate) secrets: String,
    pub(crate) jwks: Option<&'a str>,
}

impl<'a> From<&'a ClientAuthentication> for AuthenticationColumns<'a> {
    fn from(authentication: &'a ClientAuthentication) -> Self {
        let (method, secrets, jwks) = match authentication {
            ClientAuthentication::Public => ("none", secrets(&[]), None),
            ClientAuthentication::Secret(digests) => ("client_secret", secrets(digests), None),
            ClientAuthentication::PrivateKeyJwt(jwks) => {
                ("private_key_jwt", secrets(&[]), Some(jwks.as_str()))
            }
        };
        Self { method, secrets, jwks }
    }
}

impl TryFrom<ClientRow> for Client {
    type Error = StoreError;

    fn try_from(row: ClientRow) -> Result<Self, StoreError> {
        let corrupt = |what| corrupt("clients", row.id.clone(), what);
        let authentication = match (row.auth_method.as_str(), row.jwks) {
            ("none", None) => ClientAuthentication::Public,
            ("client_secret", None) => {
                ClientAuthentication::Secret(digests(&row.secrets).ok_or_else(|| corrupt("secrets"))?)
            }
            ("private_key_jwt", Some(jwks)) => ClientAuthentication::PrivateKeyJwt(jwks),
            _ => return Err(corrupt("auth_method")),
        };
        let redirect_uris = list(&row.redirect_uris)
            .and_then(|uris| uris.iter().map(|uri| RedirectUri::parse(uri).ok()).collect::<Option<_>>());
        Ok(Self {
            name: row.name,
            authentication,
            redirect_uris: redirect_uris.ok_or_else(|| corrupt("redirect_uris"))?,
            scope: Scope::parse(&row.scope).map_err(|_| corrupt("scope"))?,
            resources: list(&row.resources).ok_or_else(|| corrupt("resources"))?,
            first_party: row.first_party,
            implicit: row.implicit,
            rotation: row.rotation,
            home: row.home,
            logo: row.logo,
            policy: row.policy,
            origin: ClientOrigin::parse(&row.origin).ok_or_else(|| corrupt("origin"))?,
            created_at: row.created_at.time().ok_or_else(|| corrupt("created_at"))?,
            id: ClientId::new(row.id),
        })
    }
}

/// The digests in hex as a JSON list, as a bind parameter.
pub(crate) fn secrets(digests: &[Digest<ClientSecret>]) -> String {
    let texts: Vec<String> = digests.iter().map(|digest| hex(digest.as_bytes())).collect();
    json(texts.iter().map(String::as_str))
}

fn digests(json: &str) -> Option<Vec<Digest<ClientSecret>>> {
    list(json)?.iter().map(|text| Some(Digest::from_bytes(bytes(text)?))).collect()
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<_>>>()?;
    rest.is_empty().then(|| bytes.try_into().ok())?
}

/// The redirect URIs as a JSON list, as a bind parameter.
pub(crate) fn redirect_uris(client: &Client) -> String {
    json(client.redirect_uris.iter().map(RedirectUri::as_str))
}
