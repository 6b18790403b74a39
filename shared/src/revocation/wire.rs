//! The wire format of the feed, specified in docs/feed.md. It needs no synchronised clocks: an entry carries its
//! remaining lifetime, not an expiry date.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::numeric_date::NumericDate;

/// The path of the feed at auth-server.
pub const FEED_PATH: &str = "/revocations";

/// The event whose data is a [`Batch`].
pub const REVOCATIONS: &str = "revocations";
/// The event whose data is a [`Heartbeat`]: every entry that was live at connection time has been sent.
pub const CAUGHT_UP: &str = "caught-up";
/// The event whose data is a [`Heartbeat`]: sent right after connecting and at least every [`HEARTBEAT_INTERVAL`].
/// Before [`CAUGHT_UP`] it only calibrates the transit delay and says nothing about completeness.
pub const HEARTBEAT: &str = "heartbeat";
/// The event that announces a change of the key ring. Its data is an empty object.
pub const KEYS: &str = "keys";

/// The maximum time between two heartbeats.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// The maximum number of entries in an event.
pub const MAX_ENTRIES_PER_EVENT: usize = 500;

/// The kind of thing that an entry revokes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A session: every token with this `sid`.
    Session,
    /// One token: the one with this `jti`.
    Token,
    /// A client: every token with this `client_id` that was issued up to [`Entry::revoked_at`].
    Client,
}

/// One revocation. Unknown members are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The kind of the subject.
    pub kind: EntryKind,
    /// A `sid`, a `jti` or a `client_id`.
    pub subject: String,
    /// The time of the revocation, by the database's clock, which is also the clock of every token's `iat`.
    pub revoked_at: NumericDate,
    /// The number of seconds, from arrival, for which the entry must be kept.
    pub expires_in: u64,
}

/// The data of [`REVOCATIONS`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// At most [`MAX_ENTRIES_PER_EVENT`].
    pub entries: Vec<Entry>,
}

/// The data of [`CAUGHT_UP`] and [`HEARTBEAT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Milliseconds since auth-server last read the revocations from its database.
    pub age_ms: u64,
    /// Milliseconds since auth-server started, by its monotonic clock. From this the follower derives how long the
    /// message spent in buffers.
    pub uptime_ms: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::revocation::FeedPage;

    #[test]
    fn the_wire_format_does_not_change() {
        let entry = Entry {
            kind: EntryKind::Session,
            subject: "0193b3a4-0000-7000-8000-000000000002".into(),
            revoked_at: serde_json::from_str("1800000000").unwrap(),
            expires_in: 7_500,
        };
        let batch =
            Batch { entries: vec![entry.clone(), Entry { kind: EntryKind::Client, ..entry.clone() }] };
        assert_eq!(
            serde_json::to_string(&batch).unwrap(),
            r#"{"entries":[{"kind":"session","subject":"0193b3a4-0000-7000-8000-000000000002","revoked_at":1800000000,"expires_in":7500},{"kind":"client","subject":"0193b3a4-0000-7000-8000-000000000002","revoked_at":1800000000,"expires_in":7500}]}"#
        );
        assert_eq!(
            serde_json::to_string(&Heartbeat { age_ms: 7, uptime_ms: 60_000 }).unwrap(),
            r#"{"age_ms":7,"uptime_ms":60000}"#
        );
        let page = json!({ "entries": [entry], "next": "1.2.3", "as_of": "2027-01-15T08:00:00Z", "more": 1 });
        let page: FeedPage = serde_json::from_value(page).unwrap();
        assert_eq!((page.entries.len(), page.as_of.timestamp()), (1, 1_800_000_000));
        assert_eq!(serde_json::to_value(page).unwrap()["as_of"], "2027-01-15T08:00:00Z");
    }

    #[test]
    fn a_malformed_entry_does_not_parse() {
        let good = json!({ "kind": "token", "subject": "x", "revoked_at": 1, "expires_in": 1, "new": [] });
        assert_eq!(serde_json::from_value::<Entry>(good.clone()).unwrap().kind, EntryKind::Token);
        for (member, value) in [
            ("kind", json!("planet")),
            ("kind", json!("Token")),
            ("subject", json!(7)),
            ("revoked_at", json!("1")),
            ("revoked_at", json!(-1)),
            ("expires_in", json!(-1)),
            ("expires_in", json!(1.5)),
            ("expires_in", json!(null)),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            assert!(serde_json::from_value::<Entry>(bad.clone()).is_err(), "{bad}");
        }
    }
}
