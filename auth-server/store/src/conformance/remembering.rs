//! Whether a session is remembered: set when it opens or by a later refresh, and never reset.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Subject;
use super::fixtures::{Device, device_of, generation};
use crate::{ForgiveOutcome, Rotation, TouchOutcome};
use auth_domain::{NewSession, PresentedRefresh};

cases![
    a_session_that_is_opened_to_be_remembered_stays_so,
    a_refresh_can_have_its_session_remembered_from_then_on,
    a_touch_can_have_its_session_remembered_from_then_on,
    of_concurrent_refreshes_each_decides_about_its_own_session,
    a_request_that_rotates_nothing_remembers_nothing,
];

fn remembering(device: &Device, number: i64) -> PresentedRefresh {
    let mut token = device.token(number);
    token.remember = true;
    token
}

/// Whether the stored session is remembered.
async fn is_remembered(subject: &Subject, device: &Device) -> bool {
    let found = subject.store.find_session(device.key).await.expect("no error");
    found.expect("a session").session.remember
}

async fn assert_touches(subject: &Subject, presented: &PresentedRefresh) -> bool {
    match subject.store.touch(presented, None).await {
        Ok(TouchOutcome::Touched(snapshot)) => snapshot.session.remember,
        other => panic!("{other:?}"),
    }
}

async fn a_session_that_is_opened_to_be_remembered_stays_so(subject: &Subject) {
    let user = subject.user().await;
    let device = device_of(&user);
    let opened = subject.open(&NewSession { remember: true, ..device.sign_in(&user) }).await;
    assert!(opened.session.remember);
    assert!(subject.assert_rotates(&device.token(0)).await.session.remember);
    assert!(assert_touches(subject, &device.token(1)).await);
    match subject.store.forgive(device.key, generation(0), None).await {
        Ok(ForgiveOutcome::Forgiven(snapshot)) => assert!(snapshot.session.remember),
        other => panic!("{other:?}"),
    }
    assert!(is_remembered(subject, &device).await);
    let other = subject.another_device(&user).await;
    assert!(!is_remembered(subject, &other).await, "each session by itself");
}

async fn a_refresh_can_have_its_session_remembered_from_then_on(subject: &Subject) {
    let device = subject.device().await;
    assert!(!subject.assert_rotates(&device.token(0)).await.session.remember);
    assert!(subject.assert_rotates(&remembering(&device, 1)).await.session.remember);
    assert!(subject.assert_rotates(&device.token(2)).await.session.remember);
    assert!(is_remembered(subject, &device).await);
}

async fn a_touch_can_have_its_session_remembered_from_then_on(subject: &Subject) {
    let device = subject.device().await;
    assert!(!assert_touches(subject, &device.token(0)).await);
    assert!(assert_touches(subject, &remembering(&device, 0)).await);
    assert!(assert_touches(subject, &device.token(0)).await);
    assert!(is_remembered(subject, &device).await);
}

/// They may share a statement.
async fn of_concurrent_refreshes_each_decides_about_its_own_session(subject: &Subject) {
    let user = subject.user().await;
    let mut devices = Vec::new();
    for _ in 0..12 {
        devices.push(subject.another_device(&user).await);
    }
    let start = Arc::new(Barrier::new(devices.len()));
    let mut racers = JoinSet::new();
    for (place, device) in devices.iter().enumerate() {
        let (start, store) = (Arc::clone(&start), Arc::clone(&subject.store));
        let token = if place % 3 == 0 { remembering(device, 0) } else { device.token(0) };
        racers.spawn(async move {
            start.wait().await;
            (place, store.rotate(&token, None).await)
        });
    }
    for (place, rotation) in racers.join_all().await {
        let Ok(Rotation::Rotated(snapshot)) = rotation else { panic!("{rotation:?}") };
        assert_eq!(snapshot.session.remember, place % 3 == 0, "{place}");
        assert_eq!(is_remembered(subject, &devices[place]).await, place % 3 == 0, "{place}");
    }
}

async fn a_request_that_rotates_nothing_remembers_nothing(subject: &Subject) {
    let device = subject.device().await;
    subject.assert_rotates(&device.token(0)).await;
    subject.assert_rotates_nothing(&remembering(&device, 0)).await;
    subject.assert_rotates_nothing(&remembering(&device, 2)).await;
    assert!(!is_remembered(subject, &device).await);
}
