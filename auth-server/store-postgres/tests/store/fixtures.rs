//! A user, Ann, her devices, and the printer, an application that she uses.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use auth_domain::{
    ApplicationSession, Client, ClientAuthentication, ClientId, ClientOrigin, CodeChallenge, CodeKey, Digest,
    Email, Generation, NewCode, NewSession, NewUser, PasswordHash, PresentedRefresh, SessionId, SessionKey,
    UserId,
};
use auth_store::{AddClientOutcome, AddUserOutcome, Clients, Users};
use chrono::DateTime;
use goptri::Scope;
use goptri_settings::Plain;
use store_postgres::PostgresStore;
use uuid::Uuid;

/// A device on which a user signs in.
pub(crate) struct Device {
    pub(crate) sign_in: NewSession,
    jti: String,
}

/// Adds Ann.
pub(crate) async fn add_ann(store: &PostgresStore) -> NewUser {
    let user = NewUser {
        id: UserId(Uuid::from_u128(1)),
        email: Email::parse("ann@example.com").unwrap(),
        email_verified: false,
        password_hash: PasswordHash::from_phc("$argon2id$".to_owned()),
        roles: Vec::new(),
    };
    assert!(matches!(store.add_user(&user).await, Ok(AddUserOutcome::Added(_))));
    user
}

/// The user's device with that number.
pub(crate) fn device(user: &NewUser, number: u128) -> Device {
    let jti = format!("{number:032x}");
    let key = SessionKey { user_id: user.id, id: SessionId(Uuid::from_u128(number)) };
    let sign_in = NewSession {
        scope: Scope::parse("photos:read photos:write").unwrap(),
        audience: vec!["http://localhost:3000".to_owned(), "http://localhost:4000".to_owned()],
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned()),
        ip: Some("192.0.2.1".to_owned()),
        remember: false,
        ..NewSession::for_test(key, user.password_hash.clone(), &Plain::new(jti.clone()))
    };
    Device { sign_in, jti }
}

impl Device {
    pub(crate) fn token(&self, generation: u32) -> PresentedRefresh {
        let generation = Generation::from_number(generation.into()).unwrap();
        PresentedRefresh::for_test(
            self.sign_in.key,
            generation,
            Plain::new(self.jti.clone()),
            ClientId::built_in(),
        )
    }
}

/// Registers the printer, a public client.
pub(crate) async fn add_printer(store: &PostgresStore) -> Client {
    let client = Client {
        id: ClientId::new("printer".to_owned()),
        name: "Printer".to_owned(),
        authentication: ClientAuthentication::Public,
        redirect_uris: Vec::new(),
        scope: Scope::parse("photos:read").unwrap(),
        resources: Vec::new(),
        first_party: false,
        implicit: false,
        rotation: true,
        home: None,
        logo: None,
        policy: None,
        origin: ClientOrigin::Operator,
        created_at: DateTime::UNIX_EPOCH,
    };
    assert_eq!(store.add_client(&client).await.unwrap(), AddClientOutcome::Added);
    client
}

/// The user's sign-in with that number at a browser, a code of it for a client, and the session that the code opens.
pub(crate) fn application(
    user: &NewUser,
    client: &Client,
    number: u128,
) -> (NewSession, NewCode, ApplicationSession) {
    let handle = Digest::of(&Plain::new(format!("handle {number}")));
    let sign_in = NewSession { handle_hash: Some(handle), ..device(user, number).sign_in };
    let code = NewCode {
        key: CodeKey { user_id: user.id, hash: Digest::of(&Plain::new(format!("code {number}"))) },
        client_id: client.id.clone(),
        sign_in: sign_in.key.id,
        redirect_uri: "https://printer.example/callback".to_owned(),
        challenge: CodeChallenge::from_bytes([0; 32]),
        scope: client.scope.clone(),
        audience: "http://localhost:3000".to_owned(),
    };
    let session = ApplicationSession {
        key: SessionKey { user_id: user.id, id: SessionId(Uuid::from_u128(number + 1_000)) },
        client_id: client.id.clone(),
        sign_in: code.sign_in,
        scope: code.scope.clone(),
        audience: code.audience.clone(),
        jti_hash: Digest::of(&Plain::new(format!("jti {number}"))),
        lifetime: None,
        user_agent: None,
        ip: None,
    };
    (sign_in, code, session)
}
