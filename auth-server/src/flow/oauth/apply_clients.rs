//! Makes the clients of origin `file` those of a file: adds, changes and removes.

use std::collections::HashSet;

use auth_domain::{
    Client, ClientAuthentication, ClientId, ClientOrigin, ClientRegistration, ClientSecret, Digest,
};
use auth_store::ChangeClientOutcome;
use goptri_settings::Plain;

use super::ManageClients;
use crate::error::{Failure, ManageClientRefused};

/// A client of the file.
#[derive(Debug, Clone)]
pub struct WantedClient {
    /// The client. Its secrets, if [`secret`](Self::secret) is `Generated`, are not used.
    pub registration: ClientRegistration,
    /// Where its secrets come from.
    pub secret: WantedSecret,
}

/// Where the secrets of a client come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WantedSecret {
    /// The registration has the digests, or the client has no secrets.
    Listed,
    /// One is generated when the client is added, and then kept.
    Generated,
}

/// What happens to a client.
#[derive(Debug)]
pub struct ClientChange {
    /// The client.
    pub id: ClientId,
    /// What happens.
    pub kind: ChangeKind,
    /// The generated secret, which cannot be read again. `None` if none was generated, or nothing was changed.
    pub secret: Option<Plain<ClientSecret>>,
}

/// What happens to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is added.
    Added,
    /// These settings change.
    Changed(Vec<&'static str>),
    /// It is removed.
    Removed,
    /// It stays as it is.
    Unchanged,
}

/// A change to carry out.
struct Step {
    before: Option<Client>,
    after: Option<Client>,
    secret: WantedSecret,
}

impl ManageClients {
    /// Makes the clients of origin `file` those that are wanted, and returns every change. With `dry_run`, nothing
    /// changes. A second call with the same clients changes nothing.
    ///
    /// Everything is checked before anything changes. The changes are not one transaction: after a failure, apply
    /// again.
    pub async fn apply(
        &self,
        wanted: Vec<WantedClient>,
        dry_run: bool,
    ) -> Result<Vec<ClientChange>, Failure<ManageClientRefused>> {
        let steps = self.plan(wanted).await?;
        let mut changes = Vec::new();
        for step in steps {
            changes.push(if dry_run { step.change() } else { self.carry_out(step).await? });
        }
        Ok(changes)
    }

    async fn plan(&self, wanted: Vec<WantedClient>) -> Result<Vec<Step>, Failure<ManageClientRefused>> {
        let known = self.list().await?;
        let mut named = HashSet::new();
        let mut steps = Vec::new();
        for WantedClient { registration, secret } in wanted {
            let name = registration.id.as_str().to_owned();
            if !named.insert(name.clone()) {
                return Err(Failure::Refused(ManageClientRefused::TwiceInFile(name)));
            }
            let before = known.iter().find(|client| client.id == registration.id).cloned();
            if before.as_ref().is_some_and(|client| client.origin != ClientOrigin::File) {
                return Err(Failure::Refused(ManageClientRefused::AddedByOperator(name)));
            }
            let checked = self.check(registration).await;
            let mut after =
                checked.map_err(|failure| failure.map_refusal(|refused| refused.in_file(&name)))?;
            if let (WantedSecret::Generated, Some(before)) = (secret, &before)
                && let ClientAuthentication::Secret(secrets) = &before.authentication
            {
                after.authentication = ClientAuthentication::Secret(secrets.clone());
            }
            steps.push(Step { before, after: Some(after), secret });
        }
        let gone = known
            .into_iter()
            .filter(|client| client.origin == ClientOrigin::File && !named.contains(client.id.as_str()));
        let remove = |client| Step { before: Some(client), after: None, secret: WantedSecret::Listed };
        steps.extend(gone.map(remove));
        Ok(steps)
    }

    async fn carry_out(&self, step: Step) -> Result<ClientChange, Failure<ManageClientRefused>> {
        let mut change = step.change();
        match (&change.kind, step.before, step.after) {
            (ChangeKind::Added | ChangeKind::Changed(_), before, Some(mut after)) => {
                let has_secrets =
                    matches!(&after.authentication, ClientAuthentication::Secret(all) if !all.is_empty());
                if step.secret == WantedSecret::Generated && !has_secrets {
                    let secret = self.new_secret();
                    after.authentication = ClientAuthentication::Secret(vec![Digest::of(&secret)]);
                    change.secret = Some(secret);
                }
                self.write(before, after).await?;
            }
            (ChangeKind::Removed, ..) => self.remove(&change.id).await?,
            _ => {}
        }
        Ok(change)
    }

    async fn write(&self, before: Option<Client>, after: Client) -> Result<(), Failure<ManageClientRefused>> {
        let Some(before) = before else {
            let added = self.store.add_client(&after).await?;
            return if added == auth_store::AddClientOutcome::Added {
                Ok(())
            } else {
                Err(Failure::Refused(ManageClientRefused::IdTaken))
            };
        };
        if self.store.change_client(&after).await? == ChangeClientOutcome::Refused {
            return Err(Failure::Refused(ManageClientRefused::Changed));
        }
        if let (ClientAuthentication::Secret(from), ClientAuthentication::Secret(to)) =
            (&before.authentication, &after.authentication)
            && from != to
            && self.store.set_client_secrets(&after.id, from, to).await? == ChangeClientOutcome::Refused
        {
            return Err(Failure::Refused(ManageClientRefused::Changed));
        }
        Ok(())
    }
}

impl Step {
    fn change(&self) -> ClientChange {
        let (id, kind) = match (&self.before, &self.after) {
            (None, Some(after)) => (after.id.clone(), ChangeKind::Added),
            (Some(before), Some(after)) => (after.id.clone(), compared(before, after)),
            (Some(before), None) => (before.id.clone(), ChangeKind::Removed),
            (None, None) => (ClientId::built_in(), ChangeKind::Unchanged),
        };
        ClientChange { id, kind, secret: None }
    }
}

/// The settings in which two versions of a client differ.
fn compared(before: &Client, after: &Client) -> ChangeKind {
    let differ = [
        ("name", before.name != after.name),
        ("authentication", before.authentication != after.authentication),
        ("redirect_uris", before.redirect_uris != after.redirect_uris),
        ("scope", before.scope != after.scope),
        ("resources", before.resources != after.resources),
        ("first_party", before.first_party != after.first_party),
        ("implicit", before.implicit != after.implicit),
        ("rotation", before.rotation != after.rotation),
        ("home", before.home != after.home),
        ("logo", before.logo != after.logo),
        ("policy", before.policy != after.policy),
    ];
    let changed: Vec<_> = differ.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    if changed.is_empty() { ChangeKind::Unchanged } else { ChangeKind::Changed(changed) }
}
