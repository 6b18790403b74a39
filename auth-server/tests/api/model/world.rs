//! Who holds which generation, and how a step changes that, assuming that all presentations succeed, even after the
//! session has ended.

use chrono::TimeDelta;

use super::record::{GRACE, Must, Record, Who};
use super::steps::{Fate, Step};

/// Concurrent presentations of one generation.
#[derive(Debug, Clone)]
pub(super) struct Volley {
    pub(super) generation: u32,
    pub(super) at_once: usize,
    /// The generation of the row afterwards, if the session lives.
    pub(super) row: u32,
    pub(super) must: Must,
}

/// One session, and which generations each party holds.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    now: TimeDelta,
    row: u32,
    rotated: TimeDelta,
    /// The contents of the owner's store, latest last.
    store: Vec<u32>,
    /// Generations that tabs have read and not yet sent.
    dozing: Vec<u32>,
    /// Responses that tabs have not yet stored.
    under_way: Vec<u32>,
    stolen: Vec<u32>,
    /// The presentations so far.
    record: Record,
    /// What the last step presented, in order.
    pub(super) volleys: Vec<Volley>,
    /// What was notable about the last step.
    pub(super) notes: Vec<&'static str>,
}

impl World {
    /// The state after a sign-in.
    pub(super) fn signed_in() -> Self {
        Self { store: vec![0], ..Self::default() }
    }

    /// The state after this step.
    pub(super) fn after(mut self, step: &Step) -> Self {
        self.volleys.clear();
        self.notes.clear();
        match step {
            Step::SignIn => self = Self { now: self.now, rotated: self.now, ..Self::signed_in() },
            Step::Wait(delay) => self.now += *delay,
            Step::Refresh { fates, thief } => self.refresh(fates, *thief),
            Step::Steadily(times) => {
                for _ in 0..*times {
                    self.refresh(&[Fate::Stored], false);
                }
            }
            Step::Doze => self.dozing.push(self.held()),
            Step::Wake { tab, fate } => {
                if let Some(generation) = take(&mut self.dozing, *tab) {
                    if generation < self.row {
                        self.notes.push("a tab woke with a token that was replaced");
                    }
                    self.present(&[Who::SessionOwner], generation);
                    self.answered(*fate);
                }
            }
            Step::Arrive(answer) => {
                if let Some(generation) = take(&mut self.under_way, *answer) {
                    if generation < self.held() {
                        self.notes.push("an answer was stored over a newer one");
                    }
                    self.write(generation);
                }
            }
            Step::Restart => self.restart(),
            Step::Steal { back } => self.steal(self.row.saturating_sub(*back)),
            Step::Thief { back, at_once } => {
                let last = self.stolen.iter().rev().cycle().nth(*back);
                if let Some(generation) = last.copied() {
                    self.present(&vec![Who::Thief; *at_once], generation);
                    self.steal(self.row);
                }
            }
        }
        self
    }

    /// The generation in the owner's store.
    fn held(&self) -> u32 {
        self.store.last().copied().unwrap_or_default()
    }

    pub(super) fn must(&self) -> Must {
        self.record.must
    }

    pub(super) fn has_thief(&self) -> bool {
        !self.stolen.is_empty()
    }

    /// Whether all tokens of the thief are older than the row's predecessor.
    pub(super) fn thief_is_lost(&self) -> bool {
        self.stolen.iter().all(|generation| generation + 1 < self.row)
    }

    /// Whether the thief is one generation behind, at one that the owner presented.
    pub(super) fn thief_follows(&self) -> bool {
        self.stolen
            .iter()
            .max()
            .is_some_and(|newest| newest + 1 == self.row && self.record.has(Who::SessionOwner, *newest))
    }

    /// Whether the owner is one generation behind, at one that the thief presented.
    pub(super) fn owner_follows(&self) -> bool {
        self.held() + 1 == self.row && self.record.has(Who::Thief, self.held())
    }

    /// Whether the owner's store is behind the row.
    pub(super) fn is_behind(&self) -> bool {
        self.held() < self.row
    }

    /// Whether owner and thief both have the current token.
    pub(super) fn are_level(&self) -> bool {
        self.held() == self.row && self.stolen.contains(&self.row)
    }

    /// Whether presenting the row's predecessor now would be late.
    pub(super) fn is_overdue(&self) -> bool {
        self.now - self.rotated > GRACE
    }

    /// Refreshes without a loss between the last late generation and the one in the store.
    pub(super) fn since_late(&self) -> Option<u32> {
        self.record.latest_loss().map(|loss| self.held().saturating_sub(loss + 1))
    }

    /// Several tabs present what the store contains, with the thief if he has the same generation.
    fn refresh(&mut self, fates: &[Fate], thief: bool) {
        let generation = self.held();
        let thief = thief && self.stolen.contains(&generation);
        let mut who = vec![Who::SessionOwner; fates.len()];
        who.extend(thief.then_some(Who::Thief));
        self.present(&who, generation);
        if thief {
            self.notes.push("owner and thief presented one token at the same moment");
            self.steal(self.row);
        }
        for fate in fates {
            self.answered(*fate);
        }
    }

    fn answered(&mut self, fate: Fate) {
        match fate {
            Fate::Stored => self.write(self.row),
            Fate::Delayed => self.under_way.push(self.row),
            Fate::Lost => {}
        }
    }

    fn write(&mut self, generation: u32) {
        if generation != self.held() {
            self.store.push(generation);
        }
    }

    /// The app restarts from the store before its last write.
    fn restart(&mut self) {
        if self.store.len() > 1 {
            self.store.pop();
        }
        self.dozing.clear();
        self.under_way.clear();
        if self.held() + 1 == self.row {
            self.notes.push("a client restarted from a store that was one generation old");
        }
    }

    fn steal(&mut self, generation: u32) {
        self.stolen.retain(|other| *other != generation);
        self.stolen.push(generation);
    }

    /// Concurrent presentations of one generation.
    fn present(&mut self, who: &[Who], generation: u32) {
        match self.row - generation {
            0 => {
                self.row += 1;
                self.rotated = self.now;
                if who.len() > 1 {
                    self.notes.push("several presented the current token at the same moment");
                }
            }
            1 => self.present_replaced(who.len(), generation),
            _ => {
                self.record.must = Must::End;
                self.notes.push("a token two generations old or older was presented");
            }
        }
        for one in who {
            self.notes.extend(self.record.presented(*one, generation, self.now));
        }
        self.volleys.push(Volley { generation, at_once: who.len(), row: self.row, must: self.record.must });
    }

    fn present_replaced(&mut self, at_once: usize, generation: u32) {
        let age = self.now - self.rotated;
        if age < GRACE {
            self.notes.push("a token that was replaced was presented within the grace");
            if age == GRACE - TimeDelta::microseconds(1) {
                self.notes.push("a retry came a microsecond before the end of the grace");
            }
            return;
        }
        if age == GRACE {
            self.notes.push("a retry came at the very end of the grace");
        }
        if at_once > 1 {
            self.notes.push("several presented a late token at the same moment");
        }
        self.notes.extend(self.record.is_late(generation));
    }
}

/// Picks one by number.
fn take(from: &mut Vec<u32>, index: usize) -> Option<u32> {
    let index = index.checked_rem(from.len())?;
    Some(from.remove(index))
}
