//! Authorization codes.

use async_trait::async_trait;
use auth_domain::{
    ApplicationSession, ClientId, CodeChallenge, CodeKey, NewCode, SessionId, SessionKey, StoredCode,
};
use auth_store::{Codes, IssueCodeOutcome, OpenApplicationOutcome, SpendOutcome, StoreError};
use chrono::{DateTime, Utc};
use goptri::Scope;
use uuid::Uuid;

use crate::PostgresStore;
use crate::open_application::open;
use crate::rows::corrupt;
use crate::spend_code::{Spent, issue, spend};

/// A code.
struct CodeRow {
    user_id: Uuid,
    client_id: String,
    sign_in_id: Uuid,
    redirect_uri: String,
    challenge: Vec<u8>,
    scope: String,
    audience: String,
    expires_at: DateTime<Utc>,
    spent_for: Option<Uuid>,
    now: DateTime<Utc>,
}

#[async_trait]
impl Codes for PostgresStore {
    async fn issue_code(&self, code: &NewCode) -> Result<IssueCodeOutcome, StoreError> {
        let code = code.clone();
        self.run_detached(move |store| {
            let code = code.clone();
            async move {
                store
                    .transact(async |transaction| issue(transaction, store.clock_offset(), &code).await)
                    .await
            }
        })
        .await
    }

    async fn find_code(&self, key: &CodeKey) -> Result<Option<StoredCode>, StoreError> {
        let found = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    CodeRow,
                    r#"select user_id, client_id, sign_in_id, redirect_uri, challenge, scope, audience, expires_at,
                              spent_for, statement_timestamp() + $1::interval as "now!"
                       from codes where user_id = $2 and code_hash = $3"#,
                    self.clock_offset(),
                    key.user_id.0,
                    key.hash.as_bytes().as_slice(),
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        found.map(StoredCode::try_from).transpose()
    }

    async fn spend_code(
        &self,
        key: &CodeKey,
        session: &ApplicationSession,
    ) -> Result<SpendOutcome, StoreError> {
        let (key, session, user_id) = (key.clone(), session.clone(), key.user_id);
        let spent = self.run_detached(move |store| {
            let (key, session) = (key.clone(), session.clone());
            async move {
                store
                    .transact(async |transaction| {
                        spend(transaction, store.clock_offset(), &key, &session).await
                    })
                    .await
            }
        });
        Ok(match spent.await? {
            Spent::ForThis(row) => SpendOutcome::Opened(row.try_into()?),
            Spent::ForOther(id) => SpendOutcome::AlreadySpent(SessionKey { user_id, id: SessionId(id) }),
            Spent::No => SpendOutcome::Refused,
        })
    }

    async fn open_application_session(
        &self,
        session: &ApplicationSession,
    ) -> Result<OpenApplicationOutcome, StoreError> {
        let session = session.clone();
        let opened = self.run_detached(move |store| {
            let session = session.clone();
            async move {
                store
                    .transact_once(async |transaction| {
                        open(transaction, store.clock_offset(), &session).await
                    })
                    .await
            }
        });
        match opened.await? {
            Some(row) => Ok(OpenApplicationOutcome::Opened(row.try_into()?)),
            None => Ok(OpenApplicationOutcome::Refused),
        }
    }

    async fn sweep_codes(&self, max: u32) -> Result<u64, StoreError> {
        self.sweep_old_codes(max).await
    }
}

impl TryFrom<CodeRow> for StoredCode {
    type Error = StoreError;

    fn try_from(row: CodeRow) -> Result<Self, StoreError> {
        // The id is the user's without the digest of the code, so that the message fits on a line.
        let corrupt = |what| corrupt("codes", row.user_id.to_string(), what);
        let challenge = row.challenge.try_into().map_err(|_| corrupt("challenge"))?;
        Ok(Self {
            client_id: ClientId::new(row.client_id),
            sign_in: SessionId(row.sign_in_id),
            redirect_uri: row.redirect_uri,
            challenge: CodeChallenge::from_bytes(challenge),
            scope: Scope::parse(&row.scope).map_err(|_| corrupt("scope"))?,
            audience: row.audience,
            expires_at: row.expires_at,
            spent_for: row.spent_for.map(SessionId),
            now: row.now,
        })
    }
}
