//! What an operator does with clients.

use std::sync::Arc;

use auth_domain::{
    Client, ClientAuthentication, ClientId, ClientRegistration, ClientSecret, Digest, Entropy, OFFLINE_ACCESS,
};
use auth_store::{AddClientOutcome, ChangeClientOutcome, Store, StoreError};
use goptri::clock::Clock;
use goptri_settings::Plain;

use crate::error::{Failure, ManageClientRefused};

/// Rows per statement.
const SLICE: u32 = 1_000;

/// Adds, changes and removes clients.
#[derive(Clone)]
pub struct ManageClients {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl ManageClients {
    /// A new id that no other client has.
    pub fn new_id(&self) -> ClientId {
        let mut bytes = [0; 15];
        self.entropy.fill(&mut bytes);
        ClientId::new(goptri::token::encode_base64url(bytes))
    }

    /// A new secret with 256 random bits (RT-01).
    pub fn new_secret(&self) -> Plain<ClientSecret> {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        Plain::new(goptri::token::encode_base64url(bytes))
    }

    /// Adds a client.
    pub async fn add(
        &self,
        registration: ClientRegistration,
    ) -> Result<Client, Failure<ManageClientRefused>> {
        let client = self.check(registration).await?;
        match self.store.add_client(&client).await? {
            AddClientOutcome::Added => {}
            AddClientOutcome::IdTaken => return Err(Failure::Refused(ManageClientRefused::IdTaken)),
        }
        tracing::info!(client = client.id.as_str(), "client added");
        self.find(&client.id).await
    }

    /// The client of a registration that follows the rules and asks for registered scopes only.
    pub(super) async fn check(
        &self,
        registration: ClientRegistration,
    ) -> Result<Client, Failure<ManageClientRefused>> {
        let client = registration
            .into_client(self.clock.now())
            .map_err(|invalid| Failure::Refused(ManageClientRefused::Invalid(invalid)))?;
        let scopes = self.store.list_scopes().await?;
        let is_known = |word: &str| word == OFFLINE_ACCESS || scopes.iter().any(|scope| scope.name == word);
        if let Some(word) = client.scope.words().find(|word| !is_known(word)) {
            return Err(Failure::Refused(ManageClientRefused::UnknownScope(word.to_owned())));
        }
        Ok(client)
    }

    /// All clients, ordered by id.
    pub async fn list(&self) -> Result<Vec<Client>, StoreError> {
        self.store.list_clients().await
    }

    /// The client with this id.
    pub async fn find(&self, id: &ClientId) -> Result<Client, Failure<ManageClientRefused>> {
        self.store.find_client(id).await?.ok_or(Failure::Refused(ManageClientRefused::Unknown))
    }

    /// Removes a client. Its access tokens are revoked immediately, and its sessions, codes and consents are deleted in
    /// slices.
    pub async fn remove(&self, id: &ClientId) -> Result<(), Failure<ManageClientRefused>> {
        if self.store.remove_client(id).await? == ChangeClientOutcome::Refused {
            return Err(Failure::Refused(ManageClientRefused::Unknown));
        }
        while self.store.clear_removed_client(id, SLICE).await? > 0 {}
        tracing::info!(client = id.as_str(), "client removed");
        Ok(())
    }

    /// Adds a second secret, so that the client can be changed over to it.
    pub async fn add_secret(
        &self,
        id: &ClientId,
    ) -> Result<(Client, Plain<ClientSecret>), Failure<ManageClientRefused>> {
        let secret = self.new_secret();
        let digest = Digest::of(&secret);
        let add = |old: &[Digest<ClientSecret>]| match old {
            [] => Ok(vec![digest]),
            [one] => Ok(vec![one.clone(), digest]),
            _ => Err(ManageClientRefused::TwoSecrets),
        };
        Ok((self.replace_secrets(id, add).await?, secret))
    }

    /// Drops the older of two secrets.
    pub async fn drop_old_secret(&self, id: &ClientId) -> Result<Client, Failure<ManageClientRefused>> {
        let drop = |old: &[Digest<ClientSecret>]| match old {
            [_, newer] => Ok(vec![newer.clone()]),
            _ => Err(ManageClientRefused::OneSecret),
        };
        self.replace_secrets(id, drop).await
    }

    async fn replace_secrets(
        &self,
        id: &ClientId,
        change: impl FnOnce(&[Digest<ClientSecret>]) -> Result<Vec<Digest<ClientSecret>>, ManageClientRefused>,
    ) -> Result<Client, Failure<ManageClientRefused>> {
        let mut client = self.find(id).await?;
        let ClientAuthentication::Secret(old) = &client.authentication else {
            return Err(Failure::Refused(ManageClientRefused::NoSecrets));
        };
        let new = change(old).map_err(Failure::Refused)?;
        if self.store.set_client_secrets(id, old, &new).await? == ChangeClientOutcome::Refused {
            return Err(Failure::Refused(ManageClientRefused::Changed));
        }
        tracing::info!(client = id.as_str(), secrets = new.len(), "secrets of the client changed");
        client.authentication = ClientAuthentication::Secret(new);
        Ok(client)
    }
}
