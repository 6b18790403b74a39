//! What an operator does with scopes.

use std::sync::Arc;

use auth_domain::{OFFLINE_ACCESS, RegisteredScope};
use auth_store::{Store, StoreError};
use goptri::Scope;

use crate::error::{Failure, ManageScopeRefused};

/// The most characters of a description, which the consent page shows.
const MAX_DESCRIPTION_CHARS: usize = 200;

/// Adds, lists and removes scopes.
#[derive(Clone)]
pub struct ManageScopes {
    pub(crate) store: Arc<dyn Store>,
}

impl ManageScopes {
    /// Adds a scope, or replaces its description and its API.
    pub async fn put(&self, scope: &RegisteredScope) -> Result<(), Failure<ManageScopeRefused>> {
        let name = scope.name.as_str();
        if name == OFFLINE_ACCESS {
            return Err(Failure::Refused(ManageScopeRefused::BuiltIn));
        }
        if name.is_empty() || name.contains(' ') || Scope::parse(name).is_err() {
            return Err(Failure::Refused(ManageScopeRefused::Name));
        }
        let description = scope.description.trim();
        let length = description.chars().count();
        if !(1..=MAX_DESCRIPTION_CHARS).contains(&length) || description.contains(char::is_control) {
            return Err(Failure::Refused(ManageScopeRefused::Description));
        }
        self.store.put_scope(scope).await?;
        tracing::info!(scope = name, "scope added or changed");
        Ok(())
    }

    /// All scopes, ordered by name, without `offline_access`.
    pub async fn list(&self) -> Result<Vec<RegisteredScope>, StoreError> {
        self.store.list_scopes().await
    }

    /// Removes a scope. Sessions keep what they were granted.
    pub async fn remove(&self, name: &str) -> Result<(), Failure<ManageScopeRefused>> {
        if name == OFFLINE_ACCESS {
            return Err(Failure::Refused(ManageScopeRefused::BuiltIn));
        }
        if self.store.remove_scope(name).await? {
            Ok(())
        } else {
            Err(Failure::Refused(ManageScopeRefused::Unknown))
        }
    }
}
