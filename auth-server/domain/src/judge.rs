//! The verdict on a refresh token that the conditional statement did not rotate.
//!
//! A client that was killed before it stored the response presents the previous token; that must not end the session.
//! Two clients that use one chain of tokens both present a previous token again and again; that is theft. The rules
//! below tell the two apart.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{PresentedRefresh, Session, SessionSnapshot};

/// The number of generations in which at most one late retry is forgiven.
const GENERATIONS_PER_FORGIVENESS: i64 = 8;

/// The least grace where the order of requests is unclear.
const MIN_UNCLEAR_GRACE: TimeDelta = TimeDelta::seconds(30);

/// The settings of refresh tokens.
#[derive(Debug, Clone, Copy)]
pub struct RefreshPolicy {
    /// Whether a refresh replaces the token. Otherwise one token is valid for the whole session, and theft is not
    /// detected.
    pub rotation: bool,
    /// How long after a rotation the previous token still gets the same successor. Zero: not at all.
    pub grace: TimeDelta,
    /// Whether one late retry in eight generations is forgiven.
    pub forgiveness: bool,
    /// A session that was not refreshed for this long has ended. `None`: no limit.
    pub idle_lifetime: Option<TimeDelta>,
    /// A session ends this long after it was opened. `None`: never.
    pub lifetime: Option<TimeDelta>,
}

/// What to do with a presented refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Refuse it. The session does not change.
    Refuse(RefuseReason),
    /// Refuse it for this long, the rest of the grace: its request may have been interrupted and delivered late. The
    /// session does not change.
    RetryAfter(TimeDelta),
    /// Refuse it, and end the session.
    End(EndReason),
    /// It is valid: the row changed between the two statements. Rotate again.
    TryAgain,
    /// Return the current token again. The session does not change.
    SameSuccessor,
    /// Return the current token again, and record that this generation was forgiven.
    Forgive,
}

/// Why a token is rejected while the session lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefuseReason {
    /// Presented by another client.
    OtherClient,
    /// Its `jti` is not the session's.
    OtherToken,
    /// Its `iat` is later than the beginning of its generation: a forgery.
    BeganLater,
    /// Its generation is newer than the row's: a forgery, or the database was restored from a backup.
    Newer,
}

/// Why a session is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// Its user is disabled.
    Disabled,
    /// It is past its end, absolute or idle.
    Expired,
    /// Two holders use one chain of refresh tokens.
    Theft,
}

/// Judges a token by the session that it names. The order of the checks matters.
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
        // Without rotation, every generation up to the row's is valid.
        0.. if !policy.rotation => Verdict::TryAgain,
        0 if presented.began > session.rotated_at => Verdict::Refuse(RefuseReason::BeganLater),
        0 => Verdict::TryAgain,
        // An earlier version, which did not record when the previous generation began, may have rotated the session.
        1 if presented.began > session.rotated_at.max(session.previous_rotated_at.unwrap_or_default()) => {
            Verdict::Refuse(RefuseReason::BeganLater)
        }
        1 => judge_predecessor(session, presented, policy, age(session.rotated_at, *now)),
        2 => judge_older(session.previous_rotated_at.unwrap_or(presented.began), *now, policy.grace),
        3.. => judge_older(presented.began, *now, policy.grace),
    }
}

/// Judges a token when the order of requests is unclear: this server sent the rotation again because the first attempt
/// got no response, or the request may have waited while this server was suspended.
///
/// `None`: the earlier use of the token may be the client's own or another holder's. The session must not change, and
/// the client has to try again.
pub fn judge_unclear(
    snapshot: &SessionSnapshot,
    presented: &PresentedRefresh,
    policy: &RefreshPolicy,
) -> Option<Verdict> {
    let policy = RefreshPolicy { grace: policy.grace.max(MIN_UNCLEAR_GRACE), ..*policy };
    match judge(snapshot, presented, &policy) {
        Verdict::Forgive | Verdict::End(EndReason::Theft) => None,
        verdict => Some(verdict),
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

/// Judges a token older than the predecessor. A network may deliver an interrupted request seconds later, when newer
/// requests of the same client have rotated the session. Until the grace is over, such a token is not taken for stolen.
///
/// `since` is when the token was replaced or, if that is unknown, when its generation began, which is earlier.
fn judge_older(since: DateTime<Utc>, now: DateTime<Utc>, grace: TimeDelta) -> Verdict {
    let rest = grace - age(since, now);
    if rest > TimeDelta::zero() { Verdict::RetryAfter(rest) } else { Verdict::End(EndReason::Theft) }
}

/// The time since `since`. Zero if the clock was set back meanwhile.
fn age(since: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    (now - since).max(TimeDelta::zero())
}
