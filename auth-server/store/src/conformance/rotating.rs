//! Rotating: only the current token of a live session rotates; for any other the store returns the session to judge.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{Device, assert_about, device_of, generation, new_user};
use crate::{Rotation, StoreError};
use auth_domain::{
    ClientId, EndReason, NewSession, PresentedRefresh, RefreshPolicy, RefuseReason, Session, SessionKey,
    SessionSnapshot, Verdict, judge,
};

cases![
    a_rotation_advances_the_generation_and_nothing_else,
    a_rotation_records_when_the_generation_before_it_began,
    each_token_rotates_once,
    a_future_generation_rotates_nothing,
    a_token_that_is_dated_later_than_its_generation_rotates_nothing,
    another_client_rotates_nothing_and_the_token_stays_valid,
    another_jti_rotates_nothing_and_the_token_stays_valid,
    a_session_is_found_only_by_both_halves_of_its_key,
    the_token_of_a_disabled_user_rotates_nothing,
    refreshes_do_not_prolong_a_session_past_its_end,
    a_session_ends_after_the_idle_lifetime,
    a_session_is_over_exactly_at_its_end,
    a_session_with_a_lifetime_of_zero_never_rotates,
    a_session_without_a_lifetime_is_valid_for_a_century,
    setting_the_clock_back_ends_no_session,
    a_corrupt_session_is_named_in_the_error,
    a_corrupt_owner_is_named_in_the_error,
];

const HOUR: TimeDelta = TimeDelta::hours(1);

/// RT-03
async fn a_rotation_advances_the_generation_and_nothing_else(subject: &Subject) {
    let user = subject.user().await;
    let device = device_of(&user);
    let opened = subject.open(&NewSession { lifetime: Some(HOUR), ..device.sign_in(&user) }).await;
    subject.clock.advance(TimeDelta::minutes(10));

    let rotated = subject.assert_rotates(&device.token(0)).await;

    assert_about(rotated.now, subject.clock.now());
    let SessionSnapshot { session: before, owner, .. } = opened;
    let session = Session {
        generation: generation(1),
        rotated_at: rotated.now,
        previous_rotated_at: Some(before.rotated_at),
        last_used_at: rotated.now,
        ..before
    };
    assert_eq!(rotated, SessionSnapshot { session, owner, now: rotated.now });
    let kept = subject.assert_rotates_nothing(&device.token(0)).await;
    assert_eq!(kept.session, rotated.session);
}

async fn a_rotation_records_when_the_generation_before_it_began(subject: &Subject) {
    let user = subject.user().await;
    let device = device_of(&user);
    let mut before = subject.open(&device.sign_in(&user)).await.session;
    assert_eq!(before.previous_rotated_at, None);
    for number in 0..3 {
        subject.clock.advance(TimeDelta::minutes(10));
        let rotated = subject.assert_rotates(&device.token(number)).await.session;
        assert_eq!(rotated.previous_rotated_at, Some(before.rotated_at));
        assert!(rotated.rotated_at > before.rotated_at);
        before = rotated;
    }
    let kept = subject.assert_rotates_nothing(&device.token(0)).await;
    assert_eq!(kept.session, before);
}

async fn each_token_rotates_once(subject: &Subject) {
    let device = subject.device().await;
    for number in 0..20 {
        let rotated = subject.assert_rotates(&device.token(number)).await;
        assert_eq!(rotated.session.generation, generation(number + 1));
    }
    for number in 0..20 {
        let kept = subject.assert_rotates_nothing(&device.token(number)).await;
        assert_eq!(kept.session.generation, generation(20));
    }
    subject.assert_rotates(&device.token(20)).await;
}

async fn a_future_generation_rotates_nothing(subject: &Subject) {
    let device = subject.device().await;
    for number in [1, 2, i64::from(u32::MAX)] {
        let verdict = assert_not_current(subject, &device.token(number), None).await;
        assert_eq!(verdict, Verdict::Refuse(RefuseReason::Newer));
    }
    subject.assert_rotates(&device.token(0)).await;
}

async fn a_token_that_is_dated_later_than_its_generation_rotates_nothing(subject: &Subject) {
    let device = subject.device().await;
    let rotated = subject.assert_rotates(&device.token(0)).await.session.rotated_at;
    for later in [TimeDelta::microseconds(1), TimeDelta::days(1), TimeDelta::days(36_500)] {
        let mut token = device.token(1);
        token.began = rotated + later;
        let verdict = assert_not_current(subject, &token, None).await;
        assert_eq!(verdict, Verdict::Refuse(RefuseReason::BeganLater));
    }
    let mut token = device.token(1);
    token.began = rotated;
    subject.assert_rotates(&token).await;
}

/// RT-07
async fn another_client_rotates_nothing_and_the_token_stays_valid(subject: &Subject) {
    let device = subject.device().await;
    for name in ["photo-printer", "Goptri", "goptri ", ""] {
        let other = Device { client_id: ClientId::new(name.to_owned()), ..device.clone() };
        let verdict = assert_not_current(subject, &other.token(0), None).await;
        assert_eq!(verdict, Verdict::Refuse(RefuseReason::OtherClient));
    }
    subject.assert_rotates(&device.token(0)).await;
}

async fn another_jti_rotates_nothing_and_the_token_stays_valid(subject: &Subject) {
    let device = subject.device().await;
    let forged = Device { jti: "0".repeat(32), ..device.clone() };
    let verdict = assert_not_current(subject, &forged.token(0), None).await;
    assert_eq!(verdict, Verdict::Refuse(RefuseReason::OtherToken));
    subject.assert_rotates(&device.token(0)).await;
}

async fn a_session_is_found_only_by_both_halves_of_its_key(subject: &Subject) {
    let (one, other) = (subject.device().await, subject.device().await);
    let mixed = SessionKey { user_id: one.key.user_id, id: other.key.id };
    subject.assert_unknown(&Device { key: mixed, ..other.clone() }.token(0)).await;
    subject.assert_unknown(&device_of(&new_user()).token(0)).await;
    subject.assert_rotates(&one.token(0)).await;
    subject.assert_rotates(&other.token(0)).await;
}

/// RT-09
async fn the_token_of_a_disabled_user_rotates_nothing(subject: &Subject) {
    let device = subject.device().await;
    subject.probe.disable(device.key.user_id).await;
    let verdict = assert_not_current(subject, &device.token(0), None).await;
    assert_eq!(verdict, Verdict::End(EndReason::Disabled));
}

/// RT-06
async fn refreshes_do_not_prolong_a_session_past_its_end(subject: &Subject) {
    let user = subject.user().await;
    let device = device_of(&user);
    let opened = subject.open(&NewSession { lifetime: Some(HOUR), ..device.sign_in(&user) }).await;
    for number in 0..5 {
        let rotated = subject.assert_rotates(&device.token(number)).await;
        assert_eq!(rotated.session.expires_at, opened.session.expires_at);
        subject.clock.advance(TimeDelta::minutes(10));
    }
    subject.assert_rotates(&device.token(5)).await;
    subject.clock.advance(TimeDelta::minutes(10));
    let verdict = assert_not_current(subject, &device.token(6), None).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
}

/// RT-06
async fn a_session_ends_after_the_idle_lifetime(subject: &Subject) {
    let device = subject.device().await;
    for number in 0..3 {
        subject.clock.advance(TimeDelta::minutes(50));
        let rotation = subject.store.rotate(&device.token(number), Some(HOUR)).await;
        assert!(matches!(rotation, Ok(Rotation::Rotated(_))), "{rotation:?}");
    }
    subject.clock.advance(HOUR);
    let verdict = assert_not_current(subject, &device.token(3), Some(HOUR)).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
    // The row does not contain the idle lifetime, so with a longer one the session continues.
    subject.assert_rotates(&device.token(3)).await;
}

/// The end is exact to the microsecond, as in `judge`.
async fn a_session_is_over_exactly_at_its_end(subject: &Subject) {
    const MICRO: TimeDelta = TimeDelta::microseconds(1);
    subject.probe.stop_time().await;
    let user = subject.user().await;
    let device = device_of(&user);
    subject.open(&NewSession { lifetime: Some(HOUR), ..device.sign_in(&user) }).await;
    subject.clock.advance(HOUR - MICRO);
    let last = subject.assert_rotates(&device.token(0)).await;
    assert_eq!(last.session.expires_at, Some(last.now + MICRO));
    subject.clock.advance(MICRO);
    let verdict = assert_not_current(subject, &device.token(1), None).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));

    let device = subject.another_device(&user).await;
    subject.clock.advance(HOUR - MICRO);
    let rotation = subject.store.rotate(&device.token(0), Some(HOUR)).await;
    assert!(matches!(rotation, Ok(Rotation::Rotated(_))), "{rotation:?}");
    subject.clock.advance(HOUR);
    let verdict = assert_not_current(subject, &device.token(1), Some(HOUR)).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
}

async fn a_session_with_a_lifetime_of_zero_never_rotates(subject: &Subject) {
    let user = subject.user().await;
    let device = device_of(&user);
    subject.open(&NewSession { lifetime: Some(TimeDelta::zero()), ..device.sign_in(&user) }).await;
    let verdict = assert_not_current(subject, &device.token(0), None).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
    let device = subject.another_device(&user).await;
    let verdict = assert_not_current(subject, &device.token(0), Some(TimeDelta::zero())).await;
    assert_eq!(verdict, Verdict::End(EndReason::Expired));
}

async fn a_session_without_a_lifetime_is_valid_for_a_century(subject: &Subject) {
    let device = subject.device().await;
    subject.clock.advance(TimeDelta::days(36_500));
    subject.assert_rotates(&device.token(0)).await;
}

async fn setting_the_clock_back_ends_no_session(subject: &Subject) {
    let user = subject.user().await;
    let device = device_of(&user);
    subject.open(&NewSession { lifetime: Some(HOUR), ..device.sign_in(&user) }).await;
    subject.clock.advance(-HOUR);
    let rotation = subject.store.rotate(&device.token(0), Some(HOUR)).await;
    assert!(matches!(rotation, Ok(Rotation::Rotated(_))), "{rotation:?}");
}

async fn a_corrupt_session_is_named_in_the_error(subject: &Subject) {
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

async fn a_corrupt_owner_is_named_in_the_error(subject: &Subject) {
    let device = subject.device().await;
    subject.probe.corrupt_roles(device.key.user_id).await;
    match subject.store.rotate(&device.token(0), None).await {
        Err(StoreError::Corrupt { table: "users", id, what: "roles" }) => {
            assert_eq!(id, device.key.user_id.to_string());
        }
        other => panic!("{other:?}"),
    }
}

/// The verdict on a token that rotates nothing. It must not be [`Verdict::TryAgain`]: without concurrent calls the
/// statement and the judge would disagree for ever about which token is current.
async fn assert_not_current(
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
