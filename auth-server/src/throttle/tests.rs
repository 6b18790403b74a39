//! What is remembered is bounded, exact under contention, and not to be pushed out cheaply.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use auth_store::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use goptri::ManualClock;

use super::*;

fn throttle() -> (Throttle, ManualClock) {
    let clock = ManualClock::default();
    (Throttle::new(Arc::new(clock.clone())), clock)
}

/// It is always the same moment, however long a test takes.
#[derive(Debug)]
struct Stopped(DateTime<Utc>);

impl Clock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

fn address(last: u32) -> ClientAddress {
    ClientAddress::new(IpAddr::from(last.to_be_bytes()))
}

fn fail(throttle: &Throttle, account: &str, from: ClientAddress, times: usize) {
    for _ in 0..times {
        drop(throttle.attempt(account, from).unwrap());
    }
}

fn refused(throttle: &Throttle, account: &str, from: ClientAddress) -> Option<LimitScope> {
    match throttle.attempt(account, from) {
        Ok(attempt) => {
            attempt.refund();
            None
        }
        Err(too_many) => Some(too_many.scope),
    }
}

/// PW-11
#[test]
fn a_pair_is_slowed_down_and_neither_the_account_elsewhere_nor_the_address_otherwise() {
    let (throttle, _) = throttle();
    fail(&throttle, "ann", address(1), 5);
    assert_eq!(refused(&throttle, "ann", address(1)), Some(LimitScope::Pair));
    assert_eq!(refused(&throttle, "ann", address(2)), None);
    assert_eq!(refused(&throttle, "bob", address(1)), None);
}

#[test]
fn an_address_is_slowed_down_whatever_the_account() {
    let (throttle, clock) = throttle();
    for n in 0..100 {
        fail(&throttle, &n.to_string(), address(1), 1);
    }
    let pairs = throttle.remembered.pairs.len();
    for n in 0..10_000 {
        assert_eq!(refused(&throttle, &format!("made up {n}"), address(1)), Some(LimitScope::Address));
    }
    assert_eq!(throttle.remembered.pairs.len(), pairs, "it leaves no trace");
    assert_eq!(refused(&throttle, "0", address(2)), None);
    assert!(throttle.registration(address(1)).is_ok(), "registering is counted apart");
    clock.advance(TimeDelta::seconds(61));
    assert_eq!(refused(&throttle, "made up", address(1)), None);
}

#[test]
fn who_is_refused_for_the_pair_does_not_use_up_the_address() {
    let (throttle, _) = throttle();
    fail(&throttle, "ann", address(1), 5);
    for _ in 0..1000 {
        assert_eq!(refused(&throttle, "ann", address(1)), Some(LimitScope::Pair));
    }
    assert_eq!(refused(&throttle, "bob", address(1)), None);
}

#[test]
fn a_success_clears_the_pair_and_never_the_address() {
    let (throttle, _) = throttle();
    for victim in 0..19 {
        fail(&throttle, &victim.to_string(), address(1), 1);
        fail(&throttle, "own", address(1), 4);
        throttle.attempt("own", address(1)).unwrap().succeeded();
    }
    for victim in 0..5 {
        fail(&throttle, &victim.to_string(), address(1), 1);
    }
    assert_eq!(refused(&throttle, "own", address(1)), Some(LimitScope::Address));
}

#[test]
fn a_thousand_who_sign_in_rightly_do_not_use_up_their_address() {
    let (throttle, _) = throttle();
    for n in 0..1000 {
        throttle.attempt(&n.to_string(), address(1)).unwrap().succeeded();
    }
    assert_eq!(throttle.remembered.pairs.len() + throttle.remembered.addresses.len(), 0);
}

#[test]
fn what_was_never_judged_does_not_count_and_what_was_given_up_does() {
    let (throttle, _) = throttle();
    let refund = || Failure::Store(StoreError::Unavailable("away".into()));
    for _ in 0..200 {
        let attempt = throttle.attempt("ann", address(1)).unwrap();
        assert!(attempt.record_outcome(Err::<(), _>(refund())).is_err());
        let attempt = throttle.attempt("ann", address(1)).unwrap();
        assert!(attempt.record_outcome(Err::<(), _>(ProtocolError::UNAVAILABLE.into())).is_err());
    }
    for _ in 0..4 {
        let attempt = throttle.attempt("ann", address(1)).unwrap();
        assert!(attempt.record_outcome(Err::<(), _>(ProtocolError::INVALID_TOKEN.into())).is_err());
    }
    drop(throttle.attempt("ann", address(1)).unwrap());
    assert_eq!(refused(&throttle, "ann", address(1)), Some(LimitScope::Pair));
}

#[test]
fn a_registration_counts_also_when_it_succeeds() {
    let (throttle, _) = throttle();
    for _ in 0..100 {
        assert!(throttle.registration(address(1)).unwrap().record_outcome(Ok(())).is_ok());
    }
    assert!(throttle.registration(address(1)).is_err());
    assert_eq!(refused(&throttle, "ann", address(1)), None, "who is registered signs in");
}

/// PW-11: a parallel burst is no longer than a series.
#[test]
fn of_64_threads_on_one_pair_the_free_number_passes() {
    let (throttle, _) = throttle();
    let (passed, start) = (AtomicUsize::new(0), Barrier::new(64));
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..100 {
                    if throttle.attempt("ann", address(1)).is_ok() {
                        passed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 5);
}

#[test]
fn nothing_is_lost_or_gained_when_threads_give_back_at_once() {
    let (throttle, _) = throttle();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    if let Ok(attempt) = throttle.attempt("ann", address(1)) {
                        attempt.refund();
                    }
                }
            });
        }
    });
    fail(&throttle, "ann", address(1), 5);
    assert_eq!(refused(&throttle, "ann", address(1)), Some(LimitScope::Pair));
}

/// Fifteen times as many strangers as there is room for do not wipe out what an attacker had earned.
#[test]
fn two_million_keys_take_no_more_room_and_push_out_no_longer_wait() {
    let clock = Stopped(ManualClock::default().now());
    let counters = Counters::new(SETS_OF_PAIRS);
    let count = |key| {
        counters.change(key, &clock, |before, now| match PER_ACCOUNT_AND_ADDRESS.attempt(before, now) {
            Ok(tally) => (Some(tally), true),
            Err(too_soon) => (Some(too_soon.tally), false),
        })
    };
    // Spread as a hash would.
    let key = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n.rotate_left(40);
    for earned in 0..1000 {
        for _ in 0..5 {
            assert!(count(key(earned)));
        }
    }
    for stranger in 1000..2_000_000 {
        assert!(count(key(stranger)));
    }
    assert!(counters.len() <= 131_072, "{}", counters.len());
    assert!(counters.bytes() < 7 << 19, "{}", counters.bytes());
    let still = (0..1000).filter(|earned| !count(key(*earned))).count();
    assert_eq!(still, 1000);
}

#[test]
fn no_account_is_kept_and_two_servers_keep_different_keys() {
    let (one, other) = (throttle().0, throttle().0);
    for throttle in [&one, &other] {
        fail(throttle, "ann@example.com", address(0x0102_0304), 1);
        let shown = format!("{:?}", throttle.remembered);
        assert!(!shown.contains("ann") && !shown.contains("1.2.3.4"), "{shown}");
    }
    assert_ne!(one.remembered.pairs.key(&"ann"), other.remembered.pairs.key(&"ann"));
}
