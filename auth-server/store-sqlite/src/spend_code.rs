//! Issues and spends a code, within the transaction of its verb.

use auth_domain::{ApplicationSession, CODE_LIFETIME, CodeKey, NewCode};
use auth_store::IssueCodeOutcome;
use sqlx::{Error, SqliteConnection};
use uuid::Uuid;

use crate::open_application::{check_conditions, insert, is_allowed};
use crate::rows::Micros;
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

/// Stores a code if its sign-in, its client and the consent exist.
pub(crate) async fn issue(
    transaction: &mut SqliteConnection,
    now: Micros,
    code: &NewCode,
) -> Result<IssueCodeOutcome, Error> {
    let using = sqlx::query!(
        "update sessions set last_used_at = ?1
         where user_id = ?2 and id = ?3 and handle_hash is not null and (expires_at is null or expires_at > ?1)",
        now,
        code.key.user_id.0,
        code.sign_in.0,
    );
    if using.execute(&mut *transaction).await?.rows_affected() == 0
        || !is_allowed(transaction, code.key.user_id, &code.client_id).await?
    {
        return Ok(IssueCodeOutcome::Refused);
    }
    let (hash, client_id) = (code.key.hash.as_bytes().as_slice(), code.client_id.as_str());
    let (challenge, scope) = (code.challenge.as_bytes().as_slice(), code.scope.as_str());
    let expires_at = now.after(CODE_LIFETIME);
    let issue = sqlx::query!(
        "insert into codes (user_id, code_hash, client_id, sign_in_id, redirect_uri, challenge, scope, audience,
                            expires_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         on conflict (user_id, code_hash) do nothing",
        code.key.user_id.0,
        hash,
        client_id,
        code.sign_in.0,
        code.redirect_uri,
        challenge,
        scope,
        code.audience,
        expires_at,
    );
    issue.execute(transaction).await?;
    Ok(IssueCodeOutcome::Issued)
}

/// Spends a code and opens its session.
///
/// A session that this call opened, when the verb was sent before and its answer was lost, is returned again.
pub(crate) async fn spend(
    transaction: &mut SqliteConnection,
    now: Micros,
    key: &CodeKey,
    session: &ApplicationSession,
) -> Result<Spent, Error> {
    if let Some(sign_in) = check_conditions(transaction, now, session).await?
        && mark(transaction, now, key, session).await?
    {
        return Ok(Spent::ForThis(insert(transaction, now, sign_in, session).await?));
    }
    let (hash, client_id) = (key.hash.as_bytes().as_slice(), session.client_id.as_str());
    let spent_for = sqlx::query_scalar!(
        r#"select spent_for as "spent_for: Uuid" from codes where user_id = ?1 and code_hash = ?2 and client_id = ?3"#,
        key.user_id.0,
        hash,
        client_id,
    );
    match spent_for.fetch_optional(&mut *transaction).await?.flatten() {
        Some(id) if id == session.key.id.0 => {
            let found = load_snapshot(transaction, now, session.key).await?;
            Ok(found.map_or(Spent::No, Spent::ForThis))
        }
        Some(id) => Ok(Spent::ForOther(id)),
        None => Ok(Spent::No),
    }
}

/// Marks an unspent code that expires after `now`. Returns whether it did.
async fn mark(
    transaction: &mut SqliteConnection,
    now: Micros,
    key: &CodeKey,
    session: &ApplicationSession,
) -> Result<bool, Error> {
    let (hash, client_id) = (key.hash.as_bytes().as_slice(), session.client_id.as_str());
    let mark = sqlx::query!(
        "update codes set spent_for = ?1
         where user_id = ?2 and code_hash = ?3 and client_id = ?4 and sign_in_id = ?5 and spent_for is null
           and expires_at > ?6",
        session.key.id.0,
        key.user_id.0,
        hash,
        client_id,
        session.sign_in.0,
        now,
    );
    Ok(mark.execute(transaction).await?.rows_affected() > 0)
}
