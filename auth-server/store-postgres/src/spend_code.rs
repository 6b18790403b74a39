//! Issues and spends a code, within the transaction of its verb.

use auth_domain::{ApplicationSession, CODE_LIFETIME, CodeKey, NewCode};
use auth_store::IssueCodeOutcome;
use chrono::{DateTime, Utc};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::open_application::{allowed_at, check_conditions, insert};
use crate::rows::interval;
use crate::session_rows::{SnapshotRow, load_snapshot};

/// What became of a code.
#[expect(clippy::large_enum_variant, reason = "a result is consumed where it arrives")]
pub(crate) enum Spent {
    /// It is spent for this session: by this call, or by an earlier one whose answer was lost.
    ForThis(SnapshotRow),
    /// It was spent before, for another session.
    ForOther(Uuid),
    /// It cannot be spent: a condition does not hold, or the session that it was spent for has ended.
    No,
}

/// Stores a code if its sign-in, its client and the consent exist. The lock on the user holds off a withdrawal of the
/// consent, and the update of the sign-in holds off its end. Both then delete the code.
pub(crate) async fn issue(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    code: &NewCode,
) -> Result<IssueCodeOutcome, Error> {
    let lock = sqlx::query!("select id from users where id = $1 for share", code.key.user_id.0);
    if lock.fetch_optional(&mut *transaction).await?.is_none() {
        return Ok(IssueCodeOutcome::Refused);
    }
    let using = sqlx::query!(
        "update sessions set last_used_at = statement_timestamp() + $1::interval
         where user_id = $2 and id = $3 and handle_hash is not null
           and (expires_at is null or expires_at > statement_timestamp() + $1::interval)",
        clock_offset,
        code.key.user_id.0,
        code.sign_in.0,
    );
    if using.execute(&mut *transaction).await?.rows_affected() == 0
        || allowed_at(transaction, clock_offset, code.key.user_id, &code.client_id).await?.is_none()
    {
        return Ok(IssueCodeOutcome::Refused);
    }
    let issue = sqlx::query!(
        "insert into codes (user_id, code_hash, client_id, sign_in_id, redirect_uri, challenge, scope, audience,
                            expires_at)
         values ($2, $3, $4, $5, $6, $7, $8, $9, statement_timestamp() + $1::interval + $10::interval)
         on conflict (user_id, code_hash) do nothing",
        clock_offset,
        code.key.user_id.0,
        code.key.hash.as_bytes().as_slice(),
        code.client_id.as_str(),
        code.sign_in.0,
        code.redirect_uri,
        code.challenge.as_bytes().as_slice(),
        code.scope.as_str(),
        code.audience,
        interval(CODE_LIFETIME),
    );
    issue.execute(transaction).await?;
    Ok(IssueCodeOutcome::Issued)
}

/// Spends a code and opens its session.
///
/// Of concurrent calls one marks the code; the others wait for it and then find the code spent. A session that this call
/// opened, when the verb was sent before and its answer was lost, is returned again.
pub(crate) async fn spend(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    key: &CodeKey,
    session: &ApplicationSession,
) -> Result<Spent, Error> {
    if let Some(opening) = check_conditions(transaction, clock_offset, session).await?
        && mark(transaction, opening.now, key, session).await?
    {
        return Ok(Spent::ForThis(insert(transaction, opening, session).await?));
    }
    let spent_for = sqlx::query_scalar!(
        "select spent_for from codes where user_id = $1 and code_hash = $2 and client_id = $3",
        key.user_id.0,
        key.hash.as_bytes().as_slice(),
        session.client_id.as_str(),
    );
    match spent_for.fetch_optional(&mut *transaction).await?.flatten() {
        Some(id) if id == session.key.id.0 => {
            let found = load_snapshot(transaction, clock_offset, session.key).await?;
            Ok(found.map_or(Spent::No, Spent::ForThis))
        }
        Some(id) => Ok(Spent::ForOther(id)),
        None => Ok(Spent::No),
    }
}

/// Marks an unspent code that expires after `now`. Returns whether it did.
async fn mark(
    transaction: &mut PgConnection,
    now: DateTime<Utc>,
    key: &CodeKey,
    session: &ApplicationSession,
) -> Result<bool, Error> {
    let mark = sqlx::query!(
        "update codes set spent_for = $1
         where user_id = $2 and code_hash = $3 and client_id = $4 and sign_in_id = $5 and spent_for is null
           and expires_at > $6",
        session.key.id.0,
        key.user_id.0,
        key.hash.as_bytes().as_slice(),
        session.client_id.as_str(),
        session.sign_in.0,
        now,
    );
    Ok(mark.execute(transaction).await?.rows_affected() > 0)
}
