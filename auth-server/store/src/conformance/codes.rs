//! Authorization codes: each opens one session, under conditions that hold until it commits.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::applications::{Application, Browser, scope};
use super::fixtures::{assert_about, device_of};
use crate::{
    CODE_RETENTION, ChangeClientOutcome, IssueCodeOutcome, OpenApplicationOutcome, SpendOutcome, StoreError,
};
use auth_domain::{
    ApplicationSession, CODE_LIFETIME, Client, Generation, NewCode, NewSession, Session, SessionSnapshot,
    StoredCode,
};

cases![
    a_code_is_found_as_it_was_issued,
    a_code_is_issued_only_for_a_sign_in_that_exists,
    a_spent_code_opens_a_session_as_asked,
    a_code_is_spent_once_and_names_its_session_afterwards,
    a_repeated_call_returns_the_session_that_it_opened,
    an_expired_code_opens_nothing,
    a_code_opens_nothing_for_another_client_sign_in_or_user,
    without_a_consent_no_code_is_issued_and_no_session_opens,
    a_first_party_client_needs_no_consent,
    a_failed_check_does_not_spend_a_code,
    a_session_that_ends_with_its_sign_in_expires_no_later,
    an_application_opens_a_session_without_a_code_under_the_same_conditions,
    a_spent_code_is_kept_for_an_hour_after_it_expired,
    a_spent_code_and_its_session_are_stored_both_or_neither,
];

async fn find(subject: &Subject, code: &NewCode) -> Option<StoredCode> {
    subject.store.find_code(&code.key).await.expect("no error")
}

async fn a_code_is_found_as_it_was_issued(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let code = subject.code(&browser, &client, true).await;
    let found = find(subject, &code).await.expect("the code");
    assert_about(found.now, subject.clock.now());
    assert!((found.expires_at - found.now - CODE_LIFETIME).abs() < TimeDelta::minutes(1), "{found:?}");
    let expected = StoredCode {
        client_id: code.client_id.clone(),
        sign_in: code.sign_in,
        redirect_uri: code.redirect_uri.clone(),
        challenge: code.challenge,
        scope: code.scope.clone(),
        audience: code.audience.clone(),
        expires_at: found.expires_at,
        spent_for: None,
        now: found.now,
    };
    assert_eq!(found, expected);
    assert_eq!(find(subject, &browser.code(&client.id, true)).await, None);
    subject.clock.advance(TimeDelta::hours(1));

    // A second call changes nothing.
    let changed = NewCode { audience: "another".to_owned(), ..code.clone() };
    assert_eq!(subject.issue(&changed).await, IssueCodeOutcome::Issued);
    let again = find(subject, &code).await.expect("the code");
    assert_eq!((again.audience, again.expires_at), (code.audience, found.expires_at));
    let sign_in = subject.store.find_sign_in(&browser.sign_in).await.expect("no error").expect("the sign-in");
    assert_about(sign_in.session.last_used_at, sign_in.now);
    assert_about(sign_in.session.auth_time, sign_in.now - TimeDelta::hours(1));
}

async fn a_code_is_issued_only_for_a_sign_in_that_exists(subject: &Subject) {
    let client = subject.client().await;
    let user = subject.user().await;
    subject.allow(user.id, &client).await;
    let refused = async |browser: &Browser| {
        let code = browser.code(&client.id, false);
        assert_eq!(subject.issue(&code).await, IssueCodeOutcome::Refused);
        assert!(!subject.has_code(&code).await);
    };
    refused(&Browser { user: user.clone(), sign_in: Browser::new_session(&user).0 }).await;
    // A session with tokens.
    let device = subject.another_device(&user).await;
    let browser = subject.another_browser(&user).await;
    let sign_in = auth_domain::SignInKey { session: device.key, ..browser.sign_in.clone() };
    refused(&Browser { user: user.clone(), sign_in }).await;
    subject.end(browser.key(), None).await;
    refused(&browser).await;
    let short = subject.browser_for(&user, Some(TimeDelta::minutes(10))).await;
    subject.code(&short, &client, false).await;
    subject.clock.advance(TimeDelta::minutes(20));
    refused(&short).await;
    let other = subject.browser().await;
    subject.allow(other.user.id, &client).await;
    let of_another_user = NewCode { sign_in: other.key().id, ..browser.code(&client.id, false) };
    assert_eq!(subject.issue(&of_another_user).await, IssueCodeOutcome::Refused);
    let browser = subject.another_browser(&user).await;
    let unknown = browser.code(&super::applications::new_client().id, false);
    assert_eq!(subject.issue(&unknown).await, IssueCodeOutcome::Refused);
}

async fn a_spent_code_opens_a_session_as_asked(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let signed_in =
        subject.store.find_sign_in(&browser.sign_in).await.expect("no error").expect("the sign-in");
    subject.clock.advance(TimeDelta::minutes(30));
    for (offline, lifetime) in [(false, None), (true, Some(TimeDelta::days(90)))] {
        let code = subject.code(&browser, &client, offline).await;
        let mut application = Application::of(&code);
        application.session.lifetime = lifetime;
        let SessionSnapshot { session, owner, now } = subject.assert_spends(&code, &application).await;
        assert_about(now, subject.clock.now());
        let expected = Session {
            key: application.tokens.key,
            client_id: client.id.clone(),
            scope: code.scope.clone(),
            audience: vec![code.audience.clone()],
            auth_time: signed_in.session.auth_time,
            jti_hash: application.tokens.proof(),
            generation: Generation::FIRST,
            forgiven_generation: None,
            rotated_at: now,
            previous_rotated_at: None,
            last_used_at: now,
            expires_at: lifetime.map(|lifetime| now + lifetime),
            remember: false,
        };
        assert_eq!((&session, owner), (&expected, signed_in.owner.clone()));
        let found = subject.store.find_session(session.key).await.expect("no error").expect("the session");
        assert_eq!(found.session, session);
        let listed = subject.store.list_sessions(browser.user.id, None, 9).await.expect("no error");
        let listed = listed.into_iter().find(|listed| listed.id == session.key.id).expect("the session");
        let ApplicationSession { user_agent, ip, .. } = application.session.clone();
        assert_eq!((listed.created_at, listed.user_agent, listed.ip), (now, user_agent, ip));
        subject.assert_rotates(&application.tokens.token(0)).await;
    }
}

async fn a_code_is_spent_once_and_names_its_session_afterwards(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let code = subject.code(&browser, &client, true).await;
    let first = Application::of(&code);
    subject.assert_spends(&code, &first).await;
    assert_eq!(find(subject, &code).await.expect("the code").spent_for, Some(first.tokens.key.id));
    let spent_before = SpendOutcome::AlreadySpent(first.tokens.key);
    let second = Application::of(&code);
    assert_eq!(subject.spend(&code, &second).await, spent_before);
    assert!(!subject.exists(second.tokens.key).await);
    subject.assert_rotates(&first.tokens.token(0)).await;
    // Also when it has expired, its session has ended, and the user cannot sign in.
    subject.clock.advance(CODE_LIFETIME * 2);
    assert_eq!(subject.spend(&code, &second).await, spent_before);
    subject.end(first.tokens.key, None).await;
    assert_eq!(subject.spend(&code, &second).await, spent_before);
    subject.probe.disable(browser.user.id).await;
    assert_eq!(subject.spend(&code, &second).await, spent_before);
    // Another client learns nothing.
    let mut other = Application::of(&code);
    other.session.client_id = subject.client().await.id;
    assert_eq!(subject.spend(&code, &other).await, SpendOutcome::Refused);
}

/// The verb may be sent again when its answer was lost.
async fn a_repeated_call_returns_the_session_that_it_opened(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let code = subject.code(&browser, &client, false).await;
    let application = Application::of(&code);
    let first = subject.assert_spends(&code, &application).await;
    let again = subject.assert_spends(&code, &application).await;
    assert_eq!((again.session, again.owner), (first.session, first.owner));
    subject.end(application.tokens.key, None).await;
    assert_eq!(subject.spend(&code, &application).await, SpendOutcome::Refused);
}

async fn an_expired_code_opens_nothing(subject: &Subject) {
    subject.probe.stop_time().await;
    let (client, browser) = (subject.client().await, subject.browser().await);
    let (good, late) =
        (subject.code(&browser, &client, false).await, subject.code(&browser, &client, false).await);
    subject.clock.advance(CODE_LIFETIME - TimeDelta::microseconds(1));
    subject.assert_spends(&good, &Application::of(&good)).await;
    subject.clock.advance(TimeDelta::microseconds(1));
    let application = Application::of(&late);
    assert_eq!(subject.spend(&late, &application).await, SpendOutcome::Refused);
    assert!(!subject.exists(application.tokens.key).await);
    assert_eq!(find(subject, &late).await.expect("the code").spent_for, None);
}

async fn a_code_opens_nothing_for_another_client_sign_in_or_user(subject: &Subject) {
    let (client, other) = (subject.client().await, subject.client().await);
    let browser = subject.browser().await;
    let second = subject.another_browser(&browser.user).await;
    let stranger = subject.browser().await;
    subject.allow(browser.user.id, &other).await;
    subject.allow(stranger.user.id, &client).await;
    let code = subject.code(&browser, &client, true).await;
    let asked = [
        NewCode { client_id: other.id.clone(), ..code.clone() },
        NewCode { sign_in: second.key().id, ..code.clone() },
        NewCode { sign_in: subject.another_device(&browser.user).await.key.id, ..code.clone() },
        stranger.code(&client.id, true),
    ];
    for asked in asked {
        let application = Application::of(&asked);
        let spent = subject.store.spend_code(&code.key, &application.session).await.expect("no error");
        assert_eq!(spent, SpendOutcome::Refused, "{asked:?}");
        assert!(!subject.exists(application.tokens.key).await);
    }
    let unknown = browser.code(&client.id, true);
    assert_eq!(subject.spend(&unknown, &Application::of(&unknown)).await, SpendOutcome::Refused);
    subject.assert_spends(&code, &Application::of(&code)).await;
}

/// This includes a code that was stored after the withdrawal had deleted the others.
async fn without_a_consent_no_code_is_issued_and_no_session_opens(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    // The consent of another user, and that to another client.
    subject.allow(subject.user().await.id, &client).await;
    subject.allow(browser.user.id, &subject.client().await).await;
    let refused = async |code: &NewCode| {
        let application = Application::of(code);
        assert_eq!(subject.spend(code, &application).await, SpendOutcome::Refused);
        assert_eq!(subject.open_without_code(&application).await, OpenApplicationOutcome::Refused);
        assert!(!subject.exists(application.tokens.key).await);
        assert_eq!(subject.issue(&browser.code(&client.id, true)).await, IssueCodeOutcome::Refused);
    };
    refused(&browser.code(&client.id, true)).await;
    let code = subject.code(&browser, &client, true).await;
    subject.store.withdraw_grant(browser.user.id, &client.id).await.expect("no error");
    refused(&code).await;

    let mut changed = Client { first_party: true, ..client.clone() };
    change(subject, &changed).await;
    let code = browser.code(&client.id, true);
    assert_eq!(subject.issue(&code).await, IssueCodeOutcome::Issued);
    changed.first_party = false;
    change(subject, &changed).await;
    refused(&code).await;
    assert_eq!(find(subject, &code).await.expect("the code").spent_for, None);
}

async fn a_first_party_client_needs_no_consent(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    change(subject, &Client { first_party: true, ..client.clone() }).await;
    let code = browser.code(&client.id, false);
    assert_eq!(subject.issue(&code).await, IssueCodeOutcome::Issued);
    subject.assert_spends(&code, &Application::of(&code)).await;
    let opened = subject.open_without_code(&Application::of(&code)).await;
    assert!(matches!(opened, OpenApplicationOutcome::Opened(_)), "{opened:?}");
}

async fn change(subject: &Subject, client: &Client) {
    let changed = subject.store.change_client(client).await.expect("no error");
    assert_eq!(changed, ChangeClientOutcome::Changed);
}

async fn a_failed_check_does_not_spend_a_code(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let code = subject.code(&browser, &client, true).await;
    let application = Application::of(&code);
    subject.probe.disable(browser.user.id).await;
    assert_eq!(subject.spend(&code, &application).await, SpendOutcome::Refused);
    assert_eq!(subject.open_without_code(&application).await, OpenApplicationOutcome::Refused);
    subject.store.enable_user(browser.user.id).await.expect("no error");
    let found = find(subject, &code).await.expect("the code");
    assert_eq!(found.spent_for, None);
    subject.assert_spends(&code, &application).await;
}

async fn a_session_that_ends_with_its_sign_in_expires_no_later(subject: &Subject) {
    let (client, user) = (subject.client().await, subject.user().await);
    let browser = subject.browser_for(&user, Some(TimeDelta::hours(10))).await;
    let sign_in = subject.store.find_session(browser.key()).await.expect("no error").expect("the sign-in");
    let end = sign_in.session.expires_at;
    subject.clock.advance(TimeDelta::hours(8));
    let open = async |offline, lifetime: Option<i64>| {
        let code = subject.code(&browser, &client, offline).await;
        let mut application = Application::of(&code);
        application.session.lifetime = lifetime.map(TimeDelta::hours);
        let opened = subject.assert_spends(&code, &application).await;
        let expires_at = opened.session.expires_at;
        (application, expires_at, opened.now)
    };
    let (child, expires_at, _) = open(false, None).await;
    assert_eq!(expires_at, end);
    assert_eq!(open(false, Some(3)).await.1, end);
    let (_, expires_at, now) = open(false, Some(1)).await;
    assert_eq!(expires_at, Some(now + TimeDelta::hours(1)));
    let (offline, expires_at, _) = open(true, None).await;
    assert_eq!(expires_at, None);
    let (_, expires_at, now) = open(true, Some(3)).await;
    assert_eq!(expires_at, Some(now + TimeDelta::hours(3)));

    let code = subject.code(&browser, &client, true).await;
    subject.clock.advance(TimeDelta::hours(2) - TimeDelta::seconds(30));
    let late = subject.code(&browser, &client, true).await;
    subject.clock.advance(TimeDelta::seconds(31));
    subject.assert_rotates_nothing(&child.tokens.token(0)).await;
    subject.assert_rotates(&offline.tokens.token(0)).await;
    for code in [code, late] {
        let refused = subject.spend(&code, &Application::of(&code)).await;
        assert_eq!(refused, SpendOutcome::Refused, "the sign-in has expired");
    }
}

async fn an_application_opens_a_session_without_a_code_under_the_same_conditions(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let with_code = subject.application(&browser, &client, false).await;
    let expected = subject.store.find_session(with_code.tokens.key).await.expect("no error").expect("it");
    let application = Application::of(&browser.code(&client.id, false));
    let OpenApplicationOutcome::Opened(opened) = subject.open_without_code(&application).await else {
        panic!("refused")
    };
    let session = Session {
        key: with_code.tokens.key,
        jti_hash: with_code.tokens.proof(),
        rotated_at: expected.session.rotated_at,
        last_used_at: expected.session.last_used_at,
        ..opened.session.clone()
    };
    assert_eq!(session, expected.session);
    assert_eq!(opened.session.scope, scope("photos:read"));
    let device = device_of(&browser.user);
    subject.open(&NewSession { ..device.sign_in(&browser.user) }).await;
    let refused = async |application: &Application| {
        assert_eq!(subject.open_without_code(application).await, OpenApplicationOutcome::Refused);
        assert!(!subject.exists(application.tokens.key).await);
    };
    let code = browser.code(&client.id, true);
    refused(&Application::of(&NewCode { sign_in: device.key.id, ..code.clone() })).await;
    refused(&Application::of(&NewCode { client_id: super::applications::new_client().id, ..code.clone() }))
        .await;
    subject.end(browser.key(), None).await;
    subject.assert_unknown(&application.tokens.token(0)).await;
    refused(&Application::of(&code)).await;
    let short = subject.browser_for(&browser.user, Some(TimeDelta::minutes(1))).await;
    subject.clock.advance(TimeDelta::minutes(2));
    refused(&Application::of(&short.code(&client.id, true))).await;
}

async fn a_spent_code_is_kept_for_an_hour_after_it_expired(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let mut codes = Vec::new();
    for number in 0..5 {
        let code = subject.code(&browser, &client, true).await;
        if number % 2 == 0 {
            subject.assert_spends(&code, &Application::of(&code)).await;
        }
        codes.push(code);
        subject.clock.advance(TimeDelta::minutes(10));
    }
    let sweep = async |max| subject.store.sweep_codes(max).await.expect("no error");
    subject.clock.advance(CODE_LIFETIME + CODE_RETENTION - TimeDelta::minutes(50) - TimeDelta::seconds(50));
    assert_eq!(sweep(9).await, 0);
    // The fourth expired an hour ago, the fifth did not.
    subject.clock.advance(TimeDelta::minutes(35));
    assert_eq!([sweep(3).await, sweep(3).await, sweep(3).await], [3, 1, 0]);
    for (number, code) in codes.iter().enumerate() {
        assert_eq!(subject.has_code(code).await, number == 4, "{number}");
    }
}

async fn a_spent_code_and_its_session_are_stored_both_or_neither(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    subject.allow(browser.user.id, &client).await;
    let open = subject.application(&browser, &client, false).await;
    let code = subject.code(&browser, &client, false).await;
    let application = Application::of(&code);
    subject.probe.fail_commits(true).await;
    let errors = [
        subject.store.spend_code(&code.key, &application.session).await.err(),
        subject.store.open_application_session(&application.session).await.err(),
        subject.store.end_session(browser.key(), None).await.err(),
        subject.store.withdraw_grant(browser.user.id, &client.id).await.err(),
        subject.store.clear_removed_client(&client.id, 9).await.err(),
    ];
    subject.probe.fail_commits(false).await;
    for error in errors {
        assert!(matches!(error, Some(StoreError::Conflict(_))), "{error:?}");
    }
    assert!(!subject.exists(application.tokens.key).await);
    assert_eq!(find(subject, &code).await.expect("the code").spent_for, None);
    assert!(subject.store.find_grant(browser.user.id, &client.id).await.expect("no error").is_some());
    assert_eq!(subject.ended().await, Vec::<String>::new());
    subject.assert_rotates(&open.tokens.token(0)).await;
    subject.assert_spends(&code, &application).await;
}
