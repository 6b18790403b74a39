//! Clients, scopes and authorization requests.

use auth_domain::{
    AuthorizationError, AuthorizationParameters, AuthorizationRequest, Client, ClientAuthentication,
    ClientId, ClientOrigin, Digest, RedirectUri, RegisteredScope,
};
use goptri::Scope;
use goptri_settings::Plain;

use crate::fixture::{AUDIENCE, NOW, at};

/// The API of `prints:order`.
pub(crate) const PRINTS: &str = "https://prints.example";
/// Another API of the client.
pub(crate) const ARCHIVE: &str = "https://archive.example";
pub(crate) const CALLBACK: &str = "https://app.example/callback";
pub(crate) const LOOPBACK: &str = "http://127.0.0.1/callback";
/// The digest of the verifier in RFC 7636, appendix B.
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

/// A confidential client that is not the operator's own.
pub(crate) fn client() -> Client {
    Client {
        id: ClientId::new("printer".to_owned()),
        name: "Photo Printer".to_owned(),
        authentication: ClientAuthentication::Secret(vec![Digest::of(&Plain::new("x".repeat(43)))]),
        redirect_uris: [CALLBACK, "https://app.example/callback?tenant=1", LOOPBACK, "com.example.app:/done"]
            .map(|uri| RedirectUri::parse(uri).unwrap())
            .to_vec(),
        scope: scope("photos:read photos:write prints:order gone offline_access"),
        resources: vec![ARCHIVE.to_owned()],
        first_party: false,
        implicit: false,
        rotation: true,
        home: None,
        logo: None,
        policy: None,
        origin: ClientOrigin::Operator,
        created_at: at(NOW - 5_000),
    }
}

/// Every registered scope. Only `photos:delete` is not the client's.
pub(crate) fn scopes() -> Vec<RegisteredScope> {
    let scope = |name: &str, resource: Option<&str>| RegisteredScope {
        name: name.to_owned(),
        description: format!("Use {name}"),
        resource: resource.map(str::to_owned),
    };
    vec![
        scope("photos:read", None),
        scope("photos:write", None),
        scope("photos:delete", None),
        scope("prints:order", Some(PRINTS)),
    ]
}

/// The query of a request that is valid, with other parameters. `None` leaves one out.
pub(crate) fn query(changes: &[(&str, Option<&str>)]) -> String {
    let mut pairs = vec![
        ("client_id", "printer"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "photos:read"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        pairs.extend(value.map(|value| (*name, value)));
    }
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The request in a query, for [`client`] or a variant of it.
pub(crate) fn parse(query: &str, client: &Client) -> Result<AuthorizationRequest, AuthorizationError> {
    let parameters = AuthorizationParameters::parse(query);
    let to = parameters.return_address(client).unwrap();
    AuthorizationRequest::parse(&parameters, to, client, &scopes(), AUDIENCE)
}
