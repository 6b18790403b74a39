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
    /// What is allowed once the user has also allowed `scope` for `resources`: the words and the APIs of both.
    pub fn united(
        (scope, resources): (&Scope, Vec<String>),
        (more_scope, more_resources): (&Scope, &[String]),
    ) -> (Scope, Vec<String>) {
        let mut united = resources;
        for resource in more_resources {
            if !united.contains(resource) {
                united.push(resource.clone());
            }
        }
        (scope.union(more_scope), united)
    }

    /// Whether it includes every word of `scope` for that API, so that the user need not be asked again.
    ///
    /// A consent for several APIs covers nothing: it does not say which words were allowed for which of them.
    pub fn covers(&self, scope: &Scope, resource: &str) -> bool {
        self.resources == [resource] && scope.words().all(|word| self.scope.contains(word))
    }
}
