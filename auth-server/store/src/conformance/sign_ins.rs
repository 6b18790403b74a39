//! Sign-ins: they are found by their handle only, and the sessions of applications end with them.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::applications::{Application, Browser, handle_of};
use super::fixtures::{assert_about, device_of, new_user};
use super::races::at_once;
use crate::{ChangeOutcome, EndOutcome, REVOCATION_LIFETIME, SpendOutcome};
use auth_domain::{NewPassword, NewSession, PasswordSetter, SessionId, SessionKey, SignInKey};

cases![
    a_sign_in_is_found_by_its_handle,
    a_session_with_tokens_is_no_sign_in,
    renewing_a_sign_in_gives_it_another_handle_and_time_and_keeps_its_sessions,
    a_sign_in_is_renewed_only_by_an_enabled_user_with_the_verified_password_before_it_expires,
    a_sign_in_has_the_handle_of_its_last_renewal_only,
    ending_a_sign_in_ends_the_sessions_of_its_applications_and_its_unspent_codes,
    ending_the_session_of_an_application_ends_nothing_else,
    ending_all_sessions_but_a_sign_in_keeps_what_belongs_to_it,
    setting_the_password_keeps_what_belongs_to_the_sign_in_of_its_setter,
    disabling_a_user_deletes_the_unspent_codes,
    pruning_a_sign_in_ends_the_sessions_of_its_applications_but_never_the_sign_in_of_the_new_one,
    sweeping_a_sign_in_ends_the_sessions_of_its_applications,
];

async fn find(subject: &Subject, key: &SignInKey) -> Option<auth_domain::SessionSnapshot> {
    subject.store.find_sign_in(key).await.expect("no error")
}

async fn renew(subject: &Subject, browser: &Browser, to: &SignInKey) -> Option<auth_domain::SessionSnapshot> {
    let renewal = subject.store.renew_sign_in(browser.key(), &to.hash, &browser.user.password_hash);
    renewal.await.expect("no error")
}

/// The ids of ended sessions, sorted.
async fn ended(subject: &Subject) -> Vec<String> {
    let mut ended = subject.ended().await;
    ended.sort();
    ended
}

fn session_ids(keys: &[SessionKey]) -> Vec<String> {
    let mut names: Vec<_> = keys.iter().map(|key| key.id.to_string()).collect();
    names.sort();
    names
}

async fn a_sign_in_is_found_by_its_handle(subject: &Subject) {
    let browser = subject.browser().await;
    let found = find(subject, &browser.sign_in).await.expect("the sign-in");
    let loaded = subject.store.find_session(browser.key()).await.expect("no error").expect("the session");
    assert_eq!((found.session, found.owner), (loaded.session, loaded.owner));
    assert_about(found.now, subject.clock.now());

    let other = subject.another_browser(&browser.user).await;
    for wrong in [
        handle_of(browser.key()),
        SignInKey { hash: other.sign_in.hash.clone(), ..browser.sign_in.clone() },
        SignInKey { session: other.key(), ..browser.sign_in.clone() },
    ] {
        assert_eq!(find(subject, &wrong).await, None);
    }
    // An expired one, and that of a disabled user.
    let short = subject.browser_for(&browser.user, Some(TimeDelta::minutes(10))).await;
    subject.clock.advance(TimeDelta::minutes(20));
    subject.probe.disable(browser.user.id).await;
    let found = find(subject, &short.sign_in).await.expect("the sign-in");
    assert!(found.owner.disabled && found.session.is_over(found.now, None));
}

async fn a_session_with_tokens_is_no_sign_in(subject: &Subject) {
    let user = subject.user().await;
    let device = subject.another_device(&user).await;
    let sign_in = handle_of(device.key);
    assert_eq!(find(subject, &sign_in).await, None);
    let browser = Browser { user, sign_in };
    assert_eq!(renew(subject, &browser, &handle_of(device.key)).await, None);
    assert_eq!(find(subject, &browser.sign_in).await, None);
}

async fn renewing_a_sign_in_gives_it_another_handle_and_time_and_keeps_its_sessions(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let application = subject.application(&browser, &client, false).await;
    let before = find(subject, &browser.sign_in).await.expect("the sign-in").session;
    subject.clock.advance(TimeDelta::hours(1));
    let to = handle_of(browser.key());

    let renewed = renew(subject, &browser, &to).await.expect("renewed");

    assert_about(renewed.now, subject.clock.now());
    assert_eq!((renewed.session.auth_time, renewed.session.last_used_at), (renewed.now, renewed.now));
    assert_eq!(find(subject, &to).await.expect("the sign-in").session, renewed.session);
    assert_eq!(find(subject, &browser.sign_in).await, None, "the old handle");
    let (auth_time, last_used_at) = (before.auth_time, before.last_used_at);
    assert_eq!(auth_domain::Session { auth_time, last_used_at, ..renewed.session }, before);
    // Its applications keep the time at which the user signed in for them, and still end with it.
    let rotated = subject.assert_rotates(&application.tokens.token(0)).await;
    assert_eq!(rotated.session.auth_time, auth_time);
    subject.end(browser.key(), None).await;
    subject.assert_unknown(&application.tokens.token(1)).await;
}

async fn a_sign_in_is_renewed_only_by_an_enabled_user_with_the_verified_password_before_it_expires(
    subject: &Subject,
) {
    let browser = subject.browser().await;
    let to = handle_of(browser.key());
    let other = Browser {
        user: auth_domain::NewUser { password_hash: new_user().password_hash, ..browser.user.clone() },
        sign_in: browser.sign_in.clone(),
    };
    assert_eq!(renew(subject, &other, &to).await, None, "another password");
    let short = subject.browser_for(&browser.user, Some(TimeDelta::minutes(10))).await;
    subject.clock.advance(TimeDelta::minutes(20));
    assert_eq!(renew(subject, &short, &handle_of(short.key())).await, None, "expired");
    subject.probe.disable(browser.user.id).await;
    assert_eq!(renew(subject, &browser, &to).await, None, "disabled");
    assert!(find(subject, &browser.sign_in).await.is_some());
    assert_eq!(find(subject, &to).await, None);
}

/// A form that is sent twice arrives with the old handle again.
async fn a_sign_in_has_the_handle_of_its_last_renewal_only(subject: &Subject) {
    let browser = subject.browser().await;
    let answers = at_once(subject, |store| {
        let to = handle_of(browser.key());
        let (session, hash) = (browser.key(), browser.user.password_hash.clone());
        async move { Ok((store.renew_sign_in(session, &to.hash, &hash).await?, to)) }
    })
    .await;
    let mut valid = 0;
    for (renewed, to) in answers {
        assert!(renewed.is_some());
        valid += usize::from(find(subject, &to).await.is_some());
    }
    assert_eq!(valid, 1);
    assert_eq!(subject.store.list_sessions(browser.user.id, None, 9).await.expect("no error").len(), 1);
}

async fn ending_a_sign_in_ends_the_sessions_of_its_applications_and_its_unspent_codes(subject: &Subject) {
    let (client, other) = (subject.client().await, subject.client().await);
    let browser = subject.browser().await;
    let second = subject.another_browser(&browser.user).await;
    let children = [
        subject.application(&browser, &client, false).await,
        subject.application(&browser, &client, false).await,
        subject.application(&browser, &other, false).await,
    ];
    let kept = [
        subject.application(&browser, &client, true).await,
        subject.application(&second, &client, false).await,
    ];
    let code = subject.code(&browser, &client, true).await;
    let code_of_second = subject.code(&second, &client, true).await;
    let spent = subject.code(&browser, &client, true).await;
    let offline = Application::of(&spent);
    subject.assert_spends(&spent, &offline).await;

    assert_eq!(subject.end(browser.key(), None).await, EndOutcome::Ended);

    for application in &children {
        subject.assert_unknown(&application.tokens.token(0)).await;
    }
    let keys = children.map(|application| application.tokens.key);
    assert_eq!(ended(subject).await, session_ids(&[&keys[..], &[browser.key()]].concat()));
    for application in kept {
        subject.assert_rotates(&application.tokens.token(0)).await;
    }
    assert!(subject.exists(second.key()).await);
    assert!(!subject.has_code(&code).await);
    assert_eq!(subject.spend(&code, &Application::of(&code)).await, SpendOutcome::Refused);
    subject.assert_spends(&code_of_second, &Application::of(&code_of_second)).await;
    // A second use of a code is noticed all the same.
    let again = subject.spend(&spent, &Application::of(&spent)).await;
    assert_eq!(again, SpendOutcome::AlreadySpent(offline.tokens.key));
}

async fn ending_the_session_of_an_application_ends_nothing_else(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let application = subject.application(&browser, &client, false).await;
    let other = subject.application(&browser, &client, false).await;
    let code = subject.code(&browser, &client, false).await;
    let ended = subject.end(application.tokens.key, Some(&application.tokens.proof())).await;
    assert_eq!(ended, EndOutcome::Ended);
    subject.assert_unknown(&application.tokens.token(0)).await;
    assert_eq!(subject.ended().await, session_ids(&[application.tokens.key]));
    assert!(subject.exists(browser.key()).await);
    subject.assert_rotates(&other.tokens.token(0)).await;
    subject.assert_spends(&code, &Application::of(&code)).await;
}

/// A sign-in with an application and a code, and another one whose application must end.
struct TwoBrowsers {
    here: Browser,
    kept: Application,
    kept_code: auth_domain::NewCode,
    elsewhere: Browser,
    ends: [Application; 2],
    ended_code: auth_domain::NewCode,
}

async fn two_browsers(subject: &Subject) -> TwoBrowsers {
    let client = subject.client().await;
    let here = subject.browser().await;
    let elsewhere = subject.another_browser(&here.user).await;
    TwoBrowsers {
        kept: subject.application(&here, &client, false).await,
        kept_code: subject.code(&here, &client, false).await,
        ends: [
            subject.application(&elsewhere, &client, false).await,
            subject.application(&elsewhere, &client, true).await,
        ],
        ended_code: subject.code(&elsewhere, &client, true).await,
        here,
        elsewhere,
    }
}

async fn assert_only_here(subject: &Subject, browsers: TwoBrowsers) {
    let TwoBrowsers { here, kept, kept_code, elsewhere, ends, ended_code } = browsers;
    subject.assert_rotates(&kept.tokens.token(0)).await;
    subject.assert_spends(&kept_code, &Application::of(&kept_code)).await;
    assert!(subject.exists(here.key()).await);
    assert!(!subject.has_code(&ended_code).await);
    for application in &ends {
        subject.assert_unknown(&application.tokens.token(0)).await;
    }
    let keys = ends.map(|application| application.tokens.key);
    assert_eq!(ended(subject).await, session_ids(&[&keys[..], &[elsewhere.key()]].concat()));
}

async fn ending_all_sessions_but_a_sign_in_keeps_what_belongs_to_it(subject: &Subject) {
    let browsers = two_browsers(subject).await;
    let (user, except) = (browsers.here.user.id, browsers.here.key().id);
    assert_eq!(subject.store.end_sessions_of(user, Some(except)).await.expect("no error"), 3);
    assert_only_here(subject, browsers).await;
    assert_eq!(subject.store.end_sessions_of(user, None).await.expect("no error"), 3);
}

async fn setting_the_password_keeps_what_belongs_to_the_sign_in_of_its_setter(subject: &Subject) {
    let browsers = two_browsers(subject).await;
    let user = &browsers.here.user;
    let setter = PasswordSetter::SessionOwner {
        verified_hash: user.password_hash.clone(),
        session: browsers.here.key().id,
    };
    let password = NewPassword { user_id: user.id, hash: new_user().password_hash, setter };
    let changed = subject.store.set_password(&password).await.expect("no error");
    assert_eq!(changed, ChangeOutcome::Changed { ended_sessions: 3 });
    assert_only_here(subject, browsers).await;
}

async fn disabling_a_user_deletes_the_unspent_codes(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let other = subject.browser().await;
    let application = subject.application(&browser, &client, true).await;
    let code = subject.code(&browser, &client, true).await;
    let kept = subject.code(&other, &client, true).await;
    let disabled = subject.store.disable_user(browser.user.id).await.expect("no error");
    assert_eq!(disabled, ChangeOutcome::Changed { ended_sessions: 2 });
    subject.assert_unknown(&application.tokens.token(0)).await;
    assert!(!subject.has_code(&code).await && subject.has_code(&kept).await);
}

async fn pruning_a_sign_in_ends_the_sessions_of_its_applications_but_never_the_sign_in_of_the_new_one(
    subject: &Subject,
) {
    let client = subject.client().await;
    let here = subject.browser().await;
    subject.clock.advance(TimeDelta::seconds(1));
    let oldest_elsewhere = subject.another_browser(&here.user).await;
    subject.clock.advance(TimeDelta::seconds(1));
    let child = subject.application(&oldest_elsewhere, &client, false).await;
    subject.clock.advance(TimeDelta::seconds(1));
    let device = subject.another_device(&here.user).await;
    subject.clock.advance(TimeDelta::seconds(1));
    let opened = subject.application(&here, &client, false).await;

    let prune = async |keep| subject.store.prune_excess(opened.tokens.key, keep).await.expect("no error");
    assert_eq!(prune(4).await, 2);
    assert_eq!(ended(subject).await, session_ids(&[oldest_elsewhere.key(), child.tokens.key]));
    subject.clock.advance(TimeDelta::seconds(1));
    subject.assert_rotates(&device.token(0)).await;
    // The sign-in is the least recently used one.
    assert_eq!(prune(2).await, 1);
    subject.assert_unknown(&device.token(1)).await;
    subject.assert_rotates(&opened.tokens.token(0)).await;
    assert!(subject.exists(here.key()).await);
}

/// They may still be in use: only the sign-in was idle.
async fn sweeping_a_sign_in_ends_the_sessions_of_its_applications(subject: &Subject) {
    let (client, browser) = (subject.client().await, subject.browser().await);
    let (child, offline) = (
        subject.application(&browser, &client, false).await,
        subject.application(&browser, &client, true).await,
    );
    // Idle like the sign-in, and no part of it.
    let device = subject.another_device(&browser.user).await;
    let user = subject.user().await;
    let short = device_of(&user);
    subject.open(&NewSession { lifetime: Some(TimeDelta::hours(1)), ..short.sign_in(&user) }).await;
    let idle = TimeDelta::days(30);
    subject.clock.advance(TimeDelta::days(20));
    subject.assert_rotates(&child.tokens.token(0)).await;
    subject.assert_rotates(&offline.tokens.token(0)).await;
    subject.assert_rotates(&device.token(0)).await;
    subject.clock.advance(TimeDelta::days(10) + REVOCATION_LIFETIME + TimeDelta::minutes(5));

    let sweep = async || subject.store.sweep_sessions(None, 100, Some(idle)).await.expect("swept").swept;
    assert_eq!(sweep().await, 3);

    assert!(!subject.exists(browser.key()).await && !subject.exists(short.key).await);
    subject.assert_unknown(&child.tokens.token(1)).await;
    assert_eq!(
        subject.ended().await,
        session_ids(&[child.tokens.key]),
        "only it may have valid access tokens"
    );
    subject.assert_rotates(&offline.tokens.token(1)).await;
    subject.assert_rotates(&device.token(1)).await;
    assert_eq!(sweep().await, 0);
    assert_eq!(
        subject.store.list_sessions(browser.user.id, None::<SessionId>, 9).await.expect("no error").len(),
        2
    );
}
