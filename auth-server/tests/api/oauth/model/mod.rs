//! The sessions of applications, tested on a real server with random schedules.
//!
//! A user has sign-ins in several browsers, and lets two applications use the account. Applications redeem codes, twice or
//! too late or after the consent was withdrawn, refresh, and revoke their tokens. After each step, exactly the sessions
//! live that [`world`] expects, services are told of each one that ended, and a request got what it had to.

mod play;
mod steps;
mod world;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use actix_web::rt::System;
use proptest::collection::vec;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner, contextualize_config};

use self::play::Stage;
use self::steps::step;
use crate::support::Engine;

/// Schedules per round, unless `PROPTEST_CASES` is set.
const CASES: u32 = 30;

/// The most rounds of schedules, until everything that must happen has happened.
const ROUNDS: u64 = 10;

/// What must happen at least once.
const EVENTS: [&str; 12] = [
    "a code was redeemed",
    "a code was redeemed at once with itself",
    "a code was used again while its session lived",
    "a code was used again after its session had ended",
    "a code came after its sign-in had ended",
    "a code came after the consent was withdrawn",
    "a code came too late",
    "a session ended with its sign-in",
    "a session with offline_access outlived its sign-in",
    "a session ended with the consent",
    "a session was revoked by its application",
    "all sessions of the user ended",
];

#[test]
fn exactly_the_expected_sessions_live_on_sqlite() {
    hold(Engine::Sqlite);
}

#[test]
fn exactly_the_expected_sessions_live_on_postgres() {
    hold(Engine::Postgres);
}

/// Plays random schedules. If one breaks a promise, shrinks it.
fn hold(engine: Engine) {
    let config = contextualize_config(Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 300,
        rng_seed: RngSeed::Fixed(RandomState::new().hash_one(CASES)),
        ..Config::default()
    });
    let RngSeed::Fixed(first) = config.rng_seed else { panic!("PROPTEST_RNG_SEED is a number") };
    let is_short = config.cases < CASES;
    let system = System::new();
    let stage = system.block_on(Stage::on(engine));
    let seen = RefCell::new(BTreeSet::new());
    for seed in (0..ROUNDS).map(|round| first.wrapping_add(round)) {
        let config = Config { rng_seed: RngSeed::Fixed(seed), ..config.clone() };
        let outcome = TestRunner::new(config).run(&vec(step(), 5..40), |steps| {
            let events = system.block_on(stage.play(&steps)).map_err(TestCaseError::fail)?;
            seen.borrow_mut().extend(events);
            Ok(())
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(reason, steps)) => {
                panic!("{reason}\nthe shortest schedule: {steps:#?}\nagain: PROPTEST_RNG_SEED={seed}")
            }
            Err(TestError::Abort(reason)) => panic!("no schedules: {reason}"),
        }
        // Shortened runs are exempt.
        if is_short || EVENTS.iter().all(|event| seen.borrow().contains(event)) {
            return;
        }
    }
    let seen = seen.into_inner();
    let missing: Vec<_> = EVENTS.iter().filter(|event| !seen.contains(*event)).collect();
    panic!("no schedule came to: {missing:#?}\nagain: PROPTEST_RNG_SEED={first}");
}
