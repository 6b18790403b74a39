//! Sweeping: sessions and revocations are deleted when they are no longer needed, and not before.

use chrono::TimeDelta;

use super::Subject;
use super::fixtures::device_of;
use crate::{REVOCATION_LIFETIME, SessionSweep};
use auth_domain::{NewSession, SessionKey};

cases![
    a_session_is_swept_after_its_last_access_token_expired,
    an_idle_session_is_swept_by_its_last_use,
    a_sweep_goes_through_all_sessions_slice_by_slice,
    a_revocation_is_swept_when_it_expires_and_not_before,
    a_sweep_deletes_at_most_the_requested_number_the_oldest_first,
];

async fn a_session_is_swept_after_its_last_access_token_expired(subject: &Subject) {
    let user = subject.user().await;
    let (short, long) = (device_of(&user), device_of(&user));
    let lifetime = TimeDelta::hours(24);
    subject.open(&NewSession { lifetime: Some(lifetime), ..short.sign_in(&user) }).await;
    subject.open(&long.sign_in(&user)).await;

    subject.clock.advance(lifetime + REVOCATION_LIFETIME - TimeDelta::minutes(5));
    assert_eq!(sweep(subject, None).await, 0);
    subject.assert_rotates_nothing(&short.token(0)).await;

    subject.clock.advance(TimeDelta::minutes(6));
    assert_eq!(sweep(subject, None).await, 1);
    subject.assert_unknown(&short.token(0)).await;
    assert_eq!(subject.ended().await, Vec::<String>::new(), "nothing lives that a record could end");
    subject.clock.advance(TimeDelta::days(10_000));
    assert_eq!(sweep(subject, None).await, 0);
    subject.assert_rotates(&long.token(0)).await;
}

/// RT-06
async fn an_idle_session_is_swept_by_its_last_use(subject: &Subject) {
    let (used, unused) = (subject.device().await, subject.device().await);
    let idle = TimeDelta::days(30);
    subject.clock.advance(TimeDelta::days(20));
    subject.assert_rotates(&used.token(0)).await;
    subject.clock.advance(TimeDelta::days(11));
    assert_eq!(sweep(subject, None).await, 0, "no idle end is configured");
    assert_eq!(sweep(subject, Some(idle)).await, 1);
    subject.assert_unknown(&unused.token(0)).await;
    subject.assert_rotates(&used.token(1)).await;
}

async fn a_sweep_goes_through_all_sessions_slice_by_slice(subject: &Subject) {
    let mut keys = Vec::new();
    for _ in 0..3 {
        let user = subject.user().await;
        for _ in 0..3 {
            let device = device_of(&user);
            subject
                .open(&NewSession { lifetime: Some(TimeDelta::minutes(1)), ..device.sign_in(&user) })
                .await;
            keys.push(device.key);
        }
    }
    let kept = subject.device().await;
    keys.push(kept.key);
    keys.sort();
    subject.clock.advance(REVOCATION_LIFETIME + TimeDelta::minutes(2));

    let mut after = None;
    for slice in keys.chunks(4) {
        let swept = subject.store.sweep_sessions(after, 4, None).await.expect("swept");
        let full: Option<SessionKey> = (slice.len() == 4).then(|| slice[3]);
        let expected = slice.iter().filter(|key| **key != kept.key).count() as u64;
        assert_eq!(swept, SessionSweep { swept: expected, last: full });
        after = full;
    }
    let nothing = SessionSweep { swept: 0, last: None };
    assert_eq!(subject.store.sweep_sessions(after, 4, None).await.expect("swept"), nothing);
    subject.assert_rotates(&kept.token(0)).await;
}

async fn a_revocation_is_swept_when_it_expires_and_not_before(subject: &Subject) {
    let old = subject.device().await;
    subject.end(old.key, None).await;
    subject.clock.advance(TimeDelta::minutes(60));
    let young = subject.device().await;
    subject.end(young.key, None).await;
    assert_eq!(subject.store.sweep_revocations(9).await.expect("swept"), 0);

    subject.clock.advance(TimeDelta::minutes(66));
    assert_eq!(subject.store.sweep_revocations(9).await.expect("swept"), 1);
    assert_eq!(subject.ended().await, [young.key.id.to_string()]);
}

async fn a_sweep_deletes_at_most_the_requested_number_the_oldest_first(subject: &Subject) {
    let mut ended = Vec::new();
    for _ in 0..5 {
        let device = subject.device().await;
        subject.end(device.key, None).await;
        ended.push(device.key.id.to_string());
        subject.clock.advance(TimeDelta::seconds(1));
    }
    subject.clock.advance(REVOCATION_LIFETIME);
    assert_eq!(subject.store.sweep_revocations(3).await.expect("swept"), 3);
    assert_eq!(subject.ended().await, ended[3..]);
    assert_eq!(subject.store.sweep_revocations(3).await.expect("swept"), 2);
    assert_eq!(subject.store.sweep_revocations(3).await.expect("swept"), 0);
}

async fn sweep(subject: &Subject, idle_lifetime: Option<TimeDelta>) -> u64 {
    subject.store.sweep_sessions(None, 100, idle_lifetime).await.expect("swept").swept
}
