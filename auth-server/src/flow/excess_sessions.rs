//! Limits the sessions of each user.

use auth_domain::{MAX_SESSIONS, SessionKey};
use auth_store::Store;

use crate::error::CauseChain;

/// Ends what the user of `opened` has beyond [`MAX_SESSIONS`], except `opened`.
///
/// A sign-in is never rejected for them; otherwise a thief could lock the owner out. If ending them fails, the next
/// sign-in tries again.
pub(super) async fn end_excess_sessions(store: &dyn Store, opened: SessionKey) {
    let user = opened.user_id;
    match store.prune_excess(opened, MAX_SESSIONS).await {
        Ok(0) => {}
        Ok(ended) => {
            tracing::warn!(%user, ended, "the user has too many sessions; the least used were ended");
        }
        Err(error) => {
            let error = CauseChain(&error);
            tracing::warn!(%user, %error, "excess sessions were not ended; the next sign-in tries again");
        }
    }
}
