//! When a primary fails, and how, by a seed.

use std::time::Duration;

use goptri::clock::{Clock, SystemClock};

/// How a primary fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// All of its processes get SIGKILL.
    Killed,
    /// All of its processes get SIGSTOP: connections are accepted, and nothing answers.
    Stopped,
    /// The network swallows all packets.
    CutOff,
    /// The network swallows the packets between it and its standby. It answers clients, and cannot commit.
    CutOffFromItsStandby,
}

const FAULTS: [Fault; 4] = [Fault::Killed, Fault::CutOffFromItsStandby, Fault::Stopped, Fault::CutOff];

/// A failure of the primary.
#[derive(Debug)]
pub(super) struct Moment {
    /// Repeats it, as `SEED`.
    #[expect(dead_code, reason = "printed by Debug")]
    seed: u64,
    pub(super) fault: Fault,
    /// After so much load.
    pub(super) load: Duration,
    /// The standby is promoted so long after the fault.
    pub(super) promoted_after: Duration,
}

impl Moment {
    /// Consecutive seeds have each fault in turn.
    pub(super) fn from_seed(seed: u64) -> Self {
        let mut state = seed;
        let mut milliseconds = |range: std::ops::Range<u64>| {
            Duration::from_millis(range.start + next(&mut state) % (range.end - range.start))
        };
        let load = milliseconds(1_500..3_500);
        let promoted_after = milliseconds(0..1_500);
        let fault = FAULTS[usize::try_from(seed % 4).unwrap()];
        Self { seed, fault, load, promoted_after }
    }
}

/// A seed that differs from run to run, with the first of the faults.
pub(super) fn seed_by_the_clock() -> u64 {
    SystemClock.now().timestamp_millis().unsigned_abs() / 4 * 4
}

/// The next number of the generator `SplitMix64`.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
