//! `auth-server client add`.

use std::path::PathBuf;

use auth_domain::{
    ClientAuthentication, ClientId, ClientLinks, ClientOrigin, ClientRegistration, Digest, RedirectUri,
};
use goptri::Scope;
use serde_json::Value;

use super::{parse_id, read_jwks, show, with_clients};
use crate::cli::{CliError, Context, DatabaseAccess};

#[derive(clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command")]
pub(in crate::cli) struct Arguments {
    /// Its name, as the consent page shows it
    #[arg(long)]
    name: String,
    /// Where responses are sent; may be given several times
    #[arg(long = "redirect-uri", value_name = "URI", required = true, value_parser = RedirectUri::parse)]
    redirect_uris: Vec<RedirectUri>,
    /// The scopes that it may ask for, separated by spaces
    #[arg(long, value_parser = Scope::parse, default_value = "")]
    scope: Scope,
    /// Another API for which it may ask for tokens; may be given several times
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// It cannot keep a secret: a page or a native app
    #[arg(long, conflicts_with = "jwks")]
    public: bool,
    /// You run it yourself, so that users are not asked for consent
    #[arg(long)]
    first_party: bool,
    /// Keep one refresh token for the whole session, for a client that cannot store a new one
    #[arg(long)]
    no_rotation: bool,
    /// Allow the implicit grant, for an old client that cannot use codes
    #[arg(long)]
    implicit: bool,
    /// Its home page
    #[arg(long, value_name = "URL")]
    home: Option<String>,
    /// Its logo
    #[arg(long, value_name = "URL")]
    logo: Option<String>,
    /// Its privacy policy
    #[arg(long, value_name = "URL")]
    policy: Option<String>,
    /// It authenticates with a key of this JWK set instead of a secret
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Its id; random by default
    #[arg(long, value_parser = parse_id)]
    id: Option<ClientId>,
}

pub(super) async fn run(arguments: Arguments, context: &Context) -> Result<(), CliError> {
    let keys = arguments.jwks.as_deref().map(read_jwks).transpose()?;
    let added = with_clients(context, DatabaseAccess::Create, async |clients| {
        let needs_secret = keys.is_none() && !arguments.public;
        let secret = needs_secret.then(|| clients.new_secret());
        let authentication = match (keys, &secret) {
            (Some(keys), _) => keys,
            (None, Some(secret)) => ClientAuthentication::Secret(vec![Digest::of(secret)]),
            (None, None) => ClientAuthentication::Public,
        };
        let id = arguments.id.clone().unwrap_or_else(|| clients.new_id());
        Ok((clients.add(arguments.registration(id, authentication)).await?, secret))
    });
    let (client, secret) = added.await?;
    let mut lines = vec![format!("Added {}.", client.name), format!("client_id      {}", client.id.as_str())];
    let mut json = show::to_json(&client);
    if let Some(secret) = secret {
        lines.push(format!("client_secret  {}", secret.expose()));
        json["client_secret"] = Value::from(secret.expose());
    }
    context.format.print(&lines.join("\n"), &json)
}

impl Arguments {
    fn registration(self, id: ClientId, authentication: ClientAuthentication) -> ClientRegistration {
        let Self { name, redirect_uris, scope, resources, first_party, implicit, .. } = self;
        ClientRegistration {
            id,
            name,
            authentication,
            redirect_uris,
            scope,
            resources,
            first_party,
            implicit,
            rotation: !self.no_rotation,
            links: ClientLinks { home: self.home, logo: self.logo, policy: self.policy },
            origin: ClientOrigin::Operator,
        }
    }
}
