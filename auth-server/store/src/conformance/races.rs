//! Races: concurrent calls on two stores, as on two servers, of which exactly one wins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Subject;
use super::fixtures::{device_of, generation, new_user_at};
use crate::{
    AddUserOutcome, ChangeOutcome, EndOutcome, ForgiveOutcome, OpenOutcome, REVOCATION_LIFETIME, Rotation,
    Store, StoreError, UpgradeOutcome,
};
use auth_domain::{Generation, NewPassword, NewSession, PasswordHash, PasswordSetter, UserId};

cases![
    of_concurrent_rotations_of_one_token_exactly_one_rotates,
    a_session_that_is_refreshed_constantly_can_be_ended,
    of_concurrent_ends_of_one_session_exactly_one_ends_it,
    of_concurrent_forgivings_of_one_retry_exactly_one_is_recorded,
    of_concurrent_users_with_one_address_exactly_one_is_added,
    of_concurrent_upgrades_of_one_hash_exactly_one_succeeds,
    a_cancelled_end_happens_entirely_or_not_at_all,
    concurrent_ends_of_all_sessions_end_each_session_once,
    a_cancelled_end_of_all_sessions_happens_entirely_or_not_at_all,
    a_sign_in_that_races_a_password_change_leaves_no_session_open,
    a_sign_in_that_races_disabling_leaves_no_session_open,
    a_session_that_is_refreshed_constantly_ends_when_its_user_is_disabled_or_deleted,
    of_concurrent_changes_of_one_password_exactly_one_succeeds,
    concurrent_ends_and_sweeps_do_not_deadlock,
];

pub(super) const MANY: usize = 32;

/// Starts [`MANY`] calls at the same time, half of them on another store. Returns their results.
pub(super) async fn at_once<T, F>(subject: &Subject, verb: impl Fn(Arc<dyn Store>) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, StoreError>> + Send + 'static,
{
    let stores = [Arc::clone(&subject.store), subject.probe.another_store().await];
    let start = Arc::new(Barrier::new(MANY));
    let mut racers = JoinSet::new();
    for store in stores.iter().cycle().take(MANY) {
        let (start, racing) = (Arc::clone(&start), verb(Arc::clone(store)));
        racers.spawn(async move {
            start.wait().await;
            racing.await.expect("no error")
        });
    }
    racers.join_all().await
}

/// RT-03
async fn of_concurrent_rotations_of_one_token_exactly_one_rotates(subject: &Subject) {
    let device = subject.device().await;
    for number in 0..5 {
        let answers = at_once(subject, |store| {
            let token = device.token(number);
            async move { store.rotate(&token, None).await }
        })
        .await;
        let rotated = answers.iter().filter(|answer| matches!(answer, Rotation::Rotated(_))).count();
        assert_eq!(rotated, 1);
        let next = generation(number + 1);
        for answer in answers {
            match answer {
                Rotation::Rotated(snapshot) | Rotation::NotCurrent(snapshot) => {
                    assert_eq!(snapshot.session.generation, next);
                }
                Rotation::Resent(_) | Rotation::Unknown => panic!("lost"),
            }
        }
    }
}

/// RT-09
async fn a_session_that_is_refreshed_constantly_can_be_ended(subject: &Subject) {
    let (one, other) = (Arc::clone(&subject.store), subject.probe.another_store().await);
    let user = subject.user().await;
    let mut ends = Vec::new();
    for _ in 0..1_000 {
        let device = subject.another_device(&user).await;
        let ended = Arc::new(AtomicBool::new(false));
        let refreshing = {
            let (store, device, ended) = (Arc::clone(&one), device.clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                for number in 0.. {
                    let was_ended = ended.load(Ordering::SeqCst);
                    match store.rotate(&device.token(number), None).await.expect("no error") {
                        Rotation::Rotated(_) => assert!(!was_ended, "rotated after the end was acknowledged"),
                        Rotation::Unknown => break,
                        Rotation::NotCurrent(snapshot) | Rotation::Resent(snapshot) => panic!("{snapshot:?}"),
                    }
                }
            })
        };
        tokio::task::yield_now().await;
        assert_eq!(
            other.end_session(device.key, Some(&device.proof())).await.expect("no error"),
            EndOutcome::Ended
        );
        ended.store(true, Ordering::SeqCst);
        ends.push(device.key.id.to_string());
        refreshing.await.expect("the task that refreshes");
    }
    assert_eq!(subject.ended().await, ends, "each is on record once, in their order");
}

async fn of_concurrent_ends_of_one_session_exactly_one_ends_it(subject: &Subject) {
    for _ in 0..5 {
        let device = subject.device().await;
        let answers = at_once(subject, |store| {
            let (key, proof) = (device.key, device.proof());
            async move { store.end_session(key, Some(&proof)).await }
        })
        .await;
        assert_eq!(answers.iter().filter(|answer| **answer == EndOutcome::Ended).count(), 1);
        assert_eq!(answers.iter().filter(|answer| **answer == EndOutcome::WasGone).count(), MANY - 1);
        let entries = subject.ended().await.into_iter().filter(|entry| *entry == device.key.id.to_string());
        assert_eq!(entries.count(), 1);
    }
}

async fn of_concurrent_forgivings_of_one_retry_exactly_one_is_recorded(subject: &Subject) {
    let device = subject.device().await;
    subject.assert_rotates(&device.token(0)).await;
    let answers = at_once(subject, |store| {
        let key = device.key;
        async move { store.forgive(key, Generation::FIRST, None).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, ForgiveOutcome::Forgiven(_))).count(), 1);
}

async fn of_concurrent_users_with_one_address_exactly_one_is_added(subject: &Subject) {
    let answers = at_once(subject, |store| {
        let user = new_user_at("ann@example.com");
        async move { store.add_user(&user).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, AddUserOutcome::Added(_))).count(), 1);
    assert_eq!(subject.store.list_users(None, 100).await.expect("no error").len(), 1);
}

/// PW-02
async fn of_concurrent_upgrades_of_one_hash_exactly_one_succeeds(subject: &Subject) {
    for _ in 0..5 {
        let user = subject.user().await;
        let number = AtomicUsize::new(0);
        let answers = at_once(subject, |store| {
            let (user, from) = (user.id, user.password_hash.clone());
            let to = PasswordHash::from_phc(format!("$argon2id${}", number.fetch_add(1, Ordering::SeqCst)));
            async move { Ok((store.upgrade_hash(user, &from, &to).await?, to)) }
        })
        .await;
        let mut upgraded = answers.into_iter().filter(|(answer, _)| *answer == UpgradeOutcome::Upgraded);
        let (_, kept) = upgraded.next().expect("one");
        assert!(upgraded.next().is_none(), "two");
        let found = subject.store.credentials(&user.email.key()).await.expect("no error");
        assert_eq!(found.expect("the user").password_hash, Some(kept));
    }
}

/// A caller may be cancelled at any moment. Then the verb has happened or not, but never by half, and the next verb can
/// use the connection.
async fn a_cancelled_end_happens_entirely_or_not_at_all(subject: &Subject) {
    for round in 0..200 {
        let device = subject.device().await;
        let limit = Duration::from_micros(round * 20);
        // Both outcomes, completed and cancelled, are fine.
        let _ = tokio::time::timeout(limit, subject.store.end_session(device.key, None)).await;
        let rotation = subject.store.rotate(&device.token(0), None).await.expect("no error");
        let recorded = subject.ended().await.contains(&device.key.id.to_string());
        match rotation {
            Rotation::Unknown => assert!(recorded, "gone, and not on record"),
            Rotation::Rotated(_) => {
                // The cancelled end may still be running, so either of the two ends the session.
                subject.end(device.key, None).await;
                subject.assert_unknown(&device.token(1)).await;
            }
            Rotation::NotCurrent(snapshot) | Rotation::Resent(snapshot) => panic!("{snapshot:?}"),
        }
        assert_eq!(subject.end(device.key, None).await, EndOutcome::WasGone);
        let entries = subject.ended().await.into_iter().filter(|entry| *entry == device.key.id.to_string());
        assert_eq!(entries.count(), 1);
    }
}

async fn concurrent_ends_of_all_sessions_end_each_session_once(subject: &Subject) {
    let user = subject.user().await;
    for _ in 0..20 {
        subject.open(&device_of(&user).sign_in(&user)).await;
    }
    let ended = at_once(subject, |store| async move { store.end_sessions_of(user.id, None).await });
    assert_eq!(ended.await.iter().sum::<u64>(), 20);
    assert_eq!(subject.ended().await.len(), 20);
}

async fn a_cancelled_end_of_all_sessions_happens_entirely_or_not_at_all(subject: &Subject) {
    for round in 0..50 {
        let user = subject.user().await;
        let devices = [(); 3].map(|()| device_of(&user));
        for device in &devices {
            subject.open(&device.sign_in(&user)).await;
        }
        let limit = Duration::from_micros(round * 80);
        // Both outcomes, completed and cancelled, are fine.
        let _ = tokio::time::timeout(limit, subject.store.end_sessions_of(user.id, None)).await;
        let left = subject.store.end_sessions_of(user.id, None).await.expect("ended");
        assert!(left == 0 || left == 3, "{left} of 3 were left");
        let recorded = subject.ended().await;
        for device in &devices {
            subject.assert_unknown(&device.token(0)).await;
            assert_eq!(recorded.iter().filter(|entry| **entry == device.key.id.to_string()).count(), 1);
        }
    }
}

/// Races a sign-in against a verb that must end its session or prevent it, on two stores, in many rounds.
async fn nothing_stays_open<F>(subject: &Subject, verb: impl Fn(Arc<dyn Store>, UserId) -> F)
where
    F: Future<Output = Result<ChangeOutcome, StoreError>> + Send + 'static,
{
    let (one, other) = (Arc::clone(&subject.store), subject.probe.another_store().await);
    for round in 0..200 {
        let user = subject.user().await;
        let device = device_of(&user);
        let start = Arc::new(Barrier::new(2));
        let signing_in = {
            let (store, start, session) = (Arc::clone(&one), Arc::clone(&start), device.sign_in(&user));
            tokio::spawn(async move {
                start.wait().await;
                spin(round % 20);
                store.open_session(&session).await.expect("no error")
            })
        };
        let changing = verb(Arc::clone(&other), user.id);
        start.wait().await;
        spin((199 - round) % 20);
        let ChangeOutcome::Changed { ended_sessions } = changing.await.expect("no error") else {
            panic!("refused")
        };
        let opened = matches!(signing_in.await.expect("the sign-in"), OpenOutcome::Opened(_));
        assert_eq!(ended_sessions, u64::from(opened), "what opened was ended, and nothing else");
        subject.assert_unknown(&device.token(0)).await;
        assert_eq!(subject.store.list_sessions(user.id, None, 9).await.expect("no error"), []);
    }
}

/// Delays by some microseconds, so that over the rounds the two calls overlap in different ways.
pub(super) fn spin(steps: u32) {
    for _ in 0..steps * 2_000 {
        std::hint::spin_loop();
    }
}

/// RT-09
async fn a_sign_in_that_races_a_password_change_leaves_no_session_open(subject: &Subject) {
    let hash = new_user_at("other@example.com").password_hash;
    nothing_stays_open(subject, |store, user_id| {
        let password = NewPassword { user_id, hash: hash.clone(), setter: PasswordSetter::Operator };
        async move { store.set_password(&password).await }
    })
    .await;
}

/// RT-09
async fn a_sign_in_that_races_disabling_leaves_no_session_open(subject: &Subject) {
    nothing_stays_open(subject, |store, user| async move { store.disable_user(user).await }).await;
}

/// RT-09
async fn a_session_that_is_refreshed_constantly_ends_when_its_user_is_disabled_or_deleted(subject: &Subject) {
    let other = subject.probe.another_store().await;
    for round in 0..100 {
        let device = subject.device().await;
        let user = device.key.user_id;
        let disabled = Arc::new(AtomicBool::new(false));
        let refreshing = {
            let (store, device, disabled) =
                (Arc::clone(&subject.store), device.clone(), Arc::clone(&disabled));
            tokio::spawn(async move {
                for number in 0.. {
                    let was_disabled = disabled.load(Ordering::SeqCst);
                    match store.rotate(&device.token(number), None).await.expect("no error") {
                        Rotation::Rotated(_) => assert!(!was_disabled, "rotated after it was acknowledged"),
                        Rotation::Unknown => break,
                        // Disabled, and about to be deleted.
                        Rotation::NotCurrent(snapshot) | Rotation::Resent(snapshot) => {
                            assert!(snapshot.owner.disabled, "{snapshot:?}");
                        }
                    }
                }
            })
        };
        tokio::task::yield_now().await;
        let ended = if round % 2 == 0 { other.disable_user(user) } else { other.delete_user(user) }.await;
        assert_eq!(ended.expect("no error"), ChangeOutcome::Changed { ended_sessions: 1 });
        disabled.store(true, Ordering::SeqCst);
        refreshing.await.expect("the task that refreshes");
    }
}

async fn of_concurrent_changes_of_one_password_exactly_one_succeeds(subject: &Subject) {
    let user = subject.user().await;
    let here = subject.another_device(&user).await;
    let answers = at_once(subject, |store| {
        let setter =
            PasswordSetter::SessionOwner { verified_hash: user.password_hash.clone(), session: here.key.id };
        let hash = new_user_at("other@example.com").password_hash;
        let password = NewPassword { user_id: user.id, hash, setter };
        async move { store.set_password(&password).await }
    })
    .await;
    let changed = ChangeOutcome::Changed { ended_sessions: 0 };
    assert_eq!(answers.iter().filter(|answer| **answer == changed).count(), 1);
    subject.assert_rotates(&here.token(0)).await;
}

async fn concurrent_ends_and_sweeps_do_not_deadlock(subject: &Subject) {
    for _ in 0..5 {
        let mut users = Vec::new();
        for _ in 0..2 {
            let user = subject.user().await;
            let mut keys = Vec::new();
            for number in 0..12 {
                let device = device_of(&user);
                let lifetime = (number % 3 == 0).then(|| TimeDelta::minutes(1));
                subject.open(&NewSession { lifetime, ..device.sign_in(&user) }).await;
                keys.push(device.key);
            }
            users.push((user.id, keys));
        }
        subject.clock.advance(REVOCATION_LIFETIME + TimeDelta::minutes(2));
        let next = AtomicUsize::new(0);
        at_once(subject, |store| {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let (user, keys) = users[number % 2].clone();
            async move {
                match number / 2 % 5 {
                    0 => store.end_sessions_of(user, None).await.map(|_| ()),
                    1 => store.sweep_sessions(None, 100, None).await.map(|_| ()),
                    2 => store.disable_user(user).await.map(|_| ()),
                    3 => store.prune_excess(keys[0], 5).await.map(|_| ()),
                    _ => {
                        for key in keys.into_iter().rev() {
                            store.end_session(key, None).await?;
                        }
                        Ok(())
                    }
                }
            }
        })
        .await;
        for (user, _) in users {
            assert_eq!(subject.store.list_sessions(user, None, 99).await.expect("no error"), []);
        }
    }
}
