//! The scopes that clients may ask for.

use super::Subject;
use auth_domain::RegisteredScope;

cases![a_scope_is_listed_as_it_was_put_last, scopes_are_listed_in_the_order_of_their_names_until_removed];

fn scope(name: &str, resource: Option<&str>) -> RegisteredScope {
    let description = format!("See your “{name}”");
    RegisteredScope { name: name.to_owned(), description, resource: resource.map(str::to_owned) }
}

async fn list(subject: &Subject) -> Vec<RegisteredScope> {
    subject.store.list_scopes().await.expect("no error")
}

async fn a_scope_is_listed_as_it_was_put_last(subject: &Subject) {
    assert_eq!(list(subject).await, []);
    let changed = RegisteredScope {
        description: "Another".to_owned(),
        ..scope("photos:read", Some("https://photos.example"))
    };
    for put in [scope("photos:read", None), changed.clone(), changed, scope("photos:read", None)] {
        subject.store.put_scope(&put).await.expect("no error");
        assert_eq!(list(subject).await, [put]);
    }
}

async fn scopes_are_listed_in_the_order_of_their_names_until_removed(subject: &Subject) {
    for name in ["photos:write", "photos", "Photos", "photos:read"] {
        subject.store.put_scope(&scope(name, None)).await.expect("no error");
    }
    let names = async || list(subject).await.into_iter().map(|scope| scope.name).collect::<Vec<_>>();
    assert_eq!(names().await, ["Photos", "photos", "photos:read", "photos:write"]);
    assert!(subject.store.remove_scope("photos").await.expect("no error"));
    assert!(!subject.store.remove_scope("photos").await.expect("no error"));
    assert_eq!(names().await, ["Photos", "photos:read", "photos:write"]);
}
