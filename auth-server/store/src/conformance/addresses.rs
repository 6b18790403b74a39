//! E-mail addresses: registrations, changes and deletions race on two stores, as they do on two servers. Each address
//! has one user or is free. After every case of the suite, the keys in `users` and `emails` are compared.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::Subject;
use super::fixtures::{id, new_user, new_user_at};
use super::races::at_once;
use crate::{AddUserOutcome, ChangeOutcome, SetEmailOutcome, Store};
use auth_domain::{Email, NewUser, UserId};

cases![
    a_failed_registration_keeps_no_address,
    an_address_that_its_user_leaves_goes_to_one_of_those_who_claim_it,
    two_users_cannot_exchange_addresses_by_changing_them,
    a_user_who_is_changed_and_deleted_at_the_same_time_keeps_no_address,
    a_cancelled_change_of_an_address_happens_entirely_or_not_at_all,
    a_cancelled_registration_or_deletion_happens_entirely_or_not_at_all,
    addresses_are_unique_while_many_users_come_change_and_go,
];

/// How often to look for the effect of a commit that appears on one server after the other.
const MAX_LOOKUPS: usize = 1_000;

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

async fn holder(subject: &Subject, address: &Email) -> Option<UserId> {
    let found = subject.store.credentials(&address.key()).await.expect("no error");
    found.map(|found| found.user_id)
}

async fn set(store: &dyn Store, user: &NewUser, to: &Email) -> SetEmailOutcome {
    store.set_email(user.id, to, true).await.expect("no error")
}

/// Where a commit appears on one node after the other, a look-up in between finds no user.
async fn assert_holder(subject: &Subject, address: &Email, expected: Option<UserId>) {
    let mut found = holder(subject, address).await;
    for _ in 0..MAX_LOOKUPS {
        if subject.probe.commits_appear_at_once() || found == expected {
            break;
        }
        found = holder(subject, address).await;
    }
    assert_eq!(found, expected, "{address}");
}

/// The address is free, so a new user gets it.
async fn assert_free(subject: &Subject, address: &Email) {
    assert_holder(subject, address, None).await;
    subject.add(&new_user_at(address.as_str())).await;
}

/// Each user has one row in `emails`, with the same key, and there is no other row.
pub(super) async fn assert_keys_agree(subject: &Subject) {
    let mut stray = subject.probe.stray_email_keys().await;
    for _ in 0..MAX_LOOKUPS {
        if subject.probe.commits_appear_at_once() || stray.is_empty() {
            break;
        }
        stray = subject.probe.stray_email_keys().await;
    }
    assert_eq!(stray, Vec::<String>::new());
}

async fn a_failed_registration_keeps_no_address(subject: &Subject) {
    let user = subject.user().await;
    let again = NewUser { id: user.id, ..new_user() };
    subject.store.add_user(&again).await.expect_err("the id is taken");
    assert_keys_agree(subject).await;
    assert_free(subject, &again.email).await;
}

/// Four of 32 calls make the user leave, by a change or by deletion; all others claim the address.
async fn an_address_that_its_user_leaves_goes_to_one_of_those_who_claim_it(subject: &Subject) {
    for round in 0..20 {
        let contested = email(&format!("contested{round}@example.com"));
        let leaving = new_user_at(contested.as_str());
        subject.add(&leaving).await;
        let number = AtomicUsize::new(0);
        let mut claimants = Vec::new();
        for _ in 0..14 {
            claimants.push(subject.user().await);
        }
        let claimed = at_once(subject, |store| {
            let number = number.fetch_add(1, Ordering::Relaxed);
            let (contested, leaving, claimant) =
                (contested.clone(), leaving.clone(), claimants[number / 2 % claimants.len()].clone());
            async move {
                Ok(match number {
                    28.. if round % 2 == 0 => {
                        store.delete_user(leaving.id).await?;
                        None
                    }
                    28.. => {
                        let elsewhere = email(&format!("elsewhere{round}@example.com"));
                        assert_eq!(set(store.as_ref(), &leaving, &elsewhere).await, SetEmailOutcome::Set);
                        None
                    }
                    _ if number.is_multiple_of(2) => {
                        let user = new_user_at(contested.as_str());
                        let added = matches!(store.add_user(&user).await?, AddUserOutcome::Added(_));
                        added.then_some(user.id)
                    }
                    _ => {
                        let is_set = set(store.as_ref(), &claimant, &contested).await == SetEmailOutcome::Set;
                        is_set.then_some(claimant.id)
                    }
                })
            }
        })
        .await;
        let winners: Vec<UserId> = claimed.into_iter().flatten().collect();
        assert!(winners.len() <= 1, "{winners:?}");
        assert_holder(subject, &contested, winners.first().copied()).await;
        assert_keys_agree(subject).await;
        if winners.is_empty() {
            assert_free(subject, &contested).await;
        }
    }
}

async fn two_users_cannot_exchange_addresses_by_changing_them(subject: &Subject) {
    let users = [subject.user().await, subject.user().await];
    let number = AtomicUsize::new(0);
    let outcomes = at_once(subject, |store| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        let (user, other) = (users[number % 2].clone(), users[(number + 1) % 2].clone());
        async move { Ok(set(store.as_ref(), &user, &other.email).await) }
    });
    assert!(outcomes.await.iter().all(|outcome| *outcome == SetEmailOutcome::EmailTaken));
    for user in users {
        assert_holder(subject, &user.email, Some(user.id)).await;
    }
}

async fn a_user_who_is_changed_and_deleted_at_the_same_time_keeps_no_address(subject: &Subject) {
    for round in 0..20 {
        let user = subject.user().await;
        let next = move |number: usize| email(&format!("next{number}-{round}@example.com"));
        let number = AtomicUsize::new(0);
        let deleted = at_once(subject, |store| {
            let (user, number) = (user.clone(), number.fetch_add(1, Ordering::Relaxed));
            async move {
                if number >= 30 {
                    return store.delete_user(user.id).await;
                }
                match store.set_email(user.id, &next(number % 3), true).await? {
                    SetEmailOutcome::Set | SetEmailOutcome::UnknownUser => Ok(ChangeOutcome::Refused),
                    SetEmailOutcome::EmailTaken => panic!("the user itself has it"),
                }
            }
        })
        .await;
        let deleted = deleted.iter().filter(|outcome| **outcome != ChangeOutcome::Refused).count();
        assert_eq!(deleted, 1);
        assert_keys_agree(subject).await;
        for address in [user.email, next(0), next(1), next(2)] {
            assert_free(subject, &address).await;
        }
    }
}

/// A cancelled call may still be running, and may come after the next one.
async fn a_cancelled_change_of_an_address_happens_entirely_or_not_at_all(subject: &Subject) {
    for round in 0..50 {
        let user = subject.user().await;
        let [next, last] = ["next", "last"].map(|name| email(&format!("{name}{round}@example.com")));
        let limit = Duration::from_micros(round * 50);
        // Both outcomes, completed and cancelled, are fine.
        let _ = tokio::time::timeout(limit, subject.store.set_email(user.id, &next, true)).await;
        assert_keys_agree(subject).await;
        assert_eq!(set(subject.store.as_ref(), &user, &last).await, SetEmailOutcome::Set);
        assert_keys_agree(subject).await;
        assert_free(subject, &user.email).await;
    }
}

/// A cancelled call may still be running, and may come after the next one.
async fn a_cancelled_registration_or_deletion_happens_entirely_or_not_at_all(subject: &Subject) {
    for round in 0..50 {
        let user = new_user();
        let others = [(); 2].map(|()| new_user_at(user.email.as_str()));
        let limit = Duration::from_micros(round * 50);
        // Both outcomes, completed and cancelled, are fine.
        let _ = tokio::time::timeout(limit, subject.store.add_user(&user)).await;
        let added = subject.store.add_user(&others[0]).await.expect("no error");
        let present = if added == AddUserOutcome::EmailTaken { user.id } else { others[0].id };
        assert_holder(subject, &user.email, Some(present)).await;
        let _ = tokio::time::timeout(limit, subject.store.delete_user(present)).await;
        subject.store.delete_user(present).await.expect("no error");
        assert_keys_agree(subject).await;
        let added = subject.store.add_user(&others[1]).await.expect("no error");
        let late = added == AddUserOutcome::EmailTaken && present != user.id;
        let present = if late { user.id } else { others[1].id };
        assert_holder(subject, &user.email, Some(present)).await;
    }
}

/// Each of six tasks owns one user, whom it adds, changes and deletes. All want the same four addresses.
async fn addresses_are_unique_while_many_users_come_change_and_go(subject: &Subject) {
    let addresses = ["a", "b", "c", "d"].map(|name| email(&format!("{name}@example.com")));
    let mut owners = JoinSet::new();
    for owner in 0..6_usize {
        let store =
            if owner % 2 == 0 { Arc::clone(&subject.store) } else { subject.probe.another_store().await };
        let addresses = addresses.clone();
        owners.spawn(async move {
            let user = UserId(id());
            let mut present = false;
            for step in 0..60_usize {
                let address = &addresses[(owner * 7 + step * (owner + 1)) % addresses.len()];
                if !present {
                    let new = NewUser { id: user, ..new_user_at(address.as_str()) };
                    present = store.add_user(&new).await.expect("no error") != AddUserOutcome::EmailTaken;
                } else if step % 5 == owner % 5 {
                    let deleted = store.delete_user(user).await.expect("no error");
                    assert_eq!(deleted, ChangeOutcome::Changed { ended_sessions: 0 });
                    present = false;
                } else {
                    let set = store.set_email(user, address, true).await.expect("no error");
                    assert_ne!(set, SetEmailOutcome::UnknownUser);
                }
            }
            present.then_some(user)
        });
    }
    let mut present: Vec<UserId> = owners.join_all().await.into_iter().flatten().collect();
    assert_keys_agree(subject).await;
    let mut found = Vec::new();
    for address in &addresses {
        match holder(subject, address).await {
            Some(user) => found.push(user),
            None => assert_free(subject, address).await,
        }
    }
    present.sort();
    found.sort();
    assert_eq!(found, present);
}
