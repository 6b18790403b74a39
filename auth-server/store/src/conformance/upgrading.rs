//! Upgrading a hash: the same password with stronger parameters, without any visible effect.

use super::Subject;
use super::fixtures::{device_of, id};
use crate::UpgradeOutcome;
use auth_domain::{NewSession, NewUser, PasswordHash, UserId};

cases![a_hash_is_upgraded_and_sessions_continue, a_hash_that_has_changed_is_not_upgraded,];

/// PW-02
async fn a_hash_is_upgraded_and_sessions_continue(subject: &Subject) {
    let (user, other) = (subject.user().await, subject.user().await);
    let device = subject.another_device(&user).await;
    let better = better();
    let upgrading = subject.store.upgrade_hash(user.id, &user.password_hash, &better).await;
    assert_eq!(upgrading.expect("no error"), UpgradeOutcome::Upgraded);
    assert_eq!(hash_of(subject, &user).await, Some(better.clone()));
    assert_eq!(hash_of(subject, &other).await, Some(other.password_hash), "no other user's");
    subject.assert_rotates(&device.token(0)).await;
    assert!(subject.ended().await.is_empty());
    subject.open(&NewSession { verified_hash: better, ..device_of(&user).sign_in(&user) }).await;
}

/// PW-02: a password that was changed meanwhile is kept.
async fn a_hash_that_has_changed_is_not_upgraded(subject: &Subject) {
    let (user, other) = (subject.user().await, subject.user().await);
    let changed = PasswordHash::from_phc("$argon2id$changed".to_owned());
    for now in [Some(changed), None] {
        subject.probe.set_password_hash(user.id, now.as_ref()).await;
        assert_lost(subject, user.id, &user.password_hash).await;
        assert_eq!(hash_of(subject, &user).await, now);
    }
    assert_lost(subject, other.id, &user.password_hash).await;
    assert_eq!(hash_of(subject, &other).await, Some(other.password_hash.clone()));
    assert_lost(subject, UserId(id()), &other.password_hash).await;
}

async fn assert_lost(subject: &Subject, user: UserId, from: &PasswordHash) {
    let upgrading = subject.store.upgrade_hash(user, from, &better()).await;
    assert_eq!(upgrading.expect("no error"), UpgradeOutcome::Lost);
}

async fn hash_of(subject: &Subject, user: &NewUser) -> Option<PasswordHash> {
    let found = subject.store.credentials(&user.email.key()).await.expect("no error");
    found.expect("the user").password_hash
}

fn better() -> PasswordHash {
    PasswordHash::from_phc("$argon2id$better".to_owned())
}
