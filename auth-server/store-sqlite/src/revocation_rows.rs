//! Rows of `revocations`.

use auth_store::{RevocationKind, RevocationRecord, StoreError};

use crate::rows::{Micros, corrupt};

/// A revocation.
pub(crate) struct RevokedRow {
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) created_at: Micros,
    pub(crate) expires_at: Micros,
}

impl TryFrom<RevokedRow> for RevocationRecord {
    type Error = StoreError;

    fn try_from(row: RevokedRow) -> Result<Self, StoreError> {
        let corrupt = |what| corrupt("revocations", row.seq.to_string(), what);
        let time = |micros: Micros, what| micros.time().ok_or_else(|| corrupt(what));
        Ok(Self {
            kind: RevocationKind::parse(&row.kind).ok_or_else(|| corrupt("kind"))?,
            created_at: time(row.created_at, "created_at")?,
            expires_at: time(row.expires_at, "expires_at")?,
            subject: row.subject,
        })
    }
}
