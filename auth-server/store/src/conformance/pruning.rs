//! Pruning sessions beyond the maximum: the least recently used ones, and no others.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::Subject;
use super::fixtures::{Device, device_of};
use super::races::{MANY, at_once};
use crate::{MAX_PRUNED_PER_SIGN_IN, OpenOutcome};
use auth_domain::{NewUser, SessionId};

cases![
    the_least_recently_used_sessions_beyond_the_maximum_end,
    the_new_session_is_never_pruned,
    one_call_prunes_a_limited_number_of_sessions,
    concurrent_sign_ins_prune_no_more_than_the_excess,
];

/// Devices on which the user signed in, at intervals of one second.
async fn devices(subject: &Subject, user: &NewUser, number: usize) -> Vec<Device> {
    let mut devices = Vec::new();
    for _ in 0..number {
        devices.push(subject.another_device(user).await);
        subject.clock.advance(TimeDelta::seconds(1));
    }
    devices
}

async fn prune_excess(subject: &Subject, opened: &Device, keep: u32) -> u64 {
    subject.store.prune_excess(opened.key, keep).await.expect("no error")
}

fn session_ids<'a>(devices: impl IntoIterator<Item = &'a Device>) -> BTreeSet<String> {
    devices.into_iter().map(|device| device.key.id.to_string()).collect()
}

/// The ids of the user's sessions, sorted.
async fn open_sessions(subject: &Subject, user: &NewUser) -> Vec<SessionId> {
    let listed = subject.store.list_sessions(user.id, None, 9_999).await.expect("no error");
    listed.into_iter().map(|session| session.id).collect()
}

async fn the_least_recently_used_sessions_beyond_the_maximum_end(subject: &Subject) {
    let (user, other) = (subject.user().await, subject.user().await);
    let others = devices(subject, &other, 6).await;
    let devices = devices(subject, &user, 6).await;
    subject.assert_rotates(&devices[0].token(0)).await;

    assert_eq!(prune_excess(subject, &devices[5], 6).await, 0);
    assert_eq!(subject.ended().await, Vec::<String>::new());
    assert_eq!(prune_excess(subject, &devices[5], 4).await, 2);
    assert_eq!(subject.ended().await.into_iter().collect::<BTreeSet<_>>(), session_ids(&devices[1..3]));
    for device in &devices[1..3] {
        subject.assert_unknown(&device.token(0)).await;
    }
    assert_eq!(prune_excess(subject, &devices[5], 4).await, 0);
    subject.assert_rotates(&devices[0].token(1)).await;
    for device in devices[3..].iter().chain(&others) {
        subject.assert_rotates(&device.token(0)).await;
    }
    assert_eq!(subject.ended().await.len(), 2);
}

/// It is not pruned even if it seems to be the oldest because the clock was set back.
async fn the_new_session_is_never_pruned(subject: &Subject) {
    let user = subject.user().await;
    let older = devices(subject, &user, 3).await;
    subject.clock.advance(-TimeDelta::hours(1));
    let opened = subject.another_device(&user).await;
    assert_eq!(prune_excess(subject, &opened, 3).await, 1);
    assert_eq!(subject.ended().await, [older[0].key.id.to_string()]);
    assert_eq!(prune_excess(subject, &opened, 0).await, 2);
    assert_eq!(open_sessions(subject, &user).await, [opened.key.id]);
}

async fn one_call_prunes_a_limited_number_of_sessions(subject: &Subject) {
    let user = subject.user().await;
    let devices = devices(subject, &user, MAX_PRUNED_PER_SIGN_IN as usize + 7).await;
    let (opened, older) = devices.split_last().expect("some");
    assert_eq!(prune_excess(subject, opened, 3).await, u64::from(MAX_PRUNED_PER_SIGN_IN));
    assert_eq!(
        subject.ended().await.into_iter().collect::<BTreeSet<_>>(),
        session_ids(&older[..MAX_PRUNED_PER_SIGN_IN as usize]),
    );
    assert_eq!(prune_excess(subject, opened, 3).await, 4);
    assert_eq!(open_sessions(subject, &user).await.len(), 3);
}

/// A concurrent call must not choose other sessions in place of those that the first one ends.
async fn concurrent_sign_ins_prune_no_more_than_the_excess(subject: &Subject) {
    let most = u32::try_from(MANY + 8).expect("a small number");
    let user = subject.user().await;
    devices(subject, &user, MANY + 8).await;
    for round in 1..=5 {
        subject.clock.advance(TimeDelta::seconds(1));
        let opened = at_once(subject, |store| {
            let session = device_of(&user).sign_in(&user);
            async move {
                let opening = store.open_session(&session).await?;
                assert!(matches!(opening, OpenOutcome::Opened(_)), "{opening:?}");
                store.prune_excess(session.key, most).await?;
                Ok(session.key.id)
            }
        })
        .await;
        let left = open_sessions(subject, &user).await;
        assert_eq!(left.len(), MANY + 8);
        assert!(opened.iter().all(|id| left.contains(id)), "what was just opened has ended");
        assert_eq!(subject.ended().await.len(), MANY * round);
    }
}
