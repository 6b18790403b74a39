//! Upkeep: migrating, by any number at once, saying whether that was done, and letting go. These begin with an empty
//! database.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::Subject;
use super::fixtures::{device_of, person};
use crate::{Connections, Readiness, Rotation, Store, StoreError};
use auth_domain::{Generation, NewPassword, PasswordSetter, UserName};

cases![
    an_empty_database_is_not_ready_until_it_is_migrated,
    before_it_is_migrated_every_verb_says_so,
    migrating_again_changes_nothing,
    many_may_migrate_at_once,
    a_database_that_a_newer_program_migrated_is_ready_too,
    what_could_not_be_committed_is_no_success,
    a_store_that_let_go_answers_that_it_is_not_available,
];

/// The ports, as they are written.
const PORTS: [&str; 3] =
    [include_str!("../users.rs"), include_str!("../sessions.rs"), include_str!("../revocations.rs")];

async fn an_empty_database_is_not_ready_until_it_is_migrated(subject: &Subject) {
    assert_eq!(subject.store.ready().await.expect("an answer"), Readiness::NotMigrated);
    subject.store.migrate().await.expect("migrated");
    assert_eq!(subject.store.ready().await.expect("an answer"), Readiness::Ready);
    let Connections { open, idle } = subject.store.connections();
    assert!(open > 0 && idle <= open, "{idle} of {open} connections are idle");
}

async fn before_it_is_migrated_every_verb_says_so(subject: &Subject) {
    let person = person();
    let device = device_of(&person);
    let (store, user, hash) = (&subject.store, person.id, &person.password_hash);
    let name = UserName::Id(user);
    let password = NewPassword { user_id: user, hash: hash.clone(), setter: PasswordSetter::Administrator };
    let errors = [
        store.add_user(&person).await.err(),
        store.credentials(&person.email.key()).await.err(),
        store.upgrade_hash(user, hash, hash).await.err(),
        store.list_users(None, 1).await.err(),
        store.find_user(&name).await.err(),
        store.search_users("", None, 1).await.err(),
        store.set_roles(user, &[]).await.err(),
        store.replace_roles(user, &[], &[]).await.err(),
        store.set_email(user, &person.email, true).await.err(),
        store.confirm_email(user, &person.email.key()).await.err(),
        store.set_password(&password).await.err(),
        store.disable_user(user).await.err(),
        store.enable_user(user).await.err(),
        store.delete_user(user).await.err(),
        store.open_session(&device.sign_in(&person)).await.err(),
        store.rotate(&device.token(0), None).await.err(),
        store.touch(&device.token(0), None).await.err(),
        store.forgive(device.key, Generation::FIRST, None).await.err(),
        store.find_session(device.key).await.err(),
        store.list_sessions(user, None, 1).await.err(),
        store.sweep_sessions(None, 1, None).await.err(),
        store.end_session(device.key, None).await.err(),
        store.end_sessions_of(user, None).await.err(),
        store.prune_excess(device.key, 1).await.err(),
        store.revoke_token("a token").await.err(),
        store.read_revocations(None, 1).await.err(),
        store.follow_revocations(None, 1).await.err(),
        store.newest_revocation().await.err(),
        store.sweep_revocations(1).await.err(),
    ];
    let verbs: usize = PORTS.iter().map(|port| port.matches("    async fn ").count()).sum();
    assert_eq!(errors.len(), verbs - 1, "all but `appended`, which asks no database");
    for error in errors {
        assert!(matches!(error, Some(StoreError::NotMigrated(_))), "{error:?}");
    }
}

async fn migrating_again_changes_nothing(subject: &Subject) {
    subject.store.migrate().await.expect("migrated");
    let device = subject.device().await;
    subject.store.migrate().await.expect("migrated again");
    subject.probe.another_store().await.migrate().await.expect("migrated by another");
    subject.rotates(&device.token(0)).await;
}

async fn many_may_migrate_at_once(subject: &Subject) {
    let mut servers = JoinSet::new();
    for _ in 0..6 {
        let store = subject.probe.another_store().await;
        servers.spawn(async move {
            let before = store.ready().await;
            store.migrate().await.expect("migrated");
            (before, store.ready().await)
        });
    }
    for (before, after) in servers.join_all().await {
        before.expect("an answer, whichever");
        assert_eq!(after.expect("an answer"), Readiness::Ready);
    }
    subject.device().await;
}

/// Old and new servers run side by side while a new version is rolled out.
async fn a_database_that_a_newer_program_migrated_is_ready_too(subject: &Subject) {
    subject.store.migrate().await.expect("migrated");
    subject.probe.note_later_migration().await;
    assert_eq!(subject.store.ready().await.expect("an answer"), Readiness::Ready);
    subject.store.migrate().await.expect("nothing to do");
    subject.device().await;
}

/// Told of a rotation that is then undone, a client would come back with a token that never was.
async fn what_could_not_be_committed_is_no_success(subject: &Subject) {
    subject.store.migrate().await.expect("migrated");
    let person = subject.somebody().await;
    let device = subject.another_device(&person).await;
    subject.another_device(&person).await;
    subject.rotates(&device.token(0)).await;
    subject.probe.fail_commits(true).await;
    let errors = [
        subject.store.open_session(&device_of(&person).sign_in(&person)).await.err(),
        // Before the others: what fails keeps its rows locked for a moment longer than it takes to say so.
        subject.store.prune_excess(device.key, 1).await.err(),
        subject.store.rotate(&device.token(1), None).await.err(),
        subject.store.forgive(device.key, Generation::FIRST, None).await.err(),
        subject.store.end_session(device.key, None).await.err(),
        subject.store.end_sessions_of(person.id, None).await.err(),
        subject.store.disable_user(person.id).await.err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(StoreError::Conflict(_))), "{error:?}");
    }
    subject.probe.fail_commits(false).await;
    assert!(subject.ended().await.is_empty());
    let rotated = subject.rotates(&device.token(1)).await;
    assert_eq!(rotated.session.forgiven_generation, None);
}

async fn a_store_that_let_go_answers_that_it_is_not_available(subject: &Subject) {
    subject.store.migrate().await.expect("migrated");
    let device = subject.device().await;
    let other: Arc<dyn Store> = subject.probe.another_store().await;
    subject.store.close().await;
    let errors = [
        subject.store.ready().await.err(),
        subject.store.list_users(None, 1).await.err(),
        subject.store.rotate(&device.token(0), None).await.err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    }
    let rotation = other.rotate(&device.token(0), None).await.expect("an answer");
    assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
}
