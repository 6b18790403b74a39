//! A user, Ann, and her devices.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use auth_domain::{
    ClientId, Email, Generation, NewSession, NewUser, PasswordHash, PresentedRefresh, SessionId, SessionKey,
    UserId,
};
use auth_store::{AddUserOutcome, Users};
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
            ClientId::first_party(),
        )
    }
}
