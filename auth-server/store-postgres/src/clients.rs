//! Clients.

use async_trait::async_trait;
use auth_domain::{Client, ClientId, ClientSecret, Digest};
use auth_store::{AddClientOutcome, ChangeClientOutcome, Clients, StoreError};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};

use crate::PostgresStore;
use crate::client_rows::{AuthenticationColumns, ClientRow, redirect_uris, secrets};

#[async_trait]
impl Clients for PostgresStore {
    async fn add_client(&self, client: &Client) -> Result<AddClientOutcome, StoreError> {
        let added = self
            .pool
            .with_connection_once(async |connection| add(connection, self.clock_offset(), client).await)
            .await?;
        Ok(if added == 0 { AddClientOutcome::IdTaken } else { AddClientOutcome::Added })
    }

    async fn change_client(&self, client: &Client) -> Result<ChangeClientOutcome, StoreError> {
        let client = client.clone();
        let changed = self.run_detached(move |store| {
            let client = client.clone();
            async move { store.transact(async |transaction| change(transaction, &client).await).await }
        });
        Ok(changed_or_refused(changed.await?))
    }

    async fn set_client_secrets(
        &self,
        id: &ClientId,
        from: &[Digest<ClientSecret>],
        to: &[Digest<ClientSecret>],
    ) -> Result<ChangeClientOutcome, StoreError> {
        let (from, to) = (secrets(from), secrets(to));
        let changed = self
            .pool
            .with_connection_once(async |connection| {
                let set = sqlx::query!(
                    "update clients set secrets = $3
                     where id = $1 and auth_method = 'client_secret' and secrets = $2 and disabled_at is null",
                    id.as_str(),
                    &from,
                    &to,
                );
                Ok::<_, Error>(set.execute(connection).await?.rows_affected())
            })
            .await?;
        Ok(changed_or_refused(changed))
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        let found = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    ClientRow,
                    "select id, name, auth_method, secrets, jwks, redirect_uris, scope, resources, first_party, implicit,
                            rotation, home, logo, policy, origin, created_at
                     from clients where id = $1 and disabled_at is null",
                    id.as_str(),
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        found.map(Client::try_from).transpose()
    }

    async fn list_clients(&self) -> Result<Vec<Client>, StoreError> {
        let rows = self
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    ClientRow,
                    r#"select id, name, auth_method, secrets, jwks, redirect_uris, scope, resources, first_party, implicit,
                              rotation, home, logo, policy, origin, created_at
                       from clients order by id collate "C""#,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(Client::try_from).collect()
    }

    async fn remove_client(&self, id: &ClientId) -> Result<ChangeClientOutcome, StoreError> {
        let id = id.clone();
        let removed = self.run_detached(move |store| {
            let id = id.clone();
            async move { store.remove(&id).await }
        });
        Ok(changed_or_refused(removed.await?))
    }

    async fn clear_removed_client(&self, id: &ClientId, max: u32) -> Result<u64, StoreError> {
        self.clear_client(id, max).await
    }
}

async fn add(connection: &mut PgConnection, clock_offset: PgInterval, client: &Client) -> Result<u64, Error> {
    let AuthenticationColumns { method, secrets, jwks } = (&client.authentication).into();
    let add = sqlx::query!(
        "insert into clients (id, name, auth_method, secrets, jwks, redirect_uris, scope, resources, first_party, implicit,
                              rotation, home, logo, policy, origin, created_at)
         values ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, statement_timestamp() + $1::interval)
         on conflict (id) do nothing",
        clock_offset,
        client.id.as_str(),
        client.name,
        method,
        &secrets,
        jwks,
        &redirect_uris(client),
        client.scope.as_str(),
        &client.resources,
        client.first_party,
        client.implicit,
        client.rotation,
        client.home.as_deref(),
        client.logo.as_deref(),
        client.policy.as_deref(),
        client.origin.as_str(),
    );
    Ok(add.execute(connection).await?.rows_affected())
}

/// Uses two statements, so that the secrets change only with the way in which the client authenticates. Returns how
/// many clients changed: one or none.
async fn change(transaction: &mut PgConnection, client: &Client) -> Result<u64, Error> {
    let AuthenticationColumns { method, secrets, jwks } = (&client.authentication).into();
    let authenticate = sqlx::query!(
        "update clients set auth_method = $2, secrets = $3
         where id = $1 and auth_method <> $2 and disabled_at is null",
        client.id.as_str(),
        method,
        &secrets,
    );
    authenticate.execute(&mut *transaction).await?;
    let change = sqlx::query!(
        "update clients
         set name = $2, jwks = $3, redirect_uris = $4, scope = $5, resources = $6, first_party = $7, implicit = $8,
             rotation = $9, home = $10, logo = $11, policy = $12, origin = $13
         where id = $1 and disabled_at is null",
        client.id.as_str(),
        client.name,
        jwks,
        &redirect_uris(client),
        client.scope.as_str(),
        &client.resources,
        client.first_party,
        client.implicit,
        client.rotation,
        client.home.as_deref(),
        client.logo.as_deref(),
        client.policy.as_deref(),
        client.origin.as_str(),
    );
    Ok(change.execute(transaction).await?.rows_affected())
}

fn changed_or_refused(rows: u64) -> ChangeClientOutcome {
    if rows == 0 { ChangeClientOutcome::Refused } else { ChangeClientOutcome::Changed }
}
