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
    /// Newer presentations came first, within the grace: it is rejected, and nothing changes.
    pub(super) overtaken: bool,
    pub(super) must: Must,
}

/// One session, and which generations each party holds.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    now: TimeDelta,
    /// When each generation of the row began; the last one is the row's.
    began: Vec<TimeDelta>,
    /// The contents of the owner's store, latest last.
    store: Vec<u32>,
    /// Generations that tabs have read and not yet sent.
    dozing: Vec<u32>,
    /// Responses that tabs have not yet stored.
    under_way: Vec<u32>,
    stolen: Vec<u32>,
    /// The generations whose presentation was overtaken.
    overtaken: Vec<u32>,
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
        Self { began: vec![TimeDelta::zero()], store: vec![0], ..Self::default() }
    }

    /// The state after this step.
    pub(super) fn after(mut self, step: &Step) -> Self {
        self.volleys.clear();
        self.notes.clear();
        match step {
            Step::SignIn => self = Self { now: self.now, began: vec![self.now], ..Self::signed_in() },
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
                    if generation < self.row() {
                        self.notes.push("a tab woke with a token that was replaced");
                    }
                    if self.present(&[Who::SessionOwner], generation) {
                        self.answered(*fate);
                    }
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
            Step::Steal { back } => self.steal(self.row().saturating_sub(*back)),
            Step::Thief { back, at_once } => {
                let last = self.stolen.iter().rev().cycle().nth(*back);
                if let Some(generation) = last.copied()
                    && self.present(&vec![Who::Thief; *at_once], generation)
                {
                    self.steal(self.row());
                }
            }
        }
        self
    }

    /// The generation of the row.
    fn row(&self) -> u32 {
        u32::try_from(self.began.len()).unwrap() - 1
    }

    fn began(&self, generation: u32) -> TimeDelta {
        self.began[usize::try_from(generation).unwrap()]
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
        self.stolen.iter().all(|generation| generation + 1 < self.row())
    }

    /// Whether the thief is one generation behind, at one that the owner presented.
    pub(super) fn thief_follows(&self) -> bool {
        self.stolen
            .iter()
            .max()
            .is_some_and(|newest| newest + 1 == self.row() && self.record.has(Who::SessionOwner, *newest))
    }

    /// Whether the owner is one generation behind, at one that the thief presented.
    pub(super) fn owner_follows(&self) -> bool {
        self.held() + 1 == self.row() && self.record.has(Who::Thief, self.held())
    }

    /// Whether the owner's store is behind the row.
    pub(super) fn is_behind(&self) -> bool {
        self.held() < self.row()
    }

    /// Whether owner and thief both have the current token.
    pub(super) fn are_level(&self) -> bool {
        self.held() == self.row() && self.stolen.contains(&self.row())
    }

    /// Whether presenting the row's predecessor now would be late.
    pub(super) fn is_overdue(&self) -> bool {
        self.now - self.began(self.row()) > GRACE
    }

    /// The tab that is about to be overtaken, or already is.
    pub(super) fn overtaken_tab(&self) -> Option<usize> {
        self.dozing.iter().position(|generation| self.is_overtaken(*generation))
    }

    /// Whether a tab has read the token that the row's predecessor had.
    pub(super) fn has_tab_behind(&self) -> bool {
        self.dozing.iter().any(|generation| generation + 1 == self.row())
    }

    /// Whether the owner's store is so old that its token is rejected until the grace is over.
    pub(super) fn owner_is_overtaken(&self) -> bool {
        self.is_overtaken(self.held())
    }

    /// Whether the token in the owner's store was overtaken.
    pub(super) fn owner_was_overtaken(&self) -> bool {
        self.overtaken.contains(&self.held())
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
        let answered = self.present(&who, generation);
        if thief {
            self.notes.push("owner and thief presented one token at the same moment");
        }
        if !answered {
            return;
        }
        if thief {
            self.steal(self.row());
        }
        for fate in fates {
            self.answered(*fate);
        }
    }

    fn answered(&mut self, fate: Fate) {
        match fate {
            Fate::Stored => self.write(self.row()),
            Fate::Delayed => self.under_way.push(self.row()),
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
        if self.held() + 1 == self.row() {
            self.notes.push("a client restarted from a store that was one generation old");
        }
    }

    fn steal(&mut self, generation: u32) {
        self.stolen.retain(|other| *other != generation);
        self.stolen.push(generation);
    }

    /// Concurrent presentations of one generation. Returns whether they get a successor, unless the session has ended.
    fn present(&mut self, who: &[Who], generation: u32) -> bool {
        let overtaken = self.is_overtaken(generation);
        match self.row() - generation {
            0 => {
                self.began.push(self.now);
                if who.len() > 1 {
                    self.notes.push("several presented the current token at the same moment");
                }
            }
            1 => self.present_replaced(who.len(), generation),
            behind if overtaken => self.present_overtaken(who, generation, behind),
            _ => {
                if self.overtaken.contains(&generation) {
                    self.notes.push("an overtaken token was presented again after the grace");
                }
                self.record.must = Must::End;
                self.notes.push("a token two generations old or older was presented");
            }
        }
        for one in who {
            self.notes.extend(self.record.presented(*one, generation, self.now));
        }
        let (row, must) = (self.row(), self.record.must);
        self.volleys.push(Volley { generation, at_once: who.len(), row, overtaken, must });
        !overtaken
    }

    /// Whether the row has been past this generation's successor for less than the grace, as far as a server can know:
    /// the row has the beginning of the predecessor, and a token that of its own generation, in whole seconds.
    fn is_overtaken(&self, generation: u32) -> bool {
        let since = match self.row() - generation {
            0 | 1 => return false,
            2 => self.began(generation + 1),
            _ => TimeDelta::seconds(self.began(generation).num_seconds()),
        };
        self.now - since < GRACE
    }

    fn present_overtaken(&mut self, who: &[Who], generation: u32, behind: u32) {
        self.overtaken.push(generation);
        self.notes.push(match behind {
            2 => "a request was overtaken by two newer ones",
            _ => "a request was overtaken by more than two newer ones",
        });
        if who.contains(&Who::Thief) {
            self.notes.push("the thief was overtaken");
        } else if self.record.has(Who::Thief, generation) {
            self.notes.push("the owner was overtaken by the thief");
        }
    }

    fn present_replaced(&mut self, at_once: usize, generation: u32) {
        let age = self.now - self.began(self.row());
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
