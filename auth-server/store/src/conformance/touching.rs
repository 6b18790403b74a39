//! Touching: records the use of a session without advancing it, for servers without rotation.

use chrono::TimeDelta;

use super::Subject;
use super::fixtures::{Device, device_of, generation};
use crate::TouchOutcome;
use auth_domain::{ClientId, NewSession, PresentedRefresh, Session, SessionSnapshot};

cases![
    a_touch_changes_only_the_last_use,
    every_generation_up_to_the_current_one_can_be_touched_repeatedly,
    another_client_or_another_jti_touches_nothing,
    the_session_of_a_disabled_user_is_not_touched,
    a_touch_neither_prolongs_a_session_past_its_end_nor_revives_an_idle_one,
    an_ended_session_is_not_touched,
];

const HOUR: TimeDelta = TimeDelta::hours(1);

async fn a_touch_changes_only_the_last_use(subject: &Subject) {
    let device = subject.device().await;
    let before = subject.assert_rotates(&device.token(0)).await;
    subject.clock.advance(TimeDelta::minutes(10));

    let touched = assert_touches(subject, &device.token(1), None).await;

    assert!(touched.now >= before.now + TimeDelta::minutes(10));
    let session = Session { last_used_at: touched.now, ..before.session };
    assert_eq!(touched, SessionSnapshot { session, owner: before.owner, now: touched.now });
}

async fn every_generation_up_to_the_current_one_can_be_touched_repeatedly(subject: &Subject) {
    let device = subject.device().await;
    for number in 0..3 {
        subject.assert_rotates(&device.token(number)).await;
    }
    for number in [3, 0, 2, 3, 3] {
        let touched = assert_touches(subject, &device.token(number), None).await;
        assert_eq!(touched.session.generation, generation(3));
    }
    assert_not_touched(subject, &device.token(4), None).await;
}

/// RT-07
async fn another_client_or_another_jti_touches_nothing(subject: &Subject) {
    let device = subject.device().await;
    let printer = Device { client_id: ClientId::new("photo-printer".to_owned()), ..device.clone() };
    let forged = Device { jti: "0".repeat(32), ..device.clone() };
    for other in [printer, forged] {
        let before = assert_touches(subject, &device.token(0), None).await.session;
        subject.clock.advance(TimeDelta::minutes(1));
        assert_eq!(assert_not_touched(subject, &other.token(0), None).await.session, before);
    }
}

/// RT-09
async fn the_session_of_a_disabled_user_is_not_touched(subject: &Subject) {
    let device = subject.device().await;
    subject.probe.disable(device.key.user_id).await;
    assert!(assert_not_touched(subject, &device.token(0), None).await.owner.disabled);
}

/// RT-06
async fn a_touch_neither_prolongs_a_session_past_its_end_nor_revives_an_idle_one(subject: &Subject) {
    let user = subject.user().await;
    let bounded = device_of(&user);
    subject.open(&NewSession { lifetime: Some(HOUR), ..bounded.sign_in(&user) }).await;
    let idle = subject.device().await;
    subject.clock.advance(TimeDelta::minutes(40));
    assert_touches(subject, &bounded.token(0), Some(HOUR)).await;
    assert_touches(subject, &idle.token(0), Some(HOUR)).await;
    subject.clock.advance(TimeDelta::minutes(40));
    assert_not_touched(subject, &bounded.token(0), Some(HOUR)).await;
    assert_touches(subject, &idle.token(0), Some(HOUR)).await;
    subject.clock.advance(TimeDelta::minutes(61));
    assert_not_touched(subject, &idle.token(0), Some(HOUR)).await;
}

async fn an_ended_session_is_not_touched(subject: &Subject) {
    let device = subject.device().await;
    subject.end(device.key, None).await;
    let touching = subject.store.touch(&device.token(0), None).await.expect("no error");
    assert_eq!(touching, TouchOutcome::Unknown);
}

async fn assert_touches(
    subject: &Subject,
    presented: &PresentedRefresh,
    idle: Option<TimeDelta>,
) -> SessionSnapshot {
    match subject.store.touch(presented, idle).await {
        Ok(TouchOutcome::Touched(snapshot)) => snapshot,
        other => panic!("{other:?}"),
    }
}

async fn assert_not_touched(
    subject: &Subject,
    presented: &PresentedRefresh,
    idle: Option<TimeDelta>,
) -> SessionSnapshot {
    match subject.store.touch(presented, idle).await {
        Ok(TouchOutcome::NotTouched(snapshot)) => snapshot,
        other => panic!("{other:?}"),
    }
}
