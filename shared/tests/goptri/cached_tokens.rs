//! The cache of verified tokens: it saves the verification of the signature, and no other check.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use allocation_counter::measure;
use chrono::TimeDelta;
use goptri::clock::{Clock, ManualClock};
use goptri::keys::{KeySource, VerifyingKeys};
use goptri::revocation::{EntryKind, ManualMonotonicClock, OnStale, RevocationSet, StalenessPolicy};
use goptri::token::{AccessVerifier, TokenType};
use goptri::{AccessClaims, Environment, Guard, TokenError};
use serde_json::{Value, json};

use crate::revocation_set::{SESSION, TOKEN, entry, of_a_client};
use test_support::forge::{
    AUDIENCE, ISSUER, LEEWAY, NOW, OTHER_SECRET, SECRET, at, claims, good, one_for_each_rejection, ring,
    stopped_clock, verifier, with, with_claims,
};

fn with_token_cache(entries: usize) -> Guard {
    Guard::new(verifier(), stopped_clock()).with_token_cache(entries)
}

/// The number of allocations during the check of a valid token: zero if it is cached.
fn allocations(guard: &Guard, token: &str) -> u64 {
    let mut checked = None;
    let counted = measure(|| checked = Some(guard.verify(token)));
    checked.unwrap().unwrap();
    counted.count_total
}

#[test]
fn a_cached_token_is_not_verified_again() {
    let (guard, token) = (with_token_cache(10), good());
    assert!(allocations(&guard, &token) > 5);
    assert_eq!((allocations(&guard, &token), guard.cached_tokens()), (0, 1));
    assert_eq!(guard.verify(&token).unwrap().jti, TOKEN);
    // A clone shares the cache. Another token is not in it.
    assert_eq!(allocations(&guard.clone(), &token), 0);
    assert!(allocations(&guard, &with_claims(&with(claims(), "jti", "another"))) > 5);

    let forgetful = with_token_cache(0);
    assert!(allocations(&forgetful, &token) > 5 && allocations(&forgetful, &token) > 5);
    assert_eq!(forgetful.cached_tokens(), 0);
}

/// JV-08: every modification of a cached token gets the same result as without a cache.
#[test]
fn only_the_exact_text_of_a_cached_token_hits_the_cache() {
    let (guard, token) = (with_token_cache(10), good());
    guard.verify(&token).unwrap();
    let others = (0..token.len()).flat_map(|at| {
        let other = |byte: u8| {
            let mut text = token.clone().into_bytes();
            text[at] = byte;
            String::from_utf8(text).unwrap()
        };
        [other(if token.as_bytes()[at] == b'A' { b'B' } else { b'A' }), other(b'.'), token[..at].to_owned()]
    });
    let longer = [format!("{token}A"), format!("{token}="), format!("{token} "), format!(" {token}")];
    let others: BTreeSet<_> = others.chain(longer).filter(|other| *other != token).collect();
    assert!(others.len() > 3 * token.len() - 10);
    for other in others {
        let rejection = guard.verify(&other).unwrap_err();
        assert_eq!(Some(rejection), verifier().verify(&other, at(NOW)).err(), "{other}");
    }
    assert_eq!((guard.cached_tokens(), allocations(&guard, &token)), (1, 0));
}

#[test]
fn rejected_tokens_are_not_cached() {
    let staleness = StalenessPolicy { max_age: Duration::from_mins(1), on_stale: OnStale::Refuse };
    let revocations = RevocationSet::new(staleness, Arc::new(ManualMonotonicClock::default()));
    let guard = with_token_cache(100).with_revocations(revocations.clone());
    assert_eq!(guard.verify(&good()).err(), Some(TokenError::NotCaughtUp));
    revocations.set_age(Duration::ZERO);
    revocations.insert(&entry(EntryKind::Session, SESSION, NOW, 60)).unwrap();
    assert_eq!(guard.verify(&good()).err(), Some(TokenError::Revoked));
    for (rejection, token) in one_for_each_rejection() {
        assert_eq!(guard.verify(&token).err(), Some(rejection));
    }
    assert_eq!(guard.cached_tokens(), 0);
}

/// JV-16
#[test]
fn a_cached_token_is_valid_from_its_nbf_to_its_expiry_only() {
    let clock = ManualClock::default();
    let guard = Guard::new(verifier(), Arc::new(clock.clone())).with_token_cache(10);
    let now = clock.now().timestamp();
    let token = with_claims(&with(with(claims(), "exp", now + 900), "nbf", now - 900));
    assert!(allocations(&guard, &token) > 0);
    let leeway = TimeDelta::seconds(LEEWAY);
    // The times of tokens are whole seconds; the clock shows fractions.
    for (step, expected) in [
        (TimeDelta::seconds(898) + leeway, None),
        (TimeDelta::seconds(2), Some(TokenError::Expired)),
        (TimeDelta::days(400), Some(TokenError::Expired)),
        (TimeDelta::days(-400) - TimeDelta::seconds(2), None),
        (TimeDelta::seconds(-898 - 899) - leeway * 2, None),
        (TimeDelta::seconds(-2), Some(TokenError::NotYetValid)),
        (TimeDelta::seconds(900), None),
    ] {
        clock.advance(step);
        assert_eq!(guard.verify(&token).err(), expected, "{} s later", clock.offset().num_seconds());
    }
    assert_eq!(allocations(&guard, &token), 0);
}

#[test]
fn a_cached_token_is_rejected_as_soon_as_it_is_revoked() {
    let (person, client) = (good(), of_a_client("reports", NOW));
    for (token, entry) in [
        (&person, entry(EntryKind::Session, SESSION, NOW, 60)),
        (&person, entry(EntryKind::Token, TOKEN, NOW, 60)),
        (&client, entry(EntryKind::Client, "reports", NOW, 60)),
    ] {
        let clock = ManualMonotonicClock::default();
        let staleness = StalenessPolicy { max_age: Duration::from_hours(1), on_stale: OnStale::Refuse };
        let revocations = RevocationSet::new(staleness, Arc::new(clock.clone()));
        revocations.set_age(Duration::ZERO);
        let guard = with_token_cache(10).with_revocations(revocations.clone());
        guard.verify(token).unwrap();
        assert_eq!(allocations(&guard, token), 0);
        revocations.insert(&entry).unwrap();
        assert_eq!(guard.verify(token).err(), Some(TokenError::Revoked), "{entry:?}");
        clock.advance(Duration::from_secs(62));
        assert_eq!(guard.verify(token).err(), None, "{entry:?}");
        clock.advance(Duration::from_hours(1));
        assert_eq!(guard.verify(token).err(), Some(TokenError::Stale), "{entry:?}");
    }
}

fn verifier_of(keys: &KeySource) -> AccessVerifier {
    AccessVerifier::new(keys.clone(), ISSUER.into(), AUDIENCE.into(), TimeDelta::seconds(LEEWAY))
}

/// OP-02
#[test]
fn a_change_of_keys_invalidates_the_cache() {
    let of = |secret: &str| ring(&[secret]).verifying_keys().clone();
    let keys = KeySource::awaiting_published(of(SECRET));
    let guard = Guard::new(verifier_of(&keys), stopped_clock()).with_token_cache(10);
    let token = good();
    let anew = || allocations(&guard, &token) > 0;
    assert!(anew() && !anew());
    // The same keys again, as after each fetch of the published keys.
    assert!(!keys.set_local(of(SECRET)));
    keys.set_published(VerifyingKeys::default());
    assert!(!anew());
    // With one key more or less, the token is verified again, once.
    keys.set_published(of(OTHER_SECRET));
    assert!(anew() && !anew());
    keys.set_published(VerifyingKeys::default());
    assert!(anew() && !anew());
    // The signing key is removed, and comes back as a published key.
    assert!(keys.set_local(of(OTHER_SECRET)));
    assert_eq!(guard.verify(&token).err(), Some(TokenError::UnknownKey));
    keys.set_published(of(SECRET));
    assert!(anew() && !anew());
}

/// Removing a key takes effect immediately, also while other threads verify with it.
#[test]
fn after_a_key_is_removed_its_tokens_are_rejected_even_if_verified_concurrently() {
    let of = |secret: &str| ring(&[secret]).verifying_keys().clone();
    let keys = KeySource::local(of(SECRET));
    let guard = Guard::new(verifier_of(&keys), stopped_clock()).with_token_cache(1_000);
    let token = good();
    let done = AtomicBool::new(false);
    let answers = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _good_or_not = guard.verify(&token);
                }
            });
        }
        let mut answers = BTreeSet::new();
        for _ in 0..5_000 {
            keys.set_local(of(OTHER_SECRET));
            answers.extend((0..3).map(|_| ("gone", format!("{:?}", guard.verify(&token).err()))));
            keys.set_local(of(SECRET));
            answers.insert(("back", format!("{:?}", guard.verify(&token).err())));
        }
        done.store(true, Ordering::Relaxed);
        answers
    });
    let expected = [("gone", "Some(UnknownKey)".to_owned()), ("back", "None".to_owned())];
    assert_eq!(answers, expected.into());
}

#[test]
fn the_cache_holds_up_to_the_configured_number_of_tokens() {
    let guard = with_token_cache(100);
    let tokens: Vec<_> =
        (0..2_000).map(|number| with_claims(&with(claims(), "jti", format!("{number:08x}")))).collect();
    for _ in 0..2 {
        for token in &tokens {
            guard.verify(token).unwrap();
            assert!(guard.cached_tokens() <= 100);
        }
    }
    assert!(guard.cached_tokens() > 50);
    // Tokens that are no longer presented are evicted.
    for _ in 0..3 {
        guard.verify(&tokens[7]).unwrap();
    }
    assert_eq!(allocations(&guard, &tokens[7]), 0);
}

/// Sharing strings saves memory and does not mix up claims.
#[test]
fn cached_claims_of_one_client_share_equal_strings_and_keep_their_own_values() {
    let guard = with_token_cache(1_000);
    let kinds = [
        ("goptri", "photos:read", json!(AUDIENCE)),
        ("goptri", "photos:read photos:write", json!([AUDIENCE, ISSUER])),
        ("printer", "photos:read", json!(AUDIENCE)),
        ("printer", "photos:read", json!([ISSUER, AUDIENCE])),
        ("printer", "", json!(AUDIENCE)),
    ];
    let token = |number: usize| {
        let (client, scope, audience) = &kinds[number * 7 % kinds.len()];
        [("client_id", json!(client)), ("scope", json!(scope)), ("aud", audience.clone())]
            .into_iter()
            .fold(with(claims(), "jti", format!("{number}")), |claims, (name, value)| {
                with(claims, name, value)
            })
    };
    // In the form that auth-server writes. Tokens of other issuers may differ in form; their strings are not shared.
    let sign = |claims: Value| {
        let claims: AccessClaims = serde_json::from_value(claims).unwrap();
        ring(&[SECRET]).sign(TokenType::Access, &claims).unwrap()
    };
    for number in 0..200 {
        let token = sign(token(number));
        let anew = verifier().verify(&token, at(NOW)).unwrap();
        assert_eq!(*guard.verify(&token).unwrap(), anew);
        assert_eq!(*guard.verify(&token).unwrap(), anew);
    }
    let [one, other] = [0, 5].map(|number| guard.verify(&sign(token(number))).unwrap());
    assert!(Arc::ptr_eq(&one.iss, &other.iss) && Arc::ptr_eq(&one.client_id, &other.client_id));
    assert!(Arc::ptr_eq(&one.aud.0, &other.aud.0) && one.jti != other.jti);
}

#[test]
fn the_cache_size_is_a_number_within_its_limits() {
    let guard = |entries| {
        let pairs = [("ACCESS_TOKEN_SECRET", SECRET), ("VERIFIED_CACHE_ENTRIES", entries)];
        Guard::from_environment(&Environment::from_pairs(pairs))
    };
    for (text, sentence) in [
        ("-1", r#"VERIFIED_CACHE_ENTRIES is "-1"; it must be a number of access tokens, 0 for none"#),
        ("many", r#"VERIFIED_CACHE_ENTRIES is "many"; it must be a number"#),
        ("1e3", r#"VERIFIED_CACHE_ENTRIES is "1e3"; it must be a number"#),
        ("99999999999999999999", r#"VERIFIED_CACHE_ENTRIES is "99999999999999999999"; it must be a number"#),
        ("10000001", "VERIFIED_CACHE_ENTRIES is more than 10000000, which take some ten gigabytes"),
    ] {
        let faults = guard(text).unwrap_err();
        assert!(faults.0.len() == 1 && faults.to_string().contains(sentence), "{faults}");
    }
    for good in ["0", "1", "30000", "10000000"] {
        guard(good).unwrap();
    }
}

#[test]
fn cached_tokens_are_counted_and_do_not_appear_in_debug() {
    let (guard, token) = (with_token_cache(10), good());
    guard.verify(&token).unwrap();
    let shown = format!("{guard:?}");
    assert!(shown.contains("VerifiedTokens { entries: 1, .. }"), "{shown}");
    assert!(!shown.contains(&token) && !shown.contains(TOKEN) && !shown.contains(SESSION), "{shown}");
}
