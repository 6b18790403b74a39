//! The machine's clock is set back while entries are recorded, and is right again later.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::sync::Arc;

use auth_domain::{
    Email, NewPassword, NewSession, NewUser, PasswordHash, PasswordSetter, SessionId, SessionKey, UserId,
};
use auth_store::{
    ChangeOutcome, EndOutcome, Maintenance, OpenOutcome, REVOCATION_LIFETIME, Revocations, RunningServers,
    Sessions, Users,
};
use chrono::TimeDelta;
use goptri::clock::ManualClock;
use goptri_settings::Plain;
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use uuid::Uuid;

const BACK: TimeDelta = TimeDelta::hours(3);

struct Subject {
    store: SqliteStore,
    clock: ManualClock,
    user: UserId,
    _folder: TempDir,
}

impl Subject {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::default();
        let url = format!("sqlite://{}", folder.path().join("goptri.db").display());
        let store = SqliteStore::connect(&url, Arc::new(clock.clone())).unwrap();
        store.migrate(RunningServers::Possible).await.unwrap();
        let user = NewUser {
            id: UserId(Uuid::from_u128(1)),
            email: Email::parse("ann@example.com").unwrap(),
            email_verified: true,
            password_hash: hash(),
            roles: Vec::new(),
        };
        store.add_user(&user).await.unwrap();
        Self { store, clock, user: user.id, _folder: folder }
    }

    async fn open_session(&self, number: u128) -> SessionKey {
        let key = SessionKey { user_id: self.user, id: SessionId(Uuid::from_u128(number)) };
        let session = NewSession::for_test(key, hash(), &Plain::new(format!("jti {number}")));
        assert!(matches!(self.store.open_session(&session).await.unwrap(), OpenOutcome::Opened(_)));
        key
    }

    /// Ends the only session, or the older of two, in one of six ways.
    async fn end(&self, key: SessionKey, way: u8) {
        let (store, user) = (&self.store, self.user);
        let one = ChangeOutcome::Changed { ended_sessions: 1 };
        match way {
            0 => assert_eq!(store.end_session(key, None).await.unwrap(), EndOutcome::Ended),
            1 => assert_eq!(store.end_sessions_of(user, None).await.unwrap(), 1),
            2 => {
                let setter = PasswordSetter::Operator;
                let password = NewPassword { user_id: user, hash: hash(), setter };
                assert_eq!(store.set_password(&password).await.unwrap(), one);
            }
            3 => assert_eq!(store.disable_user(user).await.unwrap(), one),
            4 => assert_eq!(store.delete_user(user).await.unwrap(), one),
            _ => {
                let opened = SessionKey { id: SessionId(Uuid::from_u128(8)), ..key };
                assert_eq!(store.prune_excess(opened, 1).await.unwrap(), 1);
            }
        }
    }

    /// The subjects that a follower reads when it starts now, each with at least its whole lifetime less the time since.
    async fn read_after(&self, since: TimeDelta) -> Vec<String> {
        assert_eq!(self.store.sweep_revocations(100).await.unwrap(), 0, "an entry was swept");
        let page = self.store.read_revocations(None, 100).await.unwrap();
        for entry in &page.entries {
            let left = entry.expires_at - page.now;
            assert!(left > REVOCATION_LIFETIME - since - TimeDelta::minutes(1), "expires too early: {left}");
        }
        let times: Vec<_> = page.entries.iter().map(|entry| (entry.created_at, entry.expires_at)).collect();
        assert!(times.is_sorted(), "{times:?}");
        page.entries.into_iter().map(|entry| entry.subject).collect()
    }
}

fn hash() -> PasswordHash {
    PasswordHash::from_phc("$argon2id$".to_owned())
}

/// RV-06: after the sweep, a follower that starts anew still gets it.
#[tokio::test]
async fn a_session_that_ends_while_the_clock_is_set_back_stays_revoked_when_it_is_right_again() {
    for way in 0..6 {
        let subject = Subject::new().await;
        let key = subject.open_session(7).await;
        if way == 5 {
            subject.clock.advance(TimeDelta::seconds(1));
            subject.open_session(8).await;
        }
        subject.clock.advance(-BACK);
        subject.end(key, way).await;
        subject.clock.advance(BACK);
        assert_eq!(subject.read_after(TimeDelta::zero()).await, [key.id.to_string()], "way {way}");
    }
}

#[tokio::test]
async fn an_entry_is_never_dated_earlier_than_the_one_before() {
    let subject = Subject::new().await;
    let mut expected = Vec::new();
    for (number, ahead) in [0, 60, -180, -170, -3_000, 61].into_iter().enumerate() {
        subject.clock.advance(TimeDelta::minutes(ahead) - subject.clock.offset());
        subject.store.revoke_token(None, &format!("token {number}")).await.unwrap();
        expected.push(format!("token {number}"));
        // Its session is unknown, so there is no last use.
        let gone = SessionKey { user_id: subject.user, id: SessionId(Uuid::from_u128(number as u128)) };
        subject.store.end_session(gone, None).await.unwrap();
        expected.push(gone.id.to_string());
    }
    assert_eq!(subject.read_after(TimeDelta::minutes(61)).await, expected);
}
