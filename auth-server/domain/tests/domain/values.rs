//! Small values: addresses, digests, password hashes, random ids, and passwords that repeat a unit.

use auth_domain::{
    ClientId, Digest, Email, Entropy, ListedSession, NewSession, PasswordHash, PasswordRules, RefreshJti,
    SessionId, SessionKey, User, UserId, access_claims, random_id, random_token_id, session_of,
};
use chrono::TimeDelta;
use goptri::Scope;
use goptri_settings::Plain;
use uuid::Uuid;

use crate::fixture::{ISSUER, NOW, SESSION, USER, at, jti, snapshot};

/// Bytes that count up from 1.
#[derive(Debug)]
struct Counting;

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for (byte, value) in bytes.iter_mut().zip(1..) {
            *byte = value;
        }
    }
}

#[test]
fn an_access_token_names_its_session() {
    let claims = access_claims(&snapshot(), ISSUER, TimeDelta::minutes(15), "7c0d".to_owned());
    let key = SessionKey { user_id: UserId(USER.parse().unwrap()), id: SessionId(SESSION.parse().unwrap()) };
    assert_eq!(session_of(&claims), Some(key));
}

/// RT-02
#[test]
fn a_digest_is_the_sha_256_of_the_secret_and_does_not_show_it() {
    let digest = Digest::<RefreshJti>::of(&Plain::new("abc".to_owned()));
    // FIPS 180-2, B.1
    assert!(digest.as_bytes().starts_with(&[0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]));
    assert!(digest.as_bytes().ends_with(&[0xf2, 0x00, 0x15, 0xad]));
    assert_eq!(format!("{:?}", Digest::of(&jti())), "<digest of a refresh token id>");
}

#[test]
fn a_password_hash_keeps_its_text_and_does_not_show_it() {
    let hash = PasswordHash::from_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned());
    assert_eq!(hash.as_str(), "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA");
    assert_eq!(format!("{hash:?}"), "<password hash>");
}

#[test]
fn an_address_is_shown_as_written_but_for_its_domain_and_compared_in_lower_case() {
    let email = Email::parse("Ann@Example.COM").unwrap();
    assert_eq!(email.to_string(), "Ann@example.com");
    assert_eq!(email.key().as_str(), "ann@example.com");
}

/// RT-01
#[test]
fn random_ids_consist_of_the_bytes_of_their_entropy() {
    assert_eq!(random_token_id(&Counting), "0102030405060708090a0b0c0d0e0f10");
    let id = random_id(&Counting, at(NOW));
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(id.get_timestamp().unwrap().to_unix(), (NOW.unsigned_abs(), 0));
    assert_eq!(id.as_bytes()[9..], [4, 5, 6, 7, 8, 9, 10]);
    assert_ne!(id, Uuid::nil());
}

/// A unit of seven characters is common when repeated; eight are enough.
#[test]
fn a_repeated_unit_of_eight_uncommon_characters_is_accepted() {
    let email = Email::parse("ann@example.com").unwrap();
    let rules = PasswordRules { min_length: 8 };
    let is_accepted = |unit: &str| rules.check(&Plain::new(unit.repeat(3)), &email).is_ok();
    assert!(is_accepted("kz7wq4vx"));
    assert!(!is_accepted("kz7wq4v"));
}

#[test]
fn a_listed_session_is_over_exactly_at_its_end_and_after_the_idle_lifetime() {
    let listed = |expires_at| ListedSession {
        id: SessionId(Uuid::parse_str(SESSION).unwrap()),
        client_id: ClientId::built_in(),
        created_at: at(NOW - 100),
        last_used_at: at(NOW - 10),
        expires_at,
        user_agent: None,
        ip: None,
        now: at(NOW),
    };
    let seconds = TimeDelta::seconds;
    for (expires_at, idle_lifetime, is_over) in [
        (None, None, false),
        (Some(at(NOW + 1)), None, false),
        (Some(at(NOW)), None, true),
        (None, Some(seconds(11)), false),
        (None, Some(seconds(10)), true),
        (Some(at(NOW + 1)), Some(seconds(10)), true),
    ] {
        assert_eq!(listed(expires_at).is_over(idle_lifetime), is_over, "{expires_at:?}, {idle_lifetime:?}");
    }
}

#[test]
fn a_new_session_expires_after_its_lifetime() {
    let user = || User {
        id: UserId(USER.parse().unwrap()),
        email: Email::parse("ann@example.com").unwrap(),
        email_verified: false,
        roles: Vec::new(),
        created_at: at(NOW - 9_000),
        disabled_at: None,
    };
    let key = snapshot().session.key;
    let opened = |lifetime| {
        let new = NewSession {
            key,
            verified_hash: PasswordHash::from_phc(String::new()),
            client_id: ClientId::built_in(),
            scope: Scope::default(),
            audience: Vec::new(),
            jti_hash: Digest::of(&jti()),
            lifetime,
            user_agent: None,
            ip: None,
            remember: false,
            handle_hash: None,
        };
        new.at_opening(user(), at(NOW)).session
    };
    assert_eq!(opened(None).expires_at, None);
    let session = opened(Some(TimeDelta::seconds(60)));
    assert_eq!((session.auth_time, session.expires_at), (at(NOW), Some(at(NOW + 60))));
}
