//! A guard built in code: it behaves like one from the environment, and each invalid option has its own error.

use chrono::TimeDelta;
use goptri::cookie::SessionCookie;
use goptri::{Environment, Guard, GuardBuilder, GuardError, TokenError};
use goptri_settings::{Settings, WeakSecret};
use test_support::forge::{
    AUDIENCE, ISSUER, NOW, OTHER_SECRET, SECRET, claims, good, one_for_each_rejection, stopped_clock, with,
    with_claims,
};

fn builder() -> GuardBuilder {
    Guard::builder().issuer(ISSUER).audience(AUDIENCE).secret(SECRET).clock(stopped_clock())
}

#[test]
fn a_guard_with_a_secret_accepts_a_valid_token_and_rejects_all_others() {
    let guard = builder().build().unwrap();
    assert!(guard.check_ready().is_ok());
    assert!(guard.verify(&good()).is_ok());
    for (error, token) in one_for_each_rejection() {
        assert_eq!(guard.verify(&token).err(), Some(error));
    }
    let other = Guard::builder().issuer(ISSUER).audience(AUDIENCE).secret(OTHER_SECRET);
    let other = other.clock(stopped_clock());
    assert_eq!(other.build().unwrap().verify(&good()).err(), Some(TokenError::UnknownKey));
}

#[test]
fn every_secret_verifies() {
    let guard = Guard::builder().issuer(ISSUER).audience(AUDIENCE).secret(OTHER_SECRET).secret(SECRET);
    assert!(guard.clock(stopped_clock()).build().unwrap().verify(&good()).is_ok());
}

#[test]
fn each_invalid_option_has_its_error() {
    assert!(matches!(Guard::builder().build(), Err(GuardError::Issuer(_))));
    assert!(matches!(builder().issuer("http://example.com").build(), Err(GuardError::Issuer(_))));
    assert!(matches!(builder().audience("").build(), Err(GuardError::Audience(_))));
    assert!(matches!(builder().audience(ISSUER).build(), Err(GuardError::Audience(_))));
    for leeway in [TimeDelta::seconds(-1), TimeDelta::seconds(301)] {
        assert!(matches!(builder().clock_leeway(leeway).build(), Err(GuardError::ClockLeeway)));
    }
    assert!(builder().cache_entries(10_000_000).build().is_ok());
    assert!(matches!(builder().cache_entries(10_000_001).build(), Err(GuardError::CacheEntries)));
    assert!(matches!(builder().secret("secret").build(), Err(GuardError::WeakSecret(WeakSecret::Known))));
    let without = Guard::builder().issuer(ISSUER).audience(AUDIENCE);
    assert!(matches!(without.build(), Err(GuardError::NoKeys)));
}

#[test]
fn the_session_cookie_is_that_of_issuer_and_audience_or_the_one_given() {
    let own = SessionCookie::new(ISSUER, AUDIENCE);
    assert_eq!(builder().build().unwrap().session_cookie(), &own);
    let given = own.with_name("orders").unwrap();
    assert_eq!(builder().session_cookie(given.clone()).build().unwrap().session_cookie(), &given);
}

#[test]
fn without_entries_nothing_is_cached() {
    for (entries, cached) in [(0, 0), (1, 1)] {
        let guard = builder().cache_entries(entries).build().unwrap();
        assert!(guard.verify(&good()).is_ok());
        assert_eq!(guard.cached_tokens(), cached);
    }
}

#[test]
fn the_leeway_is_that_of_the_environment() {
    let token = with_claims(&with(claims(), "exp", NOW - 100));
    for (leeway, rejection) in [("2m", None), ("1m", Some(TokenError::Expired))] {
        let environment = Environment::from_pairs([
            ("ACCESS_TOKEN_SECRET", SECRET),
            ("ISSUER", ISSUER),
            ("AUDIENCE", AUDIENCE),
            ("CLOCK_LEEWAY", leeway),
        ]);
        let builder = GuardBuilder::from_settings(&Settings::new(&environment)).unwrap();
        let guard = builder.clock(stopped_clock()).build().unwrap();
        assert_eq!(guard.verify(&token).err(), rejection);
    }
}

#[test]
fn debug_does_not_show_a_secret() {
    assert!(!format!("{:?}", builder()).contains(SECRET));
}

#[cfg(feature = "feed")]
#[test]
fn following_requires_the_https_url_of_an_auth_server() {
    let insecure = builder().auth_server("http://login.example.com");
    assert!(matches!(insecure, Err(GuardError::AuthServer(_))));
    assert!(matches!(builder().feed_secret("secret"), Err(GuardError::WeakSecret(_))));
    let alone = builder().feed_secret("feed-5f2a9c4be1d078365f2a9c4be1d07836").unwrap();
    assert!(matches!(alone.build(), Err(GuardError::FeedWithoutAuthServer)));
    // The published keys would suffice, but they are not fetched yet.
    let guard = Guard::builder().issuer(ISSUER).audience(AUDIENCE).auth_server("http://localhost:1");
    let guard = guard.unwrap().build().unwrap();
    assert!(guard.check_ready().is_err());
    assert_eq!(guard.verify(&good()).err(), Some(TokenError::KeysUnavailable));
}

#[cfg(feature = "feed")]
#[test]
fn keys_and_feed_are_at_the_url_of_auth_server() {
    assert_eq!(builder().urls(), None);
    let following = builder().auth_server("https://login.example.com").unwrap();
    let urls =
        ["/.well-known/jwks.json", "/revocations"].map(|path| format!("https://login.example.com{path}"));
    assert_eq!(following.urls().map(<[String; 2]>::from), Some(urls));
}
