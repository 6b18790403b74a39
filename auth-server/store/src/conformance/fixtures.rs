//! Users, the devices on which they sign in, and the tokens of those devices.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use goptri::Scope;
use goptri_settings::Plain;
use uuid::Uuid;

use super::Subject;
use crate::{AddUserOutcome, EndOutcome, OpenOutcome, Rotation, RunningServers};
use auth_domain::{
    ClientId, Digest, Email, Generation, NewSession, NewUser, PasswordHash, PresentedRefresh, RefreshJti,
    SessionId, SessionKey, SessionSnapshot, User, UserId,
};

/// A unique number, for ids and addresses.
fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A unique id.
pub(super) fn id() -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number()))
}

/// The generation with that number.
pub(super) fn generation(number: i64) -> Generation {
    Generation::from_number(number).expect("a small number")
}

/// A user to add.
pub(super) fn new_user() -> NewUser {
    new_user_at(&format!("user{}@example.com", number()))
}

/// A user with that address to add.
pub(super) fn new_user_at(email: &str) -> NewUser {
    NewUser {
        id: UserId(id()),
        email: Email::parse(email).expect("an address"),
        email_verified: false,
        password_hash: PasswordHash::from_phc(format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${}", number())),
        roles: Vec::new(),
    }
}

/// A device on which the user has not signed in yet.
pub(super) fn device_of(user: &NewUser) -> Device {
    Device {
        key: SessionKey { user_id: user.id, id: SessionId(id()) },
        jti: format!("{:032x}", number()),
        client_id: ClientId::built_in(),
    }
}

/// A device: the key and `jti` of one session, which determine all its refresh tokens.
#[derive(Clone)]
pub(super) struct Device {
    pub(super) key: SessionKey,
    pub(super) jti: String,
    pub(super) client_id: ClientId,
}

impl Device {
    /// The refresh token of that generation.
    pub(super) fn token(&self, number: i64) -> PresentedRefresh {
        let jti = Plain::new(self.jti.clone());
        PresentedRefresh::for_test(self.key, generation(number), jti, self.client_id.clone())
    }

    /// The digest that proves possession.
    pub(super) fn proof(&self) -> Digest<RefreshJti> {
        Digest::of(&Plain::new(self.jti.clone()))
    }

    /// The session that a sign-in on this device opens.
    pub(super) fn sign_in(&self, user: &NewUser) -> NewSession {
        NewSession {
            key: self.key,
            verified_hash: user.password_hash.clone(),
            client_id: self.client_id.clone(),
            scope: Scope::parse("photos:read photos:write").expect("a scope"),
            audience: vec!["http://localhost:3000".to_owned(), "http://localhost:4000".to_owned()],
            jti_hash: self.proof(),
            lifetime: None,
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
            ip: Some("203.0.113.7".to_owned()),
            remember: false,
            handle_hash: None,
        }
    }
}

impl Subject {
    /// Migrates the empty database.
    pub(super) async fn migrate(&self) {
        self.store.migrate(RunningServers::Possible).await.expect("an empty database is migrated");
        self.probe.after_migration().await;
    }

    /// Adds that user.
    pub(super) async fn add(&self, user: &NewUser) -> User {
        match self.store.add_user(user).await {
            Ok(AddUserOutcome::Added(user)) => user,
            other => panic!("{other:?}"),
        }
    }

    /// Adds a new user.
    pub(super) async fn user(&self) -> NewUser {
        let user = new_user();
        self.add(&user).await;
        user
    }

    /// Opens that session.
    pub(super) async fn open(&self, session: &NewSession) -> SessionSnapshot {
        match self.store.open_session(session).await {
            Ok(OpenOutcome::Opened(snapshot)) => snapshot,
            other => panic!("{other:?}"),
        }
    }

    /// A device on which a new user has signed in.
    pub(super) async fn device(&self) -> Device {
        let user = self.user().await;
        self.another_device(&user).await
    }

    /// A device on which that user has signed in.
    pub(super) async fn another_device(&self, user: &NewUser) -> Device {
        let device = device_of(user);
        self.open(&device.sign_in(user)).await;
        device
    }

    /// Asserts that the token rotates its session.
    pub(super) async fn assert_rotates(&self, presented: &PresentedRefresh) -> SessionSnapshot {
        match self.store.rotate(presented, None).await {
            Ok(Rotation::Rotated(snapshot)) => snapshot,
            other => panic!("{other:?}"),
        }
    }

    /// Asserts that the token does not rotate its session, which exists.
    pub(super) async fn assert_rotates_nothing(&self, presented: &PresentedRefresh) -> SessionSnapshot {
        match self.store.rotate(presented, None).await {
            Ok(Rotation::NotCurrent(snapshot)) => snapshot,
            other => panic!("{other:?}"),
        }
    }

    /// Asserts that the session of the token does not exist.
    pub(super) async fn assert_unknown(&self, presented: &PresentedRefresh) {
        let rotation = self.store.rotate(presented, None).await.expect("no error");
        assert_eq!(rotation, Rotation::Unknown);
    }

    /// Ends that session.
    pub(super) async fn end(&self, key: SessionKey, proof: Option<&Digest<RefreshJti>>) -> EndOutcome {
        self.store.end_session(key, proof).await.expect("no error")
    }

    /// The ids of the sessions in `revocations`.
    pub(super) async fn ended(&self) -> Vec<String> {
        let entries = self.probe.revocations().await;
        entries.into_iter().filter(|entry| entry.kind == "session").map(|entry| entry.subject).collect()
    }
}

/// Asserts that two times are equal, except for the duration of a test on a slow machine.
pub(super) fn assert_about(one: DateTime<Utc>, other: DateTime<Utc>) {
    assert!((one - other).abs() < TimeDelta::minutes(5), "{one} is not about {other}");
}
