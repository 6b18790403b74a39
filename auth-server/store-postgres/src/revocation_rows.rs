//! Rows of `revocations`.

use auth_store::{RevocationKind, RevocationRecord, StoreError};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::rows::corrupt;

/// A revocation.
pub(crate) struct RevokedRow {
    pub(crate) user_id: Uuid,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

impl TryFrom<RevokedRow> for RevocationRecord {
    type Error = StoreError;

    fn try_from(row: RevokedRow) -> Result<Self, StoreError> {
        let kind = RevocationKind::parse(&row.kind)
            .ok_or_else(|| corrupt("revocations", row.subject.clone(), "kind"))?;
        let RevokedRow { subject, created_at, expires_at, .. } = row;
        Ok(Self { kind, subject, created_at, expires_at })
    }
}
