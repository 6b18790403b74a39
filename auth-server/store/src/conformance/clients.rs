//! Clients: they are found as they were registered, and removing one revokes what was issued to it.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::applications::{Application, new_client, scope, secret};
use super::fixtures::assert_about;
use super::races::at_once;
use crate::{
    AddClientOutcome, ChangeClientOutcome, IssueCodeOutcome, OpenApplicationOutcome, REVOCATION_LIFETIME,
    RevocationKind, Rotation, SpendOutcome,
};
use auth_domain::{Client, ClientAuthentication, ClientId, ClientOrigin};

cases![
    a_client_is_found_as_it_was_registered,
    an_id_belongs_to_one_client,
    clients_are_listed_in_the_order_of_their_ids,
    a_change_keeps_the_secrets_and_the_time,
    a_change_of_how_a_client_authenticates_replaces_the_secrets,
    an_unknown_client_is_not_changed,
    secrets_are_replaced_only_if_they_still_are_the_expected_ones,
    of_concurrent_changes_of_the_secrets_exactly_one_succeeds,
    a_removed_client_is_gone_and_its_tokens_are_revoked,
    an_interrupted_removal_leaves_nothing_to_the_next_client_of_that_id,
    no_code_is_issued_or_redeemed_for_a_removed_client,
    a_second_removal_is_a_later_entry_of_the_feed,
    what_belongs_to_a_removed_client_is_deleted_in_slices,
    a_session_that_was_refreshed_after_its_client_was_removed_has_an_entry_of_its_own,
];

async fn find(subject: &Subject, client: &Client) -> Option<Client> {
    subject.store.find_client(&client.id).await.expect("no error")
}

async fn change(subject: &Subject, client: &Client) -> ChangeClientOutcome {
    subject.store.change_client(client).await.expect("no error")
}

async fn a_client_is_found_as_it_was_registered(subject: &Subject) {
    let jwks = ClientAuthentication::PrivateKeyJwt(r#"{"keys":[]}"#.to_owned());
    for authentication in [new_client().authentication, ClientAuthentication::Public, jwks] {
        let client = Client { authentication, ..new_client() };
        let minimal = Client {
            redirect_uris: Vec::new(),
            scope: scope(""),
            resources: Vec::new(),
            first_party: true,
            implicit: false,
            rotation: false,
            home: None,
            logo: None,
            policy: Some("https://printer.example/policy".to_owned()),
            origin: ClientOrigin::File,
            ..Client { id: new_client().id, ..client.clone() }
        };
        for client in [client, minimal] {
            let added = subject.store.add_client(&client).await.expect("no error");
            assert_eq!(added, AddClientOutcome::Added);
            let found = find(subject, &client).await.expect("the client");
            assert_about(found.created_at, subject.clock.now());
            assert_eq!(found, Client { created_at: found.created_at, ..client });
        }
    }
    assert_eq!(find(subject, &new_client()).await, None);
}

async fn an_id_belongs_to_one_client(subject: &Subject) {
    let client = subject.client().await;
    let other = Client { id: client.id.clone(), name: "Another".to_owned(), ..new_client() };
    assert_eq!(subject.store.add_client(&other).await.expect("no error"), AddClientOutcome::IdTaken);
    assert_eq!(find(subject, &client).await.expect("the client").name, client.name);
}

async fn clients_are_listed_in_the_order_of_their_ids(subject: &Subject) {
    assert_eq!(subject.store.list_clients().await.expect("no error"), []);
    for id in ["b", "a", "C", "ä", "a-b", "aB"] {
        let client = Client { id: ClientId::new(id.to_owned()), ..new_client() };
        subject.store.add_client(&client).await.expect("no error");
    }
    let listed = subject.store.list_clients().await.expect("no error");
    let ids: Vec<_> = listed.iter().map(|client| client.id.as_str()).collect();
    assert_eq!(ids, ["C", "a", "a-b", "aB", "b", "ä"]);
    assert_eq!(Some(&listed[0]), find(subject, &listed[0]).await.as_ref());
}

async fn a_change_keeps_the_secrets_and_the_time(subject: &Subject) {
    let client = subject.client().await;
    let found = find(subject, &client).await.expect("the client");
    let changed = Client {
        id: client.id.clone(),
        name: "Another name".to_owned(),
        authentication: ClientAuthentication::Secret(vec![secret("three")]),
        redirect_uris: Vec::new(),
        scope: scope("photos:write"),
        resources: Vec::new(),
        first_party: true,
        implicit: false,
        rotation: false,
        home: None,
        logo: None,
        policy: Some("https://printer.example/policy".to_owned()),
        origin: ClientOrigin::File,
        created_at: found.created_at,
    };
    subject.clock.advance(TimeDelta::hours(1));
    assert_eq!(change(subject, &changed).await, ChangeClientOutcome::Changed);
    let expected = Client { authentication: client.authentication, ..changed };
    assert_eq!(find(subject, &expected).await, Some(expected));
}

async fn a_change_of_how_a_client_authenticates_replaces_the_secrets(subject: &Subject) {
    let client = subject.client().await;
    let jwks = |text: &str| ClientAuthentication::PrivateKeyJwt(text.to_owned());
    let ways = [
        ClientAuthentication::Public,
        jwks(r#"{"keys":[]}"#),
        jwks(r#"{"keys":[{}]}"#),
        ClientAuthentication::Secret(vec![secret("three")]),
    ];
    for authentication in ways {
        let changed = Client { authentication: authentication.clone(), ..client.clone() };
        assert_eq!(change(subject, &changed).await, ChangeClientOutcome::Changed);
        assert_eq!(find(subject, &client).await.expect("the client").authentication, authentication);
    }
}

async fn an_unknown_client_is_not_changed(subject: &Subject) {
    let client = new_client();
    assert_eq!(change(subject, &client).await, ChangeClientOutcome::Refused);
    let set = subject.store.set_client_secrets(&client.id, &[], &[]).await.expect("no error");
    assert_eq!(set, ChangeClientOutcome::Refused);
    let removed = subject.store.remove_client(&client.id).await.expect("no error");
    assert_eq!(removed, ChangeClientOutcome::Refused);
    assert_eq!(subject.probe.revocations().await, []);
    assert_eq!(subject.store.list_clients().await.expect("no error"), []);
}

async fn secrets_are_replaced_only_if_they_still_are_the_expected_ones(subject: &Subject) {
    let client = subject.client().await;
    let (old, new) = ([secret("one"), secret("two")], [secret("two"), secret("three")]);
    let set = async |from: &[_], to: &[_]| {
        subject.store.set_client_secrets(&client.id, from, to).await.expect("no error")
    };
    for wrong in [&[][..], &old[..1], &new, &[secret("two"), secret("one")]] {
        assert_eq!(set(wrong, &new).await, ChangeClientOutcome::Refused);
    }
    assert_eq!(set(&old, &new).await, ChangeClientOutcome::Changed);
    let found = find(subject, &client).await.expect("the client");
    assert_eq!(found.authentication, ClientAuthentication::Secret(new.to_vec()));
    assert_eq!(set(&old, &new).await, ChangeClientOutcome::Refused);

    let public = Client { authentication: ClientAuthentication::Public, ..new_client() };
    subject.store.add_client(&public).await.expect("no error");
    let refused = subject.store.set_client_secrets(&public.id, &[], &new).await.expect("no error");
    assert_eq!(refused, ChangeClientOutcome::Refused);
}

async fn of_concurrent_changes_of_the_secrets_exactly_one_succeeds(subject: &Subject) {
    for round in 0..5 {
        let client = subject.client().await;
        let number = std::sync::atomic::AtomicUsize::new(0);
        let answers = at_once(subject, |store| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let (id, to) = (client.id.clone(), vec![secret(&format!("{round} {number}"))]);
            async move {
                let from = [secret("one"), secret("two")];
                Ok((store.set_client_secrets(&id, &from, &to).await?, to))
            }
        })
        .await;
        let mut won = answers.into_iter().filter(|(answer, _)| *answer == ChangeClientOutcome::Changed);
        let (_, kept) = won.next().expect("one");
        assert!(won.next().is_none(), "two");
        let found = find(subject, &client).await.expect("the client");
        assert_eq!(found.authentication, ClientAuthentication::Secret(kept));
    }
}

async fn a_removed_client_is_gone_and_its_tokens_are_revoked(subject: &Subject) {
    let (client, other) = (subject.client().await, subject.client().await);
    let browser = subject.browser().await;
    let application = subject.application(&browser, &client, false).await;
    let issued = subject.assert_rotates(&application.tokens.token(0)).await.now;
    subject.remove(&client).await;

    assert_eq!(find(subject, &client).await, None);
    let entries = subject.probe.revocations().await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((entry.kind.as_str(), entry.subject.as_str()), ("client", client.id.as_str()));
    assert!(entry.created_at >= issued, "{entry:?} is older than a token");
    assert_eq!(entry.expires_at - entry.created_at, REVOCATION_LIFETIME);
    subject.clear(&client).await;
    let listed = subject.store.list_clients().await.expect("no error");
    assert_eq!(listed.iter().map(|client| &client.id).collect::<Vec<_>>(), [&other.id]);
    let again = subject.store.remove_client(&client.id).await.expect("no error");
    assert_eq!(again, ChangeClientOutcome::Refused);
    assert_eq!(subject.store.add_client(&client).await.expect("no error"), AddClientOutcome::Added);
}

async fn an_interrupted_removal_leaves_nothing_to_the_next_client_of_that_id(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let applications = [
        subject.application(&browser, &client, true).await,
        subject.application(&browser, &client, true).await,
    ];
    subject.remove(&client).await;
    for _ in 0..2 {
        assert_eq!(subject.store.add_client(&client).await.expect("no error"), AddClientOutcome::IdTaken);
        assert_eq!(find(subject, &client).await, None);
        assert!(subject.store.list_clients().await.expect("no error").iter().any(|one| one.id == client.id));
        assert!(subject.store.clear_removed_client(&client.id, 1).await.expect("no error") > 0);
    }
    // The second removal continues.
    subject.remove(&client).await;
    subject.clear(&client).await;
    assert_eq!(subject.store.add_client(&client).await.expect("no error"), AddClientOutcome::Added);
    let grant = subject.store.find_grant(browser.user.id, &client.id).await.expect("no error");
    assert_eq!(grant, None);
    for application in applications {
        assert!(!subject.exists(application.tokens.key).await);
    }
}

async fn no_code_is_issued_or_redeemed_for_a_removed_client(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let code = subject.code(&browser, &client, true).await;
    subject.remove(&client).await;
    let application = Application::of(&code);
    assert_eq!(subject.spend(&code, &application).await, SpendOutcome::Refused);
    assert_eq!(subject.open_without_code(&application).await, OpenApplicationOutcome::Refused);
    assert_eq!(subject.issue(&browser.code(&client.id, true)).await, IssueCodeOutcome::Refused);
    assert!(!subject.exists(application.tokens.key).await);
}

/// Readers that have read the first entry get the second one.
async fn a_second_removal_is_a_later_entry_of_the_feed(subject: &Subject) {
    let client = subject.client().await;
    subject.remove(&client).await;
    let read = async |after| subject.store.read_revocations(after, 10).await.expect("no error");
    let first = read(None).await;
    let [earlier] = first.entries.as_slice() else { panic!("{first:?}") };
    assert_eq!((earlier.kind, earlier.subject.as_str()), (RevocationKind::Client, client.id.as_str()));
    // Not at once in the newest entry, so that the order of the entries counts.
    subject.store.revoke_token(None, "a token").await.expect("no error");
    let second = read(Some(&first.next)).await;

    subject.clock.advance(TimeDelta::minutes(10));
    subject.clear(&client).await;
    assert_eq!(subject.store.add_client(&client).await.expect("no error"), AddClientOutcome::Added);
    subject.remove(&client).await;
    let third = read(Some(&second.next)).await;
    let later = third.entries.iter().find(|entry| entry.kind == RevocationKind::Client);
    let later = later.unwrap_or_else(|| panic!("{third:?}"));
    assert!(later.created_at - earlier.created_at >= TimeDelta::minutes(9), "{earlier:?} {later:?}");
    assert_eq!(later.expires_at - later.created_at, REVOCATION_LIFETIME);
    let all = subject.probe.revocations().await;
    assert_eq!(all.iter().filter(|entry| entry.kind == "client").count(), 1, "{all:?}");
    let newest = subject.store.newest_cursor().await.expect("no error");
    assert_eq!(all.last().map(|entry| entry.kind.as_str()), Some("client"));
    subject.store.read_revocations(Some(&newest), 10).await.expect("no error");
}

async fn what_belongs_to_a_removed_client_is_deleted_in_slices(subject: &Subject) {
    let (client, other) = (subject.client().await, subject.client().await);
    let mut gone = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..3 {
        let browser = subject.browser().await;
        for _ in 0..2 {
            gone.push(subject.application(&browser, &client, gone.len() % 2 == 0).await);
            kept.push((browser.user.id, subject.application(&browser, &other, true).await));
        }
        subject.allow(browser.user.id, &client).await;
        subject.allow(browser.user.id, &other).await;
    }
    subject.remove(&client).await;
    let clear = async || subject.store.clear_removed_client(&client.id, 4).await.expect("no error");
    // Six sessions, six codes and three consents.
    assert_eq!([clear().await, clear().await, clear().await], [11, 4, 0]);
    for application in gone {
        assert!(!subject.exists(application.tokens.key).await);
        let rotation = subject.store.rotate(&application.tokens.token(0), None).await.expect("no error");
        assert_eq!(rotation, Rotation::Unknown);
    }
    for (user, application) in kept {
        subject.assert_rotates(&application.tokens.token(0)).await;
        assert_eq!(subject.store.find_grant(user, &client.id).await.expect("no error"), None);
        assert!(subject.store.find_grant(user, &other.id).await.expect("no error").is_some());
    }
    assert_eq!(subject.ended().await, Vec::<String>::new(), "the entry of the client covers them");
}

/// The refresh is by a request that had found the client before its removal.
async fn a_session_that_was_refreshed_after_its_client_was_removed_has_an_entry_of_its_own(
    subject: &Subject,
) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let before = subject.application(&browser, &client, true).await;
    let late = subject.application(&browser, &client, true).await;
    subject.remove(&client).await;
    subject.clock.advance(TimeDelta::seconds(2));
    subject.assert_rotates(&late.tokens.token(0)).await;
    // Two sessions, two codes and the consent.
    assert_eq!(subject.store.clear_removed_client(&client.id, 9).await.expect("no error"), 5);
    assert_eq!(subject.ended().await, [late.tokens.key.id.to_string()]);
    for application in [before, late] {
        assert!(!subject.exists(application.tokens.key).await);
    }
}
