//! Revoked sessions, tokens and clients are rejected by id, whatever the encoding of the token.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use goptri::clock::{Clock, ManualClock};
use goptri::revocation::{Entry, EntryKind, ManualMonotonicClock, OnStale, RevocationSet, StalenessPolicy};
use goptri::{Guard, TokenError};
use serde_json::{Value, json};

use test_support::forge::{
    NOW, at, claims, forge, good, header, one_for_each_rejection, stopped_clock, verifier, with, with_claims,
    without,
};

/// The `sid` of [`claims`].
pub(crate) const SESSION: &str = "0190b0a0-0000-7000-8000-000000000002";
/// The `jti` of [`claims`].
pub(crate) const TOKEN: &str = "7c0d";

pub(crate) fn entry(kind: EntryKind, subject: &str, revoked_at: i64, expires_in: u64) -> Entry {
    Entry { kind, subject: subject.to_owned(), revoked_at: at(revoked_at).into(), expires_in }
}

/// A token of a client without a user, issued at `iat`.
pub(crate) fn of_a_client(client: &str, iat: i64) -> String {
    let claims = [("sub", json!(client)), ("client_id", json!(client)), ("iat", json!(iat))]
        .into_iter()
        .fold(without(claims(), "sid"), |claims, (name, value)| with(claims, name, value));
    with_claims(&claims)
}

struct Set {
    clock: ManualMonotonicClock,
    revocations: RevocationSet,
    guard: Guard,
}

fn set(on_stale: OnStale) -> Set {
    let clock = ManualMonotonicClock::default();
    let staleness = StalenessPolicy { max_age: Duration::from_mins(1), on_stale };
    let revocations = RevocationSet::new(staleness, Arc::new(clock.clone()));
    let guard = Guard::new(verifier(), stopped_clock()).with_revocations(revocations.clone());
    // The token cache must make no difference.
    let guard = guard.with_token_cache(100);
    Set { clock, revocations, guard }
}

/// A set that has been complete.
fn complete_set(on_stale: OnStale) -> Set {
    let set = set(on_stale);
    set.revocations.set_age(Duration::ZERO);
    set
}

impl Set {
    fn rejection(&self, token: &str) -> Option<TokenError> {
        self.guard.verify(token).err()
    }
}

#[test]
fn an_entry_revokes_its_subject_and_nothing_else() {
    let user = good();
    let twin = with_claims(&with(claims(), "jti", "another"));
    let elsewhere = with_claims(&with(with(claims(), "sid", "another"), "jti", "another"));
    let (client, older) = (of_a_client("reports", NOW), of_a_client("reports", NOW - 1));
    let all = [&user, &twin, &elsewhere, &client, &older];
    let table = [
        (entry(EntryKind::Session, SESSION, NOW, 60), vec![&user, &twin]),
        (entry(EntryKind::Token, TOKEN, NOW, 60), vec![&user, &client, &older]),
        (entry(EntryKind::Token, "another", NOW, 60), vec![&twin, &elsewhere]),
        (entry(EntryKind::Client, "reports", NOW, 60), vec![&client, &older]),
        // Tokens issued to a client after its revocation are valid: it was added again.
        (entry(EntryKind::Client, "reports", NOW - 1, 60), vec![&older]),
        (entry(EntryKind::Client, "goptri", NOW, 60), vec![&user, &twin, &elsewhere]),
        // An id of one kind is not an id of another kind.
        (entry(EntryKind::Token, SESSION, NOW, 60), vec![]),
        (entry(EntryKind::Session, TOKEN, NOW, 60), vec![]),
        (entry(EntryKind::Session, "reports", NOW, 60), vec![]),
        (entry(EntryKind::Session, &SESSION.to_uppercase(), NOW, 60), vec![]),
        (entry(EntryKind::Session, &SESSION.replace('-', ""), NOW, 60), vec![]),
        (entry(EntryKind::Session, "", NOW, 60), vec![]),
        // Already expired.
        (entry(EntryKind::Session, SESSION, NOW, 0), vec![]),
    ];
    for (revocation, refused) in table {
        let set = complete_set(OnStale::Allow);
        set.revocations.insert(&revocation).unwrap();
        for token in all {
            let expected = refused.contains(&token).then_some(TokenError::Revoked);
            assert_eq!(set.rejection(token), expected, "{revocation:?}");
        }
    }
}

/// JV-28
#[test]
fn every_encoding_of_a_revoked_token_is_rejected() {
    let set = complete_set(OnStale::Allow);
    set.revocations.insert(&entry(EntryKind::Token, TOKEN, NOW, 60)).unwrap();
    let spaced = |value: Value| value.to_string().replace(',', " ,\n ");
    let spellings =
        [good(), forge(spaced(header()), spaced(claims())), with_claims(&with(claims(), "pad", "x"))];
    for token in &spellings {
        assert_eq!(set.rejection(token), Some(TokenError::Revoked));
    }
    for changed in [format!("{}=", good()), format!(" {}", good()), good().replace('.', "..")] {
        assert!(set.rejection(&changed).is_some());
    }
}

#[test]
fn an_entry_expires_at_its_deadline_and_not_before() {
    let set = complete_set(OnStale::Allow);
    set.revocations.insert(&entry(EntryKind::Session, SESSION, NOW, 7_500)).unwrap();
    set.revocations.insert(&entry(EntryKind::Client, "reports", NOW, 7_500)).unwrap();
    // Duplicates with shorter lifetimes: the later deadline holds.
    set.revocations.insert(&entry(EntryKind::Session, SESSION, NOW, 1)).unwrap();
    set.revocations.insert(&entry(EntryKind::Client, "reports", NOW - 9, 1)).unwrap();
    let tokens = [good(), of_a_client("reports", NOW)];
    let sweep = || (0..RevocationSet::SHARDS).for_each(|shard| set.revocations.sweep(shard));
    assert_eq!(set.revocations.len(), 2);
    set.clock.advance(Duration::from_secs(7_499));
    sweep();
    for token in &tokens {
        assert_eq!(set.rejection(token), Some(TokenError::Revoked));
    }
    set.clock.advance(Duration::from_secs(2));
    for token in &tokens {
        assert_eq!(set.rejection(token), None, "although it is not swept yet");
    }
    assert_eq!(set.revocations.len(), 2);
    sweep();
    assert!(set.revocations.is_empty());
}

/// It affects only the times of tokens.
#[test]
fn setting_the_wall_clock_does_not_affect_revocations() {
    for off in [-1, 0, 1] {
        let wall = ManualClock::default();
        wall.advance(TimeDelta::hours(off));
        let set = complete_set(OnStale::Allow);
        let guard = Guard::new(verifier(), Arc::new(wall.clone())).with_revocations(set.revocations.clone());
        let now = wall.now().timestamp();
        let token = with_claims(&with(with(claims(), "iat", now), "exp", now + 40_000));
        // By auth-server's clock, which is right.
        let revoked_at = (wall.now() - TimeDelta::hours(off)).timestamp();
        set.revocations.insert(&entry(EntryKind::Session, SESSION, revoked_at, 7_500)).unwrap();
        assert_eq!(guard.verify(&token).err(), Some(TokenError::Revoked), "off by {off} h");
        wall.advance(TimeDelta::hours(3));
        assert_eq!(guard.verify(&token).err(), Some(TokenError::Revoked), "set, and off by {off} h");
        set.clock.advance(Duration::from_secs(7_502));
        assert_eq!(guard.verify(&token).err(), None, "off by {off} h");
    }
}

/// The set is consulted last.
#[test]
fn an_invalid_token_is_rejected_before_the_revocation_lookup() {
    let set = set(OnStale::Refuse);
    set.revocations.insert(&entry(EntryKind::Session, SESSION, NOW, 60)).unwrap();
    for (rejection, token) in one_for_each_rejection() {
        assert_eq!(set.rejection(&token), Some(rejection));
    }
}

#[test]
fn on_stale_decides_what_a_stale_set_does() {
    for (on_stale, stale) in [(OnStale::Allow, None), (OnStale::Refuse, Some(TokenError::Stale))] {
        let set = set(on_stale);
        let (token, ended) = (good(), with_claims(&with(claims(), "jti", "ended")));
        set.revocations.insert(&entry(EntryKind::Token, "ended", NOW, 7_500)).unwrap();
        let rejections = || (set.rejection(&token), set.rejection(&ended));
        set.revocations.set_age(Duration::from_secs(20));
        assert_eq!(rejections(), (None, Some(TokenError::Revoked)));
        set.clock.advance(Duration::from_secs(39));
        assert_eq!(rejections(), (None, Some(TokenError::Revoked)));
        assert_eq!(set.revocations.check_ready(), Ok(()));
        set.clock.advance(Duration::from_secs(2));
        assert_eq!(rejections(), (stale, Some(TokenError::Revoked)), "known revocations hold");
        assert_eq!(set.revocations.check_ready().is_err(), on_stale == OnStale::Refuse);
        set.revocations.set_age(Duration::ZERO);
        assert_eq!(rejections(), (None, Some(TokenError::Revoked)));
    }
}

/// A restarted service still rejects the tokens that were revoked before the restart.
#[test]
fn a_set_that_was_never_complete_rejects_every_token_for_a_minute_or_until_it_would_be_stale() {
    for (on_stale, max_age, start) in [
        (OnStale::Allow, 600, 60),
        (OnStale::Allow, 10, 10),
        (OnStale::Refuse, 600, 60),
        (OnStale::Refuse, 10, 10),
    ] {
        let clock = ManualMonotonicClock::default();
        clock.advance(Duration::from_hours(1));
        let staleness = StalenessPolicy { max_age: Duration::from_secs(max_age), on_stale };
        let revocations = RevocationSet::new(staleness, Arc::new(clock.clone()));
        let guard = Guard::new(verifier(), stopped_clock()).with_revocations(revocations.clone());
        let waits = || {
            let refused = guard.verify(&good()).err();
            assert_eq!(
                revocations.check_ready().is_ok(),
                refused.is_none(),
                "ready exactly when a call can pass"
            );
            assert!(refused.is_none() || refused == Some(TokenError::NotCaughtUp), "{refused:?}");
            assert_eq!(
                guard.verify("forged").err(),
                Some(TokenError::NotCompact),
                "the token is verified first"
            );
            refused.is_some()
        };
        assert!(waits());
        clock.advance(Duration::from_secs(start - 2));
        assert!(waits());
        clock.advance(Duration::from_secs(3));
        assert_eq!(waits(), on_stale == OnStale::Refuse, "then {on_stale:?} decides");
        revocations.set_age(Duration::ZERO);
        assert!(!waits());
    }
}

#[test]
fn a_full_set_returns_an_error_and_keeps_its_entries() {
    let revocations = RevocationSet::with_max_entries(
        2,
        StalenessPolicy::default(),
        Arc::new(ManualMonotonicClock::default()),
    );
    let guard = Guard::new(verifier(), stopped_clock()).with_revocations(revocations.clone());
    for subject in [SESSION, "another"] {
        revocations.insert(&entry(EntryKind::Session, subject, NOW, 60)).unwrap();
    }
    let full = revocations.insert(&entry(EntryKind::Session, "third", NOW, 60)).unwrap_err();
    assert!(full.to_string().contains("more than 2 revocations"), "{full}");
    assert_eq!((revocations.len(), guard.verify(&good()).err()), (2, Some(TokenError::Revoked)));
}

#[test]
fn concurrent_inserts_checks_and_sweeps_lose_no_entry_and_count_correctly() {
    let set = complete_set(OnStale::Allow);
    set.revocations.insert(&entry(EntryKind::Session, SESSION, NOW, 7_500)).unwrap();
    let token = good();
    thread::scope(|scope| {
        for writer in 0..2 {
            let set = &set;
            scope.spawn(move || {
                for number in 0..20_000_u32 {
                    // Both writers insert half of the ids.
                    let id = format!("{:032x}", number * 2 + writer * (number % 2));
                    set.revocations.insert(&entry(EntryKind::Token, &id, NOW, 60)).unwrap();
                }
            });
        }
        scope.spawn(|| (0..5_000).for_each(|shard| set.revocations.sweep(shard)));
        scope.spawn(|| {
            for _ in 0..2_000 {
                assert_eq!(set.rejection(&token), Some(TokenError::Revoked));
            }
        });
    });
    assert_eq!(set.revocations.len(), 1 + 10_000 + 2 * 10_000);
    set.clock.advance(Duration::from_secs(62));
    (0..RevocationSet::SHARDS).for_each(|shard| set.revocations.sweep(shard));
    assert_eq!(set.revocations.len(), 1);
}

#[test]
fn without_a_set_a_token_is_valid_until_it_expires() {
    for (seconds, expected) in [(NOW, None), (NOW + 100_000, Some(TokenError::Expired))] {
        assert_eq!(
            Guard::new(verifier(), Arc::new(ManualClock::stopped_at(at(seconds)))).verify(&good()).err(),
            expected
        );
    }
}

/// The resident memory of this process, in kB.
pub(crate) fn resident_kb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_million_entries_are_small_and_all_expire() {
    let set = complete_set(OnStale::Allow);
    let before = resident_kb();
    for number in 0..1_000_000_u64 {
        let id = format!("{:016x}{number:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        set.revocations.insert(&entry(EntryKind::Token, &id, NOW, 7_500)).unwrap();
    }
    let grown = resident_kb() - before;
    assert_eq!(set.revocations.len(), 1_000_000);
    assert!(grown < 70_000, "{grown} kB for a million");
    set.clock.advance(Duration::from_secs(7_502));
    (0..RevocationSet::SHARDS).for_each(|shard| set.revocations.sweep(shard));
    assert!(set.revocations.is_empty());
    let left = resident_kb().saturating_sub(before);
    assert!(left < grown / 2, "{left} kB are kept of {grown}");
}
