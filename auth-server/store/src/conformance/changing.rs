//! Changing users: roles, address, password, disabling, deleting.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{Device, assert_about, device_of, new_user, new_user_at};
use crate::{ChangeOutcome, OpenOutcome, SetEmailOutcome};
use auth_domain::{Email, NewPassword, NewUser, PasswordHash, PasswordSetter, Role, User, UserIdOrEmail};

cases![
    the_next_refresh_has_the_roles_that_were_set_last,
    roles_are_replaced_only_if_they_have_not_changed,
    an_address_is_changed_unless_another_user_has_it,
    an_address_is_confirmed_only_while_the_user_has_it,
    a_user_who_changes_the_password_keeps_only_the_current_session,
    a_user_changes_the_password_only_with_the_verified_hash_and_a_live_session,
    a_password_set_by_an_administrator_ends_all_sessions,
    disabling_a_user_blocks_sign_in_and_ends_all_sessions,
    deleting_a_user_ends_all_sessions_and_frees_the_address,
    changing_an_unknown_user_changes_nothing,
];

fn roles(texts: &[&str]) -> Vec<Role> {
    texts.iter().map(|text| Role::parse(text).expect("a role")).collect()
}

fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

fn changed(ended_sessions: u64) -> ChangeOutcome {
    ChangeOutcome::Changed { ended_sessions }
}

async fn found(subject: &Subject, user: &NewUser) -> Option<User> {
    subject.store.find_user(&UserIdOrEmail::Id(user.id)).await.expect("no error")
}

/// A new password for the user.
fn another_password(user: &NewUser, setter: PasswordSetter) -> NewPassword {
    NewPassword { user_id: user.id, hash: super::fixtures::new_user().password_hash, setter }
}

/// The user sets the password on that device.
fn the_user(user: &NewUser, device: &Device) -> PasswordSetter {
    PasswordSetter::SessionOwner { verified_hash: user.password_hash.clone(), session: device.key.id }
}

/// Asserts that exactly the sessions of these devices were ended and recorded.
async fn assert_ended(subject: &Subject, devices: &[&Device]) {
    let mut recorded = subject.ended().await;
    let mut expected: Vec<_> = devices.iter().map(|device| device.key.id.to_string()).collect();
    recorded.sort();
    expected.sort();
    assert_eq!(recorded, expected);
    for device in devices {
        subject.assert_unknown(&device.token(0)).await;
    }
}

async fn the_next_refresh_has_the_roles_that_were_set_last(subject: &Subject) {
    let user = subject.user().await;
    let device = subject.another_device(&user).await;
    for (generation, texts) in [&["admin", "editor"][..], &["editor"], &[]].iter().enumerate() {
        let set = subject.store.set_roles(user.id, &roles(texts)).await.expect("no error");
        assert_eq!(set, changed(0));
        let token = device.token(i64::try_from(generation).expect("a small number"));
        assert_eq!(subject.assert_rotates(&token).await.owner.roles, roles(texts));
        assert_eq!(found(subject, &user).await.expect("the user").roles, roles(texts));
    }
}

async fn roles_are_replaced_only_if_they_have_not_changed(subject: &Subject) {
    let user = subject.user().await;
    for (from, to, expected) in [
        (&["admin"][..], &["editor"][..], ChangeOutcome::Refused),
        (&[], &["admin", "editor"], changed(0)),
        (&["editor", "admin"], &[], ChangeOutcome::Refused),
        (&["admin"], &[], ChangeOutcome::Refused),
        (&["admin", "editor"], &["editor"], changed(0)),
        (&["editor"], &[], changed(0)),
    ] {
        let before = found(subject, &user).await.expect("a user").roles;
        let replaced = subject.store.replace_roles(user.id, &roles(from), &roles(to)).await;
        assert_eq!(replaced.expect("no error"), expected, "{from:?} {to:?}");
        let kept = if expected == changed(0) { roles(to) } else { before };
        assert_eq!(found(subject, &user).await.expect("a user").roles, kept);
    }
}

async fn an_address_is_changed_unless_another_user_has_it(subject: &Subject) {
    let (ann, bob) = (new_user_at("ann@example.com"), new_user_at("bob@example.com"));
    subject.add(&ann).await;
    subject.add(&bob).await;
    let device = subject.another_device(&ann).await;
    let set = async |text: &str, verified| {
        let outcome = subject.store.set_email(ann.id, &email(text), verified).await.expect("no error");
        let user = found(subject, &ann).await.expect("a user");
        (outcome, user.email.as_str().to_owned(), user.email_verified)
    };
    let (is_set, taken) = (SetEmailOutcome::Set, SetEmailOutcome::EmailTaken);
    assert_eq!(set("Ann@New.example", true).await, (is_set, "Ann@new.example".to_owned(), true));
    // The same address in another case stays verified.
    assert_eq!(set("ann@new.example", false).await, (is_set, "ann@new.example".to_owned(), true));
    assert_eq!(set("BOB@example.com", true).await, (taken, "ann@new.example".to_owned(), true));
    assert_eq!(set("ann@newer.example", false).await, (is_set, "ann@newer.example".to_owned(), false));
    for (text, expected) in [("Ann@newer.example", Some(ann.id)), ("ann@example.com", None)] {
        let found = subject.store.credentials(&email(text).key()).await.expect("no error");
        assert_eq!(found.map(|found| found.user_id), expected, "{text}");
    }
    assert_eq!(subject.assert_rotates(&device.token(0)).await.owner.email, email("ann@newer.example"));
    subject.add(&new_user_at("ann@example.com")).await;
}

async fn an_address_is_confirmed_only_while_the_user_has_it(subject: &Subject) {
    let ann = NewUser { email_verified: false, ..new_user_at("Ann@example.com") };
    subject.add(&ann).await;
    let confirm =
        async |text: &str| subject.store.confirm_email(ann.id, &email(text).key()).await.expect("no error");
    assert_eq!(confirm("other@example.com").await, ChangeOutcome::Refused);
    assert!(!found(subject, &ann).await.expect("a user").email_verified);
    for _ in 0..2 {
        assert_eq!(confirm("ANN@example.com").await, changed(0));
        assert!(found(subject, &ann).await.expect("a user").email_verified);
    }
}

/// PW-09, RT-09
async fn a_user_who_changes_the_password_keeps_only_the_current_session(subject: &Subject) {
    let user = subject.user().await;
    let (here, there) = (subject.another_device(&user).await, subject.another_device(&user).await);
    let password = another_password(&user, the_user(&user, &here));
    assert_eq!(subject.store.set_password(&password).await.expect("no error"), changed(1));
    assert_ended(subject, &[&there]).await;
    subject.assert_rotates(&here.token(0)).await;

    let old = device_of(&user);
    let opening = subject.store.open_session(&old.sign_in(&user)).await.expect("no error");
    assert_eq!(opening, OpenOutcome::Refused);
    subject.another_device(&NewUser { password_hash: password.hash, ..user }).await;
}

async fn a_user_changes_the_password_only_with_the_verified_hash_and_a_live_session(subject: &Subject) {
    let user = subject.user().await;
    let (here, gone) = (subject.another_device(&user).await, subject.another_device(&user).await);
    let other = subject.device().await;
    subject.end(gone.key, None).await;
    let other_hash = PasswordSetter::SessionOwner {
        verified_hash: PasswordHash::from_phc("$argon2id$another".to_owned()),
        session: here.key.id,
    };
    for setter in [other_hash, the_user(&user, &gone), the_user(&user, &other)] {
        let set = subject.store.set_password(&another_password(&user, setter)).await.expect("no error");
        assert_eq!(set, ChangeOutcome::Refused);
    }
    assert_eq!(subject.ended().await, [gone.key.id.to_string()]);
    subject.assert_rotates(&here.token(0)).await;
    subject.another_device(&user).await;

    subject.probe.disable(user.id).await;
    let password = another_password(&user, the_user(&user, &here));
    assert_eq!(subject.store.set_password(&password).await.expect("no error"), ChangeOutcome::Refused);
}

async fn a_password_set_by_an_administrator_ends_all_sessions(subject: &Subject) {
    let user = subject.user().await;
    let devices = [subject.another_device(&user).await, subject.another_device(&user).await];
    let other = subject.device().await;
    let password = another_password(&user, PasswordSetter::Operator);
    assert_eq!(subject.store.set_password(&password).await.expect("no error"), changed(2));
    assert_ended(subject, &[&devices[0], &devices[1]]).await;
    subject.assert_rotates(&other.token(0)).await;

    subject.probe.set_password_hash(user.id, None).await;
    let first = another_password(&user, PasswordSetter::Operator);
    assert_eq!(subject.store.set_password(&first).await.expect("no error"), changed(0));
    subject.another_device(&NewUser { password_hash: first.hash, ..user }).await;
}

/// RT-09
async fn disabling_a_user_blocks_sign_in_and_ends_all_sessions(subject: &Subject) {
    let user = subject.user().await;
    let devices = [subject.another_device(&user).await, subject.another_device(&user).await];
    let other = subject.device().await;
    assert_eq!(subject.store.disable_user(user.id).await.expect("no error"), changed(2));
    assert_ended(subject, &[&devices[0], &devices[1]]).await;
    subject.assert_rotates(&other.token(0)).await;
    let since = found(subject, &user).await.expect("the user").disabled_at.expect("disabled");
    assert_about(since, subject.clock.now());
    let again = device_of(&user);
    let opening = subject.store.open_session(&again.sign_in(&user)).await.expect("no error");
    assert_eq!(opening, OpenOutcome::Refused);

    subject.clock.advance(TimeDelta::hours(1));
    assert_eq!(subject.store.disable_user(user.id).await.expect("no error"), changed(0));
    assert_eq!(found(subject, &user).await.expect("the user").disabled_at, Some(since));

    assert_eq!(subject.store.enable_user(user.id).await.expect("no error"), changed(0));
    assert_eq!(found(subject, &user).await.expect("the user").disabled_at, None);
    subject.open(&again.sign_in(&user)).await;
    subject.assert_unknown(&devices[0].token(0)).await;
}

/// RT-10
async fn deleting_a_user_ends_all_sessions_and_frees_the_address(subject: &Subject) {
    let user = new_user_at("ann@example.com");
    subject.add(&user).await;
    let device = subject.another_device(&user).await;
    let other = subject.device().await;
    assert_eq!(subject.store.delete_user(user.id).await.expect("no error"), changed(1));
    assert_ended(subject, &[&device]).await;
    assert_eq!(found(subject, &user).await, None);
    assert!(subject.store.credentials(&user.email.key()).await.expect("no error").is_none());
    subject.assert_rotates(&other.token(0)).await;
    subject.add(&new_user_at("Ann@example.com")).await;
}

async fn changing_an_unknown_user_changes_nothing(subject: &Subject) {
    let (unknown, existing) = (new_user(), subject.user().await);
    let device = subject.another_device(&existing).await;
    let password = another_password(&unknown, PasswordSetter::Operator);
    let answers = [
        subject.store.set_roles(unknown.id, &roles(&["admin"])).await,
        subject.store.replace_roles(unknown.id, &[], &roles(&["admin"])).await,
        subject.store.confirm_email(unknown.id, &unknown.email.key()).await,
        subject.store.set_password(&password).await,
        subject.store.disable_user(unknown.id).await,
        subject.store.enable_user(unknown.id).await,
        subject.store.delete_user(unknown.id).await,
    ];
    for answer in answers {
        assert_eq!(answer.expect("no error"), ChangeOutcome::Refused);
    }
    let set = subject.store.set_email(unknown.id, &unknown.email, true).await;
    assert_eq!(set.expect("no error"), SetEmailOutcome::UnknownUser);
    assert_eq!(found(subject, &existing).await.expect("the user").roles, []);
    subject.assert_rotates(&device.token(0)).await;
}
