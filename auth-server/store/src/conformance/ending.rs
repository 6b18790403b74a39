//! Ending a session: it is gone and on record, both or neither.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{assert_about, device_of, person};
use crate::{EndOutcome, REVOCATION_LIFETIME};
use auth_domain::{NewSession, SessionKey};

cases![
    an_ended_session_is_gone_and_on_record_for_as_long_as_its_tokens_may_live,
    any_generation_of_a_token_proves_that_a_session_is_ones_own,
    a_wrong_proof_ends_nothing_and_records_nothing,
    what_was_gone_already_is_on_record_once,
    what_never_was_here_is_put_on_record_all_the_same,
    only_the_session_that_is_named_ends,
    a_session_that_may_not_go_on_is_ended_like_any_other,
    somebody_is_deleted_only_after_their_sessions_were_ended,
    all_of_a_persons_sessions_end_but_the_one_excepted,
];

async fn an_ended_session_is_gone_and_on_record_for_as_long_as_its_tokens_may_live(subject: &Subject) {
    let device = subject.device().await;
    subject.clock.advance(TimeDelta::hours(5));

    assert_eq!(subject.end(device.key, None).await, EndOutcome::Ended);

    subject.is_unknown(&device.token(0)).await;
    let entries = subject.probe.revocations().await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((entry.kind.as_str(), &entry.subject), ("session", &device.key.id.to_string()));
    assert_about(entry.created_at, subject.clock.now());
    assert_eq!(entry.expires_at - entry.created_at, TimeDelta::minutes(125));
    assert_eq!(REVOCATION_LIFETIME, TimeDelta::minutes(125));
}

async fn any_generation_of_a_token_proves_that_a_session_is_ones_own(subject: &Subject) {
    let device = subject.device().await;
    for number in 0..3 {
        subject.rotates(&device.token(number)).await;
    }
    assert_eq!(subject.end(device.key, Some(&device.token(0).jti_hash)).await, EndOutcome::Ended);
    subject.is_unknown(&device.token(3)).await;
}

async fn a_wrong_proof_ends_nothing_and_records_nothing(subject: &Subject) {
    let (device, other) = (subject.device().await, subject.device().await);
    assert_eq!(subject.end(device.key, Some(&other.proof())).await, EndOutcome::NotGenuine);
    assert_eq!(subject.ended().await, Vec::<String>::new());
    subject.rotates(&device.token(0)).await;
    assert_eq!(subject.end(device.key, Some(&other.proof())).await, EndOutcome::NotGenuine);
    assert_eq!(subject.end(device.key, Some(&device.proof())).await, EndOutcome::Ended);
}

async fn what_was_gone_already_is_on_record_once(subject: &Subject) {
    let device = subject.device().await;
    assert_eq!(subject.end(device.key, Some(&device.proof())).await, EndOutcome::Ended);
    let first = subject.probe.revocations().await;
    subject.clock.advance(TimeDelta::minutes(1));
    assert_eq!(subject.end(device.key, Some(&device.proof())).await, EndOutcome::WasGone);
    assert_eq!(subject.end(device.key, None).await, EndOutcome::WasGone);
    assert_eq!(subject.probe.revocations().await, first);
}

async fn what_never_was_here_is_put_on_record_all_the_same(subject: &Subject) {
    let (known, unknown) = (device_of(&subject.somebody().await), device_of(&person()));
    assert_eq!(subject.end(known.key, Some(&known.proof())).await, EndOutcome::WasGone);
    assert_eq!(subject.end(unknown.key, None).await, EndOutcome::WasGone);
    assert_eq!(subject.ended().await, [known.key.id.to_string(), unknown.key.id.to_string()]);
}

async fn only_the_session_that_is_named_ends(subject: &Subject) {
    let person = subject.somebody().await;
    let (phone, laptop) = (subject.another_device(&person).await, subject.another_device(&person).await);
    let stranger = subject.device().await;
    assert_eq!(subject.end(phone.key, None).await, EndOutcome::Ended);
    let mixed = SessionKey { user_id: stranger.key.user_id, id: laptop.key.id };
    assert_eq!(subject.end(mixed, None).await, EndOutcome::WasGone);
    subject.rotates(&laptop.token(0)).await;
    subject.rotates(&stranger.token(0)).await;
}

async fn a_session_that_may_not_go_on_is_ended_like_any_other(subject: &Subject) {
    let person = subject.somebody().await;
    let (phone, laptop) = (subject.another_device(&person).await, device_of(&person));
    subject.open(&NewSession { lifetime: Some(TimeDelta::zero()), ..laptop.sign_in(&person) }).await;
    subject.probe.disable(person.id).await;
    subject.probe.corrupt_session(phone.key).await;
    for device in [phone, laptop] {
        assert_eq!(subject.end(device.key, Some(&device.proof())).await, EndOutcome::Ended);
    }
    assert_eq!(subject.ended().await.len(), 2);
}

/// RT-10: deleting somebody around the verb that ends their sessions would leave their access tokens alive.
async fn somebody_is_deleted_only_after_their_sessions_were_ended(subject: &Subject) {
    let device = subject.device().await;
    assert!(!subject.probe.delete_user(device.key.user_id).await);
    subject.rotates(&device.token(0)).await;
    subject.end(device.key, None).await;
    assert!(subject.probe.delete_user(device.key.user_id).await);
    for number in 0..3 {
        subject.is_unknown(&device.token(number)).await;
    }
}

async fn all_of_a_persons_sessions_end_but_the_one_excepted(subject: &Subject) {
    let person = subject.somebody().await;
    let devices: Vec<_> = (0..4).map(|_| device_of(&person)).collect();
    for device in &devices {
        subject.open(&device.sign_in(&person)).await;
    }
    let somebody_else = subject.device().await;

    let ended = subject.store.end_sessions_of(person.id, Some(devices[0].key.id)).await;
    assert_eq!(ended.expect("ended"), 3);
    let mut on_record = subject.ended().await;
    let mut expected: Vec<_> = devices[1..].iter().map(|device| device.key.id.to_string()).collect();
    on_record.sort();
    expected.sort();
    assert_eq!(on_record, expected);
    for device in &devices[1..] {
        subject.is_unknown(&device.token(0)).await;
    }
    for device in [&devices[0], &somebody_else] {
        subject.rotates(&device.token(0)).await;
    }

    assert_eq!(subject.store.end_sessions_of(person.id, None).await.expect("ended"), 1);
    subject.is_unknown(&devices[0].token(1)).await;
    assert_eq!(subject.store.end_sessions_of(person.id, None).await.expect("ended"), 0);
    subject.rotates(&somebody_else.token(1)).await;
}
