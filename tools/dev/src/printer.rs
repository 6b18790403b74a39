//! The photo printer of `examples/photo-printer`, registered as a client of auth-server.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use actix_web::web::Bytes;
use api_server::photos::{Album, PhotoName, PhotosFolder, Upload};
use auth_domain::{
    Client, ClientAuthentication, ClientId, ClientOrigin, ClientSecret, Digest, RedirectUri, RegisteredScope,
    UserId,
};
use auth_store::{AddClientOutcome, Store};
use chrono::{DateTime, Utc};
use goptri::token::Audience;
use goptri::{AccessClaims, Caller, Scope, User};
use goptri_settings::Plain;
use photo_printer::{Printer, Settings};

const CLIENT_ID: &str = "photo-printer";

const PHOTOS: [(&str, &[u8]); 4] = [
    ("evening.jpg", include_bytes!("../photos/evening.jpg")),
    ("forest.jpg", include_bytes!("../photos/forest.jpg")),
    ("sea.jpg", include_bytes!("../photos/sea.jpg")),
    ("town.jpg", include_bytes!("../photos/town.jpg")),
];

/// The scopes of api-server, as the consent page words them.
const SCOPES: [(&str, &str); 2] =
    [("photos:read", "See your photos"), ("photos:write", "Add, replace and delete your photos")];

/// Registers the scopes of api-server and the printer at this address, with that secret.
pub(crate) async fn register(
    store: &dyn Store,
    address: SocketAddr,
    secret: &str,
    now: DateTime<Utc>,
) -> Result<(), Box<dyn Error>> {
    for (name, description) in SCOPES {
        let scope =
            RegisteredScope { name: name.to_owned(), description: description.to_owned(), resource: None };
        store.put_scope(&scope).await?;
    }
    let client = client(address, secret, now)?;
    if store.add_client(&client).await? == AddClientOutcome::IdTaken {
        store.change_client(&client).await?;
        renew_secret(store, &client).await?;
    }
    Ok(())
}

/// The folder may have been deleted without its database.
async fn renew_secret(store: &dyn Store, client: &Client) -> Result<(), Box<dyn Error>> {
    let found = store.find_client(&client.id).await?.map(|found| found.authentication);
    if let (Some(ClientAuthentication::Secret(old)), ClientAuthentication::Secret(new)) =
        (found, &client.authentication)
        && old != *new
    {
        store.set_client_secrets(&client.id, &old, new).await?;
    }
    Ok(())
}

fn client(address: SocketAddr, secret: &str, now: DateTime<Utc>) -> Result<Client, Box<dyn Error>> {
    let secret: Plain<ClientSecret> = Plain::new(secret.to_owned());
    Ok(Client {
        id: ClientId::new(CLIENT_ID.to_owned()),
        name: "Photo Printer".to_owned(),
        authentication: ClientAuthentication::Secret(vec![Digest::of(&secret)]),
        redirect_uris: vec![RedirectUri::parse(&format!("{}/callback", url(address)))?],
        scope: Scope::parse("photos:read")?,
        resources: Vec::new(),
        first_party: false,
        implicit: false,
        rotation: true,
        home: Some(url(address)),
        logo: None,
        policy: None,
        origin: ClientOrigin::Operator,
        created_at: now,
    })
}

/// Gives a new user a few photos.
pub(crate) async fn add_photos(
    folder: &PhotosFolder,
    issuer: &str,
    user: UserId,
) -> Result<(), Box<dyn Error>> {
    // The session has no part in the choice of the album.
    let user = Caller::User(User::new(user.to_string(), ""));
    let album = Album::of(folder, &AccessClaims::new(issuer, Audience([].into()), user));
    for (name, bytes) in PHOTOS {
        let body = futures_util::stream::iter([Ok(Bytes::from_static(bytes))]);
        let upload = Upload::receive(folder, body).await?;
        album.save(&PhotoName::parse(name)?, upload)?;
    }
    Ok(())
}

/// Where browsers find the printer. Another host than that of the servers, because cookies ignore ports.
pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// Listens, as the client of the servers there.
pub(crate) fn bind(address: SocketAddr, issuer: &str, api: SocketAddr, secret: &str) -> io::Result<Printer> {
    Printer::bind(&Settings {
        address,
        url: url(address),
        auth_server: issuer.to_owned(),
        api_server: format!("http://localhost:{}", api.port()),
        client_id: CLIENT_ID.to_owned(),
        client_secret: secret.to_owned(),
    })
}

/// Serves until `stop` resolves. The port may be that of another program: then there is no printer.
pub(crate) async fn run(printer: Option<Printer>, stop: impl Future<Output = ()>) -> io::Result<()> {
    match printer {
        Some(printer) => printer.run(stop).await,
        None => Ok(()),
    }
}
