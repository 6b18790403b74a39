//! What may happen, and how likely it is.

use std::fmt;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;

use super::record::{GRACE, Must, REACH};
use super::world::World;

/// The smallest step of the stores' clocks.
const MICRO: TimeDelta = TimeDelta::microseconds(1);

/// What becomes of an answer to a tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is stored at once.
    Stored,
    /// It never arrives.
    Lost,
    /// It arrives, and is stored when the tab comes to it.
    Delayed,
}

/// One thing that happens. What is impossible at the moment does nothing.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The owner signs in anew, and all that was held is forgotten.
    SignIn,
    Wait(TimeDelta),
    /// A tab for each answer reads the store and refreshes, all at the same moment, and the thief with them.
    Refresh {
        fates: Vec<Fate>,
        thief: bool,
    },
    /// So many refreshes one after the other, none of them lost.
    Steadily(u32),
    /// A tab reads the store, and sleeps before it sends.
    Doze,
    /// A tab that slept sends what it had read.
    Wake {
        tab: usize,
        fate: Fate,
    },
    /// An answer that was delayed is stored, whatever the store says by now.
    Arrive(usize),
    /// The app is killed, and starts from the store as it was before the last write.
    Restart,
    /// The thief copies the current token, or one so many generations older.
    Steal {
        back: u32,
    },
    /// The thief refreshes, several times at once, with the token he got last or one he got before.
    Thief {
        back: usize,
        at_once: usize,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn => write!(f, "the owner signs in anew"),
            Self::Wait(delay) => write!(f, "{} s pass", delay.as_seconds_f64()),
            Self::Refresh { fates, thief } => {
                let thief = if *thief { "; the thief joins in if he has that token" } else { "" };
                let tabs = fates.len();
                write!(f, "{tabs} tabs refresh at the same moment, and get answers that are {fates:?}{thief}")
            }
            Self::Steadily(times) => write!(f, "{times} refreshes one after the other"),
            Self::Doze => write!(f, "a tab reads the store and falls asleep"),
            Self::Wake { tab, fate } => {
                write!(f, "sleeping tab {tab} wakes and sends what it had read; its answer is {fate:?}")
            }
            Self::Arrive(answer) => write!(f, "delayed answer {answer} is stored"),
            Self::Restart => write!(f, "the app restarts from the store before its last write"),
            Self::Steal { back } => write!(f, "the thief copies the current token, or the one {back} before"),
            Self::Thief { back, at_once } => {
                write!(
                    f,
                    "the thief refreshes {at_once} times at once with the last but {back} of his tokens"
                )
            }
        }
    }
}

/// One owner, who is unlucky.
#[derive(Debug)]
pub(super) struct Unlucky;

/// An owner, and a thief who copies tokens.
#[derive(Debug)]
pub(super) struct Robbed;

impl ReferenceStateMachine for Unlucky {
    type State = World;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<World> {
        Just(World::signed_in()).boxed()
    }

    fn transitions(world: &World) -> BoxedStrategy<Step> {
        Union::new_weighted(owners(world, 3)).boxed()
    }

    fn apply(world: World, step: &Step) -> World {
        world.after(step)
    }
}

impl ReferenceStateMachine for Robbed {
    type State = World;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<World> {
        Just(World::signed_in()).boxed()
    }

    fn transitions(world: &World) -> BoxedStrategy<Step> {
        let mut steps = owners(world, 1);
        steps.push((3, steal().boxed()));
        if world.has_thief() {
            steps.push((if world.thief_is_lost() { 1 } else { 6 }, thief().boxed()));
        }
        // Who follows a chain that the other has advanced meets him there, if he waits.
        let thief = || Just(Step::Thief { back: 0, at_once: 1 }).boxed();
        let owner = || Just(Step::Steadily(1)).boxed();
        let follows = match (world.owner_follows(), world.thief_follows()) {
            (false, false) => None,
            _ if !world.is_overdue() => Some(Just(Step::Wait(GRACE + MICRO)).boxed()),
            (true, _) => Some(owner()),
            (false, true) => Some(thief()),
        };
        steps.extend(follows.map(|follows| (40, follows)));
        // Both have the current one.
        if world.are_level() {
            steps.push((10, thief()));
            steps.push((10, owner()));
        }
        if let Some(missing) = world.since_late().and_then(|since| (REACH - 1).checked_sub(since)) {
            steps.push((12, Just(Step::Steadily(missing)).boxed()));
        }
        // And who comes back for another copy when the first meeting is just within reach, or just out of it, is of interest.
        if world.since_late().is_some_and(|since| since + 1 >= REACH) && !world.are_level() {
            steps.push((30, Just(Step::Steal { back: 0 }).boxed()));
        }
        Union::new_weighted(steps).boxed()
    }

    fn apply(world: World, step: &Step) -> World {
        world.after(step)
    }
}

/// What the owner may do, or what may happen to him; the latter with so much weight.
fn owners(world: &World, mishap: u32) -> Vec<(u32, BoxedStrategy<Step>)> {
    let mut steps = vec![
        (4, refresh(1, world.has_thief()).boxed()),
        (2 * mishap, refresh(5, world.has_thief()).boxed()),
        (8, delay().prop_map(Step::Wait).boxed()),
        (2, (1..=REACH + 1).prop_map(Step::Steadily).boxed()),
        (mishap, Just(Step::Doze).boxed()),
        (mishap, (0..3_usize, fate(5)).prop_map(|(tab, fate)| Step::Wake { tab, fate }).boxed()),
        (mishap, (0..3_usize).prop_map(Step::Arrive).boxed()),
        (mishap, Just(Step::Restart).boxed()),
    ];
    // Once a loss has outlasted the grace, the next one is of interest just before and just after the reach of the first.
    match world.since_late().map(|since| REACH.saturating_sub(since)) {
        Some(0) if world.is_behind() => steps.push((10, Just(Step::Wait(GRACE)).boxed())),
        Some(0) => steps.push((10, Just(Step::Refresh { fates: vec![Fate::Lost], thief: false }).boxed())),
        Some(missing) => {
            steps.push((5 * mishap, Just(Step::Steadily(missing)).boxed()));
            steps.push((3 * mishap, Just(Step::Steadily(missing.max(2) - 1)).boxed()));
        }
        None => {}
    }
    // There is little left to learn from a session that may be over.
    if world.must() != Must::Reloadable {
        steps.push((40, Just(Step::SignIn).boxed()));
    }
    steps
}

/// The answers are lost or delayed with so much weight.
fn refresh(mishap: u32, thief: bool) -> impl Strategy<Value = Step> {
    let tabs = prop_oneof![3 => Just(1_usize), 1 => 2..=4_usize];
    let fates = tabs.prop_flat_map(move |tabs| {
        prop_oneof![
            6 => proptest::collection::vec(fate(mishap), tabs),
            // Several tabs of one machine lose their answers together.
            mishap => Just(vec![Fate::Lost; tabs]),
        ]
    });
    (fates, any::<bool>()).prop_map(move |(fates, joins)| Step::Refresh { fates, thief: thief && joins })
}

fn fate(mishap: u32) -> impl Strategy<Value = Fate> {
    prop_oneof![15 => Just(Fate::Stored), mishap => Just(Fate::Lost), mishap => Just(Fate::Delayed)]
}

fn steal() -> impl Strategy<Value = Step> {
    prop_oneof![8 => Just(0_u32), 1 => 1..4_u32].prop_map(|back| Step::Steal { back })
}

fn thief() -> impl Strategy<Value = Step> {
    let back = prop_oneof![8 => Just(0_usize), 1 => 1..4_usize];
    let at_once = prop_oneof![4 => Just(1_usize), 1 => 2..4_usize];
    (back, at_once).prop_map(|(back, at_once)| Step::Thief { back, at_once })
}

/// Time stands still but for this.
fn delay() -> impl Strategy<Value = TimeDelta> {
    prop_oneof![
        1 => Just(MICRO),
        3 => Just(GRACE / 2),
        3 => Just(GRACE - MICRO),
        2 => Just(GRACE),
        2 => Just(GRACE + MICRO),
        2 => Just(TimeDelta::hours(5)),
        1 => Just(TimeDelta::days(400)),
    ]
}
