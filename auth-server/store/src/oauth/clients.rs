//! The port to clients.

use async_trait::async_trait;
use auth_domain::{Client, ClientId, ClientSecret, Digest};

use crate::StoreError;

/// Stores the registered clients. There are few.
#[async_trait]
pub trait Clients: Send + Sync + 'static {
    /// Adds a client, unless its id is taken, also by one that is being removed. The database's clock sets `created_at`.
    async fn add_client(&self, client: &Client) -> Result<AddClientOutcome, StoreError>;

    /// Replaces everything about a client except `created_at`. Replaces its secrets only if it authenticated in another
    /// way before.
    async fn change_client(&self, client: &Client) -> Result<ChangeClientOutcome, StoreError>;

    /// Replaces the secrets of a client that authenticates with secrets if they still are `from`.
    async fn set_client_secrets(
        &self,
        id: &ClientId,
        from: &[Digest<ClientSecret>],
        to: &[Digest<ClientSecret>],
    ) -> Result<ChangeClientOutcome, StoreError>;

    /// The client with that id. `None`: there is none, or it is being removed.
    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError>;

    /// All clients, ordered by id. Includes a client whose removal was interrupted: remove it again.
    async fn list_clients(&self) -> Result<Vec<Client>, StoreError>;

    /// Disables a client, and records that its access tokens are revoked. After this, no code is issued for it or redeemed.
    /// It keeps its id until [`clear_removed_client`](Self::clear_removed_client) finds nothing more, so that no client
    /// with the same id gets what belonged to it.
    ///
    /// Disables it in a transaction of its own, so that every session that is opened for it is older than the entry of the
    /// feed. Another removal of a client with the same id, also of one that is disabled, replaces the entry by a later one,
    /// which readers of the feed get again.
    async fn remove_client(&self, id: &ClientId) -> Result<ChangeClientOutcome, StoreError>;

    /// Deletes at most `max` sessions, and as many codes and consents, of a client that was removed. Returns how many rows.
    /// Repeat until there are none: that call deletes the client.
    ///
    /// Records a revocation only for a session that was refreshed after [`remove_client`](Self::remove_client) had recorded
    /// the revocation of the client, by a request that had found the client before.
    async fn clear_removed_client(&self, id: &ClientId, max: u32) -> Result<u64, StoreError>;
}

/// The result of [`Clients::add_client`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddClientOutcome {
    /// Added.
    Added,
    /// Another client has this id. Nothing changed.
    IdTaken,
}

/// The result of the verbs that change a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeClientOutcome {
    /// Changed.
    Changed,
    /// There is no such client, or a condition of the verb does not hold. Nothing changed.
    Refused,
}
