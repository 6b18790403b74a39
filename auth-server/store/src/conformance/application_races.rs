//! Races around applications: what ends a session wins against what opens it, whichever comes first.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Barrier;

use super::Subject;
use super::applications::{Application, Browser, handle_of, scope};
use super::races::{at_once, spin};
use crate::{ChangeClientOutcome, EndOutcome, IssueCodeOutcome, SpendOutcome, Store};
use auth_domain::{Client, NewCode};

cases![
    of_concurrent_uses_of_one_code_exactly_one_opens_a_session,
    a_code_that_races_the_end_of_its_sign_in_leaves_no_session,
    a_code_that_races_the_end_of_all_sessions_leaves_no_session,
    a_code_that_races_the_withdrawal_of_the_consent_leaves_no_session,
    a_code_that_races_a_disabled_user_leaves_no_session,
    a_session_of_a_client_that_is_being_removed_is_older_than_the_entry_of_the_feed,
    a_code_that_is_issued_while_its_sign_in_ends_is_deleted_or_refused,
    a_sign_in_that_is_renewed_while_it_ends_is_gone,
    concurrent_consents_of_a_user_to_one_client_are_all_kept,
    a_consent_that_races_the_deletion_of_its_user_is_gone,
    ends_of_everything_at_once_do_not_deadlock,
];

const ROUNDS: u32 = 60;

async fn of_concurrent_uses_of_one_code_exactly_one_opens_a_session(subject: &Subject) {
    let client = subject.client().await;
    for round in 0..5 {
        let browser = subject.browser().await;
        let code = subject.code(&browser, &client, round % 2 == 0).await;
        let answers = at_once(subject, |store| {
            let (key, application) = (code.key.clone(), Application::of(&code));
            async move { store.spend_code(&key, &application.session).await }
        })
        .await;
        let (mut opened, mut named) = (Vec::new(), BTreeSet::new());
        for answer in answers {
            match answer {
                SpendOutcome::Opened(snapshot) => opened.push(snapshot.session.key),
                SpendOutcome::AlreadySpent(key) => drop(named.insert(key)),
                SpendOutcome::Refused => panic!("refused"),
            }
        }
        assert_eq!(opened.len(), 1, "{opened:?}");
        assert_eq!(named.into_iter().collect::<Vec<_>>(), opened);
        let sessions = subject.store.list_sessions(browser.user.id, None, 9).await.expect("no error");
        assert_eq!(sessions.len(), 2, "the sign-in and one session");
    }
}

/// What a round of a race starts with.
struct Round {
    client: Client,
    browser: Browser,
    code: NewCode,
}

/// Races the use of a code against another verb on another store, in many rounds. Returns what the use of the code
/// returned, with its session.
async fn race<F>(
    subject: &Subject,
    offline: bool,
    verb: impl Fn(Arc<dyn Store>, &Round) -> F,
) -> Vec<(Round, Application, SpendOutcome)>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (one, other) = (Arc::clone(&subject.store), subject.probe.another_store().await);
    let mut played = Vec::new();
    for number in 0..ROUNDS {
        let (client, browser) = (subject.client().await, subject.browser().await);
        subject.allow(browser.user.id, &client).await;
        let code = subject.code(&browser, &client, offline).await;
        let round = Round { client, browser, code };
        let application = Application::of(&round.code);
        let start = Arc::new(Barrier::new(2));
        let spending = {
            let (store, start) = (Arc::clone(&one), Arc::clone(&start));
            let (key, session) = (round.code.key.clone(), application.session.clone());
            tokio::spawn(async move {
                start.wait().await;
                spin(number % 20);
                store.spend_code(&key, &session).await.expect("no error")
            })
        };
        let ending = verb(Arc::clone(&other), &round);
        start.wait().await;
        spin((ROUNDS - 1 - number) % 20);
        ending.await;
        let spent = spending.await.expect("the use of the code");
        played.push((round, application, spent));
    }
    played
}

/// No session is left, each that was opened is on record, and no code is left that could open one.
async fn assert_ended(subject: &Subject, played: Vec<(Round, Application, SpendOutcome)>) {
    let recorded = subject.ended().await;
    for (round, application, spent) in played {
        assert!(!subject.exists(application.tokens.key).await, "{spent:?}");
        let found = subject.store.find_code(&round.code.key).await.expect("no error");
        let entries =
            recorded.iter().filter(|entry| **entry == application.tokens.key.id.to_string()).count();
        match spent {
            SpendOutcome::Opened(_) => {
                assert_eq!(entries, 1, "it was opened, and its end is not on record");
                assert_eq!(found.expect("the code").spent_for, Some(application.tokens.key.id));
            }
            SpendOutcome::Refused => {
                assert_eq!(entries, 0);
                assert_eq!(found, None);
            }
            SpendOutcome::AlreadySpent(key) => panic!("spent for {key:?}"),
        }
    }
}

async fn a_code_that_races_the_end_of_its_sign_in_leaves_no_session(subject: &Subject) {
    let played = race(subject, false, |store, round| {
        let key = round.browser.key();
        async move { assert_eq!(store.end_session(key, None).await.expect("no error"), EndOutcome::Ended) }
    })
    .await;
    assert_ended(subject, played).await;
}

async fn a_code_that_races_the_end_of_all_sessions_leaves_no_session(subject: &Subject) {
    let played = race(subject, true, |store, round| {
        let user = round.browser.user.id;
        async move {
            let _ = store.end_sessions_of(user, None).await.expect("no error");
        }
    })
    .await;
    assert_ended(subject, played).await;
}

async fn a_code_that_races_the_withdrawal_of_the_consent_leaves_no_session(subject: &Subject) {
    let played = race(subject, true, |store, round| {
        let (user, client) = (round.browser.user.id, round.client.id.clone());
        async move {
            let _ = store.withdraw_grant(user, &client).await.expect("no error");
        }
    })
    .await;
    assert_ended(subject, played).await;
}

async fn a_code_that_races_a_disabled_user_leaves_no_session(subject: &Subject) {
    let played = race(subject, true, |store, round| {
        let user = round.browser.user.id;
        async move {
            let _ = store.disable_user(user).await.expect("no error");
        }
    })
    .await;
    assert_ended(subject, played).await;
}

async fn a_session_of_a_client_that_is_being_removed_is_older_than_the_entry_of_the_feed(subject: &Subject) {
    let played = race(subject, true, |store, round| {
        let client = round.client.id.clone();
        async move {
            let removed = store.remove_client(&client).await.expect("no error");
            assert_eq!(removed, ChangeClientOutcome::Changed);
        }
    })
    .await;
    let entries = subject.probe.revocations().await;
    for (round, application, spent) in played {
        let entry = entries.iter().find(|entry| entry.subject == round.client.id.as_str()).expect("an entry");
        match spent {
            SpendOutcome::Opened(opened) => {
                assert!(
                    opened.now <= entry.created_at,
                    "a token of {} is not covered by {entry:?}",
                    opened.now
                );
            }
            SpendOutcome::Refused => assert!(!subject.exists(application.tokens.key).await),
            SpendOutcome::AlreadySpent(key) => panic!("spent for {key:?}"),
        }
    }
}

async fn a_code_that_is_issued_while_its_sign_in_ends_is_deleted_or_refused(subject: &Subject) {
    let other = subject.probe.another_store().await;
    let client = subject.client().await;
    for number in 0..ROUNDS {
        let browser = subject.browser().await;
        subject.allow(browser.user.id, &client).await;
        let code = browser.code(&client.id, false);
        let start = Arc::new(Barrier::new(2));
        let issuing = {
            let (store, start, code) = (Arc::clone(&other), Arc::clone(&start), code.clone());
            tokio::spawn(async move {
                start.wait().await;
                spin(number % 20);
                store.issue_code(&code).await.expect("no error")
            })
        };
        start.wait().await;
        spin((ROUNDS - 1 - number) % 20);
        assert_eq!(subject.end(browser.key(), None).await, EndOutcome::Ended);
        let issued = issuing.await.expect("the code");
        assert!(!subject.has_code(&code).await, "{issued:?}");
        assert_eq!(subject.issue(&code).await, IssueCodeOutcome::Refused);
    }
}

async fn a_sign_in_that_is_renewed_while_it_ends_is_gone(subject: &Subject) {
    let other = subject.probe.another_store().await;
    let client = subject.client().await;
    for number in 0..ROUNDS {
        let browser = subject.browser().await;
        let application = subject.application(&browser, &client, false).await;
        let to = handle_of(browser.key());
        let start = Arc::new(Barrier::new(2));
        let renewing = {
            let (store, start, to) = (Arc::clone(&other), Arc::clone(&start), to.clone());
            let (session, hash) = (browser.key(), browser.user.password_hash.clone());
            tokio::spawn(async move {
                start.wait().await;
                spin(number % 20);
                store.renew_sign_in(session, &to.hash, &hash).await.expect("no error")
            })
        };
        start.wait().await;
        spin((ROUNDS - 1 - number) % 20);
        assert_eq!(subject.end(browser.key(), None).await, EndOutcome::Ended);
        renewing.await.expect("the renewal");
        for key in [&browser.sign_in, &to] {
            assert_eq!(subject.store.find_sign_in(key).await.expect("no error"), None);
        }
        subject.assert_unknown(&application.tokens.token(0)).await;
    }
}

/// Both the first consents, which find no row that they could lock, and later ones.
async fn concurrent_consents_of_a_user_to_one_client_are_all_kept(subject: &Subject) {
    let client = subject.client().await;
    for _ in 0..5 {
        let user = subject.user().await.id;
        let number = std::sync::atomic::AtomicUsize::new(0);
        let allowed = at_once(subject, |store| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let (client, word) = (client.id.clone(), format!("word{number}"));
            async move {
                let resource = [format!("https://{word}.example")];
                store.put_grant(user, &client, &scope(&word), &resource).await?;
                Ok(word)
            }
        })
        .await;
        assert!(allowed.len() > 1);
        let grant = subject.store.find_grant(user, &client.id).await.expect("no error").expect("a grant");
        for word in allowed {
            let is_kept =
                grant.scope.contains(&word) && grant.resources.contains(&format!("https://{word}.example"));
            assert!(is_kept, "{word} {grant:?}");
        }
    }
}

async fn a_consent_that_races_the_deletion_of_its_user_is_gone(subject: &Subject) {
    let other = subject.probe.another_store().await;
    let client = subject.client().await;
    for number in 0..ROUNDS {
        let user = subject.user().await.id;
        let start = Arc::new(Barrier::new(2));
        let allowing = {
            let (store, start, client) = (Arc::clone(&other), Arc::clone(&start), client.clone());
            tokio::spawn(async move {
                start.wait().await;
                spin(number % 20);
                store.put_grant(user, &client.id, &client.scope, &[]).await.expect("no error");
            })
        };
        start.wait().await;
        spin((ROUNDS - 1 - number) % 20);
        subject.store.delete_user(user).await.expect("no error");
        allowing.await.expect("the consent");
        assert_eq!(subject.store.list_grants(user).await.expect("no error"), []);
    }
}

async fn ends_of_everything_at_once_do_not_deadlock(subject: &Subject) {
    for _ in 0..3 {
        let (client, browser) = (subject.client().await, subject.browser().await);
        let second = subject.another_browser(&browser.user).await;
        for number in 0..6 {
            let browser = if number % 2 == 0 { &browser } else { &second };
            subject.application(browser, &client, number == 5).await;
        }
        let number = std::sync::atomic::AtomicUsize::new(0);
        let (user, keys) = (browser.user.id, [browser.key(), second.key()]);
        at_once(subject, |store| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let client = client.id.clone();
            async move {
                match number % 4 {
                    0 => store.end_sessions_of(user, Some(keys[0].id)).await.map(drop),
                    1 => store.withdraw_grant(user, &client).await.map(drop),
                    2 => store.end_session(keys[number / 4 % 2], None).await.map(drop),
                    _ => store.prune_excess(keys[0], 2).await.map(drop),
                }
            }
        })
        .await;
        assert_eq!(subject.store.list_sessions(user, None, 9).await.expect("no error"), []);
    }
}
