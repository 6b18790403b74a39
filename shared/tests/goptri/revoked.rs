//! What was ended before its time is refused, by what it is called and not by how a token is spelled.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use goptri::revocation::{
    Entry, EntryKind, FeedNotReady, ManualMonotonicClock, OnStale, RevocationSet, StalenessPolicy,
};
use goptri::{Clock, Guard, ManualClock, TokenError};
use serde_json::{Value, json};

use test_support::forge::{
    NOW, StoppedClock, at, claims, forge, good, header, one_for_each_refusal, verifier, with, with_claims,
    without,
};

/// The `sid` of [`claims`].
pub(crate) const SESSION: &str = "0190b0a0-0000-7000-8000-000000000002";
/// The `jti` of [`claims`].
pub(crate) const TOKEN: &str = "7c0d";

pub(crate) fn end(kind: EntryKind, subject: &str, revoked_at: i64, expires_in: u64) -> Entry {
    Entry { kind, subject: subject.to_owned(), revoked_at: at(revoked_at).into(), expires_in }
}

/// A token of a client of its own, issued then.
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

fn set(then: OnStale) -> Set {
    let clock = ManualMonotonicClock::default();
    let staleness = StalenessPolicy { max_age: Duration::from_mins(1), on_stale: then };
    let revocations = RevocationSet::new(staleness, Arc::new(clock.clone()));
    let guard = Guard::new(verifier(), Arc::new(StoppedClock)).with_revocations(revocations.clone());
    // What is remembered must make no difference.
    let guard = guard.with_token_cache(100);
    Set { clock, revocations, guard }
}

impl Set {
    fn refusal(&self, token: &str) -> Option<TokenError> {
        self.guard.verify(token).err()
    }
}

#[test]
fn an_end_refuses_what_it_names_and_nothing_else() {
    let person = good();
    let twin = with_claims(&with(claims(), "jti", "another"));
    let elsewhere = with_claims(&with(with(claims(), "sid", "another"), "jti", "another"));
    let (client, older) = (of_a_client("reports", NOW), of_a_client("reports", NOW - 1));
    let all = [&person, &twin, &elsewhere, &client, &older];
    let table = [
        (end(EntryKind::Session, SESSION, NOW, 60), vec![&person, &twin]),
        (end(EntryKind::Token, TOKEN, NOW, 60), vec![&person, &client, &older]),
        (end(EntryKind::Token, "another", NOW, 60), vec![&twin, &elsewhere]),
        (end(EntryKind::Client, "reports", NOW, 60), vec![&client, &older]),
        // What a client was given after its end is good: it was let in again.
        (end(EntryKind::Client, "reports", NOW - 1, 60), vec![&older]),
        (end(EntryKind::Client, "goptri", NOW, 60), vec![&person, &twin, &elsewhere]),
        // One kind of name is no other.
        (end(EntryKind::Token, SESSION, NOW, 60), vec![]),
        (end(EntryKind::Session, TOKEN, NOW, 60), vec![]),
        (end(EntryKind::Session, "reports", NOW, 60), vec![]),
        (end(EntryKind::Session, &SESSION.to_uppercase(), NOW, 60), vec![]),
        (end(EntryKind::Session, &SESSION.replace('-', ""), NOW, 60), vec![]),
        (end(EntryKind::Session, "", NOW, 60), vec![]),
        // Nobody needs to know it any more.
        (end(EntryKind::Session, SESSION, NOW, 0), vec![]),
    ];
    for (entry, refused) in table {
        let set = set(OnStale::Allow);
        set.revocations.insert(&entry).unwrap();
        for token in all {
            let expected = refused.contains(&token).then_some(TokenError::Revoked);
            assert_eq!(set.refusal(token), expected, "{entry:?}");
        }
    }
}

/// JV-28: the name decides, so every spelling of a token is refused with it.
#[test]
fn every_spelling_of_a_revoked_token_is_refused() {
    let set = set(OnStale::Allow);
    set.revocations.insert(&end(EntryKind::Token, TOKEN, NOW, 60)).unwrap();
    let spaced = |value: Value| value.to_string().replace(',', " ,\n ");
    let spellings =
        [good(), forge(spaced(header()), spaced(claims())), with_claims(&with(claims(), "pad", "x"))];
    for token in &spellings {
        assert_eq!(set.refusal(token), Some(TokenError::Revoked));
    }
    for changed in [format!("{}=", good()), format!(" {}", good()), good().replace('.', "..")] {
        assert!(set.refusal(&changed).is_some());
    }
}

#[test]
fn an_entry_is_gone_after_its_time_and_not_before() {
    let set = set(OnStale::Allow);
    set.revocations.insert(&end(EntryKind::Session, SESSION, NOW, 7_500)).unwrap();
    set.revocations.insert(&end(EntryKind::Client, "reports", NOW, 7_500)).unwrap();
    // Told again, with less to go: what was said first holds.
    set.revocations.insert(&end(EntryKind::Session, SESSION, NOW, 1)).unwrap();
    set.revocations.insert(&end(EntryKind::Client, "reports", NOW - 9, 1)).unwrap();
    let tokens = [good(), of_a_client("reports", NOW)];
    let sweep = || (0..RevocationSet::SLICES).for_each(|slice| set.revocations.sweep(slice));
    assert_eq!(set.revocations.len(), 2);
    set.clock.advance(Duration::from_secs(7_499));
    sweep();
    for token in &tokens {
        assert_eq!(set.refusal(token), Some(TokenError::Revoked));
    }
    set.clock.advance(Duration::from_secs(2));
    for token in &tokens {
        assert_eq!(set.refusal(token), None, "it is not even swept yet");
    }
    assert_eq!(set.revocations.len(), 2);
    sweep();
    assert!(set.revocations.is_empty());
}

/// A clock of an hour ago, or of an hour to come, is the wrong time for tokens and no matter for ends.
#[test]
fn a_wall_clock_that_is_an_hour_off_or_is_set_changes_nothing() {
    for off in [-1, 0, 1] {
        let wall = ManualClock::default();
        wall.advance(TimeDelta::hours(off));
        let set = set(OnStale::Allow);
        let guard = Guard::new(verifier(), Arc::new(wall.clone())).with_revocations(set.revocations.clone());
        let now = wall.now().timestamp();
        let token = with_claims(&with(with(claims(), "iat", now), "exp", now + 40_000));
        // By auth-server's clock, which is right.
        let revoked_at = (wall.now() - TimeDelta::hours(off)).timestamp();
        set.revocations.insert(&end(EntryKind::Session, SESSION, revoked_at, 7_500)).unwrap();
        assert_eq!(guard.verify(&token).err(), Some(TokenError::Revoked), "off by {off} h");
        wall.advance(TimeDelta::hours(3));
        assert_eq!(guard.verify(&token).err(), Some(TokenError::Revoked), "set, and off by {off} h");
        set.clock.advance(Duration::from_secs(7_502));
        assert_eq!(guard.verify(&token).err(), None, "off by {off} h");
    }
}

/// Whether it was ended is looked up last, and nothing of it is told for a token that is no good anyway.
#[test]
fn a_token_that_is_no_good_is_refused_for_that_and_not_looked_up() {
    let set = set(OnStale::Refuse);
    set.revocations.insert(&end(EntryKind::Session, SESSION, NOW, 60)).unwrap();
    for (refusal, token) in one_for_each_refusal() {
        assert_eq!(set.refusal(&token), Some(refusal));
    }
}

#[test]
fn what_is_stale_is_refused_or_allowed_as_configured() {
    for (then, stale) in [(OnStale::Allow, None), (OnStale::Refuse, Some(TokenError::Stale))] {
        let set = set(then);
        let (token, ended) = (good(), with_claims(&with(claims(), "jti", "ended")));
        set.revocations.insert(&end(EntryKind::Token, "ended", NOW, 7_500)).unwrap();
        let refusals = || (set.refusal(&token), set.refusal(&ended));
        assert_eq!(refusals(), (stale, Some(TokenError::Revoked)), "nothing was complete yet");
        assert_eq!(set.revocations.ready(), Err(FeedNotReady::NotCaughtUp));
        set.revocations.known_as_of(Duration::from_secs(20));
        assert_eq!(refusals(), (None, Some(TokenError::Revoked)));
        set.clock.advance(Duration::from_secs(39));
        assert_eq!(refusals(), (None, Some(TokenError::Revoked)));
        assert_eq!(set.revocations.ready(), Ok(()));
        set.clock.advance(Duration::from_secs(2));
        assert_eq!(refusals(), (stale, Some(TokenError::Revoked)), "what is known to be ended stays so");
        assert_eq!(set.revocations.ready().is_err(), then == OnStale::Refuse);
        set.revocations.known_as_of(Duration::ZERO);
        assert_eq!(refusals(), (None, Some(TokenError::Revoked)));
    }
}

#[test]
fn a_full_set_says_so_and_keeps_what_it_has() {
    let revocations = RevocationSet::with_max_entries(
        2,
        StalenessPolicy::default(),
        Arc::new(ManualMonotonicClock::default()),
    );
    let guard = Guard::new(verifier(), Arc::new(StoppedClock)).with_revocations(revocations.clone());
    for subject in [SESSION, "another"] {
        revocations.insert(&end(EntryKind::Session, subject, NOW, 60)).unwrap();
    }
    let full = revocations.insert(&end(EntryKind::Session, "third", NOW, 60)).unwrap_err();
    assert!(full.to_string().contains("more than 2 revocations"), "{full}");
    assert_eq!((revocations.len(), guard.verify(&good()).err()), (2, Some(TokenError::Revoked)));
}

/// While others write and sweep, nothing is lost for a moment, and the count is right in the end.
#[test]
fn writers_readers_and_sweepers_do_not_disturb_each_other() {
    let set = set(OnStale::Allow);
    set.revocations.insert(&end(EntryKind::Session, SESSION, NOW, 7_500)).unwrap();
    let token = good();
    thread::scope(|scope| {
        for writer in 0..2 {
            let set = &set;
            scope.spawn(move || {
                for number in 0..20_000_u32 {
                    // Half of them are told by both.
                    let id = format!("{:032x}", number * 2 + writer * (number % 2));
                    set.revocations.insert(&end(EntryKind::Token, &id, NOW, 60)).unwrap();
                }
            });
        }
        scope.spawn(|| (0..5_000).for_each(|slice| set.revocations.sweep(slice)));
        scope.spawn(|| {
            for _ in 0..2_000 {
                assert_eq!(set.refusal(&token), Some(TokenError::Revoked));
            }
        });
    });
    assert_eq!(set.revocations.len(), 1 + 10_000 + 2 * 10_000);
    set.clock.advance(Duration::from_secs(62));
    (0..RevocationSet::SLICES).for_each(|slice| set.revocations.sweep(slice));
    assert_eq!(set.revocations.len(), 1);
}

/// A guard without them decides as before.
#[test]
fn a_guard_that_follows_nothing_lets_a_token_live_until_it_expires() {
    #[derive(Debug)]
    struct At(DateTime<Utc>);
    impl Clock for At {
        fn now(&self) -> DateTime<Utc> {
            self.0
        }
    }
    for (seconds, expected) in [(NOW, None), (NOW + 100_000, Some(TokenError::Expired))] {
        assert_eq!(Guard::new(verifier(), Arc::new(At(at(seconds)))).verify(&good()).err(), expected);
    }
}

/// How much memory this process has, in kB.
pub(crate) fn resident_kb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_million_entries_are_small_and_all_expire() {
    let set = set(OnStale::Allow);
    let before = resident_kb();
    for number in 0..1_000_000_u64 {
        let id = format!("{:016x}{number:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        set.revocations.insert(&end(EntryKind::Token, &id, NOW, 7_500)).unwrap();
    }
    let grown = resident_kb() - before;
    assert_eq!(set.revocations.len(), 1_000_000);
    assert!(grown < 70_000, "{grown} kB for a million");
    set.clock.advance(Duration::from_secs(7_502));
    (0..RevocationSet::SLICES).for_each(|slice| set.revocations.sweep(slice));
    assert!(set.revocations.is_empty());
    let left = resident_kb().saturating_sub(before);
    assert!(left < grown / 2, "{left} kB are kept of {grown}");
}
