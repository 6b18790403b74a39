//! People: kept as they were added, one to an address, found by it, and listed in the order of their ids.

use goptri::clock::Clock;

use super::Subject;
use super::fixtures::{assert_about, id, person, person_at};
use crate::{AddUserOutcome, StoreError};
use auth_domain::{Email, EmailKey, NewUser, Role, User, UserId, UserName};

cases![
    somebody_is_kept_as_they_were_added,
    an_address_is_taken_in_every_spelling_in_capitals,
    an_id_is_not_given_to_another,
    credentials_are_found_by_the_folded_address,
    credentials_are_given_also_of_somebody_disabled,
    somebody_may_have_no_password,
    people_are_listed_in_the_order_of_their_ids_page_by_page,
    users_are_searched_by_a_part_of_their_address_page_by_page,
    the_list_says_who_is_disabled_and_since_when,
    somebody_corrupt_is_named_as_such,
    somebody_is_found_by_their_id_and_by_their_address,
];

async fn somebody_is_kept_as_they_were_added(subject: &Subject) {
    let role = |text| Role::parse(text).expect("a role");
    let asked = [
        NewUser {
            email_verified: true,
            roles: vec![role("z.last"), role("admin"), role("photos:curator")],
            ..person()
        },
        person_at("JÜRGEN.Große+photos@Example.DE"),
        person_at("用户@例子.广告"),
        person_at("o'neil😀@example.com"),
        NewUser { roles: vec![role("admin")], ..person() },
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
        let listed = subject.store.list_users(None, 100).await.expect("an answer");
        assert_eq!(listed.last(), Some(&user));
    }
}

async fn an_address_is_taken_in_every_spelling_in_capitals(subject: &Subject) {
    let first = person_at("Jürgen@example.de");
    let added = subject.add(&first).await;
    for email in ["Jürgen@example.de", "jürgen@example.de", "JÜRGEN@EXAMPLE.DE"] {
        let adding = subject.store.add_user(&person_at(email)).await.expect("an answer");
        assert_eq!(adding, AddUserOutcome::EmailTaken, "{email}");
    }
    assert_eq!(subject.store.list_users(None, 100).await.expect("an answer"), [added]);
    let credentials =
        subject.store.credentials(&first.email.key()).await.expect("an answer").expect("somebody");
    assert_eq!((credentials.user_id, credentials.password_hash), (first.id, Some(first.password_hash)));
    subject.add(&person_at("jurgen@example.de")).await;
}

/// OI-11
async fn an_id_is_not_given_to_another(subject: &Subject) {
    let first = subject.somebody().await;
    let again = subject.store.add_user(&NewUser { id: first.id, ..person() }).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    assert_eq!(subject.store.list_users(None, 100).await.expect("an answer").len(), 1);
}

async fn credentials_are_found_by_the_folded_address(subject: &Subject) {
    let (ann, bob) = (person_at("Ann@example.com"), person_at("bob@example.com"));
    subject.add(&ann).await;
    subject.add(&bob).await;
    for (email, person) in [("ann@example.com", &ann), ("ANN@EXAMPLE.COM", &ann), ("Bob@example.com", &bob)] {
        let found = subject.store.credentials(&key(email)).await.expect("an answer").expect(email);
        assert_eq!((found.user_id, found.password_hash.as_ref()), (person.id, Some(&person.password_hash)));
    }
    for email in ["an@example.com", "ann@example.co", "%@example.com", "_nn@example.com", "a'nn@example.com"]
    {
        assert!(subject.store.credentials(&key(email)).await.expect("an answer").is_none(), "{email}");
    }
}

/// Whether they may sign in is for `open_session` to say, so that a disabled person is not told from a wrong password.
async fn credentials_are_given_also_of_somebody_disabled(subject: &Subject) {
    let person = subject.somebody().await;
    subject.probe.disable(person.id).await;
    let found = subject.store.credentials(&person.email.key()).await.expect("an answer").expect("somebody");
    assert_eq!(found.password_hash, Some(person.password_hash));
}

async fn somebody_may_have_no_password(subject: &Subject) {
    let person = subject.somebody().await;
    subject.probe.set_password_hash(person.id, None).await;
    let found = subject.store.credentials(&person.email.key()).await.expect("an answer").expect("somebody");
    assert_eq!((found.user_id, found.password_hash), (person.id, None));
}

async fn people_are_listed_in_the_order_of_their_ids_page_by_page(subject: &Subject) {
    let mut ids: Vec<UserId> = (0..7).map(|_| UserId(id())).collect();
    for id in ids.iter().rev() {
        subject.add(&NewUser { id: *id, ..person() }).await;
    }
    // Larger than all others in every half, and not as text nor as a signed number.
    let largest = UserId(uuid::Uuid::max());
    subject.add(&NewUser { id: largest, ..person() }).await;
    ids.push(largest);
    let mut listed = Vec::new();
    loop {
        let page = subject.store.list_users(listed.last().copied(), 3).await.expect("an answer");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        listed.extend(page.iter().map(|user| user.id));
    }
    assert_eq!(listed, ids);
    assert_eq!(subject.store.list_users(None, 0).await.expect("an answer"), []);
    assert_eq!(subject.store.list_users(None, u32::MAX).await.expect("an answer").len(), 8);
}

async fn users_are_searched_by_a_part_of_their_address_page_by_page(subject: &Subject) {
    for email in
        ["Ann@example.com", "JÜRGEN@example.de", "a_n%n@example.com", "bob@example.com", "ann.b@other.org"]
    {
        subject.add(&person_at(email)).await;
    }
    let search = async |text: &str, after, limit| {
        let found = subject.store.search_users(text, after, limit).await.expect("an answer");
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
        ("nobody", &[]),
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

async fn the_list_says_who_is_disabled_and_since_when(subject: &Subject) {
    let (one, other) = (subject.somebody().await, subject.somebody().await);
    subject.probe.disable(one.id).await;
    let listed = subject.store.list_users(None, 100).await.expect("an answer");
    let since = |id| listed.iter().find(|user| user.id == id).expect("somebody").disabled_at;
    assert_about(since(one.id).expect("disabled"), subject.clock.now());
    assert_eq!(since(other.id), None);
}

async fn somebody_corrupt_is_named_as_such(subject: &Subject) {
    let person = subject.somebody().await;
    subject.probe.corrupt_roles(person.id).await;
    match subject.store.list_users(None, 100).await {
        Err(StoreError::Corrupt { table: "users", id, what: "roles" }) => {
            assert_eq!(id, person.id.to_string());
        }
        other => panic!("{other:?}"),
    }
}

async fn somebody_is_found_by_their_id_and_by_their_address(subject: &Subject) {
    let (ann, bob) = (person_at("Ann@example.com"), person_at("bob@example.com"));
    let added = subject.add(&ann).await;
    subject.add(&bob).await;
    let find = async |name: &str| {
        let name = UserName::parse(name).expect("a name");
        subject.store.find_user(&name).await.expect("an answer")
    };
    for name in ["ann@example.com", "ANN@example.com", &ann.id.to_string()] {
        assert_eq!(find(name).await.as_ref(), Some(&added), "{name}");
    }
    for name in ["eve@example.com", &person().id.to_string()] {
        assert_eq!(find(name).await, None, "{name}");
    }
    assert_eq!(UserName::parse("ann"), None);
    subject.probe.corrupt_roles(bob.id).await;
    let found = subject.store.find_user(&UserName::Id(bob.id)).await;
    assert!(matches!(found, Err(StoreError::Corrupt { table: "users", what: "roles", .. })), "{found:?}");
}

fn key(email: &str) -> EmailKey {
    Email::parse(email).expect("an address").key()
}
