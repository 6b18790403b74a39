//! The counters are bounded, exact under contention, and cannot be evicted cheaply.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::{DateTime, TimeDelta};
use goptri::clock::ManualClock;

use super::*;

fn throttle() -> (Throttle, ManualClock) {
    let clock = ManualClock::default();
    (Throttle::new(Arc::new(clock.clone())), clock)
}

fn address(number: u32) -> IpAddr {
    IpAddr::from(number.to_be_bytes())
}

fn fail(throttle: &Throttle, account: &str, from: IpAddr, times: usize) {
    for _ in 0..times {
        drop(throttle.count_attempt(account, from).unwrap());
    }
}

fn refused(throttle: &Throttle, account: &str, from: IpAddr) -> Option<ExceededLimit> {
    match throttle.count_attempt(account, from) {
        Ok(attempt) => {
            attempt.refund();
            None
        }
        Err(too_many) => Some(too_many.limit),
    }
}

/// PW-11
#[test]
fn a_pair_is_limited_without_limiting_the_account_elsewhere_or_the_address_on_other_accounts() {
    let (throttle, _) = throttle();
    fail(&throttle, "ann", address(1), 5);
    assert_eq!(refused(&throttle, "ann", address(1)), Some(ExceededLimit::AccountAndAddress));
    assert_eq!(refused(&throttle, "ann", address(2)), None);
    assert_eq!(refused(&throttle, "bob", address(1)), None);
}

#[test]
fn an_address_is_limited_across_accounts() {
    let (throttle, clock) = throttle();
    for n in 0..100 {
        fail(&throttle, &n.to_string(), address(1), 1);
    }
    let pairs = throttle.state.pairs.len();
    for n in 0..10_000 {
        assert_eq!(refused(&throttle, &format!("made up {n}"), address(1)), Some(ExceededLimit::Address));
    }
    assert_eq!(throttle.state.pairs.len(), pairs, "a rejected attempt leaves no counter");
    assert_eq!(refused(&throttle, "0", address(2)), None);
    assert!(throttle.count_registration(address(1)).is_ok(), "registrations are counted separately");
    clock.advance(TimeDelta::seconds(61));
    assert_eq!(refused(&throttle, "made up", address(1)), None);
}

#[test]
fn attempts_rejected_for_the_pair_do_not_count_for_the_address() {
    let (throttle, _) = throttle();
    fail(&throttle, "ann", address(1), 5);
    for _ in 0..1000 {
        assert_eq!(refused(&throttle, "ann", address(1)), Some(ExceededLimit::AccountAndAddress));
    }
    assert_eq!(refused(&throttle, "bob", address(1)), None);
}

#[test]
fn a_success_clears_the_pair_and_never_the_address() {
    let (throttle, _) = throttle();
    for victim in 0..19 {
        fail(&throttle, &victim.to_string(), address(1), 1);
        fail(&throttle, "own", address(1), 4);
        throttle.count_attempt("own", address(1)).unwrap().succeeded();
    }
    for victim in 0..5 {
        fail(&throttle, &victim.to_string(), address(1), 1);
    }
    assert_eq!(refused(&throttle, "own", address(1)), Some(ExceededLimit::Address));
}

#[test]
fn a_thousand_successful_sign_ins_leave_no_counter() {
    let (throttle, _) = throttle();
    for n in 0..1000 {
        throttle.count_attempt(&n.to_string(), address(1)).unwrap().succeeded();
    }
    assert_eq!(throttle.state.pairs.len() + throttle.state.addresses.len(), 0);
}

#[test]
fn an_attempt_that_was_not_judged_does_not_count_and_a_dropped_one_does() {
    let (throttle, _) = throttle();
    let end = |outcome| throttle.count_attempt("ann", address(1)).unwrap().record_outcome(outcome);
    for _ in 0..200 {
        end(AttemptOutcome::NotJudged);
    }
    for _ in 0..4 {
        end(AttemptOutcome::Failed);
    }
    drop(throttle.count_attempt("ann", address(1)).unwrap());
    assert_eq!(refused(&throttle, "ann", address(1)), Some(ExceededLimit::AccountAndAddress));
}

#[test]
fn a_registration_counts_also_when_it_succeeds() {
    let (throttle, _) = throttle();
    for _ in 0..100 {
        throttle.count_registration(address(1)).unwrap().record_outcome(AttemptOutcome::Succeeded);
    }
    assert!(throttle.count_registration(address(1)).is_err());
    assert_eq!(refused(&throttle, "ann", address(1)), None, "sign-ins are counted separately");
}

/// PW-11: a parallel burst gets no further than a series.
#[test]
fn of_64_threads_on_one_pair_five_attempts_pass() {
    let (throttle, _) = throttle();
    let (passed, start) = (AtomicUsize::new(0), Barrier::new(64));
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..100 {
                    if throttle.count_attempt("ann", address(1)).is_ok() {
                        passed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 5);
}

#[test]
fn concurrent_refunds_neither_lose_nor_gain_failures() {
    let (throttle, _) = throttle();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    if let Ok(attempt) = throttle.count_attempt("ann", address(1)) {
                        attempt.refund();
                    }
                }
            });
        }
    });
    fail(&throttle, "ann", address(1), 5);
    assert_eq!(refused(&throttle, "ann", address(1)), Some(ExceededLimit::AccountAndAddress));
}

/// Fifteen times more keys than fit do not evict the counters of attackers.
#[test]
fn two_million_keys_stay_within_the_bound_and_never_evict_a_longer_wait() {
    let clock = ManualClock::stopped_at(DateTime::UNIX_EPOCH);
    let counters = Counters::new(SETS_OF_PAIRS);
    let count = |key| {
        counters.update(key, &clock, |before, now| match PER_ACCOUNT_AND_ADDRESS.attempt(before, now) {
            Ok(tally) => (Some(tally), true),
            Err(too_soon) => (Some(too_soon.tally), false),
        })
    };
    // Spreads keys as a hash does.
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
fn no_account_is_stored_and_two_servers_use_different_keys() {
    let (one, other) = (throttle().0, throttle().0);
    for throttle in [&one, &other] {
        fail(throttle, "ann@example.com", address(0x0102_0304), 1);
        let shown = format!("{:?}", throttle.state);
        assert!(!shown.contains("ann") && !shown.contains("1.2.3.4"), "{shown}");
    }
    assert_ne!(one.state.pairs.key(&"ann"), other.state.pairs.key(&"ann"));
}
