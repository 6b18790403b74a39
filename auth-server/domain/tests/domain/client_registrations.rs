//! What an operator may register as a client.

use auth_domain::{
    ClientAuthentication, ClientId, ClientLinks, ClientOrigin, ClientRegistration, InvalidClient, RedirectUri,
};
use goptri::Scope;

use crate::fixture::{NOW, USER, at};

fn registration() -> ClientRegistration {
    ClientRegistration {
        id: ClientId::new("printer".to_owned()),
        name: " Photo Printer ".to_owned(),
        authentication: ClientAuthentication::Public,
        redirect_uris: vec![RedirectUri::parse("https://client.example/cb").unwrap()],
        scope: Scope::parse("photos:read").unwrap(),
        resources: vec!["https://api.example/v1".to_owned(), "urn:example:api".to_owned()],
        first_party: false,
        implicit: false,
        rotation: true,
        links: ClientLinks {
            home: Some("https://client.example".to_owned()),
            logo: Some("http://localhost:5000/logo.svg".to_owned()),
            policy: None,
        },
        origin: ClientOrigin::Operator,
    }
}

fn refused(change: impl FnOnce(&mut ClientRegistration)) -> Option<InvalidClient> {
    let mut registration = registration();
    change(&mut registration);
    registration.into_client(at(NOW)).err()
}

#[test]
fn a_client_keeps_what_was_registered_with_its_name_trimmed() {
    let client = registration().into_client(at(NOW)).unwrap();
    assert_eq!((client.name.as_str(), client.is_public(), client.rotation), ("Photo Printer", true, true));
    assert_eq!(client.home.as_deref(), Some("https://client.example"));
}

/// JV-18
#[test]
fn no_client_has_the_id_of_the_first_party_or_of_a_user() {
    for id in ["goptri", USER, &USER.replace('-', ""), &USER.to_uppercase()] {
        let found = refused(|registration| registration.id = ClientId::new(id.to_owned()));
        assert_eq!(found, Some(InvalidClient::Id), "{id}");
    }
}

/// RFC 9700 §4.14.2
#[test]
fn only_a_client_with_credentials_may_keep_one_refresh_token() {
    assert_eq!(refused(|client| client.rotation = false), Some(InvalidClient::PublicWithoutRotation));
    let confidential = refused(|client| {
        client.rotation = false;
        client.authentication = ClientAuthentication::Secret(Vec::new());
    });
    assert_eq!(confidential, None);
}

#[test]
fn names_redirect_uris_resources_and_links_are_checked() {
    for name in ["", "  ", "a\nb", &"x".repeat(101)] {
        assert_eq!(refused(|client| client.name = name.to_owned()), Some(InvalidClient::Name), "{name:?}");
    }
    assert_eq!(refused(|client| client.redirect_uris.clear()), Some(InvalidClient::NoRedirectUri));
    for resource in ["photos", "", "https://api.example/#part"] {
        let found = refused(|client| client.resources = vec![resource.to_owned()]);
        assert_eq!(found, Some(InvalidClient::Resource(resource.to_owned())));
    }
    for link in ["http://client.example", "javascript:alert(1)", "data:text/html,x", "client.example", "//x"]
    {
        let found = refused(|client| client.links.policy = Some(link.to_owned()));
        assert_eq!(found, Some(InvalidClient::Link(link.to_owned())));
    }
}

#[test]
fn a_store_keeps_a_word_for_who_registered_a_client() {
    for (origin, word) in [(ClientOrigin::Operator, "operator"), (ClientOrigin::File, "file")] {
        assert_eq!((origin.as_str(), ClientOrigin::parse(word)), (word, Some(origin)));
    }
    assert_eq!(ClientOrigin::parse("dynamic"), None);
}
