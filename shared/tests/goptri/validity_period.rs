//! The validity period of a token, to the microsecond.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use goptri::clock::{Clock, ManualClock};
use goptri::token::AccessVerifier;
use goptri::{Guard, TokenError};

use test_support::forge::{
    AUDIENCE, ISSUER, LEEWAY, NOW, SECRET, at, claims, ring, verifier, with, with_claims,
};

fn verifier_of(leeway: i64) -> AccessVerifier {
    AccessVerifier::new(ring(&[SECRET]), ISSUER.into(), AUDIENCE.into(), TimeDelta::seconds(leeway))
}

fn micros(count: i64) -> TimeDelta {
    TimeDelta::microseconds(count)
}

/// JV-16. RFC 7519 §4.1.4: a token must not be accepted "on or after" its expiry.
#[test]
fn a_token_expires_at_exp_plus_the_leeway_to_the_microsecond() {
    let token = with_claims(&with(claims(), "exp", NOW));
    for leeway in [0, 1, LEEWAY, 300] {
        let verifier = verifier_of(leeway);
        let end = at(NOW + leeway);
        let table = [
            (end - TimeDelta::seconds(1), None),
            (end - micros(1), None),
            (end, Some(TokenError::Expired)),
            (end + micros(1), Some(TokenError::Expired)),
            (end + TimeDelta::days(36_500), Some(TokenError::Expired)),
        ];
        for (now, expected) in table {
            assert_eq!(verifier.verify(&token, now).err(), expected, "leeway {leeway}, now {now}");
        }
    }
}

/// JV-16
#[test]
fn a_token_becomes_valid_at_nbf_minus_the_leeway_to_the_microsecond() {
    let token = with_claims(&with(claims(), "nbf", NOW));
    for leeway in [0, 1, LEEWAY, 300] {
        let verifier = verifier_of(leeway);
        let start = at(NOW - leeway);
        let table = [
            (start - TimeDelta::seconds(1), Some(TokenError::NotYetValid)),
            (start - micros(1), Some(TokenError::NotYetValid)),
            (start, None),
            (start + micros(1), None),
        ];
        for (now, expected) in table {
            assert_eq!(verifier.verify(&token, now).err(), expected, "leeway {leeway}, now {now}");
        }
    }
}

/// JV-16
#[test]
fn a_token_from_more_than_an_hour_and_the_leeway_in_the_future_is_rejected() {
    let token = with_claims(&with(claims(), "iat", NOW));
    for leeway in [0, 1, LEEWAY, 300] {
        let verifier = verifier_of(leeway);
        let start = at(NOW - leeway) - TimeDelta::hours(1);
        let table = [
            (start - TimeDelta::days(1), Some(TokenError::IssuedInTheFuture)),
            (start - micros(1), Some(TokenError::IssuedInTheFuture)),
            (start, None),
            (start + micros(1), None),
        ];
        for (now, expected) in table {
            assert_eq!(verifier.verify(&token, now).err(), expected, "leeway {leeway}, now {now}");
        }
    }
}

/// A user can still sign out after the clock was set back by hours.
#[test]
fn verify_with_tolerance_accepts_an_iat_further_in_the_future() {
    let day = TimeDelta::hours(24);
    let start = at(NOW - LEEWAY) - TimeDelta::hours(1) - day;
    let table = [(start - micros(1), Some(TokenError::IssuedInTheFuture)), (start, None)];
    let token = with_claims(&with(claims(), "iat", NOW));
    for (now, expected) in table {
        assert_eq!(verifier().verify_with_tolerance(&token, now, day).err(), expected, "{now}");
    }
}

/// A fraction of a second does not extend the validity.
#[test]
fn a_fractional_exp_is_rounded_down() {
    let token = with_claims(&with(claims(), "exp", 1_800_000_000.9));
    assert_eq!(verifier_of(0).verify(&token, at(NOW)).err(), Some(TokenError::Expired));
    assert_eq!(verifier_of(0).verify(&token, at(NOW) - micros(1)).err(), None);
}

#[test]
fn an_expired_token_still_identifies_its_session_for_the_given_time() {
    let token = with_claims(&with(claims(), "exp", NOW));
    let day = TimeDelta::hours(24);
    let end = at(NOW + LEEWAY) + day;
    let table = [(at(NOW), None), (end - micros(1), None), (end, Some(TokenError::Expired))];
    for (now, expected) in table {
        assert_eq!(verifier().verify_with_tolerance(&token, now, day).err(), expected, "{now}");
    }
    let elsewhere = with_claims(&with(with(claims(), "exp", NOW), "aud", "https://other.example"));
    assert_eq!(
        verifier().verify_with_tolerance(&elsewhere, at(NOW), day).err(),
        Some(TokenError::WrongAudience)
    );
}

#[test]
fn the_largest_exp_does_not_overflow() {
    let token = with_claims(&with(claims(), "exp", 253_402_300_799_i64));
    assert_eq!(verifier().verify_with_tolerance(&token, at(NOW), TimeDelta::days(36_500)).err(), None);
    let token = with_claims(&with(claims(), "nbf", 253_402_300_799_i64));
    assert_eq!(verifier().verify(&token, at(NOW)).err(), Some(TokenError::NotYetValid));
}

#[test]
fn a_guard_uses_the_clock_it_was_given() {
    let clock = ManualClock::default();
    let expiry = clock.now() + TimeDelta::minutes(15);
    let claims = with(claims(), "iat", clock.now().timestamp());
    let token = with_claims(&with(claims, "exp", expiry.timestamp()));
    let guard = Guard::new(verifier(), Arc::new(clock.clone()));
    let rejection = || guard.verify(&token).err();
    assert_eq!(rejection(), None);
    clock.advance(TimeDelta::minutes(15) + TimeDelta::seconds(LEEWAY));
    assert_eq!(rejection(), Some(TokenError::Expired));
    clock.advance(TimeDelta::minutes(-10));
    assert_eq!(rejection(), None);
    assert_eq!(clock.offset(), TimeDelta::seconds(LEEWAY) + TimeDelta::minutes(5));
    clock.advance(TimeDelta::hours(-1));
    assert_eq!(rejection(), None);
    clock.advance(TimeDelta::hours(-1));
    assert_eq!(rejection(), Some(TokenError::IssuedInTheFuture));
    assert_eq!(clock.now().timezone(), Utc);
}
