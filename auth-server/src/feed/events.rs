//! The feed's server-sent events, as bytes.

use actix_web::web::Bytes;
use auth_store::{RevocationKind, RevocationRecord};
use chrono::{DateTime, TimeDelta, Utc};
use goptri::revocation::{
    Batch, CAUGHT_UP, Entry, EntryKind, HEARTBEAT, Heartbeat, KEYS, MAX_ENTRIES_PER_EVENT, REVOCATIONS,
};
use goptri::token::NumericDate;
use serde::Serialize;
use serde_json::json;

/// One or more whole events. Clones share the bytes.
pub(crate) type SseChunk = Bytes;

/// The wire form of a record, at the time `now` of the database.
pub(crate) fn entry(record: RevocationRecord, now: DateTime<Utc>) -> Entry {
    // Rounded up, so that no follower forgets an entry early.
    let remaining = record.expires_at - now + TimeDelta::milliseconds(999);
    Entry {
        kind: match record.kind {
            RevocationKind::Session => EntryKind::Session,
            RevocationKind::Token => EntryKind::Token,
            RevocationKind::Client => EntryKind::Client,
        },
        subject: record.subject,
        revoked_at: NumericDate::from(record.created_at),
        expires_in: u64::try_from(remaining.num_seconds()).unwrap_or_default(),
    }
}

/// Events with these entries, each within [`MAX_ENTRIES_PER_EVENT`].
pub(super) fn revocations(entries: Vec<RevocationRecord>, now: DateTime<Utc>) -> Vec<SseChunk> {
    let entries: Vec<Entry> = entries.into_iter().map(|record| entry(record, now)).collect();
    let batches = entries.chunks(MAX_ENTRIES_PER_EVENT);
    batches.map(|entries| event(REVOCATIONS, &Batch { entries: entries.to_vec() })).collect()
}

/// `caught-up`: every entry that was live when the subscriber registered has been sent.
pub(super) fn caught_up(heartbeat: Heartbeat) -> SseChunk {
    event(CAUGHT_UP, &heartbeat)
}

/// `heartbeat`: the age of the tail's last read.
pub(super) fn heartbeat(heartbeat: Heartbeat) -> SseChunk {
    event(HEARTBEAT, &heartbeat)
}

/// `keys`: the published keys have changed.
pub(super) fn keys() -> SseChunk {
    event(KEYS, &json!({}))
}

/// One event. Compact JSON contains no line break, so its data is one line.
fn event(name: &str, data: &impl Serialize) -> SseChunk {
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u32, left: TimeDelta) -> (RevocationRecord, DateTime<Utc>) {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let created_at = now - TimeDelta::milliseconds(1500);
        let kind = RevocationKind::Session;
        (RevocationRecord { kind, subject: number.to_string(), created_at, expires_at: now + left }, now)
    }

    #[test]
    fn the_remaining_seconds_are_rounded_up_and_never_negative() {
        for (millis, seconds) in [(-5, 0), (0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (7_500_000, 7_500)]
        {
            let (record, now) = record(1, TimeDelta::milliseconds(millis));
            let entry = entry(record, now);
            assert_eq!((entry.expires_in, entry.revoked_at.seconds()), (seconds, 1_799_999_998), "{millis}");
        }
    }

    #[test]
    fn no_event_exceeds_the_limit_and_no_entry_is_lost() {
        let (_, now) = record(0, TimeDelta::zero());
        let entries: Vec<_> = (0..1_201).map(|number| record(number, TimeDelta::minutes(1)).0).collect();
        let chunks = revocations(entries, now);
        let mut subjects = Vec::new();
        for chunk in &chunks {
            let text = std::str::from_utf8(chunk).unwrap();
            let data = text.strip_prefix("event: revocations\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
            let batch: Batch = serde_json::from_str(data).unwrap();
            assert!(!data.contains('\n') && batch.entries.len() <= 500);
            subjects.extend(batch.entries.into_iter().map(|entry| entry.subject));
        }
        assert_eq!((chunks.len(), subjects.len()), (3, 1_201));
        assert_eq!(revocations(Vec::new(), now), Vec::<SseChunk>::new());
    }
}
