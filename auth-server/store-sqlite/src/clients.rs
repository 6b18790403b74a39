//! Clients.

use async_trait::async_trait;
use auth_domain::{Client, ClientId, ClientSecret, Digest};
use auth_store::{AddClientOutcome, ChangeClientOutcome, Clients, StoreError};
use sqlx::{Error, SqliteConnection};

use crate::SqliteStore;
use crate::client_rows::{AuthenticationColumns, ClientRow, redirect_uris, secrets};
use crate::rows::{Micros, json};

#[async_trait]
impl Clients for SqliteStore {
    async fn add_client(&self, client: &Client) -> Result<AddClientOutcome, StoreError> {
        let added = self
            .writer
            .with_connection_once(async |connection| add(connection, self.now(), client).await)
            .await?;
        Ok(if added == 0 { AddClientOutcome::IdTaken } else { AddClientOutcome::Added })
    }

    async fn change_client(&self, client: &Client) -> Result<ChangeClientOutcome, StoreError> {
        let changed = self.writer.transact(async |transaction| change(transaction, client).await);
        Ok(changed_or_refused(changed.await?))
    }

    async fn set_client_secrets(
        &self,
        id: &ClientId,
        from: &[Digest<ClientSecret>],
        to: &[Digest<ClientSecret>],
    ) -> Result<ChangeClientOutcome, StoreError> {
        let (id, from, to) = (id.as_str(), secrets(from), secrets(to));
        let changed = self
            .writer
            .with_connection_once(async |connection| {
                let set = sqlx::query!(
                    "update clients set secrets = ?3
                     where id = ?1 and auth_method = 'client_secret' and secrets = ?2 and disabled_at is null",
                    id,
                    from,
                    to,
                );
                Ok::<_, Error>(set.execute(connection).await?.rows_affected())
            })
            .await?;
        Ok(changed_or_refused(changed))
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let id = id.as_str();
        let found = self
            .readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    ClientRow,
                    "select id, name, auth_method, secrets, jwks, redirect_uris, scope, resources, first_party, implicit,
                            rotation, home, logo, policy, origin, created_at
                     from clients where id = ?1 and disabled_at is null",
                    id,
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        found.map(Client::try_from).transpose()
    }

    async fn list_clients(&self) -> Result<Vec<Client>, StoreError> {
        let rows = self
            .readers
            .with_connection(async |connection| {
                sqlx::query_as!(
                    ClientRow,
                    "select id, name, auth_method, secrets, jwks, redirect_uris, scope, resources, first_party, implicit,
                            rotation, home, logo, policy, origin, created_at
                     from clients order by id",
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(Client::try_from).collect()
    }

    async fn remove_client(&self, id: &ClientId) -> Result<ChangeClientOutcome, StoreError> {
        let removed = self.remove(id).await?;
        Ok(changed_or_refused(removed))
    }

    async fn clear_removed_client(&self, id: &ClientId, max: u32) -> Result<u64, StoreError> {
        self.clear_client(id, max).await
    }
}

async fn add(connection: &mut SqliteConnection, now: Micros, client: &Client) -> Result<u64, Error> {
    let AuthenticationColumns { method, secrets, jwks } = (&client.authentication).into();
    let (id, scope, origin) = (client.id.as_str(), client.scope.as_str(), client.origin.as_str());
    let redirect_uris = redirect_uris(client);
    let resources = json(client.resources.iter().map(String::as_str));
    let add = sqlx::query!(
        "insert into clients (id, name, auth_method, secrets, jwks, redirect_uris, scope, resources, first_party, implicit,
                              rotation, home, logo, policy, origin, created_at)
         values (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?1)
         on conflict (id) do nothing",
        now,
        id,
        client.name,
        method,
        secrets,
        jwks,
        redirect_uris,
        scope,
        resources,
        client.first_party,
        client.implicit,
        client.rotation,
        client.home,
        client.logo,
        client.policy,
        origin,
    );
    Ok(add.execute(connection).await?.rows_affected())
}

/// Uses two statements, so that the secrets change only with the way in which the client authenticates. Returns how
/// many clients changed: one or none.
async fn change(transaction: &mut SqliteConnection, client: &Client) -> Result<u64, Error> {
    let AuthenticationColumns { method, secrets, jwks } = (&client.authentication).into();
    let (id, scope, origin) = (client.id.as_str(), client.scope.as_str(), client.origin.as_str());
    let redirect_uris = redirect_uris(client);
    let resources = json(client.resources.iter().map(String::as_str));
    let authenticate = sqlx::query!(
        "update clients set auth_method = ?2, secrets = ?3
         where id = ?1 and auth_method <> ?2 and disabled_at is null",
        id,
        method,
        secrets,
    );
    authenticate.execute(&mut *transaction).await?;
    let change = sqlx::query!(
        "update clients
         set name = ?2, jwks = ?3, redirect_uris = ?4, scope = ?5, resources = ?6, first_party = ?7, implicit = ?8,
             rotation = ?9, home = ?10, logo = ?11, policy = ?12, origin = ?13
         where id = ?1 and disabled_at is null",
        id,
        client.name,
        jwks,
        redirect_uris,
        scope,
        resources,
        client.first_party,
        client.implicit,
        client.rotation,
        client.home,
        client.logo,
        client.policy,
        origin,
    );
    Ok(change.execute(transaction).await?.rows_affected())
}

fn changed_or_refused(rows: u64) -> ChangeClientOutcome {
    if rows == 0 { ChangeClientOutcome::Refused } else { ChangeClientOutcome::Changed }
}
