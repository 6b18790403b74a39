//! What an administrator does to people.

use std::sync::Arc;

use auth_domain::{
    HashingCost, NewPassword, Password, PasswordRules, PasswordSetter, Role, User, UserId, UserName,
};
use auth_store::{ChangeOutcome, Store};
use goptri::ProtocolError;
use goptri_settings::Plain;

use super::{Failure, password_rejected};
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
        let hasher = PasswordHasher::new(1, HashingCost::TODAY, Arc::new(SystemEntropy)).await?;
        let hash = hasher.hash(password).await?;
        let password = NewPassword { user_id: user.id, hash, setter: PasswordSetter::Administrator };
        changed(user.id, "password set by an administrator", self.store.set_password(&password).await?)
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
