//! Refreshes the session of an application.

use std::sync::Arc;

use auth_domain::{Client, narrow_scope};
use auth_store::Store;
use goptri::Scope;

use super::ByRotation;
use super::grant_tokens::PresentedRefreshToken;
use crate::error::{Failure, GrantRefused, RefreshRefused};
use crate::flow::{IssuedTokens, Refresh};

/// Refreshes sessions of applications.
#[derive(Clone)]
pub(crate) struct RefreshApplication {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) refresh: ByRotation<Refresh>,
}

impl RefreshApplication {
    /// The next pair of tokens. `scope` leaves words out of this access token; the session keeps them (RT-08).
    pub(super) async fn run(
        &self,
        client: &Client,
        presented: &PresentedRefreshToken,
    ) -> Result<IssuedTokens, Failure<GrantRefused>> {
        let asked = presented.scope.as_deref().map(Scope::parse).transpose();
        let asked = asked.map_err(|_| GrantRefused::MalformedScope)?;
        self.check(client, presented, asked.as_ref()).await?;
        let narrow =
            |granted: &Scope| narrow_scope(granted, asked.as_ref(), &client.scope).unwrap_or_default();
        let refreshed =
            self.refresh.of(client).for_application(presented.token.expose(), client.id.clone(), narrow);
        refreshed.await.map_err(|failure| failure.map_refusal(GrantRefused::Refresh))
    }

    /// Refuses what the session does not permit before its token is rotated. Its scope and its API never change.
    async fn check(
        &self,
        client: &Client,
        presented: &PresentedRefreshToken,
        asked: Option<&Scope>,
    ) -> Result<(), Failure<GrantRefused>> {
        if asked.is_none() && presented.resources.is_empty() {
            return Ok(());
        }
        let Ok(token) = self.refresh.of(client).tokens.verify(presented.token.expose(), client.id.clone())
        else {
            // The refresh verifies the token again, and rejects it with the reason.
            return Ok(());
        };
        let found = self.store.find_session(token.key).await?;
        let Some(found) = found.filter(|found| found.session.client_id == client.id) else {
            return Ok(());
        };
        if found.session.jti_hash != token.jti_hash {
            return Err(GrantRefused::Refresh(RefreshRefused::UnknownSession).into());
        }
        narrow_scope(&found.session.scope, asked, &client.scope).map_err(GrantRefused::Scope)?;
        let is_for = |resource: &String| found.session.audience.contains(resource);
        if presented.resources.iter().all(is_for) { Ok(()) } else { Err(GrantRefused::Resource.into()) }
    }
}
