//! Forgiving a late retry: recorded once, and only if the session has not changed since it was judged.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{Device, assert_about, device_of, generation};
use crate::{ForgiveOutcome, StoreError};
use auth_domain::{Generation, NewSession, Session, SessionKey, SessionSnapshot};

cases![
    forgiving_records_the_generation_and_counts_as_a_use,
    a_forgiven_generation_is_kept_across_rotations,
    only_the_previous_generation_is_forgiven,
    nothing_is_forgiven_if_another_generation_was_forgiven_meanwhile,
    nothing_is_forgiven_after_the_user_was_disabled_or_signed_out,
    nothing_is_forgiven_at_or_after_the_end_of_the_session,
    forgiving_a_corrupt_session_names_it_in_the_error,
];

async fn forgiving_records_the_generation_and_counts_as_a_use(subject: &Subject) {
    let device = subject.device().await;
    let rotated = subject.assert_rotates(&device.token(0)).await;
    subject.clock.advance(TimeDelta::hours(3));

    let forgiven = match forgive(subject, device.key, 0, None).await {
        ForgiveOutcome::Forgiven(snapshot) => snapshot,
        ForgiveOutcome::Lost => panic!("lost"),
    };

    assert_about(forgiven.now, subject.clock.now());
    let SessionSnapshot { session: before, owner, .. } = rotated;
    let session =
        Session { forgiven_generation: Some(Generation::FIRST), last_used_at: forgiven.now, ..before };
    assert_eq!(forgiven, SessionSnapshot { session, owner, now: forgiven.now });
    let kept = subject.assert_rotates_nothing(&device.token(0)).await;
    assert_eq!(kept.session, forgiven.session);
}

async fn a_forgiven_generation_is_kept_across_rotations(subject: &Subject) {
    let device = with_generation(subject, 1).await;
    assert_forgiven(subject, device.key, 0, None).await;
    for number in 1..5 {
        let rotated = subject.assert_rotates(&device.token(number)).await;
        assert_eq!(rotated.session.forgiven_generation, Some(Generation::FIRST));
    }
    assert_forgiven(subject, device.key, 4, Some(0)).await;
    let kept = subject.assert_rotates_nothing(&device.token(4)).await;
    assert_eq!(kept.session.forgiven_generation, Some(generation(4)));
}

async fn only_the_previous_generation_is_forgiven(subject: &Subject) {
    let device = with_generation(subject, 3).await;
    for number in [0, 1, 3, 4] {
        assert_lost(subject, device.key, number, None).await;
    }
    assert_forgiven(subject, device.key, 2, None).await;
}

async fn nothing_is_forgiven_if_another_generation_was_forgiven_meanwhile(subject: &Subject) {
    let device = with_generation(subject, 5).await;
    assert_lost(subject, device.key, 4, Some(3)).await;
    assert_forgiven(subject, device.key, 4, None).await;
    assert_lost(subject, device.key, 4, None).await;
    assert_lost(subject, device.key, 4, Some(3)).await;
    assert_forgiven(subject, device.key, 4, Some(4)).await;
}

/// RT-09, RT-10
async fn nothing_is_forgiven_after_the_user_was_disabled_or_signed_out(subject: &Subject) {
    let device = with_generation(subject, 1).await;
    subject.probe.disable(device.key.user_id).await;
    assert_lost(subject, device.key, 0, None).await;

    let device = with_generation(subject, 1).await;
    let other = with_generation(subject, 1).await;
    subject.end(device.key, None).await;
    assert_lost(subject, device.key, 0, None).await;
    assert_lost(subject, SessionKey { id: device.key.id, ..other.key }, 0, None).await;
    assert_forgiven(subject, other.key, 0, None).await;
}

/// RT-06
async fn nothing_is_forgiven_at_or_after_the_end_of_the_session(subject: &Subject) {
    subject.probe.stop_time().await;
    let user = subject.user().await;
    let device = device_of(&user);
    subject.open(&NewSession { lifetime: Some(TimeDelta::hours(1)), ..device.sign_in(&user) }).await;
    subject.assert_rotates(&device.token(0)).await;
    subject.clock.advance(TimeDelta::hours(1));
    assert_lost(subject, device.key, 0, None).await;
    subject.clock.advance(TimeDelta::microseconds(-1));
    assert_forgiven(subject, device.key, 0, None).await;
}

async fn forgiving_a_corrupt_session_names_it_in_the_error(subject: &Subject) {
    let device = with_generation(subject, 1).await;
    subject.probe.corrupt_session(device.key).await;
    let forgiving = subject.store.forgive(device.key, Generation::FIRST, None).await;
    assert!(matches!(forgiving, Err(StoreError::Corrupt { what: "scope", .. })), "{forgiving:?}");
}

/// A device whose session was rotated this many times.
async fn with_generation(subject: &Subject, times: i64) -> Device {
    let device = subject.device().await;
    for number in 0..times {
        subject.assert_rotates(&device.token(number)).await;
    }
    device
}

async fn forgive(subject: &Subject, key: SessionKey, number: i64, before: Option<i64>) -> ForgiveOutcome {
    let answer = subject.store.forgive(key, generation(number), before.map(generation)).await;
    answer.expect("no error")
}

async fn assert_forgiven(subject: &Subject, key: SessionKey, number: i64, before: Option<i64>) {
    let answer = forgive(subject, key, number, before).await;
    assert!(matches!(answer, ForgiveOutcome::Forgiven(_)), "{number} after {before:?}: {answer:?}");
}

async fn assert_lost(subject: &Subject, key: SessionKey, number: i64, before: Option<i64>) {
    assert_eq!(
        forgive(subject, key, number, before).await,
        ForgiveOutcome::Lost,
        "{number} after {before:?}"
    );
}
