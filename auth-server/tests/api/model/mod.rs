//! The two promises about sessions, tested on a real server with random schedules.
//!
//! Clients lose any response, retry after any delay, share one store between tabs that run in any order, and restart from
//! a store that is one generation old. A thief copies any token at any moment and refreshes on any schedule. The clock
//! stands still except for the waits in the schedule, so that the grace ends at an exact moment.
//!
//! # The promises
//!
//! *Presenting* a generation is sending its token to `POST /token` so that it arrives. The *row* is at generation `n` when
//! `n` refreshes have advanced it. A presentation of generation `g` is *late* if the row was advanced from `g` to `g + 1`
//! at least one grace ago and is still at `g + 1`: the response was lost, and the loss outlasted the grace. Late
//! presentations of the same generation are one loss.
//!
//! A presentation of an older generation is *overtaken* if that generation was replaced less than one grace ago. Servers
//! know when `n - 1` replaced `n - 2`. Of older generations they know only when they themselves began, in whole seconds,
//! which counts instead.
//!
//! **A request that arrives late changes nothing.** An overtaken presentation gets 503, and the session lives on: a network
//! may deliver a request that was cut off after newer ones of the same client.
//!
//! **No accidental sign-outs.** A session lives on as long as:
//! - nothing older than the row's predecessor is presented, unless it is overtaken: a client's store may be one generation
//!   behind, but not two. A client is two behind if it loses a response *and* restarts from an older store, or sends what
//!   a tab read two refreshes ago. After the grace, that cannot be distinguished from a thief;
//! - between two losses that outlast the grace there are at least eight generations without one: `g` and `g + 9` are
//!   forgiven, `g` and `g + 8` need not be.
//!
//! **Theft is detected.** Owner and thief *meet* at generation `g` if both present it, further apart than the grace, in any
//! order. The session ends at the latest with the later presentation of their second meeting, if the two generations are
//! at most eight apart. A meeting nine generations later counts as a first one again: it looks like the loss of an honest
//! client, which is promised forgiveness. A token older than the row's predecessor ends the session immediately, unless it is
//! overtaken. An owner or thief who was overtaken and presents the same token again after the grace ends it.
//!
//! Always: all who present one token at one moment get the same bytes, or all are rejected; a generation has one token; the
//! row never goes back; once one presentation that is not overtaken is refused, all are, and the row is gone; no other
//! session is affected.
//!
//! # Why `judge` keeps them
//!
//! The later of two that meet at `g` finds a row that has been past `g` for longer than the grace. If it is past `g + 1`,
//! that is theft: `g + 1` began longer than one grace ago, and `g` earlier, so it is not overtaken. Otherwise the
//! presentation is late, and `g` is recorded as forgiven if none of the eight before it was; only late presentations are
//! recorded. So after a meeting at `g`, one of `g - 8 ..= g` was rejected, or `g` is recorded and the next one at most
//! eight later is rejected. A generation recorded since would itself have been too close.

mod play;
mod record;
mod stage;
mod steps;
mod world;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::rt::System;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner, contextualize_config};
use proptest_state_machine::ReferenceStateMachine;

use self::play::{Play, Played};
use self::stage::Stage;
use self::steps::{Robbed, Step, Unlucky};
use self::world::World;
use crate::support::Engine;

/// Schedules per test, unless `PROPTEST_CASES` is set.
const CASES: u32 = 80;

/// What must happen at least once to an owner without a thief.
const MISHAPS: [&str; 11] = [
    "a loss outlasted the grace",
    "a loss outlasted the grace eight generations after another",
    "a retry came a microsecond before the end of the grace",
    "a retry came at the very end of the grace",
    "a tab woke with a token that was replaced",
    "an answer was stored over a newer one",
    "a client restarted from a store that was one generation old",
    "several presented the current token at the same moment",
    "several presented a late token at the same moment",
    "a request was overtaken by two newer ones",
    "a request was overtaken by more than two newer ones",
];

/// What must happen at least once with a thief.
const THEFTS: [&str; 10] = [
    "the thief came first, and the owner after the grace",
    "the owner came first, and the thief after the grace",
    "owner and thief met a second time",
    "owner and thief met a second time, and only just",
    "owner and thief met again so much later that it counts as a first time",
    "owner and thief presented one token at the same moment",
    "a token two generations old or older was presented",
    "the owner was overtaken by the thief",
    "the thief was overtaken",
    "an overtaken token was presented again after the grace",
];

mod no_client_is_signed_out_by_accident {
    use super::{Engine, MISHAPS, Unlucky, hold};

    #[test]
    fn on_sqlite() {
        hold::<Unlucky>(Engine::Sqlite, &MISHAPS);
    }

    #[test]
    fn on_postgres() {
        hold::<Unlucky>(Engine::Postgres, &MISHAPS);
    }
}

mod a_thief_is_noticed_the_second_time {
    use super::{Engine, Robbed, THEFTS, hold};

    #[test]
    fn on_sqlite() {
        hold::<Robbed>(Engine::Sqlite, &THEFTS);
    }

    #[test]
    fn on_postgres() {
        hold::<Robbed>(Engine::Postgres, &THEFTS);
    }
}

type Tally = BTreeMap<&'static str, u32>;

/// The most rounds of schedules, until everything that must happen has happened.
const ROUNDS: u64 = 5;

/// Plays random schedules. If one breaks a promise, shrinks it.
fn hold<M: ReferenceStateMachine<State = World, Transition = Step>>(engine: Engine, wanted: &[&'static str]) {
    let config = contextualize_config(Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 500,
        rng_seed: RngSeed::Fixed(RandomState::new().hash_one(CASES)),
        ..Config::default()
    });
    let RngSeed::Fixed(first) = config.rng_seed else { panic!("PROPTEST_RNG_SEED is a number") };
    let told_to_be_shorter = config.cases < CASES;
    let system = System::new();
    let stage = system.block_on(Stage::on(engine));
    let tally = RefCell::new(Tally::new());
    for round in 0..ROUNDS {
        let seed = first.wrapping_add(round);
        let config = Config { rng_seed: RngSeed::Fixed(seed), ..config.clone() };
        let strategy = M::sequential_strategy(10..60);
        let outcome = TestRunner::new(config).run(&strategy, |(world, steps, seen)| {
            let reached = seen.unwrap_or_default();
            let played = system.block_on(play::<M>(&stage, world, &steps, &reached, &tally));
            played.map_err(TestCaseError::fail)
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(reason, (_, steps, _))) => panic!("{reason}\n{}", told(&steps, seed)),
            Err(TestError::Abort(reason)) => panic!("no schedules: {reason}"),
        }
        // A run in which something never happened proves nothing about it; shortened runs are exempt.
        if told_to_be_shorter || missing(&tally.borrow(), wanted).is_empty() {
            return;
        }
    }
    let missing = missing(&tally.borrow(), wanted);
    panic!("no schedule came to: {missing:#?}\n{}", again(first));
}

async fn play<M: ReferenceStateMachine<State = World, Transition = Step>>(
    stage: &Stage,
    mut world: World,
    steps: &[Step],
    reached: &AtomicUsize,
    tally: &RefCell<Tally>,
) -> Played {
    stage.rewind();
    let bystander = stage.open_session().await;
    let before = stage.row(&bystander).await;
    let mut play = Play::signed_in(stage).await;
    for step in steps {
        reached.fetch_add(1, Ordering::SeqCst);
        world = M::apply(world, step);
        play.step(step, &world).await?;
        for note in &world.notes {
            *tally.borrow_mut().entry(note).or_default() += 1;
        }
    }
    if stage.row(&bystander).await == before { Ok(()) } else { Err("another session was touched".to_owned()) }
}

fn missing<'a>(tally: &Tally, wanted: &[&'a str]) -> Vec<&'a str> {
    wanted.iter().filter(|note| !tally.contains_key(*note)).copied().collect()
}

fn told(steps: &[Step], seed: u64) -> String {
    let mut text = String::from("the shortest schedule found that does it, after a sign-in:\n");
    for (number, step) in (1..).zip(steps) {
        let _ = writeln!(text, "{number:4}. {step}");
    }
    text + &again(seed)
}

fn again(seed: u64) -> String {
    format!("the same schedules again: PROPTEST_RNG_SEED={seed}")
}
