//! Users: stored as added, unique by address, found by id and address, listed by id.

use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{assert_about, id, new_user, new_user_at};
use crate::{AddUserOutcome, StoreError};
use auth_domain::{Email, EmailKey, NewUser, Role, User, UserId, UserIdOrEmail};

cases![
    a_user_is_stored_as_added,
    an_address_is_taken_regardless_of_case,
    a_user_id_is_unique,
    credentials_are_found_regardless_of_case,
    credentials_of_a_disabled_user_are_found,
    a_user_may_have_no_password,
    users_are_listed_by_id_page_by_page,
    users_are_found_by_a_part_of_the_address_page_by_page,
    the_list_has_the_time_since_which_a_user_is_disabled,
    a_corrupt_user_is_named_in_the_error,
    a_user_is_found_by_id_and_by_address,
];

async fn a_user_is_stored_as_added(subject: &Subject) {
    let role = |text| Role::parse(text).expect("a role");
    let asked = [
        NewUser {
            email_verified: true,
            roles: vec![role("z.last"), role("admin"), role("photos:curator")],
            ..new_user()
        },
        new_user_at("JÜRGEN.Große+photos@Example.DE"),
        new_user_at("用户@例子.广告"),
        new_user_at("o'neil😀@example.com"),
        NewUser { roles: vec![role("admin")], ..new_user() },
    ];
    for asked in &asked {
        let added = subject.add(asked).await;
        assert_about(added.created_at, subject.clock.now());
        let user = User {
            id: asked.id,
            email: asked.email.clone(),
            email_verified: asked.email_verified,
            roles: asked.roles.clone(),
            created_at: added.created_at,
            disabled_at: None,
        };
        assert_eq!(added, user);
        let listed = subject.store.list_users(None, 100).await.expect("no error");
        assert_eq!(listed.last(), Some(&user));
    }
}

async fn an_address_is_taken_regardless_of_case(subject: &Subject) {
    let first = new_user_at("Jürgen@example.de");
    let added = subject.add(&first).await;
    for email in ["Jürgen@example.de", "jürgen@example.de", "JÜRGEN@EXAMPLE.DE"] {
        let adding = subject.store.add_user(&new_user_at(email)).await.expect("no error");
        assert_eq!(adding, AddUserOutcome::EmailTaken, "{email}");
    }
    assert_eq!(subject.store.list_users(None, 100).await.expect("no error"), [added]);
    let credentials =
        subject.store.credentials(&first.email.key()).await.expect("no error").expect("the user");
    assert_eq!((credentials.user_id, credentials.password_hash), (first.id, Some(first.password_hash)));
    subject.add(&new_user_at("jurgen@example.de")).await;
}

/// OI-11
async fn a_user_id_is_unique(subject: &Subject) {
    let first = subject.user().await;
    let again = subject.store.add_user(&NewUser { id: first.id, ..new_user() }).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    assert_eq!(subject.store.list_users(None, 100).await.expect("no error").len(), 1);
}

async fn credentials_are_found_regardless_of_case(subject: &Subject) {
    let (ann, bob) = (new_user_at("Ann@example.com"), new_user_at("bob@example.com"));
    subject.add(&ann).await;
    subject.add(&bob).await;
    for (email, user) in [("ann@example.com", &ann), ("ANN@EXAMPLE.COM", &ann), ("Bob@example.com", &bob)] {
        let found = subject.store.credentials(&key(email)).await.expect("no error").expect(email);
        assert_eq!((found.user_id, found.password_hash.as_ref()), (user.id, Some(&user.password_hash)));
    }
    for email in ["an@example.com", "ann@example.co", "%@example.com", "_nn@example.com", "a'nn@example.com"]
    {
        assert!(subject.store.credentials(&key(email)).await.expect("no error").is_none(), "{email}");
    }
}

/// `open_session` refuses disabled users, so that a sign-in cannot be told from one with a wrong password.
async fn credentials_of_a_disabled_user_are_found(subject: &Subject) {
    let user = subject.user().await;
    subject.probe.disable(user.id).await;
    let found = subject.store.credentials(&user.email.key()).await.expect("no error").expect("the user");
    assert_eq!(found.password_hash, Some(user.password_hash));
}

async fn a_user_may_have_no_password(subject: &Subject) {
    let user = subject.user().await;
    subject.probe.set_password_hash(user.id, None).await;
    let found = subject.store.credentials(&user.email.key()).await.expect("no error").expect("the user");
    assert_eq!((found.user_id, found.password_hash), (user.id, None));
}

async fn users_are_listed_by_id_page_by_page(subject: &Subject) {
    let mut ids: Vec<UserId> = (0..7).map(|_| UserId(id())).collect();
    for id in ids.iter().rev() {
        subject.add(&NewUser { id: *id, ..new_user() }).await;
    }
    // The largest id as a UUID, but not as text or as a signed number.
    let largest = UserId(uuid::Uuid::max());
    subject.add(&NewUser { id: largest, ..new_user() }).await;
    ids.push(largest);
    let mut listed = Vec::new();
    loop {
        let page = subject.store.list_users(listed.last().copied(), 3).await.expect("no error");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        listed.extend(page.iter().map(|user| user.id));
    }
    assert_eq!(listed, ids);
    assert_eq!(subject.store.list_users(None, 0).await.expect("no error"), []);
    assert_eq!(subject.store.list_users(None, u32::MAX).await.expect("no error").len(), 8);
}

async fn users_are_found_by_a_part_of_the_address_page_by_page(subject: &Subject) {
    for email in
        ["Ann@example.com", "JÜRGEN@example.de", "a_n%n@example.com", "bob@example.com", "ann.b@other.org"]
    {
        subject.add(&new_user_at(email)).await;
    }
    let search = async |text: &str, after, limit| {
        let found = subject.store.search_users(text, after, limit).await.expect("no error");
        found.into_iter().map(|user| (user.id, user.email.as_str().to_owned())).collect::<Vec<_>>()
    };
    for (text, expected) in [
        ("ann", &["Ann@example.com", "ann.b@other.org"][..]),
        ("jürgen", &["JÜRGEN@example.de"]),
        ("%", &["a_n%n@example.com"]),
        ("_", &["a_n%n@example.com"]),
        ("a_n", &["a_n%n@example.com"]),
        ("\\", &[]),
        ("'", &[]),
        ("unknown", &[]),
        (
            "",
            &[
                "Ann@example.com",
                "JÜRGEN@example.de",
                "a_n%n@example.com",
                "bob@example.com",
                "ann.b@other.org",
            ],
        ),
    ] {
        let mut found: Vec<_> = search(text, None, 100).await.into_iter().map(|(_, email)| email).collect();
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{text}");
    }
    let all = search("example", None, 100).await;
    assert_eq!(search("example", None, 3).await, all[..3]);
    assert_eq!(search("example", Some(all[2].0), 3).await, all[3..]);
    assert_eq!(search("example", None, 0).await, []);
}

async fn the_list_has_the_time_since_which_a_user_is_disabled(subject: &Subject) {
    let (one, other) = (subject.user().await, subject.user().await);
    subject.probe.disable(one.id).await;
    let listed = subject.store.list_users(None, 100).await.expect("no error");
    let since = |id| listed.iter().find(|user| user.id == id).expect("the user").disabled_at;
    assert_about(since(one.id).expect("disabled"), subject.clock.now());
    assert_eq!(since(other.id), None);
}

async fn a_corrupt_user_is_named_in_the_error(subject: &Subject) {
    let user = subject.user().await;
    subject.probe.corrupt_roles(user.id).await;
    match subject.store.list_users(None, 100).await {
        Err(StoreError::Corrupt { table: "users", id, what: "roles" }) => {
            assert_eq!(id, user.id.to_string());
        }
        other => panic!("{other:?}"),
    }
}

async fn a_user_is_found_by_id_and_by_address(subject: &Subject) {
    let (ann, bob) = (new_user_at("Ann@example.com"), new_user_at("bob@example.com"));
    let added = subject.add(&ann).await;
    subject.add(&bob).await;
    let find = async |name: &str| {
        let name = UserIdOrEmail::parse(name).expect("a name");
        subject.store.find_user(&name).await.expect("no error")
    };
    for name in ["ann@example.com", "ANN@example.com", &ann.id.to_string()] {
        assert_eq!(find(name).await.as_ref(), Some(&added), "{name}");
    }
    for name in ["eve@example.com", &new_user().id.to_string()] {
        assert_eq!(find(name).await, None, "{name}");
    }
    assert_eq!(UserIdOrEmail::parse("ann"), None);
    subject.probe.corrupt_roles(bob.id).await;
    let found = subject.store.find_user(&UserIdOrEmail::Id(bob.id)).await;
    assert!(matches!(found, Err(StoreError::Corrupt { table: "users", what: "roles", .. })), "{found:?}");
}

fn key(email: &str) -> EmailKey {
    Email::parse(email).expect("an address").key()
}
