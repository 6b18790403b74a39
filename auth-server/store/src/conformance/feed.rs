//! The feed: a reader misses no entry. It may read an entry twice while any transaction is open on the same server.

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
use crate::{Cursor, REVOCATION_LIFETIME, RevocationId, RevocationKind, RevocationRecord, Store};
use auth_domain::{NewPassword, PasswordSetter};

cases![
    every_way_to_end_a_session_appears_in_the_feed,
    a_token_is_revoked_once_by_its_jti,
    reading_continues_at_the_cursor_page_by_page,
    entries_that_arrive_between_two_pages_are_read,
    an_entry_that_commits_late_is_read,
    an_entry_of_another_node_is_read,
    an_entry_is_read_until_it_expires,
    a_cursor_that_this_database_did_not_issue_starts_over,
    waiting_ends_when_this_store_appends_an_entry,
    after_the_newest_cursor_everything_that_commits_later_is_read,
    readers_miss_nothing_of_concurrent_writers,
];

/// Reads all entries after a cursor, in pages of at most `max`.
async fn read(store: &dyn Store, mut after: Option<Cursor>, max: u32) -> (Vec<RevocationRecord>, Cursor) {
    let mut all = Vec::new();
    loop {
        let page = store.read_revocations(after.as_ref(), max).await.expect("no error");
        assert!(page.entries.len() <= max as usize);
        assert!(!page.more || page.entries.len() == max as usize, "more, after a page that was not full");
        all.extend(page.entries);
        if !page.more {
            return (all, page.next);
        }
        after = Some(page.next);
    }
}

/// The entries that are not in `seen`. Adds them to it.
fn unseen(seen: &mut BTreeSet<RevocationId>, entries: Vec<RevocationRecord>) -> Vec<RevocationRecord> {
    entries.into_iter().filter(|entry| seen.insert(entry.id())).collect()
}

fn subjects(entries: &[RevocationRecord]) -> BTreeSet<String> {
    entries.iter().map(|entry| entry.subject.clone()).collect()
}

/// RV-06
async fn every_way_to_end_a_session_appears_in_the_feed(subject: &Subject) {
    let store = subject.store.as_ref();
    let (nothing, mut cursor) = read(store, None, 10).await;
    assert_eq!(nothing, []);
    let mut seen = BTreeSet::new();
    for way in 0..5 {
        let user = subject.user().await;
        let devices = [subject.another_device(&user).await, subject.another_device(&user).await];
        let hash = super::fixtures::new_user().password_hash;
        let password = NewPassword { user_id: user.id, hash, setter: PasswordSetter::Operator };
        match way {
            0 => {
                for device in &devices {
                    subject.end(device.key, None).await;
                }
            }
            1 => drop(store.end_sessions_of(user.id, None).await.expect("no error")),
            2 => drop(store.set_password(&password).await.expect("no error")),
            3 => drop(store.disable_user(user.id).await.expect("no error")),
            _ => drop(store.delete_user(user.id).await.expect("no error")),
        }
        let (read, next) = read(store, Some(cursor), 10).await;
        let read = unseen(&mut seen, read);
        assert_eq!(subjects(&read), devices.iter().map(|device| device.key.id.to_string()).collect());
        for entry in &read {
            assert_eq!(entry.kind, RevocationKind::Session);
            assert_about(entry.created_at, subject.clock.now());
            assert_eq!(entry.expires_at - entry.created_at, REVOCATION_LIFETIME);
        }
        cursor = next;
    }
}

async fn a_token_is_revoked_once_by_its_jti(subject: &Subject) {
    let jti = "5f2a9c4be1d078365f2a9c4be1d07836";
    subject.store.revoke_token(None, jti).await.expect("recorded");
    let (first, _) = read(subject.store.as_ref(), None, 10).await;
    let [entry] = first.as_slice() else { panic!("{first:?}") };
    assert_eq!((entry.kind, entry.subject.as_str()), (RevocationKind::Token, jti));
    subject.clock.advance(TimeDelta::minutes(1));
    subject.store.revoke_token(None, jti).await.expect("recorded already");
    assert_eq!(read(subject.store.as_ref(), None, 10).await.0, first);
}

async fn reading_continues_at_the_cursor_page_by_page(subject: &Subject) {
    let store = subject.store.as_ref();
    for number in 0..10 {
        store.revoke_token(None, &format!("first {number}")).await.expect("recorded");
    }
    let mut seen = BTreeSet::new();
    let (first, cursor) = read(store, None, 3).await;
    assert_eq!((first.len(), subjects(&first).len()), (10, 10));
    assert_eq!(unseen(&mut seen, first).len(), 10);
    assert_eq!(unseen(&mut seen, read(store, Some(cursor.clone()), 3).await.0), []);
    store.revoke_token(None, "later").await.expect("recorded");
    let (later, _) = read(store, Some(cursor.clone()), 3).await;
    assert_eq!(subjects(&unseen(&mut seen, later)), ["later".to_owned()].into());
    let (again, _) = read(store, Some(cursor), 3).await;
    assert!(subjects(&again).contains("later"), "again, if asked again");
}

async fn entries_that_arrive_between_two_pages_are_read(subject: &Subject) {
    let store = subject.store.as_ref();
    for number in 0..7 {
        store.revoke_token(None, &format!("{number}")).await.expect("recorded");
    }
    let first = store.read_revocations(None, 4).await.expect("no error");
    assert!(first.more);
    for number in 7..12 {
        store.revoke_token(None, &format!("{number}")).await.expect("recorded");
    }
    let (rest, cursor) = read(store, Some(first.next), 4).await;
    let (last, _) = read(store, Some(cursor), 4).await;
    let all = subjects(&[first.entries, rest, last].concat());
    assert_eq!(all, (0..12).map(|number| number.to_string()).collect());
}

/// A transaction gets its number early and commits minutes later, for instance because it waits for a standby. A cursor
/// at the highest number read, or a fixed time before it, would skip its entries.
async fn an_entry_that_commits_late_is_read(subject: &Subject) {
    let store = subject.store.as_ref();
    store.revoke_token(None, "before").await.expect("recorded");
    let (_, cursor) = read(store, None, 10).await;
    let first_late = subject.probe.record_late("first late").await;
    store.revoke_token(None, "between").await.expect("recorded");
    let second_late = subject.probe.record_late("second late").await;
    let (read_first, mut cursor) = read(store, Some(cursor), 10).await;
    assert!(subjects(&read_first).contains("between"));

    let mut seen = subjects(&read_first);
    for number in 0..5 {
        subject.clock.advance(TimeDelta::minutes(10));
        store.revoke_token(None, &format!("younger {number}")).await.expect("recorded");
        let (entries, next) = read(store, Some(cursor), 1).await;
        seen.extend(subjects(&entries));
        cursor = next;
    }
    assert!(!seen.contains("first late") && !seen.contains("second late"));
    seen.insert("before".to_owned());
    first_late.commit().await;
    subject.clock.advance(subject.probe.late_entry_delay());
    let (entries, cursor) = read(store, Some(cursor), 2).await;
    assert!(subjects(&entries).contains("first late"), "what committed late is missing: {entries:?}");
    second_late.commit().await;
    subject.clock.advance(subject.probe.late_entry_delay());
    let (entries, cursor) = read(store, Some(cursor), 2).await;
    assert!(subjects(&entries).contains("second late"), "what committed late is missing: {entries:?}");
    let (entries, _) = read(store, Some(cursor), 2).await;
    let known = |entry: &RevocationRecord| seen.contains(&entry.subject) || entry.subject.ends_with("late");
    assert!(entries.iter().all(known), "{entries:?}");
}

/// Another node of a distributed database numbers its transactions by itself: its entries may have any number.
async fn an_entry_of_another_node_is_read(subject: &Subject) {
    let store = subject.store.as_ref();
    store.revoke_token(None, "here").await.expect("recorded");
    let (_, mut cursor) = read(store, None, 10).await;
    for number in 0..3 {
        let elsewhere = format!("elsewhere {number}");
        subject.probe.record_elsewhere(&elsewhere).await;
        let (entries, next) = read(store, Some(cursor), 10).await;
        assert!(
            subjects(&entries).contains(&elsewhere),
            "what another node recorded is missing: {entries:?}"
        );
        cursor = next;
    }
    let other = subject.probe.another_store().await;
    other.revoke_token(None, "at another store").await.expect("recorded");
    let (entries, _) = read(store, Some(cursor), 10).await;
    assert!(subjects(&entries).contains("at another store"), "{entries:?}");
    other.close().await;
}

async fn an_entry_is_read_until_it_expires(subject: &Subject) {
    let store = subject.store.as_ref();
    store.revoke_token(None, "old").await.expect("recorded");
    subject.clock.advance(REVOCATION_LIFETIME - TimeDelta::minutes(5));
    store.revoke_token(None, "young").await.expect("recorded");
    let (both, _) = read(store, None, 10).await;
    assert_eq!(both.len(), 2);
    let page = store.read_revocations(None, 10).await.expect("no error");
    assert_about(page.now, subject.clock.now());
    subject.clock.advance(TimeDelta::minutes(6));
    assert_eq!(subjects(&read(store, None, 10).await.0), ["young".to_owned()].into());
}

async fn a_cursor_that_this_database_did_not_issue_starts_over(subject: &Subject) {
    let store = subject.store.as_ref();
    for number in 0..3 {
        store.revoke_token(None, &format!("{number}")).await.expect("recorded");
    }
    let (all, cursor) = read(store, None, 10).await;
    let genuine = cursor.as_str();
    let (id, place) = genuine.split_once('_').expect("the database and a place");
    let elsewhere = format!("{:032x}_{place}", 7);
    // Well-formed cursors of Postgres, which end in a transaction and an entry, and of SQLite, which end in a number.
    let (before_number, _) = genuine.rsplit_once('_').expect("a number");
    let before_transaction = before_number.rsplit_once('_').map_or(before_number, |(before, _)| before);
    let beyond = [format!("{before_transaction}_{}_0", u64::MAX), format!("{id}_9999")];
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

async fn waiting_ends_when_this_store_appends_an_entry(subject: &Subject) {
    let store = &subject.store;
    let user = subject.user().await;
    let device = subject.another_device(&user).await;
    assert!(timeout(Duration::from_millis(20), store.wait_for_append()).await.is_err(), "nothing has ended");
    subject.end(device.key, None).await;
    store.wait_for_append().await;
    for _ in 0..2 {
        subject.open(&device_of(&user).sign_in(&user)).await;
        store.end_sessions_of(user.id, None).await.expect("ended");
        store.wait_for_append().await;
    }
    store.revoke_token(None, "a token").await.expect("recorded");
    store.wait_for_append().await;
    store.disable_user(user.id).await.expect("disabled");
    store.wait_for_append().await;
}

async fn after_the_newest_cursor_everything_that_commits_later_is_read(subject: &Subject) {
    let store = subject.store.as_ref();
    let from_nothing = store.newest_cursor().await.expect("no error");
    store.revoke_token(None, "before").await.expect("recorded");
    let late = subject.probe.record_late("late").await;
    let newest = store.newest_cursor().await.expect("no error");
    store.revoke_token(None, "after").await.expect("recorded");
    assert!(subjects(&read(store, Some(newest.clone()), 10).await.0).contains("after"));
    late.commit().await;
    subject.clock.advance(subject.probe.late_entry_delay());
    let (entries, _) = read(store, Some(newest), 10).await;
    assert!(subjects(&entries).is_superset(&["after", "late"].map(str::to_owned).into()), "{entries:?}");
    assert_eq!(read(store, Some(from_nothing), 10).await.0.len(), 3);
}

/// Eight writers on one store, and a reader on another one, as on two servers.
async fn readers_miss_nothing_of_concurrent_writers(subject: &Subject) {
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
                store.revoke_token(None, &format!("{writer}/{number}")).await.expect("recorded");
            }
        });
    }
    writers.join_all().await;
    subject.clock.advance(subject.probe.late_entry_delay());
    done.store(true, Ordering::SeqCst);
    assert_eq!(reading.await.expect("the reader").len(), 400);
}
