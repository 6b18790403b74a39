//! The secrets that a look-up finds by the key in them: codes and sign-in handles; and what a session of an application
//! depends on.

use auth_domain::{
    ApplicationSession, AuthorizationCode, Client, ClientAuthentication, ClientId, CodeKey, Digest, Entropy,
    Grant, SessionId, SessionKey, SignInHandle, SignInKey, UserId,
};
use goptri::Scope;
use goptri_settings::Plain;

use crate::fixture::{AUDIENCE, NOW, SESSION, USER, at, jti};
use crate::oauth_fixture::client;

/// Fills with one byte.
#[derive(Debug)]
struct Fixed(u8);

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn user() -> UserId {
    UserId(USER.parse().unwrap())
}

fn session() -> SessionKey {
    SessionKey { user_id: user(), id: SessionId(SESSION.parse().unwrap()) }
}

/// RT-01, RT-02
#[test]
fn a_code_contains_its_user_and_256_random_bits_and_is_found_by_the_digest_of_all_of_it() {
    let (code, key) = CodeKey::generate(user(), &Fixed(7));
    let bytes = goptri::token::decode_base64url(code.expose()).unwrap();
    assert_eq!((&bytes[..16], &bytes[16..]), (&user().0.as_bytes()[..], &[7; 32][..]));
    assert_eq!(key, CodeKey { user_id: user(), hash: Digest::of(&code) });
    assert_eq!(CodeKey::of(&code), Some(key.clone()));
    assert_ne!(CodeKey::generate(user(), &Fixed(8)).1, key);
}

#[test]
fn text_that_is_not_written_as_a_code_is_not_looked_up() {
    let code = CodeKey::generate(user(), &Fixed(7)).0.expose().to_owned();
    for bad in [
        "",
        &code[..63],
        &format!("{code}A"),
        &format!("{code}="),
        &format!(" {}", &code[1..]),
        &code.replace('A', "+"),
    ] {
        assert_eq!(CodeKey::of(&Plain::<AuthorizationCode>::new(bad.to_owned())), None, "{bad}");
    }
}

/// RT-01, RT-02
#[test]
fn a_handle_contains_the_key_of_its_session_and_256_random_bits() {
    let (handle, key) = SignInKey::generate(session(), &Fixed(7));
    let bytes = goptri::token::decode_base64url(handle.expose()).unwrap();
    assert_eq!(&bytes[..16], user().0.as_bytes());
    assert_eq!(&bytes[16..32], session().id.0.as_bytes());
    assert_eq!(bytes[32..], [7; 32]);
    assert_eq!(key, SignInKey { session: session(), hash: Digest::of(&handle) });
    assert_eq!(SignInKey::of(&handle), Some(key));
}

/// CK-09: two texts are never the same handle.
#[test]
fn text_that_is_not_written_as_a_handle_is_not_looked_up() {
    let handle = SignInKey::generate(session(), &Fixed(7)).0.expose().to_owned();
    // The last character has four bits that must be zero.
    let trailing = format!("{}x", &handle[..85]);
    for bad in ["", &handle[..85], &format!("{handle}A"), &format!("{handle}=="), &trailing, "null"] {
        assert_eq!(SignInKey::of(&Plain::<SignInHandle>::new(bad.to_owned())), None, "{bad}");
    }
}

/// RT-02
#[test]
fn no_secret_shows_itself_when_it_is_printed() {
    let (code, key) = CodeKey::generate(user(), &Fixed(7));
    let (handle, sign_in) = SignInKey::generate(session(), &Fixed(7));
    let printed = format!("{code:?} {key:?} {handle:?} {sign_in:?}");
    for secret in [code.expose(), handle.expose()] {
        assert!(!printed.contains(&secret[22..]), "{printed}");
    }
}

/// AS-19
#[test]
fn a_session_outlives_the_sign_in_exactly_with_offline_access() {
    let with_scope = |scope| ApplicationSession {
        key: session(),
        client_id: ClientId::new("printer".to_owned()),
        sign_in: session().id,
        scope: Scope::parse(scope).unwrap(),
        audience: AUDIENCE.to_owned(),
        jti_hash: Digest::of(&jti()),
        lifetime: None,
        user_agent: None,
        ip: None,
    };
    for (scope, parent) in [
        ("", Some(session().id)),
        ("photos:read", Some(session().id)),
        ("photos:read offline_access", None),
        ("photos:offline_access", Some(session().id)),
    ] {
        assert_eq!(with_scope(scope).parent(), parent, "{scope}");
    }
}

#[test]
fn a_grant_covers_exactly_what_was_allowed_for_that_api() {
    let grant = Grant {
        user_id: user(),
        client_id: ClientId::new("printer".to_owned()),
        scope: Scope::parse("photos:read offline_access").unwrap(),
        resources: vec![AUDIENCE.to_owned()],
        granted_at: at(NOW),
    };
    for (scope, resource, is_covered) in [
        ("photos:read", AUDIENCE, true),
        ("offline_access photos:read", AUDIENCE, true),
        ("", AUDIENCE, true),
        ("photos:read photos:write", AUDIENCE, false),
        ("photos", AUDIENCE, false),
        ("photos:read", "https://other.example", false),
        ("photos:read", "", false),
    ] {
        assert_eq!(grant.covers(&Scope::parse(scope).unwrap(), resource), is_covered, "{scope} {resource}");
    }
    let other = "https://other.example";
    let several = Grant { resources: vec![AUDIENCE.to_owned(), other.to_owned()], ..grant };
    for resource in [AUDIENCE, other] {
        assert!(
            !several.covers(&Scope::default(), resource),
            "it is unknown which words belong to {resource}"
        );
    }
}

/// A client has two secrets while one replaces the other.
#[test]
fn each_secret_of_a_client_and_no_other_authenticates_it() {
    let secret = |text: &str| Plain::new(text.repeat(43));
    let digests = vec![Digest::of(&secret("a")), Digest::of(&secret("b"))];
    let client = Client { authentication: ClientAuthentication::Secret(digests), ..client() };
    for (text, expected) in [("a", true), ("b", true), ("c", false), ("", false)] {
        assert_eq!(client.has_secret(&secret(text)), expected, "{text}");
    }
    let public = Client { authentication: ClientAuthentication::Public, ..client };
    assert!(!public.has_secret(&secret("a")));
}
