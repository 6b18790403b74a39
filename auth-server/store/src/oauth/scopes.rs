//! The port to the scopes that clients may ask for.

use async_trait::async_trait;
use auth_domain::RegisteredScope;

use crate::StoreError;

/// Stores the scopes that clients may ask for. There are few.
#[async_trait]
pub trait RegisteredScopes: Send + Sync + 'static {
    /// Adds a scope, or replaces the description and the API of the one with that name.
    async fn put_scope(&self, scope: &RegisteredScope) -> Result<(), StoreError>;

    /// All scopes, ordered by name.
    async fn list_scopes(&self) -> Result<Vec<RegisteredScope>, StoreError>;

    /// Removes a scope. Returns whether it existed. Sessions keep what they were granted.
    async fn remove_scope(&self, name: &str) -> Result<bool, StoreError>;
}
