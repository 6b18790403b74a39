//! How much is measured: all that is told apart between a real run, a long one, and one that only shows that the bench
//! itself works.

use std::time::Duration;

use scratch_pg::Profile;

/// Sizes and times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// What Postgres promises.
    pub(crate) profile: Profile,
    /// How often ours and the limit take turns.
    pub(crate) rounds: usize,
    /// How long a turn of either is.
    pub(crate) turn: Duration,
    /// Of those who ask at the same time, no more than so many.
    pub(crate) most_at_once: usize,
    /// Different access tokens.
    pub(crate) tokens: u64,
    /// What the revocation set holds.
    pub(crate) ended: u64,
    /// Sessions in the database that is refreshed in.
    pub(crate) sessions: u64,
    /// How many of them refresh.
    pub(crate) chains: u64,
    /// Passwords that are hashed in a turn of the limit.
    pub(crate) hashes: u32,
    /// People who sign in.
    pub(crate) accounts: u64,
    /// Sign-outs on each api-server.
    pub(crate) sign_outs: u64,
    /// Starts of each server.
    pub(crate) starts: usize,
    /// Numbers of sessions between which the table grows.
    pub(crate) growth: &'static [u64],
    /// Refreshes of each of them.
    pub(crate) refreshes_each: u32,
}

impl Scale {
    /// Ten to fifteen minutes.
    pub(crate) const USUAL: Self = Self {
        profile: Profile::Durable,
        rounds: 5,
        turn: Duration::from_secs(3),
        most_at_once: usize::MAX,
        tokens: 20_000,
        ended: 100_000,
        sessions: 1_000_000,
        chains: 50_000,
        hashes: 40,
        accounts: 200,
        sign_outs: 300,
        starts: 11,
        growth: &[10_000, 100_000, 1_000_000],
        refreshes_each: 20,
    };

    /// Two to three hours, and 30 GB of disk.
    pub(crate) const FULL: Self = Self {
        rounds: 9,
        turn: Duration::from_secs(10),
        growth: &[10_000, 100_000, 1_000_000, 10_000_000],
        sign_outs: 1_000,
        ..Self::USUAL
    };

    /// Seconds. Its figures mean nothing, not even how many ask at once: on a machine that does much else, a server would send some
    /// of them away, and rightly.
    pub(crate) const SMOKE: Self = Self {
        profile: Profile::Fast,
        rounds: 1,
        turn: Duration::from_millis(150),
        most_at_once: 6,
        tokens: 200,
        ended: 1_000,
        sessions: 2_000,
        chains: 300,
        hashes: 2,
        accounts: 20,
        sign_outs: 5,
        starts: 1,
        growth: &[200, 2_000],
        refreshes_each: 2,
    };

    /// Every so manieth session refreshes, so that they are on all pages of the table.
    pub(crate) fn stride(&self) -> u64 {
        (self.sessions / self.chains).max(2)
    }
}
