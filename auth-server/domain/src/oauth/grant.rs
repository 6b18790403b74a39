//! What a user allowed a client.

use chrono::{DateTime, Utc};
use goptri::Scope;

use crate::{ClientId, UserId};

/// The consent of a user to a client. Withdrawing it ends the client's sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The user.
    pub user_id: UserId,
    /// The client.
    pub client_id: ClientId,
    /// Everything that was allowed.
    pub scope: Scope,
    /// The APIs for which it was allowed.
    pub resources: Vec<String>,
    /// When it was last extended.
    pub granted_at: DateTime<Utc>,
}

impl Grant {
    /// Whether it includes every word of `scope` for that API, so that the user need not be asked again.
    pub fn covers(&self, scope: &Scope, resource: &str) -> bool {
        scope.words().all(|word| self.scope.contains(word))
            && self.resources.iter().any(|known| known == resource)
    }
}
