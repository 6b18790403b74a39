//! Of the revocation feed: its cursor, and whose record it reads.

use super::{Break, Catch, Edit, POSTGRES_STORE, SQLITE_STORE};

const POSTGRES_REVOCATIONS: &str = "auth-server/store-postgres/src/revocations.rs";
const SQLITE_REVOCATIONS: &str = "auth-server/store-sqlite/src/revocations.rs";
const STARTS_OVER: &str = "conformance::recording::a_cursor_that_this_database_never_gave_starts_over";
const PROMOTED: &str = "lives::who_reads_on_at_a_standby_that_was_promoted_starts_over";
const LIFE_ENDED: &str =
    "lives::a_cursor_ends_with_the_life_of_its_server_whether_that_is_started_anew_or_recovers";
const LATE_COMMIT: &[Catch] = &[Catch {
    suite: POSTGRES_STORE,
    test: "conformance::recording::what_commits_late_is_read_all_the_same",
    says: &["what committed late is missing"],
}];

pub(super) const BREAKS: &[Break] = &[
    Break {
        name: "the feed's cursor is the highest that was read",
        edits: &[Edit {
            file: POSTGRES_REVOCATIONS,
            find: "_ => Place { database_id, life, horizon: None, tx: horizon, seq: i64::MIN },",
            replace: "Some(last) => Place { database_id, life, horizon: None, tx: last.tx.parse().unwrap_or(0), seq: last.seq },
            None => Place { database_id, life, horizon: None, tx: horizon, seq: i64::MIN },",
        }],
        caught_by: LATE_COMMIT,
    },
    Break {
        name: "the feed's cursor goes back by a minute",
        edits: &[Edit {
            file: POSTGRES_REVOCATIONS,
            find: "where (t.tx, t.seq) > ($2::text::xid8, $3::bigint) and t.expires_at > c.now",
            replace: "where (t.tx, t.seq) > ($2::text::xid8, $3::bigint) and t.expires_at > c.now
                             and ($2::text = '0' or t.created_at > c.now - interval '1 minute')",
        }],
        caught_by: LATE_COMMIT,
    },
    Break {
        name: "a cursor from the future is believed",
        edits: &[
            Edit {
                file: POSTGRES_REVOCATIONS,
                find: "&& reached <= self.horizon",
                replace: "&& (true || reached <= self.horizon)",
            },
            Edit {
                file: SQLITE_REVOCATIONS,
                find: "&& place.seq <= self.last_seq",
                replace: "&& (true || place.seq <= self.last_seq)",
            },
        ],
        caught_by: &[
            Catch { suite: POSTGRES_STORE, test: STARTS_OVER, says: &["left == right"] },
            Catch { suite: SQLITE_STORE, test: STARTS_OVER, says: &["left == right"] },
        ],
    },
    Break {
        name: "a cursor of another server is believed",
        edits: &[Edit { file: POSTGRES_REVOCATIONS, find: " && place.life == self.life", replace: "" }],
        caught_by: &[
            Catch { suite: POSTGRES_STORE, test: PROMOTED, says: &["it did not start over"] },
            Catch { suite: POSTGRES_STORE, test: LIFE_ENDED, says: &["after a crash it did not start over"] },
        ],
    },
    Break {
        name: "a server that has recovered from a crash leads the same life",
        edits: &[Edit {
            file: POSTGRES_REVOCATIONS,
            find: "pg_stat_get_bgwriter_stat_reset_time()",
            replace: "null",
        }],
        caught_by: &[Catch {
            suite: POSTGRES_STORE,
            test: LIFE_ENDED,
            says: &["after a crash it did not start over"],
        }],
    },
    Break {
        name: "a standby is read",
        edits: &[Edit { file: POSTGRES_REVOCATIONS, find: "if first.standby {", replace: "if false {" }],
        caught_by: &[Catch { suite: POSTGRES_STORE, test: PROMOTED, says: &["a standby was read"] }],
    },
];
