//! The verdict on a refresh token that the one conditional statement did not rotate.
//!
//! An app killed before it stored the response comes back with the token before; that must not log anybody
//! out. Two that follow the same chain both come back with the token before, again and again; that is a
//! thief. The table below tells them apart.

use chrono::TimeDelta;

use crate::{PresentedRefresh, Session, SessionSnapshot};

/// One late retry is forgiven in so many generations.
const GENERATIONS_PER_FORGIVENESS: i64 = 8;

/// How refresh tokens live.
#[derive(Debug, Clone, Copy)]
pub struct RefreshPolicy {
    /// Whether a refresh replaces the token. Otherwise one token is good for the session's whole life, and there is
    /// no telling a thief from the owner.
    pub rotation: bool,
    /// How long after a rotation the token before still gives the same successor. Zero: not at all.
    pub grace: TimeDelta,
    /// Whether one late retry in eight generations is forgiven.
    pub forgiveness: bool,
    /// A session ends when it was not refreshed for so long. `None`: never.
    pub idle_lifetime: Option<TimeDelta>,
    /// A session ends so long after it was opened. `None`: never.
    pub lifetime: Option<TimeDelta>,
}

/// What to do with a presented refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Refuse it; nothing changes.
    Refuse(RefuseReason),
    /// Refuse it, and end the session.
    End(EndReason),
    /// It is good after all: somebody else changed the row in between. Rotate again.
    TryAgain,
    /// Give the current token once more; nothing changes.
    SameSuccessor,
    /// Give the current token once more, and remember that this generation was forgiven.
    Forgive,
}

/// Why a token is refused while the session lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefuseReason {
    /// Presented by another client.
    OtherClient,
    /// Its `jti` is not the session's.
    OtherToken,
    /// Newer than the row: a forgery, or the database was restored from a copy.
    Newer,
}

/// Why a session is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its person may not sign in any more.
    Disabled,
    /// It is past its end, absolute or idle.
    Expired,
    /// Two hold copies of the same chain.
    Theft,
}

/// Judges a token by the row that it names. The order of the questions is the rule.
pub fn judge(snapshot: &SessionSnapshot, presented: &PresentedRefresh, policy: &RefreshPolicy) -> Verdict {
    let SessionSnapshot { session, owner, now } = snapshot;
    if session.client_id != presented.client_id {
        return Verdict::Refuse(RefuseReason::OtherClient);
    }
    if session.jti_hash != presented.jti_hash {
        return Verdict::Refuse(RefuseReason::OtherToken);
    }
    if owner.disabled {
        return Verdict::End(EndReason::Disabled);
    }
    if session.is_over(*now, policy.idle_lifetime) {
        return Verdict::End(EndReason::Expired);
    }
    match presented.generation.generations_behind(session.generation) {
        ..0 => Verdict::Refuse(RefuseReason::Newer),
        0.. if !policy.rotation => Verdict::TryAgain,
        0 => Verdict::TryAgain,
        1 => {
            judge_predecessor(session, presented, policy, (*now - session.rotated_at).max(TimeDelta::zero()))
        }
        2.. => Verdict::End(EndReason::Theft),
    }
}

fn judge_predecessor(
    session: &Session,
    presented: &PresentedRefresh,
    policy: &RefreshPolicy,
    age: TimeDelta,
) -> Verdict {
    if age < policy.grace {
        return Verdict::SameSuccessor;
    }
    if !policy.forgiveness {
        return Verdict::End(EndReason::Theft);
    }
    match session.forgiven_generation.map(|forgiven| forgiven.generations_behind(presented.generation)) {
        Some(0) => Verdict::SameSuccessor,
        Some(..=GENERATIONS_PER_FORGIVENESS) => Verdict::End(EndReason::Theft),
        None | Some(_) => Verdict::Forgive,
    }
}
