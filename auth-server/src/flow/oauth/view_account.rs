//! What a user's account page shows: the devices, and the applications that have access.

use std::sync::Arc;

use auth_domain::{Client, ListedSession, OFFLINE_ACCESS, RegisteredScope};
use auth_store::{Store, StoreError};
use chrono::{DateTime, Utc};
use goptri::Scope;

use super::super::ListSessions;
use super::SignedIn;

/// Reads what the account page shows.
#[derive(Clone)]
pub(crate) struct ViewAccount {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sessions: ListSessions,
}

/// The devices and applications of a user.
#[derive(Debug)]
pub(crate) struct AccountOverview {
    /// Sessions of the user's own sign-ins: the one of this browser first, then the newest.
    pub(crate) devices: Vec<ListedSession>,
    /// Ordered by name.
    pub(crate) applications: Vec<AllowedApplication>,
}

/// An application that has access, or may get it without asking again.
#[derive(Debug)]
pub(crate) struct AllowedApplication {
    pub(crate) client: Client,
    /// What the operator says that it may do.
    pub(crate) permissions: Vec<String>,
    /// Whether it keeps its access when the user signs out.
    pub(crate) outlives_sign_in: bool,
    /// When the user allowed it, or first used it.
    pub(crate) allowed_at: DateTime<Utc>,
}

impl ViewAccount {
    /// The signed-in user's account.
    pub(crate) async fn run(&self, signed_in: &SignedIn) -> Result<AccountOverview, StoreError> {
        let sessions = self.all_sessions(signed_in).await?;
        let (mut devices, of_applications): (Vec<_>, Vec<_>) =
            sessions.into_iter().partition(|session| session.client_id.is_built_in());
        let this = signed_in.key.session.id;
        devices.sort_by_key(|device| (device.id != this, std::cmp::Reverse(device.created_at)));
        let applications = self.applications(signed_in, &of_applications).await?;
        Ok(AccountOverview { devices, applications })
    }

    async fn all_sessions(&self, signed_in: &SignedIn) -> Result<Vec<ListedSession>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.sessions.run(signed_in.user(), after).await?;
            all.extend(page.sessions);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Those that the user allowed, and those of the operator, for which no consent is recorded.
    async fn applications(
        &self,
        signed_in: &SignedIn,
        sessions: &[ListedSession],
    ) -> Result<Vec<AllowedApplication>, StoreError> {
        let grants = self.store.list_grants(signed_in.user()).await?;
        if grants.is_empty() && sessions.is_empty() {
            return Ok(Vec::new());
        }
        let scopes = self.store.list_scopes().await?;
        let mut applications = Vec::new();
        for client in self.store.list_clients().await? {
            let grant = grants.iter().find(|grant| grant.client_id == client.id);
            let first_session = sessions.iter().filter(|session| session.client_id == client.id);
            let first_session = first_session.map(|session| session.created_at).min();
            let Some(allowed_at) = grant.map(|grant| grant.granted_at).or(first_session) else { continue };
            // Without a grant, it may have everything that the operator registered for it.
            let scope = grant.map_or_else(|| client.scope.clone(), |grant| grant.scope.clone());
            applications.push(AllowedApplication {
                client,
                permissions: permissions(&scope, &scopes),
                outlives_sign_in: scope.contains(OFFLINE_ACCESS),
                allowed_at,
            });
        }
        applications.sort_by(|one, other| one.client.name.cmp(&other.client.name));
        Ok(applications)
    }
}

fn permissions(granted: &Scope, registered: &[RegisteredScope]) -> Vec<String> {
    let granted = registered.iter().filter(|scope| granted.contains(&scope.name));
    granted.map(|scope| scope.description.clone()).collect()
}
