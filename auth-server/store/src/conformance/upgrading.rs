//! Upgrading a hash: the same password, hashed better, which nobody notices.

use super::Subject;
use super::fixtures::{device_of, id};
use crate::UpgradeOutcome;
use auth_domain::{NewSession, NewUser, PasswordHash, UserId};

cases![a_hash_is_upgraded_and_sessions_go_on, a_hash_that_is_another_by_now_is_not_upgraded,];

/// PW-02
async fn a_hash_is_upgraded_and_sessions_go_on(subject: &Subject) {
    let (person, other) = (subject.somebody().await, subject.somebody().await);
    let device = subject.another_device(&person).await;
    let better = better();
    let upgrading = subject.store.upgrade_hash(person.id, &person.password_hash, &better).await;
    assert_eq!(upgrading.expect("an answer"), UpgradeOutcome::Upgraded);
    assert_eq!(hash_of(subject, &person).await, Some(better.clone()));
    assert_eq!(hash_of(subject, &other).await, Some(other.password_hash), "nobody else's");
    subject.rotates(&device.token(0)).await;
    assert!(subject.ended().await.is_empty());
    subject.open(&NewSession { verified_hash: better, ..device_of(&person).sign_in(&person) }).await;
}

/// PW-02: who changed their password meanwhile keeps the new one.
async fn a_hash_that_is_another_by_now_is_not_upgraded(subject: &Subject) {
    let (person, other) = (subject.somebody().await, subject.somebody().await);
    let changed = PasswordHash::from_phc("$argon2id$changed".to_owned());
    for now in [Some(changed), None] {
        subject.probe.set_password_hash(person.id, now.as_ref()).await;
        loses(subject, person.id, &person.password_hash).await;
        assert_eq!(hash_of(subject, &person).await, now);
    }
    loses(subject, other.id, &person.password_hash).await;
    assert_eq!(hash_of(subject, &other).await, Some(other.password_hash.clone()));
    loses(subject, UserId(id()), &other.password_hash).await;
}

async fn loses(subject: &Subject, user: UserId, from: &PasswordHash) {
    let upgrading = subject.store.upgrade_hash(user, from, &better()).await;
    assert_eq!(upgrading.expect("an answer"), UpgradeOutcome::Lost);
}

async fn hash_of(subject: &Subject, person: &NewUser) -> Option<PasswordHash> {
    let found = subject.store.credentials(&person.email.key()).await.expect("an answer");
    found.expect("somebody").password_hash
}

fn better() -> PasswordHash {
    PasswordHash::from_phc("$argon2id$better".to_owned())
}
