//! The times of a token, and the leeway at its edge.

use goptri::TokenError;

use super::Cases;
use crate::LEEWAY;
use crate::mint::{EXPIRES, ISSUED, claims, with_claims};
use crate::object::Object;

const HOUR: i64 = 3_600;

pub(super) fn add(cases: &mut Cases, now: i64) {
    expiry(cases, now);
    not_yet_valid(cases, now);
    contradictions(cases, now);
    numbers(cases);
    not_numbers(cases);
}

fn issued_now(now: i64) -> Object {
    claims().with("iat", now).with("exp", now + 900)
}

fn expiry(cases: &mut Cases, now: i64) {
    let expires = |at: String| with_claims(&claims().with("exp", at));
    let edge = now - LEEWAY;
    let token = with_claims(&issued_now(now));
    cases.accept("issued_now", "Issued this second, for a quarter of an hour.", token);
    cases.reject(
        TokenError::Expired,
        "expired",
        "Expired a quarter of an hour ago.",
        expires(format!("{}", now - 900)),
    );
    let about = "Expired exactly the leeway ago: RFC 7519 says on or after.";
    cases.reject(TokenError::Expired, "expired_at_the_edge", about, expires(edge.to_string()));
    let about = "Expired one second less than the leeway ago.";
    cases.accept("expired_inside_of_the_edge", about, expires((edge + 1).to_string()));
    let about = "A fraction of a second does not extend the validity.";
    cases.reject(TokenError::Expired, "expired_fraction_at_the_edge", about, expires(format!("{edge}.9")));
    let long_ago = claims().without("auth_time").with("iat", 0).with("exp", 1);
    cases.reject(TokenError::Expired, "expired_in_1970", "Expired in 1970.", with_claims(&long_ago));
    let zero = claims().with("iat", 0).with("auth_time", 0).with("nbf", 0);
    cases.accept("issued_in_1970", "0 is a time, and not an absent one.", with_claims(&zero));
    let max = expires("253402300799".into());
    cases.accept("expires_in_the_year_9999", "The last second of the year 9999 is the largest time.", max);
}

fn not_yet_valid(cases: &mut Cases, now: i64) {
    let nbf = |at: String| with_claims(&claims().with("nbf", at));
    let edge = now + LEEWAY;
    cases.accept("nbf_in_the_past", "Valid since long ago.", nbf(ISSUED.to_string()));
    cases.accept("nbf_at_the_edge", "Valid in exactly the leeway.", nbf(edge.to_string()));
    cases.accept("nbf_fraction_at_the_edge", "A fraction of a second is dropped.", nbf(format!("{edge}.9")));
    let about = "Valid one second later than the leeway allows.";
    cases.reject(TokenError::NotYetValid, "nbf_outside_of_the_edge", about, nbf((edge + 1).to_string()));
    cases.reject(
        TokenError::NotYetValid,
        "not_yet_valid",
        "Valid in a day.",
        nbf((now + 24 * HOUR).to_string()),
    );
    let iat = |at: i64| with_claims(&claims().with("iat", at));
    let about = "Issued in exactly an hour and the leeway: a verifier's clock may be that late.";
    cases.accept("iat_at_the_edge", about, iat(edge + HOUR));
    let about = "Issued one second later than that.";
    cases.reject(TokenError::IssuedInTheFuture, "iat_outside_of_the_edge", about, iat(edge + HOUR + 1));
    let about = "Issued tomorrow: it could outlive its own revocation.";
    cases.reject(TokenError::IssuedInTheFuture, "issued_in_the_future", about, iat(now + 24 * HOUR));
    let about = "Issued half an hour ahead, for a verifier whose clock is late.";
    cases.accept("issued_half_an_hour_ahead", about, iat(now + HOUR / 2));
}

fn contradictions(cases: &mut Cases, now: i64) {
    let times = issued_now(now);
    for (name, about, member, value, claim) in [
        ("expires_before_it_was_issued", "exp is before iat.", "iat", now + 1_000, "exp"),
        ("signed_in_after_it_was_issued", "auth_time is after iat.", "auth_time", now + 1, "auth_time"),
    ] {
        let token = with_claims(&times.clone().with(member, value));
        cases.reject(TokenError::InvalidClaim(claim), name, about, token);
    }
    let token = with_claims(&times.with("exp", now + 10).with("nbf", now + 20));
    let about = "nbf is after exp.";
    cases.reject(TokenError::InvalidClaim("nbf"), "valid_after_it_expires", about, token);
    let token = with_claims(&claims().with("iat", EXPIRES - 1).with("exp", ISSUED));
    let about = "exp is decades before iat.";
    cases.reject(TokenError::Expired, "expired_decades_before_it_was_issued", about, token);
    let token = with_claims(&claims().with("auth_time", ISSUED));
    cases.accept("signed_in_when_it_was_issued", "auth_time equals iat.", token);
}

fn numbers(cases: &mut Cases) {
    for (name, about, member, value) in [
        ("exp_fraction", "A fraction is dropped.", "exp", "4102444800.9"),
        ("exp_with_point_zero", "A float that is a whole number.", "exp", "4102444800.0"),
        ("exp_exponent", "A number in exponent notation.", "exp", "4.1024448e9"),
        ("exp_exponent_zero", "A whole number with an exponent.", "exp", "4102444800E0"),
        ("iat_fraction", "Some libraries issue times with fractions.", "iat", "1700000000.123456"),
        ("nbf_fraction", "A fraction is dropped.", "nbf", "1700000000.5"),
        ("auth_time_fraction", "A fraction is dropped.", "auth_time", "1699999940.5"),
    ] {
        cases.accept(name, about, with_claims(&claims().with(member, value)));
    }
}

fn not_numbers(cases: &mut Cases) {
    let wrong = [
        ("string", r#""1900000000""#),
        ("empty_string", r#""""#),
        ("null", "null"),
        ("true", "true"),
        ("false", "false"),
        ("list", "[1900000000]"),
        ("object", r#"{"seconds":1900000000}"#),
        ("negative", "-1"),
        ("negative_fraction", "-0.5"),
        ("huge", "1e99"),
        ("beyond_the_year_9999", "253402300800"),
        ("fraction_beyond_the_year_9999", "253402300799.5"),
        ("beyond_64_bits", "18446744073709551616"),
        ("beyond_a_float", "1e400"),
        ("nan", "NaN"),
        ("infinity", "Infinity"),
        ("minus_infinity", "-Infinity"),
        ("leading_zero", "01900000000"),
        ("plus_sign", "+1900000000"),
        ("hexadecimal", "0x713fb300"),
        ("no_digits_after_the_point", "1900000000."),
    ];
    for member in ["exp", "nbf", "iat", "auth_time"] {
        // Each form for `exp`; for the others those that libraries treat as absent or convert.
        let some = if member == "exp" { &wrong[..] } else { &wrong[..10] };
        for (form, value) in some {
            let about = format!("{member} is {value}: only a JSON number from 0 to 253402300799 is a time.");
            let token = with_claims(&claims().with(member, value));
            cases.reject(TokenError::Json("payload"), format!("{member}_{form}"), about, token);
        }
    }
}
