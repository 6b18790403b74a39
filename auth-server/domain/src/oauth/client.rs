//! A client: an application that asks for access to an API on behalf of a user.

use chrono::{DateTime, Utc};
use goptri::Scope;
use goptri_settings::{Plain, SecretKind};

use super::RedirectUri;
use crate::{ClientId, Digest};

/// The kind of a client secret, which has 256 random bits.
#[derive(Debug)]
pub enum ClientSecret {}
impl SecretKind for ClientSecret {
    const NAME: &'static str = "client secret";
}

/// A registered client.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Its id, which no other client ever gets.
    pub id: ClientId,
    /// Its name, as the consent page shows it.
    pub name: String,
    /// How it proves that it is this client.
    pub authentication: ClientAuthentication,
    /// Where a response may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// The scope that it may ask for.
    pub scope: Scope,
    /// The APIs, besides the default one, for which it may ask for tokens (RFC 8707).
    pub resources: Vec<String>,
    /// Whether the operator runs it, so that no consent is asked for.
    pub first_party: bool,
    /// Whether it may use the implicit grant.
    pub implicit: bool,
    /// Whether each refresh returns a new refresh token.
    pub rotation: bool,
    /// Its home page.
    pub home: Option<String>,
    /// The URL of its logo.
    pub logo: Option<String>,
    /// The URL of its privacy policy.
    pub policy: Option<String>,
    /// Who registered it.
    pub origin: ClientOrigin,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

/// How a client authenticates (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Debug, Clone, PartialEq)]
pub enum ClientAuthentication {
    /// `none`: a public client, for instance a native app or a page.
    Public,
    /// `client_secret_basic` or `client_secret_post`, with one of these secrets: at most two, the older one first.
    Secret(Vec<Digest<ClientSecret>>),
    /// `private_key_jwt` (RFC 7523) with a key of this JWK set, in JSON.
    PrivateKeyJwt(String),
}

/// Who registered a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientOrigin {
    /// The operator, on the command line.
    Operator,
    /// A file that the operator applies.
    File,
}

impl ClientOrigin {
    /// The word that a store keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::File => "file",
        }
    }

    /// The origin with that word. `None`: there is none.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Operator, Self::File].into_iter().find(|origin| origin.as_str() == word)
    }
}

impl Client {
    /// Whether it authenticates with a secret, and this is one of its secrets.
    ///
    /// Compares all of them, each in constant time. A client without secrets costs the same: it is compared with a
    /// digest that no secret has.
    pub fn has_secret(&self, secret: &Plain<ClientSecret>) -> bool {
        let digest = Digest::of(secret);
        let none = [Digest::from_bytes([0; 32])];
        let known = match &self.authentication {
            ClientAuthentication::Secret(digests) => digests.as_slice(),
            ClientAuthentication::Public | ClientAuthentication::PrivateKeyJwt(_) => &none,
        };
        known.iter().fold(false, |found, known| found | known.equals_in_constant_time(&digest))
    }

    /// Whether it cannot keep a secret.
    pub fn is_public(&self) -> bool {
        self.authentication == ClientAuthentication::Public
    }

    /// The redirect URI that a request presents, if it [matches](RedirectUri::matches) one of the client's.
    pub fn redirect_uri(&self, presented: &str) -> Option<RedirectUri> {
        let is_registered = self.redirect_uris.iter().any(|registered| registered.matches(presented));
        is_registered.then(|| RedirectUri::parse(presented).ok())?
    }
}
