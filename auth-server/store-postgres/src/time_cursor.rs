//! The cursor of the feed in a distributed database: the times of the last passes, and where within a pass to continue.
//!
//! Each node has its own transaction numbers, and what commits on several nodes becomes visible on one after the other.
//! So a pass begins with entries that are older than the start of the pass before by an overlap, and once a minute with
//! the first entry. All times are microseconds of the database's clock, which may differ between nodes.

use auth_store::Cursor;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::entry_key::EntryKey;

/// The overlap of a pass: it begins with entries that are older by this than the start of the pass before.
const SHORT_OVERLAP: i64 = 2_000_000;

/// Once a second, a pass has this overlap: more than a statement may take, plus the difference between the clocks of
/// two nodes.
const LONG_OVERLAP: i64 = 30_000_000;
const LONG_INTERVAL: i64 = 1_000_000;

/// Once a minute, a pass reads everything. It finds what a node committed later than the long overlap, for example
/// after it was down between the two phases of a commit.
const FULL_INTERVAL: i64 = 60_000_000;

/// A cursor that is further ahead of the clock was not issued by this database.
const MAX_AHEAD: i64 = FULL_INTERVAL;

/// A position in the feed: before a pass, or within one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeCursor {
    pub(crate) database_id: Uuid,
    pub(crate) passes: Passes,
    /// The last row read of this pass. `None`: a new pass starts here.
    pub(crate) row: Option<RowKey>,
}

/// When the last passes started. Within a pass, it is one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Passes {
    /// The last pass.
    last: i64,
    /// The last one that read every node. Earlier than `last` while a node is down.
    complete: i64,
    /// The last one with the long overlap.
    long: i64,
    /// The last one that read everything.
    full: i64,
}

/// Where a row of `revocations` stands in a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowKey {
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) entry: EntryKey,
}

/// Which nodes a pass reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All.
    EveryNode,
    /// Those that answer.
    SomeNodes,
}

impl Passes {
    /// The passes as if everything had been read at `now`.
    fn up_to(now: i64) -> Self {
        Self { last: now, complete: now, long: now, full: now }
    }

    /// Whether these were recorded before `now`, by about the same clock.
    fn are_plausible(self, now: i64) -> bool {
        [self.last, self.complete, self.long, self.full]
            .iter()
            .all(|time| (0..=now + MAX_AHEAD).contains(time))
    }

    /// A pass that starts at `now`: what will have been read after it, and from which time on it reads.
    fn start(self, now: i64, reach: Reach) -> (Self, i64) {
        let before = self.last.min(now);
        let recovers = reach == Reach::EveryNode && self.complete < self.last;
        let full = now - self.full >= FULL_INTERVAL;
        let long = full || recovers || now - self.long >= LONG_INTERVAL;
        let from = match (full, recovers, long) {
            (true, ..) => 0,
            (_, true, _) => self.complete - LONG_OVERLAP,
            (.., true) => before - LONG_OVERLAP,
            _ => before - SHORT_OVERLAP,
        };
        let passes = Self {
            last: now,
            complete: if reach == Reach::EveryNode { now } else { self.complete },
            long: if long { now } else { self.long },
            full: if full { now } else { self.full },
        };
        (passes, from.max(0))
    }

    /// Whether the pass with these times reads only some nodes.
    fn is_partial(self) -> bool {
        self.complete < self.last
    }
}

impl RowKey {
    /// Before all rows of that time.
    fn before(time: i64) -> Self {
        let created_at = DateTime::from_timestamp_micros(time).unwrap_or_default();
        Self { created_at, entry: EntryKey::default() }
    }
}

/// A pass, or the rest of one: what to read, and the times to remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) passes: Passes,
    pub(crate) after: RowKey,
}

impl Pass {
    /// The pass after a cursor, if this database issued it; otherwise one that reads everything.
    pub(crate) fn resume(
        asked: Option<TimeCursor>,
        database_id: Uuid,
        now: DateTime<Utc>,
        reach: Reach,
    ) -> Self {
        let now = now.timestamp_micros();
        let issued =
            |cursor: &TimeCursor| cursor.database_id == database_id && cursor.passes.are_plausible(now);
        let (passes, row) =
            asked.filter(issued).map_or_else(Default::default, |cursor| (cursor.passes, cursor.row));
        match row {
            // A node went down in the middle of the pass. How far it was read is not known.
            Some(_) if reach == Reach::SomeNodes && !passes.is_partial() => {
                let (passes, from) = Passes::default().start(now, reach);
                Self { passes, after: RowKey::before(from) }
            }
            Some(row) => Self { passes, after: row },
            None => {
                let (passes, from) = passes.start(now, reach);
                Self { passes, after: RowKey::before(from) }
            }
        }
    }

    /// The cursor after this part of the pass, of which `last` is the last row unless the pass is over.
    pub(crate) fn next(self, database_id: Uuid, last: Option<RowKey>) -> Cursor {
        TimeCursor { database_id, passes: self.passes, row: last }.cursor()
    }
}

impl TimeCursor {
    /// The position after everything that is visible at `now`.
    pub(crate) fn up_to(now: DateTime<Utc>, database_id: Uuid) -> Self {
        Self { database_id, passes: Passes::up_to(now.timestamp_micros()), row: None }
    }

    /// `None`: it is not a cursor of this kind.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_');
        let database_id = parts.next()?.parse().ok()?;
        if parts.next()? != "t" {
            return None;
        }
        let mut time = || parts.next()?.parse().ok();
        let passes = Passes { last: time()?, complete: time()?, long: time()?, full: time()? };
        let row = match parts.next()? {
            "" => None,
            row => Some(parse_row(row)?),
        };
        parts.next().is_none().then_some(Self { database_id, passes, row })
    }

    pub(crate) fn cursor(&self) -> Cursor {
        let Passes { last, complete, long, full } = self.passes;
        let row =
            |RowKey { created_at, entry }: &RowKey| format!("{}.{entry}", created_at.timestamp_micros());
        let row = self.row.as_ref().map(row).unwrap_or_default();
        Cursor::new(format!("{}_t_{last}_{complete}_{long}_{full}_{row}", self.database_id.simple()))
    }
}

fn parse_row(text: &str) -> Option<RowKey> {
    let (created_at, entry) = text.split_once('.')?;
    let created_at = DateTime::from_timestamp_micros(created_at.parse().ok()?)?;
    Some(RowKey { created_at, entry: EntryKey::parse(entry)? })
}

#[cfg(test)]
mod tests;
