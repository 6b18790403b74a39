//! How a client is printed.

use auth_domain::{Client, ClientAuthentication, RedirectUri};
use serde_json::{Value, json};

use crate::cli::output::minute;
use crate::rfc3339::rfc3339;

/// How it authenticates, in a word.
pub(super) fn authentication(client: &Client) -> &'static str {
    match &client.authentication {
        ClientAuthentication::Public => "none",
        ClientAuthentication::Secret(secrets) if secrets.len() > 1 => "two secrets",
        ClientAuthentication::Secret(_) => "secret",
        ClientAuthentication::PrivateKeyJwt(_) => "key",
    }
}

pub(super) fn to_json(client: &Client) -> Value {
    let (method, secrets) = match &client.authentication {
        ClientAuthentication::Public => ("none", 0),
        ClientAuthentication::Secret(secrets) => ("client_secret", secrets.len()),
        ClientAuthentication::PrivateKeyJwt(_) => ("private_key_jwt", 0),
    };
    json!({
        "id": client.id.as_str(),
        "name": client.name,
        "authentication": method,
        "secrets": secrets,
        "redirect_uris": redirect_uris(client),
        "scope": client.scope.as_str(),
        "resources": client.resources,
        "first_party": client.first_party,
        "implicit": client.implicit,
        "rotation": client.rotation,
        "home": client.home,
        "logo": client.logo,
        "policy": client.policy,
        "origin": client.origin.as_str(),
        "created_at": rfc3339(client.created_at),
    })
}

/// All that is known of a client except its secrets, one line each.
pub(super) fn details(client: &Client) -> String {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let link = |link: &Option<String>| or_dash(link.as_deref().unwrap_or_default());
    let lines = [
        ("id", client.id.as_str().to_owned()),
        ("name", client.name.clone()),
        ("authenticates by", authentication(client).to_owned()),
        ("redirect URIs", redirect_uris(client).join(" ")),
        ("scope", or_dash(client.scope.as_str())),
        ("resources", or_dash(&client.resources.join(" "))),
        ("first party", yes(client.first_party)),
        ("implicit", yes(client.implicit)),
        ("rotation", yes(client.rotation)),
        ("home", link(&client.home)),
        ("logo", link(&client.logo)),
        ("policy", link(&client.policy)),
        ("from", client.origin.as_str().to_owned()),
        ("created", format!("{} UTC", minute(client.created_at))),
    ];
    lines.map(|(name, value)| format!("{name:16} {value}")).join("\n")
}

fn redirect_uris(client: &Client) -> Vec<&str> {
    client.redirect_uris.iter().map(RedirectUri::as_str).collect()
}
