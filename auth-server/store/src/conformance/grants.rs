//! What users allowed clients, and what ends when they withdraw it.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::applications::{Application, scope};
use super::fixtures::assert_about;
use crate::{ChangeClientOutcome, ChangeOutcome, OpenApplicationOutcome, SpendOutcome};
use auth_domain::{Client, ClientId, Grant, UserId};

cases![
    a_grant_is_found_with_everything_that_was_put,
    grants_are_listed_in_the_order_of_their_clients,
    withdrawing_a_grant_ends_the_sessions_of_the_client_and_its_unspent_codes,
    withdrawing_without_a_grant_ends_the_sessions_too,
    deleting_a_user_deletes_the_grants,
    a_deleted_user_grants_nothing,
];

async fn find(subject: &Subject, user: UserId, client: &ClientId) -> Option<Grant> {
    subject.store.find_grant(user, client).await.expect("no error")
}

async fn withdraw(subject: &Subject, user: UserId, client: &ClientId) -> u64 {
    subject.store.withdraw_grant(user, client).await.expect("no error")
}

async fn a_grant_is_found_with_everything_that_was_put(subject: &Subject) {
    let (user, other) = (subject.user().await.id, subject.user().await.id);
    let client = ClientId::new("printer".to_owned());
    assert_eq!(find(subject, user, &client).await, None);
    let resources = ["https://photos.example".to_owned(), "https://other.example".to_owned()];
    for (words, more, all_words, all) in [
        ("photos:read", &resources[..1], "photos:read", &resources[..1]),
        ("photos:write", &resources[1..], "photos:read photos:write", &resources),
        ("", &[], "photos:read photos:write", &resources),
        ("photos:read", &resources[1..], "photos:read photos:write", &resources),
    ] {
        subject.clock.advance(TimeDelta::hours(1));
        subject.store.put_grant(user, &client, &scope(words), more).await.expect("no error");
        let found = find(subject, user, &client).await.expect("a grant");
        assert_about(found.granted_at, subject.clock.now());
        let expected = Grant {
            user_id: user,
            client_id: client.clone(),
            scope: scope(all_words),
            resources: all.to_vec(),
            granted_at: found.granted_at,
        };
        assert_eq!(found, expected);
    }
    assert_eq!(find(subject, other, &client).await, None);
    withdraw(subject, user, &client).await;
    subject.store.put_grant(user, &client, &scope("photos:write"), &[]).await.expect("no error");
    let found = find(subject, user, &client).await.expect("a grant");
    assert_eq!((found.scope, found.resources), (scope("photos:write"), Vec::new()), "nothing comes back");
}

async fn grants_are_listed_in_the_order_of_their_clients(subject: &Subject) {
    let (user, other) = (subject.user().await.id, subject.user().await.id);
    for id in ["b", "a", "C"] {
        let client = ClientId::new(id.to_owned());
        subject.store.put_grant(user, &client, &scope(id), &[]).await.expect("no error");
    }
    let listed = subject.store.list_grants(user).await.expect("no error");
    assert_eq!(listed.iter().map(|grant| grant.client_id.as_str()).collect::<Vec<_>>(), ["C", "a", "b"]);
    assert_eq!(Some(&listed[0]), find(subject, user, &listed[0].client_id).await.as_ref());
    assert_eq!(subject.store.list_grants(other).await.expect("no error"), []);
}

async fn withdrawing_a_grant_ends_the_sessions_of_the_client_and_its_unspent_codes(subject: &Subject) {
    let (client, other) = (subject.client().await, subject.client().await);
    let (browser, second) = (subject.browser().await, subject.browser().await);
    let second_user = second.user.id;
    for user in [browser.user.id, second_user] {
        subject.allow(user, &client).await;
        subject.allow(user, &other).await;
    }
    let ended = [
        subject.application(&browser, &client, false).await,
        subject.application(&browser, &client, true).await,
    ];
    let kept = [
        subject.application(&browser, &other, false).await,
        subject.application(&second, &client, false).await,
    ];
    let code = subject.code(&browser, &client, true).await;
    let kept_codes = [subject.code(&browser, &other, true).await, subject.code(&second, &client, true).await];

    assert_eq!(withdraw(subject, browser.user.id, &client.id).await, 2);

    assert_eq!(find(subject, browser.user.id, &client.id).await, None);
    assert!(find(subject, browser.user.id, &other.id).await.is_some());
    assert!(find(subject, second_user, &client.id).await.is_some());
    for application in &ended {
        subject.assert_unknown(&application.tokens.token(0)).await;
    }
    let mut entries = subject.ended().await;
    entries.sort();
    assert_eq!(entries, ended.map(|application| application.tokens.key.id.to_string()));
    for application in kept {
        subject.assert_rotates(&application.tokens.token(0)).await;
    }
    assert_eq!(subject.spend(&code, &Application::of(&code)).await, SpendOutcome::Refused);
    for code in kept_codes {
        subject.assert_spends(&code, &Application::of(&code)).await;
    }
    assert!(subject.exists(browser.key()).await);
    assert_eq!(withdraw(subject, browser.user.id, &client.id).await, 0);
}

/// A first-party client needs no grant.
async fn withdrawing_without_a_grant_ends_the_sessions_too(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let changed = Client { first_party: true, ..client.clone() };
    let changed = subject.store.change_client(&changed).await.expect("no error");
    assert_eq!(changed, ChangeClientOutcome::Changed);
    let application = Application::of(&browser.code(&client.id, true));
    let opened = subject.open_without_code(&application).await;
    assert!(matches!(opened, OpenApplicationOutcome::Opened(_)), "{opened:?}");
    assert_eq!(withdraw(subject, browser.user.id, &client.id).await, 1);
    subject.assert_unknown(&application.tokens.token(0)).await;
}

async fn deleting_a_user_deletes_the_grants(subject: &Subject) {
    let (client, browser, other) = (subject.client().await, subject.browser().await, subject.browser().await);
    subject.allow(browser.user.id, &client).await;
    subject.allow(other.user.id, &client).await;
    let code = subject.code(&browser, &client, true).await;
    let spent = subject.code(&browser, &client, true).await;
    subject.assert_spends(&spent, &Application::of(&spent)).await;
    let deleted = subject.store.delete_user(browser.user.id).await.expect("no error");
    assert_eq!(deleted, ChangeOutcome::Changed { ended_sessions: 2 });
    assert_eq!(subject.store.list_grants(browser.user.id).await.expect("no error"), []);
    assert!(!subject.has_code(&code).await && !subject.has_code(&spent).await);
    assert!(find(subject, other.user.id, &client.id).await.is_some());
}

async fn a_deleted_user_grants_nothing(subject: &Subject) {
    let (client, user) = (subject.client().await, subject.user().await.id);
    subject.store.delete_user(user).await.expect("no error");
    subject.allow(user, &client).await;
    assert_eq!(find(subject, user, &client.id).await, None);
}
