//! The steps of a schedule, and their probabilities.

use std::fmt;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;

use super::record::{GRACE, Must, REACH};
use super::world::World;

/// The smallest step of the stores' clocks.
const MICRO: TimeDelta = TimeDelta::microseconds(1);

/// What happens to a response to a tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The tab stores it immediately.
    Stored,
    /// It never arrives.
    Lost,
    /// The tab stores it later.
    Delayed,
}

/// One step. A step that is impossible in the current state does nothing.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// The owner signs in again; the tokens of the old session are dropped.
    SignIn,
    Wait(TimeDelta),
    /// One tab per response reads the store and refreshes, all concurrently, optionally with the thief.
    Refresh {
        fates: Vec<Fate>,
        thief: bool,
    },
    /// Consecutive refreshes without a loss.
    Steadily(u32),
    /// A tab reads the store, and sends later. Or it sends immediately, and the request arrives later.
    Doze,
    /// What that tab had read arrives.
    Wake {
        tab: usize,
        fate: Fate,
    },
    /// A delayed response overwrites the store.
    Arrive(usize),
    /// The app is killed, and restarts from the store before its last write.
    Restart,
    /// The thief copies the current token, or an older one.
    Steal {
        back: u32,
    },
    /// The thief refreshes, several times concurrently, with the latest or an earlier token.
    Thief {
        back: usize,
        at_once: usize,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn => write!(f, "the owner signs in again"),
            Self::Wait(delay) => write!(f, "{} s pass", delay.as_seconds_f64()),
            Self::Refresh { fates, thief } => {
                let thief = if *thief { "; the thief joins in if he has that token" } else { "" };
                let tabs = fates.len();
                write!(f, "{tabs} tabs refresh at the same moment, and get answers that are {fates:?}{thief}")
            }
            Self::Steadily(times) => write!(f, "{times} refreshes one after the other"),
            Self::Doze => write!(f, "a tab reads the store and waits, or its request is cut off"),
            Self::Wake { tab, fate } => {
                write!(f, "what tab {tab} had read arrives; its answer is {fate:?}")
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

/// An owner with frequent losses.
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
        // Following a chain that the other has advanced leads to a meeting after a wait.
        let thief = || Just(Step::Thief { back: 0, at_once: 1 }).boxed();
        let owner = || Just(Step::Steadily(1)).boxed();
        let follows = match (world.owner_follows(), world.thief_follows()) {
            (false, false) => None,
            _ if !world.is_overdue() => Some(Just(Step::Wait(GRACE + MICRO)).boxed()),
            (true, _) => Some(owner()),
            (false, true) => Some(thief()),
        };
        steps.extend(follows.map(|follows| (40, follows)));
        // The thief, or the owner, is fast enough to overtake the other.
        if world.owner_follows() && !world.is_overdue() {
            steps.push((20, thief()));
        }
        if world.thief_follows() && !world.is_overdue() {
            steps.push((10, owner()));
        }
        if world.owner_is_overtaken() && !world.owner_was_overtaken() {
            steps.push((40, owner()));
        } else if world.owner_is_overtaken() {
            steps.push((40, Just(Step::Wait(GRACE)).boxed()));
        } else if world.owner_was_overtaken() {
            steps.push((40, owner()));
        }
        // Both have the current token.
        if world.are_level() {
            steps.push((10, thief()));
            steps.push((10, owner()));
        }
        if let Some(missing) = world.since_late().and_then(|since| (REACH - 1).checked_sub(since)) {
            steps.push((12, Just(Step::Steadily(missing)).boxed()));
        }
        // Interesting: another copy when the first meeting is just within eight generations, or just beyond.
        if world.since_late().is_some_and(|since| since + 1 >= REACH) && !world.are_level() {
            steps.push((30, Just(Step::Steal { back: 0 }).boxed()));
        }
        Union::new_weighted(steps).boxed()
    }

    fn apply(world: World, step: &Step) -> World {
        world.after(step)
    }
}

/// Steps of the owner; losses have this weight.
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
    // Interesting: the next loss just within eight generations of the previous one, or just beyond.
    match world.since_late().map(|since| REACH.saturating_sub(since)) {
        Some(0) if world.is_behind() => steps.push((10, Just(Step::Wait(GRACE)).boxed())),
        Some(0) => steps.push((10, Just(Step::Refresh { fates: vec![Fate::Lost], thief: false }).boxed())),
        Some(missing) => {
            steps.push((5 * mishap, Just(Step::Steadily(missing)).boxed()));
            steps.push((3 * mishap, Just(Step::Steadily(missing.max(2) - 1)).boxed()));
        }
        None => {}
    }
    // Interesting: two or more refreshes overtake a request that was cut off, which then arrives within the grace.
    if world.has_tab_behind() && !world.is_overdue() {
        steps.push((5 * mishap, prop_oneof![Just(1), Just(2)].prop_map(Step::Steadily).boxed()));
    }
    if let Some(tab) = world.overtaken_tab() {
        steps.push((10 * mishap, fate(1).prop_map(move |fate| Step::Wake { tab, fate }).boxed()));
    }
    // A session that may have ended has little left to test.
    if world.must() != Must::Reloadable {
        steps.push((40, Just(Step::SignIn).boxed()));
    }
    steps
}

/// Responses; losses and delays have this weight.
fn refresh(mishap: u32, thief: bool) -> impl Strategy<Value = Step> {
    let tabs = prop_oneof![3 => Just(1_usize), 1 => 2..=4_usize];
    let fates = tabs.prop_flat_map(move |tabs| {
        prop_oneof![
            6 => proptest::collection::vec(fate(mishap), tabs),
            // Tabs of one machine lose their responses together.
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

/// The only steps that advance the clock.
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
