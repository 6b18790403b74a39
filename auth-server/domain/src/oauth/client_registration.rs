//! What an operator may register as a client.

use chrono::{DateTime, Utc};
use goptri::Scope;
use url::{Host, Url};
use uuid::Uuid;

use super::{Client, ClientAuthentication, ClientOrigin, RedirectUri};
use crate::ClientId;

/// The most characters of a name. The consent page shows it.
const MAX_NAME_CHARS: usize = 100;

/// A client as an operator describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientRegistration {
    /// Its id.
    pub id: ClientId,
    /// Its name, for the consent page.
    pub name: String,
    /// How it authenticates.
    pub authentication: ClientAuthentication,
    /// Where a response may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// The scope that it may ask for.
    pub scope: Scope,
    /// The APIs, besides the default one, for which it may ask for tokens.
    pub resources: Vec<String>,
    /// Whether the operator runs it.
    pub first_party: bool,
    /// Whether it may use the implicit grant.
    pub implicit: bool,
    /// Whether each refresh returns a new refresh token.
    pub rotation: bool,
    /// Its home page, logo and privacy policy.
    pub links: ClientLinks,
    /// Who registers it.
    pub origin: ClientOrigin,
}

/// The links that pages show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientLinks {
    /// The home page.
    pub home: Option<String>,
    /// The logo.
    pub logo: Option<String>,
    /// The privacy policy.
    pub policy: Option<String>,
}

/// Why a client cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClient {
    /// The id is `goptri`, or could be that of a user (JV-18).
    #[error("The id must be neither goptri nor a UUID.")]
    Id,
    /// The name is empty, too long, or has control characters.
    #[error("The name must have 1 to {MAX_NAME_CHARS} characters, without control characters.")]
    Name,
    /// There is no redirect URI.
    #[error("The client needs at least one redirect URI.")]
    NoRedirectUri,
    /// A thief of a public client's refresh token would not be noticed (RFC 9700 §4.14.2).
    #[error("A public client must rotate its refresh tokens; otherwise a stolen one is never noticed.")]
    PublicWithoutRotation,
    /// An API is not an absolute URI, or has a fragment (RFC 8707 §2).
    #[error("The resource {0:?} must be an absolute URI without a fragment.")]
    Resource(String),
    /// A link is not https.
    #[error("The link {0:?} must be an https URL.")]
    Link(String),
}

impl ClientRegistration {
    /// The client, if it follows the rules. `now` is a placeholder: the store sets `created_at`.
    pub fn into_client(self, now: DateTime<Utc>) -> Result<Client, InvalidClient> {
        let Self { id, name, authentication, redirect_uris, scope, resources, .. } = self;
        if id == ClientId::built_in() || Uuid::try_parse(id.as_str()).is_ok() {
            return Err(InvalidClient::Id);
        }
        let name = name.trim().to_owned();
        if !(1..=MAX_NAME_CHARS).contains(&name.chars().count()) || name.contains(char::is_control) {
            return Err(InvalidClient::Name);
        }
        if redirect_uris.is_empty() {
            return Err(InvalidClient::NoRedirectUri);
        }
        if authentication == ClientAuthentication::Public && !self.rotation {
            return Err(InvalidClient::PublicWithoutRotation);
        }
        if let Some(resource) = resources.iter().find(|resource| !is_resource(resource)) {
            return Err(InvalidClient::Resource(resource.clone()));
        }
        let ClientLinks { home, logo, policy } = self.links;
        if let Some(link) = [&home, &logo, &policy].into_iter().flatten().find(|link| !is_link(link)) {
            return Err(InvalidClient::Link(link.clone()));
        }
        let Self { first_party, implicit, rotation, origin, .. } = self;
        Ok(Client {
            id,
            name,
            authentication,
            redirect_uris,
            scope,
            resources,
            first_party,
            implicit,
            rotation,
            home,
            logo,
            policy,
            origin,
            created_at: now,
        })
    }
}

fn is_resource(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.fragment().is_none())
}

/// https, or http on this machine for development.
fn is_link(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| match url.scheme() {
        "https" => true,
        "http" => match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        },
        _ => false,
    })
}
