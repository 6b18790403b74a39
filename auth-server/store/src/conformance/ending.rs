//! Ending a session: it is deleted and its revocation is recorded, both or neither.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{assert_about, device_of, new_user};
use crate::{EndOutcome, REVOCATION_LIFETIME};
use auth_domain::{NewSession, SessionKey};

cases![
    ending_a_session_deletes_it_and_records_a_revocation_for_the_lifetime_of_its_tokens,
    every_generation_of_a_token_proves_ownership,
    a_wrong_proof_ends_nothing_and_records_nothing,
    ending_a_session_twice_records_it_once,
    ending_an_unknown_session_records_it_too,
    only_the_named_session_ends,
    an_expired_disabled_or_corrupt_session_can_be_ended,
    a_user_with_sessions_cannot_be_deleted,
    all_sessions_of_a_user_end_except_the_excepted_one,
];

async fn ending_a_session_deletes_it_and_records_a_revocation_for_the_lifetime_of_its_tokens(
    subject: &Subject,
) {
    let device = subject.device().await;
    subject.clock.advance(TimeDelta::hours(5));

    assert_eq!(subject.end(device.key, None).await, EndOutcome::Ended);

    subject.assert_unknown(&device.token(0)).await;
    let entries = subject.probe.revocations().await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((entry.kind.as_str(), &entry.subject), ("session", &device.key.id.to_string()));
    assert_about(entry.created_at, subject.clock.now());
    assert_eq!(entry.expires_at - entry.created_at, TimeDelta::minutes(125));
    assert_eq!(REVOCATION_LIFETIME, TimeDelta::minutes(125));
}

async fn every_generation_of_a_token_proves_ownership(subject: &Subject) {
    let device = subject.device().await;
    for number in 0..3 {
        subject.assert_rotates(&device.token(number)).await;
    }
    assert_eq!(subject.end(device.key, Some(&device.token(0).jti_hash)).await, EndOutcome::Ended);
    subject.assert_unknown(&device.token(3)).await;
}

async fn a_wrong_proof_ends_nothing_and_records_nothing(subject: &Subject) {
    let (device, other) = (subject.device().await, subject.device().await);
    assert_eq!(subject.end(device.key, Some(&other.proof())).await, EndOutcome::WrongProof);
    assert_eq!(subject.ended().await, Vec::<String>::new());
    subject.assert_rotates(&device.token(0)).await;
    assert_eq!(subject.end(device.key, Some(&other.proof())).await, EndOutcome::WrongProof);
    assert_eq!(subject.end(device.key, Some(&device.proof())).await, EndOutcome::Ended);
}

async fn ending_a_session_twice_records_it_once(subject: &Subject) {
    let device = subject.device().await;
    assert_eq!(subject.end(device.key, Some(&device.proof())).await, EndOutcome::Ended);
    let first = subject.probe.revocations().await;
    subject.clock.advance(TimeDelta::minutes(1));
    assert_eq!(subject.end(device.key, Some(&device.proof())).await, EndOutcome::WasGone);
    assert_eq!(subject.end(device.key, None).await, EndOutcome::WasGone);
    assert_eq!(subject.probe.revocations().await, first);
}

async fn ending_an_unknown_session_records_it_too(subject: &Subject) {
    let (known, unknown) = (device_of(&subject.user().await), device_of(&new_user()));
    assert_eq!(subject.end(known.key, Some(&known.proof())).await, EndOutcome::WasGone);
    assert_eq!(subject.end(unknown.key, None).await, EndOutcome::WasGone);
    assert_eq!(subject.ended().await, [known.key.id.to_string(), unknown.key.id.to_string()]);
}

async fn only_the_named_session_ends(subject: &Subject) {
    let user = subject.user().await;
    let (phone, laptop) = (subject.another_device(&user).await, subject.another_device(&user).await);
    let other = subject.device().await;
    assert_eq!(subject.end(phone.key, None).await, EndOutcome::Ended);
    let mixed = SessionKey { user_id: other.key.user_id, id: laptop.key.id };
    assert_eq!(subject.end(mixed, None).await, EndOutcome::WasGone);
    subject.assert_rotates(&laptop.token(0)).await;
    subject.assert_rotates(&other.token(0)).await;
}

async fn an_expired_disabled_or_corrupt_session_can_be_ended(subject: &Subject) {
    let user = subject.user().await;
    let (phone, laptop) = (subject.another_device(&user).await, device_of(&user));
    subject.open(&NewSession { lifetime: Some(TimeDelta::zero()), ..laptop.sign_in(&user) }).await;
    subject.probe.disable(user.id).await;
    subject.probe.corrupt_session(phone.key).await;
    for device in [phone, laptop] {
        assert_eq!(subject.end(device.key, Some(&device.proof())).await, EndOutcome::Ended);
    }
    assert_eq!(subject.ended().await.len(), 2);
}

/// RT-10: deleting a user without ending the sessions would leave the access tokens valid.
async fn a_user_with_sessions_cannot_be_deleted(subject: &Subject) {
    let device = subject.device().await;
    assert!(!subject.probe.delete_user(device.key.user_id).await);
    subject.assert_rotates(&device.token(0)).await;
    subject.end(device.key, None).await;
    assert!(subject.probe.delete_user(device.key.user_id).await);
    for number in 0..3 {
        subject.assert_unknown(&device.token(number)).await;
    }
}

async fn all_sessions_of_a_user_end_except_the_excepted_one(subject: &Subject) {
    let user = subject.user().await;
    let devices: Vec<_> = (0..4).map(|_| device_of(&user)).collect();
    for device in &devices {
        subject.open(&device.sign_in(&user)).await;
    }
    let other_user = subject.device().await;

    let ended = subject.store.end_sessions_of(user.id, Some(devices[0].key.id)).await;
    assert_eq!(ended.expect("ended"), 3);
    let mut on_record = subject.ended().await;
    let mut expected: Vec<_> = devices[1..].iter().map(|device| device.key.id.to_string()).collect();
    on_record.sort();
    expected.sort();
    assert_eq!(on_record, expected);
    for device in &devices[1..] {
        subject.assert_unknown(&device.token(0)).await;
    }
    for device in [&devices[0], &other_user] {
        subject.assert_rotates(&device.token(0)).await;
    }

    assert_eq!(subject.store.end_sessions_of(user.id, None).await.expect("ended"), 1);
    subject.assert_unknown(&devices[0].token(1)).await;
    assert_eq!(subject.store.end_sessions_of(user.id, None).await.expect("ended"), 0);
    subject.assert_rotates(&other_user.token(1)).await;
}
