//! The record of what ended: whoever follows it misses nothing. They may be given again what they were given before, as
//! long as anybody at all has a transaction open on the same server.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use goptri::clock::Clock;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Subject;
use super::fixtures::{assert_about, device_of};
use crate::{Cursor, REVOCATION_LIFETIME, RevocationKind, RevocationRecord, Store};
use auth_domain::{NewPassword, PasswordSetter};

cases![
    every_way_to_end_a_session_is_read_once_it_is_committed,
    a_token_is_put_on_record_by_its_jti_once,
    reading_goes_on_where_it_stopped_page_by_page,
    what_was_read_is_not_lost_when_more_comes_than_fits_a_page,
    what_commits_late_is_read_all_the_same,
    a_record_is_read_until_its_time_is_over,
    a_cursor_that_this_database_never_gave_starts_over,
    who_waits_is_told_of_what_this_store_has_recorded,
    from_now_on_means_what_is_committed_from_now_on,
    readers_miss_nothing_that_many_writers_record,
];

/// Reads all there is after that cursor, a few at a time.
async fn read(store: &dyn Store, mut after: Option<Cursor>, most: u32) -> (Vec<RevocationRecord>, Cursor) {
    let mut all = Vec::new();
    loop {
        let page = store.read_revocations(after.as_ref(), most).await.expect("an answer");
        assert!(page.entries.len() <= most as usize);
        assert!(!page.more || page.entries.len() == most as usize, "more, after a page that was not full");
        all.extend(page.entries);
        if !page.more {
            return (all, page.next);
        }
        after = Some(page.next);
    }
}

/// What those entries have that was not seen before, which is then seen.
fn fresh(seen: &mut BTreeSet<i64>, entries: Vec<RevocationRecord>) -> Vec<RevocationRecord> {
    entries.into_iter().filter(|entry| seen.insert(entry.seq)).collect()
}

fn subjects(entries: &[RevocationRecord]) -> BTreeSet<String> {
    entries.iter().map(|entry| entry.subject.clone()).collect()
}

/// RV-06
async fn every_way_to_end_a_session_is_read_once_it_is_committed(subject: &Subject) {
    let store = subject.store.as_ref();
    let (nothing, mut cursor) = read(store, None, 10).await;
    assert_eq!(nothing, []);
    let mut seen = BTreeSet::new();
    for way in 0..5 {
        let person = subject.somebody().await;
        let devices = [subject.another_device(&person).await, subject.another_device(&person).await];
        let hash = super::fixtures::person().password_hash;
        let password = NewPassword { user_id: person.id, hash, setter: PasswordSetter::Administrator };
        match way {
            0 => {
                for device in &devices {
                    subject.end(device.key, None).await;
                }
            }
            1 => drop(store.end_sessions_of(person.id, None).await.expect("an answer")),
            2 => drop(store.set_password(&password).await.expect("an answer")),
            3 => drop(store.disable_user(person.id).await.expect("an answer")),
            _ => drop(store.delete_user(person.id).await.expect("an answer")),
        }
        let (read, next) = read(store, Some(cursor), 10).await;
        let read = fresh(&mut seen, read);
        assert_eq!(subjects(&read), devices.iter().map(|device| device.key.id.to_string()).collect());
        for entry in &read {
            assert_eq!(entry.kind, RevocationKind::Session);
            assert_about(entry.created_at, subject.clock.now());
            assert_eq!(entry.expires_at - entry.created_at, REVOCATION_LIFETIME);
        }
        cursor = next;
    }
}

async fn a_token_is_put_on_record_by_its_jti_once(subject: &Subject) {
    let jti = "5f2a9c4be1d078365f2a9c4be1d07836";
    subject.store.revoke_token(jti).await.expect("recorded");
    let (first, _) = read(subject.store.as_ref(), None, 10).await;
    let [entry] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!((entry.kind, entry.subject.as_str()), (RevocationKind::Token, jti));
    subject.clock.advance(TimeDelta::minutes(1));
    subject.store.revoke_token(jti).await.expect("recorded already");
    assert_eq!(read(subject.store.as_ref(), None, 10).await.0, first);
}

async fn reading_goes_on_where_it_stopped_page_by_page(subject: &Subject) {
    let store = subject.store.as_ref();
    for number in 0..10 {
        store.revoke_token(&format!("first {number}")).await.expect("recorded");
    }
    let mut seen = BTreeSet::new();
    let (first, cursor) = read(store, None, 3).await;
    assert_eq!((first.len(), subjects(&first).len()), (10, 10));
    assert_eq!(fresh(&mut seen, first).len(), 10);
    assert_eq!(fresh(&mut seen, read(store, Some(cursor.clone()), 3).await.0), []);
    store.revoke_token("later").await.expect("recorded");
    let (later, _) = read(store, Some(cursor.clone()), 3).await;
    assert_eq!(subjects(&fresh(&mut seen, later)), ["later".to_owned()].into());
    let (again, _) = read(store, Some(cursor), 3).await;
    assert!(subjects(&again).contains("later"), "again, if asked again");
}

async fn what_was_read_is_not_lost_when_more_comes_than_fits_a_page(subject: &Subject) {
    let store = subject.store.as_ref();
    for number in 0..7 {
        store.revoke_token(&format!("{number}")).await.expect("recorded");
    }
    let first = store.read_revocations(None, 4).await.expect("an answer");
    assert!(first.more);
    for number in 7..12 {
        store.revoke_token(&format!("{number}")).await.expect("recorded");
    }
    let (rest, cursor) = read(store, Some(first.next), 4).await;
    let (last, _) = read(store, Some(cursor), 4).await;
    let all = subjects(&[first.entries, rest, last].concat());
    assert_eq!(all, (0..12).map(|number| number.to_string()).collect());
}

/// A transaction that takes its number early and commits minutes later, as one that waits for a standby: a cursor that
/// is the highest number read, or goes back by some time, passes it by.
async fn what_commits_late_is_read_all_the_same(subject: &Subject) {
    let store = subject.store.as_ref();
    store.revoke_token("before").await.expect("recorded");
    let (_, cursor) = read(store, None, 10).await;
    let first_late = subject.probe.record_late("first late").await;
    store.revoke_token("between").await.expect("recorded");
    let second_late = subject.probe.record_late("second late").await;
    let (read_first, mut cursor) = read(store, Some(cursor), 10).await;
    assert!(subjects(&read_first).contains("between"));

    let mut seen = subjects(&read_first);
    for number in 0..5 {
        subject.clock.advance(TimeDelta::minutes(10));
        store.revoke_token(&format!("younger {number}")).await.expect("recorded");
        let (entries, next) = read(store, Some(cursor), 1).await;
        seen.extend(subjects(&entries));
        cursor = next;
    }
    assert!(!seen.contains("first late") && !seen.contains("second late"));
    first_late.commit().await;
    let (entries, cursor) = read(store, Some(cursor), 2).await;
    assert!(subjects(&entries).contains("first late"), "what committed late is missing: {entries:?}");
    second_late.commit().await;
    let (entries, cursor) = read(store, Some(cursor), 2).await;
    assert!(subjects(&entries).contains("second late"), "what committed late is missing: {entries:?}");
    let (entries, _) = read(store, Some(cursor), 2).await;
    let known = |entry: &RevocationRecord| seen.contains(&entry.subject) || entry.subject.ends_with("late");
    assert!(entries.iter().all(known), "{entries:?}");
}

async fn a_record_is_read_until_its_time_is_over(subject: &Subject) {
    let store = subject.store.as_ref();
    store.revoke_token("old").await.expect("recorded");
    subject.clock.advance(REVOCATION_LIFETIME - TimeDelta::minutes(5));
    store.revoke_token("young").await.expect("recorded");
    let (both, _) = read(store, None, 10).await;
    assert_eq!(both.len(), 2);
    let page = store.read_revocations(None, 10).await.expect("an answer");
    assert_about(page.now, subject.clock.now());
    subject.clock.advance(TimeDelta::minutes(6));
    assert_eq!(subjects(&read(store, None, 10).await.0), ["young".to_owned()].into());
}

async fn a_cursor_that_this_database_never_gave_starts_over(subject: &Subject) {
    let store = subject.store.as_ref();
    for number in 0..3 {
        store.revoke_token(&format!("{number}")).await.expect("recorded");
    }
    let (all, cursor) = read(store, None, 10).await;
    let genuine = cursor.as_str();
    let (id, place) = genuine.split_once('_').expect("the database and a place");
    let elsewhere = format!("{:032x}_{place}", 7);
    // Well-formed where a place ends in a transaction and a number, and where it is a number alone.
    let (before_number, _) = genuine.rsplit_once('_').expect("a number");
    let before_transaction = before_number.rsplit_once('_').map_or(before_number, |(before, _)| before);
    let beyond = [format!("{before_transaction}_{}_1", u64::MAX), format!("{id}_9999")];
    for strange in [
        "",
        "0",
        "_",
        "___",
        "nonsense",
        "-1",
        "😀",
        "' or 1=1 --",
        id,
        &elsewhere,
        &beyond[0],
        &beyond[1],
        &format!("{genuine}_1"),
        &format!("{id}_{}", u128::MAX),
        &"9".repeat(10_000),
    ] {
        let (read, _) = read(store, Some(Cursor::new((*strange).to_owned())), 10).await;
        assert_eq!(read, all, "{strange:?}");
    }
}

async fn who_waits_is_told_of_what_this_store_has_recorded(subject: &Subject) {
    let store = &subject.store;
    let person = subject.somebody().await;
    let device = subject.another_device(&person).await;
    assert!(timeout(Duration::from_millis(20), store.wait_for_append()).await.is_err(), "nothing has ended");
    subject.end(device.key, None).await;
    store.wait_for_append().await;
    for _ in 0..2 {
        subject.open(&device_of(&person).sign_in(&person)).await;
        store.end_sessions_of(person.id, None).await.expect("ended");
        store.wait_for_append().await;
    }
    store.revoke_token("a token").await.expect("recorded");
    store.wait_for_append().await;
    store.disable_user(person.id).await.expect("disabled");
    store.wait_for_append().await;
}

async fn from_now_on_means_what_is_committed_from_now_on(subject: &Subject) {
    let store = subject.store.as_ref();
    let from_nothing = store.newest_revocation().await.expect("an answer");
    store.revoke_token("before").await.expect("recorded");
    let late = subject.probe.record_late("late").await;
    let newest = store.newest_revocation().await.expect("an answer");
    store.revoke_token("after").await.expect("recorded");
    assert!(subjects(&read(store, Some(newest.clone()), 10).await.0).contains("after"));
    late.commit().await;
    let (entries, _) = read(store, Some(newest), 10).await;
    assert!(subjects(&entries).is_superset(&["after", "late"].map(str::to_owned).into()), "{entries:?}");
    assert_eq!(read(store, Some(from_nothing), 10).await.0.len(), 3);
}

/// Many write while a reader follows, over two stores as two servers have them.
async fn readers_miss_nothing_that_many_writers_record(subject: &Subject) {
    let done = Arc::new(AtomicBool::new(false));
    let reading = {
        let (store, done) = (subject.probe.another_store().await, Arc::clone(&done));
        tokio::spawn(async move {
            let (mut seen, mut cursor) = (BTreeSet::new(), None);
            loop {
                let last_time = done.load(Ordering::SeqCst);
                let (entries, next) = read(store.as_ref(), cursor, 7).await;
                seen.extend(subjects(&entries));
                if last_time {
                    return seen;
                }
                cursor = Some(next);
            }
        })
    };
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let store = Arc::clone(&subject.store);
        writers.spawn(async move {
            for number in 0..50 {
                store.revoke_token(&format!("{writer}/{number}")).await.expect("recorded");
            }
        });
    }
    writers.join_all().await;
    done.store(true, Ordering::SeqCst);
    assert_eq!(reading.await.expect("the reader").len(), 400);
}
