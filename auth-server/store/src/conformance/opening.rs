//! Opening a session: it is stored as requested, and only if the user may still sign in.

use chrono::TimeDelta;
use goptri::Scope;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{assert_about, device_of, new_user};
use crate::{OpenOutcome, StoreError};
use auth_domain::{ClientId, Generation, NewSession, PasswordHash, Role, Session, SessionOwner};

cases![
    a_session_is_stored_as_requested,
    optional_attributes_of_a_session_may_be_missing,
    a_session_is_dated_by_the_clock_of_the_store,
    a_user_may_have_many_sessions,
    no_session_opens_for_a_disabled_user,
    no_session_opens_if_the_password_has_changed,
    no_session_opens_if_the_password_was_removed,
    no_session_opens_for_an_unknown_user,
    a_session_id_is_unique,
];

async fn a_session_is_stored_as_requested(subject: &Subject) {
    let mut user = new_user();
    user.email_verified = true;
    user.roles = vec![Role::parse("admin").expect("a role"), Role::parse("photos:curator").expect("a role")];
    subject.add(&user).await;
    let device = device_of(&user);
    let asked = NewSession {
        client_id: ClientId::new("photo-printer".to_owned()),
        scope: Scope::parse("photos:read openid").expect("a scope"),
        audience: vec!["http://a".to_owned(), "it's \"quoted\", \\ {and} ünïcode 😀".to_owned()],
        lifetime: Some(TimeDelta::days(30)),
        user_agent: Some("Ünïcode/1.0 'quoted' 😀".to_owned()),
        ip: Some("2001:db8::7".to_owned()),
        remember: true,
        ..device.sign_in(&user)
    };

    let opened = subject.open(&asked).await;

    let now = opened.now;
    let session = Session {
        key: asked.key,
        client_id: asked.client_id,
        scope: asked.scope,
        audience: asked.audience,
        auth_time: now,
        jti_hash: asked.jti_hash,
        generation: Generation::FIRST,
        forgiven_generation: None,
        rotated_at: now,
        previous_rotated_at: None,
        last_used_at: now,
        expires_at: Some(now + TimeDelta::days(30)),
        remember: true,
    };
    let owner = SessionOwner { email: user.email, email_verified: true, roles: user.roles, disabled: false };
    assert_eq!((&opened.session, &opened.owner), (&session, &owner));
    let kept = subject.assert_rotates_nothing(&device.token(7)).await;
    assert_eq!((kept.session, kept.owner), (session, owner));
}

async fn optional_attributes_of_a_session_may_be_missing(subject: &Subject) {
    let user = subject.user().await;
    let asked = NewSession {
        scope: Scope::default(),
        audience: Vec::new(),
        lifetime: None,
        user_agent: None,
        ip: None,
        ..device_of(&user).sign_in(&user)
    };
    let opened = subject.open(&asked).await.session;
    assert_eq!((opened.scope, opened.audience, opened.expires_at), (Scope::default(), Vec::new(), None));
}

async fn a_session_is_dated_by_the_clock_of_the_store(subject: &Subject) {
    subject.clock.advance(TimeDelta::days(1000));
    let user = subject.user().await;
    let opened = subject.open(&device_of(&user).sign_in(&user)).await;
    assert_about(opened.now, subject.clock.now());
}

async fn a_user_may_have_many_sessions(subject: &Subject) {
    let user = subject.user().await;
    let (phone, laptop) = (subject.another_device(&user).await, subject.another_device(&user).await);
    subject.assert_rotates(&phone.token(0)).await;
    subject.assert_rotates(&laptop.token(0)).await;
    subject.assert_rotates(&phone.token(1)).await;
}

/// RT-09
async fn no_session_opens_for_a_disabled_user(subject: &Subject) {
    let user = subject.user().await;
    subject.probe.disable(user.id).await;
    assert_opens_nothing(subject, &device_of(&user).sign_in(&user)).await;
}

/// RT-09
async fn no_session_opens_if_the_password_has_changed(subject: &Subject) {
    let user = subject.user().await;
    let new = PasswordHash::from_phc("$argon2id$new".to_owned());
    subject.probe.set_password_hash(user.id, Some(&new)).await;
    assert_opens_nothing(subject, &device_of(&user).sign_in(&user)).await;
    subject.open(&NewSession { verified_hash: new, ..device_of(&user).sign_in(&user) }).await;
}

async fn no_session_opens_if_the_password_was_removed(subject: &Subject) {
    let user = subject.user().await;
    subject.probe.set_password_hash(user.id, None).await;
    assert_opens_nothing(subject, &device_of(&user).sign_in(&user)).await;
}

/// RT-10
async fn no_session_opens_for_an_unknown_user(subject: &Subject) {
    let other = new_user();
    assert_opens_nothing(subject, &device_of(&other).sign_in(&other)).await;
}

async fn a_session_id_is_unique(subject: &Subject) {
    let user = subject.user().await;
    let device = subject.another_device(&user).await;
    subject.assert_rotates(&device.token(0)).await;
    let again = subject.store.open_session(&device.sign_in(&user)).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    subject.assert_rotates(&device.token(1)).await;
}

async fn assert_opens_nothing(subject: &Subject, session: &NewSession) {
    let opening = subject.store.open_session(session).await.expect("no error");
    assert_eq!(opening, OpenOutcome::Refused);
}
