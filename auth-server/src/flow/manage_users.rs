//! What an administrator does to people.

use std::sync::Arc;

use auth_domain::{
    Email, HashingCost, NewPassword, Password, PasswordRules, PasswordSetter, Role, User, UserId, UserName,
};
use auth_store::{ChangeOutcome, SetEmailOutcome, Store};
use goptri::ProtocolError;
use goptri_settings::Plain;

use super::{EMAIL_TAKEN, Failure, invalid_email, password_rejected};
use crate::entropy::SystemEntropy;
use crate::hashing::PasswordHasher;

const NO_SUCH_USER: ProtocolError =
    ProtocolError::new(404, "not_found", "Nobody goes by this e-mail address or id.");

/// Changes people by their names.
#[derive(Clone)]
pub struct ManageUsers {
    pub(crate) store: Arc<dyn Store>,
}

impl ManageUsers {
    /// The person of that e-mail address or id.
    pub async fn find(&self, name: &str) -> Result<User, Failure> {
        let name = UserName::parse(name).ok_or(NO_SUCH_USER)?;
        Ok(self.store.find_user(&name).await?.ok_or(NO_SUCH_USER)?)
    }

    /// Gives them these roles and no others, from their next refresh on.
    pub async fn set_roles(&self, user: UserId, roles: &[Role]) -> Result<(), Failure> {
        changed(user, "roles set", self.store.set_roles(user, roles).await?).map(|_| ())
    }

    /// Adds a role or removes one, and leaves the others as they are, also if they change at the same time. Returns the
    /// user's roles, which count from their next refresh.
    pub async fn change_roles(&self, user: &User, change: &RoleChange) -> Result<Vec<Role>, Failure> {
        let mut roles = user.roles.clone();
        loop {
            let changed_roles = change.apply(&roles);
            if self.store.replace_roles(user.id, &roles, &changed_roles).await? != ChangeOutcome::Refused {
                tracing::info!(user = %user.id, ?change, "roles changed");
                return Ok(changed_roles);
            }
            // Another administrator changed them in between, or the user is gone.
            let current = self.store.find_user(&UserName::Id(user.id)).await?.ok_or(NO_SUCH_USER)?;
            roles = current.roles;
        }
    }

    /// Gives the user another address, confirmed or not. Sessions go on; tokens have it from the next refresh.
    pub async fn set_email(&self, user: UserId, email: &str, verified: bool) -> Result<User, Failure> {
        let email = Email::parse(email).map_err(invalid_email)?;
        match self.store.set_email(user, &email, verified).await? {
            SetEmailOutcome::Set => {}
            SetEmailOutcome::EmailTaken => return Err(EMAIL_TAKEN.into()),
            SetEmailOutcome::UnknownUser => return Err(NO_SUCH_USER.into()),
        }
        tracing::info!(%user, verified, "address changed by an administrator");
        Ok(self.store.find_user(&UserName::Id(user)).await?.ok_or(NO_SUCH_USER)?)
    }

    /// Marks the address that the user has as confirmed.
    pub async fn confirm_email(&self, user: &User) -> Result<(), Failure> {
        changed(user.id, "address confirmed", self.store.confirm_email(user.id, &user.email.key()).await?)
            .map(|_| ())
    }

    /// Lets them sign in no more, ends all their sessions, and says how many there were.
    pub async fn disable(&self, user: UserId) -> Result<u64, Failure> {
        changed(user, "person disabled", self.store.disable_user(user).await?)
    }

    /// Lets them sign in again.
    pub async fn enable(&self, user: UserId) -> Result<(), Failure> {
        changed(user, "person enabled", self.store.enable_user(user).await?).map(|_| ())
    }

    /// Deletes them for good, ends all their sessions, and says how many there were.
    pub async fn delete(&self, user: UserId) -> Result<u64, Failure> {
        changed(user, "person deleted", self.store.delete_user(user).await?)
    }

    /// Gives them that password, ends all their sessions, and says how many there were.
    pub async fn set_password(
        &self,
        user: &User,
        password: &Plain<Password>,
        rules: PasswordRules,
    ) -> Result<u64, Failure> {
        let password = rules.check(password, &user.email).map_err(password_rejected)?;
        let hasher = PasswordHasher::new(1, HashingCost::CURRENT, Arc::new(SystemEntropy)).await?;
        let hash = hasher.hash(password).await?;
        let password = NewPassword { user_id: user.id, hash, setter: PasswordSetter::Administrator };
        changed(user.id, "password set by an administrator", self.store.set_password(&password).await?)
    }
}

/// What [`ManageUsers::change_roles`] changes.
#[derive(Debug)]
pub enum RoleChange {
    /// Adds these, after those that the user has.
    Add(Vec<Role>),
    /// Removes these.
    Remove(Vec<Role>),
}

impl RoleChange {
    fn apply(&self, roles: &[Role]) -> Vec<Role> {
        let mut roles = roles.to_vec();
        match self {
            Self::Add(added) => {
                for role in added {
                    if !roles.contains(role) {
                        roles.push(role.clone());
                    }
                }
            }
            Self::Remove(removed) => roles.retain(|role| !removed.contains(role)),
        }
        roles
    }
}

fn changed(user: UserId, what: &str, changing: ChangeOutcome) -> Result<u64, Failure> {
    match changing {
        ChangeOutcome::Changed { ended_sessions } => {
            tracing::info!(%user, ended_sessions, "{what}");
            Ok(ended_sessions)
        }
        ChangeOutcome::Refused => Err(NO_SUCH_USER.into()),
    }
}
