//! Outdated password hashes are replaced after a sign-in.

use std::time::Instant;

use auth_domain::{Email, NewUser, PasswordHash, UserId};
use auth_store::AddUserOutcome;
use futures_util::future::join_all;
use uuid::Uuid;

use crate::support::{EMAIL, TIMEOUT, TestServer, on_both_engines};

/// The hash of `PASSWORD` with outdated parameters: 8 MiB, one pass.
const OLD: &str =
    "$argon2id$v=19$m=8192,t=1,p=1$xxvOpFaer2trxxXh6CWB2g$jk8nKfMAgI9qsfztGhOa1DnnM697FKYvBu2qoJGzNlo";

const AS_TODAY: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

impl TestServer {
    /// Adds a user with the outdated hash.
    async fn add_ann_as_of_old(&self) {
        let ann = NewUser {
            id: UserId(Uuid::from_u128(7)),
            email: Email::parse(EMAIL).unwrap(),
            email_verified: true,
            password_hash: PasswordHash::from_phc(OLD.to_owned()),
            roles: Vec::new(),
        };
        assert!(matches!(self.store.add_user(&ann).await, Ok(AddUserOutcome::Added(_))));
    }

    async fn hash(&self) -> String {
        let found = self.store.credentials(&Email::parse(EMAIL).unwrap().key()).await.unwrap();
        found.unwrap().password_hash.unwrap().as_str().to_owned()
    }

    /// Waits for the replacement, which happens after the response.
    async fn hash_of_today(&self) -> String {
        let started = Instant::now();
        loop {
            let hash = self.hash().await;
            if hash.starts_with(AS_TODAY) {
                return hash;
            }
            assert!(started.elapsed() < TIMEOUT, "still {hash}");
            tokio::task::yield_now().await;
        }
    }
}

on_both_engines! {
    /// PW-02
    async fn an_outdated_hash_is_replaced_once_at_the_next_sign_in(server) {
        server.add_ann_as_of_old().await;
        let signed_in = server.login().await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.text);
        let hash = server.hash_of_today().await;
        assert_eq!(server.refresh(&signed_in.field("refresh_token")).await.status, 200, "the session lives on");
        assert_eq!(server.login().await.status, 200);
        assert_eq!(server.hash().await, hash);
    }

    async fn a_wrong_password_replaces_no_hash(server) {
        server.add_ann_as_of_old().await;
        let wrong = serde_json::json!({ "email": EMAIL, "password": "wrong horse battery staple" });
        assert_eq!(server.post("/login", &wrong).await.status, 401);
        assert_eq!(server.hash().await, OLD);
    }

    /// Sign-ins that verified the old hash just before its replacement verify again.
    async fn concurrent_sign_ins_succeed_while_the_hash_is_replaced(server) {
        server.add_ann_as_of_old().await;
        let statuses = join_all((0..5).map(|_| async {
            let mut statuses = Vec::new();
            for _ in 0..4 {
                statuses.push(server.login().await.status);
            }
            statuses
        }));
        let mut statuses = statuses.await.concat();
        // On a loaded machine, some may wait in the queue for too long.
        statuses.retain(|status| *status != 503);
        assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == 200), "{statuses:?}");
        server.hash_of_today().await;
    }
}
