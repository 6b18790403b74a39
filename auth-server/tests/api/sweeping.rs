//! The periodic sweep.

use std::sync::Arc;
use std::time::Instant;

use auth_domain::{Email, NewSession, NewUser, PasswordHash, SessionId, SessionKey, UserId};
use auth_store::{OpenOutcome, RunningServers, Store};
use chrono::TimeDelta;
use goptri_settings::Plain;
use uuid::Uuid;

use crate::support::{Engine, TIMEOUT, TestServer};

const USER: UserId = UserId(Uuid::from_u128(1));

async fn open(store: &Arc<dyn Store>, number: u128, lifetime: Option<TimeDelta>) {
    let key = SessionKey { user_id: USER, id: SessionId(Uuid::from_u128(number)) };
    let hash = PasswordHash::from_phc("$argon2id$".to_owned());
    let session = NewSession::for_test(key, hash, &Plain::new(number.to_string()));
    assert!(matches!(
        store.open_session(&NewSession { lifetime, ..session }).await,
        Ok(OpenOutcome::Opened(_))
    ));
}

/// More than one slice, with live rows between expired ones.
#[actix_web::test]
async fn a_server_sweeps_expired_sessions_and_entries() {
    let server = TestServer::start_after(Engine::Sqlite, &[], async |store, clock, _| {
        store.migrate(RunningServers::Possible).await.unwrap();
        let user = NewUser {
            id: USER,
            email: Email::parse("ann@example.com").unwrap(),
            email_verified: false,
            password_hash: PasswordHash::from_phc("$argon2id$".to_owned()),
            roles: Vec::new(),
        };
        store.add_user(&user).await.unwrap();
        for number in 0..2_100 {
            open(store, number, (number % 3 != 0).then(|| TimeDelta::minutes(1))).await;
        }
        store.end_session(SessionKey { user_id: USER, id: SessionId(Uuid::nil()) }, None).await.unwrap();
        clock.advance(TimeDelta::hours(3));
    })
    .await;
    let (mut left, started) = (usize::MAX, Instant::now());
    while left > 699 {
        let listed = server.store.list_sessions(USER, None, 5_000).await.unwrap();
        assert!(listed.len() <= left && listed.len() >= 699, "{} are left", listed.len());
        left = listed.len();
        assert!(started.elapsed() < TIMEOUT, "{left} are left");
        tokio::task::yield_now().await;
    }
    assert_eq!(server.store.sweep_revocations(10).await.unwrap(), 0, "entries are swept first");
}
