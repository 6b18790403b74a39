//! Computing the keys of addresses again: listing them, setting one, swapping two, and the version of the rules.

use super::Subject;
use super::fixtures::{assert_about, new_user, new_user_at};
use crate::{Readiness, RunningServers, SetKeyOutcome};
use auth_domain::{EmailKey, NewUser, StoredEmail, UserId};
use goptri::clock::Clock;

cases![
    a_database_with_keys_of_earlier_rules_is_not_ready,
    the_recorded_version_never_goes_back,
    addresses_and_keys_are_listed_by_id_page_by_page,
    a_key_is_set_if_it_is_free_and_the_user_still_has_the_old_one,
    two_keys_are_swapped_or_neither,
    concurrent_swaps_of_two_keys_happen_once,
];

async fn a_database_with_keys_of_earlier_rules_is_not_ready(subject: &Subject) {
    let ready = async || subject.store.ready().await.expect("no error");
    assert_eq!(ready().await, Readiness::Ready, "an empty database has no keys");
    subject.probe.set_email_key_version(EmailKey::VERSION - 1).await;
    assert_eq!(ready().await, Readiness::NotMigrated);
    subject.store.migrate(RunningServers::Possible).await.expect("nothing to do");
    assert_eq!(ready().await, Readiness::NotMigrated, "SQL alone does not compute keys");
    subject.store.record_email_key_version(EmailKey::VERSION).await.expect("recorded");
    assert_eq!(ready().await, Readiness::Ready);
}

async fn the_recorded_version_never_goes_back(subject: &Subject) {
    let version = async || subject.store.email_key_version().await.expect("no error");
    for (recorded, expected) in [(7, 7), (6, 7), (7, 7), (8, 8)] {
        subject.store.record_email_key_version(recorded).await.expect("no error");
        assert_eq!(version().await, expected);
    }
    assert_eq!(subject.store.ready().await.expect("no error"), Readiness::Ready, "a newer program's");
}

async fn addresses_and_keys_are_listed_by_id_page_by_page(subject: &Subject) {
    let list = async |after, limit| subject.store.stored_emails(after, limit).await.expect("no error");
    assert!(list(None, 10).await.is_empty());
    let users = [subject.user().await, subject.user().await, subject.user().await];
    subject
        .probe
        .set_email_and_key(users[1].id, "Jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example")
        .await;
    let first = list(None, 2).await;
    assert_eq!(ids(&first), [users[0].id, users[1].id]);
    assert_eq!(ids(&list(Some(users[1].id), 2).await), [users[2].id]);
    let [plain, old] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!((&plain.email, &plain.key), (&users[0].email, &users[0].email.key()));
    assert_about(plain.created_at, subject.clock.now());
    assert_eq!(
        (old.email.as_str(), old.key.as_str()),
        ("Jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example")
    );
    assert_eq!(subject.store.email_with_key(&old.key).await.expect("no error").as_ref(), Some(old));
    assert_eq!(subject.store.email_with_key(&new_user().email.key()).await.expect("no error"), None);
}

async fn a_key_is_set_if_it_is_free_and_the_user_still_has_the_old_one(subject: &Subject) {
    let (ann, bob) = (subject.user().await, subject.user().await);
    let (old, free) = (ann.email.key(), new_user().email.key());
    let set = async |user: UserId, from: &EmailKey, to: &EmailKey| {
        subject.store.set_email_key(user, from, to).await.expect("no error")
    };
    assert_eq!(set(ann.id, &old, &bob.email.key()).await, SetKeyOutcome::Taken);
    assert_eq!(set(ann.id, &free, &old).await, SetKeyOutcome::Lost);
    assert_eq!(set(new_user().id, &old, &free).await, SetKeyOutcome::Lost);
    assert_eq!(key_of(subject, &ann).await, old);
    assert_eq!(set(ann.id, &old, &free).await, SetKeyOutcome::Set);
    assert_eq!(set(ann.id, &old, &free).await, SetKeyOutcome::Lost, "a second server");
    let found = subject.store.credentials(&free).await.expect("no error").expect("the user");
    assert_eq!(found.user_id, ann.id);
    assert!(subject.store.credentials(&old).await.expect("no error").is_none());
    assert_eq!(key_of(subject, &bob).await, bob.email.key());
}

async fn two_keys_are_swapped_or_neither(subject: &Subject) {
    let (ann, bob) = (subject.user().await, subject.user().await);
    let [one, other] = [stored(subject, &ann).await, stored(subject, &bob).await];
    let swap = async |one: &StoredEmail, other: &StoredEmail| {
        subject.store.swap_email_keys(one, other).await.expect("no error")
    };
    let changed = |stored: &StoredEmail| StoredEmail {
        key: new_user_at("x@example.com").email.key(),
        ..stored.clone()
    };
    for (one, other) in [(changed(&one), other.clone()), (one.clone(), changed(&other))] {
        assert!(!swap(&one, &other).await);
        assert_eq!(
            (key_of(subject, &ann).await, key_of(subject, &bob).await),
            (ann.email.key(), bob.email.key())
        );
    }
    assert!(swap(&one, &other).await);
    assert_eq!(
        (key_of(subject, &ann).await, key_of(subject, &bob).await),
        (bob.email.key(), ann.email.key())
    );
    assert!(!swap(&one, &other).await, "they have other keys now");
}

async fn concurrent_swaps_of_two_keys_happen_once(subject: &Subject) {
    let (ann, bob) = (subject.user().await, subject.user().await);
    let [one, other] = [stored(subject, &ann).await, stored(subject, &bob).await];
    let mut servers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (store, one, other) = (subject.probe.another_store().await, one.clone(), other.clone());
        servers.spawn(async move { store.swap_email_keys(&one, &other).await.expect("no error") });
    }
    let swapped = servers.join_all().await.into_iter().filter(|swapped| *swapped).count();
    assert_eq!(swapped, 1);
    assert_eq!(
        (key_of(subject, &ann).await, key_of(subject, &bob).await),
        (bob.email.key(), ann.email.key())
    );
}

fn ids(stored: &[StoredEmail]) -> Vec<UserId> {
    stored.iter().map(|stored| stored.user_id).collect()
}

async fn stored(subject: &Subject, user: &NewUser) -> StoredEmail {
    let all = subject.store.stored_emails(None, 100).await.expect("no error");
    all.into_iter().find(|stored| stored.user_id == user.id).expect("the user")
}

async fn key_of(subject: &Subject, user: &NewUser) -> EmailKey {
    stored(subject, user).await.key
}
