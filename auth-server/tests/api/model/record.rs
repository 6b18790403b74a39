//! What the promises require of a session, derived only from who presented which generation and when. It does not repeat
//! `judge`: it knows neither what was forgiven nor the row.

use std::collections::BTreeMap;

use chrono::TimeDelta;

/// The grace of the servers in these tests.
pub(super) const GRACE: TimeDelta = TimeDelta::seconds(60);

/// Generations between two losses that are forgiven, and within which a thief must be detected at a second meeting.
pub(super) const REACH: u32 = 8;

/// What must hold for the session after a presentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Must {
    /// It must live.
    #[default]
    Reloadable,
    /// No promise applies.
    Either,
    /// It must have ended.
    End,
}

/// Who presents a token, which the server cannot know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    SessionOwner,
    Thief,
}

/// The first and the last presentation of a generation.
type Span = (TimeDelta, TimeDelta);

/// The presentations of one session by generation, as far as they matter.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    /// Generations presented late, in order.
    late: Vec<u32>,
    owners: BTreeMap<u32, Span>,
    thiefs: BTreeMap<u32, Span>,
    /// Generations at which owner and thief met.
    met: Vec<u32>,
    pub(super) must: Must,
}

impl Record {
    /// Whether `who` has presented this generation.
    pub(super) fn has(&self, who: Who, generation: u32) -> bool {
        let spans = match who {
            Who::SessionOwner => &self.owners,
            Who::Thief => &self.thiefs,
        };
        spans.contains_key(&generation)
    }

    /// The last generation presented late.
    pub(super) fn latest_loss(&self) -> Option<u32> {
        self.late.last().copied()
    }

    /// Records a late presentation of the row's predecessor, and returns what is notable about it.
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

    /// Records a presentation: whether owner and thief have now met there, and whether the session must end.
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
