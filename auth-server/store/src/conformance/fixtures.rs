//! Who takes part in the tests: people, the devices on which they sign in, and the tokens that those hold.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use goptri::Scope;
use goptri_settings::Plain;
use uuid::Uuid;

use super::Subject;
use crate::{AddUserOutcome, EndOutcome, OpenOutcome, Rotation};
use auth_domain::{
    ClientId, Digest, Email, Generation, NewSession, NewUser, PasswordHash, PresentedRefresh, RefreshJti,
    SessionId, SessionKey, SessionSnapshot, User, UserId,
};

/// A number that nobody else has: ids and addresses need only differ.
fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An id that nobody else has.
pub(super) fn id() -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number()))
}

/// A generation by its number.
pub(super) fn generation(number: i64) -> Generation {
    Generation::from_number(number).expect("a small number")
}

/// Somebody to be added.
pub(super) fn person() -> NewUser {
    person_at(&format!("person{}@example.com", number()))
}

/// Somebody with that address to be added.
pub(super) fn person_at(email: &str) -> NewUser {
    NewUser {
        id: UserId(id()),
        email: Email::parse(email).expect("an address"),
        email_verified: false,
        password_hash: PasswordHash::from_phc(format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${}", number())),
        roles: Vec::new(),
    }
}

/// A device of theirs, on which they are about to sign in.
pub(super) fn device_of(person: &NewUser) -> Device {
    Device {
        key: SessionKey { user_id: person.id, id: SessionId(id()) },
        jti: format!("{:032x}", number()),
        client_id: ClientId::first_party(),
    }
}

/// What a device holds: one session's key and `jti`, from which follow all its refresh tokens.
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

    /// The session that a sign-in on this device asks for.
    pub(super) fn sign_in(&self, person: &NewUser) -> NewSession {
        NewSession {
            key: self.key,
            verified_hash: person.password_hash.clone(),
            client_id: self.client_id.clone(),
            scope: Scope::parse("photos:read photos:write").expect("a scope"),
            audience: vec!["http://localhost:3000".to_owned(), "http://localhost:4000".to_owned()],
            jti_hash: self.proof(),
            lifetime: None,
            user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
            ip: Some("203.0.113.7".to_owned()),
        }
    }
}

impl Subject {
    /// Adds that person.
    pub(super) async fn add(&self, person: &NewUser) -> User {
        match self.store.add_user(person).await {
            Ok(AddUserOutcome::Added(user)) => user,
            other => panic!("{other:?}"),
        }
    }

    /// Adds somebody.
    pub(super) async fn somebody(&self) -> NewUser {
        let person = person();
        self.add(&person).await;
        person
    }

    /// Opens that session.
    pub(super) async fn open(&self, session: &NewSession) -> SessionSnapshot {
        match self.store.open_session(session).await {
            Ok(OpenOutcome::Opened(snapshot)) => snapshot,
            other => panic!("{other:?}"),
        }
    }

    /// A device on which somebody new has just signed in.
    pub(super) async fn device(&self) -> Device {
        let person = self.somebody().await;
        self.another_device(&person).await
    }

    /// A device on which that person has just signed in.
    pub(super) async fn another_device(&self, person: &NewUser) -> Device {
        let device = device_of(person);
        self.open(&device.sign_in(person)).await;
        device
    }

    /// Presents that token, which must rotate.
    pub(super) async fn rotates(&self, presented: &PresentedRefresh) -> SessionSnapshot {
        match self.store.rotate(presented, None).await {
            Ok(Rotation::Rotated(snapshot)) => snapshot,
            other => panic!("{other:?}"),
        }
    }

    /// Presents that token, which must rotate nothing of a session that is there.
    pub(super) async fn rotates_nothing(&self, presented: &PresentedRefresh) -> SessionSnapshot {
        match self.store.rotate(presented, None).await {
            Ok(Rotation::NotCurrent(snapshot)) => snapshot,
            other => panic!("{other:?}"),
        }
    }

    /// Presents that token, whose session must not be there.
    pub(super) async fn is_unknown(&self, presented: &PresentedRefresh) {
        let rotation = self.store.rotate(presented, None).await.expect("an answer");
        assert_eq!(rotation, Rotation::Unknown);
    }

    /// Ends that session.
    pub(super) async fn end(&self, key: SessionKey, proof: Option<&Digest<RefreshJti>>) -> EndOutcome {
        self.store.end_session(key, proof).await.expect("an answer")
    }

    /// The ids of the sessions that are on record as ended, as often as they are.
    pub(super) async fn ended(&self) -> Vec<String> {
        let entries = self.probe.revocations().await;
        entries.into_iter().filter(|entry| entry.kind == "session").map(|entry| entry.subject).collect()
    }
}

/// Asserts that two times are the same but for what a slow machine takes for a test.
pub(super) fn assert_about(one: DateTime<Utc>, other: DateTime<Utc>) {
    assert!((one - other).abs() < TimeDelta::minutes(5), "{one} is not about {other}");
}
