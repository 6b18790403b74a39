//! Changing people: their roles, their password, whether they may sign in, and that they are there at all.

use chrono::TimeDelta;
use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{Device, assert_about, device_of, person, person_at};
use crate::{ChangeOutcome, OpenOutcome, SetEmailOutcome};
use auth_domain::{Email, NewPassword, NewUser, PasswordHash, PasswordSetter, Role, User, UserName};

cases![
    roles_are_those_that_were_set_last_and_the_next_refresh_knows_them,
    roles_are_replaced_only_if_they_are_still_the_ones_that_were_read,
    an_address_is_changed_unless_another_user_has_it,
    an_address_is_confirmed_only_while_the_user_has_it,
    a_password_that_somebody_changes_ends_their_other_sessions,
    a_password_is_changed_only_on_what_was_verified,
    a_password_that_an_administrator_sets_ends_all_sessions,
    somebody_disabled_is_signed_out_everywhere_and_signs_in_no_more,
    somebody_deleted_is_gone_with_their_sessions_and_their_address_is_free,
    nobody_is_changed,
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

async fn found(subject: &Subject, person: &NewUser) -> Option<User> {
    subject.store.find_user(&UserName::Id(person.id)).await.expect("an answer")
}

/// What sets that person's password, by whom.
fn another_password(person: &NewUser, setter: PasswordSetter) -> NewPassword {
    NewPassword { user_id: person.id, hash: super::fixtures::person().password_hash, setter }
}

/// Themselves, on that device.
fn themselves(person: &NewUser, device: &Device) -> PasswordSetter {
    PasswordSetter::SessionOwner { verified_hash: person.password_hash.clone(), session: device.key.id }
}

/// Asserts that these and no others are gone and on record.
async fn assert_ended(subject: &Subject, devices: &[&Device]) {
    let mut recorded = subject.ended().await;
    let mut expected: Vec<_> = devices.iter().map(|device| device.key.id.to_string()).collect();
    recorded.sort();
    expected.sort();
    assert_eq!(recorded, expected);
    for device in devices {
        subject.is_unknown(&device.token(0)).await;
    }
}

async fn roles_are_those_that_were_set_last_and_the_next_refresh_knows_them(subject: &Subject) {
    let person = subject.somebody().await;
    let device = subject.another_device(&person).await;
    for (generation, texts) in [&["admin", "editor"][..], &["editor"], &[]].iter().enumerate() {
        let set = subject.store.set_roles(person.id, &roles(texts)).await.expect("an answer");
        assert_eq!(set, changed(0));
        let token = device.token(i64::try_from(generation).expect("a small number"));
        assert_eq!(subject.rotates(&token).await.owner.roles, roles(texts));
        assert_eq!(found(subject, &person).await.expect("somebody").roles, roles(texts));
    }
}

async fn roles_are_replaced_only_if_they_are_still_the_ones_that_were_read(subject: &Subject) {
    let person = subject.somebody().await;
    for (from, to, expected) in [
        (&["admin"][..], &["editor"][..], ChangeOutcome::Refused),
        (&[], &["admin", "editor"], changed(0)),
        (&["editor", "admin"], &[], ChangeOutcome::Refused),
        (&["admin"], &[], ChangeOutcome::Refused),
        (&["admin", "editor"], &["editor"], changed(0)),
        (&["editor"], &[], changed(0)),
    ] {
        let before = found(subject, &person).await.expect("a user").roles;
        let replaced = subject.store.replace_roles(person.id, &roles(from), &roles(to)).await;
        assert_eq!(replaced.expect("an answer"), expected, "{from:?} {to:?}");
        let kept = if expected == changed(0) { roles(to) } else { before };
        assert_eq!(found(subject, &person).await.expect("a user").roles, kept);
    }
}

async fn an_address_is_changed_unless_another_user_has_it(subject: &Subject) {
    let (ann, bob) = (person_at("ann@example.com"), person_at("bob@example.com"));
    subject.add(&ann).await;
    subject.add(&bob).await;
    let device = subject.another_device(&ann).await;
    let set = async |text: &str, verified| {
        let outcome = subject.store.set_email(ann.id, &email(text), verified).await.expect("an answer");
        let user = found(subject, &ann).await.expect("a user");
        (outcome, user.email.as_str().to_owned(), user.email_verified)
    };
    let (is_set, taken) = (SetEmailOutcome::Set, SetEmailOutcome::EmailTaken);
    assert_eq!(set("Ann@New.example", true).await, (is_set, "Ann@New.example".to_owned(), true));
    // The same mailbox: its confirmation stays.
    assert_eq!(set("ann@new.example", false).await, (is_set, "ann@new.example".to_owned(), true));
    assert_eq!(set("BOB@example.com", true).await, (taken, "ann@new.example".to_owned(), true));
    assert_eq!(set("ann@newer.example", false).await, (is_set, "ann@newer.example".to_owned(), false));
    for (text, expected) in [("Ann@newer.example", Some(ann.id)), ("ann@example.com", None)] {
        let found = subject.store.credentials(&email(text).key()).await.expect("an answer");
        assert_eq!(found.map(|found| found.user_id), expected, "{text}");
    }
    assert_eq!(subject.rotates(&device.token(0)).await.owner.email, email("ann@newer.example"));
    subject.add(&person_at("ann@example.com")).await;
}

async fn an_address_is_confirmed_only_while_the_user_has_it(subject: &Subject) {
    let ann = NewUser { email_verified: false, ..person_at("Ann@example.com") };
    subject.add(&ann).await;
    let confirm =
        async |text: &str| subject.store.confirm_email(ann.id, &email(text).key()).await.expect("an answer");
    assert_eq!(confirm("other@example.com").await, ChangeOutcome::Refused);
    assert!(!found(subject, &ann).await.expect("a user").email_verified);
    for _ in 0..2 {
        assert_eq!(confirm("ANN@example.com").await, changed(0));
        assert!(found(subject, &ann).await.expect("a user").email_verified);
    }
}

/// PW-09, RT-09
async fn a_password_that_somebody_changes_ends_their_other_sessions(subject: &Subject) {
    let person = subject.somebody().await;
    let (here, there) = (subject.another_device(&person).await, subject.another_device(&person).await);
    let password = another_password(&person, themselves(&person, &here));
    assert_eq!(subject.store.set_password(&password).await.expect("an answer"), changed(1));
    assert_ended(subject, &[&there]).await;
    subject.rotates(&here.token(0)).await;

    let old = device_of(&person);
    let opening = subject.store.open_session(&old.sign_in(&person)).await.expect("an answer");
    assert_eq!(opening, OpenOutcome::Refused);
    subject.another_device(&NewUser { password_hash: password.hash, ..person }).await;
}

async fn a_password_is_changed_only_on_what_was_verified(subject: &Subject) {
    let person = subject.somebody().await;
    let (here, gone) = (subject.another_device(&person).await, subject.another_device(&person).await);
    let stranger = subject.device().await;
    subject.end(gone.key, None).await;
    let other_hash = PasswordSetter::SessionOwner {
        verified_hash: PasswordHash::from_phc("$argon2id$another".to_owned()),
        session: here.key.id,
    };
    for setter in [other_hash, themselves(&person, &gone), themselves(&person, &stranger)] {
        let set = subject.store.set_password(&another_password(&person, setter)).await.expect("an answer");
        assert_eq!(set, ChangeOutcome::Refused);
    }
    assert_eq!(subject.ended().await, [gone.key.id.to_string()]);
    subject.rotates(&here.token(0)).await;
    subject.another_device(&person).await;

    subject.probe.disable(person.id).await;
    let password = another_password(&person, themselves(&person, &here));
    assert_eq!(subject.store.set_password(&password).await.expect("an answer"), ChangeOutcome::Refused);
}

async fn a_password_that_an_administrator_sets_ends_all_sessions(subject: &Subject) {
    let person = subject.somebody().await;
    let devices = [subject.another_device(&person).await, subject.another_device(&person).await];
    let stranger = subject.device().await;
    let password = another_password(&person, PasswordSetter::Administrator);
    assert_eq!(subject.store.set_password(&password).await.expect("an answer"), changed(2));
    assert_ended(subject, &[&devices[0], &devices[1]]).await;
    subject.rotates(&stranger.token(0)).await;

    subject.probe.set_password_hash(person.id, None).await;
    let first = another_password(&person, PasswordSetter::Administrator);
    assert_eq!(subject.store.set_password(&first).await.expect("an answer"), changed(0));
    subject.another_device(&NewUser { password_hash: first.hash, ..person }).await;
}

/// RT-09
async fn somebody_disabled_is_signed_out_everywhere_and_signs_in_no_more(subject: &Subject) {
    let person = subject.somebody().await;
    let devices = [subject.another_device(&person).await, subject.another_device(&person).await];
    let stranger = subject.device().await;
    assert_eq!(subject.store.disable_user(person.id).await.expect("an answer"), changed(2));
    assert_ended(subject, &[&devices[0], &devices[1]]).await;
    subject.rotates(&stranger.token(0)).await;
    let since = found(subject, &person).await.expect("somebody").disabled_at.expect("disabled");
    assert_about(since, subject.clock.now());
    let again = device_of(&person);
    let opening = subject.store.open_session(&again.sign_in(&person)).await.expect("an answer");
    assert_eq!(opening, OpenOutcome::Refused);

    subject.clock.advance(TimeDelta::hours(1));
    assert_eq!(subject.store.disable_user(person.id).await.expect("an answer"), changed(0));
    assert_eq!(found(subject, &person).await.expect("somebody").disabled_at, Some(since));

    assert_eq!(subject.store.enable_user(person.id).await.expect("an answer"), changed(0));
    assert_eq!(found(subject, &person).await.expect("somebody").disabled_at, None);
    subject.open(&again.sign_in(&person)).await;
    subject.is_unknown(&devices[0].token(0)).await;
}

/// RT-10
async fn somebody_deleted_is_gone_with_their_sessions_and_their_address_is_free(subject: &Subject) {
    let person = person_at("ann@example.com");
    subject.add(&person).await;
    let device = subject.another_device(&person).await;
    let stranger = subject.device().await;
    assert_eq!(subject.store.delete_user(person.id).await.expect("an answer"), changed(1));
    assert_ended(subject, &[&device]).await;
    assert_eq!(found(subject, &person).await, None);
    assert!(subject.store.credentials(&person.email.key()).await.expect("an answer").is_none());
    subject.rotates(&stranger.token(0)).await;
    subject.add(&person_at("Ann@example.com")).await;
}

async fn nobody_is_changed(subject: &Subject) {
    let (nobody, somebody) = (person(), subject.somebody().await);
    let device = subject.another_device(&somebody).await;
    let password = another_password(&nobody, PasswordSetter::Administrator);
    let answers = [
        subject.store.set_roles(nobody.id, &roles(&["admin"])).await,
        subject.store.replace_roles(nobody.id, &[], &roles(&["admin"])).await,
        subject.store.confirm_email(nobody.id, &nobody.email.key()).await,
        subject.store.set_password(&password).await,
        subject.store.disable_user(nobody.id).await,
        subject.store.enable_user(nobody.id).await,
        subject.store.delete_user(nobody.id).await,
    ];
    for answer in answers {
        assert_eq!(answer.expect("an answer"), ChangeOutcome::Refused);
    }
    let set = subject.store.set_email(nobody.id, &nobody.email, true).await;
    assert_eq!(set.expect("an answer"), SetEmailOutcome::UnknownUser);
    assert_eq!(found(subject, &somebody).await.expect("somebody").roles, []);
    subject.rotates(&device.token(0)).await;
}
