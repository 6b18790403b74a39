//! Opening a session: it is stored as it was asked for, and only for those who may still sign in.

use chrono::TimeDelta;
use goptri::Scope;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{assert_about, device_of, person};
use crate::{OpenOutcome, StoreError};
use auth_domain::{ClientId, Generation, NewSession, PasswordHash, Role, Session, SessionOwner};

cases![
    a_session_is_stored_as_it_was_asked_for,
    what_a_session_may_lack_it_lacks,
    a_session_is_dated_by_the_clock_of_the_store,
    one_person_may_have_many_sessions,
    nothing_opens_for_somebody_disabled,
    nothing_opens_with_a_password_that_was_changed_since,
    nothing_opens_for_somebody_who_has_no_password_any_more,
    nothing_opens_for_nobody,
    an_id_is_not_given_twice,
];

async fn a_session_is_stored_as_it_was_asked_for(subject: &Subject) {
    let mut person = person();
    person.email_verified = true;
    person.roles =
        vec![Role::parse("admin").expect("a role"), Role::parse("photos:curator").expect("a role")];
    subject.add(&person).await;
    let device = device_of(&person);
    let asked = NewSession {
        client_id: ClientId::new("photo-printer".to_owned()),
        scope: Scope::parse("photos:read openid").expect("a scope"),
        audience: vec!["http://a".to_owned(), "it's \"quoted\", \\ {and} ünïcode 😀".to_owned()],
        lifetime: Some(TimeDelta::days(30)),
        user_agent: Some("Ünïcode/1.0 'quoted' 😀".to_owned()),
        ip: Some("2001:db8::7".to_owned()),
        ..device.sign_in(&person)
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
        last_used_at: now,
        expires_at: Some(now + TimeDelta::days(30)),
    };
    let owner =
        SessionOwner { email: person.email, email_verified: true, roles: person.roles, disabled: false };
    assert_eq!((&opened.session, &opened.owner), (&session, &owner));
    let kept = subject.rotates_nothing(&device.token(7)).await;
    assert_eq!((kept.session, kept.owner), (session, owner));
}

async fn what_a_session_may_lack_it_lacks(subject: &Subject) {
    let person = subject.somebody().await;
    let asked = NewSession {
        scope: Scope::default(),
        audience: Vec::new(),
        lifetime: None,
        user_agent: None,
        ip: None,
        ..device_of(&person).sign_in(&person)
    };
    let opened = subject.open(&asked).await.session;
    assert_eq!((opened.scope, opened.audience, opened.expires_at), (Scope::default(), Vec::new(), None));
}

async fn a_session_is_dated_by_the_clock_of_the_store(subject: &Subject) {
    subject.clock.advance(TimeDelta::days(1000));
    let person = subject.somebody().await;
    let opened = subject.open(&device_of(&person).sign_in(&person)).await;
    assert_about(opened.now, subject.clock.now());
}

async fn one_person_may_have_many_sessions(subject: &Subject) {
    let person = subject.somebody().await;
    let (phone, laptop) = (subject.another_device(&person).await, subject.another_device(&person).await);
    subject.rotates(&phone.token(0)).await;
    subject.rotates(&laptop.token(0)).await;
    subject.rotates(&phone.token(1)).await;
}

/// RT-09
async fn nothing_opens_for_somebody_disabled(subject: &Subject) {
    let person = subject.somebody().await;
    subject.probe.disable(person.id).await;
    opens_nothing(subject, &device_of(&person).sign_in(&person)).await;
}

/// RT-09
async fn nothing_opens_with_a_password_that_was_changed_since(subject: &Subject) {
    let person = subject.somebody().await;
    let new = PasswordHash::from_phc("$argon2id$new".to_owned());
    subject.probe.set_password_hash(person.id, Some(&new)).await;
    opens_nothing(subject, &device_of(&person).sign_in(&person)).await;
    subject.open(&NewSession { verified_hash: new, ..device_of(&person).sign_in(&person) }).await;
}

async fn nothing_opens_for_somebody_who_has_no_password_any_more(subject: &Subject) {
    let person = subject.somebody().await;
    subject.probe.set_password_hash(person.id, None).await;
    opens_nothing(subject, &device_of(&person).sign_in(&person)).await;
}

/// RT-10
async fn nothing_opens_for_nobody(subject: &Subject) {
    let stranger = person();
    opens_nothing(subject, &device_of(&stranger).sign_in(&stranger)).await;
}

async fn an_id_is_not_given_twice(subject: &Subject) {
    let person = subject.somebody().await;
    let device = subject.another_device(&person).await;
    subject.rotates(&device.token(0)).await;
    let again = subject.store.open_session(&device.sign_in(&person)).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    subject.rotates(&device.token(1)).await;
}

async fn opens_nothing(subject: &Subject, session: &NewSession) {
    let opening = subject.store.open_session(session).await.expect("an answer");
    assert_eq!(opening, OpenOutcome::Refused);
}
