//! What the promises say about a session, from nothing but who presented which generation, and when. This is no second
//! `judge`: it knows neither what was forgiven nor what a row looks like.

use std::collections::BTreeMap;

use chrono::TimeDelta;

/// The grace that the servers here are configured with.
pub(super) const GRACE: TimeDelta = TimeDelta::seconds(60);

/// Two losses that outlast the grace must have so many generations between them, and a thief has so many in which to
/// show himself a second time.
pub(super) const REACH: u32 = 8;

/// What must have become of the session after a presentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Must {
    /// Nobody may be logged out.
    #[default]
    Reloadable,
    /// No promise says anything.
    Either,
    /// It must be over.
    End,
}

/// Who presents a token. The server cannot see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    SessionOwner,
    Thief,
}

/// The first and the last time that somebody presented a generation.
type Span = (TimeDelta, TimeDelta);

/// The presentations of one session that matter, by generation.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    /// Those that were presented late, in their order.
    late: Vec<u32>,
    owners: BTreeMap<u32, Span>,
    thiefs: BTreeMap<u32, Span>,
    /// Those that owner and thief presented further apart than the grace.
    met: Vec<u32>,
    pub(super) must: Must,
}

impl Record {
    /// Whether that one has presented this generation.
    pub(super) fn has(&self, who: Who, generation: u32) -> bool {
        let spans = match who {
            Who::SessionOwner => &self.owners,
            Who::Thief => &self.thiefs,
        };
        spans.contains_key(&generation)
    }

    /// The last generation that was presented late.
    pub(super) fn latest_loss(&self) -> Option<u32> {
        self.late.last().copied()
    }

    /// The row's predecessor is presented, a whole grace after it was replaced or longer. Says what is remarkable.
    pub(super) fn is_late(&mut self, generation: u32) -> Vec<&'static str> {
        let mut notes = vec!["a loss outlasted the grace"];
        if let Some(before) = self.late.iter().rev().find(|late| **late != generation) {
            match generation - before {
                ..=REACH => self.must = self.must.max(Must::Either),
                between if between == REACH + 1 => {
                    notes.push("a loss outlasted the grace eight generations after another");
                }
                _ => {}
            }
        }
        self.late.push(generation);
        notes
    }

    /// Somebody presents a generation: whether owner and thief have now met there, and whether that was once too often.
    pub(super) fn presented(&mut self, who: Who, generation: u32, now: TimeDelta) -> Vec<&'static str> {
        let (own, others) = match who {
            Who::SessionOwner => (&mut self.owners, &self.thiefs),
            Who::Thief => (&mut self.thiefs, &self.owners),
        };
        let (_, last) = own.entry(generation).or_insert((now, now));
        *last = now;
        let Some((first, last)) = others.get(&generation) else { return Vec::new() };
        let apart = (now - *first).max(now - *last) > GRACE;
        if !apart || self.met.contains(&generation) {
            return Vec::new();
        }
        let mut notes = vec![match who {
            Who::SessionOwner => "the thief came first, and the owner after the grace",
            Who::Thief => "the owner came first, and the thief after the grace",
        }];
        if self.met.iter().any(|before| before.abs_diff(generation) <= REACH) {
            self.must = Must::End;
            notes.push("owner and thief met a second time");
            if self.met.iter().all(|before| before.abs_diff(generation) >= REACH) {
                notes.push("owner and thief met a second time, and only just");
            }
        } else if !self.met.is_empty() {
            notes.push("owner and thief met again so much later that it counts as a first time");
        }
        self.met.push(generation);
        notes
    }
}
