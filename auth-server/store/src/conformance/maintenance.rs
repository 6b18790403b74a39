//! Maintenance: migrating, readiness and closing. These cases begin with an empty database.

use std::sync::Arc;

use chrono::DateTime;
use tokio::task::JoinSet;

use super::Subject;
use super::applications::{Application, Browser, new_client};
use super::fixtures::{device_of, new_user};
use crate::{Connections, Readiness, Rotation, RunningServers, Store, StoreError};
use auth_domain::{
    Digest, Generation, NewPassword, PasswordSetter, PushedRequest, RegisteredScope, StoredEmail,
    UserIdOrEmail,
};

cases![
    an_empty_database_is_not_ready_until_it_is_migrated,
    every_verb_reports_missing_migrations,
    every_verb_of_applications_reports_missing_migrations,
    migrating_again_changes_nothing,
    concurrent_migrations_succeed,
    a_database_migrated_by_a_newer_program_is_ready,
    a_write_can_be_probed_once_the_database_is_migrated,
    a_failed_commit_is_an_error,
    a_closed_store_is_unavailable,
];

/// The source of the ports.
const PORTS: [&str; 4] = [
    include_str!("../users.rs"),
    include_str!("../email_keys.rs"),
    include_str!("../sessions.rs"),
    include_str!("../revocations.rs"),
];

const PORTS_OF_APPLICATIONS: [&str; 6] = [
    include_str!("../oauth/clients.rs"),
    include_str!("../oauth/scopes.rs"),
    include_str!("../oauth/grants.rs"),
    include_str!("../oauth/sign_ins.rs"),
    include_str!("../oauth/codes.rs"),
    include_str!("../oauth/pushed.rs"),
];

async fn an_empty_database_is_not_ready_until_it_is_migrated(subject: &Subject) {
    assert_eq!(subject.store.ready().await.expect("no error"), Readiness::NotMigrated);
    subject.migrate().await;
    assert_eq!(subject.store.ready().await.expect("no error"), Readiness::Ready);
    let Connections { open, idle } = subject.store.connections();
    assert!(open > 0 && idle <= open, "{idle} of {open} connections are idle");
}

async fn every_verb_reports_missing_migrations(subject: &Subject) {
    let user = new_user();
    let device = device_of(&user);
    let (store, id, hash) = (&subject.store, user.id, &user.password_hash);
    let name = UserIdOrEmail::Id(id);
    let stored = StoredEmail {
        user_id: id,
        email: user.email.clone(),
        key: user.email.key(),
        created_at: DateTime::UNIX_EPOCH,
    };
    let password = NewPassword { user_id: id, hash: hash.clone(), setter: PasswordSetter::Operator };
    let errors = [
        store.add_user(&user).await.err(),
        store.credentials(&user.email.key()).await.err(),
        store.upgrade_hash(id, hash, hash).await.err(),
        store.list_users(None, 1).await.err(),
        store.find_user(&name).await.err(),
        store.search_users("", None, 1).await.err(),
        store.set_roles(id, &[]).await.err(),
        store.replace_roles(id, &[], &[]).await.err(),
        store.set_email(id, &user.email, true).await.err(),
        store.confirm_email(id, &user.email.key()).await.err(),
        store.set_password(&password).await.err(),
        store.disable_user(id).await.err(),
        store.enable_user(id).await.err(),
        store.delete_user(id).await.err(),
        store.email_key_version().await.err(),
        store.record_email_key_version(1).await.err(),
        store.stored_emails(None, 1).await.err(),
        store.email_with_key(&user.email.key()).await.err(),
        store.set_email_key(id, &user.email.key(), &user.email.key()).await.err(),
        store.swap_email_keys(&stored, &stored).await.err(),
        store.open_session(&device.sign_in(&user)).await.err(),
        store.rotate(&device.token(0), None).await.err(),
        store.touch(&device.token(0), None).await.err(),
        store.forgive(device.key, Generation::FIRST, None).await.err(),
        store.find_session(device.key).await.err(),
        store.list_sessions(id, None, 1).await.err(),
        store.sweep_sessions(None, 1, None).await.err(),
        store.end_session(device.key, None).await.err(),
        store.end_sessions_of(id, None).await.err(),
        store.prune_excess(device.key, 1).await.err(),
        store.revoke_token(None, "a token").await.err(),
        store.read_revocations(None, 1).await.err(),
        store.follow_revocations(None, 1).await.err(),
        store.newest_cursor().await.err(),
        store.sweep_revocations(1).await.err(),
    ];
    let verbs: usize = PORTS.iter().map(|port| port.matches("    async fn ").count()).sum();
    assert_eq!(errors.len(), verbs - 1, "all but `wait_for_append`, which queries no database");
    for error in errors {
        assert!(matches!(error, Some(StoreError::NotMigrated(_))), "{error:?}");
    }
}

async fn every_verb_of_applications_reports_missing_migrations(subject: &Subject) {
    let (store, client, user) = (&subject.store, new_client(), new_user());
    let (sign_in, _) = Browser::new_session(&user);
    let hash = user.password_hash.clone();
    let browser = Browser { user, sign_in };
    let code = browser.code(&client.id, true);
    let application = Application::of(&code);
    let request = PushedRequest {
        uri_hash: Digest::from_bytes([1; 32]),
        client_id: client.id.clone(),
        request: String::new(),
    };
    let scope = RegisteredScope { name: "a".to_owned(), description: "b".to_owned(), resource: None };
    let errors = [
        store.add_client(&client).await.err(),
        store.change_client(&client).await.err(),
        store.set_client_secrets(&client.id, &[], &[]).await.err(),
        store.find_client(&client.id).await.err(),
        store.list_clients().await.err(),
        store.remove_client(&client.id).await.err(),
        store.clear_removed_client(&client.id, 1).await.err(),
        store.put_scope(&scope).await.err(),
        store.list_scopes().await.err(),
        store.remove_scope("a").await.err(),
        store.find_grant(browser.user.id, &client.id).await.err(),
        store.put_grant(browser.user.id, &client.id, &client.scope, &[]).await.err(),
        store.list_grants(browser.user.id).await.err(),
        store.withdraw_grant(browser.user.id, &client.id).await.err(),
        store.find_sign_in(&browser.sign_in).await.err(),
        store.renew_sign_in(browser.key(), &browser.sign_in.hash, &hash).await.err(),
        store.issue_code(&code).await.err(),
        store.find_code(&code.key).await.err(),
        store.spend_code(&code.key, &application.session).await.err(),
        store.open_application_session(&application.session).await.err(),
        store.sweep_codes(1).await.err(),
        store.push_request(&request).await.err(),
        store.find_pushed_request(&request.uri_hash, false).await.err(),
        store.spend_pushed_request(&request.uri_hash).await.err(),
        store.sweep_pushed_requests(1).await.err(),
    ];
    let verbs: usize = PORTS_OF_APPLICATIONS.iter().map(|port| port.matches("    async fn ").count()).sum();
    assert_eq!(errors.len(), verbs);
    for error in errors {
        assert!(matches!(error, Some(StoreError::NotMigrated(_))), "{error:?}");
    }
}

async fn migrating_again_changes_nothing(subject: &Subject) {
    subject.migrate().await;
    let device = subject.device().await;
    subject.store.migrate(RunningServers::Possible).await.expect("migrated again");
    subject.probe.another_store().await.migrate(RunningServers::Possible).await.expect("migrated by another");
    subject.assert_rotates(&device.token(0)).await;
}

async fn concurrent_migrations_succeed(subject: &Subject) {
    let mut servers = JoinSet::new();
    for _ in 0..6 {
        let store = subject.probe.another_store().await;
        servers.spawn(async move {
            let before = store.ready().await;
            store.migrate(RunningServers::Possible).await.expect("migrated");
            (before, store.ready().await)
        });
    }
    for (before, after) in servers.join_all().await {
        before.expect("no error");
        assert_eq!(after.expect("no error"), Readiness::Ready);
    }
    subject.device().await;
}

/// Old and new servers run side by side while a new version is rolled out.
async fn a_database_migrated_by_a_newer_program_is_ready(subject: &Subject) {
    subject.migrate().await;
    subject.probe.note_later_migration().await;
    assert_eq!(subject.store.ready().await.expect("no error"), Readiness::Ready);
    subject.store.migrate(RunningServers::Possible).await.expect("nothing to do");
    subject.device().await;
}

async fn a_write_can_be_probed_once_the_database_is_migrated(subject: &Subject) {
    subject.store.check_server().await.expect("usable");
    let error = subject.store.probe_write().await.err();
    assert!(matches!(error, Some(StoreError::NotMigrated(_))), "{error:?}");
    subject.migrate().await;
    let other = subject.probe.another_store().await;
    for store in [&subject.store, &subject.store, &other] {
        store.check_server().await.expect("usable");
        store.probe_write().await.expect("committed");
    }
}

/// A client that received the token of a rotation that was not committed would be taken for a forger.
async fn a_failed_commit_is_an_error(subject: &Subject) {
    subject.migrate().await;
    let user = subject.user().await;
    let device = subject.another_device(&user).await;
    subject.another_device(&user).await;
    subject.assert_rotates(&device.token(0)).await;
    subject.probe.fail_commits(true).await;
    let errors = [
        subject.store.open_session(&device_of(&user).sign_in(&user)).await.err(),
        // Before the others, because a failed transaction keeps its locks for a moment after its error arrives.
        subject.store.prune_excess(device.key, 1).await.err(),
        subject.store.rotate(&device.token(1), None).await.err(),
        subject.store.forgive(device.key, Generation::FIRST, None).await.err(),
        subject.store.end_session(device.key, None).await.err(),
        subject.store.end_sessions_of(user.id, None).await.err(),
        subject.store.disable_user(user.id).await.err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(StoreError::Conflict(_))), "{error:?}");
    }
    subject.probe.fail_commits(false).await;
    assert!(subject.ended().await.is_empty());
    let rotated = subject.assert_rotates(&device.token(1)).await;
    assert_eq!(rotated.session.forgiven_generation, None);
}

async fn a_closed_store_is_unavailable(subject: &Subject) {
    subject.migrate().await;
    let device = subject.device().await;
    let other: Arc<dyn Store> = subject.probe.another_store().await;
    subject.store.close().await;
    let errors = [
        subject.store.ready().await.err(),
        subject.store.probe_write().await.err(),
        subject.store.list_users(None, 1).await.err(),
        subject.store.rotate(&device.token(0), None).await.err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    }
    let rotation = other.rotate(&device.token(0), None).await.expect("no error");
    assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
}
