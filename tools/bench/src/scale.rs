//! How much is measured: the sizes and times of a usual run, a full run and a smoke test.

use std::time::Duration;

use scratch_pg::Profile;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Of the Postgres server.
    pub(crate) profile: Profile,
    /// How often ours and the limit alternate.
    pub(crate) rounds: usize,
    /// The length of a turn.
    pub(crate) turn: Duration,
    /// At most this many concurrent connections.
    pub(crate) max_connections: usize,
    /// The number of different access tokens.
    pub(crate) tokens: u64,
    /// Entries in the revocation set.
    pub(crate) ended: u64,
    /// Sessions in the database of the refresh measures.
    pub(crate) sessions: u64,
    /// How many of these sessions refresh.
    pub(crate) chains: u64,
    /// Passwords hashed in a turn of the limit.
    pub(crate) hashes: u32,
    /// Users who sign in.
    pub(crate) accounts: u64,
    /// Sign-outs on each api-server.
    pub(crate) sign_outs: u64,
    /// Starts of each server.
    pub(crate) starts: usize,
    /// Sizes of the sessions table that are compared.
    pub(crate) growth: &'static [u64],
    /// Refreshes of each session in the growth measure.
    pub(crate) refreshes_each: u32,
    /// How long a server is idle before its memory is measured: longer than auth-server keeps hash memory.
    pub(crate) idle: Duration,
}

impl Scale {
    /// Ten to fifteen minutes.
    pub(crate) const USUAL: Self = Self {
        profile: Profile::Durable,
        rounds: 5,
        turn: Duration::from_secs(3),
        max_connections: usize::MAX,
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
        idle: Duration::from_secs(75),
    };

    /// Two to three hours, and 30 GB of disk.
    pub(crate) const FULL: Self = Self {
        rounds: 9,
        turn: Duration::from_secs(10),
        growth: &[10_000, 100_000, 1_000_000, 10_000_000],
        sign_outs: 1_000,
        ..Self::USUAL
    };

    /// Seconds. Its figures mean nothing. Few connections, because on a busy machine a server rejects some of many.
    pub(crate) const SMOKE: Self = Self {
        profile: Profile::Fast,
        rounds: 1,
        turn: Duration::from_millis(150),
        max_connections: 6,
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
        idle: Duration::from_millis(500),
    };

    /// The distance between sessions that refresh, so that they are on all pages of the table.
    pub(crate) fn stride(&self) -> u64 {
        (self.sessions / self.chains).max(2)
    }
}
