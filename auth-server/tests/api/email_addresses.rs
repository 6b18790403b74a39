//! Spellings of one e-mail address are one account, also those that were stored by earlier rules.

use std::sync::Arc;

use auth_domain::{Email, EmailKey, NewUser, PasswordHash, UserId};
use auth_server::flow::{Migrate, UnusableAddress, UnusableBecause};
use auth_store::{AddUserOutcome, Readiness, RunningServers, SetEmailOutcome, SetKeyOutcome};
use chrono::TimeDelta;
use goptri::clock::ManualClock;
use serde_json::json;
use store_postgres::PostgresStore;
use uuid::Uuid;

use crate::support::{
    Engine, PASSWORD, POSTGRES_CONNECTIONS, TestServer, configured, fresh_store, on_both_engines,
};

async fn register(server: &TestServer, email: &str) -> u16 {
    server.post("/users", &json!({ "email": email, "password": PASSWORD })).await.status
}

async fn signs_in(server: &TestServer, email: &str) -> u16 {
    server.post("/login", &json!({ "email": email, "password": PASSWORD })).await.status
}

on_both_engines! {
    async fn spellings_of_one_address_are_one_account(server) {
        for (registered, others) in [
            ("jo@bücher.example", ["jo@xn--bcher-kva.example", "JO@XN--BCHER-KVA.example", "jo@bu\u{308}cher.example"]),
            ("ann@xn--bcher-kva.example", ["ann@bücher.example", "Ann@BÜCHER.example", " ann@xn--bcher-kva.EXAMPLE"]),
            ("j\u{fc}rgen@example.com", ["ju\u{308}rgen@example.com", "JU\u{308}RGEN@example.com", "J\u{dc}RGEN@Example.com"]),
            ("  joe@foo.com ", ["joe@foo.com", "\u{a0}Joe@foo.com\r\n", "joe@FOO.com\t"]),
        ] {
            assert_eq!(register(&server, registered).await, 201, "{registered:?}");
            assert_eq!(signs_in(&server, registered).await, 200, "{registered:?}");
            for other in others {
                assert_eq!(register(&server, other).await, 409, "{other:?}");
                assert_eq!(signs_in(&server, other).await, 200, "{other:?}");
            }
        }
    }
}

#[actix_web::test]
async fn a_response_has_the_normalised_address() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let body = json!({ "email": " Jo@XN--BCHER-KVA.example\n", "password": PASSWORD });
    let registered = server.post("/users", &body).await;
    assert_eq!((registered.status, registered.field("email").as_str()), (201, "Jo@bücher.example"));
    let tokens = server.post("/login", &body).await;
    let who = server.get("/currentuser", Some(&tokens.field("access_token"))).await;
    assert_eq!(who.body["currentUser"]["email"], "Jo@bücher.example");
}

#[actix_web::test]
async fn addresses_that_look_like_another_one_are_rejected() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    assert_eq!(register(&server, "ann@example.com").await, 201);
    for character in
        ["\u{34f}", "\u{3164}", "\u{2800}", "\u{fe0f}", "\u{180e}", "\u{e0041}", "\u{200b}", "\u{202e}"]
    {
        for email in [format!("an{character}n@example.com"), format!("ann@exam{character}ple.com")] {
            assert_eq!(register(&server, &email).await, 422, "{email:?}");
            assert_eq!(signs_in(&server, &email).await, 401, "{email:?}");
        }
    }
    for email in
        ["ann@example。com", "ann@example․com", "ann＠example.com", "ann@ example.com", "ann@example..com"]
    {
        assert_eq!(register(&server, email).await, 422, "{email:?}");
        assert_eq!(signs_in(&server, email).await, 401, "{email:?}");
    }
}

/// Users whom an earlier version has stored, the oldest first, each with an address and its key of then.
async fn old_users(server: &TestServer, users: &[(&str, &str)]) -> Vec<UserId> {
    let store = &server.store;
    let mut added = Vec::new();
    for (number, (email, _)) in users.iter().enumerate() {
        let user = NewUser {
            id: UserId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 - number as u128)),
            email: Email::parse(&format!("{number}@placeholder.example")).unwrap(),
            email_verified: true,
            password_hash: PasswordHash::from_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into()),
            roles: Vec::new(),
        };
        assert!(matches!(store.add_user(&user).await.unwrap(), AddUserOutcome::Added(_)));
        let email = Email::stored(email).unwrap();
        assert_eq!(store.set_email(user.id, &email, true).await.unwrap(), SetEmailOutcome::Set);
        set_key(server, user.id, &email.key(), &format!("free {number}")).await;
        server.later(TimeDelta::minutes(1));
        added.push(user.id);
    }
    for (number, (_, key)) in users.iter().enumerate() {
        set_key(server, added[number], &EmailKey::stored(format!("free {number}")), key).await;
    }
    added
}

async fn set_key(server: &TestServer, user: UserId, from: &EmailKey, to: &str) {
    let set = server.store.set_email_key(user, from, &EmailKey::stored(to.to_owned())).await.unwrap();
    assert_eq!(set, SetKeyOutcome::Set);
}

async fn key_of(server: &TestServer, user: UserId) -> String {
    let all = server.store.stored_emails(None, 1000).await.unwrap();
    all.into_iter().find(|stored| stored.user_id == user).unwrap().key.as_str().to_owned()
}

async fn migrate(server: &TestServer) -> Vec<(UserId, UnusableBecause)> {
    let unusable = Migrate::new(Arc::clone(&server.store))
        .run_and_recompute_keys(RunningServers::Possible)
        .await
        .unwrap();
    let mut unusable: Vec<_> =
        unusable.into_iter().map(|UnusableAddress { user, reason }| (user.user_id, reason)).collect();
    unusable.sort_by_key(|(user, _)| *user);
    unusable
}

/// The ids of these users descend, so that the older one of two comes later.
const COLLISIONS: [(&str, &str, &str); 12] = [
    // Address, its key of then, and what becomes of it.
    ("Plain@Example.com", "plain@example.com", "plain@example.com"),
    ("ju\u{308}rgen@example.com", "ju\u{308}rgen@example.com", "j\u{fc}rgen@example.com"),
    ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example", "a@bücher.example"),
    // The older one has the key of today.
    ("b@bücher.example", "b@bücher.example", "b@bücher.example"),
    ("b@xn--bcher-kva.example", "b@xn--bcher-kva.example", "b@xn--bcher-kva.example"),
    // The younger one has it.
    ("c@xn--bcher-kva.example", "c@xn--bcher-kva.example", "c@bücher.example"),
    ("c@bücher.example", "c@bücher.example", "c@xn--bcher-kva.example"),
    // None of three has it. Each older one takes it from the younger one before it, and leaves its own.
    ("e\u{301}@xn--bcher-kva.example", "e\u{301}@xn--bcher-kva.example", "\u{e9}@bücher.example"),
    ("\u{e9}@xn--bcher-kva.example", "\u{e9}@xn--bcher-kva.example", "e\u{301}@xn--bcher-kva.example"),
    ("e\u{301}@bücher.example", "e\u{301}@bücher.example", "\u{e9}@xn--bcher-kva.example"),
    // Refused today.
    ("f\u{3164}@example.com", "f\u{3164}@example.com", "f\u{3164}@example.com"),
    ("last@xn--bcher-kva.example", "last@xn--bcher-kva.example", "last@bücher.example"),
];

async fn old_collisions(server: &TestServer) -> Vec<UserId> {
    old_users(server, &COLLISIONS.map(|(email, key, _)| (email, key))).await
}

async fn assert_migrated(server: &TestServer, users: &[UserId]) {
    for (user, (email, _, expected)) in users.iter().zip(COLLISIONS) {
        assert_eq!(key_of(server, *user).await, expected, "{email:?}");
    }
    let older = |user: usize, older: usize| (users[user], UnusableBecause::OlderUser(users[older]));
    let mut unusable =
        vec![older(4, 3), older(6, 5), older(8, 7), older(9, 7), (users[10], UnusableBecause::Refused)];
    unusable.sort_by_key(|(user, _)| *user);
    // Again: nothing changes, and the same is reported.
    assert_eq!(migrate(server).await, unusable);
    for (user, (email, _, expected)) in users.iter().zip(COLLISIONS) {
        assert_eq!(key_of(server, *user).await, expected, "{email:?}");
    }
    let listed = server.store.list_users(None, 100).await.unwrap();
    assert_eq!(listed.len(), users.len(), "nothing is deleted");
    for (user, (email, ..)) in users.iter().zip(COLLISIONS) {
        let stored = listed.iter().find(|listed| listed.id == *user).unwrap();
        assert_eq!(stored.email.as_str(), email, "addresses stay as they were written");
    }
}

on_both_engines! {
    async fn the_oldest_of_several_accounts_gets_the_key_and_the_others_are_reported(server) {
        let users = old_collisions(&server).await;
        let unusable = migrate(&server).await;
        assert_eq!(unusable.len(), 5, "{unusable:?}");
        assert_migrated(&server, &users).await;
    }

    async fn several_servers_that_start_together_compute_the_same_keys(server) {
        let users = old_collisions(&server).await;
        let flows = (0..5).map(|_| {
            let flow = Migrate::new(Arc::clone(&server.store));
            tokio::spawn(async move { flow.run_and_recompute_keys(RunningServers::Possible).await.map(drop) })
        });
        for flow in flows.collect::<Vec<_>>() {
            flow.await.unwrap().unwrap();
        }
        assert_migrated(&server, &users).await;
    }

    async fn a_migration_that_stops_in_the_middle_is_completed_by_the_next(server) {
        let users = old_collisions(&server).await;
        let flow = Migrate::new(Arc::clone(&server.store));
        let first = tokio::spawn(async move { flow.run_and_recompute_keys(RunningServers::Possible).await.map(drop) });
        // Users are visited by id: the last one first.
        while key_of(&server, users[11]).await != COLLISIONS[11].2 {
            tokio::task::yield_now().await;
        }
        first.abort();
        let _ = first.await;
        migrate(&server).await;
        assert_migrated(&server, &users).await;
    }
}

/// `/readyz` is 503 until the keys are computed; a server that migrates does so before it listens.
#[actix_web::test]
async fn a_server_computes_keys_of_earlier_rules_when_it_starts_and_is_not_ready_before() {
    let clock = ManualClock::default();
    let (store, database) = fresh_store(Engine::Postgres, &clock).await;
    let server = TestServer::on(store, clock.clone(), configured(&[]), database).await;
    assert_eq!(register(&server, "jo@bücher.example").await, 201);
    server
        .postgres()
        .execute(
            "update users set email = 'jo@xn--bcher-kva.example', email_key = 'jo@xn--bcher-kva.example';
         update emails set email_key = 'jo@xn--bcher-kva.example';
         update email_key_version set version = 0",
        )
        .await;
    let readyz = server.get("/readyz", None).await;
    assert_eq!(readyz.error(), (503, "not_migrated"));
    assert_eq!(signs_in(&server, "jo@bücher.example").await, 401, "the key is that of earlier rules");
    assert_eq!(server.store.ready().await.unwrap(), Readiness::NotMigrated);

    let url = server.postgres().url().to_owned();
    let again = PostgresStore::connect(&url, POSTGRES_CONNECTIONS).unwrap().with_clock_offset(clock.clone());
    let again = TestServer::on(Arc::new(again), clock, configured(&[]), Box::new(())).await;
    assert_eq!(again.get("/readyz", None).await.status, 200);
    for email in ["jo@bücher.example", "jo@xn--bcher-kva.example"] {
        assert_eq!(signs_in(&again, email).await, 200, "{email}");
    }
}
