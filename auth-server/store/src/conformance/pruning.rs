//! Ending what a person has beyond so many sessions: those that were not used for longest, and no other.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::Subject;
use super::fixtures::{Device, device_of};
use super::races::{MANY, at_once};
use crate::{MAX_PRUNED_PER_SIGN_IN, OpenOutcome};
use auth_domain::{NewUser, SessionId};

cases![
    sessions_beyond_so_many_end_and_are_on_record_the_least_recently_used_first,
    what_was_just_opened_is_not_ended_for_what_was_there_before,
    no_more_than_so_many_surplus_sessions_end_in_one_go,
    of_many_who_sign_in_at_once_none_ends_more_than_is_surplus,
];

/// Devices on which that person signed in, one a second after the other.
async fn devices(subject: &Subject, person: &NewUser, number: usize) -> Vec<Device> {
    let mut devices = Vec::new();
    for _ in 0..number {
        devices.push(subject.another_device(person).await);
        subject.clock.advance(TimeDelta::seconds(1));
    }
    devices
}

async fn prune_excess(subject: &Subject, opened: &Device, most: u32) -> u64 {
    subject.store.prune_excess(opened.key, most).await.expect("an answer")
}

fn names<'a>(devices: impl IntoIterator<Item = &'a Device>) -> BTreeSet<String> {
    devices.into_iter().map(|device| device.key.id.to_string()).collect()
}

/// The ids of the sessions that person has, in their order.
async fn open_sessions(subject: &Subject, person: &NewUser) -> Vec<SessionId> {
    let listed = subject.store.list_sessions(person.id, None, 9_999).await.expect("an answer");
    listed.into_iter().map(|session| session.id).collect()
}

async fn sessions_beyond_so_many_end_and_are_on_record_the_least_recently_used_first(subject: &Subject) {
    let (person, other) = (subject.somebody().await, subject.somebody().await);
    let others = devices(subject, &other, 6).await;
    let devices = devices(subject, &person, 6).await;
    subject.rotates(&devices[0].token(0)).await;

    assert_eq!(prune_excess(subject, &devices[5], 6).await, 0);
    assert_eq!(subject.ended().await, Vec::<String>::new());
    assert_eq!(prune_excess(subject, &devices[5], 4).await, 2);
    assert_eq!(subject.ended().await.into_iter().collect::<BTreeSet<_>>(), names(&devices[1..3]));
    for device in &devices[1..3] {
        subject.is_unknown(&device.token(0)).await;
    }
    assert_eq!(prune_excess(subject, &devices[5], 4).await, 0);
    subject.rotates(&devices[0].token(1)).await;
    for device in devices[3..].iter().chain(&others) {
        subject.rotates(&device.token(0)).await;
    }
    assert_eq!(subject.ended().await.len(), 2);
}

/// Not even when the clock was set back meanwhile, so that it seems to be the oldest.
async fn what_was_just_opened_is_not_ended_for_what_was_there_before(subject: &Subject) {
    let person = subject.somebody().await;
    let older = devices(subject, &person, 3).await;
    subject.clock.advance(-TimeDelta::hours(1));
    let opened = subject.another_device(&person).await;
    assert_eq!(prune_excess(subject, &opened, 3).await, 1);
    assert_eq!(subject.ended().await, [older[0].key.id.to_string()]);
    assert_eq!(prune_excess(subject, &opened, 0).await, 2);
    assert_eq!(open_sessions(subject, &person).await, [opened.key.id]);
}

async fn no_more_than_so_many_surplus_sessions_end_in_one_go(subject: &Subject) {
    let person = subject.somebody().await;
    let devices = devices(subject, &person, MAX_PRUNED_PER_SIGN_IN as usize + 7).await;
    let (opened, older) = devices.split_last().expect("some");
    assert_eq!(prune_excess(subject, opened, 3).await, u64::from(MAX_PRUNED_PER_SIGN_IN));
    assert_eq!(
        subject.ended().await.into_iter().collect::<BTreeSet<_>>(),
        names(&older[..MAX_PRUNED_PER_SIGN_IN as usize]),
    );
    assert_eq!(prune_excess(subject, opened, 3).await, 4);
    assert_eq!(open_sessions(subject, &person).await.len(), 3);
}

/// Whoever looks while others end theirs must not take the next ones in place of those.
async fn of_many_who_sign_in_at_once_none_ends_more_than_is_surplus(subject: &Subject) {
    let most = u32::try_from(MANY + 8).expect("a small number");
    let person = subject.somebody().await;
    devices(subject, &person, MANY + 8).await;
    for round in 1..=5 {
        subject.clock.advance(TimeDelta::seconds(1));
        let opened = at_once(subject, |store| {
            let session = device_of(&person).sign_in(&person);
            async move {
                let opening = store.open_session(&session).await?;
                assert!(matches!(opening, OpenOutcome::Opened(_)), "{opening:?}");
                store.prune_excess(session.key, most).await?;
                Ok(session.key.id)
            }
        })
        .await;
        let left = open_sessions(subject, &person).await;
        assert_eq!(left.len(), MANY + 8);
        assert!(opened.iter().all(|id| left.contains(id)), "what was just opened has ended");
        assert_eq!(subject.ended().await.len(), MANY * round);
    }
}
