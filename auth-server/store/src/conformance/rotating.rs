//! Rotating: only the current token of a session that may go on, and whatever else there is, to be judged.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{Device, assert_about, device_of, generation, person};
use crate::{Rotation, StoreError};
use auth_domain::{
    ClientId, EndReason, NewSession, PresentedRefresh, RefreshPolicy, RefuseReason, Session, SessionKey,
    SessionSnapshot, Verdict, judge,
};

cases![
    a_rotation_advances_the_generation_and_nothing_else,
    each_token_rotates_once,
    a_generation_that_never_was_rotates_nothing,
    another_client_rotates_nothing_and_the_token_stays_good_for_its_own,
    another_jti_rotates_nothing_and_the_token_stays_good,
    a_session_is_found_by_both_halves_of_its_key_or_not_at_all,
    a_disabled_persons_token_rotates_nothing,
    a_session_ends_at_its_end_however_often_it_was_refreshed,
    a_session_ends_when_it_was_idle_for_too_long,
    an_end_that_is_now_is_over,
    a_session_that_has_no_time_at_all_never_rotates,
    without_a_lifetime_a_session_is_good_for_a_century,
    a_clock_that_was_set_back_ends_nothing,
    a_corrupt_session_is_named_as_such,
    a_corrupt_person_is_named_as_such,
];

const HOUR: TimeDelta = TimeDelta::hours(1);

/// RT-03
async fn a_rotation_advances_the_generation_and_nothing_else(subject: &Subject) {
    let person = subject.somebody().await;
    let device = device_of(&person);
    let opened = subject.open(&NewSession { lifetime: Some(HOUR), ..device.sign_in(&person) }).await;
    subject.clock.advance(TimeDelta::minutes(10));

    let rotated = subject.rotates(&device.token(0)).await;

    assert_about(rotated.now, subject.clock.now());
    let SessionSnapshot { session: before, owner, .. } = opened;
    let session =
        Session { generation: generation(1), rotated_at: rotated.now, last_used_at: rotated.now, ..before };
    assert_eq!(rotated, SessionSnapshot { session, owner, now: rotated.now });
    let kept = subject.rotates_nothing(&device.token(0)).await;
    assert_eq!(kept.session, rotated.session);
}

async fn each_token_rotates_once(subject: &Subject) {
    let device = subject.device().await;
    for number in 0..20 {
        let rotated = subject.rotates(&device.token(number)).await;
        assert_eq!(rotated.session.generation, generation(number + 1));
    }
    for number in 0..20 {
        let kept = subject.rotates_nothing(&device.token(number)).await;
        assert_eq!(kept.session.generation, generation(20));
    }
    subject.rotates(&device.token(20)).await;
}

async fn a_generation_that_never_was_rotates_nothing(subject: &Subject) {
    let device = subject.device().await;
    for number in [1, 2, i64::from(u32::MAX)] {
        let verdict = is_not_current(subject, &device.token(number), None).await;
        assert_eq!(verdict, Verdict::Refuse(RefuseReason::Newer));
    }
    subject.rotates(&device.token(0)).await;
}

/// RT-07
async fn another_client_rotates_nothing_and_the_token_stays_good_for_its_own(subject: &Subject) {
    let device = subject.device().await;
    for name in ["photo-printer", "Goptri", "goptri ", ""] {
        let other = Device { client_id: ClientId::new(name.to_owned()), ..device.clone() };
        let verdict = is_not_current(subject, &other.token(0), None).await;
        assert_eq!(verdict, Verdict::Refuse(RefuseReason::OtherClient));
    }
    subject.rotates(&device.token(0)).await;
}

async fn another_jti_rotates_nothing_and_the_token_stays_good(subject: &Subject) {
    let device = subject.device().await;
    let forged = Device { jti: "0".repeat(32), ..device.clone() };
    let verdict = is_not_current(subject, &forged.token(0), None).await;
    assert_eq!(verdict, Verdict::Refuse(RefuseReason::OtherToken));
    subject.rotates(&device.token(0)).await;
}

async fn a_session_is_found_by_both_halves_of_its_key_or_not_at_all(subject: &Subject) {
    let (one, other) = (subject.device().await, subject.device().await);
    let mixed = SessionKey { user_id: one.key.user_id, id: other.key.id };
    subject.is_unknown(&Device { key: mixed, ..other.clone() }.token(0)).await;
    subject.is_unknown(&device_of(&person()).token(0)).await;
    subject.rotates(&one.token(0)).await;
    subject.rotates(&other.token(0)).await;
}

/// RT-09
async fn a_disabled_persons_token_rotates_nothing(subject: &Subject) {
    let device = subject.device().await;
    subject.probe.disable(device.key.user_id).await;
    let verdict = is_not_current(subject, &device.token(0), None).await;
    assert_eq!(verdict, Verdict::End(EndReason::Disabled));
}

/// RT-06
async fn a_session_ends_at_its_end_however_often_it_was_refreshed(subject: &Subject) {
    let person = subject.somebody().await;
    let device = device_of(&person);
    let opened = subject.open(&NewSession { lifetime: Some(HOUR), ..device.sign_in(&person) }).await;
    for number in 0..5 {
        let rotated = subject.rotates(&device.token(number)).await;
        assert_eq!(rotated.session.expires_at, opened.session.expires_at);
        subject.clock.advance(TimeDelta::minutes(10));
    }
    subject.rotates(&device.token(5)).await;
    subject.clock.advance(TimeDelta::minutes(10));
    let verdict = is_not_current(subject, &device.token(6), None).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
}

/// RT-06
async fn a_session_ends_when_it_was_idle_for_too_long(subject: &Subject) {
    let device = subject.device().await;
    for number in 0..3 {
        subject.clock.advance(TimeDelta::minutes(50));
        let rotation = subject.store.rotate(&device.token(number), Some(HOUR)).await;
        assert!(matches!(rotation, Ok(Rotation::Rotated(_))), "{rotation:?}");
    }
    subject.clock.advance(HOUR);
    let verdict = is_not_current(subject, &device.token(3), Some(HOUR)).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
    // The setting is not the row's: whoever waits longer finds the session.
    subject.rotates(&device.token(3)).await;
}

/// The end itself is over, to the microsecond: as `judge` has it.
async fn an_end_that_is_now_is_over(subject: &Subject) {
    const MICRO: TimeDelta = TimeDelta::microseconds(1);
    subject.probe.stop_time().await;
    let person = subject.somebody().await;
    let device = device_of(&person);
    subject.open(&NewSession { lifetime: Some(HOUR), ..device.sign_in(&person) }).await;
    subject.clock.advance(HOUR - MICRO);
    let last = subject.rotates(&device.token(0)).await;
    assert_eq!(last.session.expires_at, Some(last.now + MICRO));
    subject.clock.advance(MICRO);
    let verdict = is_not_current(subject, &device.token(1), None).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));

    let device = subject.another_device(&person).await;
    subject.clock.advance(HOUR - MICRO);
    let rotation = subject.store.rotate(&device.token(0), Some(HOUR)).await;
    assert!(matches!(rotation, Ok(Rotation::Rotated(_))), "{rotation:?}");
    subject.clock.advance(HOUR);
    let verdict = is_not_current(subject, &device.token(1), Some(HOUR)).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
}

async fn a_session_that_has_no_time_at_all_never_rotates(subject: &Subject) {
    let person = subject.somebody().await;
    let device = device_of(&person);
    subject.open(&NewSession { lifetime: Some(TimeDelta::zero()), ..device.sign_in(&person) }).await;
    let verdict = is_not_current(subject, &device.token(0), None).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
    let device = subject.another_device(&person).await;
    let verdict = is_not_current(subject, &device.token(0), Some(TimeDelta::zero())).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
}

async fn without_a_lifetime_a_session_is_good_for_a_century(subject: &Subject) {
    let device = subject.device().await;
    subject.clock.advance(TimeDelta::days(36_500));
    subject.rotates(&device.token(0)).await;
}

async fn a_clock_that_was_set_back_ends_nothing(subject: &Subject) {
    let person = subject.somebody().await;
    let device = device_of(&person);
    subject.open(&NewSession { lifetime: Some(HOUR), ..device.sign_in(&person) }).await;
    subject.clock.advance(-HOUR);
    let rotation = subject.store.rotate(&device.token(0), Some(HOUR)).await;
    assert!(matches!(rotation, Ok(Rotation::Rotated(_))), "{rotation:?}");
}

async fn a_corrupt_session_is_named_as_such(subject: &Subject) {
    let device = subject.device().await;
    subject.probe.corrupt_session(device.key).await;
    for token in [device.token(7), device.token(0)] {
        match subject.store.rotate(&token, None).await {
            Err(StoreError::Corrupt { table: "sessions", id, what: "scope" }) => {
                assert_eq!(id, format!("{}/{}", device.key.user_id, device.key.id));
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn a_corrupt_person_is_named_as_such(subject: &Subject) {
    let device = subject.device().await;
    subject.probe.corrupt_roles(device.key.user_id).await;
    match subject.store.rotate(&device.token(0), None).await {
        Err(StoreError::Corrupt { table: "users", id, what: "roles" }) => {
            assert_eq!(id, device.key.user_id.to_string());
        }
        other => panic!("{other:?}"),
    }
}

/// The verdict on a token that rotates nothing. Never to try again: nobody else is there, so the statement and the
/// judge would disagree about what is current, for ever.
async fn is_not_current(
    subject: &Subject,
    token: &PresentedRefresh,
    idle_lifetime: Option<TimeDelta>,
) -> Verdict {
    let policy =
        RefreshPolicy { rotation: true, grace: HOUR, forgiveness: true, idle_lifetime, lifetime: None };
    let snapshot = match subject.store.rotate(token, idle_lifetime).await {
        Ok(Rotation::NotCurrent(snapshot)) => snapshot,
        other => panic!("{other:?}"),
    };
    let verdict = judge(&snapshot, token, &policy);
    assert_ne!(verdict, Verdict::TryAgain);
    match subject.store.rotate(token, idle_lifetime).await {
        Ok(Rotation::NotCurrent(again)) => {
            assert_eq!(
                (again.session, again.owner),
                (snapshot.session, snapshot.owner),
                "it changed something"
            );
        }
        other => panic!("{other:?}"),
    }
    verdict
}
