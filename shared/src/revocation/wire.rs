//! What is on the wire. No time in it needs clocks that agree: an entry says for how long it must be known, not
//! until when.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::NumericDate;

/// Where auth-server answers.
pub const PATH: &str = "/revocations";

/// The event whose data is a [`Batch`].
pub const REVOCATIONS: &str = "revocations";
/// The event whose data is a [`Heartbeat`]: everything that was live when the follower came has been sent.
pub const CAUGHT_UP: &str = "caught-up";
/// The event whose data is a [`Heartbeat`], [regularly](HEARTBEAT_EVERY), and at once when a follower comes: before [`CAUGHT_UP`] it
/// says when it was sent, by which others are seen to be late, and nothing about what is known.
pub const HEARTBEAT: &str = "heartbeat";
/// The event that says that the ring of keys has changed; its data is an empty object.
pub const KEYS: &str = "keys";

/// How often a heartbeat is sent.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(5);
/// No event has more entries.
pub const MAX_ENTRIES_PER_EVENT: usize = 500;
/// No page has more entries.
pub const MAX_ENTRIES_PER_PAGE: usize = 1_000;

/// What an entry ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A session: every token with this `sid`.
    Session,
    /// One token: the one with this `jti`.
    Token,
    /// A client: every token with this `client_id` that was issued until [`Entry::revoked_at`].
    Client,
}

/// One end. Unknown members are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What ended.
    pub kind: EntryKind,
    /// Which: a `sid`, a `jti`, or a `client_id`.
    pub subject: String,
    /// When, by the database's clock, as the `iat` of every token is.
    pub revoked_at: NumericDate,
    /// For how many seconds from now on anybody must still know it.
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
    /// How long ago, in milliseconds, auth-server last read from its database what was ended.
    pub age_ms: u64,
    /// For how many milliseconds it has been up, by its own monotonic clock. From this the follower sees how long the
    /// message lay in a buffer.
    pub uptime_ms: u64,
}

/// One page, for who asks from time to time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// At most [`MAX_ENTRIES_PER_PAGE`]; fewer mean that there is nothing more right now.
    pub entries: Vec<Entry>,
    /// What to ask with next.
    pub next: String,
    /// When it was read, by the database's clock.
    pub as_of: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_bytes_on_the_wire_are_these() {
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
        let page: Page = serde_json::from_value(page).unwrap();
        assert_eq!((page.entries.len(), page.as_of.timestamp()), (1, 1_800_000_000));
        assert_eq!(serde_json::to_value(page).unwrap()["as_of"], "2027-01-15T08:00:00Z");
    }

    #[test]
    fn what_is_not_an_entry_does_not_parse() {
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
