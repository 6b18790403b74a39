//! What goes over the wire, as bytes.

use actix_web::web::Bytes;
use auth_store::{RevocationKind, RevocationRecord};
use chrono::{DateTime, TimeDelta, Utc};
use goptri::NumericDate;
use goptri::revocation::{
    Batch, CAUGHT_UP, Entry, EntryKind, HEARTBEAT, Heartbeat, KEYS, MAX_ENTRIES_PER_EVENT, REVOCATIONS,
};
use serde::Serialize;
use serde_json::json;

/// Whole events, ready to be sent; clones share the bytes.
pub(crate) type Piece = Bytes;

/// As a follower reads it, when the database's clock shows `now`.
pub(crate) fn entry(revoked: RevocationRecord, now: DateTime<Utc>) -> Entry {
    // Rounded up: nothing may be forgotten early.
    let left = revoked.expires_at - now + TimeDelta::milliseconds(999);
    Entry {
        kind: match revoked.kind {
            RevocationKind::Session => EntryKind::Session,
            RevocationKind::Token => EntryKind::Token,
            RevocationKind::Client => EntryKind::Client,
        },
        subject: revoked.subject,
        revoked_at: NumericDate::from(revoked.created_at),
        expires_in: u64::try_from(left.num_seconds()).unwrap_or_default(),
    }
}

/// Events with all of these entries, none larger than it may be.
pub(super) fn revocations(entries: Vec<RevocationRecord>, now: DateTime<Utc>) -> Vec<Piece> {
    let entries: Vec<Entry> = entries.into_iter().map(|revoked| entry(revoked, now)).collect();
    let batches = entries.chunks(MAX_ENTRIES_PER_EVENT);
    batches.map(|entries| event(REVOCATIONS, &Batch { entries: entries.to_vec() })).collect()
}

/// That all that was live when the subscriber came has been sent.
pub(super) fn caught_up(beat: Heartbeat) -> Piece {
    event(CAUGHT_UP, &beat)
}

/// That the feed is alive, and how old what it has read is.
pub(super) fn heartbeat(beat: Heartbeat) -> Piece {
    event(HEARTBEAT, &beat)
}

/// That the ring of keys has changed.
pub(super) fn keys() -> Piece {
    event(KEYS, &json!({}))
}

/// JSON has no line break in it, so the data is one line.
fn event(name: &str, data: &impl Serialize) -> Piece {
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revoked(seq: i64, left: TimeDelta) -> (RevocationRecord, DateTime<Utc>) {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let created_at = now - TimeDelta::milliseconds(1500);
        let kind = RevocationKind::Session;
        (RevocationRecord { seq, kind, subject: seq.to_string(), created_at, expires_at: now + left }, now)
    }

    #[test]
    fn what_is_left_is_rounded_up_and_never_negative() {
        for (millis, seconds) in [(-5, 0), (0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (7_500_000, 7_500)]
        {
            let (revoked, now) = revoked(1, TimeDelta::milliseconds(millis));
            let entry = entry(revoked, now);
            assert_eq!((entry.expires_in, entry.revoked_at.seconds()), (seconds, 1_799_999_998), "{millis}");
        }
    }

    #[test]
    fn no_event_has_more_entries_than_it_may_and_none_is_lost() {
        let (_, now) = revoked(0, TimeDelta::zero());
        let entries: Vec<_> = (0..1_201).map(|seq| revoked(seq, TimeDelta::minutes(1)).0).collect();
        let pieces = revocations(entries, now);
        let mut subjects = Vec::new();
        for piece in &pieces {
            let text = std::str::from_utf8(piece).unwrap();
            let data = text.strip_prefix("event: revocations\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
            let batch: Batch = serde_json::from_str(data).unwrap();
            assert!(!data.contains('\n') && batch.entries.len() <= 500);
            subjects.extend(batch.entries.into_iter().map(|entry| entry.subject));
        }
        assert_eq!((pieces.len(), subjects.len()), (3, 1_201));
        assert_eq!(revocations(Vec::new(), now), Vec::<Piece>::new());
    }
}
